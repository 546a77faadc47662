"""A classifier on every method of photos."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from no_float64 import NoFloat64
from safetensors.torch import load_model, save_model

from birdsat import config as configs
from birdsat.dataset.batch import Batch
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import ConfigError
from birdsat.methods.classifier import Classifier, ClassifierConfig
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.cvm_mae import CvmMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.moco_geo import MocoGeoConfig

ENCODER = ViewEncoderConfig(views=(View(px=16, patch_px=4),), width=16, depth=2, heads=2)
PHOTO = MaskedConfig(encoder=ENCODER, decoder=PixelDecoderConfig(width=8, depth=1, heads=2))
CHIP = replace(ENCODER, views=(View(px=8, patch_px=4),), width=24)
META = CveMaeConfig(photo=PHOTO, chip_encoder=CHIP, place_time=PlaceTimeConfig())
CVM = CvmMaeConfig(
    images=replace(PHOTO, encoder=replace(ENCODER, views=(*ENCODER.views, *CHIP.views))), place_time=PlaceTimeConfig()
)
TAXA = ("Bubo bubo", "Corvus corax", "Pica pica", "Strix aluco", "Sitta europaea")
COUNTS = (40, 30, 20, 10, 5)
ON_PHOTOS = ClassifierConfig(backbone=META, taxa=TAXA, class_counts=COUNTS)
ON_ALL = replace(ON_PHOTOS, inputs="photo_chip_place_date")
CLASSIFIERS = {
    "on mae": replace(ON_PHOTOS, backbone=MaeConfig(image=PHOTO)),
    "on cve_mae": ON_PHOTOS,
    "on cve_mae with chips": replace(ON_PHOTOS, inputs="photo_chip"),
    "on cve_mae with everything": ON_ALL,
    "on cve_mae with a frozen chip encoder": replace(ON_ALL, backbone=replace(META, chip_encoder_frozen=True)),
    "on cvm_mae": replace(ON_PHOTOS, backbone=CVM),
    "on cvm_mae with everything": replace(ON_ALL, backbone=CVM),
    "on moco_geo": replace(
        ON_PHOTOS, backbone=MocoGeoConfig(encoder=ENCODER, queue=7, centres=((0.0, 0.0), (30.0, 30.0)))
    ),
    "frozen": replace(ON_ALL, frozen=True),
    "with every disturbance": replace(
        ON_ALL,
        mask_ratio=0.5,
        label_smoothing=0.1,
        mixup=0.8,
        cutmix=1.0,
        erasing=0.5,
        class_balanced="inverse_root",
    ),
}
every_classifier = pytest.mark.parametrize("method", CLASSIFIERS.values(), ids=CLASSIFIERS, indirect=True)


@pytest.fixture
def method(request: pytest.FixtureRequest) -> Classifier:
    return build(request.param)


def build(config: ClassifierConfig) -> Classifier:
    torch.manual_seed(0)
    made = config.build()
    assert isinstance(made, Classifier)
    return made


def batch(n: int = 5) -> Batch:
    generator = seeded(0)
    lon_lat, year_fraction = torch.rand(n, 2, generator=generator) * 60, torch.rand(n, generator=generator)
    lon_lat[1], year_fraction[2] = math.nan, math.nan
    has_photo, has_chip = torch.ones(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool)
    has_photo[3], has_chip[4] = False, False
    photo = torch.randint(0, 256, (n, 3, 16, 16), generator=generator, dtype=torch.uint8)
    return Batch(
        photos=(photo,),
        chip=torch.randint(0, 256, (n, 3, 8, 8), generator=generator, dtype=torch.uint8),
        has_photo=has_photo,
        has_chip=has_chip,
        lon_lat=lon_lat,
        year_fraction=year_fraction,
        label=torch.arange(n),
        row=torch.arange(n),
    )


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every_classifier
def test_nothing_needs_float64_which_some_gpus_lack(method: Classifier) -> None:
    with NoFloat64():
        method.losses(batch(), seeded())["classify"].backward()
        method.eval().probabilities(batch())


@every_classifier
def test_gradients_reach_every_trainable_parameter_and_no_other(method: Classifier) -> None:
    method.losses(batch(), seeded())["classify"].backward()
    reached = {name for name, p in method.named_parameters() if p.grad is not None}
    assert reached == {name for name, p in method.named_parameters() if p.requires_grad}
    assert all(p.grad.any() for name, p in method.named_parameters() if name in reached)
    assert any(name.startswith("head.") for name in reached)
    assert any(name.startswith("backbone.") for name in reached) != method.config.frozen
    assert not any("decoder" in name for name in reached)


@every_classifier
def test_in_eval_mode_the_loss_is_plain_cross_entropy_and_nothing_is_drawn(method: Classifier) -> None:
    method.eval()
    given, seen = batch(), batch().has_photo
    loss = method.losses(given, seeded(1))["classify"]
    assert loss == method.losses(given, seeded(2))["classify"]
    assert torch.allclose(loss, F.cross_entropy(method.logits(given)[seen], given.label[seen]))


@every_classifier
def test_a_missing_photo_or_chip_does_not_change_the_loss(method: Classifier) -> None:
    given = batch()
    before = method.losses(given, seeded())["classify"]
    given.photo[3] = 255 - given.photo[3]
    given.chip[4] = 255 - given.chip[4]
    assert torch.allclose(before, method.losses(given, seeded())["classify"])


@every_classifier
def test_place_and_chip_change_the_logits_exactly_where_they_are_looked_at(method: Classifier) -> None:
    method.eval()
    elsewhere = replace(batch(), lon_lat=batch().lon_lat + 60)
    other_chip = replace(batch(), chip=255 - batch().chip)
    inputs = method.config.inputs
    assert torch.equal(method.logits(batch()), method.logits(elsewhere)) == (inputs != "photo_chip_place_date")
    assert torch.equal(method.logits(batch()), method.logits(other_chip)) == (inputs == "photo")
    assert method.logits(batch().without_metadata()).isfinite().all()
    without_chip = ~batch().has_chip
    told = [method.logits(given)[without_chip] for given in (batch(), elsewhere)]
    assert torch.equal(*told) == (inputs != "photo_chip_place_date")


@every_classifier
def test_its_embeddings_are_those_of_its_backbone(method: Classifier) -> None:
    method.eval()
    given = batch()
    assert torch.equal(method.embed_photo(given.photo), method.backbone.embed_photo(given.photo))
    assert method.encoders().keys() == method.backbone.encoders().keys()
    if method.sees_chips:
        features = method.encode_chip(given.chip)
        embedded = method.embed_chip(features, given.lon_lat, given.year_fraction)
        assert torch.equal(embedded, method.backbone.embed_chip(features, given.lon_lat, given.year_fraction))


@every_classifier
def test_saved_and_loaded_it_is_the_same(method: Classifier, tmp_path: Path) -> None:
    method.temperature.fill_(1.7)
    save_model(method, str(tmp_path / "model.safetensors"))
    torch.manual_seed(99)
    other = method.config.build()
    load_model(other, str(tmp_path / "model.safetensors"))
    assert isinstance(other, Classifier)
    assert torch.equal(method.eval().probabilities(batch()), other.eval().probabilities(batch()))


@pytest.mark.parametrize("config", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_settings_survive_json(config: ClassifierConfig) -> None:
    assert configs.from_dict(ClassifierConfig, configs.to_dict(config)) == config


@pytest.mark.parametrize(
    "setting",
    [
        {"mask_ratio": 0.5},
        {"label_smoothing": 0.2},
        {"mixup": 0.8},
        {"cutmix": 1.0},
        {"erasing": 1.0},
        {"class_balanced": "effective_number"},
    ],
    ids=str,
)
def test_every_disturbance_changes_the_training_loss(setting: dict[str, float]) -> None:
    plain, other = build(ON_PHOTOS), build(replace(ON_PHOTOS, **setting))
    torch.nn.init.normal_(plain.head.taxa.weight)
    other.load_state_dict(plain.state_dict())
    assert not torch.allclose(
        plain.losses(batch(), seeded())["classify"], other.losses(batch(), seeded())["classify"], atol=1e-4
    )


def test_the_temperature_flattens_probabilities_and_keeps_their_order() -> None:
    method = build(ON_PHOTOS).eval()
    torch.nn.init.normal_(method.head.taxa.weight)
    sharp = method.probabilities(batch())
    method.temperature.fill_(3.0)
    flat = method.probabilities(batch())
    assert torch.equal(sharp.argsort(dim=1), flat.argsort(dim=1)) and (flat.amax(1) < sharp.amax(1)).all()
    assert torch.allclose(flat.sum(dim=1), torch.ones(5))


def test_chip_features_made_once_give_the_same_loss() -> None:
    method = build(CLASSIFIERS["frozen"])
    assert method.chips_are_frozen
    made = replace(batch(), chip_features=method.encode_chip(batch().chip))
    assert torch.allclose(method.losses(made, seeded())["classify"], method.losses(batch(), seeded())["classify"])


def test_a_frozen_backbone_stays_in_eval_mode() -> None:
    method = build(CLASSIFIERS["frozen"]).train()
    assert method.training and not method.backbone.training
    assert build(ON_PHOTOS).train().backbone.training


def test_it_learns_a_batch_by_heart() -> None:
    method, given = build(ON_PHOTOS), batch()
    optimiser = torch.optim.AdamW((p for p in method.parameters() if p.requires_grad), lr=1e-2)
    for step in range(40):
        optimiser.zero_grad()
        method.losses(given, seeded(step))["classify"].backward()
        optimiser.step()
    right = method.eval().logits(given).argmax(dim=1) == given.label
    assert right[given.has_photo].all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backbone": MaeConfig(image=replace(PHOTO, encoder=CHIP), of="chip")}, "sees no photos"),
        ({"backbone": MaeConfig(image=PHOTO), "inputs": "photo_chip"}, "sees no chips"),
        ({"backbone": replace(META, place_time=None), "inputs": "photo_chip_place_date"}, "without place"),
        ({"mixup": -1.0}, "mixup is -1.0; allowed"),
        ({"cutmix": math.nan}, "cutmix is nan; allowed"),
        ({"erasing": 1.5}, "erasing is 1.5; allowed"),
        ({"mask_ratio": 1.0}, "mask_ratio is 1.0; allowed"),
        ({"class_counts": (1, 2)}, "2 entries for 5 taxa"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(ON_PHOTOS, **change)


def test_a_classifier_without_taxa_or_counts_that_it_needs_is_not_built() -> None:
    with pytest.raises(ConfigError, match="needs taxa"):
        replace(ON_PHOTOS, taxa=(), class_counts=()).build()
    with pytest.raises(ConfigError, match="class_counts"):
        replace(ON_PHOTOS, class_counts=(), class_balanced="inverse_root").build()
