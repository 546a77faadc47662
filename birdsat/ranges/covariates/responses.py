"""How suitabilities change with a covariate: partial dependence (Friedman 2001, section 8.2) on each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.facts import column_spans
from birdsat.ranges.held_out import HeldOutPlaces
from birdsat.ranges.model import RangeModel

VALUES = 33  # of a covariate
_LOW, _HIGH = 2, 98  # percentiles of the background between which they lie
_PLACES = 256  # of the background, over which suitabilities are averaged


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Response:
    """Suitabilities of all taxa by the values of a covariate, all else as it is in some places of the background."""

    name: str  # of the covariate
    classes: tuple[str, ...]  # of which all of a cell is, one by one; none: by numbers
    value: NDArray[np.float64]  # (v,) numbers, or the places of the classes in their row
    suitability: NDArray[np.float32]  # (taxa, v) mean over members and places, through the year
    std: NDArray[np.float32]  # (taxa, v) standard deviation over the members, each the mean over places

    @property
    def labels(self) -> tuple[str, ...]:
        """(v,) the values as text."""
        return self.classes or tuple(f"{value:.6g}" for value in self.value.tolist())


def response_curves(model: RangeModel, *, seed: int = 0, progress: Progress = QUIET) -> tuple[Response, ...]:
    """Of every covariate that a model learned from, as its fit gave it; none where that held nothing out.

    Between the 2nd and the 98th percentile of the background; a class takes all of a cell. What a place has of the
    other inputs stays, also where no place has both, so that curves of covariates that go together say less than they
    seem to.
    """
    places = model.held_out
    if places is None or places.covariates is None:
        return ()
    generator = np.random.default_rng(seed)
    weight = places.background_weight / places.background_weight.sum()
    rows = places.presences + generator.choice(len(weight), min(_PLACES, len(weight)), p=weight)
    return tuple(_responses(model, places, rows, progress))


def _responses(
    model: RangeModel, places: HeldOutPlaces, rows: NDArray[np.int64], progress: Progress
) -> Iterator[Response]:
    assert places.covariates is not None and places.projection.covariates is not None
    kept = places.projection.covariates.kept.numpy()
    named = zip(places.names, column_spans(places.names), strict=True)
    some = [(one, span) for one, span in named if kept[span].any()]
    with progress.bar("drawing responses", len(some), unit="covariates") as bar:
        for one, span in some:
            known = places.covariates[places.presences :, span.start]
            if one.categorical:
                value = np.arange(len(one.columns), dtype=np.float64)
                settings = list(np.eye(len(one.columns), dtype=np.float32))
            else:
                low, high = np.percentile(known[np.isfinite(known)], (_LOW, _HIGH)).tolist()
                value = np.linspace(low, high, VALUES)
                settings = [np.array([number], dtype=np.float32) for number in value]
            by_member = np.stack([_suitability(model, places, rows, span, setting) for setting in settings], axis=-1)
            yield Response(
                name=one.name,
                classes=one.columns if one.categorical else (),
                value=value,
                suitability=by_member.mean(axis=0),
                std=by_member.std(axis=0),
            )
            bar.advance()


@torch.inference_mode()
def _suitability(
    model: RangeModel, places: HeldOutPlaces, rows: NDArray[np.int64], span: slice, setting: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(members, taxa) mean over the places, with a covariate set."""
    assert places.covariates is not None
    covariates = places.covariates[rows]
    covariates[:, span] = setting
    inputs = model.projection(places.chip[rows], places.lon_lat[rows], covariates)
    logit = model.network.logits(model.network.hidden(inputs[None]), np.full(len(rows), np.nan))
    mean: NDArray[np.float32] = model.facts.calibration(logit).mean(dim=1).numpy()
    return mean
