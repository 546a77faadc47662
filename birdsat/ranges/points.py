"""What a range model learns from: points where taxa are, and background, with what is known of each place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

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


def _none() -> NDArray[np.float64]:
    return np.empty(0)


def _nowhere() -> NDArray[np.bool_]:
    return np.empty(0, np.bool_)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Points:
    """Presences of several taxa, and background: places where nobody says who is there. No absences.

    Raises InputError for labels that do not fit, and without background.
    """

    taxa: int  # how many labels there are; one may be without points
    presences: Cells  # p places of points; a place with several taxa is there several times
    taxon: NDArray[np.int64]  # (p,) label of each point, 0..taxa-1
    background: Cells  # b places
    year_fraction: NDArray[np.float64] = field(default_factory=_none)  # (p,) of the points; NaN, or none: not known
    background_weight: NDArray[np.float64] = field(default_factory=_none)  # (b,) how often each is drawn; none: alike
    background_looked: NDArray[np.bool_] = field(
        default_factory=_nowhere
    )  # (b,) whether somebody looked there; none: not known
    looked: NDArray[np.float64] = field(
        default_factory=_none
    )  # (l,) year fractions when somebody looked; none: unknown

    def __post_init__(self) -> None:
        for name, count, usual in (
            ("year_fraction", len(self.presences), np.nan),
            ("background_weight", len(self.background), 1.0),
            ("background_looked", len(self.background), False),
        ):
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.full(count, usual))
            elif len(getattr(self, name)) != count:
                raise InputError(
                    f"{name} has {len(getattr(self, name)):,} numbers for {count:,} places; give one for each."
                )
        if len(self.taxon) != len(self.presences) or not ((self.taxon >= 0) & (self.taxon < self.taxa)).all():
            raise InputError(f"{len(self.presences):,} points need as many labels, from 0 to {self.taxa - 1}.")
        if len(self.background) == 0:
            raise InputError("there is no background to tell the points from; give one place or more.")

    def with_background(self, rows: NDArray[np.bool_]) -> "Points":
        """With some of the background alone, such as places with imagery: rows (b,)."""
        return replace(
            self,
            background=self.background.take(rows),
            background_weight=self.background_weight[rows],
            background_looked=self.background_looked[rows],
        )

    def even_background(self, seed: int = 0) -> Cells:
        """For models that know no weights: the background where all of it weighs alike; else as many places drawn by
        their weights, some of them several times."""
        weight = self.background_weight
        if np.ptp(weight) == 0:
            return self.background
        generator = np.random.default_rng(seed)
        return self.background.take(generator.choice(len(weight), len(weight), p=weight / weight.sum()))
