"""What is said of a model where it is listed, before it is opened: light of imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["example", "ranges", "project"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What is said of a model where it is listed."""

    id: str
    name: str
    kind: Kind
    folder: Path  # of the range model
    created: str = ""
    command: str = ""  # that makes it
