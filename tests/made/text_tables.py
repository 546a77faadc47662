"""Tables as people have them, line by line."""

from pathlib import Path

from birdsat.observations.occurrences import Occurrences


def text_table(path: Path, head: str, *rows: str) -> Path:
    """A file of these lines."""
    path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return path


def accounted(found: Occurrences) -> bool:
    """Whether every row is a record, a repeat, or dropped for a reason."""
    return found.rows == len(found) + sum(found.repeats.values()) + sum(found.dropped.values())
