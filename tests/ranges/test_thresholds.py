"""Thresholds by name: against slow definitions, for taxa of few points, and through saving."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_points import chips, draw_rows, fit, habitat, points_at, presence
from numpy.typing import NDArray

from birdsat.ranges.facts import SETTINGS_FILE
from birdsat.ranges.load import load_ranges
from birdsat.ranges.thresholds import Thresholds, fit_thresholds

Rows = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]


def rows_of(points: list[int], background: int = 200, seed: int = 0) -> Rows:
    """Values of so many presences of each taxon, and of background, which are lower; rounded, so that many tie."""
    generator = np.random.default_rng(seed)
    values, taxon, present = [], [], []
    for label, count in enumerate(points):
        values += [generator.beta(4, 2, count), generator.beta(2, 4, background)]
        taxon += [label] * (count + background)
        present += [True] * count + [False] * background
    return np.round(np.concatenate(values), 2).astype(np.float32), np.array(taxon), np.array(present)


def sensitivity(value: NDArray[np.float32], present: NDArray[np.bool_], at: float) -> float:
    return float((value[present] >= at).mean())


def specificity(value: NDArray[np.float32], present: NDArray[np.bool_], at: float) -> float:
    return float((value[~present] < at).mean())


@pytest.mark.parametrize("seed", range(5))
def test_each_threshold_is_what_its_definition_says(seed: int) -> None:
    value, taxon, present = rows_of([37], seed=seed)
    (found,) = fit_thresholds(value, taxon, present, 1)
    every = np.unique(value).astype(np.float64)
    sums = [sensitivity(value, present, at) + specificity(value, present, at) for at in every]
    apart = [abs(sensitivity(value, present, at) - specificity(value, present, at)) for at in every]
    assert sensitivity(value, present, found.max_sss) + specificity(value, present, found.max_sss) == pytest.approx(
        max(sums)
    )
    assert abs(sensitivity(value, present, found.equal) - specificity(value, present, found.equal)) == pytest.approx(
        min(apart)
    )
    assert found.p10 == max(at for at in every if sensitivity(value, present, at) >= 0.9 - 1e-12)
    assert (found.prevalence, found.points, found.pooled) == (0.5, 37, False)


def test_a_taxon_of_few_points_has_the_thresholds_of_all_pooled_in_which_taxa_weigh_alike() -> None:
    value, taxon, present = rows_of([400, 4, 0])
    common, rare, none = fit_thresholds(value, taxon, present, 3)
    assert (common.pooled, common.points) == (False, 400)
    assert rare == none and rare.pooled and rare.points == 404
    assert common == fit_thresholds(value[taxon == 0], taxon[taxon == 0], present[taxon == 0], 1)[0]
    # Each of the four points of the rare one weighs as much as a hundred of the other.
    again = np.concatenate([np.flatnonzero(taxon == 0), np.repeat(np.flatnonzero((taxon == 1) & present), 100)])
    again = np.concatenate([again, np.flatnonzero((taxon == 1) & ~present)])
    (slow,) = fit_thresholds(value[again], np.zeros_like(taxon[again]), present[again], 1)
    assert (rare.p10, rare.max_sss, rare.equal) == pytest.approx((slow.p10, slow.max_sss, slow.equal))


@pytest.mark.parametrize("points", [[], [4], [0, 0], [2, 2]])
def test_where_hardly_anything_could_be_held_out_there_are_none(points: list[int]) -> None:
    assert fit_thresholds(*rows_of(points or [0], background=20), max(1, len(points))) == ()


def test_presences_without_background_count_for_nothing() -> None:
    value, taxon, present = rows_of([20])
    assert fit_thresholds(value[present], taxon[present], present[present], 1) == ()


def test_perfectly_told_apart_all_thresholds_lie_at_the_presences() -> None:
    value = np.array([0.9] * 10 + [0.1] * 30, np.float32)
    (found,) = fit_thresholds(value, np.zeros(40, np.int64), value > 0.5, 1)
    assert [found.p10, found.max_sss, found.equal] == pytest.approx([0.9] * 3)


def test_a_fit_keeps_them_in_its_folder_and_models_without_them_load(tmp_path: Path) -> None:
    fields = habitat()
    rows, taxon = draw_rows(presence(fields), 30)
    points = points_at(rows, np.where(taxon == 2, 1, taxon), 3)  # the third taxon has no point
    model = fit(points, rows, chips(fields))
    of_taxon = [model.thresholds(name) for name in model.facts.taxa]
    assert [one.pooled for one in of_taxon if one] == [False, False, True]
    assert all(isinstance(one, Thresholds) and 0 < one.max_sss < 1 for one in of_taxon)
    model.save(tmp_path)
    assert load_ranges(tmp_path).facts.thresholds == model.facts.thresholds
    saved = shutil.copytree(tmp_path, tmp_path.with_name("saved"))

    written = json.loads((tmp_path / SETTINGS_FILE).read_text())
    for name in ("thresholds", "read", "command"):  # of an earlier release
        del written[name]
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(written))
    earlier = load_ranges(tmp_path)
    assert earlier.thresholds("Taxon 0") is None
    unknown = replace(model.facts, thresholds=(), taxon_evaluation=())
    assert replace(earlier.facts, taxon_evaluation=()) == unknown
    assert str(earlier.facts.taxon_evaluation) == str(
        load_ranges(saved).facts.taxon_evaluation
    )  # NaN is not equal to itself
