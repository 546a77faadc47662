import pytest
import torch

from birdsat import config
from birdsat.errors import ConfigError
from birdsat.recipes.ours import changed, cve_mae_tiny, mae_tiny, with_frozen_chips, without_metadata
from birdsat.recipes.registry import RECIPES, recipe
from birdsat.training.config import RunConfig

every_recipe = pytest.mark.parametrize("name", RECIPES)


@every_recipe
def test_a_recipe_is_a_complete_run_that_survives_json(name: str) -> None:
    assert config.from_dict(RunConfig, config.to_dict(recipe(name))) == recipe(name)


@every_recipe
def test_a_recipe_s_views_are_what_its_encoders_see(name: str) -> None:
    run = recipe(name)
    with torch.device("meta"):
        method = run.method.build()
    assert (run.method.photo_px is not None) == method.sees_photos
    assert (run.method.chip_px is not None) == method.sees_chips
    assert {run.method.photo_px, run.method.chip_px} <= {run.views.photo_px, run.views.chip_px, None}


def test_without_metadata_changes_nothing_else() -> None:
    run = without_metadata(cve_mae_tiny())
    assert not run.method.build().uses_metadata
    assert run.views == cve_mae_tiny().views and run.optimiser == cve_mae_tiny().optimiser


def test_single_settings_are_replaced() -> None:
    run = changed(cve_mae_tiny(), lr=1e-3, steps=7, seed=None)
    assert (run.optimiser.lr, run.steps, run.seed) == (1e-3, 7, cve_mae_tiny().seed)
    assert run.optimiser.muon_lr == pytest.approx(cve_mae_tiny().optimiser.muon_lr / 2)


def test_chips_are_frozen_where_there_are_any() -> None:
    assert with_frozen_chips(cve_mae_tiny()).method.build().chips_are_frozen
    with pytest.raises(ConfigError, match="no chip encoder"):
        with_frozen_chips(mae_tiny())


@pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith("_paper")])
def test_the_paper_s_recipes_have_its_optimiser(name: str) -> None:
    run = recipe(name)
    assert (run.batch_size, run.optimiser.lr, run.optimiser.weight_decay) == (77, 1e-4, 0.01)
    assert (run.optimiser.clip_norm, run.optimiser.warmup, run.optimiser.average_decay) == (0, 0, 0)
    assert run.optimiser.restart_every * 100 == run.steps * 40
