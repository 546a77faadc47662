"""Parquet of any types: days in their own zone, points, bytes that are no text, and cells of several values."""

import datetime
import decimal
import json
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.parquet_tables import plain
from birdsat.observations.readers.tables import read_table


def parquet(path, metadata=None, **columns):
    table = pa.table(columns)
    pq.write_table(table.replace_schema_metadata(metadata) if metadata else table, path)
    return path


def point(lon, lat, *, order="<", kind=1, srid=None, more=()):
    head = struct.pack(f"{order}BI", 1 if order == "<" else 0, kind | (0x20000000 if srid else 0))
    return (
        head
        + (struct.pack(f"{order}I", srid) if srid else b"")
        + struct.pack(f"{order}{2 + len(more)}d", lon, lat, *more)
    )


def test_the_day_of_a_time_is_that_of_its_zone(tmp_path):
    evening = datetime.datetime(2020, 6, 1, 2, tzinfo=datetime.UTC)  # 31 May in Denver
    for zone, day in (("America/Denver", 31), ("UTC", 1), ("+09:00", 1), ("-05:00", 31)):
        date = pa.array([evening], pa.timestamp("us", zone))
        (row,) = read_table(parquet(tmp_path / "t.parquet", species=["Parus major"], date=date))
        assert row.date.day == day, zone


