"""Where a photo is from by what bird it shows: taxa over the cells of a region as a range model has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.months import month_of as month_of
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError, some_of
from birdsat.ranges.all_taxa import iter_taxa
from birdsat.ranges.effort import LOOKED_SHARE
from birdsat.ranges.model import RangeModel
from birdsat.tasks.locate import ALL_PHOTOS, CellDensities, Evidence, log_areas, photos_of
from birdsat.tasks.naming import Named, same_taxa
from birdsat.tasks.place_prior import PlacePrior

ANY_MONTH = 0  # as of `month_of`, where the date is not known
_YEAR = tuple(range(1, 13))
_LEAST_SHARE = 1e-6  # of a photo's probability, below which a taxon is not looked up: it may be anywhere
_TILE_NUMBERS = 1 << 22  # densities of photos x cells that are held at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What q photos may show, by the taxa of a range model."""

    taxa: tuple[str, ...]  # t, of the range model
    share: NDArray[np.float64]  # (q, t) probability of each
    elsewhere: NDArray[np.float64]  # (q,) probability of being none of them, 1 less the sum of these
    month: NDArray[np.int64]  # (q,) 1..12 when it was taken, or ANY_MONTH
    without_range: tuple[str, ...]  # that the photos were compared with, and the range model does not have

    def __len__(self) -> int:
        return len(self.month)


def shown_taxa(named: Named, model: RangeModel, month: NDArray[np.int64]) -> Shown:
    """Probabilities of taxa, named by photos, as those of a range model's taxa, which go by the species they mean.

    month (q,): 1..12, or ANY_MONTH. Raises InputError where the two have no taxon in common.
    """
    found = same_taxa(named.taxa, model.facts.taxa, model.common_names)
    known = [taxon for taxon in found if taxon is not None]
    if not known:
        raise InputError(
            f"none of the {len(named.taxa):,} taxa that the run knows ({some_of(named.taxa, 2)}) is among the "
            f"{len(model.facts.taxa):,} of the range model ({some_of(model.facts.taxa, 2)}); fit one to records of "
            "the run's taxa.",
            settings=("ranges",),
        )
    probability = named.score.astype(np.float64)
    taxa = tuple(dict.fromkeys(known))
    share = np.zeros((len(probability), len(taxa)))
    for label, same in enumerate(found):
        if same is not None:
            share[:, taxa.index(same)] += probability[:, label]
    share[share < _LEAST_SHARE] = 0
    kept = np.flatnonzero(share.any(axis=0))
    return Shown(
        taxa=tuple(taxa[number] for number in kept),
        share=share[:, kept],
        elsewhere=np.clip(1 - share.sum(axis=1), 0, 1),
        month=month,
        without_range=tuple(taxon for taxon, same in zip(named.taxa, found, strict=True) if same is None),
    )


def differs_by_month(model: RangeModel) -> bool:
    """Whether anything that a range model learned from has a date."""
    return model.facts.dated or model.photos is not None


