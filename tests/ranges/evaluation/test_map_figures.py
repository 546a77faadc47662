"""Map metrics against all pairs, and against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from birdsat.errors import InputError
from birdsat.metrics import map_scores
from birdsat.ranges.evaluation.map_figures import evaluate_maps


@pytest.mark.parametrize("levels", [3, 1000])
def test_auc_is_the_share_of_pairs_in_the_right_order(levels: int) -> None:
    generator = np.random.default_rng(levels)
    score = generator.integers(0, levels, 60).astype(np.float32)
    truth = generator.random(60) < 0.3
    right = [1.0 if a > b else 0.5 if a == b else 0.0 for a in score[truth] for b in score[~truth]]
    auc, average_precision = map_scores(score, truth)
    assert auc == pytest.approx(np.mean(right))
    assert auc == pytest.approx(roc_auc_score(truth, score))
    assert average_precision == pytest.approx(average_precision_score(truth, score))


def test_a_perfect_map_scores_one_and_a_flat_one_chance() -> None:
    truth = np.array([True, True, False, False, False])
    assert map_scores(np.array([5, 4, 3, 2, 1], dtype=np.float32), truth) == (1.0, 1.0)
    auc, average_precision = map_scores(np.zeros(5, dtype=np.float32), truth)
    assert auc == 0.5 and average_precision == pytest.approx(0.4)


def test_taxa_everywhere_or_nowhere_are_skipped_and_the_mean_is_over_the_others() -> None:
    generator = np.random.default_rng(0)
    score = generator.random((4, 2, 5, 6)).astype(np.float32)
    truth = score > 0.7
    truth[1], truth[2] = True, False
    truth[3] = ~truth[3]
    report = evaluate_maps(["good", "everywhere", "nowhere", "upside down"], score, truth)
    assert report.skipped == ("everywhere", "nowhere")
    assert [taxon.auc for taxon in report.taxa] == [1.0, 0.0]
    assert report.auc == 0.5


def test_masked_cells_and_cells_without_imagery_are_not_evaluated() -> None:
    score = np.array([[[0.9, 0.8], [0.1, 0.95]]], dtype=np.float32)
    truth = np.array([[[True, False], [False, False]]])
    mask = np.array([[True, True], [True, False]])
    assert evaluate_maps(["a"], score, truth).auc == pytest.approx(2 / 3)
    assert evaluate_maps(["a"], score, truth, mask).auc == 1.0
    score[0, 1, 1] = np.nan
    evaluated = evaluate_maps(["a"], score, truth).taxa[0]
    assert (evaluated.auc, evaluated.present, evaluated.absent) == (1.0, 1, 2)


def test_one_mask_of_the_grid_serves_every_taxon_and_month() -> None:
    generator = np.random.default_rng(0)
    score, truth = generator.random((2, 3, 4, 5)).astype(np.float32), generator.random((2, 3, 4, 5)) < 0.4
    mask = generator.random((4, 5)) < 0.6
    evaluated = evaluate_maps(["a", "b"], score, truth, mask).taxa
    for i, taxon in enumerate(evaluated):
        auc, _ = map_scores(score[i][:, mask].ravel(), truth[i][:, mask].ravel())
        assert taxon.auc == pytest.approx(auc)
        assert taxon.present + taxon.absent == 3 * mask.sum()


def test_a_mask_of_another_grid_is_refused() -> None:
    maps = np.zeros((1, 2, 4, 5), dtype=np.float32)
    with pytest.raises(InputError, match=r"mask has shape \(5, 4\)"):
        evaluate_maps(["a"], maps, maps > 0, np.ones((5, 4), dtype=bool))


def test_nothing_to_evaluate_is_none_in_json_and_not_a_number_between() -> None:
    report = evaluate_maps(["a"], np.zeros((1, 3), dtype=np.float32), np.zeros((1, 3), dtype=bool))
    assert np.isnan(report.auc)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["auc"] is None


def test_the_report_is_a_table_with_chance_beside() -> None:
    score = np.array([[0.1, 0.9, 0.3, 0.2]], dtype=np.float32)
    report = evaluate_maps(["Larus [/x]"], score, np.array([[False, True, False, False]]))
    assert report.chance_average_precision == 0.25
    rows = report.table().rows
    assert rows[0] == ("Larus [/x]", "1", "3", "1.000", "1.000") and rows[-1] == ("chance", "", "", "0.500", "0.250")


def test_scores_and_truth_of_different_grids_are_refused() -> None:
    with pytest.raises(InputError, match="same grid"):
        evaluate_maps(["a"], np.zeros((1, 3), dtype=np.float32), np.zeros((1, 4), dtype=bool))
