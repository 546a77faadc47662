"""Whether what is asked for was made already: a fingerprint of the request and its inputs is kept beside what it made.

So a verb that is started again over its finished output is done, also on a disk that may not be written.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from birdsat.earth.read_polygons import SUFFIXES as AREA_SUFFIXES
from birdsat.embeddings.regions.manifest import REGION_FILE
from birdsat.embeddings.regions.world import WORLD_FOLDER, remembered_path
from birdsat.embeddings.regions.world_files import WORLD_FILE
from birdsat.embeddings.taxa import TAXA_FILE
from birdsat.errors import InputError
from birdsat.files import file_sha256
from birdsat.imagery.open_imagery import open_imagery
from birdsat.observations.taxonomies.open_checklist import find_checklist
from birdsat.ranges.covariates.named import NamedCovariate
from birdsat.ranges.facts import SETTINGS_FILE, WEIGHTS_FILE, remembered_region
from birdsat.training.run_folder import CONFIG_FILE, MODEL_FILE
from birdsat.workflows.requests.request import Request

# What changes no number: where files go, which of them, and by how many processes.
_WITHOUT_EFFECT = ("out", "overwrite", "workers", "also", "picture")
_IN_ANY_ORDER = ("taxon", "taxa")
# What a folder of ours stands for: whoever replaces one of these makes another input of it.
_OF_A_FOLDER = (REGION_FILE, SETTINGS_FILE, WEIGHTS_FILE, CONFIG_FILE, MODEL_FILE, TAXA_FILE)
# What is read of any other, such as an unpacked archive: tables and descriptions, and none of its photos.
_READ = (".csv", ".tsv", ".txt", ".gz", ".parquet", ".xml", ".zip", ".xlsx", *AREA_SUFFIXES)
_SHAPEFILE, _BESIDE = ".shp", (".shx", ".prj")  # what else is read of one: where its shapes are, and its CRS
_PACKAGE_FILE = "datapackage.json"  # stands for the tables beside it


def request_fingerprint(request: Request, without: Collection[str] = ()) -> str:
    """Of the settings of a request and the content of the files it names; two of one fingerprint make the same.

    without: settings that have no part in it, beside those that change no number. Imagery is known by its name and
    size, as of a region. The cells that are meant where no region is named, the built-in world's or those that a range
    model remembers, are an input too. What is not there is not asked for here: what reads it says so.
    """
    sha256 = cache(file_sha256)  # a table may be named for several things
    names = {field.name for field in dataclasses.fields(request)}
    settings = {
        name: [
            (part.name, sha256(part)) if isinstance(part, Path) else part
            for part in _inputs(name, getattr(request, name))
        ]
        for name in sorted(names.difference(_WITHOUT_EFFECT, without))
    }
    if settings.get("region") == [None]:
        settings["region"] = [sha256(part) for part in _remembered(getattr(request, "ranges", None))]
    digest = hashlib.sha256(json.dumps([type(request).__name__, settings], sort_keys=True).encode())
    return digest.hexdigest()[:32]


def _inputs(name: str, value: object) -> Iterator[object]:
    """A setting as JSON has it, or the files that it stands for: they are what they hold, not where they lie."""
    if isinstance(value, tuple | list):
        for one in sorted(value) if name in _IN_ANY_ORDER else value:
            yield from _inputs(name, one)
    elif isinstance(value, Path):
        yield from _files(value)
    elif name in ("taxonomy", "follows") and isinstance(value, str):
        yield value
        try:
            yield from _files(find_checklist(value)[0])
        except InputError:  # there is no such list
            return
    elif name == "covariates" and isinstance(value, str):
        asked = NamedCovariate.parse(value)
        yield from (asked.name, asked.column, asked.categorical, *_files(asked.path))
    elif name == "imagery" and isinstance(value, str):
        yield from (value, open_imagery(value).file_bytes)
    else:
        yield value


def _files(path: Path) -> Iterator[object]:
    folder = path.parent if path.name == _PACKAGE_FILE else path
    if folder.is_dir():
        ours = [folder / name for name in _OF_A_FOLDER if (folder / name).is_file()]
        yield from ours or sorted(one for one in folder.iterdir() if one.is_file() and one.suffix.lower() in _READ)
    else:
        yield path if path.is_file() else str(path)
        if path.suffix.lower() == _SHAPEFILE:
            yield from (part for suffix in _BESIDE if (part := path.with_suffix(suffix)).is_file())


def _remembered(ranges: Path | str | None) -> Iterator[Path]:
    """The file that tells the cells where no region is named: those of a range model, or the built-in world's."""
    if ranges is None:
        yield WORLD_FOLDER / WORLD_FILE
    elif (way := remembered_region(Path(ranges))) and (path := remembered_path(way, Path(ranges))).is_file():
        yield path
