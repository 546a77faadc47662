"""The modules that are exported say what the models say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_covariates import FIELDS, KNOWN
from made_covariates import fit as fit_with_covariates
from numpy.typing import NDArray
from small_methods import CVM, MAE_OF_CHIPS, META, METHODS, batch
from tiny_world import TinyWorld

from birdsat.dataset.views import ViewsConfig
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import ConfigError
from birdsat.methods.classifier import Classifier, ClassifierConfig
from birdsat.methods.inputs import Inputs
from birdsat.methods.method import MethodSettings
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.estimator_network import EstimatorNetwork
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import PhotoTerm, RangeModel
from birdsat.tasks.export.range_part import Covariates, Ranges, range_part
from birdsat.tasks.export.run_parts import Naming, PlaceEncoder, run_parts
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import DatasetFacts, Run

TAXA = ("Corvus corax", "Pica pica", "Parus major")


def run_of(method: MethodSettings, ground_km: tuple[float, ...] = (5.0,)) -> Run:
    """A run of random weights that lies in no folder."""
    none: dict[str, None] = dict.fromkeys(("photo_mean", "photo_std", "chip_mean", "chip_std"))
    facts = DatasetFacts(
        title="", licence="", fingerprint="", train_rows=0, val_rows=0, taxa=TAXA, chip_px=8, chip_ground_km=ground_km,
        **none,
    )  # fmt: skip
    views = ViewsConfig(photo_px=method.photo_px or 16, chip_px=method.chip_px or 8, photo_views=method.photo_views)
    torch.manual_seed(0)
    method_itself = method.build().eval()
    return Run(path=Path("mine"), config=RunConfig(method=method, views=views), dataset=facts, method=method_itself)


def classifier(inputs: Inputs) -> ClassifierConfig:
    return ClassifierConfig(backbone=META, taxa=TAXA, inputs=inputs, class_counts=(3, 2, 1))


@pytest.mark.parametrize("inputs", ["photo", "photo_chip", "photo_chip_place_date"])
def test_a_classifier_s_part_says_its_probabilities_whatever_it_looks_at(inputs: Inputs) -> None:
    run = run_of(classifier(inputs))
    assert isinstance(run.method, Classifier)
    run.method.temperature.fill_(0.7)
    part, some = run_parts(run)[0]["classifier"], batch()
    given = {"photo": some.photo, "chip": some.chip, "has_chip": some.has_chip}
    given |= {"lon_lat": some.lon_lat, "year_fraction": some.year_fraction}
    with torch.no_grad():
        probability, logits = part.module(*(given[port.name] for port in part.inputs))
        torch.testing.assert_close(probability, run.method.probabilities(some))
        torch.testing.assert_close(logits.softmax(dim=1), probability)
    assert len(part.inputs) == {"photo": 1, "photo_chip": 3, "photo_chip_place_date": 5}[inputs]
    assert isinstance(part.module, Naming) and probability.shape[1] == part.outputs[0].shape[1] == len(TAXA)


@pytest.mark.parametrize(
    ("method", "able"),
    [
        (META, {"photo-encoder", "place-encoder"}),
        (CVM, {"photo-encoder", "place-encoder"}),
        (METHODS["mae"], {"photo-encoder"}),
        (METHODS["moco_geo"], {"photo-encoder"}),
        (MAE_OF_CHIPS, {"place-encoder"}),
        (classifier("photo"), {"photo-encoder", "place-encoder", "classifier"}),
    ],
)
def test_a_run_gives_the_parts_that_its_method_has_and_says_why_not_the_others(
    method: MethodSettings, able: set[str]
) -> None:
    parts, lacking = run_parts(run_of(method))
    assert set(parts) == able and set(lacking) == {"photo-encoder", "place-encoder", "classifier", "range-model"} - able
    for part in parts.values():
        with torch.no_grad():
            said = part.module(*(port.example() for port in part.inputs))
        assert [tuple(tensor.shape[1:]) for tensor in said] == [port.shape[1:] for port in part.outputs]


def test_of_several_ground_sizes_a_place_s_vector_is_of_their_mean_and_its_features_stand_in_order() -> None:
    run = run_of(META, (5.0, 30.0))
    part, method = run_parts(run)[0]["place-encoder"], run.method
    chips = torch.randint(0, 256, (3, 2, 3, 8, 8), dtype=torch.uint8)
    lon_lat, date = torch.rand(3, 2) * 60, torch.rand(3)
    with torch.no_grad():
        small, large = method.encode_chip(chips[:, 0]), method.encode_chip(chips[:, 1])
        embedding, features = part.module(chips, lon_lat, date)
        torch.testing.assert_close(embedding, method.embed_chip((small + large) / 2, lon_lat, date))
        torch.testing.assert_close(features, torch.cat([small, large], dim=1))
    assert isinstance(part.module, PlaceEncoder)


def asked(model: RangeModel, features: NDArray[np.float32], lon_lat: NDArray[np.float64], dates: NDArray[np.float64],
          *others: NDArray[np.float32]) -> list[NDArray[np.float32]]:  # fmt: skip
    given = [features, lon_lat.astype(np.float32), dates.astype(np.float32), *others]
    with torch.no_grad():
        return [tensor.numpy() for tensor in range_part(model).module(*map(torch.from_numpy, given))]


def log_odds(model: RangeModel, features: NDArray[np.float32], lon_lat: NDArray[np.float64],
             dates: NDArray[np.float64]) -> torch.Tensor:  # fmt: skip
    with torch.no_grad():
        inputs = model.projection(features, lon_lat)
        return model.network.logits(model.network.hidden(inputs[None]), dates)


def test_a_range_model_s_part_says_what_the_model_says_of_dates_and_of_the_year(tiny_world: TinyWorld) -> None:
    model, (block, *_) = load_ranges(tiny_world.ranges), open_region(tiny_world.region).blocks(("chip",))
    features, n = block.chip.astype(np.float32), len(block)
    whole_year = asked(model, features, block.lon_lat, np.full(n, np.nan))[0]
    np.testing.assert_allclose(whole_year, model.year_mean(features, block.lon_lat), atol=1e-5)
    dates = np.linspace(0, 1, n)
    at_dates, low, high = asked(model, features, block.lon_lat, dates)
    expected = model.facts.calibration(log_odds(model, features, block.lon_lat, dates)).mean(dim=0).numpy()
    np.testing.assert_allclose(at_dates, expected, atol=1e-5)
    assert (low <= at_dates).all() and (at_dates <= high).all() and model.facts.dated

    june = np.full(n, 5.5 / 12)
    (mapped,) = model.predict([model.features(block)], model.facts.taxa, [6], applicability=False)
    for said, shown in zip(
        asked(model, features, block.lon_lat, june), (mapped.suitability, mapped.low, mapped.high), strict=True
    ):
        np.testing.assert_allclose(said, shown[:, 0].T, atol=5e-3)  # maps are of cells in half precision


@pytest.mark.parametrize("inputs", [("covariates",), ("chip", "place", "covariates")])
def test_a_range_model_s_part_takes_covariates_that_are_missing_and_beyond_all_that_was_seen(
    inputs: tuple[str, ...],
) -> None:
    model = fit_with_covariates(KNOWN.copy(), inputs)
    features, lon_lat = np.zeros((len(FIELDS), 6), np.float32), np.zeros((len(FIELDS), 2))
    covariates = (KNOWN * 5).astype(np.float32)
    said = asked(model, features, lon_lat, np.full(len(FIELDS), np.nan), covariates)[0]
    np.testing.assert_allclose(said, model.year_mean(features, lon_lat, covariates), atol=1e-4)
    assert said.std() > 0.05  # they count for something
    assert ("any, as" in range_part(model).inputs[0].meaning) == (inputs == ("covariates",))


def test_a_range_model_s_part_takes_the_embedding_of_the_place_where_photos_have_a_say(tiny_world: TinyWorld) -> None:
    model, generator = load_ranges(tiny_world.ranges), np.random.default_rng(0)
    taxa, width = len(model.facts.taxa), 4
    photos = PhotoTerm(
        vectors=generator.normal(0, 1, (taxa, width)).astype(np.float32),
        mean=np.full(taxa, 0.1, np.float32),
        deviation=np.full(taxa, 0.5, np.float32),
    )
    model.facts = replace(model.facts, calibration=replace(model.facts.calibration, photo=1.3))
    model = RangeModel(model.facts, model.network, model.projection, model.applicability, photos, model.folder)
    (block, *_) = open_region(tiny_world.region).blocks(("chip",))
    features, dates = block.chip.astype(np.float32), np.full(len(block), 0.3)
    place = generator.normal(0, 1, (len(block), width)).astype(np.float32)
    said = asked(model, features, block.lon_lat, dates, place)[0]
    cosine = torch.from_numpy((place @ photos.vectors.T - photos.mean) / photos.deviation)
    expected = model.facts.calibration(log_odds(model, features, block.lon_lat, dates), cosine).mean(dim=0)
    np.testing.assert_allclose(said, expected.numpy(), atol=1e-5)
    assert [port.name for port in range_part(model).inputs][3:] == ["place_embedding"]


def test_a_range_model_that_classifiers_learned_is_refused(tiny_world: TinyWorld) -> None:
    model = load_ranges(tiny_world.ranges)
    model.network = object.__new__(EstimatorNetwork)
    model.facts = replace(model.facts, estimator="sklearn.ensemble.RandomForestClassifier()")
    with pytest.raises(ConfigError, match=r"was learned by sklearn.*the range network alone can be exported"):
        range_part(model)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    skewed=st.booleans(),
    far=st.floats(0.1, 20),
    missing=st.sampled_from([0.0, 0.3]),
)
def test_covariates_are_brought_to_scale_as_the_model_does_it(
    seed: int, skewed: bool, far: float, missing: float
) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(3, 2, (60, 3))
    if skewed:
        values[:, 1] = np.exp(values[:, 1])
    values[generator.random((60, 3)) < missing] = np.nan
    scaling = CovariateScaling.fit(values.astype(np.float32), [Covariate(name=name) for name in "abc"])
    asked_of = (values * far).astype(np.float32)
    expected = scaling(asked_of).numpy()
    with torch.no_grad():
        said = Covariates(scaling)(torch.from_numpy(asked_of)).numpy()
    np.testing.assert_allclose(said, expected, rtol=1e-4, atol=1e-4)


def test_the_module_of_a_range_model_leaves_the_model_as_it_was(tiny_world: TinyWorld) -> None:
    model = load_ranges(tiny_world.ranges)
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    Ranges(model, model.network).eval()  # type: ignore[arg-type]
    assert all(torch.equal(value, before[name]) for name, value in model.network.state_dict().items())
