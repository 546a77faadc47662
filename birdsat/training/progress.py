"""How far training has come: a bar on a terminal, a line at every tenth otherwise."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_LINES = 10  # in all, where there is no terminal


class TrainingProgress:
    """Shown on stderr."""

    def __init__(self, steps: int, *, shown: bool) -> None:
        self._steps, self._shown = steps, shown
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._printed = 0
        self._figures = ""

    def __enter__(self) -> "TrainingProgress":
        if self._shown and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("steps {task.fields[figures]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task("training", total=self._steps, figures="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start_at(self, step: int) -> None:
        """Begin at `step` steps done."""
        self._printed = step * _LINES // self._steps
        if self._shown and step and self._bar is None:
            print(f"training: resumed at step {step:,} of {self._steps:,}", file=sys.stderr, flush=True)

    def update(self, step: int, figures: str | None = None) -> None:
        """`step` steps are done; `figures` are words to show beside, until others come."""
        self._figures = figures or self._figures
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=step, figures=self._figures)
        elif self._shown and step * _LINES // self._steps > self._printed:
            self._printed = step * _LINES // self._steps
            print(f"training: step {step:,} of {self._steps:,} {self._figures}", file=sys.stderr, flush=True)
