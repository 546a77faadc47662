"""`evaluate ranges` on made ranges: from presence and absence, from occurrences anywhere, and from surveys."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from made_records import IMAGERY, land_places, write_records
from made_runs import TAXON
from numpy.typing import NDArray
from rasterio.transform import from_bounds
from recorded import RecordedProgress
from tiny_world import BOX, small_settings

from birdsat.cli import main
from birdsat.errors import ConfigError, InputError
from birdsat.ranges.evaluation import occurrence_points, our_models
from birdsat.ranges.evaluation.baselines import coordinate_network
from birdsat.ranges.evaluation.baselines.coordinate_network import CoordinateNetwork
from birdsat.ranges.evaluation.baselines.nearest import NearestPoints
from birdsat.ranges.evaluation.our_models import CountNetwork, RangeNetworkModel, SurveyNetwork
from birdsat.ranges.evaluation.registry import MODELS, ModelSettings
from birdsat.workflows import evaluate_ranges as workflow
from birdsat.workflows.evaluate_ranges import EvaluateRangesResult, evaluate_ranges
from birdsat.workflows.requests.evaluation import EvaluateRangesRequest

OURS, NEAREST = "birdsat: chip + place", NearestPoints().name


@pytest.fixture(autouse=True)
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """All models of the registry, their networks small."""

    def networks(settings: ModelSettings, columns: str | None) -> tuple[RangeNetworkModel, ...]:
        return (RangeNetworkModel(columns=columns, settings=small_settings(settings.seed)),)

    surveyed = small_settings(0)
    monkeypatch.setattr(our_models, "chip_place_surveys", lambda settings: (SurveyNetwork(settings=surveyed),))
    monkeypatch.setattr(our_models, "chip_place_counts", lambda settings: (CountNetwork(settings=surveyed),))
    monkeypatch.setattr(our_models, "place", lambda settings: networks(settings, None))
    monkeypatch.setattr(our_models, "chip_place", lambda settings: networks(settings, "chip"))
    monkeypatch.setattr(coordinate_network, "coordinate_network", lambda settings: (CoordinateNetwork(steps=5),))
    monkeypatch.setattr(workflow, "_CUT", 20)
    monkeypatch.setattr(occurrence_points, "_SOUTH", BOX.south)  # so that land is asked for in few cells
    monkeypatch.setattr(occurrence_points, "_NORTH", BOX.north)


def centres() -> NDArray[np.float64]:
    """(36, 2) cells of 2 degrees."""
    lon, lat = np.meshgrid(np.arange(BOX.west + 1, BOX.east, 2), np.arange(BOX.south + 1, BOX.north, 2))
    return np.stack([lon.ravel(), lat.ravel()], axis=1)


def split(lon_lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n, 2) one taxon lives in the north, the other in the middle from west to east."""
    middle = (BOX.south + BOX.north) / 2, (BOX.west + BOX.east) / 2
    return np.stack([lon_lat[:, 1] > middle[0], np.abs(lon_lat[:, 0] - middle[1]) < 4], axis=1)


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    lon_lat = centres()
    presence, path = split(lon_lat), tmp_path / "grid.npz"
    np.savez(path, lat=lon_lat[:, 1], lon=lon_lat[:, 0], species=np.array([TAXON, "Pica pica"]), presence=presence)
    return path


def evaluated(run: Path, grid: Path, out: Path, **more: object) -> tuple[EvaluateRangesResult, str]:
    """The result, and what is in evaluation.md."""
    settings = {"min_cells": 5} if "surveys_before" not in more else {}
    request = EvaluateRangesRequest(grid=grid, run=run, imagery=IMAGERY, out=out, workers=0, **(settings | more))  # type: ignore[arg-type]
    result = evaluate_ranges(request, RecordedProgress())
    assert result.files == (out / "evaluation.md", out / "evaluation.json")
    plain = json.loads((out / "evaluation.json").read_text())
    assert plain == {name: result.to_dict()[name] for name in ("rows", "evaluations")}
    return result, (out / "evaluation.md").read_text()


