"""Contracts that hold for every method."""

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from no_float64 import NoFloat64
from safetensors.torch import load_model, save_model
from small_methods import CVE, CVM, ENCODER, MAE_OF_CHIPS, META, METHODS, PHOTO, batch, seeded

from birdsat import config as configs
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.errors import ConfigError, InputError
from birdsat.methods.cve_mae import CveMae, CveMaeConfig
from birdsat.methods.cvm_mae import CvmMae, CvmMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.method import Method, MethodSettings

CROSS_VIEW = {name: config for name, config in METHODS.items() if name.startswith(("cve", "cvm"))}
REBUILDING = {name: config for name, config in METHODS.items() if name != "moco_geo"}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS, indirect=True)
every_cross_view = pytest.mark.parametrize("method", CROSS_VIEW.values(), ids=CROSS_VIEW, indirect=True)
every_rebuilding = pytest.mark.parametrize("method", REBUILDING.values(), ids=REBUILDING, indirect=True)


@pytest.fixture
def method(request: pytest.FixtureRequest) -> Method:
    torch.manual_seed(0)
    return request.param.build()


@every_method
def test_gradients_reach_every_trainable_parameter(method: Method) -> None:
    for seed in range(4):  # several draws: in one of them no place might be dropped, or none left
        torch.stack(list(method.losses(batch(), seeded(seed)).values())).sum().backward()
    without = [
        name for name, p in method.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    assert not without


@every_rebuilding
def test_losses_are_a_function_of_the_draw(method: Method) -> None:
    one, same, other = (method.losses(batch(), seeded(seed)) for seed in (1, 1, 2))
    assert one == same
    assert one["reconstruct"] != other["reconstruct"]


@every_method
def test_nothing_needs_float64_which_some_gpus_lack(method: Method) -> None:
    with NoFloat64():
        torch.stack(list(method.losses(batch(), seeded()).values())).sum().backward()
        method.eval().embed_photo(batch().photo)
        if method.sees_chips:
            method.embed_chip(method.encode_chip(batch().chip), batch().lon_lat, batch().year_fraction)
        if method.matches_pairs:
            method.match(batch().photo, batch().chip, batch().lon_lat, batch().year_fraction)


@every_method
def test_embeddings_are_unit_vectors_that_never_change_between_calls(method: Method) -> None:
    method.eval()
    first = method.embed_photo(batch().photo)
    torch.rand(7)  # moves the global generator
    assert torch.equal(first, method.embed_photo(batch().photo))
    assert torch.allclose(first.norm(dim=1), torch.ones(5), atol=1e-5)


@every_method
def test_a_sample_embeds_alike_alone_and_in_a_batch(method: Method) -> None:
    method.eval()
    assert torch.allclose(method.embed_photo(batch().photo)[:1], method.embed_photo(batch().photo[:1]), atol=1e-5)


@every_method
def test_shuffling_the_patches_changes_the_embedding(method: Method) -> None:
    method.eval()
    photo = batch().photo
    shuffled = photo.view(5, 3, 4, 4, 16).flip(2).reshape(5, 3, 16, 16)
    assert not torch.allclose(method.embed_photo(photo), method.embed_photo(shuffled), atol=1e-4)


@every_method
def test_saved_and_loaded_it_is_the_same(method: Method, tmp_path: Path) -> None:
    save_model(method, str(tmp_path / "model.safetensors"))
    torch.manual_seed(99)
    other = method.config.build()
    load_model(other, str(tmp_path / "model.safetensors"))
    assert torch.equal(method.eval().embed_photo(batch().photo), other.eval().embed_photo(batch().photo))


@every_method
def test_no_tensor_is_saved_under_two_names(method: Method) -> None:
    places = [value.data_ptr() for value in method.state_dict().values()]
    assert len(set(places)) == len(places)


@every_method
def test_losses_in_bf16_are_close_to_those_in_32_bits(method: Method) -> None:
    whole = copy.deepcopy(method).losses(batch(), seeded())
    with torch.autocast("cpu", torch.bfloat16):
        rounded = method.losses(batch(), seeded())
    assert all(torch.allclose(whole[name], rounded[name].float(), rtol=0.1, atol=0.05) for name in whole)


@pytest.mark.parametrize("config", METHODS.values(), ids=METHODS)
def test_settings_survive_json(config: MethodSettings) -> None:
    assert configs.from_dict(type(config), configs.to_dict(config)) == config


@every_method
def test_bytes_and_shares_of_one_are_the_same_photo(method: Method) -> None:
    photo = batch().photo
    assert torch.allclose(method.eval().embed_photo(photo), method.embed_photo(photo.float() / 255), atol=1e-6)


@every_method
def test_a_missing_photo_does_not_change_the_loss(method: Method) -> None:
    given = batch()
    before = copy.deepcopy(method).losses(given, seeded())  # a queue remembers what it saw
    given.photo[3] = 255 - given.photo[3]
    given.photos[1][3] = 255 - given.photos[1][3]
    given.chip[4] = 255 - given.chip[4]
    after = method.losses(given, seeded())
    assert all(torch.allclose(before[name], after[name]) for name in before)


@every_rebuilding
def test_the_visible_patches_of_a_reconstruction_are_the_photo(method: Method) -> None:
    made = method.reconstruct(batch(), seeded())
    visible = made.hidden == 0
    assert torch.allclose(made.rebuilt[visible], made.image[visible], atol=1e-5)
    assert 0 < made.hidden.mean() < 1
    assert not torch.allclose(made.rebuilt[~visible], made.image[~visible], atol=1e-2)


@every_cross_view
def test_chips_embed_as_unit_vectors_and_place_matters_only_with_metadata(method: Method) -> None:
    method.eval()
    features = method.encode_chip(batch().chip)
    here = method.embed_chip(features, torch.zeros(5, 2), torch.zeros(5))
    there = method.embed_chip(features, torch.full((5, 2), 45.0), torch.zeros(5))
    assert torch.allclose(here.norm(dim=1), torch.ones(5), atol=1e-5)
    assert torch.equal(here, there) != method.uses_metadata


@every_cross_view
def test_missing_place_and_date_embed_without_nan(method: Method) -> None:
    nowhere = batch().without_metadata()
    assert method.embed_chip(method.encode_chip(nowhere.chip), nowhere.lon_lat, nowhere.year_fraction).isfinite().all()


def test_mae_says_that_it_cannot_embed_chips() -> None:
    with pytest.raises(InputError, match="cve_mae"):
        METHODS["mae"].build().encode_chip(batch().chip)


def test_a_frozen_chip_encoder_takes_features_made_once_and_gives_the_same_contrast() -> None:
    torch.manual_seed(0)
    method = CveMae(replace(META, chip_encoder_frozen=True, chip_mask_ratio=0.0))
    made = replace(batch(), chip_features=method.encode_chip(batch().chip))
    assert torch.allclose(
        method.losses(made, seeded())["contrast"], method.losses(batch(), seeded())["contrast"], atol=1e-5
    )
    assert not any(p.requires_grad for p in method.chip_encoder.parameters())


def test_a_frozen_chip_encoder_keeps_the_statistics_of_its_batch_norms_in_training() -> None:
    torch.manual_seed(0)
    method = METHODS["cve_mae as published"].build()
    assert isinstance(method, CveMae)
    for training in (method, method.train()):
        before = {name: value.clone() for name, value in training.chip_encoder.state_dict().items()}
        training.losses(batch(), seeded())
        assert all(torch.equal(before[name], value) for name, value in training.chip_encoder.state_dict().items())


def test_metadata_dropout_runs_in_training_only() -> None:
    torch.manual_seed(0)
    method = CveMae(replace(META, place_time=PlaceTimeConfig(dropout=0.99)))
    trained = method.losses(batch(), seeded())["contrast"]
    assert trained != method.eval().losses(batch(), seeded())["contrast"]


def test_mae_with_metadata_rebuilds_otherwise_elsewhere_but_embeds_the_photo_alone() -> None:
    torch.manual_seed(0)
    method = METHODS["mae with metadata"].build().eval()
    there = replace(batch(), lon_lat=batch().lon_lat + 90)
    assert method.losses(batch(), seeded()) != method.losses(there, seeded())
    assert method.uses_metadata and not method.sees_chips


def test_one_view_of_a_photo_has_no_twin() -> None:
    torch.manual_seed(0)
    method = METHODS["cve_mae with twin photos"].build()
    one_view = replace(batch(), photos=batch().photos[:1])
    assert "twin" in method.losses(batch(), seeded())
    assert "twin" not in method.losses(one_view, seeded())


def test_photos_of_a_single_colour_do_not_become_infinite() -> None:
    method = MaeConfig(image=PHOTO, photo_std=(0.0, 0.0, 0.0)).build().eval()
    assert method.embed_photo(batch().photo).isfinite().all()


@pytest.mark.parametrize("setting", [{"temperature": 0.0}, {"chip_mask_ratio": 1.5}, {"min_negative_km": math.nan}])
def test_settings_that_cannot_work_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        replace(CVE, **setting)


def test_mae_of_chips_embeds_chips_and_says_that_it_cannot_embed_photos() -> None:
    torch.manual_seed(0)
    method = MAE_OF_CHIPS.build().eval()
    other = replace(batch(), photos=(255 - batch().photo,))
    assert method.losses(batch(), seeded()) == method.losses(other, seeded())
    features = method.encode_chip(batch().chip)
    embedded = method.embed_chip(features, batch().lon_lat, batch().year_fraction)
    assert torch.allclose(embedded.norm(dim=1), torch.ones(5), atol=1e-5)
    with pytest.raises(InputError, match="embed photos"):
        method.embed_photo(batch().photo)
    with pytest.raises(InputError, match="cvm_mae"):
        method.match(batch().photo, batch().chip, batch().lon_lat, batch().year_fraction)


def test_match_looks_at_photo_chip_and_place_together() -> None:
    torch.manual_seed(0)
    method = METHODS["cvm_mae with metadata"].build().eval()
    given = batch().photo, batch().chip, torch.zeros(5, 2), torch.zeros(5)
    logits = method.match(*given)
    assert logits.shape == (5,)
    for i, other in enumerate((255 - given[0], 255 - given[1], given[2] + 40, given[3] + 0.5)):
        changed = method.match(*given[:i], other, *given[i + 1 :])
        assert not torch.allclose(logits, changed)


def test_hard_negatives_without_contrast_are_refused() -> None:
    with pytest.raises(ConfigError, match="contrast"):
        replace(CVM, contrast_weight=0.0)


@pytest.mark.parametrize("hardness", [-0.1, 1.1, math.nan])
def test_a_hardness_out_of_range_is_refused(hardness: float) -> None:
    with pytest.raises(ConfigError, match="hardness"):
        replace(CVM, hardness=hardness)


@pytest.mark.parametrize("hardness", [0.0, 0.5, 1.0])
def test_hard_negatives_are_drawn_by_a_power_of_the_odds_that_contrast_gives(hardness: float) -> None:
    method = replace(CVM, hardness=hardness, min_negative_km=0.0).build()
    assert isinstance(method, CvmMae)
    given = replace(batch(), has_chip=torch.tensor([True, True, True, False, False]))
    odds = torch.tensor([[9.0, 1, 4, 1, 1]]).expand(5, 5)  # of a chip belonging to the photo
    generator = seeded()
    drawn = torch.stack([method._hard_negatives(odds.log(), given, generator)[0] for _ in range(4000)])
    expected = 4**hardness / (4**hardness + 1)
    assert float((drawn[:, 0] == 2).float().mean()) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("name", ["mae", "cve_mae from a full pass", "cvm_mae with metadata"])
def test_stochastic_depth_acts_in_the_masked_pass_in_training_only(name: str) -> None:
    def losses(drop_path: float, *, training: bool) -> torch.Tensor:
        encoder = replace(ENCODER, depth=2, drop_path=drop_path)
        config = METHODS[name]
        if isinstance(config, MaeConfig):
            config = replace(config, image=replace(PHOTO, encoder=encoder))
        elif isinstance(config, CveMaeConfig):
            config = replace(config, photo=replace(PHOTO, encoder=encoder), place_time=None)
        elif isinstance(config, CvmMaeConfig):
            views = config.images.encoder.views
            config = replace(config, images=replace(PHOTO, encoder=replace(encoder, views=views)), place_time=None)
        torch.manual_seed(0)
        method = config.build().train(training)
        return torch.stack(list(method.losses(batch(), seeded()).values()))

    assert torch.equal(losses(0.0, training=False), losses(0.9, training=False))
    assert not torch.equal(losses(0.0, training=True), losses(0.9, training=True))
