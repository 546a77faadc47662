"""`birdsat.load`: whatever a folder holds, known by its marker file."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from birdsat.api.hub import fetch
from birdsat.api.model import Model
from birdsat.dataset.manifest import MANIFEST_FILE
from birdsat.dataset.row_groups import Dataset
from birdsat.earth.box import Box
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.manifest import REGION_FILE
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import open_world
from birdsat.errors import InputError
from birdsat.fetch.hub import SCHEME
from birdsat.ranges.facts import SETTINGS_FILE
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.training.run_folder import CONFIG_FILE, load_run

if TYPE_CHECKING:
    import xarray

Loaded = Model | RangeModel | Region | Dataset

_ON_THE_HUB = re.compile(r"hf://?(.*)")  # a Path has one / of the two

_OPENERS: dict[str, Callable[[Path], Loaded]] = {  # by the file that such a folder has
    SETTINGS_FILE: load_ranges,
    REGION_FILE: open_region,
    MANIFEST_FILE: Dataset,
    CONFIG_FILE: lambda path: Model(load_run(path)),
}


def load(folder: str | Path) -> Loaded:
    """Open a folder that birdsat wrote: a run or a classifier as `Model`, a range model, a region, or a dataset.

    Or a model on the Hugging Face hub, hf://user/name or hf://user/name@revision, a branch, a tag or a commit; what was
    downloaded once is taken from the cache where the hub cannot be reached, if it is whole.

    Raises InputError for a path that is none of these, and what opening raises for one that is unfinished, damaged, or
    of a newer birdsat: CheckpointError for runs and range models, DatasetError for regions and datasets, HubError for
    what the hub does not have or give.

        >>> birdsat.load(run)
        <birdsat.Model CveMae of 1 taxa: ...>
    """
    path = fetch(f"{SCHEME}{hub[1]}") if (hub := _ON_THE_HUB.fullmatch(str(folder))) else Path(folder)
    for marker, opener in _OPENERS.items():
        if (path / marker).is_file():
            return opener(path)
    if not path.exists():
        raise InputError(
            f"{folder} does not exist; give a folder that birdsat wrote, or a model on the hub as hf://user/name."
        )
    raise InputError(
        f"{path} is neither a run, a range model, a region nor a dataset: it has none of {', '.join(_OPENERS)}. Where "
        "it was being made, start the same command again: it continues."
    )


def world(box: tuple[float, float, float, float] | None = None) -> Region:
    """The world that comes with the package, or the cells of it in a box: what chips show of each, and its elevation.

    box: west, south, east, north in degrees WGS84, widened to whole cells of 0.25 degrees; west above east goes over
    the antimeridian. `region.at(lon_lat)` gives (n, f) features of places (n, 2); those in cells without any land are
    not found. Raises DatasetError where the package's files are damaged, ConfigError for an impossible box, InputError
    for one without land.

        >>> import numpy as np
        >>> region = birdsat.world(box=(5, 45, 11, 48))
        >>> points = region.at(np.array([[8.5, 47.4], [-30.0, 40.0]]))
        >>> points.found.tolist(), points.chip.shape[0]
        ([True, False], 2)
    """
    return open_world(None if box is None else Box(*map(float, box)))


def open_map(file: str | Path) -> "xarray.Dataset":
    """A map that birdsat wrote, the .tif of it, as an xarray Dataset in memory.

    Dimensions (time, lat, lon), or (time, y, x) with lat and lon beside for cells of one area; variables the quantity
    (such as probability or score), its standard deviation and the area of applicability where the map has them. Raises
    InputError for a file that is not a map of birdsat. Needs xarray: pip install 'birdsat[notebook]'.
    """
    from birdsat.maps.netcdf import read_xarray

    return read_xarray(Path(file))
