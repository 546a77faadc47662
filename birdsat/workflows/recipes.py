"""The recipes there are, and every setting of one."""

from dataclasses import dataclass
from typing import Any

from birdsat.progress import QUIET, Progress
from birdsat.recipes.registry import first_lines, recipe
from birdsat.workflows.requests.training import RecipesRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipesResult:
    """What each recipe is for, by name, or the settings of one."""

    lines: dict[str, str]
    settings: dict[str, Any] | None  # JSON values which, as a file, are a recipe; None: none was asked for

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the settings of the recipe that was asked for, or the list."""
        return self.lines if self.settings is None else self.settings


def recipes(request: RecipesRequest, progress: Progress = QUIET) -> RecipesResult:
    """List them all, or show one."""
    if request.name is None:
        return RecipesResult(lines=first_lines(), settings=None)
    from birdsat.config import to_dict  # with the recipe comes torch, which a list does without

    return RecipesResult(lines={}, settings=to_dict(recipe(request.name)))
