"""How points that were held out of a fit stand against background that was, taxon by taxon, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import some_of
from birdsat.metrics import HIGH, INTERVAL, LOW, area_within, boyce_index, reliability, with_bounds
from birdsat.ranges.calibrate import LEAST_POINTS, balanced_weights
from birdsat.ranges.held_out_rows import HeldOut
from birdsat.tables import Table

_MOST_BOYCE = 200  # taxa whose Boyce index is averaged
_DRAWS = 200  # of the blocks, with replacement


@dataclass(frozen=True, kw_only=True)
class TaxonFigures:
    """One taxon's points held out, against background held out. NaN where nothing is known."""

    points: int  # held out, where background was as well
    auc: float  # against background as a fit learns from it: mostly where somebody looked
    auc_low: float  # bounds of an interval of INTERVAL, from drawing blocks anew
    auc_high: float
    auc_even: float  # against background even by area, which prefers a map that follows where people look
    auc_even_low: float = math.nan  # of a model of before, not known
    auc_even_high: float = math.nan
    boyce: float  # of the first _MOST_BOYCE taxa alone

    @property
    def is_by_chance(self) -> bool:
        """Whether nothing says that the map tells records from other places."""
        return self.points > 0 and self.auc_low <= 0.5


_UNKNOWN = TaxonFigures(points=0, auc=math.nan, auc_low=math.nan, auc_high=math.nan, auc_even=math.nan, boyce=math.nan)


def taxa_table(taxa: Sequence[str], figures: Sequence[TaxonFigures]) -> Table:
    """A row for each taxon of which points were held out, those with the lowest AUC last."""
    columns = ["taxon", "points", "AUC", "AUC, even background", "Boyce"]
    table = Table(title="held out of the fit", columns=columns)
    known = [(taxon, one) for taxon, one in zip(taxa, figures, strict=True) if one.points]
    for taxon, one in sorted(known, key=lambda pair: -pair[1].auc):
        told = (
            (one.auc, one.auc_low, one.auc_high),
            (one.auc_even, one.auc_even_low, one.auc_even_high),
            (one.boyce,),
        )
        table.add_row(taxon, f"{one.points:,}", *(with_bounds(*figure) for figure in told))
    table.caption = (
        f"with bounds of {INTERVAL:.0%} intervals. Background: mostly where somebody looked; even: by area, which "
        "prefers maps that follow effort"
    )
    if lacking := [taxon for taxon, one in zip(taxa, figures, strict=True) if not one.points]:
        table.caption += f". Not evaluated, as too few of their records could be held out: {some_of(lacking)}"
    return table


def held_out_figures(
    probability: NDArray[np.float32], rows: HeldOut, taxa: int, seed: int = 0
) -> tuple[dict[str, float], tuple[TaxonFigures, ...]]:
    """Means over the taxa that have points and background held out, by name; and the figures of every taxon.

    auc, auc_even_background: means over taxa, of each by `area_within` of what one member held out of one half, so that
    nothing is compared that different networks or calibrations said; boyce: the mean of the first _MOST_BOYCE taxa, of
    all their rows. calibration_error, brier: of all rows, points and background weighing alike, so that a probability
    of .5 is a place as likely among points as among background. low and high after these names: bounds of AUC and Brier
    score by a bootstrap over blocks, which are what records come in. Rows drawn anew have a lower Boyce index, as they
    repeat, and a higher calibration error, as noise adds to it: so these have none. Only points that background was
    held out with count. A taxon with fewer than LEAST_POINTS of them has no figures; where every taxon has fewer, the
    means are left out as well.
    """
    if len(rows.taxon) == 0:
        return {}, (_UNKNOWN,) * taxa
    blocks, block = np.unique(rows.block, return_inverse=True)
    group = 2 * rows.member + rows.half
    draws = np.random.default_rng(seed).multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), size=_DRAWS)
    draws = np.concatenate([np.ones_like(draws[:1]), draws])  # what was held out, and then the draws
    figures = [_UNKNOWN] * taxa
    auc, auc_even = np.full((2, taxa, len(draws)), np.nan)
    order = np.argsort(rows.taxon, kind="stable")
    of_taxon = np.split(order, np.searchsorted(rows.taxon[order], np.arange(1, taxa)))
    several = rows.even.any()  # kinds of background; else all of it is even
    ranked, boyces = rows.ranked, 0
    for label, own in enumerate(of_taxon):
        present = rows.present[own]
        behind = np.bincount(group[own[ranked[own] & ~present]], minlength=int(group.max()) + 1)
        compared = int(np.count_nonzero(behind[group[own[present]]]))
        if compared < LEAST_POINTS:
            continue
        looked = own[ranked[own]]
        auc[label] = auc_even[label] = area_within(
            probability[looked], rows.present[looked], group[looked], draws[:, block[looked]]
        )
        if several:
            even = own[present | rows.even[own]]
            auc_even[label] = area_within(probability[even], rows.present[even], group[even], draws[:, block[even]])
        boyces += 1
        figures[label] = TaxonFigures(
            points=compared,
            **_bounded("auc", auc[label]),
            **_bounded("auc_even", auc_even[label]),
            boyce=boyce_index(probability[looked], probability[own[present]]) if boyces <= _MOST_BOYCE else math.nan,
        )
    known = [one for one in figures if one.points]
    if not known:
        return {}, tuple(figures)
    # Reliability wants rows that count alike: as many background rows as points, at even steps of each taxon's order.
    learned = np.flatnonzero(rows.calibrating)
    learned = learned[_even(balanced_weights(rows.taxon[learned], rows.present[learned]), rows.present[learned])]
    found = reliability(probability[learned], rows.present[learned])
    square = np.square(probability[learned].astype(np.float64) - rows.present[learned])
    of_blocks = [np.bincount(block[learned], weights, minlength=len(blocks)) for weights in (square, None)]
    with np.errstate(invalid="ignore"):  # of a draw without any of them
        brier = (draws @ of_blocks[0]) / (draws @ of_blocks[1])
    of_even, shown = _mean(auc_even), {}
    if np.isfinite(of_even[0]):
        shown = _bounded("held_out_auc_even_background", of_even)
    return {
        "held_out_taxa": float(len(known)),
        "held_out_points": float(sum(one.points for one in known)),
        **_bounded("held_out_auc", _mean(auc)),
        **shown,
        "held_out_boyce": float(_mean(np.array([one.boyce for one in known])[:, None])[0]),
        "held_out_calibration_error": found.error,
        **_bounded("held_out_brier", brier),
    }, tuple(figures)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) means over taxa (t, n) of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    total: NDArray[np.float64] = np.where(known, values, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _bounded(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """A figure, the first of (1 + d,), and its bounds by d draws of the blocks."""
    drawn = values[1:][np.isfinite(values[1:])]  # a draw may hold no point, or no background
    low, high = np.quantile(drawn, ((1 - INTERVAL) / 2, (1 + INTERVAL) / 2)) if len(drawn) else (math.nan, math.nan)
    return {name: float(values[0]), f"{name}{LOW}": float(low), f"{name}{HIGH}": float(high)}


def _even(weight: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows drawn so that each kind comes in proportion to its weight, the same at every call."""
    random = np.random.default_rng(0)
    count = min(20_000, 4 * int(np.count_nonzero(present)) + 1000)
    drawn: NDArray[np.int64] = random.choice(len(weight), count, p=weight / weight.sum())
    return drawn
