"""Tables for spreadsheets."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from birdsat.files import write_atomic
from birdsat.tables import CsvWriter


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under a head, whole or not at all."""
    text = io.StringIO()
    CsvWriter(text, head).write(rows)
    write_atomic(path, text.getvalue())
