"""`birdsat pretrain`: recipes by name and file, single settings, resuming with others."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_runs import CROSS_VIEW, PX, make_run
from recorded import RecordedProgress

from birdsat import config as config_files
from birdsat.cli.main import main
from birdsat.dataset.views import ViewsConfig
from birdsat.errors import ConfigError
from birdsat.recipes.registry import recipe
from birdsat.training import pretrain as training
from birdsat.training.config import RunConfig
from birdsat.training.optimiser import OptimiserConfig
from birdsat.training.run_folder import MODEL_FILE, Run, load_run
from birdsat.workflows import pretrain as workflow
from birdsat.workflows.pretrain import pretrain, run_config
from birdsat.workflows.requests.training import PretrainRequest


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A recipe of a second, as a file."""
    views = ViewsConfig(photo_px=PX, chip_px=PX)
    optimiser = OptimiserConfig(muon_lr=3e-3)
    run = RunConfig(method=CROSS_VIEW, views=views, optimiser=optimiser, batch_size=2, steps=2, workers=0)
    config_files.save(run, tmp_path / "small.json")
    return tmp_path / "small.json"


def asked(**settings: Any) -> RunConfig:
    return run_config(PretrainRequest(dataset="data", run="run", **settings))


def test_a_run_s_config_json_is_a_recipe_that_gives_the_same_run(small: Path, dataset: Path, tmp_path: Path) -> None:
    words = ["--recipe", str(small), "--set", "optimiser.betas=0.9,0.99", "method.photo.mask_ratio=0.5"]
    main(["pretrain", str(dataset), str(tmp_path / "first"), *words])
    first = load_run(tmp_path / "first")
    assert first.config.optimiser.betas == (0.9, 0.99) and first.config.method.photo.mask_ratio == 0.5
    main(["pretrain", str(dataset), str(tmp_path / "again"), "--recipe", str(tmp_path / "first" / "config.json")])
    assert (tmp_path / "again" / "config.json").read_text() == (tmp_path / "first" / "config.json").read_text()
    assert (tmp_path / "again" / MODEL_FILE).stat().st_size == (tmp_path / "first" / MODEL_FILE).stat().st_size


def test_settings_are_the_same_from_words_and_from_values() -> None:
    words = asked(set=["optimiser.lr=1e-4", "compile=true", "method.photo.mask_ratio=0.7"])
    values = asked(set={"optimiser.lr": 1e-4, "compile": True, "method.photo.mask_ratio": 0.7})
    assert words == values != asked()
    assert (words.optimiser.lr, words.compile, words.method.photo.mask_ratio) == (1e-4, True, 0.7)
    assert words.optimiser.muon_lr == asked().optimiser.muon_lr  # only the shortcut lr changes both


def test_shortcuts_stand_for_settings_and_lr_takes_that_of_muon_with_it() -> None:
    usual = recipe("cve_mae_tiny")
    made = asked(lr=1e-3, steps=7, seed=3, freeze_chips=True, start_from="runs/chips")
    assert (made.optimiser.lr, made.steps, made.seed, made.start_from) == (1e-3, 7, 3, (Path("runs/chips"),))
    assert made.optimiser.muon_lr == pytest.approx(usual.optimiser.muon_lr / 2)
    assert made.method.chips_are_frozen and not usual.method.chips_are_frozen


@pytest.mark.parametrize(
    ("shortcut", "setting"),
    [
        ({"lr": 1e-3}, "optimiser.lr=1e-3"),
        ({"steps": 3}, "steps=3"),
        ({"precision": "32"}, "precision=32"),
        ({"freeze_chips": True}, "method.chip_encoder_frozen=true"),
    ],
)
def test_a_setting_that_is_given_in_two_ways_is_refused(shortcut: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigError, match="given in two ways") as refused:
        asked(set=setting, **shortcut)
    assert refused.value.settings == (next(iter(shortcut)), "set")


