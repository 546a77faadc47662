"""The stages of a long recipe: named on screen as they come, with the seconds that each has taken over restarts."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from birdsat.errors import ConfigError, InputError
from birdsat.files import write_atomic
from birdsat.progress import Progress
from birdsat.reading import read_json

State = Literal["new", "continued", "finished"]  # of a stage's work when it is started


def state_of(folder: Path, last_file: str) -> State:
    """What a stage that writes `last_file` last finds in its folder."""
    if (folder / last_file).is_file():
        return "finished"
    return "continued" if folder.is_dir() and any(folder.iterdir()) else "new"


class Stages:
    """Says which stage has begun and how long it took; keeps the seconds in a file."""

    def __init__(self, file: Path, *, count: int, progress: Progress) -> None:
        """file: JSON of seconds by stage, read when it is there. count: stages in all, for the screen."""
        self._file, self._count, self._begun = file, count, 0
        self._progress = progress
        self.seconds: dict[str, float] = {}
        try:
            self._earlier: dict[str, float] = read_json(file) if file.is_file() else {}
        except InputError as error:
            raise ConfigError(f"{file} is damaged ({error}); remove it, and the stages are timed afresh.") from error

    @contextlib.contextmanager
    def stage(self, name: str, title: str, state: State = "new") -> Iterator[None]:
        """Time a stage. Work that is continued adds to the seconds it had; finished work keeps them."""
        self._begun += 1
        self._progress.say(f"{self._begun}/{self._count} {title}")
        start, earlier = time.perf_counter(), 0.0 if state == "new" else self._earlier.get(name, 0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = earlier if state == "finished" and earlier else earlier + spent
            self._save()
        again = f" (there already; {earlier:,.0f} s when it was made)" if state == "finished" else ""
        self._progress.say(f"    {spent:,.1f} s{again}")

    def _save(self) -> None:
        write_atomic(self._file, json.dumps(self._earlier | self.seconds, indent=2) + "\n")
