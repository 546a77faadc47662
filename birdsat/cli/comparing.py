"""The verb that compares recipes."""

from pathlib import Path

from tyro.conf import Positional

from birdsat.cli.verbs import Recipe


def compare(
    dataset: Positional[Path],
    out: Positional[Path],
    recipes: tuple[Recipe, ...] = (
        "mae_tiny",
        "moco_geo_tiny",
        "cve_mae_tiny_without_metadata",
        "cve_mae_tiny",
        "cvm_mae_tiny_without_metadata",
        "cvm_mae_tiny",
        "cve_mae_paper_tiny",
        "cvm_mae_paper_tiny",
    ),
    seeds: tuple[int, ...] = (0, 1),
    steps: int | None = None,
    truth: int | None = None,
    workers: int | None = None,
) -> None:
    """Pretrain several recipes with several seeds and judge them alike: compare.md, compare.csv and compare.png.

    Args:
        dataset: Folder of the dataset.
        out: Folder for the runs and the table; started again, what is there is kept.
        recipes: Which.
        seeds: Of each recipe.
        steps: Optimiser steps of each run, in place of the recipe's own.
        truth: Seed of the virtual world that the dataset is of, whose true ranges judge the maps.
        workers: Processes that decode images.
    """
    from birdsat.cli.console import print_table
    from birdsat.dataset.row_groups import Dataset
    from birdsat.workflows.compare import TABLE_FILES, console_table
    from birdsat.workflows.compare import compare as compare_recipes

    rows = compare_recipes(recipes, seeds, Dataset(dataset), out, steps=steps, truth=truth, workers=workers)
    print_table(console_table(rows))
    print(*(out / name for name in TABLE_FILES), sep="\n")
