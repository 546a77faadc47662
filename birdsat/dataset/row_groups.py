"""A dataset folder, and its row groups read into memory with the images still encoded."""

import datetime
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Float, Int64

from birdsat.dataset.manifest import SHARD_SCHEMA, Manifest, load_manifest
from birdsat.earth.date import year_fraction
from birdsat.errors import DatasetError, InputError
from birdsat.observations.observation import Split
from birdsat.reading import file_within, in_place_of

FACTS = ("taxon", "lon", "lat", "date")
IMAGES = ("photo", "chip")
# What pyarrow raises for files that are damaged, and for values that are none.
UNREADABLE = (pa.ArrowException, OSError, EOFError, MemoryError, LookupError, TypeError, ValueError, OverflowError)
_OPEN_FILES = 16  # shards kept open by one reader


class Dataset:
    """A complete dataset folder. Holds its manifest and no open file, so it is cheap to send to a worker.

    Raises DatasetError when the folder is absent, half built, damaged, or of a newer schema.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Manifest = load_manifest(folder)

    def __repr__(self) -> str:
        return f"<birdsat dataset of {self.manifest.rows():,} rows, {len(self.taxa):,} taxa: {self.folder}>"

    @property
    def taxa(self) -> tuple[str, ...]:
        """Names of the taxa; a label is an index into them."""
        return tuple(taxon.name for taxon in self.manifest.taxa)

    def rows(self, split: Split) -> int:
        """Number of rows in `split`."""
        return self.manifest.rows(split)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a row group says of its n rows beside the images."""

    ids: list[str]  # empty when not read
    label: Int64[np.ndarray, " n"]
    lon_lat: Float[np.ndarray, "n 2"]
    year_fraction: Float[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RowGroup:
    """One row group in memory, images still encoded."""

    facts: Facts
    photo: pa.BinaryArray
    chip: pa.BinaryArray
    first_row: int  # of the group, within the split
    where: str  # for errors


class RowGroupReader:
    """Reads row groups of one split, only the columns asked for."""

    def __init__(self, dataset: Dataset, split: Split, columns: tuple[str, ...]) -> None:
        self._folder = dataset.folder
        self._label = {name: label for label, name in enumerate(dataset.taxa)}
        self._columns = [f"{name}.bytes" if name in IMAGES else name for name in columns]
        shards = dataset.manifest.split_shards(split)
        self._place = [(shard.file, index) for shard in shards for index in range(len(shard.row_group_rows))]
        self.group_rows = np.array([rows for shard in shards for rows in shard.row_group_rows], np.int64)
        self.rows = int(self.group_rows.sum())
        self._first_row = np.cumsum(self.group_rows) - self.group_rows
        self._open = lru_cache(maxsize=_OPEN_FILES)(self._opened)

    def _opened(self, file: str) -> pq.ParquetFile:
        path = file_within(self._folder, file)
        if mistaken := in_place_of(path):
            raise TypeError(mistaken)
        opened = pq.ParquetFile(path)
        if not opened.schema_arrow.equals(SHARD_SCHEMA):
            raise TypeError("its columns are not those of a dataset")
        return opened

    def where(self, group: int) -> str:
        file, index = self._place[group]
        return f"{self._folder / file}, row group {index}"

    def table(self, group: int) -> pa.Table:
        file, index = self._place[group]
        try:
            table = self._open(file).read_row_group(index, columns=self._columns, use_threads=False)
        except (*UNREADABLE, InputError) as error:
            raise damaged(f"{self.where(group)} cannot be read ({error})") from error
        if len(table) != self.group_rows[group] or table.num_columns != len(self._columns):
            raise damaged(f"{self.where(group)} does not hold the rows and columns the manifest names")
        return table

    def group(self, group: int) -> RowGroup:
        table = self.table(group)
        return RowGroup(
            facts=self.facts(table, group),
            photo=pc.struct_field(table["photo"].combine_chunks(), "bytes"),
            chip=pc.struct_field(table["chip"].combine_chunks(), "bytes"),
            first_row=int(self._first_row[group]),
            where=self.where(group),
        )

    def facts(self, table: pa.Table, group: int) -> Facts:
        try:
            return self._facts(table, group)
        except UNREADABLE as error:
            raise damaged(f"{self.where(group)} cannot be read ({error})") from error

    def _facts(self, table: pa.Table, group: int) -> Facts:
        names = table["taxon"].to_pylist()
        unknown = sorted({str(name) for name in names} - self._label.keys())
        if unknown:
            raise damaged(f"{self.where(group)} has taxa that the manifest does not list: {', '.join(unknown)}")
        lon_lat = np.stack([_floats(table["lon"]), _floats(table["lat"])], axis=1)
        lon_lat[np.isnan(lon_lat).any(axis=1)] = np.nan
        return Facts(
            ids=table["id"].to_pylist() if "id" in table.column_names else [],
            label=np.array([self._label[name] for name in names], np.int64),
            lon_lat=lon_lat,
            year_fraction=np.array([_year_fraction(date) for date in table["date"].to_pylist()], np.float64),
        )


def damaged(what: str) -> DatasetError:
    """The error for a file that does not hold what the manifest says."""
    return DatasetError(
        f"{what}. The dataset is damaged: `birdsat data check` lists all that is wrong; "
        "restore the file, or build the dataset again."
    )


def _floats(column: pa.ChunkedArray) -> Float[np.ndarray, " n"]:
    values: Float[np.ndarray, " n"] = column.cast(pa.float64()).fill_null(float("nan")).to_numpy()
    return values


def _year_fraction(date: datetime.date | None) -> float:
    return float("nan") if date is None else year_fraction(date)
