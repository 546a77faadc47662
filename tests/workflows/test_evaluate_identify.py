"""From a run to honest names: fitted, kept, measured, taught, reviewed."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_runs import noise
from PIL import Image
from recorded import RecordedProgress

from birdsat.cli import main
from birdsat.dataset.row_groups import Dataset
from birdsat.errors import (
    BirdsatError,
    BusyError,
    CheckpointError,
    ConfigError,
    DatasetError,
    InputError,
    PlaceError,
    UnknownTaxonError,
)
from birdsat.locks import file_lock
from birdsat.observations.photos.facts import PhotoFacts
from birdsat.tasks.identify.fit import held_out_rows
from birdsat.tasks.identify.identifier import RunIdentifier
from birdsat.tasks.identify.image_scores import open_scores
from birdsat.tasks.identify.seen import see_split
from birdsat.tasks.identify.taught import TAUGHT_FILE
from birdsat.training.run_folder import load_run
from birdsat.workflows import open_identifier
from birdsat.workflows.build_dataset import build_dataset
from birdsat.workflows.classify import classify
from birdsat.workflows.evaluate_identify import evaluate_identify
from birdsat.workflows.identify_outputs.rows import photo_rows
from birdsat.workflows.open_identifier import open_run_identifier
from birdsat.workflows.requests.datasets import BuildDatasetRequest
from birdsat.workflows.requests.identify import EvaluateIdentifyRequest, ReviewRequest, TeachRequest
from birdsat.workflows.requests.identify_options import IdentifyOptions
from birdsat.workflows.requests.tasks import ClassifyRequest
from birdsat.workflows.review import CORRECTIONS_FILE, review
from birdsat.workflows.teach import teach

QUIET = RecordedProgress()
NEW = "Turdus merula"
HERE = np.array([[-145.0, 11.0], [np.nan, np.nan], [-145.0, 1.0]])


@pytest.fixture(scope="module")
def probed(run: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world's run with a probe of its two taxa."""
    folder = tmp_path_factory.mktemp("probed") / "mine"
    shutil.copytree(run, folder)
    classify(ClassifyRequest(run=folder, dataset=dataset, mode="probe"), QUIET)
    assert open_run_identifier(IdentifyOptions(run=folder)).calibrated
    (folder / "identify.json").unlink()
    return folder


