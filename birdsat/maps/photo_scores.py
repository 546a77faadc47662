"""Score taxa over a grid: each cell is embedded once, then asked for every month and taxon."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.earth.date import mid_month
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.embed_cells import EXACT_HARMONICS, RegionBlock, embed_cells, to_float32, year_basis
from birdsat.engine.threads import in_threads
from birdsat.errors import InputError
from birdsat.imagery.sources import ChipSource
from birdsat.methods.method import Method
from birdsat.progress import QUIET, Progress

MOST_SCORE_BYTES = 2 << 30  # of the maps held at once, 2 GiB


@dataclass(frozen=True, slots=True)
class ScoreBlock:
    """Scores of some cells of a grid, all of which have imagery."""

    cells: NDArray[np.int64]  # (c,) positions in the grid, row by row from the north-west
    score: NDArray[np.float32]  # (taxa, months, c) cosines, -1..1
    without_imagery: int  # cells that were looked at beside these


@dataclass(frozen=True, kw_only=True, slots=True)
class MapScores:
    """Maps of several taxa and months on one grid."""

    grid: AnyGrid
    months: tuple[int, ...]
    score: NDArray[np.float32]  # (taxa, months, rows, columns) cosines, -1..1; NaN where there is none


def score_blocks(
    blocks: Iterable[RegionBlock], vectors: NDArray[np.float32], months: Sequence[int]
) -> Iterator[ScoreBlock]:
    """Score taxa over embedded cells, a block at a time.

    vectors (taxa, d): unit vectors to look for, such as `TaxonMeans.vectors`. months: 1..12, each asked at its middle.

    The score is the cosine between a taxon's mean photo embedding and the cell's chip, place and month embedding. It
    orders cells and months of one taxon; it is not a probability, and levels of two taxa are not comparable.

    Raises InputError for vectors of another width, ConfigError for a month outside 1..12.
    """
    if len(vectors) == 0 or not months:
        raise InputError("a map needs at least one taxon and at least one month; none was given.")
    times = np.array([mid_month(month) for month in months])
    bases = cache(lambda terms: year_basis(times, (terms - 1) // 2))
    return in_threads(lambda block: _score(block, vectors, bases(block.year.shape[1])), blocks)


def predict_blocks(
    method: Method,
    vectors: NDArray[np.float32],
    grid: AnyGrid,
    months: Sequence[int],
    chips: ChipSource,
    *,
    chip_px: int | None = None,
    where: NDArray[np.bool_] | None = None,
    workers: int = 0,
    device: torch.device | str | None = None,
) -> Iterator[ScoreBlock]:
    """`score_blocks` over cells that are embedded on the way, as by `embed_cells`, whose errors it raises as well.

    No season is lost: the annual cycle passes through every mid-month.
    """
    blocks = embed_cells(
        method,
        grid,
        chips,
        chip_px=chip_px,
        where=where,
        harmonics=EXACT_HARMONICS,
        workers=workers,
        device=device,
    )
    return score_blocks(blocks, vectors, months)


def predict_maps(
    method: Method,
    vectors: NDArray[np.float32],
    grid: AnyGrid,
    months: Sequence[int],
    chips: ChipSource,
    *,
    chip_px: int | None = None,
    where: NDArray[np.bool_] | None = None,
    workers: int = 0,
    device: torch.device | str | None = None,
    progress: Progress = QUIET,
) -> MapScores:
    """`predict_blocks`, put together: only the scores are held, never the features.

    Raises InputError as well when the scores would take more than MOST_SCORE_BYTES.
    """
    _check_room(len(vectors), len(months), grid)
    asked = grid.cells if where is None else int(np.count_nonzero(where))
    blocks = predict_blocks(
        method, vectors, grid, months, chips, chip_px=chip_px, where=where, workers=workers, device=device
    )
    score = np.full((len(vectors), len(months), grid.cells), np.nan, dtype=np.float32)
    with progress.bar("mapping", asked, unit="cells") as bar:
        for block in blocks:
            if len(block.cells):
                score[:, :, block.cells] = block.score
            bar.advance(len(block.cells) + block.without_imagery)
    return MapScores(
        grid=grid,
        months=tuple(months),
        score=score.reshape(len(vectors), len(months), *grid.shape),
    )


def _check_room(taxa: int, months: int, grid: AnyGrid) -> None:
    needed = taxa * months * grid.rows * grid.columns * np.dtype(np.float32).itemsize
    if needed > MOST_SCORE_BYTES:
        raise InputError(
            f"maps of {grid.rows:,} x {grid.columns:,} cells, {months} months and {taxa:,} taxa need "
            f"{needed / 2**30:,.1f} GiB for their scores; at most {MOST_SCORE_BYTES / 2**30:g} GiB are held. Take a "
            f"larger step than {grid.step_text}, a smaller box, or fewer months or taxa at once."
        )


def _score(block: RegionBlock, vectors: NDArray[np.float32], basis: NDArray[np.float32]) -> ScoreBlock:
    """basis: (months, terms)."""
    cells, terms, width = block.year.shape
    if cells == 0:
        nothing = np.empty((len(vectors), len(basis), 0), dtype=np.float32)
        return ScoreBlock(block.cells, nothing, block.without_imagery)
    if width != vectors.shape[1]:
        raise InputError(
            f"the taxon vectors have width {vectors.shape[1]}, the method embeds to {width}; take the vectors from the "
            "same run."
        )
    along = to_float32(block.year).view(-1, width) @ torch.from_numpy(vectors).T
    along = along.view(cells, terms, len(vectors))
    score: NDArray[np.float32] = (torch.from_numpy(basis) @ along.permute(2, 1, 0)).numpy()  # (taxa, months, cells)
    return ScoreBlock(block.cells, score, block.without_imagery)
