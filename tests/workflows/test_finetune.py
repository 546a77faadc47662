"""From a pretrained run to a classifier that is evaluated, kept and used by the other verbs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_runs import CROSS_VIEW, ENCODER, PHOTO, PX, NoiseImages, make_dataset, rows
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from birdsat import config as config_files
from birdsat.cli import main
from birdsat.dataset.pick import photos_of_rows
from birdsat.dataset.read import row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.errors import CheckpointError, ConfigError, DatasetError
from birdsat.imagery.photos import encode_jpeg
from birdsat.methods.classifier import Classifier, ClassifierConfig
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.observations.observation import Observation, Split
from birdsat.observations.taxonomy import Taxon, Taxonomy
from birdsat.recipes.finetune import finetune_tiny, started_from
from birdsat.recipes.registry import FINETUNE_RECIPES, recipe
from birdsat.tasks.finetuned import evaluate_run
from birdsat.training.config import RunConfig
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import MODEL_FILE, load_run
from birdsat.workflows.classify import ClassifyResult, classify
from birdsat.workflows.requests.tasks import ClassifyRequest

COLOURS = {"Corvus corax": (30, 30, 40), "Pica pica": (230, 230, 230), "Sitta europaea": (60, 90, 220)}
TAXONOMY = Taxonomy(
    Taxon(name=name, family="Corvidae" if name[0] != "S" else "Sittidae", common_name=name.upper()) for name in COLOURS
)
ROWS: dict[Split, int] = {"train": 48, "val": 12, "test": 24}


class ColouredImages(NoiseImages):
    """Photos in their taxon's colour, with noise; chips of noise."""

    def photo(self, observation: Observation) -> bytes:
        noise = np.random.default_rng(int(observation.id)).integers(-25, 25, (20, 20, 3))
        return encode_jpeg(np.clip(np.array(COLOURS[observation.taxon]) + noise, 0, 255).astype(np.uint8))


def coloured(folder: Path, *, val: bool = True, chips: bool = True, taxa: int = 3) -> Dataset:
    splits: list[Split] = [split for split, count in ROWS.items() for _ in range(count) if val or split != "val"]
    birds = rows(splits, list(COLOURS)[:taxa])
    birds[-1] = replace(birds[-1], photo=None)
    return make_dataset(folder, birds, images=ColouredImages(), with_chips=chips, taxonomy=TAXONOMY)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return coloured(tmp_path_factory.mktemp("data") / "colours")


