"""Regions in shapefiles, GeoPackages, FlatGeobuf and GeoParquet: what lies inside, and files that are refused."""

import json
import shutil
import sqlite3
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from rasterio.crs import CRS

from birdsat.earth.box import Box
from birdsat.earth.crs import WGS84, transformed
from birdsat.earth.grid import Grid
from birdsat.earth.read_polygons import read_polygons
from birdsat.errors import BirdsatError, InputError

WORLD = Grid(Box(-180, -90, 180, 90), 1.0)
BLOCK = shapely.box(100, -10, 110, 0)
DRIVERS = {"gpkg": "GPKG", "shp": "ESRI Shapefile", "fgb": "FlatGeobuf"}


def written(
    path: Path, shapes: Sequence[Any], crs: str | None = "EPSG:4326", layer: str | None = None, **options: Any
) -> Path:
    """A file of shapes by GDAL or, as GeoParquet, by pyarrow."""
    wkb = shapely.to_wkb(np.array(shapes, dtype=object))
    if path.suffix == ".parquet":
        column: dict[str, Any] = {"encoding": "WKB", "crs": None if crs is None else CRS.from_string(crs).to_dict(True)}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        table = pa.table({"geometry": pa.array(wkb.tolist(), pa.binary())})
        pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
        return path
    kinds = {shape.geom_type for shape in shapes if shape is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of no CRS
        pyogrio.raw.write(
            path,
            geometry=wkb,
            field_data=[np.arange(len(wkb))],
            fields=["n"],
            geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
            crs=crs,
            driver=DRIVERS[path.suffix[1:]],
            layer=layer,
            append=False,
            **options,
        )
    return path


def to_crs(shape: Any, crs: str) -> Any:
    return shapely.transform(shape, lambda at: np.column_stack(transformed(WGS84, CRS.from_string(crs), *at.T)))


def cells(path: Path, layer: str | None = None) -> list[tuple[float, float]]:
    row, column = np.nonzero(read_polygons(path, layer).mask(WORLD))
    return list(zip(WORLD.lon[column].tolist(), WORLD.lat[row].tolist(), strict=True))


def zipped(path: Path, files: dict[str, Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, source in files.items():
            file.write(source, name)
    return path


@pytest.fixture(scope="module")
def of_block(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[float, float]]:
    path = tmp_path_factory.mktemp("block") / "a.geojson"
    path.write_text(shapely.to_geojson(BLOCK))
    return cells(path)


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "fgb", "parquet"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:4269", "EPSG:8857", "ESRI:54009", "EPSG:32648"])
def test_every_format_is_the_area_of_its_geojson_in_any_crs(
    tmp_path: Path, suffix: str, crs: str, of_block: list[tuple[float, float]]
) -> None:
    dense = shapely.segmentize(BLOCK, 0.1)
    assert cells(written(tmp_path / f"a.{suffix}", [to_crs(dense, crs)], crs)) == of_block


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "fgb", "parquet"])
@pytest.mark.parametrize("block", [BLOCK, shapely.box(3e5, 5e6, 4e5, 5.1e6)], ids=["degrees", "metres"])
def test_a_file_without_a_crs_is_refused_and_degrees_are_not_guessed(
    tmp_path: Path, suffix: str, block: shapely.Polygon
) -> None:
    with pytest.raises(InputError, match=r"declares no CRS, and degrees are not guessed; write in the CRS"):
        read_polygons(written(tmp_path / f"a.{suffix}", [block], None))


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "fgb", "parquet"])
def test_degrees_under_a_crs_of_metres_are_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="feature 1: its CRS is EPSG:32648, which is not in degrees, but"):
        read_polygons(written(tmp_path / f"a.{suffix}", [BLOCK], "EPSG:32648"))


def test_a_crs_beside_a_shapefile_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.shp", [BLOCK])
    (tmp_path / "a.prj").write_text("somewhere in the north")
    with pytest.raises(InputError, match=r"the CRS in its \.prj is not known"):
        read_polygons(tmp_path / "a.shp")


def test_holes_parts_and_the_antimeridian_are_kept_by_every_format(tmp_path: Path) -> None:
    over = shapely.MultiPolygon([shapely.box(170, 0, 180, 10), shapely.box(-180, 0, -170, 10)])
    ring = BLOCK.difference(shapely.box(103, -7, 107, -3))
    found = [cells(written(tmp_path / f"a.{suffix}", [over, ring])) for suffix in ("gpkg", "shp", "fgb", "parquet")]
    assert len(found[0]) == 200 + 100 - 16 and all(one == found[0] for one in found)
    assert str(read_polygons(written(tmp_path / "o.gpkg", [over])).box) == "170,0,-170,10"
    past = written(tmp_path / "past.gpkg", [shapely.box(170, 0, 190, 10)])
    assert cells(past) == cells(tmp_path / "o.gpkg")


