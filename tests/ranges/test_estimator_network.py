"""Classifiers in place of the range network: fitted, evaluated, kept and asked as a network is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_points import PLACES, SMALL, block, chips, draw_rows, habitat, points_at, presence
from sklearn.metrics import roc_auc_score

from birdsat.errors import CheckpointError, ConfigError
from birdsat.ranges.estimators import TRUSTED
from birdsat.ranges.facts import SETTINGS_FILE
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.learn import Embedded
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel

FIELDS = habitat()
CHIP, PRESENT = chips(FIELDS), presence(FIELDS)
ROWS, TAXON = draw_rows(PRESENT, 40)
FOREST = "sklearn.ensemble.RandomForestClassifier(n_estimators=10, min_samples_leaf=3)"


def fit(text: str = FOREST, taxa: int = 3) -> RangeModel:
    at, behind = (Embedded(chip=one, year=np.empty((len(one), 1, 0), np.float32)) for one in (CHIP[ROWS], CHIP))
    names = [f"taxon {label}" for label in range(taxa)]
    points = points_at(ROWS, TAXON, taxa)
    return fit_ranges(points, at, behind, names, Source(run="", model=""), settings=SMALL, estimator=text)


@pytest.fixture(scope="module")
def model() -> RangeModel:
    return fit()


def test_cells_where_a_taxon_lives_rank_first_and_held_out_blocks_calibrate_and_evaluate(model: RangeModel) -> None:
    probability = model.year_mean(CHIP, PLACES)
    assert min(roc_auc_score(PRESENT[:, label], probability[:, label]) for label in range(3)) > 0.9
    assert model.facts.calibration.fitted and 0.7 < model.evaluation["held_out_auc"] < 1
    assert not model.facts.dated


def test_a_map_says_what_the_places_do_and_is_the_same_in_every_month(model: RangeModel) -> None:
    (found,) = model.predict([model.features(block(CHIP, PLACES))], ["taxon 1"], [1, 7])
    np.testing.assert_allclose(found.suitability[0, 0], model.year_mean(CHIP, PLACES)[:, 1], atol=1e-6)
    np.testing.assert_array_equal(found.suitability[0, 0], found.suitability[0, 1])
    assert (found.high - found.low).max() > 0


def test_a_model_that_was_read_learns_the_same_again_and_no_pickle_is_kept(model: RangeModel, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(load_ranges(tmp_path / "m").year_mean(CHIP, PLACES), model.year_mean(CHIP, PLACES))
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [SETTINGS_FILE, "ranges.safetensors"]


def test_a_file_that_names_what_is_not_of_scikit_learn_is_not_run(model: RangeModel, tmp_path: Path) -> None:
    replaced = RangeModel(
        replace(model.facts, estimator="antigravity.Forest()"), model.network, model.projection, model.applicability
    )
    replaced.save(tmp_path / "m")
    with pytest.raises(ConfigError, match=TRUSTED):
        load_ranges(tmp_path / "m")
    (tmp_path / "m" / SETTINGS_FILE).write_text(
        (tmp_path / "m" / SETTINGS_FILE).read_text().replace("antigravity.Forest()", "").replace("taxon 2", "taxon 3")
    )
    with pytest.raises(CheckpointError, match="damaged"):  # a table is not the weights of a network
        load_ranges(tmp_path / "m")


def test_classifiers_without_weights_and_taxa_without_points_are_fitted_as_well() -> None:
    model = fit("sklearn.neighbors.KNeighborsClassifier(n_neighbors=15)", taxa=4)
    probability = model.year_mean(CHIP, PLACES)
    assert np.isfinite(probability).all() and np.ptp(probability[:, 3]) == 0
    assert roc_auc_score(PRESENT[:, 0], probability[:, 0]) > 0.85
