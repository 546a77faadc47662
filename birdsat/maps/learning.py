"""What a model of where taxa live learns from, and what it gives: one small interface for all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from birdsat.errors import InputError, some_of

COORDINATES = "coordinates"  # the name of longitude and latitude among the columns


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cells:
    """Places to learn from or to score, and what is known of each.

    Raises InputError for columns of another length than the places, or named `coordinates`.
    """

    lon_lat: NDArray[np.float64]  # (n, 2) degrees
    columns: Mapping[str, NDArray[np.floating]]  # name -> (n, f), such as climate, colour, chip; NaN where not known

    def __post_init__(self) -> None:
        for name, values in self.columns.items():
            if values.ndim != 2 or len(values) != len(self.lon_lat) or name == COORDINATES:
                raise InputError(
                    f"columns {name!r} have shape {values.shape}; ({len(self.lon_lat)}, f), a row for each place, is "
                    f"needed, under another name than {COORDINATES!r}, which longitude and latitude have."
                )

    def __len__(self) -> int:
        return len(self.lon_lat)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Cells":
        """Some of the cells, by number or by a mask."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Cells(lon_lat=self.lon_lat[rows], columns=columns)

    def table(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(n, f): the named columns side by side; `coordinates` are longitude and latitude. NaN where not known.

        Raises InputError for columns that are not there.
        """
        absent = [name for name in names if name not in (COORDINATES, *self.columns)]
        if absent:
            raise InputError(
                f"there are no columns {absent[0]!r} of these cells; there are {some_of((COORDINATES, *self.columns))}."
            )
        parts = [self.lon_lat if name == COORDINATES else self.columns[name] for name in names]
        return np.concatenate(parts, axis=1, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Points:
    """Presences of several taxa, and background: places where nobody says who is there. No absences.

    Raises InputError for labels that do not fit, and without background.
    """

    taxa: int  # how many labels there are; one may be without points
    at: Cells  # p places of points; a place with several taxa is there several times
    taxon: NDArray[np.int64]  # (p,) label of each point, 0..taxa-1
    background: Cells  # b places

    def __post_init__(self) -> None:
        if len(self.taxon) != len(self.at) or not ((self.taxon >= 0) & (self.taxon < self.taxa)).all():
            raise InputError(f"{len(self.at):,} points need as many labels, from 0 to {self.taxa - 1}.")
        if len(self.background) == 0:
            raise InputError("there is no background to tell the points from; give one place or more.")


Scorer = Callable[[Cells], NDArray[np.float32]]
"""Cells -> (n, taxa) scores, higher where a taxon is more likely; NaN for a taxon that was not learned."""


class PresenceModel(Protocol):
    """Learns from points and background. Two fits to the same points give the same scores."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    @property
    def probabilities(self) -> bool:
        """Scores lie between 0 and 1 and are meant as probabilities, so that their calibration can be judged."""
        ...

    def fit(self, points: Points) -> Scorer:
        """Learn every taxon, one by one or together. Reads nothing but `points`."""
        ...


class SurveyModel(Protocol):
    """Learns from presence and absence."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    @property
    def probabilities(self) -> bool:
        """As of `PresenceModel`."""
        ...

    def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:
        """Learn from cells and presence (n, taxa)."""
        ...


@dataclass(frozen=True, slots=True)
class ScaledColumns:
    """Some columns, each with mean 0 and variance 1 over the cells it was fitted on; what is not known is the mean."""

    names: tuple[str, ...]
    scaler: StandardScaler

    @classmethod
    def fit(cls, cells: Cells, names: tuple[str, ...]) -> "ScaledColumns":
        """Raises InputError for columns that are not there, or of which nothing is known."""
        table = cells.table(names)
        if table.shape[1] == 0 or np.isnan(table).all(axis=0).any():
            raise InputError(f"nothing is known of {', '.join(names)} in the training cells; leave these columns out.")
        return cls(names, StandardScaler().fit(table))

    def __call__(self, cells: Cells) -> NDArray[np.float64]:
        """(n, f) without NaN."""
        scaled: NDArray[np.float64] = np.nan_to_num(self.scaler.transform(cells.table(self.names)), nan=0.0)
        return scaled


_Inputs = NDArray[np.float64]  # (n, f)


def one_by_one(
    points: Points,
    inputs: Callable[[Cells], _Inputs],
    fit: Callable[[_Inputs, _Inputs], Callable[[_Inputs], NDArray[np.float32]]],
) -> Scorer:
    """Every taxon that has points by a model of its own.

    inputs: cells as the models see them, (n, f). fit: a taxon's points and the background, both as inputs, to a model
    that gives scores (n,).
    """
    at, background = inputs(points.at), inputs(points.background)
    models = [(label, fit(at[points.taxon == label], background)) for label in np.unique(points.taxon).tolist()]

    def score(cells: Cells) -> NDArray[np.float32]:
        asked = inputs(cells)
        scores = np.full((len(cells), points.taxa), np.nan, dtype=np.float32)
        for label, model in models:
            scores[:, label] = model(asked)
        return scores

    return score
