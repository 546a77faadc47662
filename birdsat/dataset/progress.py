"""The progress bar of work over rows, or over whatever else is counted."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def row_progress(show: bool, unit: str = "rows") -> Progress:
    """A bar on stderr that counts rows, or what `unit` names; `show` False draws nothing."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not show,
    )
