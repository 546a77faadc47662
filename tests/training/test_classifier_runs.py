"""Classifiers trained by the same machinery: what is filled in, resumed, started from and handed on."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from birdsat.dataset.row_groups import Dataset
from birdsat.errors import DatasetError
from birdsat.methods.classifier import Classifier, ClassifierConfig
from birdsat.training.config import RunConfig, fitted_to
from birdsat.training.metrics import read_metrics
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import MODEL_FILE, load_run, start_from
from birdsat.training.stopping import TrainingStopped


@pytest.fixture(scope="module")
def pretrained(config: RunConfig, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "pretrained"
    pretrain(replace(config, steps=2), dataset, out)
    return out


def classifier(config: RunConfig, start: Path | None = None, **settings: object) -> RunConfig:
    method = ClassifierConfig(backbone=config.method, **settings)
    return replace(
        config,
        method=method,
        start_from=() if start is None else (start,),
        optimiser=replace(config.optimiser, muon_lr=0.0, layer_decay=0.7),
    )


DISTURBED = {"mask_ratio": 0.25, "mixup": 0.8, "cutmix": 1.0, "erasing": 0.5, "label_smoothing": 0.1}


def test_taxa_and_their_counts_come_from_the_dataset(config: RunConfig, dataset: Dataset) -> None:
    method = fitted_to(classifier(config), dataset).method
    assert isinstance(method, ClassifierConfig)
    assert method.taxa == dataset.taxa
    assert method.class_counts == dataset.manifest.split_counts("train").taxon_rows
    assert method.backbone.photo_mean == dataset.manifest.photo_mean


def test_a_classifier_that_starts_from_a_run_sees_its_images_as_that_run_did(
    config: RunConfig, dataset: Dataset, pretrained: Path
) -> None:
    method = fitted_to(classifier(config, pretrained), dataset).method
    assert isinstance(method, ClassifierConfig)
    assert method.taxa == dataset.taxa and method.backbone == config.method


def test_it_is_trained_saved_and_read_back(
    config: RunConfig, dataset: Dataset, pretrained: Path, tmp_path: Path
) -> None:
    settings = classifier(config, pretrained, inputs="photo_chip_place_date", **DISTURBED)
    run = pretrain(settings, dataset, tmp_path / "run")
    assert isinstance(run.method, Classifier)
    assert run.taxa == run.method.config.taxa == dataset.taxa
    records = read_metrics(tmp_path / "run")
    assert {record["split"] for record in records} == {"train", "val"}
    assert all(record["losses"].keys() == {"classify"} for record in records)
    card = (tmp_path / "run" / "README.md").read_text()
    assert "trained to tell taxa apart" in card and "without labels" not in card
    before, after = load_file(pretrained / MODEL_FILE), load_file(tmp_path / "run" / MODEL_FILE)
    changed = {name for name, value in before.items() if not torch.equal(value, after[f"backbone.{name}"])}
    assert any(name.startswith("photo.encoder.") for name in changed)
    assert not any("decoder" in name for name in changed)


def test_a_stopped_classifier_goes_on_to_the_same_numbers(
    config: RunConfig, dataset: Dataset, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = classifier(config, pretrained, **DISTURBED)
    whole = pretrain(settings, dataset, tmp_path / "whole")
    losses, calls = Classifier.losses, []

    def until(self: Classifier, *given: object) -> dict[str, torch.Tensor]:
        calls.append(1)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return losses(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "losses", until)
        with pytest.raises((TrainingStopped, KeyboardInterrupt, SystemExit)):
            pretrain(settings, dataset, tmp_path / "halves")
    assert not (tmp_path / "halves" / MODEL_FILE).exists()
    again = pretrain(settings, dataset, tmp_path / "halves", resume=True)
    for name, value in whole.method.state_dict().items():
        assert torch.equal(value, again.method.state_dict()[name]), name


def test_with_a_frozen_backbone_only_the_head_changes_and_chips_are_encoded_once(
    config: RunConfig, dataset: Dataset, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    encode = Classifier.encode_chip
    monkeypatch.setattr(Classifier, "encode_chip", lambda self, chip: encoded.append(len(chip)) or encode(self, chip))
    settings = classifier(config, pretrained, inputs="photo_chip", frozen=True)
    run = pretrain(settings, dataset, tmp_path / "run")
    before, after = load_run(pretrained).method.state_dict(), run.method.state_dict()
    assert all(torch.equal(value, after[f"backbone.{name}"]) for name, value in before.items())
    rows = dataset.rows("train") + dataset.rows("val")
    assert sum(n for n in encoded if n > 1) == rows  # of 1: asked for the width


def test_a_cascade_hands_on_the_backbone_always_and_the_head_where_the_taxa_are_the_same(
    config: RunConfig, dataset: Dataset, pretrained: Path, tmp_path: Path
) -> None:
    first = pretrain(classifier(config, pretrained), dataset, tmp_path / "first")
    assert isinstance(first.method, Classifier) and isinstance(first.config.method, ClassifierConfig)
    names = first.config.method.taxa
    for change, same_head in (
        ({}, True),
        ({"taxa": tuple(reversed(names))}, False),
        ({"inputs": "photo_chip"}, False),
    ):
        torch.manual_seed(7)
        onwards = replace(first.config.method, **change).build()
        assert isinstance(onwards, Classifier)
        fresh = onwards.head.taxa.weight.clone()
        start_from(onwards, tmp_path / "first")
        given, taken = first.method.backbone.state_dict(), onwards.backbone.state_dict()
        assert all(torch.equal(value, taken[name]) for name, value in given.items())
        assert torch.equal(onwards.head.taxa.weight, first.method.head.taxa.weight if same_head else fresh)


def test_pretraining_may_go_on_from_a_classifier_s_backbone(
    config: RunConfig, dataset: Dataset, pretrained: Path, tmp_path: Path
) -> None:
    first = pretrain(classifier(config, pretrained), dataset, tmp_path / "first")
    assert isinstance(first.method, Classifier)
    torch.manual_seed(7)
    onwards = config.method.build()
    start_from(onwards, tmp_path / "first")
    given, taken = first.method.backbone.state_dict(), onwards.state_dict()
    assert all(torch.equal(value, taken[name]) for name, value in given.items())


def test_val_chooses_by_plain_cross_entropy(config: RunConfig, dataset: Dataset, tmp_path: Path) -> None:
    settings = replace(classifier(config, **DISTURBED), steps=1, val_every=1, batch_size=5)
    run = pretrain(settings, dataset, tmp_path / "run")
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    value = next(record["loss"] for record in logged if record["split"] == "val")
    assert value == pytest.approx(math.log(2), abs=0.2)  # two taxa, a head that has barely moved
    assert isinstance(run.method, Classifier)


def test_place_and_date_are_learned_from_without_any_chip_but_a_chip_alone_is_not(
    config: RunConfig, dataset_without_chips: Dataset, tmp_path: Path
) -> None:
    settings = replace(classifier(config, inputs="photo_chip_place_date"), steps=1)
    run = pretrain(settings, dataset_without_chips, tmp_path / "run")
    assert isinstance(run.method, Classifier)
    settings = replace(classifier(config, inputs="photo_chip"), steps=1)
    with pytest.raises(DatasetError, match="no chips"):
        pretrain(settings, dataset_without_chips, tmp_path / "other")