@pytest.fixture(scope="module")
def fitted(probed: Path, dataset: Path, ranges: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitted") / "mine"
    shutil.copytree(probed, folder)
    words = ("evaluate", "identify", folder, dataset, "--ranges", ranges)
    main(list(map(str, words)))
    return folder


def _views(identifier: RunIdentifier, photos: int = 3) -> np.ndarray:
    px = identifier.photo_px
    return np.random.default_rng(0).integers(0, 255, (photos, px, px, 3), dtype=np.uint8)


def _ask(identifier: RunIdentifier, readable: tuple[bool, ...] = (True, True, True)):
    return identifier(_views(identifier), HERE, [None] * 3, np.array(readable))


def test_classify_keeps_what_names_photos_and_without_a_fit_that_is_said(probed: Path) -> None:
    identifier = open_run_identifier(IdentifyOptions(run=probed))
    assert identifier.scores == "probe" and not identifier.calibrated
    assert any("not calibrated" in note for note in identifier.notes)
    answers = _ask(identifier)
    np.testing.assert_allclose(answers.image_score.sum(axis=1), 1, atol=1e-5)
    assert np.isnan(answers.known).all()
    assert set(answers.verdict) == {"not calibrated"} and answers.rolled_up == (None,) * 3
    assert answers.calibrated is not None and not answers.calibrated.any()
    first = next(photo_rows([Path("a.jpg")] * 3, [""] * 3, [PhotoFacts()] * 3, answers, {}, 5))
    assert not first.calibrated and len(first.answers) == 2 and first.rolled_up == "" and first.name == "not calibrated"


def test_what_is_fitted_is_kept_and_measured(fitted: Path, ranges: Path) -> None:
    figures = json.loads((fitted / "evaluate_identify.json").read_text())
    assert [way["name"] for way in figures["ways"]] == ["image", "image and place", "image, place and month"]
    assert {"noise", "blank sky", "satellite chips"} <= figures["gate"].keys()
    identifier = open_run_identifier(IdentifyOptions(run=fitted, ranges=ranges))
    assert identifier.calibrated and not any("not fitted" in note for note in identifier.notes)
    answers = _ask(identifier)
    assert np.isnan(answers.place_date_score[1]).all()
    np.testing.assert_array_equal(answers.score[1], answers.image_score[1])
    assert answers.calibrated is not None and answers.calibrated.all()
    np.testing.assert_allclose(answers.place_date_score[[0, 2]].sum(axis=1), 1, atol=1e-5)
    assert (answers.place_date_score[[0, 2]] > 0).all()
    assert np.isfinite(answers.known).all()
    assert answers.image_set.any(axis=1).all()


def test_the_same_photo_gets_the_same_answer_whatever_is_beside_it(fitted: Path, ranges: Path) -> None:
    identifier = open_run_identifier(IdentifyOptions(run=fitted, ranges=ranges))
    together, views = _ask(identifier), _views(identifier)
    for row in range(3):
        some = slice(row, row + 1)
        alone = identifier(views[some], HERE[some], [None], np.array([True]))
        np.testing.assert_allclose(alone.score[0], together.score[row], atol=1e-5)
        assert alone.verdict[0] == together.verdict[row]


def test_an_unreadable_photo_says_nothing(fitted: Path) -> None:
    answers = _ask(open_run_identifier(IdentifyOptions(run=fitted)), (True, False, True))
    assert np.isnan(answers.score[1]).all() and np.isnan(answers.known[1]) and not answers.answer_set[1].any()
    assert answers.rolled_up[1] is None and answers.verdict[1] == "unreadable"


def test_the_fingerprint_changes_with_what_answers_depend_on(fitted: Path, ranges: Path, tmp_path: Path) -> None:
    names = tmp_path / "expected.txt"
    names.write_text("Corvus corax\nNobody knows\n")
    options = [
        {},
        {"coverage": 0.8},
        {"sure": 0.8},
        {"gate": 1.0},
        {"ranges": ranges},
        {"expected": names},
        {"scores": "means"},
    ]
    found = {open_run_identifier(IdentifyOptions(run=fitted, **one)).fingerprint for one in options}
    assert len(found) == len(options)
    assert open_run_identifier(IdentifyOptions(run=fitted)).fingerprint in found


def test_a_list_makes_others_unexpected_and_never_impossible(fitted: Path, tmp_path: Path) -> None:
    names = tmp_path / "expected.csv"
    names.write_text("id,scientific_name\n1,Corvus corax\n2,Nobody knows\n")
    identifier = open_run_identifier(IdentifyOptions(run=fitted, expected=names))
    assert any("Nobody knows" in note for note in identifier.notes)
    answers = _ask(identifier)
    raven = answers.taxa.index("Corvus corax")
    assert answers.unexpected[:, 1 - raven].all() and not answers.unexpected[:, raven].any()
    assert (answers.score > 0).all()
    off = open_run_identifier(IdentifyOptions(run=fitted, expected=names, place_date=False))
    np.testing.assert_array_equal(_ask(off).score, _ask(off).image_score)


def test_places_on_the_runs_own_cells(fitted: Path, region: Path) -> None:
    answers = _ask(open_run_identifier(IdentifyOptions(run=fitted, region=region)))
    assert np.isfinite(answers.place_date_score[0]).all() and np.isnan(answers.place_date_score[1]).all()


def test_imagery_that_shows_nothing_there_says_nothing_and_damaged_imagery_is_an_error(
    fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(error: type[BirdsatError]) -> None:
        def embed_places(*_: object) -> None:
            raise error("of a raster")

        monkeypatch.setattr(open_identifier, "embed_places", embed_places)

    identifier = open_run_identifier(IdentifyOptions(run=fitted, imagery="virtual:3"))
    raising(PlaceError)
    assert np.isnan(_ask(identifier).place_date_score).all()
    raising(InputError)
    with pytest.raises(InputError, match="of a raster"):
        _ask(identifier)


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "newer"])
def test_a_damaged_fit_is_an_error_that_says_what_to_do(fitted: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(fitted, folder)
    text = (folder / "identify.json").read_text()
    match damage:
        case "empty":
            (folder / "identify.json").write_text("{}")
        case "cut":
            data = (folder / "identify.safetensors").read_bytes()
            (folder / "identify.safetensors").write_bytes(data[: len(data) // 2])
        case "other":
            (folder / "identify.json").write_text(text.replace('"stamp": "', '"stamp": "0'))
        case "newer":
            (folder / "identify.json").write_text(text.replace('"schema_version": 1', '"schema_version": 99'))
    with pytest.raises(CheckpointError, match="birdsat evaluate identify"):
        open_run_identifier(IdentifyOptions(run=folder))


def test_a_taught_taxon_is_named_listed_and_forgotten(fitted: Path, tmp_path: Path) -> None:
    folder, photos = tmp_path / "mine", tmp_path / "photos"
    shutil.copytree(fitted, folder)
    (photos / "Turdus_merula").mkdir(parents=True)
    for number in range(3):
        (photos / "Turdus_merula" / f"{number}.jpg").write_bytes(noise(100 + number, 30))
    (photos / "Turdus_merula" / "broken.jpg").write_bytes(b"no photo")
    before = open_run_identifier(IdentifyOptions(run=folder))
    result = teach(TeachRequest(run=folder, folder=photos), QUIET)
    assert result.photos == {NEW: 3} and result.new == (NEW,)
    after = open_run_identifier(IdentifyOptions(run=folder))
    assert after.taxa == (*before.taxa, NEW) and after.fingerprint != before.fingerprint
    answers = _ask(after)
    np.testing.assert_allclose(answers.score.sum(axis=1), 1, atol=1e-4)
    old = np.log(answers.score[:, :2])
    np.testing.assert_allclose(old[:, 0] - old[:, 1], np.diff(-np.log(_ask(before).score))[:, 0], atol=1e-3)
    untaught = open_run_identifier(IdentifyOptions(run=folder, taught=False))
    assert untaught.fingerprint == before.fingerprint
    with pytest.raises(UnknownTaxonError, match="taxa that were taught"):
        teach(TeachRequest(run=folder, remove="Corvus corax"), QUIET)
    assert teach(TeachRequest(run=folder, remove=NEW), QUIET).photos == {}
    assert open_run_identifier(IdentifyOptions(run=folder)).fingerprint == before.fingerprint


def test_taxa_are_taught_by_photos_of_a_phone_as_well(fitted: Path, tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    folder, photos = tmp_path / "mine", tmp_path / "photos" / "Turdus_merula"
    shutil.copytree(fitted, folder)
    photos.mkdir(parents=True)
    for number in range(3):
        with Image.open(io.BytesIO(noise(100 + number, 30))) as picture:
            heif.from_pillow(picture).save(photos / f"{number}.heic", quality=90)
    assert teach(TeachRequest(run=folder, folder=photos.parent), QUIET).photos == {NEW: 3}


def test_a_dataset_without_photos_of_the_taxa_is_refused(fitted: Path, dataset: Path) -> None:
    run = load_run(fitted)
    kind, scores = open_scores(run)
    nothing = see_split(run, Dataset(dataset), "train")[np.empty(0, np.int64)]
    with pytest.raises(DatasetError, match="0 train photos of taxa that the run knows"):
        held_out_rows(kind, scores, nothing, nothing)


def test_corrections_become_rows_with_who_when_and_which_file_and_are_learned_from(
    fitted: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(fitted, folder)
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(noise(number, 30))
    table = tmp_path / "said.csv"
    table.write_text("photo,taxon\n0.jpg,pica pica\n1.jpg,Turdus merula\n2.jpg,\nmissing.jpg,Pica pica\n")
    result = review(ReviewRequest(run=folder, table=table, by="Ann"), QUIET)
    assert (result.added, result.rows, result.not_birds) == (3, 3, 1)
    assert result.left_out == {"photo is not there": 1}
    rows = list(csv.DictReader(result.file.open()))
    assert [row["taxon"] for row in rows] == ["Pica pica", NEW]
    assert all(row["by"] == "Ann" and len(row["sha256"]) == 64 and row["when"] for row in rows)
    table.write_text("photo,taxon,by\n0.jpg,Corvus corax,Ben\n")
    again = review(ReviewRequest(run=folder, table=table), QUIET)
    assert again.rows == 3  # said otherwise, of the same file
    assert {row["taxon"] for row in csv.DictReader(again.file.open())} == {"Corvus corax", NEW}
    taught = teach(TeachRequest(run=folder, folder=again.file), QUIET)
    assert taught.photos == {"Corvus corax": 1, NEW: 1} and taught.new == (NEW,)
    build_dataset(
        BuildDatasetRequest(out=tmp_path / "data", table=again.file, photos=again.root, val_fraction=0.0), QUIET
    )
    manifest = Dataset(tmp_path / "data").manifest
    assert [taxon.name for taxon in manifest.taxa] == ["Corvus corax", NEW]
    assert Dataset(tmp_path / "data").rows("train") == 2
    for data in (b"\xff\xfe\x00", b"who,what\nme,bird\n", b"photo,taxon\n0.jpg," + b"x" * (1 << 18)):
        (tmp_path / "bad.csv").write_bytes(data)
        with pytest.raises(InputError, match="birdsat review"):
            teach(TeachRequest(run=folder, folder=tmp_path / "bad.csv"), QUIET)
        with pytest.raises(InputError, match="photo"):
            review(ReviewRequest(run=folder, table=tmp_path / "bad.csv"), QUIET)


def test_what_two_teach_at_once_is_not_lost(fitted: Path, tmp_path: Path) -> None:
    folder, table = tmp_path / "mine", tmp_path / "said.csv"
    shutil.copytree(fitted, folder)
    (tmp_path / "0.jpg").write_bytes(noise(0, 30))
    table.write_text("photo,taxon\n0.jpg,Pica pica\n")
    with file_lock(folder / CORRECTIONS_FILE), pytest.raises(BusyError):
        review(ReviewRequest(run=folder, table=table), QUIET)
    corrections = review(ReviewRequest(run=folder, table=table), QUIET).file
    with file_lock(folder / TAUGHT_FILE):
        with pytest.raises(BusyError):
            teach(TeachRequest(run=folder, folder=corrections), QUIET)
        assert teach(TeachRequest(run=folder, list=True), QUIET).photos == {}  # which only lists


def test_strangers_that_cannot_be_read_are_an_error(probed: Path, dataset: Path, tmp_path: Path) -> None:
    folder, strangers = tmp_path / "mine", tmp_path / "strangers"
    shutil.copytree(probed, folder)
    strangers.mkdir()
    (strangers / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(InputError, match="none of the 1 photos"):
        evaluate_identify(EvaluateIdentifyRequest(run=folder, dataset=dataset, strangers=(strangers,)), QUIET)


def test_strangers_of_two_folders_of_one_name_are_two_kinds(probed: Path, dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(probed, folder)
    both = (tmp_path / "a" / "cats", tmp_path / "b" / "cats")
    for number, one in enumerate(both, start=1):
        one.mkdir(parents=True)
        for photo in range(number):
            (one / f"{photo}.jpg").write_bytes(noise(photo, 30))
    gate = evaluate_identify(EvaluateIdentifyRequest(run=folder, dataset=dataset, strangers=both), QUIET).report.gate
    assert (gate["cats"].photos, gate[str(both[1])].photos) == (1, 2)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"coverage": 1.0}, ConfigError),
        ({"gate": 0.0}, ConfigError),
        ({"ranges": "a", "expected": "b"}, ConfigError),
        ({"scores": "classifier"}, CheckpointError),
        ({"expected": "nowhere.txt"}, InputError),
        ({"scores": "neighbours", "run": "nowhere"}, CheckpointError),
    ],
)
def test_what_cannot_be_is_said(fitted: Path, given: dict[str, object], error: type[BirdsatError]) -> None:
    with pytest.raises(error):
        open_run_identifier(IdentifyOptions(**{"run": fitted} | given))


def test_taxa_are_kept_out_and_taught(probed: Path, dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(probed, folder)
    with pytest.raises(InputError, match="at most 0"):
        evaluate_identify(EvaluateIdentifyRequest(run=folder, dataset=dataset, kept_out=1), QUIET)
