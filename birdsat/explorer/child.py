"""Work in a process of its own, with limits of memory and time: a child that fails, or is killed, leaves the server up.

The child is `python -m birdsat.explorer.work`: what is asked goes to its standard input as one line of JSON, and lines
of JSON come back on its output, of how far it is and in the end of its result or error.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from birdsat.errors import BirdsatError, WorkerError

Told = Callable[[Mapping[str, Any]], None]
_LONGEST_LINE = 64 << 20  # of what a child says


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a child may take."""

    memory_gb: float  # of address space, in which torch's own libraries take several
    seconds: float  # of the clock


class ChildError(BirdsatError):
    """The error that a child ended with, of the kind and in the words that it said."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("message", "")), settings=error.get("settings", ()))
        self.error = dict(error)


class Child:
    """One piece of work, begun by `run` and ended by it, or by `stop` from another thread."""

    def __init__(self, verb: str, asked: Mapping[str, Any], limits: Limits) -> None:
        self._line = json.dumps({"verb": verb, "asked": dict(asked), "memory_gb": limits.memory_gb})
        self._limits, self._process, self._why = limits, None, ""
        self._lock = threading.Lock()

    _process: "subprocess.Popen[str] | None"
    command: ClassVar[Sequence[str]] = (sys.executable, "-m", "birdsat.explorer.work")

    def run(self, told: Told = lambda _: None) -> Mapping[str, Any]:
        """The result. told: gets what the child says meanwhile. Raises ChildError for an error of its own, WorkerError
        where it died, took too long, or was stopped."""
        with self._lock:
            if self._why:
                raise WorkerError(self._why)
            environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env=environment,
            )
        process, last = self._process, None
        watch = threading.Timer(
            self._limits.seconds,
            self.stop,
            [f"it took longer than {self._limits.seconds:,.0f} seconds and was stopped."],
        )
        watch.daemon = True
        watch.start()
        try:
            assert process.stdin is not None and process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.write(self._line + "\n")
                process.stdin.flush()  # and is left open: a child ends when it closes
            while line := process.stdout.readline(_LONGEST_LINE):
                with suppress(ValueError):
                    said = json.loads(line)
                    if "result" in said or "error" in said:
                        last = said
                    else:
                        told(said)
            process.wait()
        finally:
            watch.cancel()
            self.stop()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    assert pipe is not None
                    pipe.close()
        if last is None:
            raise WorkerError(self._why or _died(process.returncode))
        if "error" in last:
            raise ChildError(last["error"])
        result: Mapping[str, Any] = last["result"]
        return result

    def stop(self, why: str = "") -> None:
        """End it now. why: what is then said of it."""
        with self._lock:
            self._why = self._why or why
            if self._process is not None and self._process.poll() is None:
                self._process.kill()


def _died(code: int | None) -> str:
    return (
        f"the process that worked on this died (status {code}), perhaps for want of memory; give a smaller photo, or "
        "the records of fewer taxa."
    )
