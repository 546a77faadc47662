"""What a child process may be asked to do, by name. Heavy imports come with the verb."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from birdsat.progress import Progress

Work = Callable[[Mapping[str, Any], Progress], Mapping[str, Any]]


def fit_example(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Fit the example's invented birds. asked: folder."""
    from birdsat.progress import WithoutNotes
    from birdsat.workflows.explorer_example import BOX, example_table
    from birdsat.workflows.fit_ranges import fit_ranges
    from birdsat.workflows.requests.ranges import FitRequest

    folder = Path(asked["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    table = example_table(folder)
    box = f"{BOX.west:g},{BOX.south:g},{BOX.east:g},{BOX.north:g}"
    fit_ranges(FitRequest(tables=(table,), out=folder / "model", box=box), WithoutNotes(progress))
    return {"model": "example"}


VERBS: dict[str, Work] = {"fit-example": fit_example}
