"""What a child process may be asked to do, by name. Heavy imports come with the verb."""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birdsat.errors import BirdsatError, ConfigError, ImageError, InputError
from birdsat.explorer.names import (
    CHECKED_FILE,
    DROPPED_FILE,
    LOCATED_CELLS_FILE,
    LOCATED_FILE,
    POINTS_FILE,
    READ_AS_FILE,
    RECORDS_FILE,
    THUMB_FILE,
)
from birdsat.files import write_atomic
from birdsat.progress import Progress, WithoutNotes

if TYPE_CHECKING:
    from birdsat.workflows.clean_records import RecordsResult

Work = Callable[[Mapping[str, Any], Progress], Mapping[str, Any]]
THUMB_PX = 512
_MOST_PIXELS = 200_000_000  # of a photo, more than any camera's
_MOST_LISTED = 5000  # taxa of a table
_MOST_PLACES = 10  # that a photo is most likely from
_MOST_POINTS = 20_000  # of a scatter


def check(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Read a table, and list what becomes of its rows. asked: folder, file, name, upload, columns, crs."""
    from birdsat.explorer.answers import to_json
    from birdsat.explorer.shown_points import shown_points
    from birdsat.observations.occurrences import read_occurrences

    with _in_folder(asked["folder"], asked["file"], asked["name"]):
        found = _clean(asked, progress)
        points = shown_points(read_occurrences([Path(CHECKED_FILE)]) if found.records else None)
        write_atomic(Path(POINTS_FILE), to_json(points))
    return {
        "rows": found.rows,
        "kept": found.records,
        "dropped": _by_count(found.dropped),
        "noted": _by_count(found.noted),
        "taxa": sorted(
            ({"taxon": taxon, "records": count} for taxon, count in found.taxa.items()),
            key=lambda one: (-int(str(one["records"])), str(one["taxon"])),
        )[:_MOST_LISTED],
        "taxa_in_all": len(found.taxa),
        "records_url": f"v1/uploads/{asked['upload']}/records.json",
        "dropped_url": f"v1/uploads/{asked['upload']}/dropped.csv",
    }


def _clean(asked: Mapping[str, Any], progress: Progress) -> "RecordsResult":
    """Write the records of the table as it is to be read, and remember how that was."""
    from birdsat.workflows.clean_records import clean_records
    from birdsat.workflows.requests.records import RecordsRequest

    how = _reading(asked)
    Path(READ_AS_FILE).unlink(missing_ok=True)
    request = RecordsRequest(tables=(asked["file"],), out=CHECKED_FILE, dropped=DROPPED_FILE, overwrite=True, **how)
    found = clean_records(request, progress)
    write_atomic(Path(READ_AS_FILE), json.dumps(how))
    return found


def _reading(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of how the table is read."""
    return {"columns": list(asked.get("columns", ())), "crs": asked.get("crs")}


def _was_read(how: Mapping[str, Any]) -> bool:
    """Whether the records beside the table were read in the same way."""
    with suppress(OSError, ValueError):
        return Path(CHECKED_FILE).is_file() and json.loads(Path(READ_AS_FILE).read_text("utf-8")) == how
    return False


def _by_count(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"reason": reason, "rows": rows} for reason, rows in sorted(counts.items(), key=lambda one: -one[1])]


