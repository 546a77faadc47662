"""Reading runs back, whole and damaged."""

import dataclasses
import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from birdsat import config as config_files
from birdsat.dataset.row_groups import Dataset
from birdsat.errors import BirdsatWarning, CheckpointError, ConfigError
from birdsat.files import new_temporary
from birdsat.training import run_folder
from birdsat.training.config import RunConfig
from birdsat.training.metrics import read_metrics
from birdsat.training.run_folder import (
    CONFIG_FILE,
    DATASET_FILE,
    LAST_CHECKPOINT,
    MODEL_FILE,
    DatasetFacts,
    dataset_facts,
    is_finished,
    load_run,
    prepare_folder,
    save_weights,
)


@pytest.fixture
def run(config: RunConfig, dataset: Dataset, tmp_path: Path) -> Path:
    path = tmp_path / "run"
    prepare_folder(path, config, dataset_facts(dataset.manifest), resume=False)
    save_weights(config.method.build(), path / MODEL_FILE, {"step": "12"})
    return path


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_run_killed_while_its_first_files_were_written_is_taken_up(
    config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    path, usual, left = tmp_path / "run", run_folder.config_files.save, [written]

    def killed(*given: object) -> None:
        if left[0] == 0:
            new_temporary(path / CONFIG_FILE)  # what it was at
            raise KeyboardInterrupt
        left[0] -= 1
        usual(*given)

    facts = dataset_facts(dataset.manifest)
    with monkeypatch.context() as patch:
        patch.setattr(run_folder.config_files, "save", killed)
        with nullcontext() if written == 2 else pytest.raises(KeyboardInterrupt):
            prepare_folder(path, config, facts, resume=False)
    for resume in (True, False):
        prepare_folder(path, config, facts, resume=resume)
    assert (path / CONFIG_FILE).is_file() and (path / DATASET_FILE).is_file()


def test_a_folder_with_a_file_of_somebody_else_is_refused(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(ConfigError, match="not a training run"):
        prepare_folder(tmp_path, config, dataset_facts(dataset.manifest), resume=True)


def test_a_run_reads_back_as_it_was_written(run: Path, config: RunConfig) -> None:
    state = torch.get_rng_state()
    read = load_run(run)
    assert torch.equal(torch.get_rng_state(), state)
    assert read.config == config
    assert read.taxa == ("Corvus corax", "Pica pica")
    assert (read.chip_ground_km, read.chip_px, read.photo_px) == ((5.0,), 16, 16)
    assert not read.method.training
    written = load_file(run / MODEL_FILE)
    assert all(torch.equal(value, written[name]) for name, value in read.method.state_dict().items())


def test_a_run_without_chips_has_no_chip_size(run: Path) -> None:
    facts = config_files.load(DatasetFacts, run / DATASET_FILE)
    config_files.save(dataclasses.replace(facts, chip_ground_km=(), chip_px=None), run / DATASET_FILE)
    with pytest.raises(CheckpointError, match="without chips"):
        _ = load_run(run).chip_ground_km


@pytest.mark.parametrize(("written", "read"), [(None, ()), (5.0, (5.0,)), ([1.0, 4.0], (1.0, 4.0))])
def test_the_ground_size_in_a_run_of_an_earlier_version_is_read(
    run: Path, written: object, read: tuple[float, ...]
) -> None:
    facts = json.loads((run / DATASET_FILE).read_text())
    (run / DATASET_FILE).write_text(json.dumps(facts | {"chip_ground_km": written}))
    assert load_run(run).dataset.chip_ground_km == read


def test_a_run_of_an_earlier_version_can_be_resumed(run: Path, config: RunConfig, dataset: Dataset) -> None:
    facts = json.loads((run / DATASET_FILE).read_text())
    (run / DATASET_FILE).write_text(json.dumps(facts | {"chip_ground_km": 5.0}))
    prepare_folder(run, config, dataset_facts(dataset.manifest), resume=True)
    (run / DATASET_FILE).write_text(json.dumps(facts | {"chip_ground_km": 6.0}))
    with pytest.raises(ConfigError, match=r"chip_ground_km is \[5.0\], was \[6.0\]"):
        prepare_folder(run, config, dataset_facts(dataset.manifest), resume=True)


OFTEN = {"log_every": 1, "val_every": 1, "checkpoint_every": 1, "workers": 1}


def test_settings_that_change_no_gradient_may_change_and_are_written_down(
    run: Path, config: RunConfig, dataset: Dataset
) -> None:
    (run / MODEL_FILE).unlink()
    (run / LAST_CHECKPOINT).touch()
    changed = dataclasses.replace(config, **OFTEN)
    prepare_folder(run, changed, dataset_facts(dataset.manifest), resume=True)
    assert config_files.load(RunConfig, run / CONFIG_FILE) == changed
    with pytest.raises(ConfigError, match="seed is 5, was 0"):
        prepare_folder(
            run, dataclasses.replace(config, seed=5, log_every=3), dataset_facts(dataset.manifest), resume=True
        )
    assert config_files.load(RunConfig, run / CONFIG_FILE) == changed


def test_a_finished_run_keeps_the_settings_that_it_had(run: Path, config: RunConfig, dataset: Dataset) -> None:
    prepare_folder(run, dataclasses.replace(config, **OFTEN), dataset_facts(dataset.manifest), resume=True)
    assert config_files.load(RunConfig, run / CONFIG_FILE) == config
    assert is_finished(run, config)


def test_steps_may_grow_where_there_is_a_checkpoint_and_never_shrink(
    run: Path, config: RunConfig, dataset: Dataset
) -> None:
    facts, grown = dataset_facts(dataset.manifest), dataclasses.replace(config, steps=20)
    with pytest.raises(
        ConfigError, match=r"12 steps and has no checkpoint \(checkpoints/last.ckpt\) to go on from to 20"
    ):
        prepare_folder(run, grown, facts, resume=True)
    assert is_finished(run, config) and not is_finished(run, grown)
    (run / LAST_CHECKPOINT).touch()
    with pytest.warns(BirdsatWarning, match="goes on to 20 steps, 12 before"):
        prepare_folder(run, grown, facts, resume=True)
    assert not (run / MODEL_FILE).exists()  # it is unfinished now
    assert config_files.load(RunConfig, run / CONFIG_FILE) == grown
    with pytest.raises(ConfigError, match="steps is 12, was 20"):
        prepare_folder(run, config, facts, resume=True)


def remove(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def cut_short(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:100]) and None


def change_tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def act(run: Path) -> None:
        tensors = load_file(run / MODEL_FILE)
        change(tensors)
        save_file(tensors, run / MODEL_FILE)

    return act


def unfinished(run: Path) -> None:
    (run / MODEL_FILE).unlink()
    (run / LAST_CHECKPOINT).touch()


def wider(run: Path) -> None:
    config = config_files.load(RunConfig, run / CONFIG_FILE)
    photo = config.method.photo
    photo = dataclasses.replace(photo, decoder=dataclasses.replace(photo.decoder, width=32))
    method = dataclasses.replace(config.method, photo=photo)
    config_files.save(dataclasses.replace(config, method=method), run / CONFIG_FILE)


def unknown_setting(run: Path) -> None:
    settings = json.loads((run / CONFIG_FILE).read_text())
    (run / CONFIG_FILE).write_text(json.dumps(settings | {"warp": 9}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove(CONFIG_FILE), "not a training run.*birdsat pretrain"),
        (remove(DATASET_FILE), "has no dataset.json"),
        (remove(MODEL_FILE), "unfinished.*train it again with `birdsat pretrain`"),
        (unfinished, "unfinished.*resume it with `birdsat pretrain`"),
        (cut_short(CONFIG_FILE), "config.json is not JSON.*train the run again"),
        (cut_short(MODEL_FILE), "model.safetensors cannot be read as safetensors"),
        (unknown_setting, "unknown setting.*warp"),
        (change_tensors(lambda tensors: tensors.pop("log_scale")), "another model than the CveMae.*lacks log_scale"),
        (change_tensors(lambda tensors: tensors.update(queue=torch.zeros(1))), "has unknown queue"),
        (change_tensors(lambda tensors: tensors.update(log_scale=torch.zeros(()).half())), "log_scale.*float16"),
        (wider, "another size.*but config.json asks for .*32"),
    ],
)
def test_a_damaged_run_is_refused_with_a_remedy(run: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(run)
    with pytest.raises(CheckpointError, match=message):
        load_run(run)


def test_a_metrics_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "split": "train"}\n{"step": 2, "spl')
    assert read_metrics(tmp_path) == [{"step": 1, "split": "train"}]
