"""Fits to made taxa that live by covariates: what is learned, left out, saved, read back, and told apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_covariates import CHIP, KNOWN, PRESENT, RASTERS, ROWS, TAXON, embedded, fit
from made_points import PLACES, SOURCE, block, draw_rows, habitat, points_at, presence
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score

from birdsat.errors import CheckpointError, ConfigError, InputError
from birdsat.ranges import learn
from birdsat.ranges.covariates.named import INPUTS
from birdsat.ranges.facts import WEIGHTS_FILE
from birdsat.ranges.fit import fit_ranges
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel


def auc(model: RangeModel, covariates: NDArray[np.float32] = KNOWN) -> float:
    probability = model.year_mean(CHIP, PLACES, covariates)
    return float(np.mean([roc_auc_score(PRESENT[:, label], probability[:, label]) for label in range(3)]))


@pytest.fixture(scope="module")
def model() -> RangeModel:
    return fit()


def test_taxa_that_live_by_covariates_are_found_by_them(model: RangeModel) -> None:
    assert auc(model) > 0.9 and model.evaluation["held_out_auc"] > 0.85
    assert model.facts.rasters == RASTERS and auc(fit(inputs=INPUTS)) > 0.9


def test_chips_and_places_are_left_out_where_covariates_alone_are_better_unless_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learn, "_is_above", lambda *_: True)
    with pytest.warns(match="chip and place are left out: covariates alone rank the records held out better"):
        chose = fit()
    assert chose.facts.inputs == ("covariates",) and chose.columns == ("covariates",)
    found = chose.year_mean(CHIP, PLACES, KNOWN)
    np.testing.assert_array_equal(chose.year_mean(np.empty((len(PLACES), 0), np.float32), PLACES, KNOWN), found)
    assert fit(inputs=INPUTS).facts.inputs == INPUTS


def test_taxa_that_live_by_what_chips_show_keep_them() -> None:
    rows, taxon = draw_rows(presence(habitat()), 40)
    assert "chip" in fit(rows=rows, taxon=taxon).facts.inputs


def test_a_regression_on_hinges_stands_beside_the_network_where_there_are_covariates(model: RangeModel) -> None:
    assert model.facts.regression is not None and 0 < model.facts.regression.share < 1
    assert fit(inputs=("chip", "place")).facts.regression is None


def test_inputs_that_are_not_chosen_change_nothing() -> None:
    shifted, elsewhere = CHIP + 5, PLACES + 3
    alone = fit(inputs=("covariates",))
    found = alone.year_mean(CHIP, PLACES, KNOWN)
    np.testing.assert_array_equal(alone.year_mean(shifted, elsewhere, KNOWN), found)
    beside = fit(inputs=("place", "covariates"))
    found = beside.year_mean(CHIP, PLACES, KNOWN)
    np.testing.assert_allclose(beside.year_mean(shifted, PLACES, KNOWN), found, atol=1e-6)
    assert np.abs(beside.year_mean(CHIP, elsewhere, KNOWN) - found).max() > 1e-3


def test_saving_and_loading_is_identity(model: RangeModel, tmp_path: Path) -> None:
    model = RangeModel(model.facts, model.network, model.projection, model.applicability)
    model.save(tmp_path / "ranges")
    read = load_ranges(tmp_path / "ranges")
    assert read.facts == model.facts and read.trunk_fingerprint() == model.trunk_fingerprint()
    np.testing.assert_array_equal(read.year_mean(CHIP, PLACES, KNOWN), model.year_mean(CHIP, PLACES, KNOWN))
    features = [one.features(replace(block(CHIP), covariates=KNOWN)) for one in (read, model)]
    np.testing.assert_array_equal(features[0].inputs, features[1].inputs)


def test_a_damaged_scaling_is_refused(model: RangeModel, tmp_path: Path) -> None:
    RangeModel(model.facts, model.network, model.projection, model.applicability).save(tmp_path)
    tensors = load_file(tmp_path / WEIGHTS_FILE)
    hinges = tensors["network.hinges.knots"]
    for changed in (
        {"covariates.knots": tensors["covariates.knots"][:2]},
        {"covariates.flags": None},
        {"network.hinges.knots": hinges[:2]},
        {"network.hinges.directions": None},
        {"network.hinges.directions": tensors["network.hinges.directions"][:-1]},
        {"network.hinges.knots": hinges * np.nan},
        {"network.hinges.unit": torch.ones(2)},
    ):
        left = {name: value for name, value in (tensors | changed).items() if value is not None}
        save_file({name: value.contiguous() for name, value in left.items()}, tmp_path / WEIGHTS_FILE)
        with pytest.raises(CheckpointError, match="damaged"):
            load_ranges(tmp_path)


def test_models_whose_covariates_are_scaled_otherwise_see_cells_otherwise(model: RangeModel) -> None:
    assert fit(KNOWN * 2 + 1).trunk_fingerprint() != model.trunk_fingerprint()


def test_a_covariate_that_covers_half_of_the_places_serves_there() -> None:
    half = KNOWN.copy()
    half[PLACES[:, 0] > 10] = np.nan
    with pytest.warns(match=r"missing in \d\d\.\d% of the background"):
        model = fit(half)
    probability = model.year_mean(CHIP, PLACES, half)
    assert np.isfinite(probability).all()
    there = PLACES[:, 0] <= 10
    found = [roc_auc_score(PRESENT[there, label], probability[there, label]) for label in range(3)]
    assert np.mean(found) > 0.85


def test_a_cell_of_which_something_is_missing_that_never_was_lies_outside(model: RangeModel) -> None:
    covariates = KNOWN.copy()
    covariates[::2, 1] = np.nan
    known, lost = (
        model.inside_together(model.features(replace(block(CHIP), covariates=one))) for one in (KNOWN, covariates)
    )
    np.testing.assert_array_equal(known[1::2], lost[1::2])
    recorded = np.unique(ROWS)  # which are inside whatever is known of them
    assert set(np.flatnonzero(lost[::2]) * 2) == set(recorded[recorded % 2 == 0])
    assert known[::2].sum() > lost[::2].sum()


def test_a_model_with_covariates_is_not_asked_without(model: RangeModel) -> None:
    with pytest.raises(InputError, match="none are given of these places"):
        model.year_mean(CHIP, PLACES)
    with pytest.raises(InputError, match="2 covariates of places, and the model has 3"):
        model.year_mean(CHIP, PLACES, KNOWN[:, :2])


def test_covariates_that_are_chosen_and_not_there_are_refused() -> None:
    points = points_at(ROWS, TAXON, 3)
    with pytest.raises(ConfigError, match="none is given"):
        fit_ranges(points, embedded(KNOWN, ROWS), embedded(KNOWN), "abc", SOURCE, inputs_of=("covariates",))
