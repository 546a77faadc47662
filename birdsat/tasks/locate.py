"""Where on Earth a photo could have been taken: a probability over the cells of a region."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.embeddings.regions.embed_cells import RegionBlock, to_float32, year_basis
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError
from birdsat.tasks.place_prior import PlacePrior

_MID_MONTHS = np.array([mid_month(month) for month in range(1, 13)])
NEAR_KM = 750.0  # as far as a country reaches, where photos are evaluated by distance (tasks.locate_report)
_COARSE = Grid(Box(-180, -90, 180, 90), 2.5)  # in which surroundings are compared, whatever the region's grid
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where q photos are likely from."""

    estimate: NDArray[np.float64]  # (q, 2) one place for each, the centre of a cell, degrees; see `locate`
    cells: NDArray[np.int64]  # (q, k) positions of the cells that are likeliest for their area, best first
    lon_lat: NDArray[np.float64]  # (q, k, 2) their centres, degrees
    probability: NDArray[np.float64]  # (q, k) of being from that cell; over all cells of the region it sums to 1
    total: NDArray[np.float64]  # (q,) what weights are divided by to be probabilities


def locate(queries: Queries, region: Region, posterior: LocationPosterior, *, best: int = 10) -> Located:
    """Find photos among the cells of a region.

    The probability of a cell is its area times the prior density times exp(scale x cosine of photo and cell at the
    photo's date), divided by the sum over all cells; where the date is unknown, the last factor is its mean over twelve
    mid-months. (A contrast among pairs drawn from a density learns the log ratio of what is likely given the photo to
    that density: van den Oord et al. 2018, "Representation learning with contrastive predictive coding", section 2.3.)

    Many cells are alike, and the likeliest one may stand alone. The estimate is the likeliest cell around the place
    whose surroundings, weighed by a bell of NEAR_KM, hold the most probability.

    The region is read twice, whatever the number of photos; memory does not grow with it. Raises InputError for
    embeddings of another width.
    """
    best = min(best, len(region))
    total = torch.zeros(len(queries), dtype=torch.float64)
    coarse = torch.zeros(len(queries), _COARSE.cells, dtype=torch.float64)
    likeliest = _Likeliest(len(queries), best)
    for block, prior in _blocks(queries, region, posterior):
        log_area = _log_areas(region.grid, block.lon_lat[:, 1])
        bins = torch.from_numpy(_COARSE.cells_at(block.lon_lat[:, 0], block.lon_lat[:, 1]))
        for some in _tiles(queries, block):
            density = _log_density(queries, block, prior, posterior, some)
            weight = (density + torch.from_numpy(log_area)[:, None]).exp().T  # (some, c)
            total[some] += weight.sum(dim=1)
            coarse[some] = coarse[some].index_add(1, bins, weight)
            likeliest.add(some, density.T, block.cells)
    around = _heaviest(coarse)
    near = _Likeliest(len(queries), 1)
    for block, prior in _blocks(queries, region, posterior):
        for some in _tiles(queries, block):
            density = _log_density(queries, block, prior, posterior, some)
            bell = _log_bell(around[some], unit_sphere(block.lon_lat[:, 0], block.lon_lat[:, 1]))
            near.add(some, density.T + bell, block.cells)
    cells = likeliest.cells.numpy()
    lon_lat = region.grid.centres(cells.reshape(-1)).reshape(*cells.shape, 2)
    held = np.exp(likeliest.value.numpy() + _log_areas(region.grid, lon_lat[:, :, 1]))
    return Located(
        estimate=region.grid.centres(near.cells[:, 0].numpy()),
        cells=cells,
        lon_lat=lon_lat,
        probability=held / total.numpy()[:, None],
        total=total.numpy(),
    )


