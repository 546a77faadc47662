"""What is seen: bars and notes on stderr, tables on stdout. The only place that knows rich."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table as RichTable
from rich.text import Text

from birdsat.progress import Bar
from birdsat.tables import Table

_LINE_SECONDS = 10.0  # between lines on how far work has come, where there is no terminal to draw a bar on


class ConsoleProgress:
    """Bars on a terminal, a line now and then elsewhere; notes as lines. All on stderr."""

    def note(self, text: str) -> None:
        """A line that says it is ours."""
        print(f"birdsat: {text}", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A line."""
        print(text, file=sys.stderr, flush=True)

    @contextmanager
    def bar(self, title: str, total: int | None = None, *, unit: str = "rows", done: int = 0) -> Iterator[Bar]:
        """A bar on a terminal, lines elsewhere."""
        if not sys.stderr.isatty():
            yield _Lines(title, total, unit, done)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}"),
        )
        with RichProgress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as drawn:
            yield _Drawn(drawn, title, total, unit, done)


class _Drawn:
    def __init__(self, drawn: RichProgress, title: str, total: int | None, unit: str, done: int) -> None:
        self._drawn, self._unit = drawn, unit
        self._task = drawn.add_task(title, total=total, completed=done, words=unit)

    def advance(self, done: int = 1) -> None:
        self._drawn.advance(self._task, done)

    def reach(self, done: int, figures: str = "") -> None:
        self._drawn.update(self._task, completed=done)
        if figures:
            self._drawn.update(self._task, words=f"{self._unit}  {figures}")


class _Lines:
    def __init__(self, title: str, total: int | None, unit: str, done: int) -> None:
        self._title, self._unit, self._done, self._figures = title, unit, done, ""
        self._of = "" if total is None else f" of {total:,}"
        self._last = time.monotonic()

    def advance(self, done: int = 1) -> None:
        self.reach(self._done + done)

    def reach(self, done: int, figures: str = "") -> None:
        self._done, self._figures = done, figures or self._figures
        if time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            words = f"{self._title}: {done:,}{self._of} {self._unit}  {self._figures}"
            print(words.rstrip(), file=sys.stderr, flush=True)


def print_table(table: Table) -> None:
    """A table on stdout. Its words are not markup: a taxon may have brackets in its name."""
    shown = RichTable(title=table.title or None, caption=table.caption or None, box=box.HEAVY_HEAD)
    needed = 1
    for number, name in enumerate(table.columns):
        cells = [row[number] for row in table.rows]
        is_figure = number >= table.words
        unbroken = cells if is_figure else [word for cell in cells for word in cell.split()]
        least = max(map(len, [*unbroken, *name.split()]), default=0)
        shown.add_column(Text(name), justify="right" if is_figure else "left", min_width=least)
        needed += least + 3
    for section in table.sections:
        for row in section:
            shown.add_row(*map(Text, row))
        shown.add_section()
    # A terminal that is narrower wraps the lines; cut figures would be lost.
    Console(width=max(Console().width, needed)).print(shown)
