"""How the world that comes with the package lies on disk: an encoder, what it says of every cell with land, and
world.json, which is written last and names every file with its hash.

What the chips of a cell show is kept as principal components of the encoder's features of all ground sizes, each a
whole number of steps in eight bits. The numbers of a component are stored as differences from the cell before,
modulo 256, which are small where neighbours are alike, and compressed by zstandard.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat import config
from birdsat.earth.grid import Grid
from birdsat.errors import ConfigError, DatasetError, InputError, NewerFormatError, newer
from birdsat.files import write_atomic
from birdsat.imagery.ground_sizes import GroundSizes

SCHEMA_VERSION = 1
WORLD_FILE = "world.json"
ENCODER_FOLDER = "encoder"
CARD_FILE = "README.md"
CELLS_FILE = "cells.zst"
COMPONENTS_FILE = "components.zst"
ELEVATION_FILE = "elevation.zst"
PROJECTION_FILE = "projection.zst"
_ENCODER_FILES = ("README.md", "config.json", "dataset.json", "model.safetensors")
_LEVEL = 19  # of zstandard; reading takes as long at any
_MOST_BYTES = 1 << 30  # of one file's numbers: what a damaged manifest may ask for
_HALVES = 127  # whole numbers of steps that eight bits hold on either side of 0
_ADDED = 2  # features beside the components: elevation, and its spread
_REMEDY = "Install birdsat again, or restore the file."


@dataclass(frozen=True, kw_only=True, slots=True)
class WorldSource:
    """A file that the world was made from."""

    name: str
    credit: str  # whose it is, and on what terms
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WorldFile:
    """A file of the world."""

    file: str  # below the folder, with forward slashes
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WorldMaking:
    """How the world was made: what a reader may want to know, and what must be known to make it again."""

    imagery: WorldSource
    elevation: WorldSource
    model: str  # fingerprint of the encoder's weights and method, as regions keep it
    chip_ground_km: GroundSizes  # sides of the chips that each cell is encoded at
    chip_px: int
    spacing_km: tuple[float, ...]  # for each size, between the places encoded; features are interpolated between these
    smooth_km: tuple[float, ...]  # for each size, within which the features of these places are averaged; 0: not at all
    turned: tuple[bool, ...]  # for each size, whether features are the mean over a chip's turns and mirrorings
    variance_kept: float  # share of the features' variance over the cells' area that the components hold
    versions: tuple[str, ...]  # of what it was made with, such as "birdsat 1.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorldManifest:
    """What world.json says."""

    schema_version: int = SCHEMA_VERSION
    grid: Grid
    cells: int  # whose features are kept: those with any land, and some off the coasts
    land_cells: int  # of these, with any land
    encoded: int  # numbers that the encoder gives of a place's chips, all sizes together
    steps: tuple[float, ...]  # of each component, between two neighbouring numbers
    elevation_scale: float  # of the feature that elevation is, on the scale of the components
    spread_scale: float  # of the feature that its spread is
    making: WorldMaking
    files: tuple[WorldFile, ...]

    def __post_init__(self) -> None:
        if not self.steps or not all(0 < step < float("inf") for step in self.steps):
            raise ConfigError(f"steps are {self.steps}; one above 0 for each component is needed.")
        if not 1 <= self.cells <= self.grid.cells:
            raise ConfigError(f"cells is {self.cells}; allowed: 1 to the grid's {self.grid.cells:,}.")
        if not 0 <= self.land_cells <= self.cells:
            raise ConfigError(f"land_cells is {self.land_cells}; allowed: 0 to the {self.cells:,} cells.")

    @property
    def components(self) -> int:
        """Principal components that are kept."""
        return len(self.steps)

    @property
    def width(self) -> int:
        """f, numbers that say what a cell's chips show and how high it lies."""
        return self.components + _ADDED


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WorldProjection:
    """From the encoder's features of a place, of all ground sizes from small to large, to its components."""

    centre: NDArray[np.float32]  # (features,) mean over the land's area
    directions: NDArray[np.float32]  # (features, components)

    def __call__(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n, components) of features (n, features)."""
        moved = np.asarray(features, dtype=np.float32) - self.centre
        return np.asarray(moved @ self.directions)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WorldArrays:
    """What the world holds of n cells."""

    cells: NDArray[np.int32]  # (n,) positions in the grid, row by row from the north-west, ascending
    land: NDArray[
        np.bool_
    ]  # (n,) whether the cell has any land; others lie a little off a coast, for what is put there
    components: NDArray[np.float16]  # (n, k) principal components, the largest first
    elevation_m: NDArray[np.int16]  # (n,) metres; below 0 at sea
    spread_m: NDArray[np.int16]  # (n,) standard deviation of the elevation over the neighbourhood, metres

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class World:
    """The world as it was read. Holds no open file."""

    folder: Path
    manifest: WorldManifest
    arrays: WorldArrays
    projection: WorldProjection

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def encoder(self) -> Path:
        """The folder of the encoder's run."""
        return self.folder / ENCODER_FOLDER

    @property
    def features(self) -> NDArray[np.float16]:
        """(n, f) what models see of the cells: `world_features`."""
        arrays = self.arrays
        return world_features(self.manifest, arrays.components, arrays.elevation_m, arrays.spread_m)


