"""Score taxa over a grid: each cell's chip is cut and encoded once, then asked for every month and taxon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.dataset.progress import row_progress
from birdsat.earth.date import mid_month
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.inference import inference
from birdsat.errors import InputError
from birdsat.maps.cut import Chips, CutCells, cut_cells
from birdsat.methods.method import Method

MOST_SCORE_BYTES = 2 << 30  # of the maps held at once, 2 GiB


@dataclass(frozen=True, slots=True)
class ScoreBlock:
    """Scores of some cells of a grid."""

    cells: NDArray[np.int64]  # (c,) positions in the grid, row by row from the north-west
    score: NDArray[np.float32]  # (taxa, months, c) cosines, -1..1; NaN where there is no imagery


@dataclass(frozen=True, kw_only=True, slots=True)
class MapScores:
    """Maps of several taxa and months on one grid."""

    grid: AnyGrid
    months: tuple[int, ...]
    score: NDArray[np.float32]  # (taxa, months, rows, columns) cosines, -1..1; NaN where nothing was asked or found
    asked: int  # cells
    without_imagery: int  # cells among them for which the chip source has no chip, or a damaged one


def predict_blocks(
    method: Method,
    vectors: NDArray[np.float32],
    grid: AnyGrid,
    months: Sequence[int],
    chips: Chips,
    *,
    chip_px: int | None = None,
    where: NDArray[np.bool_] | None = None,
    workers: int = 0,
    device: torch.device | str | None = None,
) -> Iterator[ScoreBlock]:
    """Score taxa over `grid`, a block of cells at a time, so that memory does not grow with the grid.

    vectors (taxa, d): unit vectors to look for, such as `TaxonMeans.vectors`. months: 1..12, each asked at its
    middle. chip_px: side of the chips that the method sees, to which others are resized; None: they come so. where
    (rows, columns): cells to score, all when None. workers: processes that cut chips, 0 for none; they start afresh,
    so a script that asks for them needs the usual `if __name__ == "__main__"`.

    The score is the cosine between a taxon's mean photo embedding and the cell's chip, place and month embedding. It
    orders cells and months of one taxon; it is no probability, and levels of two taxa are not comparable.

    Raises InputError for a method that sees no chips or vectors of another width, ConfigError for a month outside
    1..12, and whatever the chip source raises besides PlaceError and ImageError, which leave a cell without a score.
    """
    if not method.sees_chips:
        raise InputError(
            f"{type(method).__name__} learns from photos only and cannot draw maps; take a run of a cross-view method, "
            "such as cve_mae."
        )
    if len(vectors) == 0 or not months:
        raise InputError("a map needs at least one taxon and at least one month; none was given.")
    years = torch.tensor([mid_month(month) for month in months])
    for cut in cut_cells(grid, chips, px=chip_px, where=where, workers=workers):
        yield _score(method, vectors, cut, years, device)


def predict_maps(
    method: Method,
    vectors: NDArray[np.float32],
    grid: AnyGrid,
    months: Sequence[int],
    chips: Chips,
    *,
    chip_px: int | None = None,
    where: NDArray[np.bool_] | None = None,
    workers: int = 0,
    device: torch.device | str | None = None,
    show_progress: bool = False,
) -> MapScores:
    """`predict_blocks`, put together: only the scores are held, never the features.

    Raises InputError as well when the scores would take more than MOST_SCORE_BYTES.
    """
    _check_room(len(vectors), len(months), grid)
    score = np.full((len(vectors), len(months), grid.rows * grid.columns), np.nan, dtype=np.float32)
    asked = grid.rows * grid.columns if where is None else int(np.count_nonzero(where))
    without_imagery = 0
    blocks = predict_blocks(
        method, vectors, grid, months, chips, chip_px=chip_px, where=where, workers=workers, device=device
    )
    with row_progress(show_progress, "cells") as bar:
        task = bar.add_task("mapping", total=asked)
        for block in blocks:
            score[:, :, block.cells] = block.score
            without_imagery += int(np.isnan(block.score[0, 0]).sum())
            bar.advance(task, len(block.cells))
    return MapScores(
        grid=grid,
        months=tuple(months),
        score=score.reshape(len(vectors), len(months), *grid.shape),
        asked=asked,
        without_imagery=without_imagery,
    )


def _check_room(taxa: int, months: int, grid: AnyGrid) -> None:
    needed = taxa * months * grid.rows * grid.columns * np.dtype(np.float32).itemsize
    if needed > MOST_SCORE_BYTES:
        raise InputError(
            f"maps of {grid.rows:,} x {grid.columns:,} cells, {months} months and {taxa:,} taxa need "
            f"{needed / 2**30:,.1f} GiB for their scores; at most {MOST_SCORE_BYTES / 2**30:g} GiB are held. Take a "
            f"larger step than {grid.step_text}, a smaller box, or fewer months or taxa at once."
        )


def _score(
    method: Method,
    vectors: NDArray[np.float32],
    cut: CutCells,
    years: torch.Tensor,
    device: torch.device | str | None,
) -> ScoreBlock:
    score = np.full((len(vectors), len(years), len(cut.cells)), np.nan, dtype=np.float32)
    found = np.array([chip is not None for chip in cut.chips])
    if found.any():
        with inference(method, device) as where:
            images = torch.from_numpy(np.stack([chip for chip in cut.chips if chip is not None]))
            features = method.encode_chip(images.permute(0, 3, 1, 2).contiguous().to(where))
            known = [(place.lon, place.lat) for place, there in zip(cut.places, found, strict=True) if there]
            lon_lat = torch.tensor(known, device=where)
            wanted = torch.from_numpy(vectors).to(where)
            for month, year in enumerate(years.tolist()):
                embedding = method.embed_chip(features, lon_lat, torch.full((len(known),), year, device=where))
                if embedding.shape[1] != wanted.shape[1]:
                    raise InputError(
                        f"the taxon vectors have width {wanted.shape[1]}, the method embeds to {embedding.shape[1]}; "
                        "take the vectors from the same run."
                    )
                score[:, month, found] = (wanted @ embedding.float().T).cpu().numpy()
    return ScoreBlock(cut.cells, score)