def test_models_are_evaluated_by_ranges_from_surveys_and_from_points(
    run: Path, grid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    side = {"count": 1, "height": 24, "width": 24, "dtype": "float32", "crs": "EPSG:4326"}
    extent = from_bounds(BOX.west, BOX.south, BOX.east, BOX.north, 24, 24)
    with rasterio.open(tmp_path / "warm.tif", "w", transform=extent, **side) as raster:
        raster.write(np.repeat(np.linspace(0, 1, 24, dtype=np.float32)[None, :, None], 24, axis=2))
    words = ["evaluate", "ranges", grid, "--run", run, "--imagery", IMAGERY, "--out", tmp_path / "out"]
    words += ["--rasters", f"climate={tmp_path / 'warm.tif'}", "--points", 3, "--block-degrees", 4]
    main([*map(str, words), "--min-cells", "5", "--folds", "2", "--workers", "0"])
    text = (tmp_path / "out" / "evaluation.md").read_text()
    for said in ("presence and absence", "3 points a taxon", "climate", "most similar by chip", OURS, NEAREST):
        assert said in text
    shown = capsys.readouterr().out
    assert "3 points a taxon" in shown and str(tmp_path / "out" / "evaluation.json") in shown


def test_models_asked_for_are_evaluated_alone_with_a_row_for_each_and_each_number_of_points(
    run: Path, grid: Path, tmp_path: Path
) -> None:
    settings = {"block_degrees": 4.0, "folds": 2, "points": (3, 5)}
    result, text = evaluated(run, grid, tmp_path / "out", models=("chip_place", "nearest"), **settings)
    rows = result.to_dict()["rows"]
    assert [(row["model"], row["name"], row["points"]) for row in rows] == [
        (model, name, points) for points in (3, 5) for model, name in (("nearest", NEAREST), ("chip_place", OURS))
    ]
    means = result.evaluations[1].model(OURS).means
    assert rows[3] | {"auc": means.auc, "ap": means.average_precision, "taxa": 2} == rows[3]
    assert rows[3]["evaluation"] == "5 points a taxon, 4-degree blocks in 2 folds"
    assert "presence and absence" not in text and "logistic" not in text
    surveys, _ = evaluated(run, grid, tmp_path / "surveys", models=["similar_chip"], **settings)
    (row,) = surveys.to_dict()["rows"]
    assert (row["model"], row["points"]) == ("similar_chip", None)
    alone, _ = evaluated(run, grid, tmp_path / "alone", models=["nearest"], **settings)
    figures = [[taxon.auc for taxon in one.evaluations[0].model(NEAREST).figures] for one in (alone, result)]
    assert figures[0] == figures[1]  # whatever else is evaluated


def test_a_buffer_is_told_in_every_title_and_one_too_wide_is_refused(
    run: Path, grid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"models": ["nearest", "similar_chip"], "points": 2, "hold_out": "regions", "folds": 3}
    result, text = evaluated(run, grid, tmp_path / "out", buffer_km=250.0, min_cells=5, **settings)
    titles = [one.title for one in result.evaluations]
    assert titles == [f"{what}, 3 whole regions, 250 km apart" for what in ("presence and absence", "2 points a taxon")]
    assert all(title in text for title in titles)
    words = ["evaluate", "ranges", grid, "--run", run, "--imagery", IMAGERY, "--out", tmp_path / "none"]
    with pytest.raises(SystemExit):
        main([*map(str, words), "--min-cells", "5", "--workers", "0", "--buffer-km", "9000", "--models", "nearest"])
    printed = capsys.readouterr()
    said = " ".join((printed.out + printed.err).split())
    assert "takes out every cell" in said and "--buffer-km" in said
    assert not (tmp_path / "none").exists()


def test_a_model_that_is_not_there_is_refused_with_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"'chip_plac'; nearest: 'chip_place'.*allowed: 'nearest'"):
        EvaluateRangesRequest(grid="g", run="r", imagery=IMAGERY, out="o", models=["chip_plac"])
    with pytest.raises(SystemExit):
        main(["evaluate", "ranges", "g", "--run", "r", "--imagery", "i", "--out", "o", "--models", "chip_plac"])
    printed = capsys.readouterr()
    said = " ".join((printed.out + printed.err).split())
    assert "nearest: 'chip_place'" in said and said.endswith("(--models)")


