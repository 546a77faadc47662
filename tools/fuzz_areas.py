"""Regions that tools/fuzz.py tries: GeoJSON, and files of vectors, which begin with their suffix and a zero byte."""

import io
import random
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_mutations import json_bytes, mutate_bytes
from fuzz_targets import Target, try_all


class GeoJson(Target):
    """Regions."""

    def __init__(self, made: Path) -> None:
        super().__init__(made)
        ring = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
        polygon = {"type": "Polygon", "coordinates": [ring, [[2, 2], [4, 2], [4, 4], [2, 2]]]}
        metres = {"type": "Polygon", "coordinates": [[[x * 1e5, y * 1e5] for x, y in ring]]}
        over = [[170, 1], [190, 1], [190, 9], [170, 1]]
        self._seeds: list[Any] = [
            polygon,
            {"type": "MultiPolygon", "coordinates": [[ring], [over]]},
            {
                "type": "FeatureCollection",
                "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
                "features": [{"type": "Feature", "geometry": polygon}, {"type": "Feature", "geometry": None}],
            },
            {"type": "GeometryCollection", "geometries": [polygon, polygon]},
            metres | {"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}},
            {"type": "Polygon", "coordinates": [[[-180, 80], [-90, 80], [0, 80], [90, 80], [180, 80], [-180, 80]]]},
        ]

    def make(self, draw: random.Random) -> bytes:
        return json_bytes(draw, draw.choice(self._seeds))

    def run(self, data: bytes) -> None:
        _read(self.put("region.geojson", data))


class Areas(Target):
    """Regions in shapefiles, also zipped, GeoPackages, FlatGeobuf and GeoParquet."""

    def __init__(self, made: Path) -> None:
        super().__init__(made)
        self._folder = made / "areas"
        if not self._folder.exists():
            self._make_seeds()
        self._seeds = {path.name: path.read_bytes() for path in sorted(self._folder.iterdir())}

    def _make_seeds(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq
        import pyogrio
        import shapely

        self._folder.mkdir(parents=True)
        cut = shapely.MultiPolygon([shapely.box(170, 0, 180, 9), shapely.box(-180, 0, -170, 9)])
        bow = shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])
        shapes = [shapely.Point(5, 5).buffer(3), shapely.box(0, 0, 9, 9) - shapely.box(1, 1, 2, 2), cut, bow]
        wkb = shapely.to_wkb(np.array(shapes, dtype=object))
        far = shapely.to_wkb(shapely.transform(np.array(shapes, dtype=object), lambda at: at * 1e5))
        for suffix, driver in (("gpkg", "GPKG"), ("fgb", "FlatGeobuf"), ("shp", "ESRI Shapefile")):
            for name, geometry, crs in (("a", wkb, "EPSG:4326"), ("m", far, "EPSG:3857")):
                pyogrio.raw.write(
                    self._folder / f"{name}.{suffix}", geometry=geometry, field_data=[np.arange(len(wkb))],
                    fields=["n"], geometry_type="MultiPolygon" if suffix != "shp" else "Polygon", crs=crs,
                    driver=driver, promote_to_multi=suffix != "shp",
                )  # fmt: skip
        pq.write_table(pa.table({"geometry": pa.array(wkb.tolist(), pa.binary())}), self._folder / "a.parquet")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            for suffix in ("shp", "shx", "prj", "dbf"):
                file.writestr(f"a.{suffix}", (self._folder / f"a.{suffix}").read_bytes())
        (self._folder / "a.zip").write_bytes(out.getvalue())

    def make(self, draw: random.Random) -> bytes:
        wanted = (".gpkg", ".fgb", ".shp", ".shx", ".prj", ".parquet", ".zip")
        name = draw.choice([name for name in self._seeds if name.endswith(wanted)])
        return name.encode() + b"\0" + mutate_bytes(draw, self._seeds[name], 4)

    def run(self, data: bytes) -> None:
        name, _, content = data.partition(b"\0")
        if (whole := name.decode()) not in self._seeds:
            return
        stem, _, suffix = whole.rpartition(".")
        if suffix in ("shp", "shx", "prj"):  # the others as they are
            for beside in ("shp", "shx", "prj"):
                self.put(f"{stem}.{beside}", self._seeds[f"{stem}.{beside}"])
            self.put(whole, content)
            whole = f"{stem}.shp"
            _read(self.put(whole, content if suffix == "shp" else self._seeds[whole]))
            return
        _read(self.put(whole, content))


def _read(path: Path) -> None:
    from birdsat.earth.box import Box
    from birdsat.earth.grid import EqualAreaGrid, Grid
    from birdsat.earth.read_polygons import read_polygons

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of polygons that were mended
        polygons = read_polygons(path)
    polygons.contains(np.array([5.0, np.nan, 400.0]), np.array([5.0, 1.0, 3.0]))
    try_all([
        lambda: polygons.mask(Grid(Box(-180, -90, 180, 90), 5.0)),
        lambda: polygons.mask(EqualAreaGrid(Box(-20, -30, 60, 50), 300.0)),
    ])  # fmt: skip
