"""Fit a range network to points and background; blocks of the Earth held out choose how long, and evaluate it."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from birdsat.observations.blocks import blocks_by_km, deal_folds
from birdsat.progress import QUIET, Progress, counted
from birdsat.ranges.adamw import AdamW
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.points import Points

if TYPE_CHECKING:
    from birdsat.ranges.estimator_network import EstimatorNetwork

_STEPS_BLIND = 60  # taken where nothing can be held out to choose by
_TRIED_EVERY = 20  # steps between two trials on what was held out
_PATIENCE = 3  # trials without a better one
_WARM_UP = 20  # steps
_TRIED_PLACES = 2048  # of points, and of background, that members are tried on
_AVERAGE_DECAY = 0.96  # of the running mean of weights, which is what is tried and kept

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """What the members say of the blocks that they did not learn from. Rows are (taxon, place) pairs."""

    logit: NDArray[np.float32]  # (r,)
    taxon: NDArray[np.int64]  # (r,)
    present: NDArray[np.bool_]  # (r,) a point; else background
    row: NDArray[np.int64]  # (r,) of the points, or of the background
    member: NDArray[np.int64]  # (r,) who held it out


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A network at its best step."""

    network: "RangeNetwork | EstimatorNetwork"
    steps: int  # taken; 0: of classifiers
    held_out: HeldOut | None  # None: the points lie in too few blocks, or folds of them, to leave any out
    # What is said of them with other inputs (p, d), (b, d) of the places; at every call, of the same rows.
    again: Callable[[Tensor, Tensor], HeldOut] | None = None


