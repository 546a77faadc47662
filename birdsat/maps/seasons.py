"""Which months are a taxon's seasons, and where it is in which: resident, breeding, non-breeding, passage.

The seasons are those of BirdLife International's range maps and of eBird Status and Trends (Fink and others 2020, doi
10.1002/eap.2056): a season's range is where the mean over its months reaches the threshold, that of
passage where any of its months does.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError

RESIDENT, BREEDING, NON_BREEDING, PASSAGE, UNCERTAIN = "resident", "breeding", "non-breeding", "passage", "uncertain"
SEASONS = (RESIDENT, BREEDING, NON_BREEDING, PASSAGE, UNCERTAIN)
_LEAST_SWING = 3.0  # degrees of latitude that the middle of a migrant's range moves over the year
_LEAST_SHARE = 0.05  # of the area of the fullest month, below which a taxon is taken to be gone
_END = 0.25  # of the way from one end to the other, that counts as the end
_ALIKE = 1e-9  # so that months at the very quarter do not hang on the last digit

Cells = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seasons:
    """Months of a map's layers; where breeding is empty, one season of which no more is known than its months."""

    months: tuple[int, ...]  # of the layers, 1..12; empty: one layer of no month
    breeding: tuple[int, ...] = ()
    non_breeding: tuple[int, ...] = ()
    kind: str = UNCERTAIN  # of the one season, RESIDENT or UNCERTAIN
    apart: bool = False  # whether each month is a season by itself
    present: tuple[int, ...] = ()  # months that the one season is the mean of
    told: str  # a sentence: where this is from

    @property
    def passage(self) -> tuple[int, ...]:
        """The other months, where there are seasons."""
        known = {*self.breeding, *self.non_breeding}
        return tuple(month for month in self.months if month not in known) if self.breeding else ()

    def parts(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Name and months of what `cells` tells apart."""
        if self.breeding:
            both = tuple(sorted((*self.breeding, *self.non_breeding)))
            return tuple(zip(SEASONS[:4], (both, self.breeding, self.non_breeding, self.passage), strict=True))
        return tuple((self.kind, (month,)) for month in self.months) if self.apart else ((self.kind, self.present),)

    def cells(self, value: NDArray[np.float32], threshold: float) -> list[Cells]:
        """Which cells (h, w) belong to each of `parts`, of values (layers, h, w); NaN belongs to none."""
        if not self.breeding:
            some = [[month] for month in self.months] if self.apart else [list(self.present)]
            return [self._mean(value, months) >= threshold for months in some]
        breeding = self._mean(value, self.breeding) >= threshold
        elsewhere = self._mean(value, self.non_breeding) >= threshold
        passage = (value[self._layers(self.passage)] >= threshold).any(axis=0) & ~breeding & ~elsewhere
        return [breeding & elsewhere, breeding & ~elsewhere, elsewhere & ~breeding, passage]

    def _mean(self, value: NDArray[np.float32], months: Sequence[int]) -> NDArray[np.float32]:
        mean: NDArray[np.float32] = value[self._layers(months)].mean(axis=0)
        return mean

    def _layers(self, months: Sequence[int]) -> list[int]:
        return [self.months.index(month) for month in months] if self.months else [0]

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        named = {BREEDING: self.breeding, NON_BREEDING: self.non_breeding, PASSAGE: self.passage}
        return {"told": self.told, **({name: list(months) for name, months in named.items()} if self.breeding else {})}


def given_seasons(months: Sequence[int], breeding: Sequence[int], non_breeding: Sequence[int]) -> Seasons:
    """Those that somebody names. Raises ConfigError for months that a map has not."""
    if missing := [month for month in (*breeding, *non_breeding) if month not in months]:
        has = f"its months are {month_names(months)}" if months else "it is of the whole year at once"
        raise ConfigError(
            f"the map has no layer of {month_names(missing)}; {has}. Map the taxon in the months of its seasons, or "
            "name others.",
            settings=("breeding", "non_breeding"),
        )
    return Seasons(
        months=tuple(months), breeding=tuple(breeding), non_breeding=tuple(non_breeding), told="named with the request"
    )


def told_seasons(
    months: Sequence[int],
    area: NDArray[np.float64],
    latitude: NDArray[np.float64],
    *,
    dated: bool,
) -> Seasons:
    """Those that a map of all twelve months tells by itself.

    area (layers,) above the threshold, square kilometres; latitude (layers,) its mean over that area; NaN where there
    is none. Of a taxon whose range moves along the meridian, breeding are the months near that end of the way that is
    nearer to a pole, within a quarter of the way, non-breeding those near the other end, passage all others. It does
    not ask for the hemisphere: a migrant of the south breeds in the south. One that moves less than three degrees has
    one season, resident. Nothing is told of fewer months, of undated records, and of a taxon that is gone in some
    months: that it breeds where it is seen cannot be known.
    """
    every = tuple(months)
    if dated is False or not every:
        why = (
            "all its months are the same, so that nothing is known of seasons"
            if every
            else "the map is of the whole year at once"
        )
        return Seasons(months=every, present=every, told=why)
    if len(every) < 12:
        why = f"a map of {'one month' if len(every) == 1 else f'{len(every)} months'} does not tell seasons"
        return Seasons(months=every, apart=True, told=f"{why}; map all twelve, or name the months of its seasons")
    there = area >= _LEAST_SHARE * area.max(initial=0)
    if not there.all() or not area.any():
        present = tuple(month for month, is_there in zip(every, there, strict=True) if is_there and area.any())
        why = f"on this map it is there in {month_names(present)} alone, and whether to breed is not told by a map"
        return Seasons(months=every, present=present or every, told=f"{why}; name the months of its seasons")
    north, south = float(latitude.max()), float(latitude.min())
    if north - south < _LEAST_SWING:
        moves = f"the middle of its range moves by {north - south:.1f} degrees of latitude over the year"
        return Seasons(months=every, kind=RESIDENT, present=every, told=f"{moves}, less than {_LEAST_SWING:g}")
    poleward, other = (north, south) if abs(north) >= abs(south) else (south, north)
    way = (latitude - other) / (poleward - other)
    return Seasons(
        months=every,
        breeding=tuple(month for month, along in zip(every, way, strict=True) if along >= 1 - _END - _ALIKE),
        non_breeding=tuple(month for month, along in zip(every, way, strict=True) if along <= _END + _ALIKE),
        told=f"the middle of its range moves from {_shown(other)} to {_shown(poleward)}, the end nearer to a pole, "
        "where it is taken to breed",
    )


def month_names(months: Sequence[int]) -> str:
    """For people: January, June."""
    return ", ".join(calendar.month_name[month] for month in months) or "no month"


def short_months(months: Sequence[int]) -> str:
    """For tables and attributes: May-Jul, as runs of the circle of the year."""
    left, runs = sorted(set(months)), []
    if len(left) == 12:
        return "Jan-Dec"
    starts = [month for month in left if (month - 2) % 12 + 1 not in left]
    for start in starts:
        end = start
        while end % 12 + 1 in left:
            end = end % 12 + 1
        first, last = calendar.month_abbr[start], calendar.month_abbr[end]
        runs.append(first if start == end else f"{first}-{last}")
    return ", ".join(runs)


def _shown(latitude: float) -> str:
    return f"{abs(latitude):.1f}°{'N' if latitude >= 0 else 'S'}"