def world_features(
    manifest: WorldManifest,
    components: NDArray[np.floating],
    elevation_m: NDArray[np.number],
    spread_m: NDArray[np.number],
) -> NDArray[np.float16]:
    """(n, f) what models see of places: the components (n, k), and elevation and spread (n,) in metres.

    The numbers are on one scale, on which a component's variance says what it is worth: whoever brings each to
    variance 1 makes the smallest as loud as the largest.
    """
    table = np.empty((len(components), manifest.width), dtype=np.float16)
    table[:, :-_ADDED] = components
    # By these curves a step of 100 m counts for more in the lowlands than among summits.
    table[:, -2] = manifest.elevation_scale * np.arcsinh(np.asarray(elevation_m, dtype=np.float32) / 300)
    table[:, -1] = manifest.spread_scale * np.log1p(np.asarray(spread_m, dtype=np.float32) / 30)
    return table


def quantisation_steps(components: NDArray[np.floating], step: float) -> tuple[float, ...]:
    """The step of each component (n, k): `step`, or as much larger as eight bits need for its farthest number."""
    farthest = np.abs(components).max(axis=0, initial=0)
    return tuple(max(step, float(most) / _HALVES) for most in farthest)


def write_world(
    folder: Path,
    *,
    grid: Grid,
    arrays: WorldArrays,
    steps: tuple[float, ...],
    elevation_scale: float,
    spread_scale: float,
    projection: WorldProjection,
    encoder: Path,
    card: str,
    making: WorldMaking,
) -> WorldManifest:
    """Write a world into a folder; world.json comes last.

    encoder: a run's folder, of which the files that `load_run` reads are taken. steps: of `quantisation_steps`. Raises
    InputError for arrays that do not fit together, and for numbers that are not finite or that eight bits of these
    steps do not hold.
    """
    _refuse_unfit(grid, arrays, steps)
    (folder / ENCODER_FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / WORLD_FILE).unlink(missing_ok=True)
    whole = np.rint(arrays.components.astype(np.float32) / np.array(steps, np.float32)).astype(np.int8)
    ground = np.stack([arrays.elevation_m, arrays.spread_m])
    where = np.stack([arrays.cells, arrays.land]).astype("<i4")
    write_atomic(folder / CELLS_FILE, _packed(_differences(where)))
    write_atomic(folder / COMPONENTS_FILE, _packed(_differences(np.ascontiguousarray(whole.T).view(np.uint8))))
    write_atomic(folder / ELEVATION_FILE, _packed(_differences(ground.astype("<i2").view("<u2"))))
    both = np.concatenate([projection.centre[None], projection.directions.T]).astype("<f4")
    write_atomic(folder / PROJECTION_FILE, _packed(both))
    for name in _ENCODER_FILES:
        if (encoder / name).resolve() != (folder / ENCODER_FOLDER / name).resolve():
            shutil.copyfile(encoder / name, folder / ENCODER_FOLDER / name)
    write_atomic(folder / CARD_FILE, card)
    manifest = WorldManifest(
        grid=grid,
        cells=len(arrays),
        land_cells=int(arrays.land.sum()),
        encoded=len(projection.centre),
        steps=steps,
        elevation_scale=elevation_scale,
        spread_scale=spread_scale,
        making=making,
        files=tuple(_file(folder, name) for name in _names()),
    )
    config.save(manifest, folder / WORLD_FILE)
    return manifest


