"""Recipes by name, as `birdsat pretrain --recipe` takes them."""

from collections.abc import Callable

from birdsat.recipes import ours as runs
from birdsat.recipes import paper
from birdsat.training.config import RunConfig

RECIPES: dict[str, Callable[[], RunConfig]] = {
    recipe.__name__: recipe
    for recipe in (
        runs.cve_mae_tiny,
        runs.cve_mae_tiny_without_metadata,
        runs.cvm_mae_tiny,
        runs.cvm_mae_tiny_without_metadata,
        runs.mae_tiny,
        runs.mae_tiny_with_metadata,
        runs.mae_chips_tiny,
        runs.moco_geo_tiny,
        runs.moco_tiny,
        runs.cve_mae_small,
        runs.cve_mae_base,
        runs.cve_mae_large,
        runs.mae_base,
        paper.cve_mae_paper_tiny,
        paper.cvm_mae_paper_tiny,
        paper.cve_mae_paper,
        paper.cve_mae_paper_without_metadata,
        paper.cvm_mae_paper,
        paper.cvm_mae_paper_without_metadata,
        paper.mae_paper,
        paper.mae_chips_paper,
        paper.moco_geo_paper,
    )
}
