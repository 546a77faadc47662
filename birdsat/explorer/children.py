"""Child processes for answers that are waited for: a few at once, and not too many in line."""

import threading
from collections.abc import Mapping
from typing import Any

from birdsat.errors import BirdsatError
from birdsat.explorer.answers import OverloadError
from birdsat.explorer.child import Child, ChildError, Limits

_AT_ONCE, _IN_LINE = 2, 12
LIMITS = {
    "thumb": Limits(memory_gb=4, seconds=60),
    "download": Limits(memory_gb=24, seconds=600),
}


class Children:
    """Runs them."""

    def __init__(self) -> None:
        self._room, self._lock = threading.Semaphore(_AT_ONCE), threading.Lock()
        self._asked = 0
        self._running: set[Child] = set()

    def run(self, verb: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """A child's result, when its turn has come. Raises its error, WorkerError where it died, OverloadError where
        too many are in line."""
        with self._lock:
            if self._asked >= _AT_ONCE + _IN_LINE:
                raise OverloadError(
                    "too much of this is asked for at once; ask again in a few seconds.", retry_after_s=5
                )
            self._asked += 1
        child = Child(verb, asked, LIMITS[verb])
        try:
            with self._room:
                self._running.add(child)
                try:
                    return child.run()
                except ChildError as error:
                    raise _as_said(error) from error
        finally:
            self._running.discard(child)
            with self._lock:
                self._asked -= 1

    def stop(self) -> None:
        """End those that run."""
        for child in list(self._running):
            child.stop("the explorer stopped.")


def _as_said(error: ChildError) -> BirdsatError:
    """The error of the child as one of its kind here."""
    import birdsat.errors as errors

    kind = getattr(errors, str(error.error.get("kind")), None)
    if isinstance(kind, type) and issubclass(kind, BirdsatError) and kind is not errors.UnknownTaxonError:
        return kind(str(error), settings=error.settings)
    return BirdsatError(str(error), settings=error.settings)
