"""Chips of a grid's cells, or of given places, cut block by block. No torch, so that worker processes start fast."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birdsat.earth.grid import AnyGrid
from birdsat.earth.place import Place
from birdsat.engine.local import in_processes
from birdsat.errors import ImageError, InputError, PlaceError
from birdsat.imagery.sources import ChipSource

BLOCK_CELLS = 1024  # cells whose chips are held at once
_SEARCHED = 1 << 16  # cells of a mask that are looked through at once


@dataclass(frozen=True, slots=True)
class CutCells:
    """Some cells of a grid, or some places of a list, and their chips."""

    cells: NDArray[np.int64]  # (c,) positions in the grid, row by row from the north-west; or in the list
    lon_lat: NDArray[np.float64]  # (c, 2) centres, degrees WGS84, longitude first, -180..180
    # c times (sizes, px, px, 3); None where there is no imagery of some size, or a damaged one
    chips: tuple[NDArray[np.uint8] | None, ...]


def cut_cells(
    grid: AnyGrid,
    chips: ChipSource,
    *,
    px: int | None = None,
    where: NDArray[np.bool_] | None = None,
    spans: Iterable[range] | None = None,
    workers: int = 0,
) -> Generator[CutCells, None, None]:
    """The chips of every cell, or of the cells where `where` (rows, columns) is True, in blocks.

    px: side that chips are resized to; None leaves them as they come. spans: positions to go through, one span after
    another; no block lies in two. None: all. workers: processes that cut, one block ahead; 0 for none. They start
    afresh, so a script that asks for them needs the usual `if __name__ == "__main__"`. Raises InputError for a mask of
    another shape.
    """
    cells = _cells(grid, where, [range(grid.cells)] if spans is None else spans)
    return _cut_blocks(((some, grid.centres(some)) for some in cells), chips, px, workers)


def cut_places(
    lon_lat: NDArray[np.float64], chips: ChipSource, *, px: int | None = None, workers: int = 0
) -> Generator[CutCells, None, None]:
    """The chips of places (n, 2) in degrees, longitude first, in blocks; px and workers as in `cut_cells`.

    Raises PlaceError for a place that is not on Earth.
    """
    rows = np.arange(len(lon_lat), dtype=np.int64)
    blocks = (rows[first : first + BLOCK_CELLS] for first in range(0, len(rows), BLOCK_CELLS))
    return _cut_blocks(((some, lon_lat[some]) for some in blocks), chips, px, workers)


_Block = tuple[NDArray[np.int64], NDArray[np.float64]]


def _cut_blocks(
    blocks: Iterator[_Block], chips: ChipSource, px: int | None, workers: int
) -> Generator[CutCells, None, None]:
    in_work: deque[_Block] = deque()

    def shares() -> Iterator[tuple[Place, ...]]:
        for block in blocks:
            in_work.append(block)
            places = _places(block[1])
            size = _share(places, workers)
            yield from (places[first : first + size] for first in range(0, len(places), size))

    # So much ahead that a block is in work while the one before is embedded.
    cut = in_processes(
        partial(_cut_all, chips, px), shares(), workers=workers, doing="cutting chips", ahead=4 * workers
    )
    ready: list[NDArray[np.uint8] | None] = []
    with closing(cut):
        for some in cut:
            ready += some
            cells, lon_lat = in_work[0]
            if len(ready) == len(cells):
                in_work.popleft()
                yield CutCells(cells, lon_lat, tuple(ready))
                ready = []


def _places(lon_lat: NDArray[np.float64]) -> tuple[Place, ...]:
    return tuple(Place(lon, lat) for lon, lat in lon_lat.tolist())


def _cells(grid: AnyGrid, where: NDArray[np.bool_] | None, spans: Iterable[range]) -> Iterator[NDArray[np.int64]]:
    if where is not None and where.shape != grid.shape:
        raise InputError(f"the mask has shape {where.shape}, the grid {grid.shape}; make it on the same grid.")
    for span in spans:
        wanted = _wanted(span, where)
        while len(cells := np.fromiter(islice(wanted, BLOCK_CELLS), np.int64)):
            yield cells


def _wanted(span: range, where: NDArray[np.bool_] | None) -> Iterator[int]:
    """The positions of a span that are asked for, found a stretch at a time: a mask may be of many million cells."""
    if where is None:
        return iter(span)
    flat = where.reshape(-1)
    stretches = (range(first, min(first + _SEARCHED, span.stop)) for first in range(span.start, span.stop, _SEARCHED))
    return (cell for part in stretches for cell in (part.start + np.flatnonzero(flat[part.start : part.stop])).tolist())


def _share(places: Sequence[Place], workers: int) -> int:
    return max(1, len(places) // (4 * max(1, workers)))  # several helpings each, so that a slow one holds up little


def _cut_all(chips: ChipSource, px: int | None, places: Sequence[Place]) -> list[NDArray[np.uint8] | None]:
    return [_cut(chips, px, place) for place in places]


def _cut(chips: ChipSource, px: int | None, place: Place) -> NDArray[np.uint8] | None:
    try:
        return np.stack([_resized(chip, px) for chip in chips.chips(place)])
    except (PlaceError, ImageError):
        return None


def _resized(chip: NDArray[np.uint8], px: int | None) -> NDArray[np.uint8]:
    if px is None or chip.shape[:2] == (px, px):
        return chip
    # The filter of training's own views: Pillow's bilinear widens with the reduction, so it does not alias.
    return np.asarray(Image.fromarray(chip).resize((px, px), Image.Resampling.BILINEAR))
