"""A static site: the page, and the API's answers as plain files, which any web server shows without birdsat.

The same code makes the answers that the server sends, so the numbers are the same. JSON gets the ending .json; arrays
are not compressed, as most servers would not say that they are. Records of sensitive taxa are left out.
"""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from birdsat.errors import ConfigError, InputError
from birdsat.explorer.answers import to_json
from birdsat.explorer.place import EXPECTED
from birdsat.explorer.routes.models import places_of
from birdsat.explorer.routes.site import BASEMAP, about_of, page_files
from birdsat.explorer.served_model import ServedModel
from birdsat.explorer.state import State
from birdsat.files import write_atomic
from birdsat.progress import QUIET, Progress

MOST_BYTES = 25_000_000  # of a file, which is what free hosts take
STATIC_MARK = '<meta name="birdsat-static" content="1">'
_INDEX = "index.html"


def export_site(state: State, out: Path, progress: Progress = QUIET) -> tuple[Path, ...]:
    """Write the site of all models into a new folder; the files, the first page first.

    Raises InputError where a file would be too large, ConfigError without a model.
    """
    listed = list(state.site.listed())
    if not listed:
        raise ConfigError("there is no model to show; name one that `birdsat fit` made.", settings=("ranges",))
    files: list[Path] = []

    def write(name: str, data: bytes) -> None:
        if len(data) > MOST_BYTES:
            raise InputError(
                f"{name} would have {len(data) / 1e6:,.0f} MB, and files of a site at most {MOST_BYTES / 1e6:.0f}; "
                "take a model of fewer cells, such as one fitted in a box.",
                settings=("export",),
            )
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
        files.append(path)

    page = page_files()
    for name, path in sorted(page.items(), key=lambda one: one[0] != _INDEX):
        write(name, _marked(path.read_bytes()) if name == _INDEX else path.read_bytes())
    if not page:
        progress.note("this birdsat was installed without the explorer's page: the site has its data alone.")
    write("v1/basemap.jpg", BASEMAP.read_bytes())
    write("v1/about.json", to_json(about_of(state, static=True)))
    models = [state.site.model(served.id) for served in listed]
    write("v1/models.json", to_json([_without_server(model.listed) for model in models]))
    for model in models:
        for name, data in _files_of(model, progress):
            write(name, data)
    return tuple(files)


def _marked(page: bytes) -> bytes:
    text = page.decode("utf-8")
    if "<head>" not in text:
        raise InputError("the page's index.html has no <head>; build it again (`npm run build` in web/).")
    return text.replace("<head>", f"<head>{STATIC_MARK}", 1).encode("utf-8")


def _files_of(model: ServedModel, progress: Progress) -> Iterator[tuple[str, bytes]]:
    base = f"v1/models/{model.id}"
    yield f"{base}/grid.json", to_json(model.grid())
    yield f"{base}/cells.bin", gzip.decompress(model.cells_bytes())
    if (effort := model.effort_bytes()) is not None:
        yield f"{base}/effort.bin", gzip.decompress(effort)
    yield f"{base}/taxa.json", to_json(model.taxa("", len(model.facts.taxa)))
    with progress.bar("writing maps", len(model.facts.taxa), unit="taxa") as bar:
        for key, taxon in model.keys.items():
            said = _without_server(model.map(taxon))
            yield f"{base}/maps/{key}.json", to_json(said)
            for name, layer in said["layers"].items():
                if layer is not None and name != "effort":
                    packed = model.layer(taxon, name)
                    assert packed is not None
                    yield f"{base}/maps/{key}/{name}.bin", gzip.decompress(packed)
            if said["records_url"] is not None:
                yield f"{base}/records/{key}.json", to_json(model.records.of(taxon, coarse=False))
            bar.advance()
    said = _without_server(model.richness)
    yield f"{base}/richness.json", to_json(said)
    for name, layer in said["layers"].items():
        if layer is not None and name != "effort":
            packed = model.richness_layer(name)
            assert packed is not None
            yield f"{base}/richness/{name}.bin", gzip.decompress(packed)
    yield f"{base}/places.json", to_json({**places_of(model), "expected": EXPECTED})
    for block in range(model.place_blocks()):
        yield f"{base}/places/{block}.bin", gzip.decompress(model.place_block(block))


def _without_server(said: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only a server can give, and with JSON's ending where the page is led to some."""
    kept = {**said}
    if "downloads" in kept:
        kept["downloads"] = None
    if kept.get("records_url"):
        kept["records_url"] = f"{kept['records_url']}.json"
    return kept
