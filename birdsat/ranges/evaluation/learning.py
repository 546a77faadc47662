"""What every model of where taxa live can do: one small interface for ours and for the baselines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from birdsat.errors import ConfigError, InputError
from birdsat.ranges.covariates.named import CHIP
from birdsat.ranges.points import COORDINATES, Cells, Points

CHIP_COMPONENTS = 4  # principal ones of chip features that baselines read; with more they learn few points by heart

Scorer = Callable[[Cells], NDArray[np.float32]]
"""Cells -> (n, taxa) scores, higher where a taxon is more likely; NaN for a taxon that was not learned."""


class NamedModel(Protocol):
    """What tables say of a model."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    @property
    def probabilities(self) -> bool:
        """Scores lie between 0 and 1 and are meant as probabilities, so that their calibration can be evaluated."""
        ...


class PresenceModel(NamedModel, Protocol):
    """Learns from points and background. Two fits to the same points give the same scores."""

    def fit(self, points: Points) -> Scorer:
        """Learn every taxon, one by one or together. Reads nothing but `points`."""
        ...


class SurveyModel(NamedModel, Protocol):
    """Learns from presence and absence."""

    def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:
        """Learn from cells and presence (n, taxa)."""
        ...


class CountModel(NamedModel, Protocol):
    """Learns how many individuals are counted; its scores rise with them."""

    def fit(self, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
        """Learn from cells and mean counts (n, taxa), 0 where a taxon is not."""
        ...


@dataclass(frozen=True, slots=True)
class ScaledColumns:
    """Some columns, each with mean 0 and variance 1 over the cells it was fitted on; what is not known is the mean.

    Chip features, hundreds that are one vector together, may be brought down to their first principal components.
    """

    names: tuple[str, ...]
    chip: PCA | None
    scaler: StandardScaler

    @classmethod
    def fit(cls, cells: Cells, names: tuple[str, ...], components: int | None = None) -> "ScaledColumns":
        """components: of chip features; None: as they are.

        Raises InputError for columns that are not there, or of which nothing is known.
        """
        table = cells.table(names)
        if table.shape[1] == 0 or np.isnan(table).all(axis=0).any():
            raise InputError(f"nothing is known of {', '.join(names)} in the training cells; leave these columns out.")
        pca = None
        if CHIP in names and components is not None:
            chip = cells.table((CHIP,))
            chip = chip[np.isfinite(chip).all(axis=1)]
            pca = PCA(min(components, *chip.shape), random_state=0).fit(chip)
        unscaled = cls(names, pca, StandardScaler())
        return cls(names, pca, StandardScaler().fit(unscaled._table(cells)))

    def __call__(self, cells: Cells) -> NDArray[np.float64]:
        """(n, f) without NaN."""
        scaled: NDArray[np.float64] = np.nan_to_num(self.scaler.transform(self._table(cells)), nan=0.0)
        return scaled

    def _table(self, cells: Cells) -> NDArray[np.float64]:
        if self.chip is None:
            return cells.table(self.names)
        # Products of NaN are NaN: components of unknown features are not known.
        centre, directions = self.chip.mean_, self.chip.components_.T
        parts = [(cells.table((n,)) - centre) @ directions if n == CHIP else cells.table((n,)) for n in self.names]
        return np.concatenate(parts, axis=1)


def raster_sets(rasters: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets of columns that baselines read of rasters: each name by itself, and all with coordinates."""
    return [*((name,) for name in rasters), (COORDINATES, *rasters)]


MOST_CELLS = 2.0  # times the share of training cells in which a taxon was counted, in which any is expected


def none_elsewhere(score: Scorer, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
    """The scores of a model of counts, but 0 where none is expected, so that such places are alike, as they are in
    truth: beyond the best places, MOST_CELLS times as many of the training cells as where the taxon was counted.

    cells, counts (n, taxa): those that it learned from.
    """
    share = np.minimum(1.0, MOST_CELLS * (counts > 0).mean(axis=0))
    learned = score(cells)
    least = np.array([np.quantile(one, 1 - part) for one, part in zip(learned.T, share, strict=True)], np.float32)
    return lambda asked: np.maximum(score(asked) - least, 0)


_Inputs = NDArray[np.float64]  # (n, f)


def each_taxon(
    inputs: _Inputs,
    targets: NDArray[np.generic],
    labels: Sequence[int],
    fit: Callable[[_Inputs, NDArray[np.generic]], Callable[[_Inputs], NDArray[np.floating]]],
    inputs_of: Callable[[Cells], _Inputs],
) -> Scorer:
    """Some taxa of those surveyed in cells, each by a model of its own; NaN of the others.

    inputs (n, f) of the cells, targets (n, taxa): what is learned of each taxon. inputs_of: other cells as the models
    see them.
    """
    models = {label: fit(inputs, targets[:, label]) for label in labels}

    def score(asked: Cells) -> NDArray[np.float32]:
        scores = np.full((len(asked), targets.shape[1]), np.nan, dtype=np.float32)
        table = inputs_of(asked)
        for label, model in models.items():
            scores[:, label] = model(table)
        return scores

    return score


def balanced_rows(
    at: _Inputs, background: _Inputs, weight: NDArray[np.float64]
) -> tuple[_Inputs, NDArray[np.int64], NDArray[np.float64]]:
    """Inputs (n, f), presence (n,) and weights (n,) of a taxon's points and of background, which weighs as much in sum:
    a penalty counts against the points alone, however much background there is."""
    present = np.repeat([1, 0], [len(at), len(background)])
    rows = np.concatenate([np.ones(len(at)), weight / weight.sum() * len(at)])
    return np.concatenate([at, background]), present, rows


def one_by_one(
    points: Points,
    inputs: Callable[[Cells], _Inputs],
    fit: Callable[[_Inputs, _Inputs], Callable[[_Inputs], NDArray[np.float32]]],
) -> Scorer:
    """Every taxon that has points by a model of its own, which knows no weights.

    inputs: cells as the models see them, (n, f). fit: a taxon's points and the background, both as inputs, to a model
    that gives scores (n,).
    """
    return one_by_one_weighted(points, inputs, lambda at, background, _: fit(at, background), weighted=False)


def one_by_one_weighted(
    points: Points,
    inputs: Callable[[Cells], _Inputs],
    fit: Callable[[_Inputs, _Inputs, NDArray[np.float64]], Callable[[_Inputs], NDArray[np.float32]]],
    *,
    weighted: bool = True,
) -> Scorer:
    """Every taxon that has points by a model of its own.

    inputs: cells as the models see them, (n, f). fit: a taxon's points, the background, both as inputs, and how often
    each place of the latter comes, to a model that gives scores (n,). weighted: False draws the background by its
    weights, and every place that was drawn comes once.
    """
    cells = points.background if weighted else points.even_background()
    weight = points.background_weight if weighted else np.ones(len(cells))
    at, background = inputs(points.presences), inputs(cells)
    models = [(label, fit(at[points.taxon == label], background, weight)) for label in np.unique(points.taxon).tolist()]

    def score(cells: Cells) -> NDArray[np.float32]:
        asked = inputs(cells)
        scores = np.full((len(cells), points.taxa), np.nan, dtype=np.float32)
        for label, model in models:
            scores[:, label] = model(asked)
        return scores

    return score


def refuse_namesakes(models: Sequence[NamedModel]) -> None:
    """Raise ConfigError for two models of one name, which a table could not tell apart."""
    names = [model.name for model in models]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError(f"two models are called {twice[0]!r}; give one of them a label of its own.")


def checked_scores(model: NamedModel, score: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scores that a model gave. Raises InputError for infinite ones."""
    if np.isinf(score).any():
        raise InputError(f"{model.name} gives infinite scores; a cell without a score is NaN.")
    return score