def fit_network(
    points: Points, inputs: Tensor, background: Tensor, config: RangeNetworkConfig, progress: Progress = QUIET
) -> Fitted:
    """Fit all members at once.

    inputs (p, d) of the points, background (b, d), both by `InputProjection`. The loss is the presence-only one of SINR
    (Cole et al. 2023, section 3.2: assume negative, over background and the other taxa's points alike, which make up
    `points.background`), but with every taxon's points weighing as much as its background, so that rare taxa count as
    much as common ones. A member learns from the points and the background outside its fold of blocks. The number of
    steps is the one that ranks what the members held out best (`Data.trial`); where no member can hold out points
    and still learn from others of the taxon, as where they lie in one block, the members differ by chance alone, and a
    fixed number of steps is taken.
    """
    data = Data(points, inputs, background, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = RangeNetwork(config, inputs=inputs.shape[1], taxa=points.taxa, dated=data.dated)
        steps, best = _train(network, data, config, progress)
    network.load_state_dict(best)
    network.eval().requires_grad_(False)
    if not data.folded:
        return Fitted(network=network, steps=steps, held_out=None)
    held_out = data.held_out(network)
    return Fitted(network=network, steps=steps, held_out=held_out, again=partial(data.held_out_again, network))


def _train(
    network: RangeNetwork, data: "Data", config: RangeNetworkConfig, progress: Progress
) -> tuple[int, dict[str, Tensor]]:
    optimiser = AdamW(network.parameters(), config.weight_decay)
    mean = RangeNetwork(config, inputs=data.places.shape[1], taxa=data.taxa, dated=data.dated).eval()
    mean.load_state_dict(network.state_dict())
    best: tuple[float, int, dict[str, Tensor]] | None = None
    trials: list[float] = []
    last = config.steps if data.folded else min(config.steps, _STEPS_BLIND)
    for step in counted(range(1, last + 1), progress, "fitting", unit="steps"):
        network.train()
        data.loss(network).backward()  # type: ignore[no-untyped-call]
        optimiser.step(config.learning_rate * min(1.0, step / _WARM_UP))
        with torch.no_grad():
            kept = min(_AVERAGE_DECAY, step / (step + 10))
            torch._foreach_lerp_(list(mean.parameters()), list(network.parameters()), 1 - kept)
        if data.folded and (step % _TRIED_EVERY == 0 or step == last):
            trials.append(data.trial(mean))
            tried = sum(trials[-2:]) / len(trials[-2:])  # a single one is noisy where points are few
            if best is None or tried > best[0]:
                best = tried, step, {name: value.clone() for name, value in mean.state_dict().items()}
            elif step - best[1] >= _PATIENCE * _TRIED_EVERY:
                break
    return (best[1], best[2]) if best is not None else (last, mean.state_dict())


class Data:
    """Points and background as tensors: which member learns from which, and with what weight.

    Three kinds of rows: points, of which several may share a place and date; the places and dates of points; and
    background. A place is looked at once a step, however many of these lie there.
    """

    def __init__(self, points: Points, inputs: Tensor, background: Tensor, config: RangeNetworkConfig) -> None:
        self.config, self.taxa = config, points.taxa
        least, most = (math.log(deviation) for deviation in config.noise)
        self.noise = torch.linspace(least, most, config.members).exp()[:, None, None]
        self.taxon = torch.from_numpy(points.taxon)
        self.dates = points.year_fraction
        self.dated = bool(np.isfinite(self.dates).any())
        self.dated_share = float(np.isfinite(self.dates).mean()) if self.dated else 0.0
        # Of points that do not say when somebody looked, the dates of all taxa do.
        known = self.dates[np.isfinite(self.dates)]
        self.looked = points.looked if len(points.looked) else known if self.taxa > 1 else np.empty(0)
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
        blocks = blocks_by_km(lon_lat, config.block_km)
        several = len(np.unique(blocks)) >= config.members
        folds = deal_folds(blocks, config.members, config.seed) if several else np.full(len(blocks), -1)
        p = len(points.presences)
        out = torch.from_numpy(np.arange(config.members)[:, None] == folds)  # (m, p + b)
        # A member that would have to hold out all points of a taxon holds out none.
        left = _balanced(~out[:, :p], self.taxon, self.taxa)[1]
        self.out = out[:, :p] & left[:, self.taxon], out[:, p:]  # (m, p), (m, b)
        # With nothing held out there is nothing to choose the steps by, and no reason to spare background.
        self.folded = bool(self.out[0].any())
        if not self.folded:
            self.out = self.out[0], torch.zeros_like(self.out[1])
        self.learned = _balanced(~self.out[0], self.taxon, self.taxa)
        # What is tried on: the points of all places, or of some of them, evenly spread; and so of the background.
        tried = torch.zeros(len(self.seen), dtype=torch.bool)
        tried[_evenly(len(self.seen), _TRIED_PLACES)] = True
        self.tried = torch.nonzero(tried[self.row])[:, 0]
        self.tried_out = self.out[0][:, self.tried]
        self.tried_background = self._background(_TRIED_PLACES)
        self.tried_background_out = self.out[1][:, self.tried_background]
        self.evaluated = _balanced(self.tried_out, self.taxon[self.tried], self.taxa)

    def loss(self, network: RangeNetwork) -> Tensor:
        """Of the places that each member learns from; some of them, drawn anew, where there are many."""
        seen = len(self.seen)
        background = self._background(self.config.background_a_step)
        point, more = torch.arange(len(self.taxon)), 1.0
        if seen > self.config.places_a_step:
            drawn = torch.zeros(seen, dtype=torch.bool)
            drawn[torch.from_numpy(self.generator.choice(seen, self.config.places_a_step, replace=False))] = True
            point, more = torch.nonzero(drawn[self.row])[:, 0], seen / self.config.places_a_step
        there, elsewhere, row = self._logits(network, point, background, self._background_dates(len(background)))
        weight, known = self.learned
        absent = torch.zeros(elsewhere.shape[:2])  # background was drawn by weight, so all of it counts alike
        absent.index_add_(1, row, ~self.out[1][:, background] * 1.0)
        return _loss(there, elsewhere, self.taxon[point], weight[:, point] * more, absent, known)

    @torch.inference_mode()
    def trial(self, network: RangeNetwork) -> float:
        """How often a member puts a point that it held out above background that it held out, the mean over taxa.

        That is the area under the ROC curve. The loss itself would stop too early: it grows when a member becomes too
        sure of itself, which the calibration mends afterwards, while it still gets better at telling places apart.
        """
        there, elsewhere, row = self._try(network)
        weight, known = self.evaluated
        taxon, areas = self.taxon[self.tried], 0.0
        for member in range(self.config.members):
            point = torch.nonzero(self.tried_out[member])[:, 0]
            background = elsewhere[member, row[self.tried_background_out[member]]]
            against, _ = background.T.contiguous().sort(dim=1)  # (taxa, held out)
            if len(point) == 0 or against.shape[1] == 0:
                continue
            value = there[member, point]
            above = torch.searchsorted(against[taxon[point]], value[:, None])[:, 0] / against.shape[1]
            areas += float((above * weight[member, point]).sum())
        return areas / max(1, int(known.sum()))

    @torch.inference_mode()
    def held_out(self, network: "RangeNetwork | EstimatorNetwork") -> HeldOut:
        """What members say of points and of background places that they held out, some of them for each taxon."""
        there, elsewhere, row = self._try(network)
        background = self.tried_background
        member, tried = torch.nonzero(self.tried_out, as_tuple=True)
        present, point = there[member, tried], self.tried[tried]
        at = torch.nonzero(self.tried_background_out, as_tuple=True)
        # Of every taxon, so many background places that the table stays small.
        kept = torch.from_numpy(self.generator.permutation(len(at[0]))[: max(50, 500_000 // self.taxa)])
        absent = elsewhere[at[0][kept], row[at[1][kept]]]  # (kept, taxa)
        taxa = torch.arange(self.taxa).expand(len(kept), -1)
        seen = torch.bincount(self.taxon, minlength=self.taxa) > 0
        return HeldOut(
            logit=torch.cat([present, absent[:, seen].flatten()]).numpy(),
            taxon=torch.cat([self.taxon[point], taxa[:, seen].flatten()]).numpy(),
            present=np.arange(len(present) + int(seen.sum()) * len(kept)) < len(present),
            row=torch.cat([point, background[at[1][kept]][:, None].expand(-1, int(seen.sum())).flatten()]).numpy(),
            member=torch.cat([member, at[0][kept][:, None].expand(-1, int(seen.sum())).flatten()]).numpy(),
        )

    def held_out_again(self, network: "RangeNetwork | EstimatorNetwork", inputs: Tensor, background: Tensor) -> HeldOut:
        """The same of rows that are the same at every call, were the inputs of the places these."""
        other = copy.copy(self)
        other.places = torch.cat([inputs, background])[self.once]
        other.generator = np.random.default_rng(self.config.seed)
        return other.held_out(network)

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

    def _background(self, most: int) -> Tensor:
        """Rows of background for a step: all, or some drawn by their weights."""
        count = len(self.background)
        if count <= most and np.ptp(self.background_share) == 0:
            return torch.arange(count)
        return torch.from_numpy(self.generator.choice(count, min(count, most), p=self.background_share))

    def _try(self, network: "RangeNetwork | EstimatorNetwork") -> tuple[Tensor, Tensor, Tensor]:
        """The log odds of what is tried on, as `_logits` gives them."""
        return self._logits(network, self.tried, self.tried_background, self._tried_dates(len(self.tried_background)))

    def _background_dates(self, count: int) -> NDArray[np.float64]:
        """Dates of background: unknown as often as those of points are; of the others, half are any when they looked.

        The other half are dates on which some taxon was recorded, as observers go out more in some months than in
        others. No date is of a month in which nobody looked, or it would count as one without the taxon.
        """
        dates = self._in_months(self.generator.random(count))
        if len(self.looked) and self.dated:
            recorded = self.generator.choice(self.looked, count)
            dates = np.where(self.generator.random(count) < 0.5, recorded, dates)
        return np.where(self.generator.random(count) < self.dated_share, dates, np.nan)

    def _tried_dates(self, count: int) -> NDArray[np.float64]:
        """The same at every trial."""
        steps = (np.arange(count) * 0.6180339887498949) % 1.0  # golden ratio: even over any stretch
        return np.where(np.arange(count) % 100 < 100 * self.dated_share, self._in_months(steps), np.nan)

    def _in_months(self, even: NDArray[np.floating]) -> NDArray[np.float64]:
        """Year fractions, even over the months in which somebody looked, of numbers even over 0..1."""
        place = even * len(self.months)
        month = np.minimum(place.astype(np.int64), len(self.months) - 1)
        dates: NDArray[np.float64] = (self.months[month] + place - month) / 12
        return dates


def months_looked(looked: NDArray[np.float64]) -> NDArray[np.int64]:
    """0..11: the months with a tenth of an even share of the dates (l,), or more; all where there are none."""
    if len(looked) == 0:
        return np.arange(12)
    counts = np.bincount((looked * 12).astype(np.int64) % 12, minlength=12)
    return np.flatnonzero(counts >= 0.1 * len(looked) / 12)


def _evenly(count: int, most: int) -> Tensor:
    """At most so many of `count` rows, evenly spread."""
    return torch.from_numpy(np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64)))


def _balanced(mask: Tensor, taxon: Tensor, taxa: int) -> tuple[Tensor, Tensor]:
    """Weights (m, p) that add up to 1 over the points of each member and taxon; and which (m, taxa) have any."""
    counts = torch.zeros(len(mask), taxa).index_add_(1, taxon, mask.float())
    return mask / counts.clamp(min=1)[:, taxon], counts > 0


def _loss(there: Tensor, elsewhere: Tensor, taxon: Tensor, weight: Tensor, absent: Tensor, known: Tensor) -> Tensor:
    """Mean over members and their taxa of the cross-entropy of points against background, each weighing one half.

    there (m, p) log odds of points of taxon (p,), weight (m, p); elsewhere (m, r, taxa) of background, absent (m, r)
    its weights; known (m, taxa) which taxa count.
    """
    present = torch.zeros_like(known, dtype=there.dtype).index_add(1, taxon, F.softplus(-there) * weight)
    absent = absent / absent.sum(dim=1, keepdim=True).clamp(min=1e-12)
    background = torch.bmm(absent[:, None], F.softplus(elsewhere))[:, 0]  # (m, taxa)
    return ((present + background) * known).sum() / known.sum().clamp(min=1)
