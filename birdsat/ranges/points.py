"""What a range model learns from: points where taxa are, and background, with what is known of each place."""

import math
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
class SurveyRows:
    """Where and when taxa were looked for, and whether they were found: s rows of one taxon and one visit each.

    Raises InputError for rows of visits that are not there, and for arrays of different lengths.
    """

    visits: Cells  # v places, each at one date
    year_fraction: NDArray[np.float64]  # (v,) of the visits; NaN: not known
    visit: NDArray[np.int64]  # (s,) which visit, 0..v-1
    taxon: NDArray[np.int64]  # (s,) label
    present: NDArray[np.bool_]  # (s,) found; else looked for and not found
    weight: NDArray[np.float64] = field(default_factory=_none)  # (s,) how much each counts; none: all alike

    def __post_init__(self) -> None:
        if len(self.weight) == 0:
            object.__setattr__(self, "weight", np.ones(len(self.visit)))
        lengths = {len(self.visit), len(self.taxon), len(self.present), len(self.weight)}
        inside = (self.visit >= 0) & (self.visit < len(self.visits))
        if len(lengths) > 1 or len(self.year_fraction) != len(self.visits) or not inside.all():
            raise InputError(
                f"survey rows need a visit of {len(self.visits):,}, a taxon and whether it was found, of each; there "
                f"are {len(self.visit):,}, {len(self.taxon):,} and {len(self.present):,}, and "
                f"{len(self.year_fraction):,} dates of visits."
            )

    def __len__(self) -> int:
        return len(self.visit)

    def absences(self, taxa: int) -> tuple[int, ...]:
        """Of each of so many taxa."""
        return tuple(np.bincount(self.taxon[~self.present], minlength=taxa).tolist())

    def at(self, visits: NDArray[np.bool_]) -> "SurveyRows":
        """The rows of some of the visits (v,)."""
        kept = visits[self.visit]
        return SurveyRows(
            visits=self.visits.take(visits),
            year_fraction=self.year_fraction[visits],
            visit=(np.cumsum(visits) - 1)[self.visit[kept]],
            taxon=self.taxon[kept],
            present=self.present[kept],
            weight=self.weight[kept],
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Points:
    """Presences of several taxa, and background: places where nobody says who is there; absences come with surveys.

    Raises InputError for labels that do not fit, and without background.
    """

    taxa: int  # how many labels there are; one may be without points
    presences: Cells  # p places of points; a place with several taxa is there several times
    taxon: NDArray[np.int64]  # (p,) label of each point, 0..taxa-1
    background: Cells  # b places
    year_fraction: NDArray[np.float64] = field(default_factory=_none)  # (p,) of the points; NaN, or none: not known
    background_weight: NDArray[np.float64] = field(default_factory=_none)  # (b,) how often each is drawn; none: alike
    background_area: NDArray[np.float64] = field(default_factory=_none)  # (b,) of each; none: alike
    background_looked: NDArray[np.bool_] = field(
        default_factory=_nowhere
    )  # (b,) whether somebody looked there; none: not known
    looked: NDArray[np.float64] = field(
        default_factory=_none
    )  # (l,) year fractions when somebody looked; none: unknown
    surveys: SurveyRows | None = None  # of the taxa that have absences; None: there are none
    cell_km: float = math.nan  # the shorter side of the cells that all places are centres of; NaN: not known

    def __post_init__(self) -> None:
        for name, count, usual in (
            ("year_fraction", len(self.presences), np.nan),
            ("background_weight", len(self.background), 1.0),
            ("background_area", len(self.background), 1.0),
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
        if self.surveys is not None and not np.isin(self.surveys.taxon, self.taxon).all():
            raise InputError("a taxon of the surveys has no point; leave out taxa of which only absences are known.")
        if len(self.background) == 0:
            raise InputError("there is no background to tell the points from; give one place or more.")

    def with_background(self, rows: NDArray[np.bool_]) -> "Points":
        """With some of the background alone, such as places with imagery: rows (b,)."""
        return replace(
            self,
            background=self.background.take(rows),
            background_weight=self.background_weight[rows],
            background_area=self.background_area[rows],
            background_looked=self.background_looked[rows],
        )

    def even_background(self) -> Cells:
        """For models that know no weights: the background where all of it weighs alike; else as many places drawn by
        their weights, some of them several times; the same ones at every call."""
        weight = self.background_weight
        if np.ptp(weight) == 0:
            return self.background
        generator = np.random.default_rng(0)
        return self.background.take(generator.choice(len(weight), len(weight), p=weight / weight.sum()))
