"""A run that starts from the weights of another."""

import dataclasses
from pathlib import Path

import pytest
import torch

from birdsat.dataset.row_groups import Dataset
from birdsat.encoders.encoder import View
from birdsat.encoders.positions import resized_positions
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import CheckpointError
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.moco_geo import MocoGeo, MocoGeoConfig
from birdsat.training.config import RunConfig
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import load_run, start_from


def test_a_run_starts_from_the_weights_of_another_where_they_fit(
    finished: Path, config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    assert isinstance(config.method, CveMaeConfig)
    frozen = dataclasses.replace(config.method, chip_encoder_frozen=True, place_time=None)
    onwards = dataclasses.replace(config, method=frozen, start_from=(finished,), steps=2)
    run = pretrain(onwards, dataset, tmp_path / "onwards")
    before, after = load_run(finished).method.state_dict(), run.method.state_dict()
    chip = [name for name in before if name.startswith("chip_encoder.")]
    assert chip and all(torch.equal(before[name], after[name]) for name in chip)


def test_starting_from_a_run_in_which_nothing_fits_is_refused(finished: Path) -> None:
    encoder = ViewEncoderConfig(views=(View(px=16, patch_px=4),), width=20, depth=1, heads=2)
    with pytest.raises(CheckpointError, match=r"no tensor that fits"):
        start_from(MocoGeoConfig(encoder=encoder).build(), finished)


def test_starting_from_the_same_method_of_another_width_is_refused(finished: Path, config: RunConfig) -> None:
    assert isinstance(config.method, CveMaeConfig)
    wide = dataclasses.replace(config.method.photo.encoder, width=20)
    photo = dataclasses.replace(config.method.photo, encoder=wide)
    with pytest.raises(CheckpointError, match=r"no tensor that fits"):
        start_from(dataclasses.replace(config.method, photo=photo, chip_encoder=wide).build(), finished)


def test_the_slow_encoder_of_moco_geo_starts_where_its_encoder_does(finished: Path, config: RunConfig) -> None:
    assert isinstance(config.method, CveMaeConfig)
    method = MocoGeoConfig(encoder=config.method.photo.encoder).build()
    assert isinstance(method, MocoGeo)
    start_from(method, finished)
    given = load_run(finished).method.encoders()["photo"].state_dict()
    for encoder in (method.encoder, method.slow_encoder):
        assert all(torch.equal(value, given[name]) for name, value in encoder.state_dict().items())


def test_the_chip_encoder_starts_from_mae_on_chips_with_its_positions_interpolated(
    config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    cross_view = config.method
    assert isinstance(cross_view, CveMaeConfig)
    learned = dataclasses.replace(cross_view.chip_encoder, positions="learned")
    small = dataclasses.replace(learned, views=(View(px=8, patch_px=learned.views[0].patch_px),))
    image = dataclasses.replace(cross_view.photo, encoder=small)
    chips = dataclasses.replace(
        config,
        method=MaeConfig(image=image, of="chip"),
        views=dataclasses.replace(config.views, chip_px=8),
        steps=1,
    )
    source = pretrain(chips, dataset, tmp_path / "chips").method.encoders()["chip"]
    method = dataclasses.replace(cross_view, chip_encoder=learned).build()
    photo = method.encoders()["photo"].class_token.clone()
    start_from(method, tmp_path / "chips")
    got = method.encoders()["chip"]
    assert torch.equal(got.class_token, source.class_token) and torch.equal(got.stems[0].weight, source.stems[0].weight)
    assert torch.equal(got.positions_0, resized_positions(source.positions_0, len(got.positions_0)))
    assert torch.equal(method.encoders()["photo"].class_token, photo)