def test_models_are_evaluated_by_what_they_learn_from_records_anywhere(run: Path, grid: Path, tmp_path: Path) -> None:
    places = land_places(BOX, 60)
    lives = split(places)
    tables = [(TAXON, places[lives[:, 0]]), ("Pica pica", places[lives[:, 1]]), ("Parus major", land_places(BOX, 9, 1))]
    records = write_records(tmp_path / "records.csv", tables)
    result, text = evaluated(run, grid, tmp_path / "out", occurrences=records)
    assert "points, none held out" in text and OURS in text and "Parus major" not in text
    assert {one.taxon for one in result.evaluations[0].model(OURS).figures} == {TAXON, "Pica pica"}


def test_what_is_known_of_effort_and_dates_is_known_to_an_evaluation_from_records(
    run: Path, grid: Path, tmp_path: Path
) -> None:
    places = land_places(BOX, 60)
    lives = split(places)
    tables = [(TAXON, places[lives[:, 0]]), ("Pica pica", places[lives[:, 1]])]
    records = write_records(tmp_path / "records.csv", tables, dated=True)
    others = write_records(tmp_path / "others.csv", [("Parus major", land_places(BOX, 9, 1))])
    sites = tmp_path / "sites.csv"
    sites.write_text("lon,lat\n" + "\n".join(f"{lon},{lat}" for lon, lat in land_places(BOX, 30, 2).tolist()))

    def auc(name: str, **more: Any) -> float:
        result, _ = evaluated(run, grid, tmp_path / name, occurrences=records, models=("place",), points=5, **more)
        return float(result.to_dict()["rows"][0]["auc"])

    plain = auc("plain")
    asked: dict[str, dict[str, Any]] = {
        "target": {"target_group": others},
        "named": {"target_group": "Pica"},
        "sites": {"background": sites},
        "dates": {"record_months": (1, 2, 3, 4, 5)},
        "thinned": {"thin_km": 2000},
    }
    assert all(auc(name, **more) != plain for name, more in asked.items())
    own = tmp_path / "own.csv"
    own.write_text(records.read_text().replace("taxon", "bird", 1))
    result, _ = evaluated(
        run, grid, tmp_path / "own", occurrences=own, models=("place",), points=5, columns="taxon=bird", crs="EPSG:4326"
    )
    assert result.to_dict()["rows"][0]["auc"] == plain  # read as tables to fit to are
    with pytest.raises(InputError, match="neither a table"):
        auc("no", target_group="Nobody")


def test_rows_that_repeat_count_towards_the_records_asked_for_and_are_one_point(
    run: Path, grid: Path, tmp_path: Path
) -> None:
    cells = centres()[split(centres())[:, 0]][:4]
    records = write_records(tmp_path / "records.csv", [(TAXON, np.repeat(cells, 3, axis=0)), (TAXON, cells + 0.3)])
    _, text = evaluated(run, grid, tmp_path / "out", occurrences=records, points=16)
    assert "4 points, none held out" in text  # one a cell, as in a fit
    with pytest.raises(InputError, match="no taxon of the ranges has 17"):
        evaluated(run, grid, tmp_path / "none", occurrences=records, points=17)


def test_records_of_no_taxon_of_the_ranges_are_refused(run: Path, grid: Path, tmp_path: Path) -> None:
    records = write_records(tmp_path / "records.csv", [("Parus major", land_places(BOX, 20))])
    with pytest.raises(InputError, match="are the scientific names the same"):
        evaluated(run, grid, tmp_path / "out", occurrences=records)
    assert not (tmp_path / "out").exists()


