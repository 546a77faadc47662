"""The verbs that build, describe and check datasets, asked from Python and by the command line."""

import dataclasses
import json
import shlex
from pathlib import Path

import pytest
from camtrap_packages import contents
from small_birds import write_photos

from birdsat.cli.main import main
from birdsat.cli.parse import parse
from birdsat.dataset.manifest import load_manifest
from birdsat.errors import ConfigError
from birdsat.progress import Quiet
from birdsat.workflows.build_dataset import build_dataset
from birdsat.workflows.check_dataset import check_dataset
from birdsat.workflows.describe_dataset import describe_dataset
from birdsat.workflows.random_chips import random_chips
from birdsat.workflows.registry import VERBS
from birdsat.workflows.requests.datasets import (
    BuildDatasetRequest,
    CheckDatasetRequest,
    DescribeDatasetRequest,
    RandomChipsRequest,
    VirtualDatasetRequest,
)
from birdsat.workflows.requests.request import Request
from birdsat.workflows.virtual_dataset import virtual_dataset


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two birds of two species, with a blank in the folder's name."""
    folder = tmp_path / "two birds"
    write_photos(folder, 2)
    (folder / "birds.csv").write_text("photo,species\n0.jpg,Parus major\n1.jpg,Apus apus\n")
    return folder / "birds.csv"


def asked(command: str) -> Request:
    """The request that a recorded command makes."""
    program, group, verb, *words = shlex.split(command)
    assert program == "birdsat"
    return parse(VERBS[f"{group} {verb}"].request, words, "birdsat")


@pytest.mark.parametrize(
    ("verb", "request_"),
    [
        ("data build", BuildDatasetRequest(out="a b", table="it's.csv", columns=["taxon=bird name", "lon=x"])),
        (
            "data build",
            BuildDatasetRequest(out="o", table="-t.csv", chips="a.tif", chip_km=[1, 2.5], stretch=(-10, 3e3)),
        ),
        (
            "data build",
            BuildDatasetRequest(out="o", collection="inat2021", folder="f g", mini=True, max_uncertainty_km=9),
        ),
        ("data build", BuildDatasetRequest(out="o", table="t", title="-10 degrees", licence="CC BY 4.0", seed=3)),
        ("data chips", RandomChipsRequest(out="o", imagery="m.tif", chip_km=50, box="-20,-30,10,5.5", land_only=True)),
        ("data virtual", VirtualDatasetRequest(out="o", observations=9, chip_km=(20, 40), block_km=100, workers=0)),
    ],
)
def test_the_recorded_command_asks_the_same_again(verb: str, request_: Request) -> None:
    assert asked(request_.command(verb)) == request_


def test_the_card_has_the_command_whether_it_was_asked_by_words_or_from_python(table: Path, tmp_path: Path) -> None:
    request = BuildDatasetRequest(out=tmp_path / "out put", table=str(table), workers=0, val_fraction=0)
    result = build_dataset(request)
    assert asked(result.manifest.command) == request
    assert f"```\n{result.manifest.command}\n```" in (tmp_path / "out put/README.md").read_text()
    words = ["data", "build", str(tmp_path / "again"), "--table", str(table), "--workers", "0"]
    main(words)
    assert shlex.split(load_manifest(tmp_path / "again").command) == ["birdsat", *words]


def test_a_dataset_is_described_by_what_was_built(table: Path, tmp_path: Path) -> None:
    built = build_dataset(BuildDatasetRequest(out=tmp_path / "out", table=table, workers=0))
    described = describe_dataset(DescribeDatasetRequest(dataset=str(tmp_path / "out")))
    assert described == built
    assert built.manifest.title == "out" and built.manifest.sources == (str(table),)
    assert all(path.is_file() for path in built.files) and len(built.files) > 2
    assert json.loads(json.dumps(built.to_dict()))["manifest"]["command"] == built.manifest.command


def test_progress_is_told_of_rows_and_shards(table: Path, tmp_path: Path) -> None:
    class Heard(Quiet):
        titles: list[str] = []  # noqa: RUF012 - of this test alone

        def bar(self, title: str, *given: object, **settings: object):  # type: ignore[no-untyped-def,override]
            self.titles.append(title)
            return super().bar(title)

    build_dataset(BuildDatasetRequest(out=tmp_path / "out", table=table, workers=0), heard := Heard())
    check_dataset(CheckDatasetRequest(dataset=tmp_path / "out", workers=0), heard)
    assert heard.titles == ["reading rows", "building", "checking"]


