"""Where a photo is from by what it is like: its embedding beside those of the cells of a region."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.date import mid_month
from birdsat.embeddings.regions.embed_cells import RegionBlock, to_float32, year_basis
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError
from birdsat.tasks.locate import ALL_PHOTOS, CellDensities, Evidence, log_areas, photos_of
from birdsat.tasks.place_prior import PlacePrior

_MID_MONTHS = np.array([mid_month(month) for month in range(1, 13)])
_LEAST_PHOTOS = 10  # to fit a scale on
_TILE_NUMBERS = 1 << 22  # similarities of photos x cells x months that are held at once
SCALES = tuple(2 ** (step / 4) for step in range(33))  # tried when one is fitted: 1 to 256
_FIT_CELLS = 20_000  # that stand for all cells of a region when a scale is fitted


@dataclass(frozen=True, kw_only=True, slots=True)
class Queries:
    """q photos that are looked for."""

    embedding: NDArray[np.float32]  # (q, d) unit vectors, `Method.embed_photo`
    year_fraction: NDArray[np.float64]  # (q,) when it was taken; NaN: unknown, and all months are added up

    def __len__(self) -> int:
        return len(self.embedding)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocationPosterior:
    """How similarity becomes probability."""

    scale: float  # inverse temperature: what cosines are multiplied by
    prior: PlacePrior | None = None  # where photos are taken; None: every square kilometre is as likely

    def log_prior(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """(c,) log density at cells' centres before a photo is looked at, against an even one."""
        return np.zeros(len(lon_lat)) if self.prior is None else self.prior.log_density(lon_lat)


class Likeness(Evidence):
    """The cosine of each photo with each cell at the photo's date.

    A cell's density is the prior's times exp(scale x cosine); where the date is unknown, the last factor is its mean
    over twelve mid-months. (A contrast among pairs drawn from a density learns the log ratio of what is likely given
    the photo to that density: van den Oord et al. 2018, "Representation learning with contrastive predictive coding",
    section 2.3.)
    """

    def __init__(self, queries: Queries, region: Region, posterior: LocationPosterior) -> None:
        """Raises InputError for embeddings of another width than the region's."""
        _check_width(queries, region)
        super().__init__(region, len(queries))
        self._queries, self._posterior = queries, posterior

    def blocks(self, photos: slice = ALL_PHOTOS) -> Iterator[CellDensities]:
        """All cells in the order of their positions, a block at a time."""
        for block, prior in _blocks(self._region, self._posterior):
            yield CellDensities(
                cells=block.cells, lon_lat=block.lon_lat, of_photos=self._of_photos(block, prior, photos)
            )

    def _of_photos(self, block: RegionBlock, prior: Tensor, photos: slice) -> Iterator[tuple[slice, Tensor]]:
        scale = self._posterior.scale
        for some in _tiles(self._queries, block, photos):
            # At most 0 but for the prior, so that its exponential has room.
            likely = (_mean_over_times(_cosines(self._queries, block, some), scale) - scale).double()
            yield some, (likely + prior[:, None]).T


