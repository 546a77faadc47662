"""Maps whose cells lie within polygons."""

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from failed_commands import failed
from made_runs import TAXON
from mapped import make_map
from tiny_world import BOX

pytestmark = pytest.mark.usefixtures("small_fits")


def test_cells_outside_the_polygons_hold_no_value(run: Path, region: Path, records: Path, tmp_path: Path) -> None:
    west, south, middle, north = BOX.west, BOX.south, BOX.west + 6, BOX.north
    ring = [[west, south], [middle, south], [middle, north], [west, north], [west, south]]
    polygon = tmp_path / "half.geojson"
    polygon.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    for number, how in enumerate(((), ("--occurrences", records))):
        with make_map(run, tmp_path / str(number), "--region", region, "--within", polygon, *how) as tiff:
            values = tiff.read()
            assert json.loads(tiff.tags()["sources"])["mapped within the polygons of"] == "half.geojson"
        assert np.isfinite(values[:, :, :3]).all() and np.isnan(values[:, :, 3:]).all()


def test_a_layer_of_a_geopackage_in_a_projection_bounds_the_map(
    run: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metres = 6378137.0 * np.pi / 180  # a degree of longitude in Web Mercator
    wide = [shapely.box((BOX.west + at) * metres, -2e7, (BOX.west + at + 6) * metres, 2e7) for at in (0, 3)]
    for name, shape in zip(("left", "right"), wide, strict=True):
        wkb = np.array([shapely.to_wkb(shape)], dtype=object)
        pyogrio.raw.write(
            tmp_path / "a.gpkg", geometry=wkb, field_data=[np.arange(1)], fields=["n"], geometry_type="Polygon",
            crs="EPSG:3857", driver="GPKG", layer=name, append=False,
        )  # fmt: skip
    words = ("--region", region, "--within", tmp_path / "a.gpkg")
    with make_map(run, tmp_path / "left", *words, "--within-layer", "left") as tiff:
        values = tiff.read()
    assert np.isfinite(values[:, :, :3]).all() and np.isnan(values[:, :, 3:]).all()
    said = failed(capsys, "map", TAXON, "--run", run, *words, "--out", tmp_path / "none")
    assert "it has 2 layers; name one: " in said and said.strip().endswith("(--within-layer)")
    assert not (tmp_path / "none").exists()


def test_polygons_that_hold_no_cell_of_the_map_are_refused(
    run: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    east = BOX.east + 1
    ring = [[east, 0], [east + 2, 0], [east + 2, 2], [east, 2], [east, 0]]
    (tmp_path / "far.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    words = ("map", TAXON, "--run", run, "--region", region, "--within", tmp_path / "far.geojson")
    assert "no cell with imagery lies within the polygons" in failed(capsys, *words, "--out", tmp_path / "maps")
    assert not list(tmp_path.glob("maps/*"))
