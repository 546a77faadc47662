"""Where and when taxa were recorded, as arrays: what a map is fitted to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError, UnknownTaxonError
from birdsat.observations.curation import Remark
from birdsat.observations.distinct_records import DistinctRecords
from birdsat.observations.observation import Observation
from birdsat.observations.readers.row_rules import RowRules
from birdsat.observations.readers.tables import TableColumns, read_table
from birdsat.observations.scientific_names import parse_name
from birdsat.tables import Table

_TO_UNIX = np.datetime64("1970-01-01").astype(object).toordinal()  # day number of the first day that NumPy counts


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
        date: NDArray[np.datetime64] = (self.day.astype(np.int64) - _TO_UNIX).astype("datetime64[D]")
        date[self.day == 0] = np.datetime64("NaT")
        return date

    @property
    def year_fraction(self) -> NDArray[np.float64]:
        """(n,) how much of its year has passed, as `birdsat.earth.date.year_fraction`; NaN where not known."""
        known = self.day > 0
        fraction = np.full(len(self), np.nan)
        date = self.date[known]
        first = date.astype("datetime64[Y]")
        days = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
        fraction[known] = (date - first.astype("datetime64[D]")) / days
        return fraction

    @property
    def month(self) -> NDArray[np.int64]:
        """(n,) 1..12; 0 where the date is not known."""
        known = self.day > 0
        month = np.zeros(len(self), dtype=np.int64)
        month[known] = self.date[known].astype("datetime64[M]").astype(np.int64) % 12 + 1
        return month

    @property
    def year(self) -> NDArray[np.int64]:
        """(n,) of the calendar; 0 where the date is not known."""
        known = self.day > 0
        year = np.zeros(len(self), dtype=np.int64)
        year[known] = self.date[known].astype("datetime64[Y]").astype(np.int64) + 1970
        return year

    def of(self, taxon: str) -> "Occurrences":
        """The records of one taxon alone. Raises UnknownTaxonError."""
        if taxon not in self.taxa:
            raise UnknownTaxonError(taxon, self.taxa, among="taxa recorded")
        return self.only_taxa((taxon,))

    def only_taxa(self, taxa: Sequence[str], *, reason: str | None = None) -> "Occurrences":
        """The records of some of the taxa, which get labels anew; with a reason, the others count as dropped."""
        chosen = set(taxa)
        kept = np.array([name in chosen for name in self.taxa], dtype=np.bool_)
        part = self.where(kept[self.label], reason=reason)
        relabel = np.cumsum(kept, dtype=np.int32) - 1
        names = tuple(name for name in self.taxa if name in chosen)
        repeats = {name: count for name, count in self.repeats.items() if name in chosen}
        return replace(part, taxa=names, label=relabel[part.label].astype(np.int32), repeats=repeats)

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
        }

    def table(self) -> Table:
        """For the console: what became of the rows."""
        of = self.taxa[0] if len(self.taxa) == 1 else f"{len(self.taxa):,} taxa"
        table = Table(title=f"{len(self):,} {'record' if len(self) == 1 else 'records'} of {of}")
        table.add_column("what became of the rows")
        table.add_column("number")
        table.add_row("read", f"{self.rows:,}")
        for heading, counted in (("dropped", self.dropped), ("kept", self.noted)):
            for reason, count in sorted(counted.items(), key=lambda item: -item[1]):
                table.add_row(f"{heading}: {reason}", f"{count:,}")
        repeats = sum(self.repeats.values())
        if repeats:
            table.add_row("the same taxon, place and date again", f"{repeats:,}")
        undated = int(np.count_nonzero(self.day == 0))
        table.add_section()
        table.add_row("records", f"{len(self):,}")
        if undated:
            table.add_row("of them without a date", f"{undated:,}")
        return table


def read_occurrences(
    tables: Path | Sequence[Path],
    *,
    columns: TableColumns | None = None,
    max_uncertainty_km: float | None = None,
) -> Occurrences:
    """The distinct records of wild birds in one or several tables; see `read_table` for the formats.

    Subspecies count with their species; authors behind a name are left out. max_uncertainty_km: rows whose place is
    given as less exact are dropped. Memory grows with the distinct records (see `DistinctRecords`), not with the rows.

    Raises InputError for tables that cannot be read or hold no record with a place.
    """
    paths = [tables] if isinstance(tables, Path) else list(tables)
    names = _Names()
    records = DistinctRecords()
    dropped: Counter[str] = Counter()
    noted: Counter[str] = Counter()
    rows = 0
    rules = RowRules(max_uncertainty_km=max_uncertainty_km, wild_only=True)
    for path in paths:
        for row in read_table(path, columns, rules=rules, with_photos=False):
            rows += not (isinstance(row, Remark) and row.kept)  # such a row comes by itself as well
            if isinstance(row, Remark):
                (noted if row.kept else dropped)[row.reason] += 1
            elif (reason := _take(row, names, records)) is not None:
                dropped[reason] += 1
    named = " and ".join(map(str, paths))
    label, day, lon_lat = records.arrays()
    if len(label) == 0:
        why = ", ".join(f"{reason} ({count:,})" for reason, count in dropped.most_common()) or "there are no rows"
        raise InputError(f"{named}: no row is a record with a place: {why}. Give a table with coordinates.")
    known = tuple(sorted(names.labels))
    if names.folded:
        noted["subspecies counted with its species"] += names.folded
    label = np.searchsorted(known, list(names.labels)).astype(np.int32)[label]
    order = np.argsort(label, kind="stable")
    return Occurrences(
        taxa=known,
        label=label[order],
        lon_lat=lon_lat[order],
        day=day[order],
        rows=rows,
        repeats={name: count for name, count in zip(names.labels, records.repeats().tolist(), strict=True) if count},
        dropped=dict(dropped),
        noted=dict(noted),
    )


class _Names:
    """Which taxon a name in a table means, looked up once for each way to write it."""

    def __init__(self) -> None:
        self.labels: dict[str, int] = {}  # of the taxa with records, in the order they came
        self.folded = 0  # rows of subspecies that count with their species
        self._meaning: dict[str, str | None] = {}
        self._subspecies: set[str] = set()  # as they were written

    def taxon(self, written: str) -> str | None:
        """The taxon to count it with; None where the name means no single species."""
        if written not in self._meaning:
            self._meaning[written] = self._understand(written)
        self.folded += written in self._subspecies
        return self._meaning[written]

    def label(self, taxon: str) -> int:
        return self.labels.setdefault(taxon, len(self.labels))

    def _understand(self, written: str) -> str | None:
        name = parse_name(written)
        if name is None:
            return None
        if name.full != name.species:
            self._subspecies.add(written)
        return name.species


def _take(row: Observation, names: _Names, records: DistinctRecords) -> str | None:
    """Add the record; or say why it was not."""
    taxon = names.taxon(row.taxon)
    if taxon is None:
        return "not one species"
    if row.place is None:
        return "no place"
    records.add(names.label(taxon), row.date.toordinal() if row.date else 0, row.place.lon, row.place.lat)
    return None
