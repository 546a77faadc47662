"""From tables of records as people have them to one clean table."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from birdsat.files import check_new, output_file
from birdsat.observations.readers.cell_values import is_true
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.readers.row_rules import RowRules
from birdsat.observations.readers.row_tally import NO_PLACE, RowTally, rows_table
from birdsat.observations.readers.rows import DAY_OF_UNIX, Rows
from birdsat.observations.readers.tables import read_table_rows
from birdsat.observations.scientific_names import species_name
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomy import recorded_taxon
from birdsat.progress import QUIET, Progress
from birdsat.tables import CsvWriter, Table
from birdsat.workflows.asked_dates import dates_of
from birdsat.workflows.name_lists import open_crosswalk, say_names
from birdsat.workflows.requests.records import RecordsRequest

NOT_ASKED_FOR = "taxon not asked for"
DROPPED_HEAD = ("source", "row", "id", "reason", "detail")
SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # as the table has it, else "row 17"
        ("taxon", pa.string()),
        ("lon", pa.float64()),
        ("lat", pa.float64()),
        ("date", pa.date32()),
        ("uncertainty_km", pa.float64()),
        ("count", pa.float64()),  # individuals
        ("source", pa.string()),  # the table, as it was named
        ("row", pa.int64()),  # number of the row in it, from 1
    ]
)
# With a list that names are brought to: the common name there, and the list's authority and version.
NAMED_SCHEMA = SCHEMA.append(pa.field("common_name", pa.string())).append(pa.field("taxonomy", pa.string()))


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordsResult:
    """What became of the rows of some tables, and the files that were written."""

    files: tuple[Path, ...]
    rows: int  # read
    dropped: Mapping[str, int]  # reason -> rows
    noted: Mapping[str, int]  # reason -> rows kept without a part
    taxa: Mapping[str, int]  # taxon -> records, sorted by name
    taxonomy: Mapping[str, str] = field(default_factory=dict)  # authority and version of the list they are named by

    @property
    def records(self) -> int:
        """Rows that are kept."""
        return sum(self.taxa.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "files": list(map(str, self.files)),
            "rows": self.rows,
            "dropped": dict(self.dropped),
            "noted": dict(self.noted),
            "records": self.records,
            "taxa": dict(self.taxa),
            **({"taxonomy": dict(self.taxonomy)} if self.taxonomy else {}),
        }

    def table(self) -> Table:
        """For the console."""
        taxa = "1 taxon" if len(self.taxa) == 1 else f"{len(self.taxa):,} taxa"
        table = rows_table(f"{self.records:,} records of {taxa}", self.rows, self.dropped, self.noted)
        table.add_section()
        table.add_row("records", f"{self.records:,}")
        return table


def clean_records(request: RecordsRequest, progress: Progress = QUIET) -> RecordsResult:
    """Read all rows of the tables, and write those that are records of wild birds with a place. Memory does not grow.

    Raises what `read_table` raises, InputError where no record is left (the list of dropped rows is written all the
    same), UnknownTaxonError for a taxon asked for that no row records, ConfigError when a file is there already and not
    to be overwritten.
    """
    out, listed = Path(request.out), None if request.dropped is None else Path(request.dropped)
    files = (out,) if listed is None else (out, listed)
    check_new(files, request.overwrite)
    tally, taxa, seen = RowTally(), Counter[str](), set[str]()
    crosswalk = open_crosswalk(request)
    named = request.taxa if crosswalk is None else [crosswalk.asked(taxon) for taxon in request.taxa]
    asked = {species_name(taxon).casefold(): taxon for taxon in named}
    with ExitStack() as stack:
        bar = stack.enter_context(progress.bar("reading records"))
        list_dropped = _nothing if listed is None else stack.enter_context(_dropped_writer(listed))
        partial = stack.enter_context(output_file(out))
        schema = SCHEMA if crosswalk is None else NAMED_SCHEMA
        write = stack.enter_context(_writer(partial, out.suffix.lower(), schema))
        for source, rows in _rows_of(request, crosswalk):
            tally.add(rows)
            seen.update(name.species for name in rows.names if name.species is not None)
            if asked:
                is_asked = is_true(rows.name, ((name.species or "").casefold() in asked for name in rows.names))
                rows = _without(rows, ~is_asked, NOT_ASKED_FOR, tally)
            rows = _without(rows, np.isnan(rows.lon_lat[:, 0]), NO_PLACE, tally)
            list_dropped(source, rows)
            write(_records(source, rows, crosswalk, request.language))
            for name, count in zip(*np.unique(rows.name[rows.kept], return_counts=True), strict=True):
                taxa[str(rows.names[name].species)] += int(count)
            bar.advance(len(rows))
        for taxon in asked.values():
            recorded_taxon(taxon, seen)
        if not taxa:
            stack.callback(lambda: partial.unlink())
    if not taxa:
        tables = " and ".join(str(table) for table in request.tables)
        raise tally.nothing_left(tables)
    if crosswalk is not None:
        say_names(taxa, tally.noted, crosswalk, progress)
    return RecordsResult(
        files=files,
        rows=tally.rows,
        dropped=dict(tally.dropped),
        noted=dict(tally.noted),
        taxa=dict(sorted(taxa.items())),
        taxonomy={} if crosswalk is None else crosswalk.stamp,
    )


def _rows_of(request: RecordsRequest, crosswalk: Crosswalk | None) -> Iterator[tuple[str, Rows]]:
    """A table, as it was named, and some of its rows."""
    columns = TableColumns.parse(tuple(request.columns))
    rules = RowRules(max_uncertainty_km=request.max_uncertainty_km, wild_only=True, dates=dates_of(request))
    for table in map(Path, request.tables):
        for rows in read_table_rows(table, columns, rules=rules, taxa=crosswalk, crs=request.crs):
            yield str(table), rows


def _without(rows: Rows, which: Any, reason: str, tally: RowTally) -> Rows:
    """Without those kept rows (n,), which count as dropped."""
    left = rows.without(which, reason)
    tally.drop(reason, int(np.count_nonzero(rows.kept)) - int(np.count_nonzero(left.kept)))
    return left


def _records(source: str, rows: Rows, crosswalk: Crosswalk | None, language: str) -> pa.RecordBatch:
    """The kept rows, in columns of SCHEMA, or of NAMED_SCHEMA with a list that names are brought to."""
    kept = np.flatnonzero(rows.kept)
    names = pa.array([name.species for name in rows.names], pa.string())
    day = rows.day[kept]
    columns = [
        pa.array(rows.ids(kept), pa.string()),
        names.take(pa.array(rows.name[kept])),
        pa.array(rows.lon_lat[kept, 0]),
        pa.array(rows.lon_lat[kept, 1]),
        pa.array(day - DAY_OF_UNIX, pa.int32(), mask=day == 0).cast(pa.date32()),
        pa.array(np.round(rows.uncertainty_m[kept] / 1000, 6), from_pandas=True),
        pa.array(rows.count[kept], from_pandas=True),
        pa.array([source]).take(pa.array(np.zeros(len(kept), np.int64))),
        pa.array(rows.number[kept]),
    ]
    if crosswalk is None:
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
    common = pa.array([crosswalk.common_name(name.species or "", language) or None for name in rows.names], pa.string())
    columns += [common.take(pa.array(rows.name[kept])), pa.repeat(crosswalk.described_as, len(kept))]
    return pa.RecordBatch.from_arrays(columns, schema=NAMED_SCHEMA)


@contextmanager
def _writer(path: Path, suffix: str, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """What adds records to a file."""
    if suffix == ".parquet":
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            yield file.write_batch
        return
    with path.open("w", newline="", encoding="utf-8") as text:
        table = CsvWriter(text, schema.names)
        yield lambda records: table.write(zip(*map(_cells, records.columns), strict=True))


def _cells(column: pa.Array) -> Sequence[object]:
    """As they stand in a CSV: whole numbers without a point, what is not known blank."""
    values = column.to_pylist()
    if pa.types.is_floating(column.type):
        return ["" if value is None else int(value) if value.is_integer() else value for value in values]
    return ["" if value is None else value for value in values]


@contextmanager
def _dropped_writer(path: Path) -> Iterator[Callable[[str, Rows], None]]:
    """What lists the dropped rows among some."""
    with output_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as text:
        table = CsvWriter(text, DROPPED_HEAD)

        def write(source: str, rows: Rows) -> None:
            said = sorted((one for one in rows.said() if not one[1].kept), key=lambda one: one[0])
            table.write((source, number or "", remark.row, remark.reason, remark.detail) for number, remark in said)

        yield write


def _nothing(source: str, rows: Rows) -> None:
    pass
