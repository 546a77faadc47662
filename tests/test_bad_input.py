"""Bad input of every kind, through the command line: one line, which says what is wrong and what to do.

docs/errors.md lists the same. Folders are those of tests/data/release_0_1 and a range model of a tiny world, edited.
"""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_world import TinyWorld

import birdsat
from birdsat.cli.main import main
from birdsat.dataset.manifest import PLAN_FILE
from birdsat.errors import BirdsatError, ImageError

GOOD = Path(__file__).parent / "data" / "release_0_1"
FOLDERS = {kind: GOOD / kind for kind in ("run", "region", "dataset")}
PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
# What each kind of folder is: the file that says what it is, and what makes it.
KINDS = {
    "run": ("config.json", "birdsat pretrain", "train the run again"),
    "region": ("region.json", "birdsat embed", "embed the region again"),
    "dataset": ("manifest.json", "birdsat data build", "build the dataset again"),
    "ranges": ("ranges.json", "birdsat fit", "fit it again"),
}
CALLED = {"run": "training run", "region": "region", "dataset": "dataset", "ranges": "range model"}


@pytest.fixture(scope="module", autouse=True)
def range_model(tiny_world: TinyWorld) -> None:
    """Of this release: an earlier one's is to be fitted again."""
    FOLDERS["ranges"] = tiny_world.ranges