@pytest.fixture(scope="module")
def run(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    encoder = replace(ENCODER, depth=2)  # layers whose rates differ
    config = RunConfig(
        method=replace(CROSS_VIEW, photo=replace(PHOTO, encoder=encoder), chip_encoder=encoder),
        views=ViewsConfig(photo_px=PX, chip_px=PX),
        batch_size=16,
        steps=1,
        workers=0,
    )
    out = tmp_path_factory.mktemp("runs") / "pretrained"
    pretrain(config, dataset, out)
    return out


QUICK = {"steps": 60, "batch_size": 16, "workers": 0}


def finetune(run: Path, dataset: Path, **settings: Any) -> ClassifyResult:
    return classify(ClassifyRequest(run=run, dataset=dataset, mode="finetune", **(QUICK | settings)))


@pytest.fixture(scope="module")
def tuned(run: Path, dataset: Dataset) -> Path:
    made = finetune(run, dataset.folder)
    assert made.reports[0].best.classifier == "fine-tuned" and made.folders == (run / "finetune-colours",)
    return run / "finetune-colours"


def test_it_learns_colours_and_writes_its_figures_beside_its_weights(tuned: Path) -> None:
    figures = json.loads((tuned / "classify.json").read_text())
    (score,) = figures["scores"]
    assert score["top1"] > 0.8 and score["macro"] > 0.8  # three colours, of which each is a third
    assert score["family"]["groups"] == 2 and score["genus"]["groups"] == 3
    assert figures["rows"] == 23 and figures["left_out_without_photo"] == 1
    assert score["calibration"]["temperature"] > 0
    assert {entry["train"] for entry in figures["per_taxon"]} == {16}


def test_the_temperature_is_kept_in_the_weights_and_the_rest_of_the_file_stays(tuned: Path) -> None:
    figures = json.loads((tuned / "classify.json").read_text())
    method = load_run(tuned).method
    assert isinstance(method, Classifier)
    assert float(method.temperature) == pytest.approx(figures["scores"][0]["calibration"]["temperature"])


def kept_step(run: Path) -> str:
    with safe_open(run / MODEL_FILE, framework="pt") as file:
        return str(file.metadata()["step"])


def test_a_finished_classifier_is_evaluated_again_to_the_same_figures(run: Path, dataset: Dataset, tuned: Path) -> None:
    before, weights, step = (tuned / "classify.json").read_text(), load_file(tuned / MODEL_FILE), kept_step(tuned)
    with pytest.raises(ConfigError, match="a finished training run already; resume it"):
        finetune(run, dataset.folder)
    finetune(run, dataset.folder, resume=True)
    assert (tuned / "classify.json").read_text() == before
    assert kept_step(tuned) == step
    again = load_file(tuned / MODEL_FILE)
    assert again.keys() == weights.keys() and all(torch.equal(value, again[name]) for name, value in weights.items())


def test_a_classifier_is_a_run_that_other_verbs_take(tuned: Path, dataset: Dataset, tmp_path: Path) -> None:
    main(["classify", str(tuned), str(dataset.folder), "--mode", "knn"])
    scores = json.loads((tuned / "classify.json").read_text())["scores"]
    assert {score["classifier"] for score in scores} == {"1-NN", "20-NN"}
    main(["retrieve", str(tuned), str(dataset.folder)])
    main(["embed", str(tuned), str(dataset.folder), str(tmp_path / "test.parquet")])
    main(["taxa", str(tuned)])
    evaluate_run(load_run(tuned), dataset)


def test_a_cascade_goes_on_from_a_classifier_to_another_dataset(tuned: Path, tmp_path: Path) -> None:
    two = coloured(tmp_path / "two", taxa=2)
    (report,) = finetune(tuned, two.folder, out=tmp_path / "onwards", steps=2).reports
    assert len(report.taxa) == 2
    config = load_run(tmp_path / "onwards").config
    assert config.start_from == (tuned,) and isinstance(config.method, ClassifierConfig)
    assert not isinstance(config.method.backbone, ClassifierConfig)
    with pytest.raises(CheckpointError, match="tells 3 taxa apart"):
        evaluate_run(load_run(tuned), two)


@pytest.mark.parametrize(
    ("flags", "folder", "name"),
    [
        (["--from-scratch"], "finetune-from-scratch-colours", "supervised from scratch"),
        (["--frozen"], "head-colours", "head on frozen features"),
        (
            ["--inputs", "photo_chip_place_date", "--class-balanced", "inverse_root", "--out", "OUT"],
            "OUT",
            "fine-tuned",
        ),
    ],
    ids=["from scratch", "frozen", "with everything"],
)
def test_the_verb_trains_what_its_options_say(
    flags: list[str], folder: str, name: str, run: Path, dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "made" if folder == "OUT" else run / folder
    given = [str(out) if flag == "OUT" else flag for flag in flags]
    quick = ["--steps", "2", "--batch-size", "16", "--workers", "0", "--seed", "3"]
    main(["classify", str(run), str(dataset.folder), "--mode", "finetune", *given, *quick])
    (score,) = json.loads((out / "classify.json").read_text())["scores"]
    assert score["classifier"] == name
    trained = load_run(out)
    assert isinstance(trained.config.method, ClassifierConfig)
    wanted = "photo_chip_place_date" if "--inputs" in flags else "photo"
    assert score["inputs"] == trained.config.method.inputs == wanted
    assert (trained.config.steps, trained.config.batch_size, trained.config.seed) == (2, 16, 3)
    assert trained.config.method.frozen == ("--frozen" in flags)
    assert (trained.config.method.class_balanced == "inverse_root") == ("--class-balanced" in flags)
    assert trained.config.start_from == (() if "--from-scratch" in flags else (run,))
    optimiser = trained.config.optimiser
    assert ((optimiser.layer_decay, optimiser.head_rate) == (1.0, 1.0)) == ("--from-scratch" in flags)


def test_one_verb_takes_several_modes(run: Path, dataset: Dataset, tmp_path: Path) -> None:
    quick = ["--steps", "1", "--batch-size", "16", "--workers", "0", "--out", str(tmp_path / "made")]
    main(["classify", str(run), str(dataset.folder), "--mode", "probe", "finetune", *quick])
    assert {s["classifier"] for s in json.loads((run / "classify.json").read_text())["scores"]} == {"probe"}
    assert (tmp_path / "made" / "classify.json").is_file()
    with Image.open(tmp_path / "made" / "confusions.png") as picture:  # one step leaves mistakes
        assert picture.width > 1000
    assert not (run / "confusions.png").exists()  # the probe makes none


def test_options_of_finetune_are_refused_without_it(run: Path, dataset: Dataset, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["classify", str(run), str(dataset.folder), "--steps", "5", "--from-scratch"])
    said = capsys.readouterr().err
    assert "from_scratch and steps can be used with mode finetune only" in said
    assert said.endswith("(--from-scratch, --steps)\n")


def test_without_val_the_last_weights_are_evaluated_without_a_temperature(run: Path, tmp_path: Path) -> None:
    plain = coloured(tmp_path / "plain", val=False)
    (report,) = finetune(run, plain.folder, out=tmp_path / "made", steps=2).reports
    calibration = report.best.figures.calibration
    assert calibration.temperature is None and calibration.scaled_error is None
    assert report.table().caption is not None and "no val photos" in str(report.table().caption)
    method = load_run(tmp_path / "made").method
    assert isinstance(method, Classifier) and method.temperature == 1


def test_the_figures_of_the_test_split_do_not_move_the_temperature_of_another_dataset(
    tuned: Path, tmp_path: Path
) -> None:
    method = load_run(tuned).method
    assert isinstance(method, Classifier)
    other = coloured(tmp_path / "other", chips=False)  # another fingerprint, the same taxa
    evaluate_run(load_run(tuned), other)
    again = load_run(tuned).method
    assert isinstance(again, Classifier) and torch.equal(again.temperature, method.temperature)


def test_a_run_that_names_no_taxa_cannot_be_evaluated(run: Path, dataset: Dataset) -> None:
    with pytest.raises(CheckpointError, match="mode finetune of `birdsat classify`"):
        evaluate_run(load_run(run), dataset)


@pytest.mark.parametrize("name", FINETUNE_RECIPES)
def test_recipes_survive_json_and_skip_blocks_in_training(name: str) -> None:
    config = recipe(name)
    assert config_files.from_dict(RunConfig, config_files.to_dict(config)) == config
    assert isinstance(config.method, ClassifierConfig) and isinstance(config.method.backbone, MaeConfig)
    assert config.method.backbone.image.encoder.drop_path > 0
    assert config.method.photo_px == config.views.photo_px


def test_any_setting_and_the_settings_of_another_classifier_are_taken(
    run: Path, dataset: Dataset, tuned: Path, tmp_path: Path
) -> None:
    settings = {"method.mask_ratio": 0.5, "method.backbone.photo.encoder.drop_path": 0.0, "method.frozen": True}
    out = tmp_path / "made"
    made = finetune(run, dataset.folder, recipe=tuned / "config.json", set=settings, out=out, steps=1)
    assert made.folders == (out,) and made.files == (out / "classify.json", out / "confusions.png")
    config = load_run(out).config
    assert isinstance(config.method, ClassifierConfig) and config.method.frozen
    assert config.method.mask_ratio == 0.5 and config.method.backbone.photo.encoder.drop_path == 0


def test_a_recipe_that_trains_no_classifier_is_refused(run: Path, dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="trains a CveMae, not a classifier") as refused:
        finetune(run, dataset.folder, recipe=run / "config.json")
    assert refused.value.settings == ("recipe",)


def test_inputs_and_weights_of_taxa_in_the_words_of_the_release_before_are_read() -> None:
    config = recipe("finetune_tiny")
    written = json.loads(json.dumps(config_files.to_dict(config)))
    before = {"inputs": "photo + chip, place, date", "class_balanced": "inverse root"}
    backbone = config_files.to_dict(recipe("cve_mae_tiny").method)
    read = config_files.from_dict(RunConfig, written | {"method": written["method"] | before | {"backbone": backbone}})
    assert isinstance(read.method, ClassifierConfig)
    assert (read.method.inputs, read.method.class_balanced) == ("photo_chip_place_date", "inverse_root")


def test_a_classifier_takes_sizes_and_encoder_from_the_run(run: Path) -> None:
    given = load_run(run)
    config = started_from(finetune_tiny(), given, inputs="photo_chip")
    assert isinstance(config.method, ClassifierConfig) and isinstance(given.config.method, CveMaeConfig)
    backbone = config.method.backbone
    assert isinstance(backbone, CveMaeConfig)
    assert backbone.photo.encoder == replace(given.config.method.photo.encoder, drop_path=0.1)
    assert (config.views.photo_px, config.views.chip_px) == (PX, PX)


def test_photos_are_picked_by_their_row(dataset: Dataset) -> None:
    facts = row_facts(dataset, "test")
    without = facts.ids.index("83")
    rows = [3, 0, 20, 3]
    assert without not in rows
    picked = photos_of_rows(dataset, "test", [*rows, without], 8)
    assert picked.keys() == {0, 3, 20}
    for row, photo in picked.items():
        colour = COLOURS[dataset.taxa[facts.label[row]]]
        assert photo.shape == (8, 8, 3) and np.abs(photo.mean(axis=(0, 1)) - np.array(colour)).max() < 20
    assert photos_of_rows(dataset, "test", [], 8) == {}
    with pytest.raises(DatasetError, match="not 24"):
        photos_of_rows(dataset, "test", [0, 24], 8)
