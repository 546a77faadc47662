"""A region in a folder, which `birdsat embed` made: parts of so many cells each."""

import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from birdsat.dataset.row_groups import UNREADABLE
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.given_embeddings import GivenEmbeddings
from birdsat.embeddings.regions.manifest import (
    REGION_FILE,
    RegionManifest,
    RegionPart,
    load_region_manifest,
    region_schema,
)
from birdsat.embeddings.regions.region import BOTH, Column, Region, RegionPoints
from birdsat.errors import DatasetError, InputError
from birdsat.files import file_sha256
from birdsat.imagery.open_imagery import Imagery, open_imagery
from birdsat.reading import file_within
from birdsat.training.run_folder import Run

_BLOCK_NUMBERS = 1 << 21  # of a block: what stays in a processor's cache while it is made and used
_AHEAD = 4  # blocks: as one table gives several, fewer would leave the reader waiting


class FolderRegion(Region):
    """A complete region folder. Holds its manifest and no open file."""

    def __init__(self, folder: Path, manifest: RegionManifest) -> None:
        self.folder = folder
        self.manifest = manifest

    def __repr__(self) -> str:
        return f"<birdsat region of {self.manifest.cells:,} cells: {self.folder}>"

    @property
    def name(self) -> str:
        """Its folder."""
        return str(self.folder)

    @property
    def identity(self) -> str:
        """Its manifest, which has the hashes of its parts."""
        return (self.folder / REGION_FILE).read_text()

    def way_from(self, folder: Path) -> str:
        """Its path from there; on another drive, from the root."""
        try:
            return Path(os.path.relpath(self.folder.resolve(), folder.resolve())).as_posix()
        except ValueError:
            return self.folder.resolve().as_posix()

    @property
    def run(self) -> str:
        """Name of the run that embedded it."""
        return self.manifest.settings.run

    @property
    def model(self) -> str:
        """Fingerprint of that run's weights and method."""
        return self.manifest.settings.model

    @property
    def grid(self) -> AnyGrid:
        """The grid that its cells are of."""
        return self.manifest.settings.grid

    @property
    def chip_km(self) -> float:
        """Side of the smallest chip that each cell was embedded from; 0: it was not from chips."""
        return min(self.manifest.settings.chip_ground_km, default=0.0)

    @property
    def chip_width(self) -> int:
        """f, numbers that say what a chip shows."""
        return self.manifest.settings.chip_width

    @property
    def embedding_width(self) -> int:
        """d, of the shared space of photos and chips."""
        return self.manifest.settings.embedding_width

    @property
    def harmonics(self) -> int:
        """K, of the annual cycle; 0: the method knows no dates."""
        return self.manifest.settings.harmonics

    @property
    def imagery(self) -> Imagery:
        """What its cells were embedded from, which need not be there any more."""
        text = self.manifest.settings.imagery
        return GivenEmbeddings(text) if self.manifest.settings.given else open_imagery(text)

    def __len__(self) -> int:
        """Cells with imagery."""
        return self.manifest.cells

    def cells(self) -> NDArray[np.int64]:
        """(n,) positions of its cells with imagery, sorted."""
        parts = [np.empty(0, np.int64)]
        for part in self.manifest.parts:
            if part.rows:
                with self._open(part) as file:
                    parts.append(self._cells_of(part, file))
        return np.concatenate(parts)

    def blocks(self, columns: tuple[Column, ...] = BOTH) -> Iterator[RegionBlock]:
        """All cells in the order of their positions, a block at a time; only the columns asked for are read.

        Raises DatasetError where a part is damaged.
        """
        blocks = (block for table in self._tables(columns) for block in self._blocks_of(table, columns))
        pool = ThreadPoolExecutor(1)
        with closing(blocks):
            try:
                ahead = deque(pool.submit(next, blocks, None) for _ in range(_AHEAD))  # read while one is worked on
                while (block := ahead.popleft().result()) is not None:
                    ahead.append(pool.submit(next, blocks, None))
                    yield block
            finally:
                pool.shutdown(cancel_futures=True)

    def at(self, lon_lat: NDArray[np.float64], columns: tuple[Column, ...] = ("chip",)) -> RegionPoints:
        """What the region holds of places (n, 2), in degrees, longitude first; NaN is outside.

        Reads the row groups that the places are in, once each. Raises DatasetError where a part is damaged.
        """
        points = self._unfilled(lon_lat, columns)
        number = np.where(points.cells < 0, -1, points.cells // self.manifest.settings.part_cells)
        for part in self.manifest.parts:
            if part.rows and len(rows := np.flatnonzero(number == part.number)):
                self._look_up(part, rows, points, columns)
        return points

    def check_files(self) -> None:
        """Hash every part again. Raises DatasetError for the first that changed since it was written."""
        for part in self.manifest.parts:
            if file_sha256(file_within(self.folder, part.file)) != part.sha256:
                raise self._damaged(part, "it changed since it was written")

    def _look_up(
        self, part: RegionPart, rows: NDArray[np.int64], points: RegionPoints, columns: tuple[Column, ...]
    ) -> None:
        """Fill in the rows of points that lie in a part."""
        with self._open(part) as file:
            held = self._cells_of(part, file)
            at = np.minimum(np.searchsorted(held, points.cells[rows]), len(held) - 1)
            there = held[at] == points.cells[rows]
            rows, at = rows[there], at[there]
            points.found[rows] = True
            ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)])
            group_of = np.searchsorted(ends, at, side="right")
            for group in np.unique(group_of).tolist():
                inside = group_of == group
                first = int(ends[group - 1]) if group else 0
                table = self._read(part, file, group, columns)
                for name, filled in (("chip", points.chip), ("year", points.year)):
                    if filled.size:
                        filled[rows[inside]] = self._half(table, name)[at[inside] - first]

    def _tables(self, columns: tuple[Column, ...]) -> Generator[pa.Table, None, None]:
        for part in self.manifest.parts:
            if part.rows:
                with self._open(part) as file:
                    for group in range(file.num_row_groups):
                        yield self._read(part, file, group, columns)

    def _blocks_of(self, table: pa.Table, columns: tuple[Column, ...]) -> Iterator[RegionBlock]:
        cells = table["cell"].to_numpy()
        chip = self._half(table, "chip") if "chip" in columns else np.empty((len(cells), 0), np.float16)
        terms = 1 + 2 * self.harmonics
        has_year = "year" in columns and self.embedding_width > 0
        year = self._half(table, "year") if has_year else np.empty((len(cells), terms, 0), np.float16)
        numbers = (chip.size + year.size) // len(cells)  # of a cell
        size = max(1, _BLOCK_NUMBERS // max(1, numbers))
        for start in range(0, len(cells), size):
            some = slice(start, start + size)
            yield RegionBlock(
                cells=cells[some], lon_lat=self.grid.centres(cells[some]), chip=chip[some], year=year[some]
            )

    def _half(self, table: pa.Table, name: str) -> NDArray[np.float16]:
        """(rows, ...) numbers of a column, as they lie in memory."""
        column = table[name].combine_chunks()
        shape = (self.chip_width,) if name == "chip" else (1 + 2 * self.harmonics, self.embedding_width)
        numbers = np.frombuffer(column.buffers()[1], dtype="<f2").reshape(-1, *shape)
        rows: NDArray[np.float16] = numbers[column.offset : column.offset + len(column)]
        return rows

    def _open(self, part: RegionPart) -> pq.ParquetFile:
        try:
            file = pq.ParquetFile(file_within(self.folder, part.file), pre_buffer=False)  # it reads more and copies it
            if file.metadata.num_rows != part.rows or not file.schema_arrow.equals(
                region_schema(self.manifest.settings)
            ):
                raise self._damaged(part, "it does not hold the rows and columns that region.json names")
        except (*UNREADABLE, InputError) as error:
            raise self._damaged(part, str(error)) from error
        return file

    def _read(self, part: RegionPart, file: pq.ParquetFile, group: int, columns: tuple[Column, ...]) -> pa.Table:
        stored = [name for name in ("cell", *columns) if name in file.schema_arrow.names]
        try:
            return file.read_row_group(group, columns=stored, use_threads=False)
        except UNREADABLE as error:
            raise self._damaged(part, str(error)) from error

    def _cells_of(self, part: RegionPart, file: pq.ParquetFile) -> NDArray[np.int64]:
        try:
            cells: NDArray[np.int64] = file.read(columns=["cell"])["cell"].to_numpy()
        except UNREADABLE as error:
            raise self._damaged(part, str(error)) from error
        return cells

    def _damaged(self, part: RegionPart, what: str) -> DatasetError:
        return DatasetError(
            f"{self.folder / part.file} is damaged: {what}. Restore it, or delete it and run the same `birdsat embed` "
            "again, which makes it anew."
        )


def open_region(folder: Path, run: Run | None = None) -> FolderRegion:
    """The region in a folder; run: by whose model it must have been embedded.

    Raises DatasetError when it is none, is unfinished, lacks part of a file, or is of a newer schema, ConfigError when
    it is of another model.
    """
    region = FolderRegion(folder, load_region_manifest(folder))
    for part in region.manifest.parts:
        path, found = folder / part.file, None
        try:
            found = file_within(folder, part.file).stat().st_size
        except FileNotFoundError:
            pass
        except InputError as error:
            raise DatasetError(f"{folder} is damaged, or was changed by hand: {error}") from error
        if found != part.size_bytes:
            state = "is missing" if found is None else f"has {found:,} bytes in place of {part.size_bytes:,}"
            raise DatasetError(
                f"{path} {state}. Restore it, or run the same `birdsat embed` again, which makes it anew."
            )
    if run is not None:
        region.check_model(run)
    return region
