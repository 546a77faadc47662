"""Where and when taxa were recorded, as arrays: what a map is fitted to."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError, UnknownTaxonError
from birdsat.observations.day_numbers import months, to_dates, year_fractions, years
from birdsat.observations.distinct_records import DistinctRecords
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.row_rules import RowRules
from birdsat.observations.readers.row_tally import NO_PLACE, RowTally, rows_table
from birdsat.observations.readers.tables import read_table_rows
from birdsat.observations.record_dates import ALL_DATES, RecordDates
from birdsat.observations.said_of_taxa import add_common_names, add_other_dates
from birdsat.observations.scientific_names import NameReading, find_name
from birdsat.observations.survey_records import SurveyGatherer, SurveyRecords, empty_visits
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomies.places import BY_PLACE, tell_apart
from birdsat.observations.taxonomy import recorded_taxon
from birdsat.tables import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrences:
    """n distinct records of t taxa, and what became of the rows they were read from."""

    taxa: tuple[str, ...]  # t names, sorted
    label: NDArray[np.int32]  # (n,) index of each record's taxon
    lon_lat: NDArray[np.float64]  # (n, 2) degrees east and north, WGS84
    day: NDArray[np.int32]  # (n,) number of the day, datetime.date.toordinal; 0 where the date is not known
    rows: int = 0  # rows read
    # taxon -> rows that said again what another had said: same taxon, place and date
    repeats: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)  # reason -> records not used
    noted: Mapping[str, int] = field(default_factory=dict)  # reason -> rows used without a part
    common_names: Mapping[str, str] = field(default_factory=dict)  # of the taxa that have one
    # taxon -> first and last day of its rows that are not of the dates asked for; 0 where none has a date
    of_other_dates: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    taxonomy: str = ""  # the list that they are named by, as "avilist 2025, from ebird 2021"; "": as they are written
    surveys: SurveyRecords | None = None  # where absences were read, and there are any: no record is one of them

    def __post_init__(self) -> None:
        n = len(self.label)
        if self.label.shape != (n,) or self.lon_lat.shape != (n, 2) or self.day.shape != (n,):
            raise InputError(
                f"occurrences have labels {self.label.shape}, places {self.lon_lat.shape} and days {self.day.shape}; "
                "they must be (n,), (n, 2) and (n,)."
            )
        if tuple(sorted(set(self.taxa))) != self.taxa:
            raise InputError("the taxa of occurrences must be sorted, each once.")
        if n and (self.label.min() < 0 or self.label.max() >= len(self.taxa)):
            raise InputError(
                f"occurrences have labels outside 0..{len(self.taxa) - 1}; there are {len(self.taxa)} taxa."
            )
        if not (np.abs(self.lon_lat) <= (180, 90)).all():
            raise InputError("occurrences have places that are not on Earth; longitude comes first.")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(t,) records of each taxon."""
        return np.bincount(self.label, minlength=len(self.taxa)).astype(np.int64)

    @property
    def taxon_rows(self) -> dict[str, int]:
        """Rows that record each taxon, repeats included."""
        counts = zip(self.taxa, self.counts.tolist(), strict=True)
        return {taxon: count + self.repeats.get(taxon, 0) for taxon, count in counts}

    @property
    def date(self) -> NDArray[np.datetime64]:
        """(n,) days; NaT where the date is not known."""
        return to_dates(self.day)

    @property
    def year_fraction(self) -> NDArray[np.float64]:
        """(n,) how much of its year has passed, as `birdsat.earth.date.year_fraction`; NaN where not known."""
        return year_fractions(self.day)

    @property
    def month(self) -> NDArray[np.int64]:
        """(n,) 1..12; 0 where the date is not known."""
        return months(self.day)

    @property
    def year(self) -> NDArray[np.int64]:
        """(n,) of the calendar; 0 where the date is not known."""
        return years(self.day)

    @property
    def empty_visits(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Places (v, 2) and days (v,) where somebody looked and no taxon was recorded, as far as the surveys say."""
        if self.surveys is None:
            return np.zeros((0, 2)), np.zeros(0, np.int32)
        return empty_visits(self.surveys, self.lon_lat, self.day)

    def named(self, taxon: str) -> str:
        """The one of the taxa that a name means. Raises UnknownTaxonError where there is none, and InputError where all
        of its records are of other dates than those asked for, or surveys looked for it and never found it."""
        try:
            return recorded_taxon(taxon, self.taxa, self.common_names)
        except UnknownTaxonError:
            self._refuse_unfound(taxon)
            raise

    def _refuse_unfound(self, taxon: str) -> None:
        """Raise InputError for a taxon that rows tell of, and none of the records."""
        if (name := find_name(taxon, tuple(self.of_other_dates))) is not None:
            first, last = self.of_other_dates[name]
            there = "no record of it has a date"
            if first:
                days = datetime.date.fromordinal(first), datetime.date.fromordinal(last)
                there = f"its records with a date are from {days[0]} to {days[1]}"
            raise InputError(
                f"taxon {taxon!r} has no record of the dates asked for: {there}. Ask for others.",
                settings=("from_date", "to_date", "record_months"),
            ) from None
        absences = {} if self.surveys is None else self.surveys.absences
        with suppress(UnknownTaxonError):
            name = recorded_taxon(taxon, tuple(absences))
            raise InputError(
                f"{name} was looked for and not found in {absences[name]:,} places and dates, and no row says that "
                "it was found; where it does live cannot be learned from absences alone. Give records of it."
            ) from None

    def of(self, taxon: str) -> "Occurrences":
        """The records of one taxon alone. Raises UnknownTaxonError."""
        return self.only_taxa((self.named(taxon),))

    def of_label(self, taxon: str) -> "Occurrences":
        """The records of one of the taxa, by its very name."""
        return self.where(self.label == self.taxa.index(taxon))

    def only_taxa(self, taxa: Sequence[str], *, reason: str | None = None) -> "Occurrences":
        """The records of some of the taxa, which get labels anew; with a reason, the others count as dropped."""
        chosen = set(taxa)
        kept = np.array([name in chosen for name in self.taxa], dtype=np.bool_)
        part = self.where(kept[self.label], reason=reason)
        relabel = np.cumsum(kept, dtype=np.int32) - 1
        names = tuple(name for name in self.taxa if name in chosen)
        repeats = {name: count for name, count in self.repeats.items() if name in chosen}
        common = {name: common for name, common in self.common_names.items() if name in chosen}
        label = relabel[part.label].astype(np.int32)
        surveys = None if self.surveys is None else self.surveys.only_taxa(chosen)
        return replace(part, taxa=names, label=label, repeats=repeats, common_names=common, surveys=surveys)

    def joined(self, other: "Occurrences") -> "Occurrences":
        """These records and another table's, each distinct one once; of rows, what became of those of both."""
        taxa, records = tuple(sorted({*self.taxa, *other.taxa})), DistinctRecords()
        for one in (self, other):
            records.add(np.searchsorted(taxa, one.taxa).astype(np.int32)[one.label], one.day, one.lon_lat)
        again = {taxa[label]: count for label, count in enumerate(records.repeats().tolist()) if count}
        label, day, lon_lat = records.arrays()
        return replace(
            self,
            taxa=taxa,
            label=label,
            day=day,
            lon_lat=lon_lat,
            rows=self.rows + other.rows,
            repeats=_added(_added(self.repeats, other.repeats), again),
            dropped=_added(self.dropped, other.dropped),
            noted=_added(self.noted, other.noted),
            common_names={**other.common_names, **self.common_names},
            of_other_dates={**other.of_other_dates, **self.of_other_dates},
            surveys=_joined(self.surveys, other.surveys),
        )

    def where(self, mask: NDArray[np.bool_], *, reason: str | None = None) -> "Occurrences":
        """The records where mask (n,) is True, of the same taxa; with a reason, the others count as dropped."""
        lost = int(np.count_nonzero(~mask))
        dropped = dict(self.dropped)
        if reason is not None and lost:
            dropped[reason] = dropped.get(reason, 0) + lost
        return replace(self, label=self.label[mask], lon_lat=self.lon_lat[mask], day=self.day[mask], dropped=dropped)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: what was read, dropped and kept."""
        return {
            "rows": self.rows,
            "repeats": sum(self.repeats.values()),
            "dropped": dict(self.dropped),
            "noted": dict(self.noted),
            "records": len(self),
            "without_date": int(np.count_nonzero(self.day == 0)),
            "taxa": {name: int(count) for name, count in zip(self.taxa, self.counts, strict=True)},
            **({"absences": self.surveys.absences} if self.surveys is not None else {}),
            **({"common_names": dict(self.common_names)} if self.common_names else {}),
            **({"taxonomy": self.taxonomy} if self.taxonomy else {}),
        }

    def table(self) -> Table:
        """For the console: what became of the rows."""
        of = self.taxa[0] if len(self.taxa) == 1 else f"{len(self.taxa):,} taxa"
        title = f"{len(self):,} {'record' if len(self) == 1 else 'records'} of {of}"
        table = rows_table(title, self.rows, self.dropped, self.noted)
        repeats = sum(self.repeats.values())
        if repeats:
            table.add_row("the same taxon, place and date again", f"{repeats:,}")
        if self.surveys is not None:
            table.add_row("a taxon looked for and not found", f"{self.surveys.absent_rows:,}")
            if self.surveys.checklists:
                table.add_row("places and days of complete checklists", f"{self.surveys.checklists:,}")
        undated = int(np.count_nonzero(self.day == 0))
        table.add_section()
        table.add_row("records", f"{len(self):,}")
        if undated:
            table.add_row("of them without a date", f"{undated:,}")
        return table


def _joined(one: SurveyRecords | None, other: SurveyRecords | None) -> SurveyRecords | None:
    if one is None or other is None:
        return other if one is None else one
    return one.joined(other)


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def read_occurrences(
    tables: Path | Sequence[Path],
    *,
    columns: TableColumns | None = None,
    max_uncertainty_km: float | None = None,
    dates: RecordDates = ALL_DATES,
    crosswalk: Crosswalk | None = None,
    language: str = "en",
    crs: str | None = None,
    absences: bool = False,
    checklists: bool = False,
) -> Occurrences:
    """The distinct records of wild birds in one or several tables; see `read_table` for the formats.

    Subspecies count with their species; authors behind a name are left out. max_uncertainty_km: rows whose place is
    given as less exact are dropped. dates: so are rows of others. crosswalk: brings names to the accepted species of a
    list; records of one that is several there go to the part that was recorded near them, or are kept apart. language:
    of common names, where the list has several. crs: in which the coordinates are, see `read_table`. absences: rows
    that say that a taxon was looked for and not found become `Occurrences.surveys`, and are dropped otherwise.
    checklists: so do the taxa that complete checklists do not list, see `CompleteChecklists`; tables may be of
    checklists alone. Memory grows with the distinct records (see `DistinctRecords`), not with the rows.

    Raises InputError for tables that cannot be read or hold no record with a place.
    """
    paths = [tables] if isinstance(tables, Path) else list(tables)
    labels = _Labels()
    records = DistinctRecords()
    tally = RowTally()
    common: dict[str, str] = {}
    other_dates: dict[str, tuple[int, int]] = {}
    kept = {"absences": absences or checklists, "checklists": checklists}
    rules = RowRules(max_uncertainty_km=max_uncertainty_km, wild_only=True, dates=dates, **kept)
    surveys, says_complete = SurveyGatherer(), False
    for path in paths:
        for rows in read_table_rows(path, columns, rules=rules, taxa=crosswalk, crs=crs):
            says_complete |= rows.says_complete
            if not rows.names_taxa:  # they are not records, and are counted as checklists
                surveys.add(rows, rows.kept & ~np.isnan(rows.lon_lat[:, 0]))
                continue
            tally.add(rows)
            add_common_names(common, rows)
            add_other_dates(other_dates, rows)
            placed = rows.kept & ~np.isnan(rows.lon_lat[:, 0])
            tally.drop(NO_PLACE, int(np.count_nonzero(rows.kept & ~placed)))
            if rules.absences:
                surveys.add(rows, placed)
                placed &= ~rows.absent
            name = rows.name[placed]
            label = labels.of(rows.names, np.flatnonzero(np.bincount(name, minlength=len(rows.names))))
            records.add(label[name], rows.day[placed], rows.lon_lat[placed])
        surveys.end_table()
    named = " and ".join(map(str, paths))
    if checklists and not says_complete:
        raise InputError(
            f"{named}: no column says which rows are of complete checklists, as eBird's ALL SPECIES REPORTED does; "
            "name it, columns complete=COLUMN, or do not ask for checklists.",
            settings=("checklists", "columns"),
        )
    repeats = records.repeats()
    known = tuple(sorted(labels.labels))
    label, day, lon_lat = records.arrays(np.searchsorted(known, list(labels.labels)).astype(np.int32))
    surveyed = surveys.records()
    if len(label) == 0 and surveyed is not None:
        raise InputError(
            f"{named}: {surveyed.absent_rows:,} rows say that a taxon was looked for and not found, and none that one "
            "was found; where a taxon does live cannot be learned from absences alone. Give a table of records as well."
        )
    if len(label) == 0:
        raise tally.nothing_left(named)
    found = Occurrences(
        taxa=known,
        label=label,
        lon_lat=lon_lat,
        day=day,
        rows=tally.rows,
        repeats={name: count for name, count in zip(labels.labels, repeats.tolist(), strict=True) if count},
        dropped=dict(tally.dropped),
        noted=dict(tally.noted),
        common_names={name: common[name] for name in known if name in common},
        of_other_dates=other_dates,
        surveys=surveyed,
    )
    return found if crosswalk is None else _named_by(found, crosswalk, language)


def _named_by(found: Occurrences, crosswalk: Crosswalk, language: str) -> Occurrences:
    """With the records of divided species where their places tell the part, and the list's common names."""
    found = _divided(found, crosswalk.unresolved)
    listed = {name: common for name in found.taxa if (common := crosswalk.common_name(name, language))}
    return replace(found, common_names={**found.common_names, **listed}, taxonomy=crosswalk.described_as)


def _divided(found: Occurrences, apart: Mapping[str, Sequence[str]]) -> Occurrences:
    """apart: taxon of the records -> the species that each of its records may be."""
    names = [name for name in found.taxa if name in apart]
    if not names:
        return found
    parts = {part for name in names for part in apart[name]}
    recorded = {part: found.of_label(part).lon_lat for part in parts.intersection(found.taxa)}
    taxa = sorted(parts.union(found.taxa))
    of_taxon = {name: label for label, name in enumerate(taxa)}
    label = np.searchsorted(taxa, found.taxa).astype(np.int32)[found.label]
    repeats, moved = dict(found.repeats), 0
    for name in names:
        rows = np.flatnonzero(label == of_taxon[name])
        told = tell_apart(found.lon_lat[rows], apart[name], recorded)
        label[rows] = [of_taxon[name if part is None else part] for part in told]
        went = Counter(part for part in told if part is not None)
        moved += went.total()
        if went.total() == len(rows) and name in repeats:  # repeats of a taxon that is no more
            most = went.most_common(1)[0][0]
            repeats[most] = repeats.get(most, 0) + repeats.pop(name)
    used = np.bincount(label, minlength=len(taxa)) > 0
    order = np.argsort(label, kind="stable")
    left = {name for name, is_used in zip(taxa, used.tolist(), strict=True) if is_used}
    return replace(
        found,
        taxa=tuple(name for name in taxa if name in left),
        label=(np.cumsum(used) - 1).astype(np.int32)[label[order]],
        lon_lat=found.lon_lat[order],
        day=found.day[order],
        noted={**found.noted, **({BY_PLACE: found.noted.get(BY_PLACE, 0) + moved} if moved else {})},
        repeats=repeats,
        common_names={name: common for name, common in found.common_names.items() if name in left},
    )


class _Labels:
    """The label of each taxon with records, in the order they came."""

    def __init__(self) -> None:
        self.labels: dict[str, int] = {}

    def of(self, names: Sequence[NameReading], used: NDArray[np.int64]) -> NDArray[np.int32]:
        """(names,) the label of each name; of those that are used, at least."""
        found = np.zeros(len(names), np.int32)
        for i in used.tolist():
            species = names[i].species
            assert species is not None  # its rows are kept
            found[i] = self.labels.setdefault(species, len(self.labels))
        return found
