"""The world that comes with the package, as a region: what a map is made on where none is named."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.bands import RGBBands, Stretch
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.manifest import REGION_FILE
from birdsat.embeddings.regions.region import BOTH, Column, Region, RegionPoints
from birdsat.embeddings.regions.world_files import WORLD_FILE, WorldManifest, read_world
from birdsat.errors import InputError
from birdsat.imagery.open_imagery import Imagery
from birdsat.imagery.sources import ChipSource
from birdsat.training.run_folder import Run, load_run

WORLD_FOLDER = Path(__file__).parents[2] / "world_data"
BLOCK_CELLS = 4096  # what a range model makes of a cell is ten times as much as is read of it
_WAY = "world:"  # and a box: how it is remembered


@dataclass(frozen=True)
class WorldImagery(Imagery):
    """What the world was embedded from. It is not in the package: only what an encoder says of it is."""

    @property
    def is_of_land(self) -> bool:
        """The world has cells with land alone."""
        return True

    def _chips(
        self, sizes_km: tuple[float, ...], px: int, bands: RGBBands | None, stretch: Stretch | None
    ) -> ChipSource:
        raise InputError(
            "the built-in world holds what chips show and no chips; name imagery, such as a raster.",
            settings=("imagery",),
        )


@dataclass(frozen=True, eq=False)
class BuiltInWorld:
    """What is kept of the world's files, read once."""

    manifest: WorldManifest
    encoder: Path  # folder of the run
    cells: NDArray[np.int64]  # (n,) positions in its grid, sorted
    land: NDArray[np.bool_]  # (n,) whether the cell has any land; the others lie a little off a coast
    features: NDArray[np.float16]  # (n, f)
    fingerprint: str  # of all that the features depend on


class WorldRegion(Region):
    """The built-in world, or the cells of it in a box: cells of 0.25 degrees with any land in them.

    Places a little off a coast are found as well, though no map has their cells. Its chip features are principal
    components of what the built-in encoder says, and the elevation. They are of no embedding that photos share, and
    know no dates.
    """

    def __init__(self, world: BuiltInWorld, box: Box | None = None) -> None:
        """box: widened to whole cells of the world."""
        self._manifest, self._features, self._model = world.manifest, world.features, world.fingerprint
        whole = world.manifest.grid
        self._grid = whole if box is None else _window(whole, box)
        rows, columns = self._grid.shape
        first_row = round((whole.box.north - self._grid.box.north) / whole.step)
        first_column = round((self._grid.box.west - whole.box.west) / whole.step)
        row, column = np.divmod(world.cells, whole.columns)
        row, column = row - first_row, (column - first_column) % whole.columns
        inside = np.flatnonzero((row >= 0) & (row < rows) & (column < columns))
        cells = row[inside] * columns + column[inside]
        order = np.argsort(cells, kind="stable")  # over the antimeridian, the world's order is another
        self._known, self._rows = cells[order], inside[order]  # positions in this grid and in the world's arrays
        self._land = np.flatnonzero(world.land[self._rows])  # which of these are its cells
        if len(self._land) == 0:
            raise InputError(
                f"there is no land in the box {self._grid.box}; the built-in world has cells with land alone. Take "
                "another box, or embed cells at sea from imagery with `birdsat embed`."
            )

    def __repr__(self) -> str:
        return f"<birdsat region of {len(self):,} cells: {self.name}>"

    @property
    def name(self) -> str:
        """What messages call it."""
        whole = self._grid == self._manifest.grid
        return "the built-in world" if whole else f"the built-in world in the box {self.grid.box}"

    @property
    def identity(self) -> str:
        """The world's files and the box."""
        return f"{self.model} {self._grid.box}"

    def way_from(self, folder: Path) -> str:
        """The same from everywhere: it is in the package."""
        return f"{_WAY}{self._grid.box}"

    @property
    def grid(self) -> Grid:
        """0.25 degrees of longitude and latitude."""
        return self._grid

    @property
    def run(self) -> str:
        """Name of what embedded it, to be shown."""
        return "the built-in world"

    @property
    def model(self) -> str:
        """Fingerprint of all that the features depend on."""
        return self._model

    @property
    def imagery(self) -> Imagery:
        """The mosaic it was embedded from."""
        return WorldImagery(self._manifest.making.imagery.name)

    @property
    def chip_km(self) -> float:
        """Side of the smallest chip that each cell was embedded from."""
        return min(self._manifest.making.chip_ground_km)

    @property
    def chip_width(self) -> int:
        """f, components and elevation."""
        return self._manifest.width

    @property
    def embedding_width(self) -> int:
        """0: no photos can be compared with it."""
        return 0

    @property
    def harmonics(self) -> int:
        """0: no dates."""
        return 0

    def __len__(self) -> int:
        """Cells with land."""
        return len(self._land)

    def cells(self) -> NDArray[np.int64]:
        """(n,) positions of its cells with land, sorted."""
        return self._known[self._land]

    def blocks(self, columns: tuple[Column, ...] = BOTH) -> Iterator[RegionBlock]:
        """All cells in the order of their positions, a block at a time."""
        for start in range(0, len(self), BLOCK_CELLS):
            some = self._land[start : start + BLOCK_CELLS]
            yield RegionBlock(
                cells=self._known[some],
                lon_lat=self._grid.centres(self._known[some]),
                chip=self._features[self._rows[some]] if "chip" in columns else np.empty((len(some), 0), np.float16),
                year=np.empty((len(some), 1, 0), np.float16),
            )

    def at(self, lon_lat: NDArray[np.float64], columns: tuple[Column, ...] = ("chip",)) -> RegionPoints:
        """What it holds of places (n, 2), in degrees, longitude first, on land or near it; NaN is outside."""
        points = self._unfilled(lon_lat, columns)
        at = np.minimum(np.searchsorted(self._known, points.cells), len(self._known) - 1)
        points.found[:] = self._known[at] == points.cells
        if "chip" in columns:
            points.chip[points.found] = self._features[self._rows[at[points.found]]]
        return points


