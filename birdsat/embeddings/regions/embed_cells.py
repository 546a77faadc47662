"""Cells of a grid, embedded: what their chips show, and where each stands over the year."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.date import mid_month
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.inference import inference
from birdsat.embeddings.regions.cut_chips import CutCells, cut_cells
from birdsat.errors import ConfigError, InputError
from birdsat.imagery.sources import ChipSource
from birdsat.methods.method import Method

# Kept by default. The date goes into a method as three harmonics, so a cycle of one or two leaves much of the season
# out: of a trained cve_mae, cosines differed by .0101 over the months of a place (standard deviation), and cycles of
# 1, 2, 3 and 5 harmonics missed them by .0068, .0044, .0008 and .0003 (root mean square).
HARMONICS = 3
EXACT_HARMONICS = 6  # as many pass through all twelve mid-months
_MID_MONTHS = np.array([mid_month(month) for month in range(1, 13)])


HalfOrFloat = NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionBlock:
    """c cells with imagery, in the order of their positions; read from a region, chip and year are in half precision.

    A column that was not asked for holds no numbers: chip is (c, 0), year (c, 1 + 2 K, 0).
    """

    cells: NDArray[np.int64]  # (c,) positions in the grid, row by row from the north-west
    lon_lat: NDArray[np.float64]  # (c, 2) centres, degrees WGS84, longitude first, -180..180
    # (c, f) what the chip shows, free of place and date: `Method.encode_chip`; of a chip source of several ground sizes
    # that of each, one after another, from small to large
    chip: HalfOrFloat
    year: HalfOrFloat  # (c, 1 + 2 K, d) annual cycle of `Method.embed_chip`: at t it is year_basis(t) @ year
    without_imagery: int = 0  # cells that were looked at beside these, and have no chip or a damaged one
    covariates: NDArray[np.float32] | None = None  # (c, k) that a range model reads beside these; NaN where not known

    def __len__(self) -> int:
        return len(self.cells)


def to_float32(numbers: HalfOrFloat) -> Tensor:
    """In single precision, to compute with: by torch, twenty times as fast as numpy. It wants what it may write to."""
    return torch.from_numpy(numbers.copy()).float()


def year_basis(year_fraction: NDArray[np.float64], harmonics: int) -> NDArray[np.float32]:
    """(m, 1 + 2 K) values of 1, cos 2πt, sin 2πt, ..., cos 2πKt, sin 2πKt at the year fractions t (m,)."""
    order = np.arange(1, harmonics + 1)
    phase = 2 * math.pi * year_fraction[:, None] * order
    waves = np.stack([np.cos(phase), np.sin(phase)], axis=2).reshape(len(year_fraction), 2 * harmonics)
    return np.concatenate([np.ones((len(year_fraction), 1)), waves], axis=1).astype(np.float32)


def embed_cells(
    method: Method,
    grid: AnyGrid,
    chips: ChipSource,
    *,
    chip_px: int | None = None,
    where: NDArray[np.bool_] | None = None,
    harmonics: int = HARMONICS,
    workers: int = 0,
    device: torch.device | str | None = None,
) -> Iterator[RegionBlock]:
    """Embed the cells of `grid`, a block at a time, so that memory does not grow with the grid.

    chip_px: side of the chips that the method sees, to which others are resized; None: they come so. where (rows,
    columns): cells to embed, all when None. harmonics: of the annual cycle, 0 to EXACT_HARMONICS; a method
    without metadata has none, whatever is asked. workers: processes that cut chips, 0 for none; they start afresh, so a
    script that asks for them needs the usual `if __name__ == "__main__"`.

    Raises InputError for a method that sees no chips, ConfigError for other harmonics, and whatever the chip source
    raises besides PlaceError and ImageError, which leave a cell out.
    """
    check_method(method)
    kept = kept_harmonics(method, harmonics)
    cuts = cut_cells(grid, chips, px=chip_px, where=where, workers=workers)
    return _without_empty(embed_cut(method, cut, kept, device)[0] for cut in cuts)


def _without_empty(blocks: Iterator[RegionBlock]) -> Iterator[RegionBlock]:
    """Blocks without any imagery are counted with the next that has some, and what is left over at the end alone."""
    empty = 0
    last: RegionBlock | None = None
    for block in blocks:
        if not len(block):
            empty += block.without_imagery
            last = last or block
            continue
        yield replace(block, without_imagery=block.without_imagery + empty)
        empty, last = 0, block
    if empty and last is not None:
        some = slice(0)
        yield RegionBlock(
            cells=last.cells[some],
            lon_lat=last.lon_lat[some],
            chip=last.chip[some],
            year=last.year[some],
            without_imagery=empty,
        )


def check_method(method: Method) -> None:
    """Raises InputError when the method sees no chips."""
    if not method.sees_chips:
        raise InputError(
            f"{type(method).__name__} learns from photos only and says nothing of a place; take a run of a method that "
            "sees chips, such as cve_mae."
        )


def kept_harmonics(method: Method, harmonics: int) -> int:
    """How many an annual cycle has: none for a method without metadata. Raises ConfigError for other than 0..6.

    More than EXACT_HARMONICS cannot be told from twelve months.
    """
    if harmonics not in range(EXACT_HARMONICS + 1):
        raise ConfigError(
            f"harmonics is {harmonics}; allowed: 0 (the year's mean) to {EXACT_HARMONICS} (all of twelve months)."
        )
    return harmonics if method.uses_metadata else 0


def embed_cut(
    method: Method, cut: CutCells, harmonics: int, device: torch.device | str | None = None
) -> tuple[RegionBlock, NDArray[np.float32]]:
    """Cells whose chips are cut, embedded; and by how much the annual cycle misses each mid-month's embedding.

    Of several ground sizes, each is encoded by itself; the annual cycle is that of their mean, which lies where the
    encoder's features of any one size lie, so that photos can be held against it.

    The misses (c, 12) are lengths of the difference of two vectors: no cosine with a unit vector is wrong by more.
    """
    found = np.array([chip is not None for chip in cut.chips])
    cells, lon_lat = cut.cells[found], cut.lon_lat[found]
    with inference(method, device) as place:
        if found.any():
            images = torch.from_numpy(np.stack([chip for chip in cut.chips if chip is not None], axis=1))
            sizes = [method.encode_chip(one.permute(0, 3, 1, 2).contiguous().to(place)).float() for one in images]
            features, mean = torch.cat(sizes, dim=1), torch.stack(sizes).mean(dim=0)
            year, missed = _annual_cycle(method, mean, torch.from_numpy(lon_lat).float().to(place), harmonics)
        else:
            features, year, missed = torch.empty(0, 0), torch.empty(0, 1 + 2 * harmonics, 0), torch.empty(0, 12)
        block = RegionBlock(
            cells=cells,
            lon_lat=lon_lat,
            chip=features.cpu().numpy(),
            year=year.cpu().numpy(),
            without_imagery=len(found) - len(cells),
        )
        return block, missed.cpu().numpy()


def _annual_cycle(method: Method, features: Tensor, lon_lat: Tensor, harmonics: int) -> tuple[Tensor, Tensor]:
    """The annual cycle (c, 1 + 2 K, d) that fits the twelve mid-months best, and what it misses of each (c, 12)."""
    if not method.uses_metadata:
        steady = method.embed_chip(features, lon_lat, torch.full_like(lon_lat[:, 0], _MID_MONTHS[0])).float()
        return steady[:, None], steady.new_zeros(len(steady), 12)
    months = [method.embed_chip(features, lon_lat, torch.full_like(lon_lat[:, 0], t)).float() for t in _MID_MONTHS]
    exact = torch.stack(months, dim=1)  # (c, 12, d)
    basis = year_basis(_MID_MONTHS, harmonics)
    fit = torch.from_numpy(np.linalg.pinv(basis.astype(np.float64)).astype(np.float32)).to(exact.device)
    year = fit @ exact
    missed = torch.from_numpy(basis).to(exact.device) @ year - exact
    return year, missed.norm(dim=2)
