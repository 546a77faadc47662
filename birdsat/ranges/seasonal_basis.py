"""What the seasonal basis of a range network starts as: how its taxa move through the year, as far as points tell."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.embed_cells import year_basis

_LEAST_POINTS = 3  # with dates, of a taxon that has a say
# Of what chance may do, how much every wave of the year is given beforehand, and a slow one more than a quick one: the
# points of a few taxa, or of residents alone, are then followed less.
_PRIOR = 6.0
_DATES = (np.arange(200) + 0.5) / 200  # even over the year


def starting_basis(
    inputs: NDArray[np.float32],
    taxon: NDArray[np.int64],
    year_fraction: NDArray[np.float64],
    *,
    components: int,
    harmonics: int,
) -> NDArray[np.float32]:
    """(2 * components, 2 * harmonics): rows of a basis, as coefficients of cos 2πt, sin 2πt, ... at year fractions t.

    inputs (p, d) of points of taxon (p,), at dates (p,), NaN where not known. The first component is the wave along
    which the inputs of the taxa's points shift most over the year, beyond what chance does, all taxa in common; the
    next is the one along which they do so most beside it. A taxon whose niche is a bump that shifts with a wave w has
    log odds in w and its square: passage is where the square is. So each component has a row of its own and one of its
    product with the first. A component is as large as its shifts are beside those of the first, and so is learned the
    slower the less it explains. Where the points say nothing, the rows are plain harmonics.
    """
    plain = np.eye(2 * components, 2 * harmonics, dtype=np.float32)
    shifts = _shifts(inputs, taxon, year_fraction, harmonics)
    if components == 0 or harmonics < 2 or shifts is None:  # a wave of the year has its square in half a year
        return plain
    strength, waves = np.linalg.eigh(shifts)
    strength, waves = strength[::-1], waves[:, ::-1].T
    if strength[0] <= 0:
        return plain
    rows, at = [], year_basis(_DATES, harmonics)[:, 1:].astype(np.float64)
    for share, wave in zip(np.sqrt(np.maximum(strength[:components], 0) / strength[0]), waves, strict=False):
        product = at.T @ ((at @ waves[0]) * (at @ wave))
        rows += [share * each for each in (wave, product / max(1e-9, float(np.linalg.norm(product))))]
    return np.stack(rows).astype(np.float32)


def _shifts(
    inputs: NDArray[np.float32], taxon: NDArray[np.int64], year_fraction: NDArray[np.float64], harmonics: int
) -> NDArray[np.float64] | None:
    """(2 K, 2 K) how much of each wave, and of each pair, there is in the taxa's inputs over the year, without what
    chance alone would give and with the prior; None where no taxon has points enough."""
    found, by_chance, taxa = np.zeros((2 * harmonics, 2 * harmonics)), 0.0, 0
    spread = np.zeros((inputs.shape[1], inputs.shape[1]))
    for rows in _of_each_taxon(taxon, np.isfinite(year_fraction)):
        wave = year_basis(year_fraction[rows], harmonics)[:, 1:].astype(np.float64)
        wave, own = wave - wave.mean(axis=0), inputs[rows].astype(np.float64)
        own -= own.mean(axis=0)
        coefficients = 2 / len(rows) * wave.T @ own
        # Of points that do not shift: their variance, spread over the waves as the dates are.
        chance = 4 / len(rows) * wave.T @ wave * float(np.square(own).sum()) / (len(rows) - 1)
        found += len(rows) * coefficients @ coefficients.T - chance
        by_chance += float(np.trace(chance)) / len(chance)
        spread += own.T @ own
        taxa += 1
    size = float(np.square(spread).sum())
    if taxa == 0 or size == 0:
        return None
    directions = np.trace(spread) ** 2 / size  # how many of the inputs vary by themselves
    prior = _PRIOR * by_chance * math.sqrt(2 / (taxa * directions))
    return found + np.diag(prior / np.repeat(np.arange(1, harmonics + 1), 2) ** 2)


def _of_each_taxon(taxon: NDArray[np.int64], used: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """Rows of each taxon that has enough of those used."""
    rows = np.flatnonzero(used)
    rows = rows[np.argsort(taxon[rows], kind="stable")]
    for some in np.split(rows, np.flatnonzero(np.diff(taxon[rows])) + 1):
        if len(some) >= _LEAST_POINTS:
            yield some
