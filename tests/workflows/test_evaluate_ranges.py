"""The judge verb on made ranges: from presence and absence, from occurrences anywhere, and from surveys."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_records import IMAGERY, WORLD, land_box, land_places, write_records
from made_runs import TAXON, make_run
from numpy.typing import NDArray
from rasterio.transform import from_bounds

from birdsat.cli import main
from birdsat.ranges.evaluation.baselines.nearest import NearestPoints, SimilarCells
from birdsat.ranges.evaluation.learning import PresenceModel
from birdsat.ranges.evaluation.our_models import RangeNetworkModel
from birdsat.ranges.evaluation.range_grid import RangeGrid
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.workflows import evaluate_ranges as judging

BOX = land_box()
SMALL = RangeNetworkConfig(steps=8, width=8, depth=1, members=2)
OURS, NEAREST = "birdsat: chip + place", NearestPoints().name


@pytest.fixture(autouse=True)
def few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The baselines have tests of their own; one of each kind stands for them here."""

    def models(names: tuple[str, ...], seed: int) -> tuple[PresenceModel, ...]:
        return NearestPoints(), RangeNetworkModel(settings=replace(SMALL, seed=seed))

    monkeypatch.setattr(judging, "_presence_models", models)
    monkeypatch.setattr(
        judging, "standard_survey_models", lambda names: tuple(SimilarCells(columns=(name,)) for name in names)
    )
    monkeypatch.setattr(judging, "_BACKGROUND", 20)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "mine")


def centres() -> NDArray[np.float64]:
    """(36, 2) cells of 2 degrees."""
    lon, lat = np.meshgrid(np.arange(BOX.west + 1, BOX.east, 2), np.arange(BOX.south + 1, BOX.north, 2))
    return np.stack([lon.ravel(), lat.ravel()], axis=1)