def fit_scale(
    queries: Queries, lon_lat: NDArray[np.float64], region: Region, prior: PlacePrior | None = None
) -> LocationPosterior:
    """The posterior under which the true places (q, 2) of photos are most probable, with this prior.

    Its scale is the one of SCALES with the highest mean log probability of the true cell. Cells in even steps stand for
    all of a large region. Raises InputError when fewer than ten photos lie in cells of the region.
    """
    points = region.at(lon_lat, ("year",))
    kept = np.flatnonzero(points.found)
    if len(kept) < _LEAST_PHOTOS:
        raise InputError(
            f"{len(kept)} of the {len(queries):,} photos that the temperature is to be fitted on lie in cells of "
            f"{region.name}; at least {_LEAST_PHOTOS} are needed. Take a region that covers them, or leave "
            "the dataset to fit it on out.",
            settings=("calibrate", "region"),
        )
    _check_width(queries, region)
    asked = Queries(embedding=queries.embedding[kept], year_fraction=queries.year_fraction[kept])
    posterior = LocationPosterior(scale=1.0, prior=prior)
    step = max(1, len(region) // _FIT_CELLS)
    others = torch.zeros((len(SCALES), len(asked)), dtype=torch.float64)
    for block, log_prior in _blocks(region, posterior):
        log_even = (torch.from_numpy(log_areas(region.grid, block.lon_lat[:, 1])) + log_prior)[::step, None]
        for some in _tiles(asked, block):
            cosine = _cosines(asked, block, some)[:, ::step]
            own_cell = torch.from_numpy(block.cells[::step, None] == points.cells[kept][some])
            for number, scale in enumerate(SCALES):
                likely = (_mean_over_times(cosine, scale) - scale).double() + log_even
                others[number, some] += step * likely.masked_fill(own_cell, -torch.inf).exp().sum(dim=0)
    centres = region.grid.centres(points.cells[kept])
    log_even = torch.from_numpy(log_areas(region.grid, centres[:, 1]) + posterior.log_prior(centres))
    cosine = _own_cosines(asked, points.year[kept])
    own = torch.stack([(_mean_over_times(cosine, scale) - scale).double() + log_even for scale in SCALES])
    log_probability = own - torch.logaddexp(own, others.log())
    return LocationPosterior(scale=SCALES[int(log_probability.mean(dim=1).argmax())], prior=prior)


def _mean_over_times(cosine: Tensor, scale: float) -> Tensor:
    """(times, ...) to (...)."""
    return (scale * cosine).logsumexp(dim=0) - math.log(len(cosine))


def _cosines(queries: Queries, block: RegionBlock, some: slice) -> Tensor:
    """(times, c, some): see `_bases`."""
    cells, terms, width = block.year.shape
    photos = torch.from_numpy(queries.embedding[some])
    along = (to_float32(block.year).view(-1, width) @ photos.T).view(cells, terms, len(photos))
    return torch.einsum("tqk,ckq->tcq", _bases(queries.year_fraction[some], terms), along)


def _own_cosines(queries: Queries, year: NDArray[np.float32]) -> Tensor:
    """(times, q) of each photo with an annual cycle of its own (q, terms, d)."""
    along = torch.einsum("qwd,qd->qw", torch.from_numpy(year), torch.from_numpy(queries.embedding))
    return torch.einsum("tqw,qw->tq", _bases(queries.year_fraction, year.shape[1]), along)


def _bases(year_fraction: NDArray[np.float64], terms: int) -> Tensor:
    """(times, q, terms): each photo's date, or twelve mid-months; known dates are repeated where others are unknown."""
    unknown = np.isnan(year_fraction)
    times = _MID_MONTHS[:, None] if unknown.any() else np.zeros((1, 1))
    asked = np.where(unknown, times, year_fraction)
    basis = year_basis(asked.reshape(-1), (terms - 1) // 2)
    return torch.from_numpy(basis.reshape(*asked.shape, terms))


def _tiles(queries: Queries, block: RegionBlock, photos: slice = ALL_PHOTOS) -> Iterator[slice]:
    """Some photos, so many at a time that similarities take little room."""
    times = len(_MID_MONTHS) if np.isnan(queries.year_fraction).any() else 1
    return photos_of(len(queries), photos, max(1, _TILE_NUMBERS // (max(times, block.year.shape[1]) * len(block))))


def _blocks(region: Region, posterior: LocationPosterior) -> Iterator[tuple[RegionBlock, Tensor]]:
    """The region's blocks, and the log prior (c,) of their cells."""
    for block in region.blocks(("year",)):
        yield block, torch.from_numpy(posterior.log_prior(block.lon_lat))


def _check_width(queries: Queries, region: Region) -> None:
    if queries.embedding.shape[1] != region.embedding_width:
        raise InputError(
            f"the photos' embeddings have width {queries.embedding.shape[1]}, those of {region.name} "
            f"{region.embedding_width}; take both from the same run."
        )