class Ranges(Evidence):
    """The taxa that each photo may show, over the cells as their ranges are in its month.

    A cell's density is the sum over taxa of P(taxon | photo) x P(cell | taxon) / area. A range model's probability p is
    relative: its odds p / (1 - p) are the density of the taxon's records there over that of the background, each
    weighing one half (`RangeModel`). So a taxon's density is its odds times the background's; p itself, or any other
    power of its odds, would level it off or sharpen it. The background lies anywhere, by area, and in LOOKED_SHARE
    where somebody looked, for which the prior stands: where photos are taken. Without one it is even. Divided by its
    sum over the cells, a taxon's density says where a photo of it is from, given that it is from one of them: rare and
    common taxa weigh alike, as what the photo shows is known already. Where the month is not known, odds are added up
    over the year, so that months in which the taxon is away say little.

    What may be a taxon without a range may be in any cell, like the background.
    """

    def __init__(self, shown: Shown, model: RangeModel, region: Region, prior: PlacePrior | None = None) -> None:
        """prior: where photos are taken; None: every square kilometre is as likely."""
        super().__init__(region, len(shown))
        self._shown, self._model, self._prior = shown, model, prior
        dated = differs_by_month(model)
        month = shown.month if dated else np.full(len(shown), ANY_MONTH)  # all months are alike
        periods, self._period = np.unique(month, return_inverse=True)  # (q,) which of the periods a photo is of
        self._periods: list[int] = periods.tolist()
        self._months = (1,) if not dated else _YEAR if ANY_MONTH in self._periods else tuple(self._periods)

    def blocks(self, photos: slice = ALL_PHOTOS) -> Iterator[CellDensities]:
        """All cells in the order of their positions, a block at a time."""
        everywhere, of_taxa = self._totals
        # A photo looks like few of many taxa, and the ranges of others need not be asked.
        taxa = np.flatnonzero(self._shown.share[photos].any(axis=0))
        weight = torch.from_numpy(self._shown.share[:, taxa]) / of_taxa[self._period][:, taxa]
        anywhere = torch.from_numpy(self._shown.elsewhere) / everywhere
        for cells, lon_lat, log_background, odds in self._odds(taxa):
            yield CellDensities(
                cells=cells, lon_lat=lon_lat, of_photos=self._of_photos(photos, weight, anywhere, odds, log_background)
            )

    def _of_photos(
        self, photos: slice, weight: Tensor, anywhere: Tensor, odds: Tensor, log_background: Tensor
    ) -> Iterator[tuple[slice, Tensor]]:
        """weight: (q, taxa); anywhere: (q,); odds: (periods, taxa, c); log_background: (c,)."""
        for some in photos_of(len(self), photos, max(1, _TILE_NUMBERS // len(log_background))):
            density = anywhere[some, None].repeat(1, len(log_background))
            for number, of_period in enumerate(odds):
                rows = np.flatnonzero(self._period[some] == number)
                density[rows] += weight[some][rows] @ of_period
            yield some, density.log() + log_background

    @cached_property
    def _totals(self) -> tuple[float, Tensor]:
        """Sums over all cells of area x background, and of that times odds, (periods, taxa)."""
        everywhere, of_taxa = 0.0, torch.zeros(len(self._periods), len(self._shown.taxa), dtype=torch.float64)
        for _, lon_lat, log_background, odds in self._odds(np.arange(len(self._shown.taxa))):
            area = (torch.from_numpy(log_areas(self.grid, lon_lat[:, 1])) + log_background).exp()
            everywhere += float(area.sum())
            of_taxa += odds @ area
        return everywhere, of_taxa

    def _odds(self, taxa: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], Tensor, Tensor]]:
        """Cells (c,), their centres (c, 2), log density of background (c,), odds of some taxa (periods, taxa, c)."""
        names = [self._shown.taxa[number] for number in taxa]
        for cells, found in self._probabilities(names):
            lon_lat = self.grid.centres(cells)
            looked = 1.0 if self._prior is None else np.exp(self._prior.log_density(lon_lat))
            log_background = np.log(np.full(len(cells), 1 - LOOKED_SHARE) + LOOKED_SHARE * looked)
            probability = found.double().clamp_(_LEAST_SHARE, 1 - _LEAST_SHARE)  # so that odds are finite
            odds = probability / (1 - probability)
            of_periods = [
                odds.mean(dim=1) if period == ANY_MONTH else odds[:, self._months.index(period)]
                for period in self._periods
            ]
            yield cells, lon_lat, torch.from_numpy(log_background), torch.stack(of_periods)

    def _probabilities(self, taxa: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Cells (c,), and the range model's probabilities there, (taxa, months, c)."""
        if not taxa:  # nothing that these photos may show has a range
            for block in self._region.blocks(()):
                yield block.cells, torch.empty(0, len(self._months), len(block.cells))
            return
        for some, groups in iter_taxa(self._model, self._region, taxa, self._months):
            yield some.cells, torch.cat([torch.from_numpy(group) for group in groups])
