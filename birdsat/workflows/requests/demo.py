"""The request for the demo."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from birdsat.workflows.requests.request import AnyPath, Asks, Positional, Request

if TYPE_CHECKING:
    from birdsat.workflows.demo.run import DemoResult


@dataclass(frozen=True, kw_only=True)
class DemoRequest(Request, Asks["DemoResult"]):
    """Build a virtual world, learn from it, classify, retrieve and map, and write one page. About ten minutes."""

    out: Positional[AnyPath] = Path("runs/demo")
    """Folder for everything that is made. Started again, what is built and trained is kept."""
    seed: int = 0
    """Of the world and of the training."""
