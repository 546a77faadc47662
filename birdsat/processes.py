"""Which process something belongs to, and whether that process still runs."""

import hashlib
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessMark:
    """What tells a process from every other, also from a later one that was given its number."""

    machine: str  # eight hexadecimal digits, of the machine and, on Linux, of its container
    pid: int
    start: int  # when it started, in ticks of the machine's clock; 0 where that cannot be told

    def has_ended(self) -> bool | None:
        """None where it cannot be told, as of a process on another machine."""
        if self.machine != machine() or sys.platform == "win32":  # there, asking with signal 0 would end it
            return None
        if sys.platform == "linux":
            state, start = _state_and_start(self.pid)
            return state in ("", "Z") or start != self.start
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # it is somebody else's
            return False
        return False


def this_process() -> ProcessMark:
    """The mark of the process that asks."""
    pid = os.getpid()  # asked anew each time: it changes with a fork
    return ProcessMark(machine=machine(), pid=pid, start=_state_and_start(pid)[1])


def machine() -> str:
    """What tells this machine, and this container on it, from others."""
    namespace = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]


def _state_and_start(pid: int) -> tuple[str, int]:
    """Of /proc: the letter of its state and its start; "" and 0 where there is no such process, or no /proc."""
    try:
        # Its name comes second, in brackets, and may hold spaces and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return "", 0
