"""A file of embeddings that somebody else made: a vector for each of many places."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.progress import QUIET, Progress

Vectors = tuple[NDArray[np.int64], NDArray[np.floating]]  # (n,) positions of cells, -1 outside; (n, width)


class GivenFile(ABC):
    """Holds no open file."""

    def __init__(self, path: Path, names: tuple[str, ...], *, is_vector: bool = False) -> None:
        self.path = path
        self.names = names  # of the numbers of a vector
        self.is_vector = is_vector  # whether the file keeps them together, so that they are surely of one scale

    @abstractmethod
    def vectors(self, grid: AnyGrid, remarks: list[str], progress: Progress = QUIET) -> Iterator[Vectors]:
        """All vectors that may lie in the grid, some thousands at a time; NaN for a number that is not known.

        remarks: gets, at the end, what could not be used and how often. Raises InputError where the file cannot be read
        to its end.
        """


def names_text(names: tuple[str, ...]) -> str:
    """Names of numbers for people, such as "A00 to A63"."""
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