def probabilities(
    queries: Queries, located: Located, row: int, region: Region, posterior: LocationPosterior
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Positions and probabilities (c,) of all cells for one of the photos that were located, a block at a time."""
    for block, prior in _blocks(queries, region, posterior):
        density = _log_density(queries, block, prior, posterior, slice(row, row + 1))[:, 0].numpy()
        weight = np.exp(density + _log_areas(region.grid, block.lon_lat[:, 1]))
        yield block.cells, (weight / located.total[row]).astype(np.float32)


class _Likeliest:
    """The k cells of the highest value for each of q photos, from blocks of cells."""

    def __init__(self, photos: int, best: int) -> None:
        self.value = torch.full((photos, best), -torch.inf, dtype=torch.float64)
        self.cells = torch.zeros((photos, best), dtype=torch.int64)

    def add(self, some: slice, value: Tensor, cells: NDArray[np.int64]) -> None:
        """value: (some, c); cells: (c,) positions."""
        both = torch.cat([self.value[some], value], dim=1)
        known = torch.cat([self.cells[some], torch.tensor(cells).expand(len(value), -1)], dim=1)
        self.value[some], place = both.topk(self.value.shape[1], dim=1)
        self.cells[some] = known.gather(1, place)


def _heaviest(coarse: Tensor) -> NDArray[np.float64]:
    """(q, 3) points on the unit sphere around which most weight lies. coarse: (q, cells of _COARSE) weights."""
    used = coarse.sum(dim=0).nonzero()[:, 0]
    centres = _COARSE.centres(used.numpy())
    points = unit_sphere(centres[:, 0], centres[:, 1])
    held = coarse[:, used].float()
    around = torch.cat(
        [held @ _log_bell(points, points[i : i + 1024]).exp().float() for i in range(0, len(used), 1024)], 1
    )
    heaviest: NDArray[np.float64] = points[around.argmax(dim=1).numpy()]
    return heaviest


def _log_bell(centre: NDArray[np.float64], points: NDArray[np.float64]) -> Tensor:
    """(n, m) log of a bell of NEAR_KM around n points on the unit sphere, at m others."""
    cosine = torch.from_numpy(centre) @ torch.from_numpy(points).T
    return (EARTH_RADIUS_KM / NEAR_KM) ** 2 * (cosine - 1)


def _log_density(
    queries: Queries, block: RegionBlock, prior: Tensor, posterior: LocationPosterior, some: slice
) -> Tensor:
    """(c, some) log of prior x likelihood, float64; at most 0 but for the prior, so that its exponential has room."""
    cosine = _cosines(queries, block, some)
    return (_mean_over_times(cosine, posterior.scale) - posterior.scale).double() + prior[:, None]


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
            f"{region.folder}; at least {_LEAST_PHOTOS} are needed. Take a region that covers them, or leave "
            "the dataset to fit it on out.",
            settings=("calibrate", "region"),
        )
    asked = Queries(embedding=queries.embedding[kept], year_fraction=queries.year_fraction[kept])
    posterior = LocationPosterior(scale=1.0, prior=prior)
    step = max(1, len(region) // _FIT_CELLS)
    others = torch.zeros((len(SCALES), len(asked)), dtype=torch.float64)
    for block, log_prior in _blocks(asked, region, posterior):
        log_even = (torch.from_numpy(_log_areas(region.grid, block.lon_lat[:, 1])) + log_prior)[::step, None]
        for some in _tiles(asked, block):
            cosine = _cosines(asked, block, some)[:, ::step]
            own_cell = torch.from_numpy(block.cells[::step, None] == points.cells[kept][some])
            for number, scale in enumerate(SCALES):
                likely = (_mean_over_times(cosine, scale) - scale).double() + log_even
                others[number, some] += step * likely.masked_fill(own_cell, -torch.inf).exp().sum(dim=0)
    centres = region.grid.centres(points.cells[kept])
    log_even = torch.from_numpy(_log_areas(region.grid, centres[:, 1]) + posterior.log_prior(centres))
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


def _log_areas(grid: AnyGrid, lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of what a cell's area is proportional to, from its centre's latitude; any shape."""
    if not isinstance(grid, Grid):
        return np.zeros(lat.shape)
    return np.log(np.maximum(np.cos(np.radians(lat)), 1e-6))  # a centre may lie on a pole


def _tiles(queries: Queries, block: RegionBlock) -> Iterator[slice]:
    """The photos, so many at a time that similarities take little room."""
    times = len(_MID_MONTHS) if np.isnan(queries.year_fraction).any() else 1
    photos = max(1, _TILE_NUMBERS // (max(times, block.year.shape[1]) * len(block)))
    return (slice(start, start + photos) for start in range(0, len(queries), photos))


def _blocks(queries: Queries, region: Region, posterior: LocationPosterior) -> Iterator[tuple[RegionBlock, Tensor]]:
    """The region's blocks, and the log prior (c,) of their cells."""
    if queries.embedding.shape[1] != region.embedding_width:
        raise InputError(
            f"the photos' embeddings have width {queries.embedding.shape[1]}, those of {region.folder} "
            f"{region.embedding_width}; take both from the same run."
        )
    for block in region.blocks(("year",)):
        yield block, torch.from_numpy(posterior.log_prior(block.lon_lat))
