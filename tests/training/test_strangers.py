"""A stranger's method or encoder: its file and one line of a registry are enough."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from birdsat.config import to_dict
from birdsat.dataset.batch import Batch
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.encoders.encoder import Encoder, EncoderSettings, View
from birdsat.encoders.registry import ENCODERS
from birdsat.errors import CheckpointError, ConfigError
from birdsat.imagery.photos import RGB
from birdsat.methods.classifier import Classifier
from birdsat.methods.method import IMAGENET_MEAN, IMAGENET_STD, Image, Method, MethodSettings, Normalise, TrainingFacts
from birdsat.methods.moco_geo import MocoGeoConfig
from birdsat.methods.registry import METHODS
from birdsat.recipes.finetune import finetune_tiny, started_from
from birdsat.settings import replaced
from birdsat.training.config import RunConfig
from birdsat.training.optimiser import rate_factors
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import load_run

PX = 16


@dataclass(frozen=True, kw_only=True)
class MeanColourConfig(MethodSettings):
    """Settings of a method that no module of birdsat knows of."""

    px: int = PX
    width: int = 4
    rows: int = 0  # of training; filled in from the dataset
    photo_mean: RGB = IMAGENET_MEAN
    photo_std: RGB = IMAGENET_STD

    @property
    def photo_px(self) -> int:
        return self.px

    def build(self) -> "MeanColour":
        return MeanColour(self)

    def fitted_to(self, facts: TrainingFacts) -> "MeanColourConfig":
        return replace(self.with_statistics(facts), rows=sum(facts.taxon_rows))


class MeanColour(Method):
    """Tells the brightness of a photo's upper half from its mean colour."""

    def __init__(self, config: MeanColourConfig) -> None:
        super().__init__()
        self.config = config
        self.normalise = Normalise(config.photo_mean, config.photo_std)
        self.features, self.guess = nn.Linear(3, config.width), nn.Linear(config.width, 1)

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        upper = self.normalise(batch.photo, batch.has_photo)[:, :, : self.config.px // 2].mean((1, 2, 3))
        return {"guess": (self.guess(self.photo_features(batch.photo))[:, 0] - upper).square().mean()}

    def photo_features(self, photo: Image, mask_ratio: float = 0.0, generator: torch.Generator | None = None) -> Tensor:
        return self.features(self.normalise(photo).mean((2, 3)))

    def embed_photo(self, photo: Image) -> Tensor:
        return F.normalize(self.photo_features(photo), dim=1)


@dataclass(frozen=True, kw_only=True)
class TwoLayersConfig(EncoderSettings):
    """Settings of an encoder that is not a transformer and can hide nothing."""

    views: tuple[View, ...] = (View(px=PX, patch_px=PX),)
    width: int = 6

    @property
    def features_width(self) -> int:
        return self.width

    def build(self) -> "TwoLayers":
        return TwoLayers(self)


class TwoLayers(Encoder):
    """From mean colours through two layers."""

    def __init__(self, config: TwoLayersConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Linear(3, config.width)
        self.first, self.second = nn.Linear(config.width, config.width), nn.Linear(config.width, config.width)

    @property
    def views(self) -> tuple[View, ...]:
        return self.config.views

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        return self.first, self.second

    def features(
        self,
        images: Sequence[Tensor | None],
        visible: Sequence[Tensor | None] | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        (image,) = images
        assert image is not None
        return self.second(F.gelu(self.first(self.stem(image.mean((2, 3))))))


def two_steps(config: RunConfig, method: MethodSettings) -> RunConfig:
    views = replace(config.views, photo_views=method.photo_views)
    return replace(config, method=method, views=views, steps=2, accumulate=1, val_every=1)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "mean_colour", f"{__name__}:{MeanColourConfig.__name__}")
    monkeypatch.setitem(ENCODERS, "two_layers", f"{__name__}:{TwoLayersConfig.__name__}")


@pytest.mark.usefixtures("registered")
def test_a_method_is_trained_loaded_and_asked_like_any_other(
    config: RunConfig, dataset: Dataset, tmp_path: Path
) -> None:
    trained = pretrain(two_steps(config, MeanColourConfig()), dataset, tmp_path / "run")

    run = load_run(tmp_path / "run")

    assert run.config == trained.config and run.config.method == MeanColourConfig(
        rows=dataset.rows("train"), photo_mean=dataset.manifest.photo_mean, photo_std=dataset.manifest.photo_std
    )
    tables = [embed_split(each, dataset, "val") for each in (trained, run)]
    np.testing.assert_array_equal(tables[0].photo, tables[1].photo)
    np.testing.assert_allclose(np.linalg.norm(tables[0].photo, axis=1), 1, atol=1e-5)


@pytest.mark.usefixtures("registered")
def test_a_method_becomes_the_backbone_of_a_classifier(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    run = pretrain(two_steps(config, MeanColourConfig()), dataset, tmp_path / "run")
    recipe = replace(finetune_tiny(), batch_size=8, steps=2, val_every=1, workers=0)

    tuned = pretrain(started_from(recipe, run, from_scratch=True), dataset, tmp_path / "tuned")

    assert isinstance(tuned.method, Classifier) and isinstance(tuned.method.backbone, MeanColour)
    assert load_run(tmp_path / "tuned").config.method == tuned.config.method


def test_a_method_that_is_not_registered_is_refused_with_those_that_are(
    config: RunConfig, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as known:
        known.setitem(METHODS, "mean_colour", f"{__name__}:{MeanColourConfig.__name__}")
        pretrain(two_steps(config, MeanColourConfig()), dataset, tmp_path / "run")
    with pytest.raises(
        CheckpointError, match=r"method is of kind 'MeanColourConfig'; allowed: settings of kind .*CveMaeConfig"
    ):
        load_run(tmp_path / "run")


@pytest.mark.usefixtures("registered")
def test_an_encoder_from_elsewhere_stands_in_for_ours(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    method = MocoGeoConfig(encoder=TwoLayersConfig(), width=4, queue=16, clusters=3)
    run = pretrain(two_steps(config, method), dataset, tmp_path / "run")
    assert isinstance(run.method.encoders()["photo"], TwoLayers)
    assert load_run(tmp_path / "run").config == run.config
    assert len(embed_split(run, dataset, "val").photo) == dataset.rows("val")


@pytest.mark.usefixtures("registered")
def test_an_encoder_from_elsewhere_is_set_by_words(config: RunConfig) -> None:
    given = replace(config.method, chip_encoder=TwoLayersConfig(width=5))  # type: ignore[call-arg]
    words = [f"method.chip_encoder={json.dumps(to_dict(TwoLayersConfig(width=5)))}"]
    assert replaced(config, words) == replace(config, method=given)


def test_the_layers_of_any_encoder_learn_the_more_slowly_the_earlier_they_come() -> None:
    encoder, head = TwoLayers(TwoLayersConfig()), nn.Linear(6, 2)
    factors = rate_factors(nn.ModuleList([encoder, head]), layer_decay=0.5, head_rate=10.0)
    parts = (encoder.stem, encoder.first, encoder.second, head)
    assert [factors[part.weight] for part in parts] == [0.25, 0.5, 1.0, 10.0]


def test_a_classifier_is_not_the_backbone_of_another() -> None:
    given = finetune_tiny().method
    with pytest.raises(ConfigError, match="backbone of that one"):
        replace(given, backbone=given)  # type: ignore[call-arg]
