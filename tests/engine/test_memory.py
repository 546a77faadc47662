import subprocess
import sys

import pytest

from birdsat.engine import memory
from birdsat.engine.memory import give_back_memory

_ASK = """
import os, torch
from birdsat.engine import memory
from birdsat.engine.memory import give_back_memory

def held():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

freed = [torch.ones(25_000) for _ in range(600)]  # each too small for a mapping of its own
kept = torch.ones(25_000)  # behind them, so that the heap does not shrink by itself
del freed
before = held()
give_back_memory()
print(before - held())
"""


@pytest.mark.skipif(memory._malloc_trim() is None, reason="of glibc alone")
def test_what_was_freed_is_given_back() -> None:
    asked = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    assert float(asked.stdout) > 40  # MiB, of 57 that were freed


def test_it_does_nothing_where_there_is_no_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("birdsat.engine.memory._malloc_trim", lambda: None)
    give_back_memory()
