"""A method that trains in a second, on the dataset of the tiny world."""

from pathlib import Path

import pytest
from made_runs import CROSS_VIEW, PX, make_dataset, rows
from tiny_world import ROWS, TinyWorld

from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.observations.observation import Split
from birdsat.training.config import RunConfig
from birdsat.training.optimiser import OptimiserConfig
from birdsat.training.pretrain import pretrain


@pytest.fixture(scope="session")
def dataset(tiny_world: TinyWorld) -> Dataset:
    return Dataset(tiny_world.dataset)


@pytest.fixture(scope="session")
def dataset_without_val(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("data") / "noise", rows(["train"] * ROWS["train"]))


@pytest.fixture(scope="session")
def dataset_without_chips(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    splits: list[Split] = ["train"] * ROWS["train"] + ["val"] * ROWS["val"]
    return make_dataset(tmp_path_factory.mktemp("data") / "photos", rows(splits), with_chips=False)


@pytest.fixture(scope="session")
def config() -> RunConfig:
    """12 steps of 2 batches of 8: an epoch has 5 batches, so runs end and resume within one."""
    return RunConfig(
        method=CROSS_VIEW,
        views=ViewsConfig(photo_px=PX, chip_px=PX),
        optimiser=OptimiserConfig(average_decay=0.9, muon_lr=1e-3),
        batch_size=8,
        steps=12,
        accumulate=2,
        workers=0,
        log_every=2,
        val_every=5,
        checkpoint_every=7,
    )


@pytest.fixture(scope="session")
def finished(config: RunConfig, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "straight"
    pretrain(config, dataset, out)
    return out
