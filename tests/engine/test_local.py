"""Work in worker processes: in order, bounded, and gone when nobody wants it any more."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sessions import of_session

from birdsat.engine.local import in_processes
from birdsat.errors import BirdsatError, ConfigError, InputError, UnknownTaxonError, WorkerError

SECONDS = 45.0  # more than anything here takes on a busy machine, and less than what is put to sleep there sleeps
PARENT = """
import sys, time
from pathlib import Path
from birdsat.engine.local import in_processes

def work(item):
    (Path(sys.argv[1]) / str(__import__("os").getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    list(in_processes(work, range(4), workers=2, doing="sleeping"))
"""


def square(number: int) -> int:
    time.sleep(0.02 * (number % 3))
    return number * number


def fail_at_three(number: int) -> int:
    if number == 3:
        raise InputError("three is not wanted.")
    return number


def fail_with_what_does_not_pickle(number: int) -> int:
    raise UnknownTaxonError("Corvus corac", ["Corvus corax"])


def die(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def sleep_and_tell(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [0, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(in_processes(square, range(9), workers=workers, doing="counting")) == [n * n for n in range(9)]


def test_no_more_is_asked_of_the_items_than_the_workers_need() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            asked.append(number)
            yield number

    with closing(in_processes(square, items(), workers=2, doing="counting")) as results:
        for done, _ in enumerate(results, start=1):
            assert len(asked) <= done + 3
            if done == 5:
                break


def test_an_error_in_a_worker_is_raised_here() -> None:
    results = in_processes(fail_at_three, range(9), workers=2, doing="counting")
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="three is not wanted"):
        next(results)


def test_an_error_of_ours_that_cannot_be_sent_keeps_its_words() -> None:
    with pytest.raises(BirdsatError, match="nearest: 'Corvus corax'"):
        list(in_processes(fail_with_what_does_not_pickle, range(2), workers=1, doing="counting"))


def test_a_dead_worker_is_one_sentence() -> None:
    with pytest.raises(WorkerError, match=r"a worker process died while building runs/a, .*with fewer workers"):
        list(in_processes(die, range(9), workers=2, doing="building runs/a"))


def test_fewer_workers_than_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="workers is -1"):
        list(in_processes(square, range(2), workers=-1, doing="counting"))


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard, also where the tests run in the background of a shell, which tells them to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_whoever_stops_early_does_not_wait_for_what_is_in_work(tmp_path: Path, ctrl_c: None) -> None:
    stopped = []

    def stop() -> None:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        stopped.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C does, once both workers are at work

    with (
        pytest.raises(KeyboardInterrupt),
        closing(in_processes(sleep_and_tell, [tmp_path] * 4, workers=2, doing="sleeping", ahead=9)) as results,
    ):
        threading.Thread(target=stop).start()
        next(results)
    assert time.monotonic() - stopped[0] < SECONDS
    assert not any(is_running(int(path.name)) for path in tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent_however_it_ends(tmp_path: Path, number: signal.Signals, ctrl_c: None) -> None:
    script, told = tmp_path / "parent.py", tmp_path / "told"
    script.write_text(PARENT)
    told.mkdir()
    # A session of its own, so that we see what is left of it.
    process = subprocess.Popen([sys.executable, script, told], start_new_session=True, stderr=subprocess.PIPE)
    wait_until(lambda: len(list(told.iterdir())) == 2)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as from a terminal, to all of them
    else:
        process.send_signal(number)
    said = process.communicate(timeout=SECONDS)[1].decode()
    wait_until(lambda: not any(is_running(int(path.name)) for path in told.iterdir()))
    wait_until(lambda: not of_session(process.pid))
    assert said.count("Traceback") <= 1  # the parent's own
