"""Runs jobs, a few at once, each in a child process, until it is told to stop."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from birdsat.errors import BirdsatError, WorkerError
from birdsat.explorer.child import Child, ChildError, Limits
from birdsat.explorer.jobs import Job, Jobs

_LIMITS = {
    "fit": Limits(memory_gb=12, seconds=7200),
    "check": Limits(memory_gb=4, seconds=1800),
    "identify": Limits(memory_gb=12, seconds=3600),
    "locate": Limits(memory_gb=12, seconds=1800),
    "scatter": Limits(memory_gb=12, seconds=7200),
}
MOST_QUEUED = 50
_AT_ONCE = 2
Finish = Callable[[Job, Mapping[str, Any]], Mapping[str, Any]]


class Runner:
    """Threads that each wait for a child."""

    def __init__(self, jobs: Jobs, finish: Finish) -> None:
        """finish: what is done in the server with a child's result; it gives the job's."""
        self._jobs, self._finish, self._stopping = jobs, finish, threading.Event()
        self._children: dict[str, Child] = {}
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True, name=f"jobs-{n}") for n in range(_AT_ONCE)]

    def start(self) -> None:
        """Begin with what is queued."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop what runs, which begins again with the next start, and wait until it has."""
        self._stopping.set()
        with self._lock:
            children = list(self._children.values())
        for child in children:
            child.stop("the explorer stopped.")
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)

    def cancel(self, id: str) -> Job:
        """Stop a job that waits or runs; one that is over stays as it is. Raises NotFoundError."""
        job = self._jobs.get(id)
        job = self._jobs.update(job.id, state="cancelled", doing="")
        with self._lock:
            child = self._children.get(id)
        if child is not None and job.state == "cancelled":
            child.stop("cancelled.")
        return job

    def _run(self) -> None:
        while not self._stopping.is_set():
            job = self._jobs.claim()
            if job is None:
                self._jobs.wait_for_work(1.0)
                continue
            self._do(job)

    def _do(self, job: Job) -> None:
        child = Child(job.verb, job.asked, _LIMITS[job.verb])
        with self._lock:
            self._children[job.id] = child
        notes = list(job.notes)

        def told(said: Mapping[str, Any]) -> None:
            if "note" in said:
                notes.append(str(said["note"]))
                self._jobs.update(job.id, notes=tuple(notes))
            else:
                self._jobs.update(job.id, doing=str(said.get("doing", "")), done=said.get("done"))

        if self._jobs.get(job.id).state == "cancelled":
            child.stop("cancelled.")
        if self._stopping.is_set():  # since the job was claimed
            child.stop("the explorer stopped.")
        try:
            result = self._finish(job, child.run(told))
            self._jobs.update(job.id, state="done", done=1.0, doing="", result=dict(result))
        except ChildError as error:
            self._jobs.update(job.id, state="failed", doing="", error=error.error)
        except BirdsatError as error:
            if not (self._stopping.is_set() and isinstance(error, WorkerError)):  # begins again with the next start
                said = {"kind": type(error).__name__, "message": str(error), "settings": list(error.settings)}
                self._jobs.update(job.id, state="failed", doing="", error=said)
        except Exception as error:  # a fault of ours: the job says so, and the thread goes on
            said = {"kind": "Error", "message": f"something went wrong here ({type(error).__name__}).", "settings": []}
            self._jobs.update(job.id, state="failed", doing="", error=said)
        finally:
            with self._lock:
                self._children.pop(job.id, None)
