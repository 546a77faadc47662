"""Points and background of a fit as tensors: what each member learns from, and what it holds out."""

import copy
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.months import in_month, month_of
from birdsat.observations.blocks import blocks_by_km, deal_folds
from birdsat.ranges.block_side import LEAST_BLOCKS, among_records
from birdsat.ranges.held_out_rows import HeldOut
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.seasonal_basis import starting_basis
from birdsat.ranges.survey_term import SurveyTerm
from birdsat.ranges.trial import Trial

if TYPE_CHECKING:
    from birdsat.ranges.estimator_network import EstimatorNetwork

_TRIED_PLACES = 2048  # of points, and of background, that members are tried on

Rows = NDArray[np.int64]


class Data:
    """Points and background as tensors: which member learns from which, and with what weight.

    Three kinds of rows: points, of which several may share a place and date; the places and dates of points; and
    background. A place is looked at once a step, however many of these lie there.
    """

    def __init__(
        self,
        points: Points,
        inputs: Tensor,
        background: Tensor,
        config: RangeNetworkConfig,
        visits: Tensor | None = None,
    ) -> None:
        self.config, self.taxa = config, points.taxa
        least, most = (math.log(deviation) for deviation in config.noise)
        self.noise = torch.linspace(least, most, config.members).exp()[:, None, None]
        self.taxon = torch.from_numpy(points.taxon)
        self.dates = points.year_fraction
        self.dated = bool(np.isfinite(self.dates).any())
        self.dated_share = float(np.isfinite(self.dates).mean()) if self.dated else 0.0
        # Of points that do not say when somebody looked, the dates of all taxa do.
        known = self.dates[np.isfinite(self.dates)]
        self.looked = np.sort(points.looked if len(points.looked) else known if self.taxa > 1 else np.empty(0))
        self.months = months_looked(self.looked)
        weight = points.background_weight
        self.background_share = weight / weight.sum()
        self.generator = np.random.default_rng(config.seed)
        # Points of one place and date are looked at once, however many taxa were there.
        of_place = np.column_stack([points.presences.lon_lat, np.nan_to_num(self.dates, nan=-1.0)])
        _, first, row = np.unique(of_place, axis=0, return_index=True, return_inverse=True)
        self.row = torch.from_numpy(row.reshape(-1))  # (p,) of its place and date
        self.seen_dates = self.dates[first]
        lon_lat = np.concatenate([points.presences.lon_lat, points.background.lon_lat])
        _, once, place = np.unique(lon_lat, axis=0, return_index=True, return_inverse=True)
        self.once = torch.from_numpy(once)
        self.places = torch.cat([inputs, background])[self.once]  # each once
        at_place = torch.from_numpy(place.reshape(-1))
        self.seen, self.background = at_place[first], at_place[len(points.presences) :]  # their places
        visited = lon_lat[:0] if points.surveys is None else points.surveys.visits.lon_lat
        blocks = blocks_by_km(np.concatenate([lon_lat, visited]), config.block_km)
        p = len(points.presences)
        folds = _folds(blocks, p, config)
        held = torch.from_numpy(np.arange(config.members)[:, None] == folds)  # (m, p + b + v)
        out, out_visits = held[:, : len(lon_lat)], held[:, len(lon_lat) :]
        # A member that would have to hold out all points of a taxon holds out none.
        left = _balanced(~out[:, :p], self.taxon, self.taxa)[1]
        self.near = among_records(points, points.background.lon_lat, config)
        self.out = out[:, :p] & left[:, self.taxon], out[:, p:]  # (m, p), (m, b)
        # With nothing held out there is nothing to choose the steps by, and no reason to spare background.
        self.folded = bool(self.out[0].any())
        if not self.folded:
            self.out = self.out[0], torch.zeros_like(self.out[1])
            self.dated = False  # a season that nothing checks is learned by heart: months would differ by chance
        half = _halves(blocks, p, config.seed)
        self.half = half[:p], half[p : len(lon_lat)]
        self.surveys: SurveyTerm | None = None
        if points.surveys is not None:
            assert visits is not None
            out_visits = out_visits & self.folded & torch.from_numpy(among_records(points, visited, config))
            # Of a taxon of which it holds out no points, it holds out no surveys: what was found there are points.
            visit, label = map(torch.from_numpy, (points.surveys.visit, points.surveys.taxon))
            out_rows = out_visits[:, visit] & left[:, label]
            counts = np.bincount(points.taxon, minlength=points.taxa)
            self.surveys = SurveyTerm(points.surveys, visits, out_rows, half[len(lon_lat) :], config, counts)
        self.learned = _balanced(~self.out[0], self.taxon, self.taxa)
        # What is tried on: the points of all places, or of some of them, evenly spread; and so of the background.
        tried = torch.zeros(len(self.seen), dtype=torch.bool)
        tried[evenly(len(self.seen), _TRIED_PLACES)] = True
        self.tried = torch.nonzero(tried[self.row])[:, 0]
        self.tried_background = self.background_rows(_TRIED_PLACES, self.near)
        some = _TRIED_PLACES if config.regional else 0
        self.around = self.background_rows(some) if some else torch.empty(0, dtype=torch.int64)
        self.even_background = self._even_background(points.background_area)
        self.block = blocks[:p], blocks[p : len(lon_lat)]
        # Whether so much is held out that it tells more than chance of what else is to be chosen than the steps.
        self.tells = len(np.unique(self.block[0][self.out[0].any(dim=0).numpy()])) >= LEAST_BLOCKS
        self.trials = [self._trial(some) for some in (None, 0, 1)]

    def _trial(self, half: int | None) -> Trial:
        """half: of the blocks; None: all that is held out."""
        there, behind = self.out[0][:, self.tried], self.out[1][:, self.tried_background]
        if half is not None:
            there = there & (self.half[0][self.tried] == half)
            behind = behind & (self.half[1][self.tried_background] == half)
        return Trial(there, behind, *_balanced(there, self.taxon[self.tried], self.taxa))

    def starting_basis(self) -> NDArray[np.float32]:
        """Rows that the seasonal basis of a network starts as, of all points."""
        return starting_basis(
            self.places[self.seen[self.row]].numpy(),
            self.taxon.numpy(),
            self.dates,
            components=self.config.harmonics,
            harmonics=self.config.basis_harmonics,
        )

    def loss(self, network: RangeNetwork) -> Tensor:
        """Of the places that each member learns from; some of them, drawn anew, where there are many."""
        seen = len(self.seen)
        background = self.background_rows(self.config.background_a_step)
        point, more = torch.arange(len(self.taxon)), 1.0
        if seen > self.config.places_a_step:
            drawn = torch.zeros(seen, dtype=torch.bool)
            drawn[torch.from_numpy(self.generator.choice(seen, self.config.places_a_step, replace=False))] = True
            point, more = torch.nonzero(drawn[self.row])[:, 0], seen / self.config.places_a_step
        dates = self._background_dates(len(background))
        background = background.repeat(len(dates) // len(background))
        there, elsewhere, row = self._logits(network, point, background, dates)
        weight, known = self.learned
        absent = torch.zeros(elsewhere.shape[:2])  # background was drawn by weight, so all of it counts alike
        absent.index_add_(1, row, ~self.out[1][:, background] * 1.0)
        weight = weight[:, point] * more
        if self.surveys is None:
            return _loss(there, elsewhere, self.taxon[point], weight, absent, known)
        loss = _loss(there, elsewhere, self.taxon[point], weight, absent, known, self.surveys.of_points)
        return loss + self.surveys.loss(network, self.noise) / known.sum().clamp(min=1)

    @torch.inference_mode()
    def trial(self, network: RangeNetwork) -> list[float]:
        """How well members rank the points that they held out above background that they held out, and visits at which
        taxa were found above others, the mean over taxa: of all that is held out, and of each half. From 0 to 1. Of
        surveys it is the area under the ROC curve alone.

        Ranks, as the loss itself would stop too early: it grows when a member becomes too sure of itself, which the
        calibration mends afterwards, while it still gets better at telling places apart.
        """
        said = self.said_of_tried(network)
        each = [(trial.ranks(*said, self.taxon[self.tried]), trial.known) for trial in self.trials]
        ranks = [(float(of.sum()), int(known.sum())) for of, known in each]
        if self.surveys is not None:
            more = self.surveys.trial(network)
            ranks = [(one + other, taxa + some) for (one, taxa), (other, some) in zip(ranks, more, strict=True)]
        return [total / max(1, taxa) for total, taxa in ranks]

    def said_of_tried(self, network: RangeNetwork) -> tuple[Tensor, Tensor, Tensor]:
        """Log odds of the points and the background that members are tried on, as `_logits` gives them."""
        return self._try(network, self.tried_background)

    def ranks(self, there: Tensor, elsewhere: Tensor, row: Tensor, half: int | None) -> Tensor:
        """(n,) how well log odds of what is tried on rank what is held out, or a half of it: as `trial`, of points
        alone, of each member and taxon of which anything is."""
        trial = self.trials[0 if half is None else 1 + half]
        return trial.ranks(there, elsewhere, row, self.taxon[self.tried])[trial.known]

    @torch.inference_mode()
    def held_out(self, network: "RangeNetwork | EstimatorNetwork") -> HeldOut:
        """What members say of points and of background places that they held out, some of them for each taxon. The same
        rows at every call."""
        background = torch.cat([self.tried_background, self.even_background, self.around])
        kind = torch.repeat_interleave(
            torch.tensor([len(self.tried_background), len(self.even_background), len(self.around)])
        )
        there, elsewhere, row = self._try(network, background)
        member, tried = torch.nonzero(self.out[0][:, self.tried], as_tuple=True)
        present, point = there[member, tried], self.tried[tried]
        at_member, at = torch.nonzero(self.out[1][:, background], as_tuple=True)
        # Of every taxon, so many background places of either kind that the table stays small, and each member has some
        # of either half.
        some = torch.from_numpy(np.random.default_rng(self.config.seed).permutation(len(at)))
        most, of_kind = max(100, 500_000 // self.taxa), kind[at[some]]
        kept = torch.cat([some[of_kind == one][:most] for one in range(3)])
        absent = elsewhere[at_member[kept], row[at[kept]]]  # (kept, taxa)
        seen = torch.nonzero(torch.bincount(self.taxon, minlength=self.taxa))[:, 0]

        def rows(of_points: Tensor, of_background: Tensor) -> Tensor:
            return torch.cat([of_points, of_background[:, None].expand(-1, len(seen)).flatten()])

        behind = background[at[kept]]
        return HeldOut(
            logit=torch.cat([present, absent[:, seen].flatten()]).numpy(),
            taxon=torch.cat([self.taxon[point], seen.expand(len(kept), -1).flatten()]).numpy(),
            present=np.arange(len(present) + len(seen) * len(kept)) < len(present),
            row=rows(point, behind).numpy(),
            member=rows(member, at_member[kept]).numpy(),
            even=rows(torch.zeros_like(point, dtype=torch.bool), kind[at[kept]] == 1).numpy(),
            around=rows(torch.zeros_like(point, dtype=torch.bool), kind[at[kept]] == 2).numpy(),
            block=rows(*(torch.from_numpy(of)[at] for of, at in zip(self.block, (point, behind), strict=True))).numpy(),
            half=rows(self.half[0][point], self.half[1][behind]).numpy(),
        )

    def held_out_again(self, network: "RangeNetwork | EstimatorNetwork", inputs: Tensor, background: Tensor) -> HeldOut:
        """The same, were the inputs of the places these; without the background that is even by area."""
        other = copy.copy(self)
        other.places = torch.cat([inputs, background])[self.once]
        said = other.held_out(network)
        return said.where(said.ranked)

    def _logits(
        self, network: "RangeNetwork | EstimatorNetwork", point: Tensor, background: Tensor, dates: NDArray[np.float64]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log odds (m, p) of points, each of its own taxon; (m, r, taxa) at background; and its rows (b,) there.

        point (p,), background (b,): which; dates (b,) of the latter.
        """
        seen, of_seen = torch.unique(self.row[point], return_inverse=True)
        asked = torch.cat([self.seen[seen], self.background[background]])
        looked, row = torch.unique(asked, return_inverse=True)
        inputs = self.places[looked][None]
        if network.training:
            inputs = inputs + self.noise * torch.randn(self.config.members, *inputs.shape[1:])
        hidden, taxon = network.hidden(inputs), self.taxon[point]
        here, there = row[: len(seen)], row[len(seen) :]
        if network.terms == 1:
            logits = network.heads(hidden)
            return logits[:, here[of_seen], taxon], logits, there
        on_dates = network.logits(hidden.index_select(1, here), self.seen_dates[seen.numpy()])
        elsewhere = network.logits(hidden.index_select(1, there), dates)
        return on_dates[:, of_seen, taxon], elsewhere, torch.arange(len(there))

    def background_rows(self, most: int, among: NDArray[np.bool_] | None = None) -> Tensor:
        """Rows of background for a step: all, or some drawn by their weights. among: (b,) those to draw from; any."""
        rows, share = np.arange(len(self.background)), self.background_share
        if among is not None and among.any() and not among.all():
            rows, share = rows[among], share[among] / share[among].sum()
        if len(rows) <= most and np.ptp(share) == 0:
            return torch.from_numpy(rows)
        return torch.from_numpy(rows[self.generator.choice(len(rows), min(len(rows), most), p=share)])

    def _even_background(self, area: NDArray[np.float64]) -> Tensor:
        """Rows of background drawn by area (b,) alone; none where that is how all of it is drawn."""
        even = area / area.sum()
        if np.allclose(even, self.background_share, rtol=1e-6, atol=0):
            return torch.empty(0, dtype=torch.int64)
        rows = np.arange(len(even))
        if self.near.any() and not self.near.all():
            rows, even = rows[self.near], even[self.near] / even[self.near].sum()
        return torch.from_numpy(rows[self.generator.choice(len(rows), min(len(rows), _TRIED_PLACES), p=even)])

    def _try(self, network: "RangeNetwork | EstimatorNetwork", background: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The log odds of what is tried on, as `_logits` gives them."""
        return self._logits(network, self.tried, background, self._tried_dates(len(background)))

    def _background_dates(self, places: int) -> NDArray[np.float64]:
        """Dates of background, (2 * places,): two of each place, half of the months apart, and all of them even over
        the year, so that a step tells the season from the place. Unknown as often as those of points are, and one of
        each place where no point has any; of the others, half are any when they looked.

        The other half are dates on which some taxon was recorded, as observers go out more in some months than in
        others. No date is of a month in which nobody looked, or it would count as one without the taxon.
        """
        if not self.dated:
            self.generator.random((2, places))  # so that fits without dates stay what they were
            return np.full(places, np.nan)
        even = (self.generator.permutation(places) + self.generator.random(places)) / places
        even = np.concatenate([even, (even + 0.5) % 1.0])
        dates = self._in_months(even)
        if len(self.looked):
            recorded = self.looked[np.minimum((even * len(self.looked)).astype(np.int64), len(self.looked) - 1)]
            dates = np.where(np.tile(self.generator.random(places) < 0.5, 2), recorded, dates)
        return np.where(self.generator.random(len(dates)) < self.dated_share, dates, np.nan)

    def _tried_dates(self, count: int) -> NDArray[np.float64]:
        """The same at every trial."""
        steps = (np.arange(count) * 0.6180339887498949) % 1.0  # golden ratio: even over any stretch
        return np.where(np.arange(count) % 100 < 100 * self.dated_share, self._in_months(steps), np.nan)

    def _in_months(self, even: NDArray[np.floating]) -> NDArray[np.float64]:
        """Year fractions, even over the months in which somebody looked, of numbers even over 0..1."""
        if len(self.months) == 12:  # days are each as likely, and not months
            return even.astype(np.float64)
        place = even * len(self.months)
        month = np.minimum(place.astype(np.int64), len(self.months) - 1)
        return in_month(self.months[month] + 1, place - month)


def months_looked(looked: NDArray[np.float64]) -> NDArray[np.int64]:
    """0..11: the months with a tenth of an even share of the dates (l,), or more; all where there are none."""
    if len(looked) == 0:
        return np.arange(12)
    counts = np.bincount(month_of(looked) - 1, minlength=12)
    return np.flatnonzero(counts >= 0.1 * len(looked) / 12)


def _folds(blocks: Rows, points: int, config: RangeNetworkConfig) -> Rows:
    """(n,) which member holds out each block, the first being of points; -1 where there are too few to hold any out.

    Of a small region few blocks have points, and these are dealt by themselves, so that each member holds out some.
    """
    if len(np.unique(blocks)) < config.members:
        return np.full(len(blocks), -1)
    folds = deal_folds(blocks, config.members, config.seed)
    with_points = np.isin(blocks, blocks[:points])
    if config.regional and len(np.unique(blocks[with_points])) >= config.members:
        folds[with_points] = deal_folds(blocks[with_points], config.members, config.seed)
    return folds


def _halves(blocks: Rows, points: int, seed: int) -> Tensor:
    """(p + b + v,) 0 or 1: blocks dealt to two halves, those with points and those without by themselves."""
    half = np.zeros(len(blocks), np.int64)
    with_points = np.isin(blocks, blocks[:points])
    for some in (with_points, ~with_points):
        if len(np.unique(blocks[some])) > 1:
            half[some] = deal_folds(blocks[some], 2, seed + 1)  # by another order than that of the members' folds
    return torch.from_numpy(half)


def evenly(count: int, most: int) -> Tensor:
    """At most so many of `count` rows, evenly spread."""
    return torch.from_numpy(np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64)))


def _balanced(mask: Tensor, taxon: Tensor, taxa: int) -> tuple[Tensor, Tensor]:
    """Weights (m, p) that add up to 1 over the points of each member and taxon; and which (m, taxa) have any."""
    counts = torch.zeros(len(mask), taxa).index_add_(1, taxon, mask.float())
    return mask / counts.clamp(min=1)[:, taxon], counts > 0


def _loss(
    there: Tensor,
    elsewhere: Tensor,
    taxon: Tensor,
    weight: Tensor,
    absent: Tensor,
    known: Tensor,
    share: Tensor | None = None,
) -> Tensor:
    """Mean over members and their taxa of the cross-entropy of points against background, each weighing one half.

    there (m, p) log odds of points of taxon (p,), weight (m, p); elsewhere (m, r, taxa) of background, absent (m, r)
    its weights; known (m, taxa) which taxa count; share (m, taxa) how much of each, where surveys have the rest.
    """
    present = torch.zeros_like(known, dtype=there.dtype).index_add(1, taxon, F.softplus(-there) * weight)
    absent = absent / absent.sum(dim=1, keepdim=True).clamp(min=1e-12)
    background = torch.bmm(absent[:, None], F.softplus(elsewhere))[:, 0]  # (m, taxa)
    counted = known if share is None else known * share
    return ((present + background) * counted).sum() / known.sum().clamp(min=1)
