"""Files of embeddings as sources of features: parts of one whole together, and what else is given side by side."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.given.cell_means import CellMeans
from birdsat.embeddings.given.given_file import GivenFile, names_text
from birdsat.embeddings.given.rasters import GivenRaster
from birdsat.embeddings.given.tables import PARQUET, GivenTable
from birdsat.embeddings.given.vector_columns import VectorColumns
from birdsat.errors import InputError, about, some_of
from birdsat.observations.readers.zipped import PACKED_SUFFIXES
from birdsat.progress import QUIET, Progress
from birdsat.reading import first_bytes, kind_of

_RASTERS = ("a GeoTIFF or TIFF", "a JPEG 2000 picture")
_NEARLY_RASTERS = ("a VRT, a list of other rasters", "an HDF5 or netCDF file", "a JPEG picture", "a PNG picture")
_TABLES = (*PACKED_SUFFIXES, ".zip")
_SUFFIXES = (".tif", ".tiff", ".jp2", ".parquet", ".geoparquet", *PACKED_SUFFIXES)  # of files in a folder


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenSource:
    """Files of the same columns."""

    path: Path  # as it was given: a file, or a folder of several
    files: tuple[GivenFile, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What its numbers are called."""
        return self.files[0].names

    @property
    def is_vector(self) -> bool:
        """Whether the files keep its numbers together."""
        return self.files[0].is_vector

    def __str__(self) -> str:
        return f"{self.path.name} ({names_text(self.names)})"

    def means(
        self, grid: AnyGrid, where: NDArray[np.bool_] | None, folder: Path, progress: Progress = QUIET
    ) -> CellMeans:
        """The mean of every cell of the grid, or of those where `where` (rows, columns) is True.

        folder: empty, for files of its own. What could not be used is noted. Raises InputError where no cell has any
        number, and for what cannot be read.
        """
        means, remarks = CellMeans(len(self.names), folder), dict[str, None]()
        asked = None if where is None else where.reshape(-1)
        outside = []
        for file in self.files:
            said: list[str] = []
            inside = False
            for cells, vectors in file.vectors(grid, said, progress):
                if asked is not None:
                    cells = np.where((cells >= 0) & asked[cells], cells, -1)
                means.add(cells, vectors)
                inside |= bool((cells >= 0).any())
            remarks |= dict.fromkeys(said)
            if not inside:
                outside.append(file.path.name)
        if outside:
            remarks[
                f"{len(outside):,} of {len(self.files):,} files have nothing in these cells: {some_of(outside)}"
            ] = None
        if means.is_empty:
            raise InputError(
                f"no cell in the box {grid.box} has any number of {self}: "
                f"{'; '.join(remarks) or 'it has no data there'}. Take a box that it covers, or other columns.",
                settings=("box", "embeddings"),
            )
        for remark in remarks:
            progress.note(f"{remark}.")
        return means


def open_given(paths: Sequence[Path], columns: VectorColumns, progress: Progress = QUIET) -> tuple[GivenSource, ...]:
    """Files, and folders of files that are parts of one whole, such as tiles, as sources: one each.

    Two of the same columns are noted. Raises InputError for what is absent or cannot be read, for a folder of files
    that do not belong together, and for a file named twice.
    """
    sources = tuple(
        GivenSource(path=path, files=tuple(_opened(file, columns) for file in _files(path))) for path in paths
    )
    if columns != VectorColumns() and not any(
        isinstance(one, GivenTable) for source in sources for one in source.files
    ):
        raise InputError("none of the files is a table, whose columns could be named.", settings=("columns",))
    seen: set[Path] = set()
    for source in sources:
        for file in source.files:
            if (found := file.path.resolve()) in seen:
                raise InputError(f"{file.path} is given twice; name each file once.", settings=("embeddings",))
            seen.add(found)
            if file.names != source.names:
                raise InputError(
                    f"{file.path} has the columns {_text(file.names)}, and {source.files[0].path} "
                    f"{_text(source.names)}; files in one folder are taken as parts of one whole. Put them into two, "
                    "or name them one by one.",
                    settings=("embeddings",),
                )
    alike = Counter(source.names for source in sources)
    for source in sources:
        if alike.pop(source.names, 1) > 1:
            progress.note(
                f"several files have the columns {_text(source.names)}, and stand side by side; where they are parts "
                "of one whole, such as tiles, name a folder that holds them."
            )
    return sources


def _text(names: tuple[str, ...]) -> str:
    return f"{names_text(names)} ({len(names):,})"


def _files(path: Path) -> Iterator[Path]:
    """The file at a path; those in a folder, by their names."""
    if not path.is_dir():
        yield path
        return
    found = sorted(file for file in path.rglob("*") if file.name.lower().endswith(_SUFFIXES) and file.is_file())
    if not found:
        raise InputError(
            f"the folder {path} holds no embeddings: no file that ends in {', '.join(_SUFFIXES)}.",
            settings=("embeddings",),
        )
    yield from found


def _opened(path: Path, columns: VectorColumns) -> GivenFile:
    wanted = "a table with a place a row (Parquet, CSV) or a GeoTIFF with a band a number"
    if not path.is_file():
        raise InputError(f"{path} does not exist; give {wanted}.", settings=("embeddings",))
    kind = kind_of(first_bytes(path))
    with about("embeddings"):
        if kind == PARQUET or path.name.lower().endswith(_TABLES):
            return GivenTable(path, columns)
        if kind in _RASTERS or kind in _NEARLY_RASTERS:  # of which the opener says what to do
            return GivenRaster(path)
        raise InputError(f"{path} holds no embeddings that are read here: this is {kind or 'unknown'}; give {wanted}.")