def test_what_is_wrong_with_a_dataset_is_in_the_report_and_the_command_line_ends_with_1(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_dataset(BuildDatasetRequest(out=tmp_path / "out", table=table, workers=0))
    check = CheckDatasetRequest(dataset=tmp_path / "out", workers=0)
    assert check_dataset(check).ok
    (tmp_path / "out/stray.parquet").touch()
    result = check_dataset(check)
    assert not result.ok and result.to_dict()["problems"] == ("stray.parquet: not in the manifest",)
    with pytest.raises(SystemExit) as ended:
        main(["data", "check", str(tmp_path / "out"), "--workers", "0"])
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert "decoded 2 photos and 0 chips" in printed and "stray.parquet: not in the manifest\n1 problems" in printed


def test_a_collection_is_built_by_its_name(table: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_photos(photos.parent / "photos", 0)
    write_photos(photos / "A_b", 3)
    result = build_dataset(
        BuildDatasetRequest(out=tmp_path / "out", collection="image_folder", folder=photos, workers=0)
    )
    assert result.manifest.rows() == 3 and result.manifest.sources == (str(photos),)


def test_photos_of_a_camera_trap_package_are_taken_from_its_folder(tmp_path: Path) -> None:
    package = tmp_path / "package"
    write_photos(package.parent / "package", 2)
    (package / "media").mkdir()
    (package / "0.jpg").rename(package / "media/1.jpg")
    for name, data in contents().items():
        (package / name).write_bytes(data)
    for given in (package, package / "datapackage.json"):
        out = tmp_path / f"from {given.stem}"
        manifest = build_dataset(BuildDatasetRequest(out=out, table=given, workers=0, val_fraction=0)).manifest
        counts = [manifest.split_counts(split) for split in ("train", "val", "test")]
        assert sum(count.photos for count in counts) == 1
        assert {"not an animal: human", "not an animal: blank"} <= {count.name for count in manifest.dropped}


def test_the_virtual_world_and_random_chips_say_how_they_were_made(tmp_path: Path) -> None:
    world = VirtualDatasetRequest(out=tmp_path / "world", observations=20, workers=0)
    chips = RandomChipsRequest(
        out=tmp_path / "chips", imagery="virtual:1", chip_km=50, count=3, workers=0, box="-20,-30,10,5"
    )
    assert asked(virtual_dataset(world).manifest.command) == world
    made = random_chips(chips).manifest
    assert asked(made.command) == chips and made.rows() == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give either a table or a collection: one source of observations. (--table, --collection)"),
        (["--table", "t.csv", "--collection", "cub", "--folder", "f"], "(--table, --collection)"),
        (["--collection", "cub"], "collection and folder go together"),
        (
            ["--table", "t.csv", "--crop"],
            "crop can be used with the collection cub or nabirds only; leave it out. (--crop)",
        ),
        (
            ["--collection", "image_folder", "--folder", "f", "--crop"],
            "crop can be used with the collection cub or nabirds only; leave it out. (--crop)",
        ),
        (
            ["--collection", "cub", "--folder", "cub", "--photos", "p", "--columns", "taxon=x"],
            "photos and columns can be used with a table only; leave it out. (--photos, --columns)",
        ),
        (
            ["--table", "t.csv", "--chip-km", "5"],
            "chip_km can be used with chips or the collection birdsat_release only; leave it out. (--chip-km)",
        ),
        (
            ["--table", "t.csv", "--stretch", "0", "3000"],
            "stretch can be used with chips only; leave it out. (--stretch)",
        ),
        (["--collection", "cub", "--folder", "f", "--mini"], "the collection inat2021 only"),
        (
            ["--collection", "cub", "--folder", "f", "--max-uncertainty-km", "3"],
            "the collection birdsat_release or inat2021 only",
        ),
        (["--collection", "cub", "--folder", "f", "--level", "species"], "the collection nabirds only"),
        (["--collection", "nabirds", "--folder", "f", "--level", "genus"], "level is 'genus'; allowed: 'category', 's"),
        (
            ["--collection", "birdsat_release", "--folder", "f", "--chip-km", "1", "2"],
            "one ground size; give one. (--chip",
        ),
    ],
)
def test_settings_that_would_be_passed_over_or_cannot_be_are_refused_by_their_options(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", "build", str(tmp_path / "out"), *words])
    assert ended.value.code == 1
    assert said in " ".join(capsys.readouterr().err.split())


def test_messages_in_python_name_no_option() -> None:
    for settings in ({}, {"collection": "cub"}, {"table": "t", "stretch": (0, 1)}):
        with pytest.raises(ConfigError) as refused:
            BuildDatasetRequest(out="out", **settings)  # type: ignore[arg-type]
        assert "--" not in str(refused.value)


def test_a_request_holds_what_it_was_given_in_plain_types() -> None:
    request = BuildDatasetRequest(out="out", table="t.csv", chips="a.tif", chip_km=5)
    assert (request.out, request.table, request.chip_km) == (Path("out"), Path("t.csv"), (5,))
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.seed = 1  # type: ignore[misc]
