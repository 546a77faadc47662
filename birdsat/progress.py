"""How work says what it is doing: bars, and notes on what is odd. Work is given one of these; it never prints."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from birdsat.errors import BirdsatWarning

T = TypeVar("T")


class Bar(Protocol):
    """Work that is counted."""

    def advance(self, done: int = 1) -> None:
        """So much more is done."""

    def reach(self, done: int, figures: str = "") -> None:
        """So much is done in all. figures: words to show beside it until others come."""


class Progress(Protocol):
    """Where work says what it is doing."""

    def note(self, text: str) -> None:
        """Say what the caller should know of the input or the result. It is not an error."""

    def say(self, text: str) -> None:
        """Say which part of long work begins, or how long it took."""

    def bar(
        self, title: str, total: int | None = None, *, unit: str = "rows", done: int = 0
    ) -> AbstractContextManager[Bar]:
        """Count work of `total` units (None: not known beforehand), of which `done` were done before."""


def counted(items: Iterable[T], progress: Progress, title: str, *, unit: str = "rows") -> Iterator[T]:
    """The items, counted as they go by."""
    with progress.bar(title, unit=unit) as bar:
        for item in items:
            yield item
            bar.advance()


class _NoBar:
    def advance(self, done: int = 1) -> None:
        pass

    def reach(self, done: int, figures: str = "") -> None:
        pass


class Quiet:
    """Draws nothing; notes are warnings (`BirdsatWarning`)."""

    def note(self, text: str) -> None:
        """Warn."""
        warnings.warn(text, BirdsatWarning, stacklevel=2)

    def say(self, text: str) -> None:
        """Nothing."""

    @contextmanager
    def bar(self, title: str, total: int | None = None, *, unit: str = "rows", done: int = 0) -> Iterator[Bar]:
        """A bar that nobody sees."""
        yield _NoBar()


QUIET: Progress = Quiet()


class WithoutNotes:
    """What shows how far work is and passes over its notes, as of work that is done again."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def note(self, text: str) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """As it is."""
        self._progress.say(text)

    def bar(
        self, title: str, total: int | None = None, *, unit: str = "rows", done: int = 0
    ) -> AbstractContextManager[Bar]:
        """As it is."""
        return self._progress.bar(title, total, unit=unit, done=done)
