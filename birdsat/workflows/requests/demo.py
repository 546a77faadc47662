"""The request for the demo."""

from dataclasses import dataclass
from pathlib import Path

from birdsat.workflows.requests.request import AnyPath, Folder, Positional, Request


@dataclass(frozen=True, kw_only=True)
class DemoRequest(Request):
    """Build a virtual world, learn from it, classify, retrieve and map, and write one page. About ten minutes."""

    out: Positional[Folder[AnyPath]] = Path("runs/demo")
    """Folder for everything that is made. Started again, what is built and trained is kept."""
    seed: int = 0
    """Of the world and of the training."""
