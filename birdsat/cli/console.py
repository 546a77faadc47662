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
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}", markup=False),
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
    """A table on stdout. Its words are not markup: a taxon, a dataset or a folder may have brackets in its name.

    Words are wrapped to the width of the terminal; figures never, for half of one is another figure.
    """
    console = Console()
    longest, least = [], []
    for number, name in enumerate(table.columns):
        cells = [row[number] for row in table.rows]
        unbroken = name.split() + (
            cells if number >= table.words else [word for cell in cells for word in cell.split()]
        )
        longest.append(max(map(len, [name, *cells])))
        least.append(max(map(len, unbroken), default=0))
    frame = 3 * len(table.columns) + 1
    spare = max(0, console.width - frame - sum(least))
    title, caption = Text(table.title, style="table.title"), Text(table.caption, style="table.caption")
    shown = RichTable(title=title or None, caption=caption or None, box=box.HEAVY_HEAD)
    for number, name in enumerate(table.columns):
        width = min(longest[number], least[number] + spare)
        spare -= width - least[number]
        shown.add_column(Text(name), justify="right" if number >= table.words else "left", width=width)
    for section in table.sections:
        for row in section:
            shown.add_row(*map(Text, row))
        shown.add_section()
    Console(width=max(console.width, frame + sum(least))).print(shown)
