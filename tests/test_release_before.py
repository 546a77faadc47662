"""What the release before this wrote opens, and says the same numbers (tests/data/release_0_1, made by its code); a
range model, which knows too little of its area of applicability, is to be fitted again."""

from pathlib import Path

import numpy as np
import pytest
import torch

import birdsat
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import CheckpointError
from birdsat.methods.classifier import ClassifierConfig
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.ranges.load import load_ranges
from birdsat.training.run_folder import load_run

BEFORE = Path(__file__).parent / "data" / "release_0_1"
IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 16, 16), dtype=np.uint8))


@pytest.fixture(scope="module")
def numbers() -> dict[str, np.ndarray]:
    with np.load(BEFORE / "numbers.npz") as stored:
        return dict(stored)


def test_a_run_embeds_as_it_did(numbers: dict[str, np.ndarray]) -> None:
    run = load_run(BEFORE / "run")
    assert isinstance(run.config.method, CveMaeConfig)
    with torch.no_grad():
        photo = run.method.embed_photo(IMAGES)
        places, fractions = torch.tensor([[10.0, 42.0], [-70.0, 5.0]]), torch.tensor([0.1, 0.6])
        chip = run.method.embed_chip(run.method.encode_chip(IMAGES), places, fractions)
    np.testing.assert_allclose(photo.numpy(), numbers["photo"], atol=1e-5)
    np.testing.assert_allclose(chip.numpy(), numbers["chip"], atol=1e-5)


def test_a_classifier_s_settings_are_read_by_their_old_names(numbers: dict[str, np.ndarray]) -> None:
    run = load_run(BEFORE / "classifier")
    method = run.config.method
    assert isinstance(method, ClassifierConfig)
    assert (method.inputs, method.class_balanced) == ("photo_chip_place_date", "inverse_root")
    assert method.mask_ratio == 0.25
    with torch.no_grad():
        np.testing.assert_allclose(run.method.embed_photo(IMAGES).numpy(), numbers["classifier"], atol=1e-5)


def test_a_region_is_still_that_of_its_run_and_its_range_model_is_to_be_fitted_again() -> None:
    region = open_region(BEFORE / "region")
    region.check_model(load_run(BEFORE / "run"))
    with pytest.raises(CheckpointError, match=r"by an earlier birdsat.*fit it again with `birdsat fit`"):
        load_ranges(BEFORE / "ranges")


def test_a_dataset_opens() -> None:
    dataset = Dataset(BEFORE / "dataset")
    assert sum(dataset.rows(split) for split in ("train", "val", "test")) == 12


def test_load_tells_all_of_them_apart() -> None:
    kinds = {name: type(birdsat.load(BEFORE / name)).__name__ for name in ("run", "region", "dataset")}
    assert kinds == {"run": "Model", "region": "FolderRegion", "dataset": "Dataset"}
    with pytest.raises(CheckpointError, match="fit it again"):
        birdsat.load(BEFORE / "ranges")