def read_world(folder: Path) -> World:
    """Read a world, every file of which is hashed again.

    Raises DatasetError for a folder that is none, and for a file that is missing, changed or of a newer birdsat.
    """
    manifest = load_world_manifest(folder)
    held = {one.file: _read(folder, one) for one in manifest.files}
    n, k = manifest.cells, manifest.components
    try:
        cells, land = np.cumsum(_unpacked(held[CELLS_FILE], "<i4", (2, n)), axis=1, dtype=np.int32)
        whole = np.cumsum(_unpacked(held[COMPONENTS_FILE], "u1", (k, n)), axis=1, dtype=np.uint8).view(np.int8)
        ground = np.cumsum(_unpacked(held[ELEVATION_FILE], "<u2", (2, n)), axis=1, dtype=np.uint16).view(np.int16)
        both = _unpacked(held[PROJECTION_FILE], "<f4", (1 + k, manifest.encoded))
        _refuse_cells(manifest.grid, cells)
    except (KeyError, ValueError, OSError, InputError, pa.ArrowException) as error:
        raise DatasetError(f"{folder / WORLD_FILE} does not fit the files beside it ({error}). {_REMEDY}") from error
    components = np.empty((n, k), dtype=np.float16)
    for number, step in enumerate(manifest.steps):
        components[:, number] = whole[number] * np.float32(step)
    return World(
        folder=folder,
        manifest=manifest,
        arrays=WorldArrays(
            cells=cells, land=land.astype(np.bool_), components=components, elevation_m=ground[0], spread_m=ground[1]
        ),
        projection=WorldProjection(centre=both[0], directions=np.ascontiguousarray(both[1:].T)),
    )


def load_world_manifest(folder: Path) -> WorldManifest:
    """Read world.json. Raises DatasetError when it is not there, is damaged, or is of a newer schema."""
    path = folder / WORLD_FILE
    try:
        return config.load(WorldManifest, path, schema=SCHEMA_VERSION)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror or error}). {_REMEDY}") from error
    except NewerFormatError as error:
        raise DatasetError(newer(folder, error, "take a world of its own release")) from error
    except ConfigError as error:
        raise DatasetError(f"{path} is damaged: {error} {_REMEDY}") from error


def _names() -> tuple[str, ...]:
    return (
        CARD_FILE,
        CELLS_FILE,
        COMPONENTS_FILE,
        ELEVATION_FILE,
        PROJECTION_FILE,
        *(f"{ENCODER_FOLDER}/{name}" for name in _ENCODER_FILES),
    )


def _file(folder: Path, name: str) -> WorldFile:
    data = (folder / name).read_bytes()
    return WorldFile(file=name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def _read(folder: Path, one: WorldFile) -> bytes:
    if one.file not in _names():  # before anything is opened: a manifest names no file elsewhere
        raise DatasetError(f"{folder / WORLD_FILE} names {one.file!r}, which no world has. {_REMEDY}")
    path = folder / one.file
    try:
        found = path.stat().st_size
        if found != one.size_bytes:
            raise DatasetError(f"{path} has {found:,} bytes in place of {one.size_bytes:,}. {_REMEDY}")
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror or error}). {_REMEDY}") from error
    if hashlib.sha256(data).hexdigest() != one.sha256:
        raise DatasetError(f"{path} changed since it was written. {_REMEDY}")
    return data


def _differences(table: NDArray[np.integer]) -> NDArray[np.integer]:
    """Of each number in a row to the one before it, the first to 0; around the end of what its type holds."""
    return np.diff(table, axis=1, prepend=table.dtype.type(0))


def _packed(numbers: NDArray[np.generic]) -> bytes:
    return bytes(pa.Codec("zstd", compression_level=_LEVEL).compress(numbers.tobytes()))


def _unpacked(data: bytes, kind: str, shape: tuple[int, int]) -> NDArray[np.generic]:
    """Numbers of a shape. Raises ValueError or ArrowException where the data are of another."""
    wanted = np.dtype(kind).itemsize * shape[0] * shape[1]
    if not 0 < wanted <= _MOST_BYTES:
        raise ValueError(f"{wanted:,} bytes are asked for")
    numbers = pa.Codec("zstd").decompress(data, decompressed_size=wanted)
    return np.frombuffer(numbers, dtype=kind).reshape(shape)


def _refuse_unfit(grid: Grid, arrays: WorldArrays, steps: tuple[float, ...]) -> None:
    n = len(arrays)
    shapes = tuple(one.shape for one in (arrays.components, arrays.land, arrays.elevation_m, arrays.spread_m))
    if n == 0 or shapes != ((n, len(steps)), (n,), (n,), (n,)):
        raise InputError(
            f"{n:,} cells and {len(steps)} steps do not fit components, land, elevation and spread of {shapes}."
        )
    _refuse_cells(grid, arrays.cells)
    most = np.abs(arrays.components.astype(np.float32) / np.array(steps, np.float32)).max(axis=0)
    if not (most < _HALVES + 0.5).all():  # NaN is caught too
        raise InputError(f"components of up to {most.max()} steps do not fit into eight bits; take larger steps.")


def _refuse_cells(grid: Grid, cells: NDArray[np.int32]) -> None:
    if not (cells[0] >= 0 and cells[-1] < grid.cells and (np.diff(cells) > 0).all()):
        raise InputError(f"cells are not ascending positions of a grid of {grid.cells:,}; sort them.")
