import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from birdsat import locks
from birdsat.errors import BusyError, ConfigError
from birdsat.files import new_temporary
from birdsat.locks import file_lock, folder_lock, is_unused

HOLD = """
import sys
from pathlib import Path
from birdsat.locks import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
RACE = """
import sys, time
from pathlib import Path
from birdsat.errors import BusyError
from birdsat.locks import folder_lock
folder, taken = Path(sys.argv[1]), 0
end = time.monotonic() + 1.5
while time.monotonic() < end:
    try:
        with folder_lock(folder):
            (folder / "alone").mkdir()  # raises where another is inside as well
            (folder / "alone").rmdir()
            taken += 1
    except BusyError:
        pass
print(taken)
"""


@contextmanager
def held_by_another(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        yield process


def test_a_second_process_learns_who_holds_the_folder(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as process:
        with pytest.raises(BusyError) as raised, folder_lock(tmp_path):
            pass
        said = str(raised.value)
    assert f"{tmp_path} is being written by process {process.pid} on " in said
    assert re.search(r"since 20\d\d-\d\d-\d\dT.*\(-c .*\); wait for it to end, or name another place", said)
    with folder_lock(tmp_path):  # it has ended
        pass


def test_a_holder_that_was_killed_does_not_block(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    assert [path.name for path in tmp_path.iterdir()] == [".birdsat.lock"]
    with folder_lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_lock_and_a_folder_made_for_it_is_gone_if_nothing_came_of_it(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "a" / "b"):
        pass
    assert not (tmp_path / "a" / "b").exists()
    with folder_lock(tmp_path / "run"):
        (tmp_path / "run" / "result").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["result"]


def test_two_tasks_of_one_process_are_told_apart(tmp_path: Path) -> None:
    with folder_lock(tmp_path), pytest.raises(BusyError, match="another task of this process"), folder_lock(tmp_path):
        pass


def test_of_processes_that_want_it_all_the_time_one_at_a_time_is_inside(tmp_path: Path) -> None:
    """The file of the lock is removed by each holder and made by the next: no two may lock two files of one name."""
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    taken = [racer.communicate()[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4
    assert sum(map(int, taken)) > 10
    assert list(tmp_path.iterdir()) == []


def test_a_forked_worker_does_not_keep_the_lock_of_its_parent(tmp_path: Path) -> None:
    go, wait = os.pipe()
    with folder_lock(tmp_path):
        pid = os.fork()
        if pid == 0:
            os.close(wait)
            os.read(go, 1)
            os._exit(0)
    with folder_lock(tmp_path):  # while the worker is there
        pass
    os.close(wait)
    os.waitpid(pid, 0)
    os.close(go)


def test_the_next_writer_in_a_folder_removes_the_locks_of_killed_ones(tmp_path: Path) -> None:
    killed = "import os, sys; from pathlib import Path; from birdsat.locks import file_lock\n"
    killed += "with file_lock(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", killed, tmp_path / "a.tif"], check=False)
    (tmp_path / ".theirs.lock").write_text("of another program")
    with file_lock(tmp_path / "b.tif"), file_lock(tmp_path / "c.tif"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".theirs.lock"]


def test_maps_of_two_taxa_are_written_side_by_side_and_one_map_once(tmp_path: Path) -> None:
    with (
        file_lock(tmp_path / "a.tif"),
        file_lock(tmp_path / "b.tif"),
        pytest.raises(BusyError, match=r"a\.tif is being written"),
        file_lock(tmp_path / "a.tif"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_may_not_be_written_is_entered_without_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    usual = os.open

    def refuse(path: Path, flags: int, *mode: int) -> int:
        if flags & (os.O_RDWR | os.O_CREAT):
            raise OSError(number, os.strerror(number), str(path))
        return usual(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    with folder_lock(tmp_path):
        entered = True
    assert entered


@pytest.mark.parametrize("is_running", [True, False])
def test_on_a_file_system_without_locks_the_named_holder_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_running: bool
) -> None:
    with held_by_another(tmp_path) as process:
        record = json.loads((tmp_path / ".birdsat.lock").read_text())
        if not is_running:
            process.send_signal(signal.SIGKILL)
            process.wait()

        def unsupported(*_: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(locks.fcntl, "flock", unsupported)
        assert record["pid"] == process.pid
        if is_running:
            with pytest.raises(BusyError, match=f"process {process.pid}"), folder_lock(tmp_path):
                pass
        else:
            with folder_lock(tmp_path):  # which the next finds named in its place
                assert json.loads((tmp_path / ".birdsat.lock").read_text())["pid"] == os.getpid()
                with pytest.raises(BusyError, match="another task of this process"), folder_lock(tmp_path):
                    pass


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".birdsat.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError), folder_lock(tmp_path / "run"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(ConfigError, match="is a file"), folder_lock(tmp_path / "a"):
        pass


def test_a_folder_with_nothing_but_temporary_files_and_empty_folders_is_unused(tmp_path: Path) -> None:
    assert is_unused(tmp_path / "absent") and is_unused(tmp_path)
    with folder_lock(tmp_path):
        new_temporary(tmp_path / "config.json")
        (tmp_path / "checkpoints").mkdir()
        assert is_unused(tmp_path)
        (tmp_path / "checkpoints" / "notes.txt").touch()
        assert not is_unused(tmp_path)
    assert not is_unused(tmp_path / "checkpoints" / "notes.txt")
