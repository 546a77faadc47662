"""Tables of embeddings with a place a row."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_embeddings import vectors_of, wkb_point, wkb_square, write_csv, write_geoparquet

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.embeddings.given.tables import GivenTable
from birdsat.embeddings.given.vector_columns import VectorColumns
from birdsat.errors import InputError

GRID = Grid(Box(0, 40, 4, 44), 1.0)
ROWS, WIDTH = 700, 6
LON_LAT = np.random.default_rng(0).uniform((0, 40), (4, 44), (ROWS, 2))
NUMBERS = np.random.default_rng(1).normal(0, 1, (ROWS, WIDTH))
NAMES = [f"A{number:02d}" for number in range(WIDTH)]


def read(path: Path, *columns: str) -> tuple[np.ndarray, np.ndarray, list[str], GivenTable]:
    table, remarks = GivenTable(path, VectorColumns.parse(columns)), list[str]()
    found = list(table.vectors(GRID, remarks))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found]), remarks, table


def expect(path: Path, *columns: str, names: Sequence[str] | None = None, said: Sequence[str] = ()) -> None:
    cells, vectors, remarks, table = read(path, *columns)
    np.testing.assert_equal(cells, GRID.cells_at(*LON_LAT.T))
    np.testing.assert_allclose(vectors, NUMBERS, rtol=2e-3, atol=1e-4)  # the widest of what is stored: float16
    assert remarks == list(said)
    assert names is None or table.names == tuple(names)


def points() -> list[bytes]:
    return [wkb_point(*place) for place in LON_LAT.tolist()]


def lon_lat() -> dict[str, Any]:
    return {"longitude": LON_LAT[:, 0], "latitude": LON_LAT[:, 1]}


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
@pytest.mark.parametrize("of", [pa.list_, pa.large_list, lambda kind: pa.list_(kind, WIDTH)])
def test_lists_of_numbers_beside_points(kind: pa.DataType, of: Any, tmp_path: Path) -> None:
    lists = pa.array(NUMBERS.astype(kind.to_pandas_dtype()).tolist(), of(kind))
    path = write_geoparquet(tmp_path / "a.parquet", points(), id=np.arange(ROWS), embedding=lists)
    expect(path, names=[f"embedding[{i}]" for i in range(WIDTH)])


def test_columns_of_numbers_in_their_order(tmp_path: Path) -> None:
    columns = {name: NUMBERS[:, number] for number, name in reversed(list(enumerate(NAMES)))}
    path = tmp_path / "a.geoparquet"  # known by its bytes, not by its name
    pq.write_table(pa.table({"year": np.full(ROWS, 2020), **lon_lat(), **columns}), path)
    expect(path, names=NAMES)


def test_csv_plain_and_packed_and_with_lists_written_as_text(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", ["lon", "lat", *NAMES], np.concatenate([LON_LAT, NUMBERS], axis=1))
    expect(path, names=NAMES)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    expect(packed, names=NAMES)
    rows = [(lon, lat, str(vector)) for (lon, lat), vector in zip(LON_LAT.tolist(), NUMBERS.tolist(), strict=True)]
    expect(write_csv(tmp_path / "b.csv", ["lon", "lat", "vector"], rows))
    spaced = [(lon, lat, text.replace(",", "\n ")) for lon, lat, text in rows]  # as numpy writes them
    expect(write_csv(tmp_path / "c.csv", ["lon", "lat", "vector"], spaced))


def test_polygons_lie_at_their_middles(tmp_path: Path) -> None:
    squares = [wkb_square(*place, 0.1) for place in LON_LAT.tolist()]
    expect(write_geoparquet(tmp_path / "a.parquet", squares, embedding=vectors_of(NUMBERS)))


def test_polygons_of_a_declared_projection_lie_at_their_middles_in_degrees(tmp_path: Path) -> None:
    radius = 6378137.0  # of Web Mercator, EPSG:3857, by its formula
    x = radius * np.radians(LON_LAT[:, 0])
    y = radius * np.log(np.tan(np.pi / 4 + np.radians(LON_LAT[:, 1]) / 2))
    squares = [wkb_square(east, north, 1000.0) for east, north in zip(x.tolist(), y.tolist(), strict=True)]
    table = pa.table({"geometry": pa.array(squares, pa.binary()), "embedding": vectors_of(NUMBERS)})
    geo = '{"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", "crs": "EPSG:3857"}}}'
    pq.write_table(table.replace_schema_metadata({"geo": geo}), tmp_path / "a.parquet")
    expect(tmp_path / "a.parquet")


def test_longitudes_may_run_to_360(tmp_path: Path) -> None:
    columns = {"lon": LON_LAT[:, 0] + 356, "lat": LON_LAT[:, 1], "embedding": vectors_of(NUMBERS)}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    table = GivenTable(tmp_path / "a.parquet", VectorColumns())
    ((cells, _),) = table.vectors(Grid(Box(-4, 40, 0, 44), 1.0), [])
    np.testing.assert_equal(cells, GRID.cells_at(*LON_LAT.T))


def test_of_several_columns_the_user_says_which(tmp_path: Path) -> None:
    columns = {
        "x1": LON_LAT[:, 0],
        "y1": LON_LAT[:, 1],
        "photo": vectors_of(-NUMBERS),
        "chip": vectors_of(NUMBERS),
        "wet": NUMBERS[:, 0],
        "dry": NUMBERS[:, 1],
        "hot": NUMBERS[:, 2],
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError, match="says of no row where it lies"):
        read(path)
    places = ("lon=x1", "lat=y1")
    with pytest.raises(InputError, match=r"photo and chip.* could all be its vectors"):
        read(path, *places)
    expect(path, *places, "vector=chip")
    expect(path, *places, "vector=none of this table", "vector=chip")
    for text in ("vector=wet,dry,hot", "vector=wet:hot"):
        _, vectors, _, table = read(path, *places, text)
        assert table.names == ("wet", "dry", "hot")
        np.testing.assert_allclose(vectors, NUMBERS[:, :3])
    with pytest.raises(InputError, match="has no 'chips' for vectors; nearest: 'chip'"):
        read(path, *places, "vector=chips")
    with pytest.raises(InputError, match=r"'photo' .* holds no numbers"):
        read(path, *places, "vector=photo,wet")
    with pytest.raises(InputError, match="cannot be used; write lon=COLUMN"):
        VectorColumns.parse(["taxon=a"])


def test_two_sets_of_numbered_columns_are_told_apart_by_the_user_alone(tmp_path: Path) -> None:
    names = ["lon", "lat", *NAMES, *(f"bio{number}" for number in range(1, 4))]
    path = write_csv(tmp_path / "a.csv", names, np.concatenate([LON_LAT, NUMBERS, NUMBERS[:, :3]], axis=1))
    with pytest.raises(InputError, match=r"A00 to A05 \(6 columns\) and bio1 to bio3 \(3 columns\) could all be"):
        read(path)
    expect(path, "vector=A00:A05")
    bare = write_csv(
        tmp_path / "b.csv", ["lon", "lat", "wet", "dry"], np.concatenate([LON_LAT, NUMBERS[:, :2]], axis=1)
    )
    with pytest.raises(InputError, match="no column of lists, and none numbered"):
        read(bare)


def test_rows_that_say_nothing_are_counted(tmp_path: Path) -> None:
    geometry: list[bytes | None] = points()
    geometry[0] = None
    geometry[1] = wkb_point(2, 91)
    geometry[2] = wkb_point(2, 10)
    lists = NUMBERS.tolist()
    lists[3], lists[4], lists[5] = None, [], [None] * WIDTH
    lists[6] = [None, *lists[6][1:]]
    path = write_geoparquet(tmp_path / "a.parquet", geometry, embedding=pa.array(lists, pa.list_(pa.float64())))
    cells, vectors, remarks, _ = read(path)
    assert (cells < 0).sum() == 3
    assert np.isnan(vectors[3:6]).all() and np.isnan(vectors[6]).tolist() == [True] + [False] * (WIDTH - 1)
    assert remarks == [
        "a.parquet: 2 of 700 rows have no place on Earth (longitude 2, latitude 91: latitude beyond 90 "
        "that is in range as a longitude)",
        "a.parquet: 1 of 700 rows lie outside the box",
        "a.parquet: 3 of 700 rows have no number",
    ]


def test_words_among_numbers_and_broken_lines_are_counted(tmp_path: Path) -> None:
    rows: list[list[Any]] = np.concatenate([LON_LAT, NUMBERS], axis=1).tolist()
    rows[0][4] = "much"
    rows[1][5] = ""
    rows[2] = rows[2][:4]
    cells, vectors, remarks, _ = read(write_csv(tmp_path / "a.csv", ["lon", "lat", *NAMES], rows))
    assert len(cells) == ROWS - 1 and np.isnan(vectors).sum() == 2
    assert sorted(remarks) == [
        "a.csv: 1 of 700 rows cannot be read",
        "a.csv: 1 of 700 rows have words in place of numbers, which are left out",
    ]


def test_vectors_of_two_lengths_are_refused_by_their_row(tmp_path: Path) -> None:
    lists = NUMBERS.tolist()
    lists[600] = lists[600][:3]
    path = write_geoparquet(tmp_path / "a.parquet", points(), embedding=pa.array(lists, pa.list_(pa.float64())))
    with pytest.raises(InputError, match=r"two lengths: 6 numbers at first, and 3 in row 601"):
        read(path)


def test_a_declared_crs_that_is_not_known_is_refused(tmp_path: Path) -> None:
    table = pa.table({"geometry": pa.array(points(), pa.binary()), "embedding": vectors_of(NUMBERS)})
    crs = '{"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", "crs": '
    crs += '{"type": "ProjectedCRS", "name": "UTM 31N", "id": {"authority": "EPSG", "code": 999999}}}}}'
    pq.write_table(table.replace_schema_metadata({"geo": crs}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="EPSG:999999' is not known"):
        GivenTable(tmp_path / "a.parquet", VectorColumns())


def test_a_damaged_table_is_an_error_of_ours(tmp_path: Path) -> None:
    path = write_geoparquet(tmp_path / "a.parquet", points(), embedding=vectors_of(NUMBERS))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged"):
        GivenTable(path, VectorColumns())
    path.write_bytes(data[:300] + bytes(200) + data[500:])
    with pytest.raises(InputError, match=r"a\.parquet"):
        read(path)