def fit(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Fit to a table that was sent. asked: folder, file, name, out (of the new model), taxa, columns, crs,
    trust_places."""
    import shutil

    from birdsat.ranges.facts import SETTINGS_FILE
    from birdsat.workflows.fit_ranges import fit_ranges
    from birdsat.workflows.requests.ranges import FitRequest

    out, how = Path(asked["out"]), _reading(asked)
    trust: bool = asked.get("trust_places", False)
    if not (out / SETTINGS_FILE).is_file():
        shutil.rmtree(out, ignore_errors=True)  # of a fit that was stopped
    with _in_folder(asked["folder"], asked["file"], asked["name"]):
        if not _was_read(how):
            _clean(asked, progress)
        taxa = tuple(asked["taxa"])
        fit_ranges(FitRequest(tables=(asked["file"],), out=out, taxa=taxa, trust_places=trust, **how), progress)
        shutil.copyfile(CHECKED_FILE, out / RECORDS_FILE)
    return {}


def download(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Make a file of a taxon's map. asked: ranges, region (or None), taxon, months, threshold, ending, out (a folder,
    which may hold what was made before)."""
    from birdsat.workflows.map_report import report_map
    from birdsat.workflows.map_taxon import map_taxon
    from birdsat.workflows.range_products import make_ranges
    from birdsat.workflows.requests.maps import MapRequest
    from birdsat.workflows.requests.products import RangeRequest, ReportRequest

    out, ending = Path(asked["out"]), asked["ending"]
    request = MapRequest(
        taxon=(asked["taxon"],),
        ranges=asked["ranges"],
        region=asked["region"],
        months=tuple(asked["months"]),
        also=("csv",) if ending == "csv" else (),
        picture=ending == "png",
        out=out / {"csv": "table", "png": "picture"}.get(ending, "map"),
    )
    quiet = WithoutNotes(progress)
    tif = map_taxon(request, quiet).maps[0].files[0]
    if ending in ("tif", "png", "csv"):
        return {"file": str(tif.with_suffix(f".{ending}"))}
    ranges = out / f"range-{asked['threshold'] or 'max_sss'}" / f"{tif.stem}.gpkg"
    if not ranges.is_file():
        ranges.parent.mkdir(parents=True, exist_ok=True)
        asked_range = RangeRequest(maps=(tif,), threshold=asked["threshold"] or "max_sss", out=ranges, overwrite=True)
        try:
            make_ranges(asked_range, quiet)
        except InputError:
            if ending == "gpkg":
                raise
    if ending == "gpkg":
        return {"file": str(ranges)}
    report = ReportRequest(
        map=tif, ranges=ranges if ranges.is_file() else None, out=ranges.with_suffix(".html"), overwrite=True
    )
    return {"file": str(report_map(report, quiet).file)}


def thumb(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Make a small picture of a photo. asked: folder, file, name."""
    with _in_folder(asked["folder"], asked["file"], asked["name"]):
        write_thumb(Path(asked["file"]), Path(THUMB_FILE))
    return {}


def write_thumb(photo: Path, out: Path) -> None:
    """A JPEG of at most THUMB_PX, turned as its camera said. Raises ImageError for what is not a photo."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, _MOST_PIXELS
    try:
        with Image.open(photo) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ImageError(
                    f"{photo} has {image.width} x {image.height} pixels; allowed: {_MOST_PIXELS:,} in all."
                )
            image.draft("RGB", (THUMB_PX, THUMB_PX))
            small = image if image.mode in ("RGB", "L") else image.convert("RGB")
            small.thumbnail((THUMB_PX, THUMB_PX))  # before all else: each copy of a large photo is 800 MB
            small = ImageOps.exif_transpose(small).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{photo} cannot be read as a photo; send a JPEG or PNG.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = usual  # of whatever else this process reads
    made = io.BytesIO()
    small.save(made, "JPEG", quality=82)  # without what the camera wrote beside the picture, such as the place
    write_atomic(out, made.getvalue())


def identify(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Name photos. asked: run, ranges, region, imagery, photos (upload, folder, file, name), place, date."""
    import tempfile

    from birdsat.embeddings.regions.folder_region import open_region
    from birdsat.training.run_folder import load_run
    from birdsat.workflows.registry import VERBS as OF_BIRDSAT

    verb = OF_BIRDSAT["identify"]
    ask: Callable[..., Any] = verb.request
    photos = {str(Path(one["folder"]) / one["file"]): one for one in asked["photos"]}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "names.jsonl"
        settings: dict[str, Any] = {name: asked[name] for name in ("ranges", "region", "imagery") if asked.get(name)}
        if not asked.get("ranges") and asked.get("region"):
            try:
                open_region(Path(asked["region"]), load_run(Path(asked["run"])))
            except ConfigError as error:  # it serves the maps; the run knows nothing of it
                progress.note(f"named by the image alone: {error}")
                del settings["region"]
        if asked.get("place"):
            settings["place"] = tuple(asked["place"])
        if asked.get("date"):
            settings["date"] = asked["date"]
        verb(ask(run=asked["run"], photos=tuple(photos), out=(out,), top=5, **settings), progress)
        with out.open(encoding="utf-8") as lines:  # whose words may hold what str.splitlines takes for an end
            rows = [json.loads(line) for line in lines]
    said = []
    for row in rows:
        one = photos[str(row["photo"])]
        folder_of = Path(one["folder"])
        with suppress(ImageError, OSError):
            write_thumb(folder_of / one["file"], folder_of / THUMB_FILE)
        thumb_url = f"v1/uploads/{one['upload']}/thumb.jpg"
        said.append({**row, "photo": one["name"], "upload": one["upload"], "thumb_url": thumb_url})
    return {"photos": said}


def locate(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Say where a photo may have been taken. asked: run, ranges, region, month, sharpest_km, and a photo."""
    import tempfile

    import numpy as np

    from birdsat.earth.place import KM_PER_DEGREE
    from birdsat.explorer.arrays import MISSING, STEPS, to_bytes
    from birdsat.explorer.where_cells_lie import grid_answer
    from birdsat.maps.map_file import MapFile
    from birdsat.workflows.locate import locate_photos
    from birdsat.workflows.requests.maps import LocateRequest

    folder = Path(asked["folder"])
    with tempfile.TemporaryDirectory() as out, _in_folder(asked["folder"], asked["file"], asked["name"]):
        request = LocateRequest(
            run=asked["run"],
            photos=(Path(asked["file"]),),
            ranges=asked["ranges"],
            region=asked["region"],
            month=asked["month"],
            out=out,
        )
        result = locate_photos(request, progress)
        (tif,) = Path(out).glob("*.tif")
        with MapFile(tif) as found:
            grid, values = found.description.grid, found.read().value[0].reshape(-1)
    cells = np.flatnonzero(np.isfinite(values))
    known = values[cells]
    top = float(known.max(initial=0.0)) or 1.0
    write_atomic(folder / LOCATED_FILE, to_bytes(known, top).tobytes())
    write_atomic(folder / LOCATED_CELLS_FILE, np.concatenate([[len(cells)], cells]).astype("<i4").tobytes())
    base, said = f"v1/uploads/{asked['upload']}", result.to_dict()
    where = grid_answer(grid, len(cells), f"{base}/{LOCATED_CELLS_FILE}")
    side = max(asked["sharpest_km"], where["cell_deg"] * KM_PER_DEGREE)
    # By the number that is shown beside them; `birdsat locate` ranks by how likely a cell is for its area.
    best = np.argsort(-known, kind="stable")[:_MOST_PLACES]
    places = zip(grid.centres(cells[best]).tolist(), known[best].tolist(), strict=True)
    return {
        "model": None,
        "estimates": [{**one, "photo": asked["name"]} for one in said["estimates"]],
        "places": [
            {
                "rank": rank,
                "lon": lon,
                "lat": lat,
                "probability": probability,
                "chip_url": f"v1/chip.png?lon={lon:.4f}&lat={lat:.4f}&km={side:.0f}&px=128",
            }
            for rank, ((lon, lat), probability) in enumerate(places, start=1)
        ],
        "grid": where,
        "layer": {
            "url": f"{base}/{LOCATED_FILE}",
            "dtype": "uint8",
            "scale": top / STEPS,
            "missing": MISSING,
            "months": 1,
        },
    }


def scatter(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Embed the photos of a dataset, and lay them out in two dimensions. asked: run, dataset, out (a folder)."""
    import numpy as np

    from birdsat.dataset.row_groups import Dataset
    from birdsat.embeddings.embed import embed_blocks
    from birdsat.explorer.scatter_files import ScatterFiles
    from birdsat.observations.observation import SPLITS
    from birdsat.training.run_folder import load_run

    run, dataset = load_run(Path(asked["run"])), Dataset(Path(asked["dataset"]))
    vectors, rows, labels, first = [], [], [], 0
    for split in SPLITS:
        seen = 0
        if dataset.rows(split):
            for block in embed_blocks(run, dataset, split, progress=progress):
                there = np.flatnonzero(block.has_photo)
                vectors.append(block.photo[there])
                rows.append(there + first + seen)
                labels.append(np.asarray(block.labels)[there])
                seen += len(block)
                if sum(map(len, rows)) >= _MOST_POINTS:
                    break
        first += dataset.rows(split)
    if not sum(map(len, rows)):
        raise InputError(f"{dataset.folder} has no photos to lay out; name a dataset that has some.")
    photos = np.concatenate(vectors)[:_MOST_POINTS]
    points = photos - photos.mean(axis=0, dtype=np.float64)
    _, _, directions = np.linalg.svd(points.T @ points)
    directions *= np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])[:, None]
    flat = points @ directions[:2].T
    flat /= np.abs(flat).max() or 1.0
    numbers = (np.concatenate(part)[:_MOST_POINTS] for part in (rows, labels))
    ScatterFiles(folder=Path(asked["out"])).write(photos, flat, *numbers)
    return {"scatter_url": "v1/dataset/scatter"}


@contextmanager
def _in_folder(folder: str, file: str, name: str) -> Iterator[None]:
    """Work in a folder, where tables are called by their names alone; errors call the file as its owner does."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    except BirdsatError as error:
        error.args = (str(error).replace(file, name), *error.args[1:])
        raise
    finally:
        os.chdir(before)


VERBS: dict[str, Work] = {
    "check": check,
    "fit": fit,
    "download": download,
    "thumb": thumb,
    "identify": identify,
    "locate": locate,
    "scatter": scatter,
}
