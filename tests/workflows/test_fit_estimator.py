"""Classifiers of others from the command line: fitted, mapped, and evaluated beside ours."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_records import write_records

from birdsat.cli import main
from birdsat.earth.land import on_land
from birdsat.errors import ConfigError
from birdsat.ranges.load import load_ranges
from birdsat.workflows.fit_ranges import fit_ranges
from birdsat.workflows.requests.ranges import FitRequest

pytestmark = pytest.mark.usefixtures("small_fits", "small_world")

TAXON, OTHER = "Corvus corax", "Pica pica"
FOREST = "sklearn.ensemble.RandomForestClassifier(n_estimators=5)"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    lon, lat = generator.uniform(0, 30, 2000), generator.uniform(42, 60, 2000)
    places = np.column_stack([lon, lat])[on_land(lon, lat)]
    south = places[places[:, 1] < 50]
    write_records(tmp_path / "t.csv", [(TAXON, places[:40]), (OTHER, south[:40])])
    return tmp_path / "t.csv"


def test_a_classifier_is_fitted_in_place_of_the_network_and_maps_are_read_from_it(table: Path) -> None:
    out = table.parent
    main(["fit", str(table), "--out", str(out / "m"), "--box=0,40,32,60", "--model", FOREST])
    model = load_ranges(out / "m")
    assert model.facts.estimator == FOREST and model.evaluation["held_out_points"] > 40
    main(["map", OTHER, "--ranges", str(out / "m"), "--out", str(out / "a")])
    for kept in (out / "m").glob("cells-*"):
        kept.unlink()
    main(["map", OTHER, "--ranges", str(out / "m"), "--out", str(out / "b")])
    one, other = (rasterio.open(out / name / "Pica_pica.tif").read() for name in "ab")
    np.testing.assert_array_equal(one, other)
    assert np.nanmax(one) > np.nanmin(one)
    about = json.loads((out / "a" / "Pica_pica.json").read_text())
    assert about["sources"]["classifier"] == FOREST and "width" not in about["settings"]


def test_a_mistyped_classifier_is_an_error_before_tables_are_read(tmp_path: Path) -> None:
    wrong = "sklearn.ensemble.RandomForestClassifier(n_estimator=5)"
    with pytest.raises(ConfigError, match="nearest: 'n_estimators'"):
        fit_ranges(FitRequest(tables=tmp_path / "absent.csv", out=tmp_path / "m", model=wrong))
    with pytest.raises(ConfigError, match="model is 'netwrk'; nearest: 'network'"):
        FitRequest(tables=tmp_path / "absent.csv", out=tmp_path / "m", model="netwrk")
    with pytest.raises(ConfigError, match="absences can be used with the range network, which alone learns from"):
        FitRequest(tables=tmp_path / "absent.csv", out=tmp_path / "m", model=FOREST, absences=True)


def test_classifiers_and_ensembles_are_rows_beside_ours(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    lon, lat = (generator.integers(low, high, 900) + 0.125 for low, high in ((0, 30), (42, 60)))
    places = np.unique(np.column_stack([lon, lat])[on_land(lon, lat)], axis=0)
    there = places[:, 1] < 50
    rows = [f"{y},{x},{TAXON},{int(here)}" for (x, y), here in zip(places.tolist(), there.tolist(), strict=True)]
    (tmp_path / "grid.csv").write_text("\n".join(["lat,lon,species,presence", *rows]) + "\n")
    arguments = ["--models", "nearest", FOREST, "--ensembles", "mean", "committee", "--points", "20", "--folds", "2"]
    main(["evaluate", "ranges", str(tmp_path / "grid.csv"), "--out", str(tmp_path / "e"), *arguments])
    found = json.loads((tmp_path / "e" / "evaluation.json").read_text())["rows"]
    assert [one["model"] for one in found] == ["nearest", FOREST, "mean", "committee"]
    assert min(one["auc"] for one in found) > 0.6