def test_a_polar_cap_holds_the_pole_and_its_hole_does_not(tmp_path: Path) -> None:
    cap = shapely.Point(0, 0).buffer(2_000_000, 64).difference(shapely.box(-300_000, 500_000, 300_000, 900_000))
    for crs, side in (("EPSG:3995", 1.0), ("EPSG:3031", -1.0)):
        region = read_polygons(written(tmp_path / f"cap{side}.gpkg", [cap], crs))
        pole = region.box.north if side > 0 else -region.box.south
        assert pole == 90 and region.box.width_degrees == 360  # which the ring goes around, and does not touch
        lon = np.arange(-179.0, 180, 10)
        assert region.contains(lon, np.full(36, side * 89.5)).all()
        assert not region.contains(lon, np.full(36, side * 60)).any()
        across = (
            180.0 if side > 0 else 0.0
        )  # up on the plane: the antimeridian of the Arctic, Greenwich of the Antarctic
        assert region.contains(np.array([across, across + 180]), np.full(2, side * 83.6)).tolist() == [False, True]


def test_polygons_that_cross_themselves_are_mended_and_the_first_is_named(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    for suffix in ("gpkg", "fgb", "parquet"):
        path = written(tmp_path / f"a.{suffix}", [BLOCK, bow], **({"SPATIAL_INDEX": "NO"} if suffix == "fgb" else {}))
        with pytest.warns(match=r"1 of its polygons cross themselves, the first of them in feature 2"):
            region = read_polygons(path)
        asked = region.contains(np.array([1.0, 9.0, 5.0, 5.0, 105.0]), np.array([5.0, 5.0, 1.0, 9.0, -5.0]))
        assert asked.tolist() == [True, True, False, False, True]


def test_layers_are_named_where_there_are_several(tmp_path: Path, of_block: list[tuple[float, float]]) -> None:
    path = written(tmp_path / "a.gpkg", [BLOCK], layer="block")
    assert cells(path) == cells(path, "block") == of_block
    written(path, [shapely.box(0, 0, 5, 5)], layer="the other")
    assert (cells(path, "block"), len(cells(path, "the other"))) == (of_block, 25)
    for layer, said in ((None, "it has 2 layers; name one: "), ("blok", "it has no layer 'blok'; its layers are ")):
        with pytest.raises(InputError, match=f"{said}.*'block'") as caught:
            read_polygons(path, layer)
        assert caught.value.settings == ("layer",)
    with pytest.raises(InputError, match="has no layers; leave the layer out"):
        read_polygons(written(tmp_path / "a.shp", [BLOCK]), "block")


def test_a_zipped_shapefile_is_read_and_one_of_several_is_named(
    tmp_path: Path, of_block: list[tuple[float, float]]
) -> None:
    written(tmp_path / "a.shp", [to_crs(shapely.segmentize(BLOCK, 0.1), "EPSG:3857")], "EPSG:3857")
    written(tmp_path / "b.shp", [shapely.box(0, 0, 5, 5)])
    one = {f"data/A.{end.upper()}": tmp_path / f"a.{end}" for end in ("shp", "shx", "prj", "dbf")}
    both = one | {f"data/b.{end}": tmp_path / f"b.{end}" for end in ("shp", "shx", "prj", "dbf")}
    assert cells(zipped(tmp_path / "one.zip", one)) == of_block
    assert cells(zipped(tmp_path / "both.zip", both), "A") == of_block
    with pytest.raises(InputError, match="it has 2 layers; name one: 'A', 'b'"):
        read_polygons(tmp_path / "both.zip")
    with pytest.raises(InputError, match=r"holds no shapefile \(a.gpkg\); unpack it"):
        read_polygons(zipped(tmp_path / "g.zip", {"a.gpkg": written(tmp_path / "a.gpkg", [BLOCK])}))


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "fgb", "parquet"])
def test_points_lines_and_empty_files_are_refused_with_the_feature(tmp_path: Path, suffix: str) -> None:
    for number, shape in enumerate((shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)])), 1):
        path = written(tmp_path / f"{number}.{suffix}", [shape])
        with pytest.raises(InputError, match=f"{number}.{suffix}: feature 1: found {shape.geom_type}; give polygons"):
            read_polygons(path)
    if suffix in ("gpkg", "parquet"):  # which take several kinds, and features without any
        mixed = written(tmp_path / f"mixed.{suffix}", [BLOCK, None, shapely.Point(1, 1)])
        with pytest.raises(InputError, match="feature 3: found Point"):
            read_polygons(mixed)
        assert len(cells(written(tmp_path / f"null.{suffix}", [None, BLOCK]))) == 100
        with pytest.raises(InputError, match="there is no polygon"):
            read_polygons(written(tmp_path / f"none.{suffix}", [None]))


def test_slivers_without_area_are_passed_over_unless_they_are_all_there_is(tmp_path: Path) -> None:
    sliver = shapely.Polygon([(0, 5), (1, 5), (2, 5)])
    assert len(cells(written(tmp_path / "a.gpkg", [sliver, BLOCK]))) == 100
    with pytest.raises(InputError, match="no width or height"):
        read_polygons(written(tmp_path / "b.gpkg", [sliver]))


