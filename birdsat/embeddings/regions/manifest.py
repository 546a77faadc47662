"""How a region lies on disk: Parquet parts of so many cells each, and region.json, which is written last."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from birdsat import config
from birdsat.earth.bands import RGBBands
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.errors import ConfigError, DatasetError, InputError, NewerFormatError, newer, not_a
from birdsat.files import atomic_path
from birdsat.imagery.ground_sizes import GroundSizes
from birdsat.reading import parse_json

T = TypeVar("T")
SCHEMA_VERSION = 1
REGION_FILE = "region.json"
PLAN_FILE = "embedding.json"  # the settings of a region that is being made; gone once it is complete
PART_CELLS = 1 << 14  # positions of the grid to a part: what a kill can cost
GROUP_ROWS = 4096  # of a row group
_FACTS = "birdsat"  # key of the file's metadata under which a part says what it holds
_MOST_WIDTH = 1 << 16  # numbers of a vector
_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """A file that features were read from."""

    file: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureSource:
    """Where some of the features come from, of a region that no run embedded."""

    name: str  # to be shown
    width: int  # how many they are
    files: tuple[SourceFile, ...] = ()
    region: str = ""  # fingerprint of another region that they are of


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionSettings:
    """What a region was made with: two regions of the same settings are the same."""

    grid: AnyGrid
    run: str  # its name, to be shown
    model: str  # fingerprint of its weights and method
    imagery: str  # as it was given
    imagery_bytes: int | None  # size of its file; None: it is none
    bands: RGBBands | None = None  # of the imagery, where they were named
    stretch: tuple[float, float] | None  # of the imagery's values
    chip_ground_km: GroundSizes  # each of which the cells are encoded at
    chip_px: int
    mask: str  # "" for all cells, or a fingerprint of those that were asked for
    chip_width: int  # f, numbers that say what a cell's chips of all sizes show
    embedding_width: int  # d
    harmonics: int  # K, of the annual cycle
    part_cells: int = PART_CELLS  # positions of the grid to a part
    given: tuple[FeatureSource, ...] = ()  # where chip features come from side by side; (): from the run


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionPart:
    """One Parquet file: the cells with imagery among `part_cells` positions of the grid."""

    file: str
    number: int  # which stretch of the grid, from 0
    rows: int
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionManifest:
    """Facts of a complete region."""

    schema_version: int = SCHEMA_VERSION
    settings: RegionSettings
    cells: int  # with imagery
    without_imagery: int  # cells asked for that have none, or a damaged chip
    season_missed_largest: float  # longest difference of a mid-month's embedding (length 1) to the stored annual cycle
    season_missed_rms: float  # root mean square of that difference over cells and months
    parts: tuple[RegionPart, ...]  # in the order of their cells


@dataclass(frozen=True, kw_only=True, slots=True)
class PartFacts:
    """What a part says of itself in its file's metadata."""

    without_imagery: int
    missed_largest: float
    missed_squared: float  # sum over cells and months


def part_name(number: int) -> str:
    """Name of a part; the first is 0."""
    return f"cells-{number:06d}.parquet"


def region_schema(settings: RegionSettings) -> pa.Schema:
    """Columns of a part.

    A vector is one value of fixed bytes: lists of float16 are decoded number by number, and a column of them was read
    at 0.2 GB/s where these came at 5. What the bytes mean is in the field's metadata. A vector of no numbers has no
    column.
    """
    shapes = {
        "chip": (settings.chip_width,),
        "year": (1 + 2 * settings.harmonics, settings.embedding_width),
    }
    vectors = [
        pa.field(
            name,
            pa.binary(2 * int(np.prod(shape))),
            nullable=False,
            metadata={"dtype": "float16", "byte_order": "little", "shape": json.dumps(shape)},
        )
        for name, shape in shapes.items()
        if np.prod(shape)  # Parquet knows no values of no bytes
    ]
    plain = [("cell", pa.int64()), ("lon", pa.float64()), ("lat", pa.float64())]
    return pa.schema([*(pa.field(name, kind, nullable=False) for name, kind in plain), *vectors])


def write_part(
    path: Path, settings: RegionSettings, embedded: Iterable[tuple[RegionBlock, NDArray[np.float32]]]
) -> None:
    """Write the cells of a part as they come, whole or not at all.

    embedded: blocks, and by how much their annual cycles miss the months (c, 12). Raises DatasetError for numbers that
    float16 cannot hold.
    """
    schema = region_schema(settings)
    without_imagery, largest, squared = 0, 0.0, 0.0
    waiting: list[pa.Table] = []
    with (
        atomic_path(path) as partial,
        pq.ParquetWriter(
            partial,
            schema,
            compression="none",  # zstd takes off 10% of the bytes, and ten times as long to read
            use_dictionary=False,
            write_statistics=["cell", "lon", "lat"],
        ) as writer,
    ):
        for block, missed in embedded:
            without_imagery += block.without_imagery
            largest = max(largest, float(missed.max(initial=0)))
            squared += float(np.square(missed, dtype=np.float64).sum())
            if len(block):
                waiting.append(_arrow(block, schema, path))
            if sum(map(len, waiting)) >= GROUP_ROWS:
                _write(writer, waiting)
        _write(writer, waiting)
        facts = PartFacts(without_imagery=without_imagery, missed_largest=largest, missed_squared=squared)
        held = {"settings": config.to_dict(settings), "part": config.to_dict(facts)}
        writer.add_key_value_metadata({_FACTS: json.dumps(held)})


def _write(writer: pq.ParquetWriter, waiting: list[pa.Table]) -> None:
    """Write what waits as one row group."""
    if waiting:
        rows = pa.concat_tables(waiting).combine_chunks()
        writer.write_table(rows, row_group_size=len(rows))
        waiting.clear()


