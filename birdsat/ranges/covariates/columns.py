"""A column of a table of places, over the cells of a grid."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from birdsat.earth.grid import AnyGrid
from birdsat.earth.raster_cells import CellSamples
from birdsat.earth.undeclared import LoneValues
from birdsat.embeddings.given.tables import GivenTable
from birdsat.embeddings.given.vector_columns import VectorColumns, listed
from birdsat.errors import InputError, nearest
from birdsat.observations.readers.columns import find_column
from birdsat.progress import QUIET, Progress


class _Columns(VectorColumns):
    """Columns of numbers, and those of longitude and latitude by their usual names."""

    def places(self, present: Sequence[str], path: Path) -> tuple[str, str]:
        """Raises InputError where there are none."""
        lon, lat = (find_column(present, what, None, path) for what in ("lon", "lat"))
        if lon is None or lat is None:
            raise InputError(
                f"{path} says of no row where it lies: it has neither a geometry (WKB) nor columns of longitude and "
                f"latitude; its columns are {listed(present)}. Call two of them longitude and latitude, in degrees."
            )
        return lon, lat

    def asked(self, present: Sequence[str], path: Path) -> tuple[str, ...]:
        """Raises InputError where one is absent."""
        for column in self.vector:
            if column not in present:
                raise InputError(
                    f"{path} has no column {column!r}{nearest(column, present)}. Its columns are {listed(present)}; "
                    "name one of them after the table, NAME=TABLE:COLUMN."
                )
        return self.vector

    def no_numbers(self, column: str, path: Path) -> InputError:
        """Of a column of words, dates or lists."""
        return InputError(
            f"column {column!r} of {path} holds no numbers; name one that does. Classes are numbers too: give each "
            "one, and write :categorical after the column."
        )


def open_columns(path: Path, columns: Sequence[str]) -> GivenTable:
    """A table by some of its columns. Raises InputError for a table that cannot be read, and for one without places or
    without such columns of numbers."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; give a table of places, or a raster.")
    asked = _Columns(vector=tuple(columns))
    table = GivenTable(path, asked)
    if table.names != asked.vector:
        raise asked.no_numbers(columns[0], path)
    return table


def column_samples(
    path: Path, columns: Sequence[str], grid: AnyGrid, progress: Progress = QUIET
) -> Iterator[CellSamples]:
    """The numbers of columns, a row a sample: the mean of a cell is that of the rows whose places lie in it.

    What could not be used is noted, and so are numbers that look as if they stood for none. Raises InputError as
    `open_columns` does.
    """
    remarks: list[str] = []
    lone = LoneValues(len(columns))
    for cells, values in open_columns(path, columns).vectors(grid, remarks, progress):
        samples = CellSamples(cells=cells, values=values.astype(np.float32))
        lone.add(samples.values[cells >= 0])
        yield samples
    ones, zeros = [1.0] * len(columns), [0.0] * len(columns)
    for remark in (*(f"{one}." for one in remarks), *lone.remarks(ones, zeros, "leave the cells of the table empty")):
        progress.note(remark)