def test_names_and_parts_that_are_no_area_say_what_to_do(tmp_path: Path) -> None:
    written(tmp_path / "a.shp", [BLOCK])
    with pytest.raises(InputError, match=r"a\.prj is a part of a shapefile; name the one that ends in \.shp"):
        read_polygons(tmp_path / "a.prj")
    whole = (tmp_path / "a.shp").read_bytes()
    (tmp_path / "a.shp").write_bytes(whole[:-40])
    with pytest.raises(InputError, match="cut short"):
        read_polygons(tmp_path / "a.shp")
    (tmp_path / "a.shp").write_bytes(whole)
    (tmp_path / "a.shx").unlink()
    with pytest.raises(InputError, match=r"\.shx is not beside it; .* copy all"):
        read_polygons(tmp_path / "a.shp")


@pytest.mark.parametrize("name", ["a.vrt", "a.shp", "a.gpkg", "a.fgb"])
def test_lists_of_other_files_are_not_followed_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    real = written(tmp_path / "real.gpkg", [BLOCK])
    layer = f'<OGRVRTLayer name="real"><SrcDataSource>{real}</SrcDataSource></OGRVRTLayer>'
    (tmp_path / name).write_text(f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>")
    with pytest.raises(InputError, match="is not JSON"):
        read_polygons(tmp_path / name)


@pytest.mark.parametrize("name", ["/vsicurl/http://127.0.0.1:9/a.shp", "/vsizip/a.zip/a.shp", "PG:dbname=a"])
def test_names_that_gdal_takes_for_addresses_are_files_that_are_not_there(name: str) -> None:
    with pytest.raises(InputError, match="it is not there"):
        read_polygons(Path(name))


def _as_view(file: sqlite3.Connection) -> None:
    file.execute("ALTER TABLE a RENAME TO b")
    file.execute("CREATE VIEW a AS SELECT * FROM b")
    file.execute("UPDATE gpkg_geometry_columns SET table_name = 'a'")
    file.execute("UPDATE gpkg_contents SET table_name = 'a', identifier = 'a'")


def _with_view_of_contents(file: sqlite3.Connection) -> None:
    file.execute("ALTER TABLE gpkg_contents RENAME TO hidden")
    file.execute("CREATE VIEW gpkg_contents AS SELECT * FROM hidden")


def _with_reckoned_column(file: sqlite3.Connection) -> None:
    file.execute("ALTER TABLE a ADD COLUMN more GENERATED ALWAYS AS (abs(1))")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_as_view, "no layer of features that is a table"),
        (_with_view_of_contents, "its own tables are views"),
        (_with_reckoned_column, "columns that are reckoned by SQL"),
    ],
)
def test_a_geopackage_that_runs_sql_of_its_own_is_refused(
    tmp_path: Path, change: Callable[[sqlite3.Connection], None], said: str
) -> None:
    path = written(tmp_path / "a.gpkg", [BLOCK])
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA legacy_alter_table = ON")
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f'DROP TRIGGER "{name}"')
        change(file)
        file.commit()
    with pytest.raises(InputError, match=said):
        read_polygons(path)


def test_a_geopackage_with_changes_beside_it_is_refused_and_nothing_is_left_there(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", [BLOCK])
    read_polygons(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.gpkg"]
    (tmp_path / "a.gpkg-wal").write_bytes(b"1")
    with pytest.raises(InputError, match=r"a\.gpkg-wal beside it holds changes"):
        read_polygons(path)
    with closing(sqlite3.connect(tmp_path / "b.gpkg")) as file:
        file.execute("CREATE TABLE a(x)")
        file.commit()
    with pytest.raises(InputError, match="a database of SQLite, but not a GeoPackage"):
        read_polygons(tmp_path / "b.gpkg")


@pytest.mark.parametrize("kind", [4, 5, 6, 7])
def test_geometries_within_geometries_without_end_do_not_end_the_process(tmp_path: Path, kind: int) -> None:
    deep = struct.pack("<BII", 1, kind, 1) * 1_000_000
    geo = json.dumps({"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}})
    pq.write_table(pa.table({"geometry": [deep]}).replace_schema_metadata({"geo": geo}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="feature 1: found "):
        read_polygons(tmp_path / "a.parquet")


def test_geoparquet_without_a_word_of_geometries_says_which_columns_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no column of geometries; its columns are a, b"):
        read_polygons(tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "fgb", "parquet"])
def test_damage_is_a_region_or_one_sentence(tmp_path: Path, suffix: str) -> None:
    shapes = shapely.buffer(shapely.points(np.random.default_rng(0).uniform(-80, 80, (50, 2))), 2)
    whole = written(tmp_path / f"whole.{suffix}", list(shapes)).read_bytes()
    path = tmp_path / f"a.{suffix}"
    if suffix == "shp":
        shutil.copy(tmp_path / "whole.shx", tmp_path / "a.shx")
    for cut in (0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(cut * len(whole))])
        with pytest.raises(InputError):
            read_polygons(path)
    generator = np.random.default_rng(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(30):
            data = np.frombuffer(whole, np.uint8).copy()
            data[generator.integers(16, len(data), 20)] = generator.integers(0, 256, 20)
            path.write_bytes(data.tobytes())
            try:
                read_polygons(path)
            except BirdsatError:
                continue