def test_a_zone_that_nobody_knows_counts_as_none():
    assert plain(pa.array([0], pa.timestamp("s", "+25:00"))).to_pylist() == ["1970-01-01"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_give_days_before_and_after_1970(unit):
    times = pa.array([-1, 0, None], pa.timestamp(unit))
    assert plain(times).to_pylist() == ["1969-12-31", "1970-01-01", None]


def test_cells_of_any_type_are_text_numbers_or_nothing():
    for cells, expected in (
        (pa.array(["a", None]), ["a", None]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (pa.array(["a"], pa.string_view()), ["a"]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array([b"Parus"]), ["Parus"]),
        (pa.array([b"\xff\xd8\xff\xe0"]), [None]),
        (pa.array([b"a\0b"]), [None]),
        (pa.array([2**63], pa.uint64()), ["9223372036854775808"]),
        (pa.array([1.5], pa.float16()), [1.5]),
        (pa.array([decimal.Decimal("1.50")]), ["1.50"]),
        (pa.array([True]), [True]),
        (pa.nulls(1), [None]),
        (pa.array([datetime.date(1, 1, 1)]), ["0001-01-01"]),
        (pa.array([{"bytes": b"\xff", "path": "a.jpg"}]), ["a.jpg"]),
        (pa.array([[1, 2]]), ["[1, 2]"]),
    ):
        assert plain(cells).to_pylist() == expected, cells.type


def test_points_of_every_form_are_places(tmp_path):
    forms = [
        point(8.1, 50.1),
        point(8.1, 50.1, order=">"),
        point(8.1, 50.1, srid=4326),
        point(8.1, 50.1, kind=1001, more=(3.0,)),
    ]
    table = parquet(
        tmp_path / "t.parquet", species=["Parus major"] * 6, geometry=[*forms, None, b"\x01\x02\0\0\0" + bytes(16)]
    )
    rows = list(read_table(table))
    assert [row.place for row in rows[:5]] == [Place(8.1, 50.1)] * 4 + [None]
    assert len(rows) == 6 and rows[5].place is None
    separate = pa.StructArray.from_arrays([pa.array([8.1]), pa.array([50.1])], ["x", "y"])
    (row,) = read_table(parquet(tmp_path / "s.parquet", species=["Parus major"], geometry=separate))
    assert row.place == Place(8.1, 50.1)


def test_columns_of_coordinates_win_over_a_geometry(tmp_path):
    (row,) = read_table(
        parquet(tmp_path / "t.parquet", species=["Parus major"], lon=[1.0], lat=[2.0], geometry=[point(8, 50)])
    )
    assert row.place == Place(1, 2)


GEOGRAPHIC = {"id": {"authority": "EPSG", "code": 4326}}
UTM_32 = {"id": {"authority": "EPSG", "code": 32632}, "name": "WGS 84 / UTM zone 32N"}


@pytest.mark.parametrize(
    ("crs", "at"),
    [
        (None, (8, 50)),
        (GEOGRAPHIC, (8, 50)),
        ({"id": {"authority": "OGC", "code": "CRS84"}}, (8, 50)),
        (UTM_32, (428333.55, 5539109.82)),
        ("EPSG:3857", (890555.926, 6446275.841)),
    ],
)
def test_points_are_read_in_the_crs_that_the_file_declares(tmp_path, crs, at):
    geo = {"primary_column": "geom", "columns": {"geom": {"encoding": "WKB", **({"crs": crs} if crs else {})}}}
    path = parquet(tmp_path / "t.parquet", {"geo": json.dumps(geo)}, species=["Parus major"], geom=[point(*at)])
    for named in (None, "EPSG:31467"):  # which says nothing of places that say it themselves
        (row,) = read_table(path, crs=named)
        assert row.place is not None and abs(row.place.lon - 8) < 1e-6 and abs(row.place.lat - 50) < 1e-6


def test_points_of_an_undeclared_crs_are_read_in_the_one_that_is_named(tmp_path):
    geo = {"primary_column": "geom", "columns": {"geom": {"encoding": "WKB", "crs": None}}}
    cells = {"species": ["Parus major"], "geom": [point(428333.55, 5539109.82)]}
    path = parquet(tmp_path / "t.parquet", {"geo": json.dumps(geo)}, **cells)
    (row,) = read_table(path, crs="EPSG:32632")
    assert row.place is not None and abs(row.place.lon - 8) < 1e-6
    with pytest.raises(InputError, match="say which CRS they are in"):
        list(read_table(path))


def test_points_that_are_not_on_earth_in_the_declared_crs_are_counted_and_one_unknown_is_refused(tmp_path):
    geo = {"primary_column": "geom", "columns": {"geom": {"encoding": "WKB", "crs": "EPSG:3857"}}}
    places = [point(890555.926, 6446275.841), point(1e9, 0), None]
    cells = {"species": ["Parus major"] * 3, "geom": places}
    path = parquet(tmp_path / "t.parquet", {"geo": json.dumps(geo)}, **cells)
    found = read_occurrences(path)
    assert len(found) == 1 and found.dropped == {"coordinates not on Earth": 1, "no place": 1}
    geo["columns"]["geom"]["crs"] = {"type": "ProjectedCRS", "name": "somewhere"}
    path = parquet(tmp_path / "u.parquet", {"geo": json.dumps(geo)}, **cells)
    with pytest.raises(InputError, match=r"u\.parquet: the CRS .* is not known"):
        read_table(path)


def test_unread_columns_of_one_name_and_columns_of_wrong_types_still_make_rows(tmp_path):
    columns = [pa.array(["Parus major", "Apus apus"]), pa.array([1.0, 2.0]), pa.array(["1", "x"]), pa.array(["2", "2"])]
    table = pa.Table.from_arrays([*columns[:2], *columns[1:]], names=["taxon", "notes", "notes", "lon", "lat"])
    pq.write_table(table, tmp_path / "t.parquet")
    bird, remark = read_table(tmp_path / "t.parquet")
    assert bird.taxon == "Parus major" and isinstance(remark, Remark) and remark.reason == "coordinates unreadable"


def test_more_columns_than_any_table_has_are_refused(tmp_path):
    pq.write_table(pa.table({f"c{i}": [1] for i in range(5000)}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="5,000 columns"):
        read_table(tmp_path / "t.parquet")


def test_the_parquet_of_the_field_reads_whole(shared_cases):
    folder = shared_cases / "20-parquet-images"
    days = [row.date and row.date.isoformat() for row in read_table(folder / "arrow_types.parquet")]
    assert days[:3] == ["2020-01-31", "2020-02-28", None]
    assert read_occurrences(folder / "geoparquet_points.parquet").lon_lat.tolist() == [[8.1, 50.1]]
    snapshot = read_occurrences(folder / "gbif_snapshot_like.parquet")
    assert snapshot.date.tolist() == [datetime.date(2020, 1, 1), datetime.date(2020, 2, 1)]
    for name in ("hf_struct", "binary", "hf_paths"):
        for row in read_table(folder / f"{name}.parquet"):
            assert "\\x" not in repr(row) and "bytes" not in repr(row)