def _arrow(block: RegionBlock, schema: pa.Schema, path: Path) -> pa.Table:
    columns = {
        "cell": pa.array(block.cells),
        "lon": pa.array(block.lon_lat[:, 0]),
        "lat": pa.array(block.lon_lat[:, 1]),
    }
    for name, vectors in (("chip", block.chip), ("year", block.year)):
        if name not in schema.names:
            continue
        if not (np.abs(vectors) <= _LARGEST).all():  # NaN is caught too
            raise DatasetError(
                f"{path} cannot be written: {name} embeddings hold numbers that are not finite or beyond "
                f"{_LARGEST:,.0f}, the largest of float16; the run is damaged or did not converge. Train it again."
            )
        numbers = np.ascontiguousarray(vectors, dtype="<f2")
        columns[name] = pa.Array.from_buffers(
            schema.field(name).type, len(block), [None, pa.py_buffer(numbers.reshape(-1))]
        )
    return pa.table(columns, schema=schema)


def read_part_facts(path: Path) -> tuple[int, PartFacts]:
    """Rows of a part, and what it says of itself. Raises DatasetError when it cannot be read."""
    try:
        with pq.ParquetFile(path) as file:
            facts = parse_json(file.metadata.metadata[_FACTS.encode()], path.name)["part"]
            return file.metadata.num_rows, config.from_dict(PartFacts, facts, path.name)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError, ConfigError, InputError) as error:
        raise DatasetError(f"{path} is damaged ({error}); delete it, and embed the region again.") from error


def mask_fingerprint(where: NDArray[np.bool_] | None) -> str:
    """What tells two masks of a grid apart; "" for none."""
    return "" if where is None else hashlib.sha256(np.packbits(where).tobytes()).hexdigest()[:16]


def settings_that_differ(saved: RegionSettings, wanted: RegionSettings) -> list[str]:
    """In words, what is not the same; a run's name is not a setting."""
    old, new = _flat(config.to_dict(saved)), _flat(config.to_dict(wanted))
    return [
        f"{name} is {new.get(name, 'none')}, was {old.get(name, 'none')}"
        for name in dict.fromkeys((*new, *old))
        if name != "run" and new.get(name) != old.get(name)
    ]


def _flat(settings: Mapping[str, object]) -> dict[str, object]:
    grid = settings["grid"]
    assert isinstance(grid, dict)
    box = ",".join(f"{grid['box'][side]:g}" for side in ("west", "south", "east", "north"))
    own = {name: value for name, value in settings.items() if name not in ("grid", "given", config.KIND)}
    sources = settings["given"]
    assert isinstance(sources, list)
    if sources:
        own["embeddings"] = "; ".join(_source_text(source) for source in sources)
    step = next(f"{value:g} {name.removeprefix('step_')}" for name, value in grid.items() if name.startswith("step_"))
    return {"box": box, "step": step, **own}


def _source_text(source: Mapping[str, Any]) -> str:
    marks = [source["region"][:8], *(file["sha256"][:8] for file in source["files"])]
    return f"{source['name']} [{' '.join(filter(None, marks))}]"


def load_region_manifest(folder: Path) -> RegionManifest:
    """Read region.json.

    Raises DatasetError when the folder is not a region, is unfinished or damaged, or is of a newer schema.
    """
    path = folder / REGION_FILE
    if not path.is_file():
        if (folder / PLAN_FILE).is_file():
            raise DatasetError(
                f"{folder} is half embedded: it has parts but no {REGION_FILE}. Run the same `birdsat embed` "
                "again; it continues where it stopped."
            )
        raise DatasetError(
            f"{not_a('region', folder, REGION_FILE)} Make one with `birdsat embed RUN OUT --grid STEP ...`."
        )
    manifest = _load(RegionManifest, path, schema=SCHEMA_VERSION)
    wrong = _disagreement(manifest)
    if wrong:
        raise DatasetError(f"{path} is damaged: {wrong}. Restore it, or embed the region again in another folder.")
    return manifest


def _disagreement(manifest: RegionManifest) -> str:
    """What in a manifest cannot be, or does not agree with the rest; "" for nothing."""
    settings, parts = manifest.settings, manifest.parts
    for name, least, most in (("part_cells", 1, 1 << 24), ("chip_width", 1, _MOST_WIDTH),
                              ("embedding_width", 0, _MOST_WIDTH), ("harmonics", 0, 12)):  # fmt: skip
        if not least <= getattr(settings, name) <= most:
            return f"{name} is {getattr(settings, name):,}; allowed: {least} to {most:,}"
    last = (settings.grid.cells - 1) // settings.part_cells
    if any(not (0 <= part.number <= last and 0 <= part.rows <= settings.part_cells) for part in parts):
        return "it lists parts that its grid does not have"
    numbers = [part.number for part in parts]
    if numbers != sorted(set(numbers)) or sum(part.rows for part in parts) != manifest.cells:
        return "its parts are not in order, or do not add up to its cells"
    return ""


def load_region_plan(folder: Path) -> RegionSettings:
    """The settings of a region that is being made. Raises DatasetError when it is damaged, or of a newer birdsat."""
    return _load(RegionSettings, folder / PLAN_FILE, schema=None)


def _load(cls: type[T], path: Path, *, schema: int | None) -> T:
    again = "embed the region again in another folder"
    try:
        return config.load(cls, path, schema=schema)
    except NewerFormatError as error:
        raise DatasetError(newer(path.parent, error, again)) from error
    except ConfigError as error:
        raise DatasetError(f"{path} is damaged: {error} Restore it, or {again}.") from error
