"""Memory that was freed, given back to the system."""

import ctypes
import sys
from functools import cache
from typing import Any


def give_back_memory() -> None:
    """Return what was freed to the system, where the C library is glibc; elsewhere nothing is done.

    Its heap keeps the room of freed tensors, whose aligned blocks it seldom fills again (sourceware.org, bug 14581): in
    a process that fits one model after another it would grow by 200 MB a fit.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
