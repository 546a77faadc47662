"""Whatever stands in a cell: only our own errors come out, and every row is kept or dropped for a reason."""

import contextlib
import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from birdsat.errors import BirdsatError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.row_rules import RowRules
from birdsat.observations.readers.tables import read_table

anyhow = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
COLUMNS = (
    *("species", "genus", "specificEpithet", "infraspecificEpithet", "taxonRank"),
    *("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters", "geoprivacy"),
    *("eventDate", "year", "month", "day", "occurrenceStatus", "individualCount", "basisOfRecord", "captive"),
    *("id", "photo", "split", "split_group", "license", "box_x", "box_y", "box_width", "box_height"),
)
usual = st.sampled_from(
    (
        *(
            "",
            " ",
            "NA",
            "Parus major",
            "Larus sp.",
            "Parus major × minor",
            "1",
            "-1",
            "9.5",
            "1e400",
            "nan",
            "-inf",
            "0x10",
        ),
        *("2020-05-03", "2020-05-03T10:00Z", "3/7/2010", "2020-05-01/2020-05-09", "0000-00-00", "99999-01-01", "true"),
        *("absent", "train", "28 km", "9,5", "47°30'", '"', '""', "'", "=1+1", "\0", "\ufeff", "𝔓arus", "²", "١"),
    )
)
text = usual | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def tables(draw):
    """Columns, and rows of as many cells."""
    columns = ["species", *draw(st.lists(st.sampled_from(COLUMNS[1:]), unique=True, max_size=8))]
    for group in (
        ("decimalLongitude", "decimalLatitude"),
        ("box_x", "box_y", "box_width", "box_height"),
        ("year", "month"),
    ):
        if set(group) & set(columns):
            columns += [name for name in group if name not in columns]
    rows = draw(st.lists(st.lists(text, min_size=len(columns), max_size=len(columns)), min_size=1, max_size=12))
    return columns, rows


def check(path: Path, rows: int) -> None:
    """Every row is an observation or a dropped one; occurrences account for all as well."""
    for rules in (RowRules(), RowRules(wild_only=True, max_uncertainty_km=5)):
        try:
            read = list(read_table(path, rules=rules))
        except BirdsatError:  # as of places that are all in metres
            continue
        kept = sum(isinstance(row, Observation) for row in read)
        dropped = sum(isinstance(row, Remark) and not row.kept for row in read)
        assert kept + dropped == rows
    try:
        found = read_occurrences(path)
    except BirdsatError:
        return
    assert found.rows == rows == len(found) + sum(found.repeats.values()) + sum(found.dropped.values())


@anyhow
@given(table=tables(), delimiter=st.sampled_from(",;"), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_every_row_of_a_quoted_csv_is_kept_or_dropped_for_a_reason(tmp_path, table, delimiter, encoding):
    columns, rows = table
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([columns, *rows])
    (tmp_path / "t.csv").write_bytes(written.getvalue().encode(encoding))
    check(tmp_path / "t.csv", len(rows))


@anyhow
@given(table=tables())
def test_every_row_between_tabs_is_kept_or_dropped_for_a_reason(tmp_path, table):
    columns, rows = table
    breaks = {"\t", "\n", "\r"}
    rows = [["".join(" " if letter in breaks else letter for letter in cell) for cell in row] for row in rows]
    rows = [row for row in rows if any(row)] or [["x"] * len(columns)]
    path = tmp_path / "t.tsv"
    path.write_bytes("\n".join("\t".join(row) for row in [columns, *rows]).encode())
    if len(columns) > 1:
        check(path, len(rows))


values = {
    pa.string(): text,
    pa.binary(): st.binary(max_size=30),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.bool_(): st.booleans(),
    pa.date32(): st.integers(-(2**31), 2**31 - 1),
    pa.timestamp("ns", "America/Denver"): st.integers(-(2**63), 2**63 - 1),
    pa.timestamp("s"): st.integers(-(2**52), 2**52),
    pa.time64("us"): st.integers(0, 86_399_999_999),
    pa.duration("ns"): st.integers(-(2**63), 2**63 - 1),
    pa.list_(pa.int8()): st.lists(st.integers(-128, 127), max_size=3),
    pa.struct([("x", pa.timestamp("ns"))]): st.none(),
    pa.null(): st.none(),
    pa.decimal128(20, 2): st.none(),
}


@anyhow
@given(data=st.data(), rows=st.integers(1, 6))
def test_every_row_of_parquet_of_any_types_is_kept_or_dropped_for_a_reason(tmp_path, data, rows):
    columns, _ = data.draw(tables())
    arrays = []
    for _ in columns:
        kind = data.draw(st.sampled_from(list(values)))
        cells = data.draw(st.lists(values[kind] | st.none(), min_size=rows, max_size=rows))
        plain = pa.types.is_temporal(kind) and not pa.types.is_time(kind)
        base = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        arrays.append(pa.array(cells, base).view(kind) if plain else pa.array(cells, kind))
    pq.write_table(pa.Table.from_arrays(arrays, names=columns), tmp_path / "t.parquet")
    check(tmp_path / "t.parquet", rows)


@anyhow
@given(data=st.binary(max_size=300), name=st.sampled_from(["t.csv", "t.tsv", "t.csv.gz", "t.parquet", "t.zip"]))
def test_any_bytes_under_any_name_give_a_result_or_one_of_our_errors(tmp_path, data, name):
    (tmp_path / name).write_bytes(data)
    with contextlib.suppress(BirdsatError):
        list(read_table(tmp_path / name))


@anyhow
@given(data=st.binary(max_size=200))
@example(data=b"\xef\xbb\xbf")  # Arrow passes over a mark at the beginning, and finds nothing
def test_any_bytes_below_a_head_are_rows(tmp_path, data):
    (tmp_path / "t.csv").write_bytes(b"species,lon,lat\n" + data)
    try:
        list(read_table(tmp_path / "t.csv"))
    except BirdsatError as error:
        assert "no rows" in str(error) or "in its columns" in str(error)


@pytest.mark.parametrize("mark", ["=", "+", "-", "@"])
def test_a_name_that_a_spreadsheet_would_run_is_still_a_row(tmp_path, mark):
    (tmp_path / "t.csv").write_text(f'species,lon,lat\n"{mark}cmd()",1,2\n')
    assert len(list(read_table(tmp_path / "t.csv"))) == 1
