"""Where and when taxa were looked for, found or not: what tables say that have absences of a taxon."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.observations.checklists import CompleteChecklists
from birdsat.observations.day_numbers import months, year_fractions
from birdsat.observations.distinct_records import DistinctRecords
from birdsat.observations.readers.rows import Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyRecords:
    """n rows of t taxa, each taxon, place and date once. Where some row says that the taxon was found, it was.

    A taxon's presences are among them where the table that they are from says also where it was not found: of other
    tables, nobody knows where else was looked.
    """

    taxa: tuple[str, ...]  # t names, sorted
    label: NDArray[np.int32]  # (n,) index of each row's taxon
    lon_lat: NDArray[np.float64]  # (n, 2) degrees east and north, WGS84
    day: NDArray[np.int32]  # (n,) number of the day, datetime.date.toordinal; 0 where the date is not known
    present: NDArray[np.bool_]  # (n,) found; else looked for and not found
    absent_rows: int = 0  # rows read that say that a taxon was not found
    checklists: int = 0  # complete ones, which say so of taxa that they do not list

    def __post_init__(self) -> None:
        n = len(self.label)
        if any(len(column) != n for column in (self.lon_lat, self.day, self.present)):
            raise InputError(
                f"survey records have {n:,} labels, {len(self.lon_lat):,} places, {len(self.day):,} days and "
                f"{len(self.present):,} findings; one of each is needed."
            )

    def __len__(self) -> int:
        return len(self.label)

    @property
    def absences(self) -> dict[str, int]:
        """Of each taxon."""
        counts = np.bincount(self.label[~self.present], minlength=len(self.taxa)).tolist()
        return dict(zip(self.taxa, counts, strict=True))

    @property
    def month(self) -> NDArray[np.int64]:
        """(n,) 1..12; 0 where the date is not known."""
        return months(self.day)

    @property
    def year_fraction(self) -> NDArray[np.float64]:
        """(n,) how much of its year has passed; NaN where the date is not known."""
        return year_fractions(self.day)

    def where(self, mask: NDArray[np.bool_]) -> "SurveyRecords":
        """The rows where mask (n,) is True, of the same taxa."""
        return replace(
            self,
            label=self.label[mask],
            lon_lat=self.lon_lat[mask],
            day=self.day[mask],
            present=self.present[mask],
        )

    def only_taxa(self, taxa: Collection[str]) -> "SurveyRecords":
        """The rows of some taxa, which get labels anew; of taxa that are not among these, there are none."""
        kept = np.array([name in taxa for name in self.taxa], dtype=np.bool_)
        part = self.where(kept[self.label])
        relabel = np.cumsum(kept, dtype=np.int32) - 1
        return replace(part, taxa=tuple(name for name in self.taxa if name in taxa), label=relabel[part.label])

    def joined(self, other: "SurveyRecords") -> "SurveyRecords":
        """These rows and others, each taxon, place and date once."""
        taxa = tuple(sorted({*self.taxa, *other.taxa}))
        labels = [np.searchsorted(taxa, one.taxa).astype(np.int32)[one.label] for one in (self, other)]
        return presence_wins(
            SurveyRecords(
                taxa=taxa,
                label=np.concatenate(labels),
                lon_lat=np.concatenate([self.lon_lat, other.lon_lat]),
                day=np.concatenate([self.day, other.day]),
                present=np.concatenate([self.present, other.present]),
                absent_rows=self.absent_rows + other.absent_rows,
                checklists=self.checklists + other.checklists,
            )
        )


class SurveyGatherer:
    """Survey records gathered batch by batch. Memory grows with the distinct ones, and with the distinct presences of
    the table that is read."""

    def __init__(self) -> None:
        self._labels: dict[str, int] = {}
        self._found, self._absent, self._here = DistinctRecords(), DistinctRecords(), DistinctRecords()
        self._absent_here: set[int] = set()  # labels with an absence in the table that is read
        self._absent_rows = 0
        self._checklists = CompleteChecklists()

    def add(self, rows: Rows, which: NDArray[np.bool_]) -> None:
        """Those rows (n,) of a table that are kept and have a place."""
        self._checklists.add(rows, which)
        if not rows.names_taxa:
            return
        label = np.zeros(len(rows.names), np.int32)
        for name in np.unique(rows.name[which]).tolist():
            species = rows.names[name].species
            assert species is not None  # its rows are kept
            label[name] = self._labels.setdefault(species, len(self._labels))
        for kind, gathered in ((which & ~rows.absent, self._here), (which & rows.absent, self._absent)):
            gathered.add(label[rows.name[kind]], rows.day[kind], rows.lon_lat[kind])
        absent = label[rows.name[which & rows.absent]]
        self._absent_here.update(np.unique(absent).tolist())
        self._absent_rows += len(absent)

    def end_table(self) -> None:
        """Keep the presences of the taxa that the table has absences of."""
        label, day, lon_lat = self._here.arrays()
        surveyed = np.isin(label, sorted(self._absent_here))
        self._found.add(label[surveyed], day[surveyed], lon_lat[surveyed])
        self._checklists.end_table(label, day, lon_lat)
        self._here, self._absent_here = DistinctRecords(), set()

    def records(self) -> SurveyRecords | None:
        """All of them; None where nothing says that a taxon was not found. They are given away."""
        listed, unlisted, checklists = self._checklists.told()
        if not self._absent_rows and not len(unlisted[0]):
            return None
        self._found.add(*listed)
        self._absent.add(*unlisted)
        kinds = [self._found.arrays(), self._absent.arrays()]
        label, day, lon_lat = (np.concatenate(columns) for columns in zip(*kinds, strict=True))
        used = np.unique(label)
        names = np.array(list(self._labels))[used]
        order = np.argsort(names)
        relabel = np.zeros(len(self._labels), np.int32)
        relabel[used[order]] = np.arange(len(used))
        return presence_wins(
            SurveyRecords(
                taxa=tuple(names[order].tolist()),
                label=relabel[label],
                lon_lat=lon_lat,
                day=day,
                present=np.repeat([True, False], [len(kinds[0][0]), len(kinds[1][0])]),
                absent_rows=self._absent_rows,
                checklists=checklists,
            )
        )


def presence_wins(rows: SurveyRecords) -> SurveyRecords:
    """Each taxon, place and date once, as present where any row says so; sorted by taxon, date and place."""
    order, first = _sorted(rows.label, rows.day, rows.lon_lat, ~rows.present)
    chosen = order[first]
    return replace(
        rows,
        label=rows.label[chosen],
        lon_lat=rows.lon_lat[chosen],
        day=rows.day[chosen],
        present=rows.present[chosen],
    )


def empty_visits(
    surveys: SurveyRecords, lon_lat: NDArray[np.float64], day: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Places (v, 2) and days (v,) where something was looked for and nothing was recorded, each once.

    lon_lat (n, 2), day (n,): of all records.
    """
    absent = ~surveys.present
    places = np.concatenate([lon_lat, surveys.lon_lat[absent]])
    days = np.concatenate([day, surveys.day[absent]])
    empty = np.arange(len(days)) >= len(day)
    order, first = _sorted(np.zeros(len(days), np.int32), days, places, empty)
    chosen = order[first]
    chosen = chosen[empty[chosen]]
    return places[chosen], days[chosen]


def _sorted(
    label: NDArray[np.int32], day: NDArray[np.int32], lon_lat: NDArray[np.float64], later: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """An order (n,) of rows, those that are `later` behind others of the same label, day and place; and which (n,) in
    that order are the first of these."""
    keys: Sequence[NDArray[np.generic]] = (lon_lat[:, 1] + 0.0, lon_lat[:, 0] + 0.0, day, label)
    order = np.lexsort((later, *keys))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = np.logical_or.reduce([key[order[1:]] != key[order[:-1]] for key in keys])
    return order, first
