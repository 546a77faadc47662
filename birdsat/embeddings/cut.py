"""Chips of a grid's cells, cut block by block. No torch, so that worker processes start fast."""

import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birdsat.earth.grid import AnyGrid
from birdsat.earth.place import Place
from birdsat.errors import ImageError, InputError, PlaceError

BLOCK_CELLS = 1024  # cells whose chips are held at once
_SEARCHED = 1 << 16  # cells of a mask that are looked through at once


class Chips(Protocol):
    """What a grid needs of a chip source; it must pickle when worker processes cut the chips."""

    def chip(self, place: Place) -> NDArray[np.uint8]:
        """(px, px, 3) RGB, north up. Raises PlaceError when there is no imagery, ImageError when it is damaged."""
        ...


@dataclass(frozen=True, slots=True)
class CutCells:
    """Some cells of a grid and their chips."""

    cells: NDArray[np.int64]  # (c,) positions in the grid, row by row from the north-west
    places: tuple[Place, ...]  # c centres
    chips: tuple[NDArray[np.uint8] | None, ...]  # c; None where there is no imagery, or a damaged one


def cut_cells(
    grid: AnyGrid,
    chips: Chips,
    *,
    px: int | None = None,
    where: NDArray[np.bool_] | None = None,
    spans: Iterable[range] | None = None,
    workers: int = 0,
) -> Iterator[CutCells]:
    """The chips of every cell, or of the cells where `where` (rows, columns) is True, in blocks.

    px: side that chips are resized to; None leaves them as they come. spans: positions to go through, one span after
    another; no block lies in two. None: all. workers: processes that cut, one block ahead; 0 for none. They start
    afresh, so a script that asks for them needs the usual `if __name__ == "__main__"`. Raises InputError for a mask of
    another shape.
    """
    blocks = _blocks(grid, where, [range(grid.cells)] if spans is None else spans)
    if workers == 0:
        for cells, places in blocks:
            yield CutCells(cells, places, tuple(_cut(chips, px, place) for place in places))
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(chips, px)
    ) as pool:
        ahead: deque[tuple[NDArray[np.int64], tuple[Place, ...], Iterable[NDArray[np.uint8] | None]]] = deque()
        try:
            for cells, places in blocks:
                ahead.append((cells, places, pool.map(_cut_in_worker, places, chunksize=_share(places, workers))))
                if len(ahead) > 1:
                    cells, places, cut = ahead.popleft()
                    yield CutCells(cells, places, tuple(cut))
            for cells, places, cut in ahead:
                yield CutCells(cells, places, tuple(cut))
        finally:
            pool.shutdown(cancel_futures=True)  # whoever stops early does not wait for the blocks ahead


def _blocks(
    grid: AnyGrid, where: NDArray[np.bool_] | None, spans: Iterable[range]
) -> Iterator[tuple[NDArray[np.int64], tuple[Place, ...]]]:
    if where is not None and where.shape != grid.shape:
        raise InputError(f"the mask has shape {where.shape}, the grid {grid.shape}; make it on the same grid.")
    for span in spans:
        wanted = _wanted(span, where)
        while len(cells := np.fromiter(islice(wanted, BLOCK_CELLS), np.int64)):
            yield cells, tuple(Place(lon, lat) for lon, lat in grid.centres(cells).tolist())


def _wanted(span: range, where: NDArray[np.bool_] | None) -> Iterator[int]:
    """The positions of a span that are asked for, found a stretch at a time: a mask may be of many million cells."""
    if where is None:
        return iter(span)
    flat = where.reshape(-1)
    stretches = (range(first, min(first + _SEARCHED, span.stop)) for first in range(span.start, span.stop, _SEARCHED))
    return (cell for part in stretches for cell in (part.start + np.flatnonzero(flat[part.start : part.stop])).tolist())


def _share(places: Sequence[Place], workers: int) -> int:
    return max(1, len(places) // (4 * workers))  # several helpings each, so that a slow one holds up little


def _cut(chips: Chips, px: int | None, place: Place) -> NDArray[np.uint8] | None:
    try:
        chip = chips.chip(place)
    except (PlaceError, ImageError):
        return None
    if px is None or chip.shape[:2] == (px, px):
        return chip
    # The filter of training's own views: Pillow's bilinear widens with the reduction, so it does not alias.
    return np.asarray(Image.fromarray(chip).resize((px, px), Image.Resampling.BILINEAR))


_chips: Chips  # of this worker process
_px: int | None


def _start_worker(chips: Chips, px: int | None) -> None:
    global _chips, _px
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to every process; the one that maps ends the others
    _chips, _px = chips, px


def _cut_in_worker(place: Place) -> NDArray[np.uint8] | None:
    return _cut(_chips, _px, place)
