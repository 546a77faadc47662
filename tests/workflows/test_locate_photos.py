"""The locate verb on a run that was never trained: what it writes, says and refuses."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from failed_commands import failed
from made_runs import make_dataset, make_run, noise
from PIL import Image
from recorded import RecordedProgress
from tiny_world import BOX, CELLS, SIDE

from birdsat.cli import main
from birdsat.errors import InputError
from birdsat.workflows.locate import locate_photos
from birdsat.workflows.requests.maps import LocateRequest


def test_a_photo_becomes_a_map_that_sums_to_one_a_picture_and_a_table(
    run: Path, region: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(noise(8, 30))
    out = tmp_path / "out"
    main(["locate", str(run), str(photo), str(other), "--region", str(region), "--month", "5", "--out", str(out)])
    assert sorted(file.name for file in out.iterdir()) == sorted(
        ["located.csv", *(f"{name}.{kind}" for name in ("bird", "other") for kind in ("json", "png", "qml", "tif"))]
    )
    with rasterio.open(out / "bird.tif") as tiff:
        cells = tiff.read(1)
        assert cells.shape == (SIDE, SIDE) and cells.sum() == pytest.approx(1, abs=1e-5)
        assert json.loads(tiff.tags()["sources"])["month"] == "5"
        rows = [row for row in csv.DictReader((out / "located.csv").open()) if row["photo"] == "bird.jpg"]
        assert [int(row["rank"]) for row in rows] == list(range(1, 11))
        for row in rows:
            at = tiff.index(float(row["lon"]), float(row["lat"]))
            assert cells[at] == pytest.approx(float(row["probability"]), rel=1e-4)
    assert "likeliest cells" in capsys.readouterr().out


def test_the_month_changes_the_map_and_without_one_it_is_a_mean_over_months(
    run: Path, region: Path, photo: Path, tmp_path: Path
) -> None:
    maps = []
    for number, month in enumerate((("--month", "1"), ("--month", "7"), ())):
        out = tmp_path / str(number)
        main(["locate", str(run), str(photo), "--region", str(region), *month, "--out", str(out)])
        with rasterio.open(out / "bird.tif") as tiff:
            maps.append(tiff.read(1))
    january, july, any_month = maps
    assert np.abs(january - july).max() > 1e-6 and np.abs(any_month - january).max() > 1e-7


def test_photos_of_known_places_are_evaluated_beside_chance_and_the_most_similar_photo(
    run: Path, region: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = shutil.copytree(run, tmp_path / "mine")
    main(["locate", str(mine), "--region", str(region), "--dataset", str(dataset)])
    report = json.loads((mine / "locate.json").read_text())
    names = [way["name"] for way in report["ways"]]
    assert names[0].startswith("located") and names[-3:] == [
        "most similar training photo",
        "random training photo",
        "random cell",
    ]
    assert (report["photos"], report["photos_outside_the_region"], report["cells"]) == (2, 0, CELLS)
    for way in report["ways"]:
        shares = list(way["within_km"].values())
        assert list(way["within_km"]) == ["25", "200", "750", "2500"] and shares == sorted(shares) and shares[-1] == 1
    assert "random cell" in capsys.readouterr().out


def test_what_cannot_be_located_is_said(
    run: Path, region: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--region", region, "--out", tmp_path / "out")
    corrupt = tmp_path / "corrupt.jpg"
    corrupt.write_bytes(noise(1, 20)[:60])
    assert "corrupt.jpg cannot be decoded" in failed(capsys, "locate", run, photo, corrupt, *at)
    assert "month is 13" in failed(capsys, "locate", run, photo, *at, "--month", 13)
    assert "there is not a single photo in" in failed(capsys, "locate", run, tmp_path / "absent.jpg", *at)
    assert "No such file" in failed(capsys, "locate", run, photo, tmp_path / "absent.jpg", *at)
    assert "not a region" in failed(capsys, "locate", run, photo, "--region", tmp_path)
    assert "embedded by the run 'mine'" in failed(capsys, "locate", make_run(tmp_path / "other", seed=1), photo, *at)
    assert "either photos" in failed(capsys, "locate", run, "--region", region)
    assert "--queries" in failed(capsys, "locate", run, photo, *at, "--queries", 3)
    assert not (tmp_path / "out").exists()


def test_files_that_are_there_are_kept_unless_they_may_be_overwritten(
    run: Path, region: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (run, photo, "--region", region, "--out", tmp_path / "out")
    main(["locate", *map(str, words)])
    said = failed(capsys, "locate", *words)
    assert "bird.tif exists already" in said or "located.csv exists already" in said
    main(["locate", *map(str, words), "--overwrite"])


def test_python_has_the_estimates_and_the_files(run: Path, region: Path, photo: Path, tmp_path: Path) -> None:
    asked = LocateRequest(run=str(run), photos=str(photo), region=str(region), out=str(tmp_path / "out"))
    made = locate_photos(asked)
    told = made.to_dict()
    assert [cell["rank"] for cell in told["cells"]] == list(range(1, 11))
    assert told["estimates"][0]["photo"] == "bird.jpg" and BOX.west < told["estimates"][0]["lon"] < BOX.east
    assert {file.name for file in made.files} == {"bird.tif", "bird.png", "located.csv"}


def test_what_is_embedded_of_a_dataset_is_counted(run: Path, region: Path, dataset: Path, tmp_path: Path) -> None:
    mine, progress = shutil.copytree(run, tmp_path / "mine"), RecordedProgress()
    locate_photos(LocateRequest(run=mine, dataset=dataset, region=region, calibrate=dataset), progress)
    assert [bar.title for bar in progress.bars] == ["embedding test", "embedding train", "embedding val"]


def test_a_prior_or_a_temperature_needs_places_to_learn_from(run: Path, region: Path, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data").folder  # without a val split
    with pytest.raises(InputError, match="3 train and 0 val places"):
        locate_photos(LocateRequest(run=run, dataset=dataset, region=region))


def test_photos_of_one_name_in_two_folders_are_two_and_their_exif_says_the_month(
    run: Path, region: Path, tmp_path: Path
) -> None:
    trip = tmp_path / "trip"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:07:14 06:30:00"
    for number, folder in enumerate(("day1", "day2")):
        (trip / folder).mkdir(parents=True)
        picture = Image.fromarray(np.random.default_rng(number).integers(0, 256, (30, 30, 3), dtype=np.uint8))
        picture.save(trip / folder / "bird.jpg", exif=exif if number else Image.Exif())
    out = tmp_path / "out"
    main(["locate", str(run), str(trip), "--region", str(region), "--out", str(out)])
    assert {file.name for file in out.glob("*.tif")} == {"day1-bird.jpg.tif", "day2-bird.jpg.tif"}
    months = []
    for name in ("day1-bird.jpg", "day2-bird.jpg"):
        with rasterio.open(out / f"{name}.tif") as tiff:
            months.append(json.loads(tiff.tags()["sources"]).get("month"))
    assert months == [None, "7"]
    photos = {row["photo"] for row in csv.DictReader((out / "located.csv").open())}
    assert photos == {str(trip / folder / "bird.jpg") for folder in ("day1", "day2")}
