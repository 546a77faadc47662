"""What the results of verbs that end in a report have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar


class Report(Protocol):
    """Findings that can be written."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""


R = TypeVar("R", bound=Report)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported(Generic[R]):
    """A report, and the files that it was written to."""

    report: R
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.report.to_dict() | {"files": list(map(str, self.files))}