def test_a_typing_error_is_one_line_with_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["--set", "optimizer.lr=1"], "nearest: 'optimiser.lr'. `birdsat recipes NAME` shows all. (--set)\n"),
        (["--set", "steps=3", "--steps", "4"], "steps is given in two ways; leave one of them out. (--steps, --set)\n"),
        (["--set", "steps"], "'steps' is not a setting; write PATH=VALUE, such as optimiser.lr=1e-3. (--set)\n"),
        (["--recipe", "none.json"], "none.json cannot be read"),
        (["--recipe", "cve_mae_tiney"], "recipe is 'cve_mae_tiney'; nearest: 'cve_mae_tiny'"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["pretrain", "no-data", "no-run", *words])
        assert ended.value.code == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("given", [{"steps": 0}, {"lr": -1.0}, {"batch_size": 0}, {"workers": -1}])
def test_a_value_that_is_not_possible_names_its_own_setting(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="allowed") as raised:
        run_config(PretrainRequest(dataset="data", run="run", seed=1, **given))
    assert raised.value.settings == tuple(given)


def test_the_command_of_a_request_asks_the_same(small: Path) -> None:
    request = PretrainRequest(dataset="my data", run="run", recipe=small, set={"optimiser.betas": (0.9, 0.99)}, lr=1e-3)
    words = shlex.split(request.command("pretrain"))
    assert words[:4] == ["birdsat", "pretrain", "my data", "run"]
    assert words[words.index("--set") + 1] == "optimiser.betas=[0.9, 0.99]"
    again = PretrainRequest(
        dataset="my data", run="run", recipe=str(small), set=["optimiser.betas=[0.9, 0.99]"], lr=1e-3
    )
    assert run_config(again) == run_config(request)


def test_a_finished_run_whose_steps_grow_goes_on_and_says_so(small: Path, dataset: Path, tmp_path: Path) -> None:
    def train(**settings: Any) -> Run:
        request = PretrainRequest(dataset=dataset, run=tmp_path / "run", recipe=small, **settings)
        return pretrain(request, progress).run

    progress = RecordedProgress()
    assert train().config.steps == 2
    grown = train(resume=True, steps=4)
    assert grown.config.steps == json.loads((tmp_path / "run" / "config.json").read_text())["steps"] == 4
    (said,) = [note for note in progress.notes if "goes on to 4 steps" in note]
    assert "2 before" in said


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_only_the_first_embeds_and_speaks(
    rank: int, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "taxa.parquet").unlink()
    config_files.save(replace(load_run(folder).config, workers=0), tmp_path / "recipe.json")
    monkeypatch.setattr(training, "pretrain", lambda config, dataset, out, **_: load_run(out))
    monkeypatch.setattr(workflow, "process_rank", lambda: rank)
    main(["pretrain", str(dataset), str(folder), "--recipe", str(tmp_path / "recipe.json")])
    assert (folder / "taxa.parquet").exists() == (rank == 0)
    assert capsys.readouterr().out == (f"trained: {folder}\n" if rank == 0 else "")


def test_frozen_chips_of_random_weights_are_noted(small: Path, dataset: Path, tmp_path: Path) -> None:
    progress = RecordedProgress()
    request = PretrainRequest(dataset=dataset, run=tmp_path / "run", recipe=small, freeze_chips=True, steps=1)
    pretrain(request, progress)
    assert any("frozen at random weights" in note for note in progress.notes)


def test_a_run_that_is_resumed_without_a_recipe_goes_on_with_its_own_settings(
    small: Path, dataset: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    main(["pretrain", str(dataset), str(run), "--recipe", str(small)])
    main(["pretrain", str(dataset), str(run), "--resume", "--steps", "4"])
    grown = load_run(run).config
    assert (grown.steps, grown.batch_size, grown.method.photo.encoder) == (4, 2, CROSS_VIEW.photo.encoder)
