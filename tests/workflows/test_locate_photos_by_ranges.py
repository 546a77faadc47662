"""The locate verb with a range model: by what the photos show, on the model's own cells, those named, or the world."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_records import write_records
from made_runs import CROSS_VIEW, make_dataset, make_run, noise, rows
from recorded import RecordedProgress
from tiny_world import CELLS, SIDE, TAXA, TinyWorld, small_fit

from birdsat.cli import main
from birdsat.earth.land import on_land
from birdsat.errors import CheckpointError, ConfigError, InputError
from birdsat.methods.classifier import ClassifierConfig
from birdsat.workflows import locate_evidence
from birdsat.workflows.locate import locate_photos
from birdsat.workflows.requests.maps import LocateRequest

RAVEN, TIT, MAGPIE = TAXA
UNKNOWN = "Turdus merula"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never trained; names two taxa of the range model, and one that it does not have."""
    config = ClassifierConfig(backbone=CROSS_VIEW, taxa=(RAVEN, MAGPIE, UNKNOWN))
    return make_run(tmp_path_factory.mktemp("classifier") / "mine", config)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.jpg"
    path.write_bytes(noise(8, 30))
    return path


def test_photos_become_maps_on_the_cells_of_the_range_model_that_say_what_they_were_made_of(
    classifier: Path, ranges: Path, photo: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ("locate", classifier, photo, other, "--ranges", ranges, "--month", 7, "--out", out)
    main(list(map(str, words)))
    said = capsys.readouterr()
    assert "1 taxa of the run are not in the range model" in said.err and UNKNOWN in said.err
    assert RAVEN in said.out and MAGPIE in said.out
    assert sorted(file.name for file in out.iterdir()) == sorted(
        ["located.csv", *(f"{name}.{kind}" for name in ("bird", "other") for kind in ("json", "png", "qml", "tif"))]
    )
    with rasterio.open(out / "bird.tif") as tiff:
        cells = tiff.read(1)
        assert cells.shape == (SIDE, SIDE) and cells.sum() == pytest.approx(1, abs=1e-5)
        rows = [row for row in csv.DictReader((out / "located.csv").open()) if row["photo"] == "bird.jpg"]
        for row in rows:
            at = tiff.index(float(row["lon"]), float(row["lat"]))
            assert cells[at] == pytest.approx(float(row["probability"]), rel=1e-4)
    about = json.loads((out / "bird.json").read_text())
    assert about["sources"]["located by"] == "the taxa that it may show and their ranges (ranges)"
    assert about["sources"]["taxa without a range"] == UNKNOWN and RAVEN in about["sources"]["taxa"]
    assert 0 < float(about["sources"]["probability of taxa without a range"]) < 1
    assert about["sources"]["month"] == "7" and about["evaluation"]["temperature"] == 1


def test_many_photos_are_written_some_at_a_time(
    classifier: Path, ranges: Path, photo: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = []
    for number, at_once in enumerate((1, 16)):
        monkeypatch.setattr("birdsat.workflows.locate._MAPS_AT_ONCE", at_once)
        out = tmp_path / str(number)
        locate_photos(LocateRequest(run=classifier, photos=(photo, other), ranges=ranges, out=out), RecordedProgress())
        with rasterio.open(out / "bird.tif") as one, rasterio.open(out / "other.tif") as two:
            maps.append(np.stack([one.read(1), two.read(1)]))
    np.testing.assert_allclose(maps[0], maps[1], rtol=1e-5)
    assert np.abs(maps[0][0] - maps[0][1]).max() > 0


def test_python_has_the_taxa_of_each_photo(classifier: Path, ranges: Path, photo: Path, tmp_path: Path) -> None:
    asked = LocateRequest(run=classifier, photos=photo, ranges=ranges, out=tmp_path / "out")
    told = locate_photos(asked, RecordedProgress()).to_dict()
    shares = [one["probability"] for one in told["estimates"][0]["taxa"]]
    assert len(shares) == 3 and sum(shares) == pytest.approx(1, abs=1e-5) and shares == sorted(shares, reverse=True)


def test_photos_of_known_places_are_evaluated_by_ranges_and_by_likeness_on_the_run_s_own_cells(
    run: Path, dataset: Path, ranges: Path, region: Path, tiny_world: TinyWorld, tmp_path: Path
) -> None:
    mine = tiny_world.copied(tmp_path / "world")
    progress = RecordedProgress()
    asked = LocateRequest(run=mine.run, dataset=dataset, ranges=ranges)
    report = locate_photos(asked, progress).to_dict()
    by_ranges = [f"located by ranges, {what}" for what in ("month known", "month unknown", "every place alike")]
    simple = ["most similar training photo", "random training photo", "random cell"]
    assert [way["name"] for way in report["ways"]] == by_ranges + simple
    assert report["scale"] is None and report["temperature"] > 0 and report["taxa_without_a_range"] == []
    assert (report["photos"], report["cells"]) == (2, CELLS)
    again = locate_photos(LocateRequest(run=mine.run, dataset=dataset, ranges=ranges, region=region), progress)
    likeness = ["located, date known", "located, date unknown", "located, every place alike"]
    written = json.loads((mine.run / "locate.json").read_text())
    assert [way["name"] for way in written["ways"]] == by_ranges + likeness + simple
    assert written["ways"][: len(by_ranges)] == report["ways"][: len(by_ranges)] and again.report.scale is not None


def test_a_dataset_may_say_by_which_temperature_likeness_to_taxa_becomes_a_probability(
    classifier: Path, ranges: Path, photo: Path, tmp_path: Path
) -> None:
    observations = rows(["train", "test"] + ["val"] * 20, (RAVEN, MAGPIE))
    dataset = make_dataset(tmp_path / "data", observations).folder
    asked = LocateRequest(
        run=classifier, photos=photo, ranges=ranges, calibrate=dataset, out=tmp_path / "out", overwrite=True
    )
    locate_photos(asked, RecordedProgress())
    figures = json.loads((tmp_path / "out" / "bird.json").read_text())["evaluation"]
    assert figures["temperature"] not in (1, pytest.approx(1, abs=1e-6))


def test_what_cannot_be_located_by_ranges_is_said(
    run: Path,
    region: Path,
    ranges: Path,
    photo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SystemExit):
        main(["locate", str(run), str(photo)])
    said = " ".join(capsys.readouterr().err.split())
    assert "by the bird that they show, with a range model" in said and "with a region that the run embedded" in said
    assert "--ranges, --region" in said
    out = tmp_path / "out"
    other = make_run(tmp_path / "other", ClassifierConfig(backbone=CROSS_VIEW, taxa=(UNKNOWN,)))
    with pytest.raises(InputError, match="none of the 1 taxa that the run knows"):
        locate_photos(LocateRequest(run=other, photos=photo, ranges=ranges, out=out))
    nameless = make_run(tmp_path / "nameless")
    (nameless / "taxa.parquet").unlink()
    with pytest.raises(CheckpointError, match="knows no taxa"):
        locate_photos(LocateRequest(run=nameless, photos=photo, ranges=ranges, out=out))
    with pytest.raises(CheckpointError, match="not a range model"):
        locate_photos(LocateRequest(run=run, photos=photo, ranges=region, out=out))
    monkeypatch.setattr(locate_evidence, "own_temperature", lambda run: None)
    with pytest.raises(ConfigError, match="name a dataset to fit one on") as error:
        locate_photos(LocateRequest(run=run, photos=photo, ranges=ranges, out=out))
    assert error.value.settings == ("calibrate",)
    assert not out.exists()


def test_on_the_built_in_world_photos_are_located_over_the_antimeridian(
    small_world: Path, classifier: Path, photo: Path, tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    lon, lat = generator.uniform(150, 200, 4000), generator.uniform(55, 72, 4000)  # Chukotka to Alaska
    lon = (lon + 180) % 360 - 180
    land = np.flatnonzero(on_land(lon, lat))
    places = np.column_stack([lon[land], lat[land]])
    west, east = places[places[:, 0] > 0][:40], places[places[:, 0] < 0][:40]
    table = write_records(tmp_path / "t.csv", [(RAVEN, west), (MAGPIE, east)])
    model = tmp_path / "model"
    small_fit(tables=table, out=model)
    asked = LocateRequest(run=classifier, photos=photo, ranges=model, month=6, out=tmp_path / "out")
    located = locate_photos(asked, RecordedProgress()).report
    with rasterio.open(tmp_path / "out" / "bird.tif") as tiff:
        cells = tiff.read(1)
        assert tiff.bounds.left > 0 and tiff.bounds.right > 180
    assert np.nansum(cells) == pytest.approx(1, abs=1e-5) and np.isfinite(cells).mean() < 1  # land alone
    lon = located.located.lon_lat[0, :, 0]
    assert ((lon > 100) | (lon < -100)).all()
    about = json.loads((tmp_path / "out" / "bird.json").read_text())
    assert "the built-in world" in about["model"]


def test_a_month_in_which_nobody_looked_is_said_to_be_a_guess(
    classifier: Path, ranges: Path, region: Path, photo: Path, tmp_path: Path
) -> None:
    of_summer = shutil.copytree(ranges, tmp_path / "ranges")
    facts = json.loads((of_summer / "ranges.json").read_text())
    (of_summer / "ranges.json").write_text(json.dumps(facts | {"dated": True, "looked_months": [6, 7]}))
    for month, notes in ((7, 0), (1, 1)):
        progress = RecordedProgress()
        asked = {"run": classifier, "photos": [photo], "ranges": of_summer, "region": region}
        locate_photos(LocateRequest(**asked, month=month, out=tmp_path / str(month)), progress)
        said = [note for note in progress.notes if "hardly anything was recorded in January" in note]
        assert len(said) == notes