def test_later_surveys_evaluate_what_was_learned_from_earlier_ones(run: Path, tmp_path: Path) -> None:
    lon_lat = centres()
    with (tmp_path / "surveys.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["species", "lon", "lat", "year", "count"])
        for (lon, lat), lives in zip(lon_lat.tolist(), split(lon_lat).tolist(), strict=True):
            for year in (2010, 2020):
                for taxon, there in zip((TAXON, "Pica pica", "Turdus merula"), (*lives, True), strict=True):
                    table.writerow([taxon, lon, lat, year, int(there) * (1 + int(lon > 0) + year % 7)])
    settings = {"surveys_before": 2015, "points": 3, "block_degrees": 4.0, "folds": 2}
    result, text = evaluated(run, tmp_path / "surveys.csv", tmp_path / "out", **settings)
    assert len(result.evaluations) == len(result.tables()) == 4  # from all cells, all presences, three, and counts
    for title in ("presence and absence, 4-degree", "all presences as points", "3 points a taxon", "mean counts"):
        assert f"### {title}" in text
    asked = ["chip_place_surveys", "boosted_chip_place", "boosted_counts"]
    result, text = evaluated(run, tmp_path / "surveys.csv", tmp_path / "some", **settings, models=asked)
    assert sorted(row["model"] for row in result.to_dict()["rows"]) == sorted(asked)
    assert "Spearman" in text and "points" not in "".join(one.title for one in result.evaluations)


@pytest.mark.parametrize("text", ["warm.tif", "=warm.tif", "climate=", "chip=warm.tif"])
def test_a_raster_without_a_name_of_its_own_is_refused(text: str, run: Path, grid: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="write NAME=PATH"):
        evaluated(run, grid, tmp_path / "out", rasters=text)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hold_out": "random", "block_degrees": 4.0}, "block_degrees can be used with hold_out blocks only"),
        ({"occurrences": "r.csv", "hold_out": "regions"}, "hold_out can be used with presences drawn from the ranges"),
        ({"surveys_before": 2015, "occurrences": "r.csv"}, "occurrences can be used with a range grid only"),
        ({"surveys_before": 2015, "min_cells": 5}, "min_cells can be used with a range grid only"),
        ({"folds": 1}, "folds is 1; allowed: 2 or more"),
        ({"models": ["similar_chip"], "occurrences": "r.csv"}, "similar_chip learns from presence and absence"),
        ({"models": ["ridge_counts"]}, "ridge_counts learns how many were counted, which surveys alone say"),
        ({"models": ["ridge_counts"], "occurrences": "r.csv"}, "ridge_counts learns how many were counted"),
        ({"models": ["nearest"], "points": ()}, "nearest learns from points, and no number of points"),
        ({"models": ["nearest"], "rasters": "a=b.tif"}, "rasters can be used with models that read rasters only"),
        ({"points": (10, 0)}, "points are 0"),
        ({"block_degrees": 0.0}, "block_degrees is 0"),
        ({"buffer_km": -1.0}, "buffer_km is -1; allowed: 0 or more"),
        ({"buffer_km": float("nan")}, "buffer_km is nan"),
        ({"occurrences": "r.csv", "buffer_km": 5.0}, "buffer_km can be used with presences drawn from the ranges"),
    ],
)
def test_settings_that_nothing_reads_and_numbers_that_are_impossible_are_refused(
    settings: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        EvaluateRangesRequest(grid="grid.npz", run="run", imagery=IMAGERY, out="out", **settings)  # type: ignore[arg-type]


def test_help_tells_of_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "ranges", "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "birdsat evaluate ranges" in printed
    for option in (*MODELS, "GRID", "--run", "--rasters", "--models", "--min-cells", "--surveys-before", "--out"):
        assert option in printed
