"""Fit a range network to points and background; blocks of the Earth held out choose how long, and evaluate it."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import partial

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
    even: NDArray[np.bool_]  # (r,) background drawn by area alone, beside that which a fit learns from
    block: NDArray[np.int64]  # (r,) of the place
    half: NDArray[np.int64]  # (r,) 0 or 1: of the blocks, by which steps, calibration and figures keep apart

    def where(self, some: NDArray[np.bool_]) -> "HeldOut":
        """Some of the rows, by a mask (r,)."""
        return HeldOut(**{one.name: getattr(self, one.name)[some] for one in fields(self)})

    @classmethod
    def together(cls, parts: Sequence["HeldOut"]) -> "HeldOut":
        """The rows of all parts, one after another."""
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A network at its best step."""

    network: RangeNetwork
    steps: int  # taken
    held_out: HeldOut | None  # None: the points lie in too few blocks, or folds of them, to leave any out
    # The same rows by the network at the step that the rows of half 0 would choose, and at that of half 1.
    by_half: tuple[HeldOut, ...] = ()
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
    steps is the one that ranks what the members held out best (`_Data.trial`); where no member can hold out points
    and still learn from others of the taxon, as where they lie in one block, the members differ by chance alone, and a
    fixed number of steps is taken.
    """
    data = _Data(points, inputs, background, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = RangeNetwork(config, inputs=inputs.shape[1], taxa=points.taxa, dated=data.dated)
        best, *of_halves = _train(network, data, config, progress)
    network.eval().requires_grad_(False)
    if not data.folded:
        network.load_state_dict(best.state)
        return Fitted(network=network, steps=best.step, held_out=None)
    by_half = []
    for half in of_halves:
        network.load_state_dict(half.state)
        by_half.append(data.held_out(network))
    network.load_state_dict(best.state)
    return Fitted(
        network=network,
        steps=best.step,
        held_out=data.held_out(network),
        by_half=tuple(by_half),
        again=partial(data.held_out_again, network),
    )


@dataclass(slots=True)
class _Best:
    """The best step so far, by some of what is held out."""

    step: int
    state: dict[str, Tensor]
    value: float = -math.inf
    trials: list[float] = field(default_factory=list)

    def tried(self, value: float, step: int, network: RangeNetwork) -> None:
        self.trials.append(value)
        value = sum(self.trials[-2:]) / len(self.trials[-2:])  # a single one is noisy where points are few
        if value > self.value:
            self.value, self.step = value, step
            self.state = {name: value.clone() for name, value in network.state_dict().items()}


def _train(network: RangeNetwork, data: "_Data", config: RangeNetworkConfig, progress: Progress) -> tuple[_Best, ...]:
    """The best step by all that is held out, and by each half of it; the last step alone where nothing is."""
    optimiser = AdamW(network.parameters(), config.weight_decay)
    mean = RangeNetwork(config, inputs=data.places.shape[1], taxa=data.taxa, dated=data.dated).eval()
    mean.load_state_dict(network.state_dict())
    best = [_Best(step=0, state=mean.state_dict()) for _ in (None, 0, 1)]
    last = config.steps if data.folded else min(config.steps, _STEPS_BLIND)
    for step in counted(range(1, last + 1), progress, "fitting", unit="steps"):
        network.train()
        data.loss(network).backward()  # type: ignore[no-untyped-call]
        optimiser.step(config.learning_rate * min(1.0, step / _WARM_UP))
        with torch.no_grad():
            kept = min(_AVERAGE_DECAY, step / (step + 10))
            torch._foreach_lerp_(list(mean.parameters()), list(network.parameters()), 1 - kept)
        if data.folded and (step % _TRIED_EVERY == 0 or step == last):
            for one, value in zip(best, data.trial(mean), strict=True):
                one.tried(value, step, mean)
            if step - max(one.step for one in best) >= _PATIENCE * _TRIED_EVERY:
                break
    return tuple(best) if data.folded else (_Best(step=last, state=mean.state_dict()),)


class _Data:
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
        self.tried_background = self._background(_TRIED_PLACES)
        self.even_background = self._even_background(points.background_area)
        self.block = blocks[:p], blocks[p:]
        half = _halves(blocks, p, config.seed)
        self.half = half[:p], half[p:]
        self.trials = [self._trial(some) for some in (None, 0, 1)]

    def _trial(self, half: int | None) -> "_Trial":
        """half: of the blocks; None: all that is held out."""
        there, behind = self.out[0][:, self.tried], self.out[1][:, self.tried_background]
        if half is not None:
            there = there & (self.half[0][self.tried] == half)
            behind = behind & (self.half[1][self.tried_background] == half)
        return _Trial(there, behind, *_balanced(there, self.taxon[self.tried], self.taxa))

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
    def trial(self, network: RangeNetwork) -> list[float]:
        """How often a member puts a point that it held out above background that it held out, the mean over taxa: of
        all that is held out, and of each half.

        That is the area under the ROC curve. The loss itself would stop too early: it grows when a member becomes too
        sure of itself, which the calibration mends afterwards, while it still gets better at telling places apart.
        """
        there, elsewhere, row = self._try(network, self.tried_background)
        return [trial.area(there, elsewhere, row, self.taxon[self.tried]) for trial in self.trials]

    @torch.inference_mode()
    def held_out(self, network: RangeNetwork) -> HeldOut:
        """What members say of points and of background places that they held out, some of them for each taxon. The same
        rows at every call."""
        background = torch.cat([self.tried_background, self.even_background])
        there, elsewhere, row = self._try(network, background)
        member, tried = torch.nonzero(self.out[0][:, self.tried], as_tuple=True)
        present, point = there[member, tried], self.tried[tried]
        at_member, at = torch.nonzero(self.out[1][:, background], as_tuple=True)
        # Of every taxon, so many background places of either kind that the table stays small.
        some = torch.from_numpy(np.random.default_rng(self.config.seed).permutation(len(at)))
        most, even = max(50, 500_000 // self.taxa), at[some] >= len(self.tried_background)
        kept = torch.cat([some[~even][:most], some[even][:most]])
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
            even=rows(torch.zeros_like(point, dtype=torch.bool), at[kept] >= len(self.tried_background)).numpy(),
            block=rows(*(torch.from_numpy(of)[at] for of, at in zip(self.block, (point, behind), strict=True))).numpy(),
            half=rows(self.half[0][point], self.half[1][behind]).numpy(),
        )

    def held_out_again(self, network: RangeNetwork, inputs: Tensor, background: Tensor) -> HeldOut:
        """The same, were the inputs of the places these; without the background that is even by area."""
        other = copy.copy(self)
        other.places = torch.cat([inputs, background])[self.once]
        said = other.held_out(network)
        return said.where(~said.even)

    def _logits(
        self, network: RangeNetwork, point: Tensor, background: Tensor, dates: NDArray[np.float64]
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

    def _even_background(self, area: NDArray[np.float64]) -> Tensor:
        """Rows of background drawn by area (b,) alone; none where that is how all of it is drawn."""
        even = area / area.sum()
        if np.allclose(even, self.background_share, rtol=1e-6, atol=0):
            return torch.empty(0, dtype=torch.int64)
        return torch.from_numpy(self.generator.choice(len(even), min(len(even), _TRIED_PLACES), p=even))

    def _try(self, network: RangeNetwork, background: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The log odds of what is tried on, as `_logits` gives them."""
        return self._logits(network, self.tried, background, self._tried_dates(len(background)))

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


