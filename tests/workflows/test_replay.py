"""`birdsat replay`: a run made again by its run.json, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest
from made_runs import CROSS_VIEW, PX, make_dataset, make_run, rows
from recorded import RecordedProgress

from birdsat import config as config_files
from birdsat.cli.main import main
from birdsat.dataset.views import ViewsConfig
from birdsat.errors import CheckpointError, ConfigError
from birdsat.methods.classifier import ClassifierConfig
from birdsat.training.config import RunConfig
from birdsat.training.manifest import RUN_FILE, load_run_manifest
from birdsat.training.run_folder import MODEL_FILE
from birdsat.workflows.replay import replay
from birdsat.workflows.requests.training import ReplayRequest


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of a second, as a file."""
    config = RunConfig(
        method=CROSS_VIEW, views=ViewsConfig(photo_px=PX, chip_px=PX), batch_size=4, steps=3, workers=0, seed=5
    )
    path = tmp_path_factory.mktemp("recipe") / "small.json"
    config_files.save(config, path)
    return path


@pytest.fixture(scope="module")
def trained(small: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read it, and write in a copy."""
    out = tmp_path_factory.mktemp("runs") / "first"
    main(["pretrain", str(dataset), str(out), "--recipe", str(small)])
    return out


def test_a_run_says_by_which_command_recipe_versions_and_data_it_was_made(
    trained: Path, small: Path, dataset: Path
) -> None:
    written = json.loads((trained / RUN_FILE).read_text())
    assert written["recipe"] == str(small)
    (session,) = written["sessions"]
    assert session["command"] == f"birdsat pretrain {dataset} {trained} --recipe {small}"
    assert session["steps"] == 3 and not session["resumed"] and session["device"]
    assert all(session[name] for name in ("birdsat", "torch", "python", "system"))
    manifest = json.loads((dataset / "manifest.json").read_text())
    assert written["dataset"]["fingerprint"] == manifest["fingerprint"]
    assert [taxon["name"] for taxon in written["dataset"]["taxa"]] == [taxon["name"] for taxon in manifest["taxa"]]
    assert written["started_from"] == []


def test_a_replay_has_the_same_weights_to_the_byte(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["replay", str(trained), str(tmp_path / "again")])
    assert (tmp_path / "again" / MODEL_FILE).read_bytes() == (trained / MODEL_FILE).read_bytes()
    assert capsys.readouterr().out == f"the same weights as {trained}: {tmp_path / 'again'}\n"
    # and of the replay, which says the same of itself
    assert load_run_manifest(tmp_path / "again").dataset == load_run_manifest(trained).dataset


def test_a_replay_of_other_weights_says_so(trained: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(trained, tmp_path / "changed")
    make_run(tmp_path / "random")
    shutil.copy(tmp_path / "random" / MODEL_FILE, changed / MODEL_FILE)
    assert replay(ReplayRequest(run=changed, out=tmp_path / "again")).same is False


def test_a_classifier_is_made_again_with_its_temperature_from_the_run_that_it_started_from(
    trained: Path, dataset: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    recipe = tmp_path / "classifier.json"
    config_files.save(
        RunConfig(
            method=ClassifierConfig(backbone=CROSS_VIEW), views=ViewsConfig(photo_px=PX, chip_px=PX, photo_views=1),
            batch_size=4, steps=2, workers=0,
        ),
        recipe,
    )  # fmt: skip
    words = ["--mode", "finetune", "--recipe", str(recipe), "--out", str(tmp_path / "classifier")]
    main(["classify", str(run), str(dataset), *words])
    (before,) = load_run_manifest(tmp_path / "classifier").started_from
    assert before.run == str(run)
    shutil.move(run, tmp_path / "moved")
    asked = {"run": tmp_path / "classifier", "out": tmp_path / "again"}
    with pytest.raises(ConfigError, match="started from cannot be read") as refused:
        replay(ReplayRequest(**asked))
    assert refused.value.settings == ("start_from",)
    result = replay(ReplayRequest(**asked, start_from=tmp_path / "moved"))
    assert result.same
    assert (tmp_path / "again" / MODEL_FILE).read_bytes() == (tmp_path / "classifier" / MODEL_FILE).read_bytes()
    other = make_run(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"started from weights .* and .*other has"):
        replay(ReplayRequest(run=tmp_path / "classifier", out=tmp_path / "third", start_from=other))


def test_another_dataset_is_refused_or_noted(trained: Path, tmp_path: Path) -> None:
    other = make_dataset(tmp_path / "other", rows(["train"] * 12)).folder
    asked = {"run": trained, "out": tmp_path / "again", "dataset": other}
    with pytest.raises(ConfigError, match=r"is not the dataset that .* learned from") as refused:
        replay(ReplayRequest(**asked))
    assert refused.value.settings == ("dataset", "other_data") and not (tmp_path / "again").exists()
    progress = RecordedProgress()
    assert replay(ReplayRequest(**asked, other_data=True), progress).same is False
    assert any("The weights will be others." in note for note in progress.notes)


def test_a_dataset_that_is_gone_is_asked_for_by_how_it_was_built(trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    written = json.loads((run / RUN_FILE).read_text())
    written["dataset"] |= {"folder": "nowhere", "command": "birdsat data build nowhere"}
    (run / RUN_FILE).write_text(json.dumps(written))
    with pytest.raises(ConfigError, match=r"not at nowhere any more; .*built by `birdsat data build nowhere`"):
        replay(ReplayRequest(run=run, out=tmp_path / "again"))


def test_other_versions_and_steps_that_grew_are_noted(trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    written = json.loads((run / RUN_FILE).read_text())
    first = written["sessions"][0] | {"torch": "1.0"}
    written["sessions"] = [first | {"steps": 2}, first | {"resumed": True}]
    (run / RUN_FILE).write_text(json.dumps(written))
    progress = RecordedProgress()
    assert replay(ReplayRequest(run=run, out=tmp_path / "again"), progress).same
    assert any("torch 1.0 (now " in note for note in progress.notes)
    assert any("was trained in 2 sessions" in note for note in progress.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.unlink(), "it has no run.json, as of an earlier birdsat; `birdsat pretrain DATASET NEW"),
        (lambda path: path.write_text("{"), "run.json is damaged"),
        (lambda path: path.write_text(path.read_text().replace('"Corvus corax"', '""')), "run.json is damaged"),
        (lambda path: path.write_text(path.read_text().replace('"steps": 3', '"steps": "3"')), "run.json is damaged"),
        (lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | {"sessions": []})), "has no session"),
        (lambda path: path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 9')), "newer"),
        (lambda path: path.write_text(path.read_text().replace('"sessions"', '"seasons"')), "newer birdsat"),
    ],
)
def test_a_run_that_does_not_say_how_it_was_made_is_refused(trained: Path, tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    run = shutil.copytree(trained, tmp_path / "run")
    change(run / RUN_FILE)
    with pytest.raises(CheckpointError, match=said):
        replay(ReplayRequest(run=run, out=tmp_path / "again"))


def test_a_run_that_goes_on_keeps_its_first_session_and_adds_another(
    trained: Path, dataset: Path, small: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    main(["pretrain", str(dataset), str(run), "--resume", "--steps", "4"])
    sessions = load_run_manifest(run).sessions
    assert [(session.steps, session.resumed) for session in sessions] == [(3, False), (4, True)]
    assert "--resume" in sessions[1].command and not load_run_manifest(run).is_whole
