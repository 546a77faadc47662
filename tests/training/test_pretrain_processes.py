"""Training as a process: signals, a second one in the same folder, read-only disks, workers, several processes."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sessions import of_session
from small_disk import SmallDisk

from birdsat import config as config_files
from birdsat.dataset.row_groups import Dataset
from birdsat.errors import BusyError
from birdsat.locks import folder_lock
from birdsat.training.config import RunConfig
from birdsat.training.metrics import read_metrics
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import LAST_CHECKPOINT, load_run

SCRIPT = """
    import sys
    from pathlib import Path
    from birdsat import config
    from birdsat.dataset.row_groups import Dataset
    from birdsat.training.config import RunConfig
    from birdsat.training.pretrain import pretrain
    from birdsat.training.stopping import TrainingStopped

    settings, data, out = map(Path, sys.argv[1:])
    try:
        pretrain(config.load(RunConfig, settings), Dataset(data), out)
    except TrainingStopped as stopped:
        print(stopped)
        sys.exit(stopped.exit_code)
"""


def test_ctrl_c_and_sigterm_to_the_whole_process_group_save_and_exit(
    config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    never = 1_000_000
    endless = dataclasses.replace(config, steps=never, workers=2, log_every=1, val_every=never, checkpoint_every=never)
    config_files.save(endless, tmp_path / "settings.json")
    expected = {signal.SIGINT: 130, signal.SIGTERM: 143}
    runs = {number: tmp_path / number.name for number in expected}
    processes = {
        number: subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), tmp_path / "settings.json", dataset.folder, out],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        for number, out in runs.items()
    }
    for number, out in runs.items():
        process, deadline = processes[number], time.monotonic() + 60
        while not read_metrics(out) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, number)
    for number, out in runs.items():
        stdout, stderr = processes[number].communicate(timeout=60)
        assert processes[number].returncode == expected[number], stderr
        step = torch.load(out / LAST_CHECKPOINT, weights_only=True)["global_step"]
        assert f"stopped by {number.name}; step {step:,} is saved" in stdout
        assert "Resume it" in stdout
        assert "Traceback" not in stderr
        assert read_metrics(out)[-1]["step"] == step


def test_a_finished_run_on_a_read_only_disk_is_read_as_it_is(
    config: RunConfig, dataset: Dataset, finished: Path, small_disk: Callable[[int], SmallDisk]
) -> None:
    disk = small_disk(8000)
    shutil.copytree(finished, disk.folder / "run")
    disk.refuse_writing()
    run = pretrain(config, dataset, disk.folder / "run", resume=True)
    assert run.path == disk.folder / "run"


def test_a_second_training_in_one_folder_is_told_who_is_at_work(
    config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    with folder_lock(tmp_path / "run"):
        for resume in (False, True):
            with pytest.raises(BusyError, match="run is being written by"):
                pretrain(config, dataset, tmp_path / "run", resume=resume)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_workers_of_a_training_that_was_killed_end(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    never = 1_000_000
    endless = dataclasses.replace(config, steps=never, workers=2, log_every=1, val_every=never, checkpoint_every=never)
    config_files.save(endless, tmp_path / "settings.json")
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), tmp_path / "settings.json", dataset.folder, tmp_path / "run"],
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )

    def wait_until(found: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not found():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    wait_until(lambda: bool(read_metrics(tmp_path / "run")))
    assert len(of_session(process.pid)) >= 3
    process.kill()
    process.wait()
    wait_until(lambda: not of_session(process.pid))


@pytest.mark.slow
def test_two_processes_train_one_run(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    config_files.save(dataclasses.replace(config, devices=2), tmp_path / "settings.json")
    script = tmp_path / "train.py"  # Lightning starts the second process by running the script again
    script.write_text(textwrap.dedent(SCRIPT))
    out = tmp_path / "run"
    subprocess.run(
        [sys.executable, script, tmp_path / "settings.json", dataset.folder, out],
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert [r["step"] for r in read_metrics(out)] == [2, 4, 5, 6, 8, 10, 10, 12, 12]
    assert load_run(out).config.devices == 2