@dataclass(frozen=True, slots=True)
class _Trial:
    """What members are tried on: m members, p points, b rows of background, t taxa."""

    points: Tensor  # (m, p) held out
    background: Tensor  # (m, b) held out
    weight: Tensor  # (m, p) adding up to 1 over the points of each member and taxon
    known: Tensor  # (m, t) which have any

    def area(self, there: Tensor, elsewhere: Tensor, row: Tensor, taxon: Tensor) -> float:
        """The mean area under the ROC curve, of log odds as `_Data._logits` gives them and labels (p,)."""
        areas = 0.0
        for member, held_out in enumerate(self.points):
            point = torch.nonzero(held_out)[:, 0]
            background = elsewhere[member, row[self.background[member]]]
            against, _ = background.T.contiguous().sort(dim=1)  # (taxa, held out)
            if len(point) == 0 or against.shape[1] == 0:
                continue
            value = there[member, point]
            above = torch.searchsorted(against[taxon[point]], value[:, None])[:, 0] / against.shape[1]
            areas += float((above * self.weight[member, point]).sum())
        return areas / max(1, int(self.known.sum()))


def months_looked(looked: NDArray[np.float64]) -> NDArray[np.int64]:
    """0..11: the months with a tenth of an even share of the dates (l,), or more; all where there are none."""
    if len(looked) == 0:
        return np.arange(12)
    counts = np.bincount((looked * 12).astype(np.int64) % 12, minlength=12)
    return np.flatnonzero(counts >= 0.1 * len(looked) / 12)


def _halves(blocks: Rows, points: int, seed: int) -> Tensor:
    """(p + b,) 0 or 1: blocks dealt to two halves, those with points and those without by themselves."""
    half = np.zeros(len(blocks), np.int64)
    with_points = np.isin(blocks, blocks[:points])
    for some in (with_points, ~with_points):
        if len(np.unique(blocks[some])) > 1:
            half[some] = deal_folds(blocks[some], 2, seed + 1)  # by another order than that of the members' folds
    return torch.from_numpy(half)


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
