"""A run or a range model as a repository: what is published of it, and how a copy is known to be whole."""

import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from birdsat.embeddings.taxa import TAXA_FILE
from birdsat.errors import CheckpointError, ConfigError, HubError, InputError
from birdsat.fetch.hub import HubAddress, download, upload
from birdsat.files import file_sha256, write_atomic
from birdsat.observations.taxonomy import Taxon
from birdsat.ranges.facts import SETTINGS_FILE, WEIGHTS_FILE
from birdsat.ranges.load import load_ranges
from birdsat.reading import read_json
from birdsat.tasks.identify.image_scores import PROBE_FILE
from birdsat.training.manifest import RUN_FILE, load_run_manifest
from birdsat.training.run_folder import CARD_FILE, CONFIG_FILE, DATASET_FILE, MODEL_FILE, load_run
from birdsat.workflows.hub_card import CLASSIFY_FILE, RETRIEVE_FILE, ranges_card, run_card

SUMS_FILE = "hub.json"
LABELS_FILE = "labels.json"
SCHEMA_VERSION = 1
# Not what `birdsat identify` compares photos with (gallery.safetensors, and all that is fitted to it): it is of single
# photos of the training set.
_RUN_FILES = (CONFIG_FILE, DATASET_FILE, RUN_FILE, TAXA_FILE, PROBE_FILE, CLASSIFY_FILE, RETRIEVE_FILE, MODEL_FILE)
_RANGE_FILES = (SETTINGS_FILE, WEIGHTS_FILE)
KNOWN_FILES = (*_RUN_FILES, *_RANGE_FILES, CARD_FILE, LABELS_FILE, SUMS_FILE)
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[/\\~]")


def publish(
    source: Path, address: HubAddress, *, private: bool = False, token: str | None = None, message: str = ""
) -> HubAddress:
    """Upload a run or a range model; the address of the commit. Raises what `make_publication` and `upload` raise."""
    with tempfile.TemporaryDirectory(prefix="birdsat-") as folder:  # beside the source one may not write
        make_publication(source, Path(folder), address)
        return upload(Path(folder), address, private=private, token=token, message=message)


def fetch_published(address: HubAddress) -> Path:
    """The folder of a published model, whole; from the cache where it is there.

    Files whose checksums are others than hub.json says are fetched once more. Raises HubError where they are so still,
    and what `download` raises.
    """
    folder = download(address, KNOWN_FILES)
    if damaged := _damaged(folder):
        folder = download(address, KNOWN_FILES, anew=True)
        damaged = _damaged(folder)
    if damaged:
        raise HubError(
            f"{address} is damaged: {', '.join(damaged)} in {folder} are not as {SUMS_FILE} says. Ask its owner to "
            "publish it again, or take another revision."
        )
    return folder


def make_publication(source: Path, out: Path, address: HubAddress) -> None:
    """Write all that is published of a run or a range model into a folder.

    Raises CheckpointError where it is neither, or unfinished or damaged, and ConfigError for a range model that learned
    from covariates, whose files stay behind.
    """
    is_ranges = (source / SETTINGS_FILE).is_file()
    labels, taxonomy = _copy_ranges(source, out, address) if is_ranges else _copy_run(source, out, address)
    first, _, follows = taxonomy.partition(", from ")
    authority, _, version = first.partition(" ")
    named = {"authority": authority, "version": version} | ({"from": follows} if follows else {})
    write_atomic(
        out / LABELS_FILE,
        _json({"taxonomy": named if authority else None, "labels": [asdict(taxon) for taxon in labels]}),
    )
    sums = {path.name: file_sha256(path) for path in sorted(out.iterdir())}
    write_atomic(out / SUMS_FILE, _json({"schema_version": SCHEMA_VERSION, "sha256": sums}))


def _copy_run(source: Path, out: Path, address: HubAddress) -> tuple[Sequence[Taxon], str]:
    """Copy a run's files, write its card; its taxa, and the list that they are of."""
    run = load_run(source)  # finished, and whole
    for name in _RUN_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)
    manifest = None
    with suppress(CheckpointError):  # of an earlier birdsat
        manifest = load_run_manifest(source)
    for name in (CONFIG_FILE, RUN_FILE):
        if (out / name).is_file():
            write_atomic(out / name, _json(without_folders(read_json(out / name))))
    if manifest is not None:
        manifest = load_run_manifest(out)
    write_atomic(out / CARD_FILE, run_card(run, manifest, address))
    known = {} if manifest is None else {taxon.name: taxon for taxon in manifest.dataset.taxa}
    taxa = [known.get(name) or Taxon(name=name) for name in run.taxa]
    return taxa, "" if manifest is None else manifest.dataset.named_by


def _copy_ranges(source: Path, out: Path, address: HubAddress) -> tuple[Sequence[Taxon], str]:
    model = load_ranges(source)
    facts = model.facts
    if facts.rasters:
        raise ConfigError(
            f"{source} learned from covariates ({', '.join(raster.name for raster in facts.rasters)}), which are not "
            "published with it, and says nothing without them; fit one without covariates."
        )
    for name in _RANGE_FILES:
        shutil.copyfile(source / name, out / name)
    write_atomic(out / SETTINGS_FILE, _json(without_folders(read_json(out / SETTINGS_FILE))))
    write_atomic(out / CARD_FILE, ranges_card(model, address))
    names = facts.common_names or ("",) * len(facts.taxa)
    taxa = [Taxon(name=name, common_name=common) for name, common in zip(facts.taxa, names, strict=True)]
    return taxa, facts.taxonomy


def without_folders(value: Any) -> Any:
    """JSON values in which paths from the root of this machine are their last part: where things lay is nobody's
    business, and what they are called says what was learned from."""
    if isinstance(value, dict):
        return {name: without_folders(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_folders(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if value.startswith("birdsat "):
        with suppress(ValueError):  # quotes that are not closed
            return shlex.join(map(_last_part, shlex.split(value)))
    return _last_part(value)


def _last_part(word: str) -> str:
    option, equals, rest = word.partition("=") if word.startswith("--") else ("", "", word)
    if _ABSOLUTE.match(rest) and not rest.startswith("//"):
        rest = re.split(r"[/\\]", rest.rstrip("/\\"))[-1]
    return f"{option}{equals}{rest}"


def _damaged(folder: Path) -> list[str]:
    """Files that are missing or not as hub.json says; a folder without hub.json, uploaded by hand, says nothing."""
    if not (folder / SUMS_FILE).is_file():
        return []
    try:
        sums = read_json(folder / SUMS_FILE)["sha256"]
        return [name for name in _plain(sums) if not _is(folder / name, sums[name])]
    except (InputError, LookupError, TypeError, AttributeError):
        return [SUMS_FILE]


def _plain(names: Iterable[str]) -> list[str]:
    """Of the names in hub.json those that are published: nothing else is downloaded."""
    return sorted(set(names) & set(KNOWN_FILES))


def _is(path: Path, sha256: object) -> bool:
    return path.is_file() and file_sha256(path) == sha256


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
