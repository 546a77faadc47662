"""The verb that is not yet made of a request record."""

from pathlib import Path

from tyro.conf import Positional


def demo(out: Positional[Path] = Path("runs/demo"), seed: int = 0) -> None:
    """Build a virtual world, learn from it, classify, retrieve and map, and write one page. About ten minutes.

    Args:
        out: Folder for everything that is made.
        seed: Of the world and of the training.
    """
    from birdsat.workflows.demo.run import demo as run_demo

    run_demo(out, seed=seed)