@cache
def built_in_world() -> BuiltInWorld:
    """The files of the package, read once. Raises DatasetError where they are damaged."""
    world = read_world(WORLD_FOLDER)
    return BuiltInWorld(
        manifest=world.manifest,
        encoder=world.encoder,
        cells=world.arrays.cells.astype(np.int64),
        land=world.arrays.land,
        features=world.features,
        fingerprint=hashlib.sha256((WORLD_FOLDER / WORLD_FILE).read_bytes()).hexdigest()[:16],
    )


def built_in_encoder() -> Run:
    """The run that the world's chips were encoded by. Raises what `built_in_world` raises."""
    return replace(load_run(built_in_world().encoder), called="the built-in encoder")


def open_world(box: Box | None = None) -> WorldRegion:
    """The built-in world, or the cells of it in a box.

    Raises DatasetError where its files are damaged, InputError for a box without land.
    """
    return WorldRegion(built_in_world(), box)


def open_remembered(way: str, folder: Path) -> Region | None:
    """The region that `Region.way_from` described in a folder; None where it is gone. Raises what opening it raises."""
    if way.startswith(_WAY):
        return open_world(Box.parse(way.removeprefix(_WAY)))
    path = (folder.resolve() / way).resolve()
    return open_region(path) if path.is_dir() else None


def remembered_path(way: str, folder: Path) -> Path:
    """The file that says which region `Region.way_from` described in a folder; it need not be there."""
    return WORLD_FOLDER / WORLD_FILE if way.startswith(_WAY) else folder.resolve() / way / REGION_FILE


def _window(whole: Grid, box: Box) -> Grid:
    """The cells of a grid that a box touches."""
    step = whole.step

    def down(degrees: float) -> float:
        return float(np.floor(degrees / step + 1e-9) * step)

    def up(degrees: float) -> float:
        return float(np.ceil(degrees / step - 1e-9) * step)

    west, east = down(box.west), up(box.east)
    if box.width_degrees + (box.west - west) + (east - box.east) >= 360:
        west, east = whole.box.west, whole.box.east
    return Grid(Box(west, down(box.south), east, up(box.north)), step)
