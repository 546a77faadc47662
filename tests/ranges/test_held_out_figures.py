"""Figures of what was held out: against slow references, by taxon, and how sure they are."""

from dataclasses import replace

import numpy as np
import pytest
from made_points import made_rows, rows_held_out
from sklearn.metrics import roc_auc_score

from birdsat.metrics import area_within, boyce_index
from birdsat.ranges.held_out import auc_by_member, auc_by_taxon
from birdsat.ranges.held_out_figures import held_out_figures, taxa_table


def test_figures_equal_slow_references() -> None:
    odds, taxon, present = rows_held_out(900)
    probability = (1 / (1 + np.exp(-1.5 * odds - 0.5))).astype(np.float32)
    taxon[-5:], present[-5:] = 7, True  # a taxon without background is not evaluated
    areas, boyces = [], []
    gap = np.zeros(15)
    brier = 0.0
    for label in range(3):
        of = taxon == label
        halves = [np.flatnonzero(of)[np.flatnonzero(of) % 2 == half] for half in (0, 1)]
        by_half = [roc_auc_score(present[some], probability[some]) for some in halves]
        areas.append(np.average(by_half, weights=[np.count_nonzero(present[some]) for some in halves]))
        boyces.append(boyce_index(probability[of], probability[of & present]))
        for row in np.flatnonzero(of):
            weight = 1 / np.count_nonzero(of & (present == present[row])) / 6
            gap[int(probability[row] * 15)] += weight * (probability[row] - present[row])
            brier += weight * (probability[row] - present[row]) ** 2
    found, of_taxa = held_out_figures(probability, made_rows(taxon, present), 8)
    assert found["held_out_taxa"] == 3 and found["held_out_points"] == np.count_nonzero(present[:-5])
    assert found["held_out_auc"] == pytest.approx(np.mean(areas), abs=1e-6)
    assert found["held_out_boyce"] == pytest.approx(np.mean(boyces), abs=1e-6)
    assert found["held_out_calibration_error"] == pytest.approx(np.abs(gap).sum(), abs=0.03)  # from rows drawn
    assert found["held_out_brier"] == pytest.approx(brier, abs=0.02)
    assert [one.auc for one in of_taxa[:3]] == pytest.approx(areas, abs=1e-6) and of_taxa[7].points == 0
    assert found["held_out_auc_low"] < found["held_out_auc"] < found["held_out_auc_high"]
    nothing, unknown = held_out_figures(probability[-5:], made_rows(taxon[-5:], present[-5:]), 8)
    assert nothing == {} and all(one.points == 0 for one in unknown)


