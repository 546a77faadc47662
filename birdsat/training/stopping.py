"""Ctrl-C and SIGTERM during training: finish the step, save, and leave with a message."""

import signal
import threading
from types import FrameType
from typing import Any

from birdsat.errors import BirdsatError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class TrainingStopped(BirdsatError):
    """Training was asked to stop, saved its state and did so. `exit_code` is what a shell expects: 130 or 143."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StopRequest:
    """While entered, the first SIGINT or SIGTERM is only noted; a second one acts as it would without us."""

    def __init__(self) -> None:
        self.signal: int | None = None  # the signal that asked to stop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():  # signals can be handled nowhere else
            self._before = {number: signal.getsignal(number) for number in _SIGNALS}
            self.take_over()
        return self

    def take_over(self) -> None:
        """Put our handlers in place, also of those that Lightning has installed in the meantime."""
        for number in self._before:
            signal.signal(number, self._note)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def stopped(self, state: str) -> TrainingStopped:
        """The error to raise after a stop was asked for. state: words on what was saved."""
        assert self.signal is not None
        return TrainingStopped(
            f"training stopped by {signal.Signals(self.signal).name}; {state}. Resume it to go on to the same numbers.",
            exit_code=128 + self.signal,
        )

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
            return
        for known, handler in self._before.items():
            signal.signal(known, handler)
        signal.raise_signal(number)
