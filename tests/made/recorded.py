"""A progress object that keeps what it is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from birdsat.progress import Bar


@dataclass
class RecordedBar:
    title: str
    total: int | None
    unit: str
    done: int
    figures: list[str] = field(default_factory=list)

    def advance(self, done: int = 1) -> None:
        self.reach(self.done + done)

    def reach(self, done: int, figures: str = "") -> None:
        self.done = done
        if figures:
            self.figures.append(figures)


@dataclass
class RecordedProgress:
    notes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    bars: list[RecordedBar] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def say(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def bar(self, title: str, total: int | None = None, *, unit: str = "rows", done: int = 0) -> Iterator[Bar]:
        self.bars.append(RecordedBar(title, total, unit, done))
        yield self.bars[-1]