def said(capsys: pytest.CaptureFixture[str], *words: object, status: int = 1) -> str:
    """What the command line prints of a command that cannot be done: one line."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == status
    error = capsys.readouterr().err
    assert error.startswith("birdsat: ") and error.count("\n") == 1
    return error.removeprefix("birdsat: ").strip()


def asking_for(kind: str, folder: Path, out: Path) -> tuple[object, ...]:
    """A command that opens a folder of this kind."""
    photo = out / "bird.jpg"
    PHOTO.save(photo)
    return {
        "run": ("locate", folder, photo, "--region", GOOD / "region"),
        "region": ("map", "Corvus corax", "--run", GOOD / "run", "--region", folder, "--out", out / "maps"),
        "dataset": ("data", "info", folder),
        "ranges": ("richness", folder, "--region", GOOD / "region", "--out", out / "maps"),
    }[kind]


def edited(kind: str, tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a folder whose settings file was changed."""
    folder = shutil.copytree(FOLDERS[kind], tmp_path / kind)
    path = folder / KINDS[kind][0]
    settings = json.loads(path.read_text())
    edit(settings)
    path.write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_not_of_the_kind_says_what_it_lacks_and_what_makes_one(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "holiday"
    other.mkdir()
    (other / "notes.txt").write_text("not ours")
    marker, command, _ = KINDS[kind]
    error = said(capsys, *asking_for(kind, other, tmp_path))
    assert f"{other} is not a {CALLED[kind]}: it has no {marker}." in error and f"`{command}" in error
    with pytest.raises(BirdsatError, match="holiday is neither a run, a range model, a region nor a dataset"):
        birdsat.load(other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_does_not_exist_is_said_not_to(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = said(capsys, *asking_for(kind, tmp_path / "nowhere", tmp_path))
    assert "nowhere" in error and "it does not exist" in error


@pytest.mark.parametrize(
    ("kind", "gone", "left", "message"),
    [
        ("run", "model.safetensors", "checkpoints/last.ckpt", "is unfinished.*resume it with `birdsat pretrain`"),
        ("region", "region.json", "embedding.json", "is half embedded.*Run the same `birdsat embed` again; it cont"),
        ("dataset", "manifest.json", PLAN_FILE, "is half built.*Run the same `birdsat data build` again; it cont"),
        ("ranges", "ranges.json", "ranges.safetensors", "is half written.*Fit it again with `birdsat fit`"),
    ],
)
def test_a_half_written_folder_says_how_to_go_on(
    kind: str, gone: str, left: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(FOLDERS[kind], tmp_path / kind)
    (folder / gone).unlink()
    (folder / left).parent.mkdir(exist_ok=True)
    (folder / left).touch()
    assert re.search(message, said(capsys, *asking_for(kind, folder, tmp_path)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_with_a_setting_of_a_newer_birdsat_says_update(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = edited(kind, tmp_path, lambda settings: settings.update(warp=9))
    error = said(capsys, *asking_for(kind, folder, tmp_path))
    assert error.startswith(f"{folder} is of a newer birdsat") and "the unknown setting 'warp'" in error
    assert f"Update birdsat, or {KINDS[kind][2]}" in error
    with pytest.raises(BirdsatError, match="newer birdsat"):
        birdsat.load(folder)


@pytest.mark.parametrize("kind", ["region", "dataset", "ranges"])  # a run says no schema: its settings say all
def test_a_folder_of_a_later_schema_says_update(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = edited(kind, tmp_path, lambda settings: settings.update(schema_version=99))
    error = said(capsys, *asking_for(kind, folder, tmp_path))
    assert error.startswith(f"{folder} is of a newer birdsat") and "schema 99, and this birdsat reads up to" in error


@pytest.mark.parametrize(
    "edit",
    [
        lambda settings: settings["method"].update(kind="CveMaeTwoConfig"),
        lambda settings: settings["method"]["chip_encoder"].update(pooling="max"),
    ],
    ids=["method", "choice"],
)
def test_a_run_of_a_method_or_a_choice_that_is_not_known_here_says_update(
    edit: Callable[[dict[str, Any]], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = edited("run", tmp_path, edit)
    error = said(capsys, *asking_for("run", folder, tmp_path))
    assert error.startswith(f"{folder} is of a newer birdsat") and "Update birdsat" in error


@pytest.mark.parametrize("kind", KINDS)
def test_a_settings_file_that_was_cut_short_is_damaged_and_not_of_a_newer_birdsat(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(FOLDERS[kind], tmp_path / kind)
    path = folder / KINDS[kind][0]
    path.write_bytes(path.read_bytes()[:200])
    error = said(capsys, *asking_for(kind, folder, tmp_path))
    assert "is damaged" in error and f"{path.name} is not JSON" in error and "newer" not in error
    assert " again" in error


def a_table_of_photos(tmp_path: Path, photos: int) -> Path:
    """A CSV of photos, of which one is text under a photo's name."""
    rows = ["id,taxon,photo,lon,lat,date"]
    for number in range(photos):
        PHOTO.save(tmp_path / f"{number}.jpg")
        rows.append(f"{number},Corvus corax,{number}.jpg,{number % 10},50,2024-05-01")
    (tmp_path / "3.jpg").write_text("<html>not found</html>")
    (tmp_path / "birds.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "birds.csv"


def test_an_image_that_cannot_be_decoded_is_dropped_from_a_dataset_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = a_table_of_photos(tmp_path, 40)
    main(["data", "build", str(tmp_path / "out"), "--table", str(table), "--photos", str(tmp_path)])
    assert "photo unusable" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [(one["name"], one["rows"]) for one in manifest["dropped"]] == [("photo unusable", 1)]
    (row,) = csv.DictReader((tmp_path / "out" / "dropped.csv").read_text().splitlines())
    assert (row["id"], row["outcome"]) == ("3", "dropped") and "22 bytes beginning b'<html>no'" in row["detail"]


def test_a_photo_that_cannot_be_decoded_is_named_or_left_out_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_table_of_photos(tmp_path, 5)
    bad, good = tmp_path / "3.jpg", tmp_path / "4.jpg"
    error = said(capsys, "locate", GOOD / "run", good, bad, "--region", GOOD / "region")
    assert (
        error.startswith(f"{bad} cannot be decoded: 22 bytes beginning") and "is not an image; allowed: JPEG" in error
    )
    gone = said(capsys, "locate", GOOD / "run", tmp_path / "no.jpg", "--region", GOOD / "region")
    assert "there is not a single photo in" in gone and "no.jpg (No such file or directory); give image" in gone
    model = birdsat.load(GOOD / "run")
    assert isinstance(model, birdsat.Model)
    with pytest.raises(ImageError, match=r"3\.jpg cannot be decoded"):
        model.embed_photos([good, bad])
    with pytest.warns(birdsat.BirdsatWarning, match="1 of 2 photos could not be read; their rows are NaN"):
        vectors = model.embed_photos([good, bad], unreadable="nan")
    assert np.isfinite(vectors[0]).all() and np.isnan(vectors[1]).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "optimiser.learning_rate=1"), r"no setting 'optimiser.learning_rate'.*nearest: .*lr'.*\(--set\)"),
        (("--set", "optimiser.lr=much"), r"optimiser.lr is 'much'; a number is needed. \(--set\)"),
        (("--set", "lr"), r"'lr' is not a setting; write PATH=VALUE, such as .* \(--set\)"),
    ],
)
def test_a_setting_that_is_not_there_or_cannot_be_is_said_with_the_nearest(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("pretrain", GOOD / "dataset", tmp_path / "run", "--recipe", "mae_tiny", *words)
    assert re.search(message, said(capsys, *asked))


def test_a_recipe_that_is_not_known_is_said_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("pretrain", GOOD / "dataset", tmp_path / "run", "--recipe", "mae_tinny")
    assert re.search(r"'mae_tinny'; nearest: 'mae_tiny'.*\(--recipe\)", said(capsys, *asked))


def test_a_recipe_file_of_a_newer_birdsat_or_with_a_mistake_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = edited("run", tmp_path, lambda settings: settings.update(stepps=9)) / "config.json"
    error = said(capsys, "pretrain", GOOD / "dataset", tmp_path / "new", "--recipe", file)
    assert "recipe of a newer birdsat, or has a mistake" in error and "'stepps'; nearest: 'steps'" in error


@pytest.mark.parametrize("words", [("mapp",), ("data", "bild")])
def test_a_verb_that_is_not_known_is_said_with_the_nearest(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search("is not a verb; nearest: .*`birdsat --help` lists them", said(capsys, *words, status=2))


def test_a_dataset_whose_files_hold_other_rows_than_it_counts_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = edited("dataset", tmp_path, lambda manifest: manifest.update(shards=manifest["shards"][:1]))
    error = said(capsys, *asking_for("dataset", folder, tmp_path))
    assert "is damaged: manifest.json counts other rows of" in error


@pytest.mark.parametrize("source", ["run", "ranges"])
def test_a_taxon_that_is_not_known_is_said_with_the_nearest(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (
        "map",
        "Corvus corx",
        f"--{source}",
        FOLDERS[source],
        "--region",
        GOOD / "region",
        "--out",
        tmp_path / "out",
    )
    assert "nearest: 'Corvus corax'" in said(capsys, *asked)


def test_errors_of_every_kind_name_the_option_they_are_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = ("embed", GOOD / "run", tmp_path / "region", "--grid", "10")
    assert said(capsys, *grid, "--imagery", "virtual:x").endswith("(--imagery)")  # an InputError
    assert said(capsys, *grid, "--imagery", "virtual:0", "--box=1,2").endswith("(--box)")  # a ConfigError
    assert said(capsys, "species", FOLDERS["ranges"], "--place=200,3").endswith("(--place)")  # a PlaceError
    table = tmp_path / "t.csv"
    table.write_text("bird,lon,lat\nCorvus corax,1,2\n")
    fit = ("fit", table, "--region", GOOD / "region", "--out", tmp_path / "ranges")
    assert "its columns are bird, lon, lat" in (error := said(capsys, *fit)) and error.endswith("(--columns)")