def test_the_interval_of_a_taxon_is_wider_the_fewer_blocks_its_points_come_in() -> None:
    odds, taxon, present = rows_held_out(1200, taxa=1)
    probability = (1 / (1 + np.exp(-odds))).astype(np.float32)
    width = []
    for blocks in (1200, 10):
        rows = made_rows(taxon, present, block=np.argsort(np.argsort(probability)) * blocks // 1200)
        one = held_out_figures(probability, rows, 1)[1][0]
        width.append(one.auc_high - one.auc_low)
    assert width[1] > 2 * width[0] > 0


def test_auc_and_brier_score_have_bounds_by_draws_of_the_blocks() -> None:
    odds, taxon, present = rows_held_out(900)
    probability = (1 / (1 + np.exp(-odds))).astype(np.float32)
    rows = made_rows(taxon, present, block=np.arange(900) % 40, even=np.arange(900) % 3 == 0)
    found, of_taxa = held_out_figures(probability, rows, 3)
    for name in ("auc", "auc_even_background", "brier"):
        value, low, high = (found[f"held_out_{name}{end}"] for end in ("", "_low", "_high"))
        assert low < value < high, name
    assert not {"held_out_boyce_low", "held_out_calibration_error_low", "held_out_points_low"} & set(found)
    for one in of_taxa:
        assert one.auc_even_low < one.auc_even < one.auc_even_high
    in_one = made_rows(taxon, present, block=np.zeros(900, np.int64))
    drawn = held_out_figures(probability, in_one, 3)[0]
    assert drawn["held_out_auc_low"] == drawn["held_out_auc_high"] == pytest.approx(drawn["held_out_auc"])  # drawn once


def test_background_even_by_area_is_a_figure_of_its_own_and_has_no_part_in_the_others() -> None:
    odds, taxon, present = rows_held_out(600, taxa=1)
    probability = (1 / (1 + np.exp(-odds))).astype(np.float32)
    more = np.concatenate([probability, np.zeros(100, np.float32)])
    rows = made_rows(np.zeros(700, np.int64), np.r_[present, np.zeros(100, bool)], even=np.arange(700) >= 600)
    without, with_even = (
        held_out_figures(probability, made_rows(taxon, present), 1)[0],
        held_out_figures(more, rows, 1)[0],
    )
    assert with_even.pop("held_out_auc_even_background") == 1.0
    assert without.pop("held_out_auc_even_background") == without["held_out_auc"]
    assert {k: v for k, v in with_even.items() if "low" not in k and "high" not in k} == {
        k: v for k, v in without.items() if "low" not in k and "high" not in k
    }


def test_weighted_areas_equal_those_of_repeated_rows() -> None:
    random = np.random.default_rng(0)
    score, truth = random.integers(0, 6, 40).astype(np.float32), random.random(40) < 0.4
    weight = random.integers(0, 3, (5, 40))
    found = area_within(score, truth, np.zeros(40, np.int64), np.vstack([weight, truth * 1]))
    for one, times in zip(found, weight, strict=False):
        rows = np.repeat(np.arange(40), times)
        assert one == pytest.approx(roc_auc_score(truth[rows], score[rows]))
    assert np.isnan(found[-1])


def test_taxa_without_figures_are_named_below_the_table() -> None:
    odds, taxon, present = rows_held_out(1200, taxa=2)
    probability = (1 / (1 + np.exp(-odds))).astype(np.float32)
    figures = held_out_figures(probability, made_rows(taxon, present), 4)[1]
    table = taxa_table(["a", "b", "Corvus corax", "Pica pica"], figures)
    assert [row[0] for row in table.rows] and {row[0] for row in table.rows} == {"a", "b"}
    assert "Not evaluated, as too few of their records could be held out: Corvus corax, Pica pica" in table.caption
    assert "Not evaluated" not in taxa_table(["a", "b"], figures[:2]).caption


def test_a_taxon_with_fewer_than_five_points_held_out_has_no_figures() -> None:
    odds, taxon, present = rows_held_out(900)
    few = np.flatnonzero((taxon == 1) & present)[4:]
    keep = ~np.isin(np.arange(len(taxon)), few)
    rows = made_rows(taxon[keep], present[keep])
    found, of_taxa = held_out_figures((1 / (1 + np.exp(-odds[keep]))).astype(np.float32), rows, 3)
    assert [one.points > 0 for one in of_taxa] == [True, False, True] and found["held_out_taxa"] == 2


def test_areas_within_groups_are_those_of_each_by_its_presences() -> None:
    random = np.random.default_rng(1)
    score, truth = random.integers(0, 12, 90).astype(np.float32), random.random(90) < 0.3
    group = random.integers(0, 4, 90)
    truth[group == 3] = False  # a group without presences has no part
    weight = np.vstack([np.ones(90, np.int64), random.integers(0, 3, 90), truth * 1])
    found = area_within(score, truth, group, weight)
    for one, times in zip(found[:2], weight, strict=False):
        rows = [np.repeat(some, times[some]) for some in (np.flatnonzero(group == g) for g in range(3))]
        areas = [roc_auc_score(truth[some], score[some]) for some in rows]
        assert one == pytest.approx(np.average(areas, weights=[truth[some].sum() for some in rows]))
    assert np.isnan(found[2])


def test_members_from_which_more_points_were_held_out_do_not_lower_the_figure() -> None:
    # Scores are noise about a level that falls with the points a member held out, as its own share of them falls.
    random = np.random.default_rng(0)
    member = np.repeat(np.arange(5), 400)
    present = np.tile(np.arange(400), 5) < 12 * (member + 1)
    probability = (0.7 - 0.1 * member + 0.05 * random.random(2000)).astype(np.float32)
    rows = made_rows(np.zeros(2000, np.int64), present, member=member, block=np.arange(2000) // 40)
    assert roc_auc_score(present, probability) < 0.4
    (one,) = held_out_figures(probability, rows, 1)[1]
    assert one.auc == pytest.approx(0.5, abs=0.04) and one.auc_even == one.auc and one.is_by_chance


def test_taxa_of_few_points_each_have_no_figures_however_many_there_are() -> None:
    taxon, present = np.repeat(np.arange(3), 20), np.tile(np.arange(20) < 3, 3)
    rows = made_rows(taxon, present)
    figures, of_taxa = held_out_figures(np.linspace(0.1, 0.9, 60, dtype=np.float32), rows, 3)
    assert figures == {} and all(one.points == 0 for one in of_taxa)


def test_points_that_no_background_was_held_out_with_do_not_count() -> None:
    present = np.arange(40) < 20
    member = np.where(np.arange(40) < 12, 0, 1)  # member 0 held out points alone, member 1 eight of them
    rows = replace(made_rows(np.zeros(40, np.int64), present, member=member), half=np.zeros(40, np.int64))
    probability = np.where(present, 0.8, 0.3).astype(np.float32)
    (one,) = held_out_figures(probability, rows, 1)[1]
    assert one.points == 8 and one.auc == 1.0
    assert held_out_figures(probability, replace(rows, member=np.where(np.arange(40) < 16, 0, 1)), 1)[0] == {}
    nothing = rows.where(np.zeros(40, bool))
    figures, (unknown,) = held_out_figures(probability[:0], nothing, 1)
    assert figures == {} and unknown.points == 0


def test_areas_by_taxon_and_member_compare_within_members() -> None:
    random = np.random.default_rng(2)
    taxon, member, present = np.repeat(np.arange(3), 60), np.tile(np.arange(60) % 4, 3), random.random(180) < 0.3
    present[taxon == 2] = False  # a taxon without points
    present[member == 3] = True  # a member without background
    logit = (random.normal(size=180) - 3 * member).astype(np.float32)
    rows = replace(made_rows(taxon, present, member=member), logit=logit)
    by_member, by_taxon = auc_by_member(rows, 4, 3), auc_by_taxon(rows, 3)
    for label in (0, 1):
        parts = [np.flatnonzero((taxon == label) & (member == m)) for m in range(3)]
        areas = [roc_auc_score(present[some], logit[some]) for some in parts]
        np.testing.assert_allclose(by_member[:3, label], areas)
        assert by_taxon[label] == pytest.approx(np.average(areas, weights=[present[some].sum() for some in parts]))
    assert np.isnan(by_member[3]).all() and np.isnan(by_member[:, 2]).all() and np.isnan(by_taxon[2])
