"""Long work: followed, cancelled, and alive after a restart; and children that die, hang or take too much."""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from birdsat.errors import WorkerError
from birdsat.explorer.answers import NotFoundError
from birdsat.explorer.child import Child, ChildError, Limits
from birdsat.explorer.jobs import Database, Job, Jobs
from birdsat.explorer.runner import Runner

LIMITS = Limits(memory_gb=1, seconds=20)
_READ = "import json, sys, time, os; asked = json.loads(sys.stdin.readline())['asked']; "


@pytest.fixture
def child_does(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Children run some lines in place of a verb."""

    def set_lines(lines: str) -> None:
        monkeypatch.setattr(Child, "command", (sys.executable, "-c", _READ + lines))

    return set_lines


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "jobs.sqlite")
    yield made
    made.close()


def _finish(job: Job, result: Mapping[str, Any]) -> Mapping[str, Any]:
    return result


def _until(jobs: Jobs, id: str, *states: str) -> Job:
    until = time.monotonic() + 20
    while (job := jobs.get(id)).state not in states:
        assert time.monotonic() < until, job
        time.sleep(0.02)
    return job


def test_a_child_says_how_far_it_is_and_what_came_of_it(child_does: Any) -> None:
    child_does("print(json.dumps({'doing': 'x', 'done': .5})); print('noise'); print(json.dumps({'result': asked}))")
    told: list[Mapping[str, Any]] = []
    assert Child("any", {"a": 1}, LIMITS).run(told.append) == {"a": 1}
    assert told == [{"doing": "x", "done": 0.5}]


def test_a_child_s_error_comes_with_its_kind_and_words(child_does: Any) -> None:
    child_does("print(json.dumps({'error': {'kind': 'InputError', 'message': 'no', 'settings': ['a']}}))")
    with pytest.raises(ChildError, match="no") as found:
        Child("any", {}, LIMITS).run()
    assert found.value.error["kind"] == "InputError" and found.value.settings == ("a",)


@pytest.mark.parametrize("lines", ["os.abort()", "sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_child_that_dies_is_an_error_and_no_more(child_does: Any, lines: str) -> None:
    child_does(lines)
    with pytest.raises(WorkerError, match="died"):
        Child("any", {}, LIMITS).run()


def test_a_child_that_hangs_is_stopped(child_does: Any) -> None:
    child_does("time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(WorkerError, match="longer than 1 seconds"):
        Child("any", {}, Limits(memory_gb=1, seconds=1)).run()
    assert time.monotonic() - begun < 15


def test_work_stays_within_its_memory_and_ends_with_its_server() -> None:
    """The real child: its verb is unknown, so that it ends before anything heavy is read; its limit is set."""
    script = (
        "import resource; from birdsat.explorer.work import _limit_memory; _limit_memory(2); "
        "print(resource.getrlimit(resource.RLIMIT_AS)[0])\n"
        "try: bytearray(3 << 30)\nexcept MemoryError: print('refused')"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(2 << 30), "refused"]


def test_jobs_run_in_order_and_remember_what_was_said(child_does: Any, database: Database) -> None:
    child_does("print(json.dumps({'note': 'odd'})); print(json.dumps({'result': {'n': asked['n']}}))")
    jobs = Jobs(database)
    runner = Runner(jobs, _finish)
    made = [jobs.add("check", {"n": n}).id for n in range(3)]
    runner.start()
    ended = [_until(jobs, id, "done") for id in made]
    runner.stop()
    assert [job.result for job in ended] == [{"n": 0}, {"n": 1}, {"n": 2}] and ended[0].notes == ("odd",)
    assert [job.id for job in jobs.all()] == made[::-1]


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(child_does: Any, database: Database) -> None:
    child_does("time.sleep(60)")
    jobs = Jobs(database)
    runner = Runner(jobs, _finish)
    made = [jobs.add("check", {}).id for _ in range(3)]
    runner.start()
    _until(jobs, made[0], "running")
    begun = time.monotonic()
    for id in reversed(made):
        assert runner.cancel(id).state == "cancelled"
    assert runner.cancel(made[0]).state == "cancelled"  # again
    with pytest.raises(NotFoundError):
        runner.cancel("none")
    runner.stop()
    assert time.monotonic() - begun < 15
    assert {jobs.get(id).state for id in made} == {"cancelled"}


def test_a_restart_loses_no_job(child_does: Any, tmp_path: Path) -> None:
    child_does("time.sleep(60)")
    path = tmp_path / "jobs.sqlite"
    first = Database(path)
    jobs = Jobs(first)
    runner = Runner(jobs, _finish)
    running, waiting = jobs.add("check", {}).id, [jobs.add("check", {}).id for _ in range(2)]
    runner.start()
    _until(jobs, running, "running")
    runner.stop()
    first.close()
    second = Database(path)
    jobs = Jobs(second)
    assert {jobs.get(id).state for id in (running, *waiting)} == {"queued"}
    child_does("print(json.dumps({'result': {}}))")
    runner = Runner(jobs, _finish)
    runner.start()
    for id in (running, *waiting):
        _until(jobs, id, "done")
    runner.stop()
    second.close()


def test_a_job_under_which_the_server_dies_twice_is_not_tried_for_ever(tmp_path: Path) -> None:
    path, id = tmp_path / "jobs.sqlite", ""
    for attempt in range(2):
        database = Database(path)
        jobs = Jobs(database)
        id = id or jobs.add("fit", {}).id
        claimed = jobs.claim()
        assert claimed is not None and claimed.attempts == attempt + 1
        database.close()  # as of a server that is killed
    database = Database(path)
    job = Jobs(database).get(id)
    assert job.state == "failed" and job.error is not None and "twice" in job.error["message"]
    database.close()


def test_what_a_job_s_end_does_in_the_server_cannot_stop_the_others(child_does: Any, database: Database) -> None:
    child_does("print(json.dumps({'result': {}}))")
    jobs = Jobs(database)

    def fails(job: Job, result: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError("a fault")

    runner = Runner(jobs, fails)
    runner.start()
    for _ in range(3):
        job = _until(jobs, jobs.add("check", {}).id, "failed")
        assert job.error is not None and "RuntimeError" in job.error["message"]
    runner.stop()
