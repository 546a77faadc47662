"""What runs in a child process: one verb, whose progress and result are said as lines of JSON on standard output."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from birdsat.errors import BirdsatError
from birdsat.progress import Bar

_EVERY_SECONDS = 0.2  # between lines on how far a bar is
_MOST_NOTES = 50
_NO_MEMORY = "it needs more memory than is allowed; give a smaller photo, or the records of fewer taxa."


class SaidProgress:
    """Progress as lines of JSON."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._lock, self._notes = out, threading.Lock(), 0

    def note(self, text: str) -> None:
        """What the caller should know."""
        self._notes += 1
        if self._notes <= _MOST_NOTES:
            self.send({"note": text})

    def say(self, text: str) -> None:
        """Which part of long work begins."""
        self.send({"doing": text, "done": None})

    @contextmanager
    def bar(self, title: str, total: int | None = None, *, unit: str = "rows", done: int = 0) -> Iterator[Bar]:
        """Lines now and then."""
        bar = _SaidBar(self, title, total, unit, done)
        bar.tell()
        yield bar

    def send(self, said: Mapping[str, Any]) -> None:
        """A line."""
        with self._lock:
            self._out.write(json.dumps(said) + "\n")
            self._out.flush()


class _SaidBar:
    def __init__(self, progress: SaidProgress, title: str, total: int | None, unit: str, done: int) -> None:
        self._progress, self._title, self._total, self._unit, self._done = progress, title, total, unit, done
        self._last = 0.0

    def advance(self, done: int = 1) -> None:
        self.reach(self._done + done)

    def reach(self, done: int, figures: str = "") -> None:
        self._done = done
        if time.monotonic() - self._last >= _EVERY_SECONDS:
            self.tell()

    def tell(self) -> None:
        self._last = time.monotonic()
        if self._total:
            self._progress.send({"doing": self._title, "done": min(1.0, self._done / self._total)})
        else:
            counted = f": {self._done:,} {self._unit}" if self._done else ""
            self._progress.send({"doing": f"{self._title}{counted}", "done": None})


def main() -> None:
    """Do what the first line of standard input asks, and end with it or with whoever asked."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is nobody's result
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_memory(asked["memory_gb"])
    progress = SaidProgress(out)
    try:
        from birdsat.explorer.verbs import VERBS

        work: Callable[[Mapping[str, Any], SaidProgress], Mapping[str, Any]] = VERBS[asked["verb"]]
        progress.send({"result": work(asked["asked"], progress)})
    except BirdsatError as error:
        said = {"kind": type(error).__name__, "message": str(error), "settings": list(error.settings)}
        progress.send({"error": {**said, **_of_table(asked)}})
    except MemoryError:
        progress.send({"error": {"kind": "WorkerError", "message": _NO_MEMORY, "settings": []}})
    except OSError as error:
        message = f"the system refused ({error.strerror or type(error).__name__}); check the free disk space."
        progress.send({"error": {"kind": "WorkerError", "message": message, "settings": []}})
    except Exception as error:  # a fault of ours, or of torch, which has no error of its own for want of memory
        print(f"birdsat: {type(error).__name__}: {error}", file=sys.stderr)
        message = f"something went wrong here ({type(error).__name__}); the explorer goes on."
        if "alloc" in str(error):
            message = _NO_MEMORY
        progress.send({"error": {"kind": "WorkerError", "message": message, "settings": []}})
    os._exit(0)


def _of_table(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the table that could not be used, where it has any: its owner may say which is which."""
    if asked["verb"] not in ("check", "fit"):
        return {}
    from birdsat.explorer.table_answers import columns_of

    with suppress(Exception):  # what is wrong with it was said
        return {"table": columns_of(Path(asked["asked"]["folder"]) / asked["asked"]["file"])}
    return {}


def _end_with_parent() -> None:
    with suppress(OSError, ValueError):
        sys.stdin.read()
    os._exit(1)


def _limit_memory(gigabytes: float) -> None:
    with suppress(ImportError, ValueError, OSError):  # not on Windows
        import resource

        most = int(gigabytes * (1 << 30))
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