def split(lon_lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n, 2) one taxon lives in the north, the other in the middle from west to east."""
    middle = (BOX.south + BOX.north) / 2, (BOX.west + BOX.east) / 2
    return np.stack([lon_lat[:, 1] > middle[0], np.abs(lon_lat[:, 0] - middle[1]) < 4], axis=1)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    lon_lat = centres()
    presence, path = split(lon_lat), tmp_path / "truth.npz"
    np.savez(path, lat=lon_lat[:, 1], lon=lon_lat[:, 0], species=np.array([TAXON, "Pica pica"]), presence=presence)
    return path


def judged(run: Path, truth: Path, out: Path, *more: object) -> list[dict[str, object]]:
    words = ("judge", run, truth, "--imagery", IMAGERY, "--out", out, "--workers", 0, "--least", 5, "--folds", 2)
    main([*map(str, (*words, *more))])
    found: list[dict[str, object]] = json.loads((out / "judged.json").read_text())
    return found


def failed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    assert ended.value.code == 1
    return " ".join(capsys.readouterr().err.split())


def test_models_are_judged_by_ranges_from_surveys_and_from_points(
    run: Path, truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    side = {"count": 1, "height": 24, "width": 24, "dtype": "float32", "crs": "EPSG:4326"}
    extent = from_bounds(BOX.west, BOX.south, BOX.east, BOX.north, 24, 24)
    with rasterio.open(tmp_path / "warm.tif", "w", transform=extent, **side) as raster:
        raster.write(np.repeat(np.linspace(0, 1, 24, dtype=np.float32)[None, :, None], 24, axis=2))
    rasters = ("--rasters", f"climate={tmp_path / 'warm.tif'}", "--points", 3, "--block-degrees", 4)
    judged(run, truth, tmp_path / "out", *rasters)
    text = (tmp_path / "out" / "judged.md").read_text()
    for said in ("presence and absence", "3 points a taxon", "climate", "most similar by chip", OURS, NEAREST):
        assert said in text
    assert "3 points a taxon" in capsys.readouterr().out


def test_models_are_judged_by_what_they_learn_from_records_anywhere(run: Path, truth: Path, tmp_path: Path) -> None:
    places = land_places(BOX, 60)
    lives = split(places)
    tables = [(TAXON, places[lives[:, 0]]), ("Pica pica", places[lives[:, 1]]), ("Parus major", land_places(BOX, 9, 1))]
    records = write_records(tmp_path / "records.csv", tables)
    judged(run, truth, tmp_path / "out", "--occurrences", records)
    text = (tmp_path / "out" / "judged.md").read_text()
    assert "points, none held out" in text and OURS in text and "Parus major" not in text


def test_rows_that_repeat_count_towards_the_records_asked_for(
    run: Path, truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = np.repeat(land_places(BOX, 60)[split(land_places(BOX, 60))[:, 0]][:4], 3, axis=0)
    records = write_records(tmp_path / "records.csv", [(TAXON, places)])
    judged(run, truth, tmp_path / "out", "--occurrences", records, "--points", 12)
    assert "4 points, none held out" in (tmp_path / "out" / "judged.md").read_text()
    words = ("judge", run, truth, "--imagery", IMAGERY, "--workers", 0, "--least", 5, "--out", tmp_path / "none")
    assert "no taxon of the ranges has 13" in failed(capsys, *words, "--occurrences", records, "--points", 13)


def test_records_of_no_taxon_of_the_ranges_are_refused(
    run: Path, truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = write_records(tmp_path / "records.csv", [("Parus major", land_places(BOX, 20))])
    words = ("judge", run, truth, "--imagery", IMAGERY, "--workers", 0, "--least", 5, "--out", tmp_path / "out")
    assert "are the scientific names the same?" in failed(capsys, *words, "--occurrences", records)
    assert not (tmp_path / "out").exists()


def test_later_surveys_judge_what_was_learned_from_earlier_ones(run: Path, tmp_path: Path) -> None:
    lon_lat = centres()
    with (tmp_path / "surveys.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["species", "lon", "lat", "year", "count"])
        for (lon, lat), lives in zip(lon_lat.tolist(), split(lon_lat).tolist(), strict=True):
            for year in (2010, 2020):
                for taxon, there in zip((TAXON, "Pica pica", "Turdus merula"), (*lives, True), strict=True):
                    table.writerow([taxon, lon, lat, year, int(there)])
    words = ("--surveys-before", 2015, "--points", 3, "--block-degrees", 4)
    found = judged(run, tmp_path / "surveys.csv", tmp_path / "out", *words)
    assert len(found) == 2  # all presences, and three of each
    text = (tmp_path / "out" / "judged.md").read_text()
    assert "all presences as points" in text and "3 points a taxon" in text


@pytest.mark.parametrize("text", ["warm.tif", "=warm.tif", "climate=", "chip=warm.tif"])
def test_a_raster_without_a_name_of_its_own_is_refused(
    text: str, run: Path, truth: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = failed(capsys, "judge", run, truth, "--imagery", IMAGERY, "--rasters", text, "--least", 5)
    assert "write NAME=PATH" in said


def test_the_side_of_blocks_is_about_blocks(run: Path, truth: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("judge", run, truth, "--imagery", IMAGERY, "--hold-out", "random", "--block-degrees", 4)
    assert "--block-degrees is about --hold-out blocks" in failed(capsys, *words)


@pytest.mark.parametrize(
    ("lat", "side"),
    [
        (np.arange(-30, -20, 0.1), 0.1),
        (np.delete(np.arange(60) / 6, [3, 4, 20]), 1 / 6),
        (np.array([1.0, 2.0, 4.0]), 1.0),
        (np.random.default_rng(0).uniform(0, 10, 30), None),
        (np.array([3.0, 3.0]), None),
    ],
)
def test_the_side_of_a_grid_s_cells_is_found_and_places_at_random_are_no_grid(
    lat: NDArray[np.float64], side: float | None
) -> None:
    lon_lat = np.stack([np.arange(len(lat), dtype=float), lat], axis=1)
    grid = RangeGrid(lon_lat=lon_lat, species=("a",), presence=np.ones((len(lat), 1), dtype=bool))
    assert judging._step(grid) == (None if side is None else pytest.approx(side, rel=1e-4))


def test_random_background_lies_on_the_land_of_the_planet_that_the_imagery_shows() -> None:
    places = judging._random_land(judging.land_under(IMAGERY), 50, np.random.default_rng(0))
    assert len(places) == 50 and WORLD.land(*places.T).all()
