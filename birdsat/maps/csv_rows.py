"""Tables for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from birdsat.files import write_atomic


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under a head, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    write_atomic(path, text.getvalue())
