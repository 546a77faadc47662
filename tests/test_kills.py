"""Work that is killed at any moment is continued to the result of undisturbed work; see tools/kill_tests.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def kill(*words: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "kill_tests.py", *words, "--folder", folder],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_build_that_is_killed_gives_the_bytes_of_one_that_was_not(tmp_path: Path) -> None:
    kill("build", "--kills", "3", folder=tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_hundred_kills_over_all_that_writes_lose_nothing(tmp_path: Path) -> None:
    kill("--kills", "100", folder=tmp_path)
