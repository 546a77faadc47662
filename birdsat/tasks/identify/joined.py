"""What the image says and what place and date say, joined: log p(image) / T + beta log p(place, date)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOORS = (0.001, 0.01, 0.05, 0.2)  # tried when it is fitted
DEFAULT_FLOOR = 0.05  # of a place and date that nothing was fitted on
DEFAULT_WEIGHT = 0.5  # likewise: photos and records are seldom of one mind as to where people look

_TEMPERATURES = tuple(np.geomspace(0.02, 20, 61).tolist())
_WEIGHTS = tuple(np.linspace(0, 2, 21).tolist())


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """How two scores become one."""

    temperature: float  # T, of the image's logits
    weight: float  # beta, of place and date; 0: they are of no use
    floor: float  # share of the place-and-date probability that is even over all taxa, so that none is ever ruled out

    def share(self, log_density: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, t) probability of each taxon by place and date alone, from log densities up to a factor; NaN rows stay.

        A rare visitor keeps floor / t, however far it is from where it lives.
        """
        even = 1 / log_density.shape[1]
        share: NDArray[np.float64] = (1 - self.floor) * softmax(log_density) + self.floor * even
        return share

    def __call__(
        self, logits: NDArray[np.floating], log_density: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """(n, t) probabilities; by the image alone in rows (n, t) of NaN, and where nothing is given."""
        scaled = logits.astype(np.float64) / self.temperature
        if log_density is not None and self.weight:
            told = np.isfinite(log_density).all(axis=1)
            scaled[told] += self.weight * np.log(self.share(log_density[told]))
        return softmax(scaled)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, t) probabilities along the rows; -inf is never, NaN stays."""
    values = logits.astype(np.float64)
    weight = np.exp(values - values.max(axis=1, keepdims=True)) if values.size else values
    shares: NDArray[np.float64] = weight / weight.sum(axis=1, keepdims=True)
    return shares


def fit_joining(
    logits: NDArray[np.floating], labels: NDArray[np.int64], log_density: NDArray[np.float64] | None = None
) -> Joining:
    """The temperature, weight and floor under which the right taxa (n,) are likeliest (Guo et al. 2017, section 4.2,
    with a second term as in Mac Aodha et al. 2019, "Presence-only geographical priors", section 3).

    Rows whose taxon was never in the running are left out, and so are rows about which place and date say nothing,
    where these are fitted. The search is over a fixed grid, refined once: the likelihood is smooth and has one peak
    along temperature and weight. Without rows, nothing is scaled.
    """
    own = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    rows = np.isfinite(own)
    if log_density is not None:
        rows &= np.isfinite(log_density).all(axis=1)
    if not rows.any():
        return Joining(temperature=1.0, weight=0.0 if log_density is None else DEFAULT_WEIGHT, floor=DEFAULT_FLOOR)
    z, y = logits[rows].astype(np.float64), labels[rows]

    def cost(joining: Joining, density: NDArray[np.float64] | None) -> float:
        p = np.take_along_axis(joining(z, density), y[:, None], axis=1)
        return float(-np.log(np.maximum(p, 1e-300)).mean())

    alone = [Joining(temperature=t, weight=0.0, floor=DEFAULT_FLOOR) for t in _TEMPERATURES]
    image = _refined(min(alone, key=lambda one: cost(one, None)), lambda one: cost(one, None))
    if log_density is None:
        return image
    density = log_density[rows]
    best = min(
        (
            Joining(temperature=image.temperature * scale, weight=weight, floor=floor)
            for floor in FLOORS
            for weight in _WEIGHTS
            for scale in (0.8, 1.0, 1.25, 1.6)
        ),
        key=lambda one: cost(one, density),
    )
    return _refined(best, lambda one: cost(one, density))


def _refined(best: Joining, cost: Callable[[Joining], float]) -> Joining:
    """Smaller and smaller steps along temperature and weight while these help."""
    step, least = 0.15, cost(best)
    while step > 0.005:
        near = [
            Joining(temperature=best.temperature * a, weight=best.weight * b, floor=best.floor)
            for a, b in ((1 + step, 1), (1 / (1 + step), 1), (1, 1 + step), (1, 1 / (1 + step)))
        ]
        costs = [cost(one) for one in near]
        if min(costs) < least - 1e-9:
            best, least = near[int(np.argmin(costs))], min(costs)
        else:
            step /= 2
    return best
