"""Fitting to made taxa whose habitat is known: what is learned, what is held out, and by whom."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_points import PLACES, SMALL, block, chips, draw_rows, fit, habitat, points_at, presence
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from birdsat.observations.blocks import blocks_by_km, deal_folds
from birdsat.ranges.model import RangeModel
from birdsat.ranges.points import Points
from birdsat.ranges.projection import InputProjection
from birdsat.ranges.train import Fitted, fit_network

FIELDS = habitat()
CHIP, PRESENT = chips(FIELDS), presence(FIELDS)
ROWS, TAXON = draw_rows(PRESENT, 40)
INPUTS = InputProjection.fit(CHIP, PLACES, SMALL.inputs)(CHIP, PLACES)


def network_of(points: Points, rows: NDArray[np.int64]) -> Fitted:
    return fit_network(points, INPUTS[rows], INPUTS, SMALL)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return network_of(points_at(ROWS, TAXON, 3), ROWS)


@pytest.fixture(scope="module")
def model() -> RangeModel:
    return fit(points_at(ROWS, TAXON, 3), ROWS, CHIP)


def test_cells_where_a_taxon_lives_rank_above_the_others(model: RangeModel) -> None:
    probability = model.year_mean(CHIP, PLACES)
    for label in range(3):
        assert roc_auc_score(PRESENT[:, label], probability[:, label]) > 0.95
    assert model.held_out is not None and model.facts.calibration.fitted
    out = model.held_out.said()
    of_taxa = [out.where((out.taxon == label) & out.ranked) for label in range(3)]
    assert np.mean([roc_auc_score(of.present, of.logit) for of in of_taxa]) > 0.85
    assert model.evaluation["held_out_auc"] > 0.8  # within members and halves, of whose blocks there are few here


def test_the_same_seed_gives_the_same_model_and_another_a_different_one(model: RangeModel) -> None:
    probability = model.year_mean(CHIP, PLACES)
    torch.manual_seed(5)  # what was drawn elsewhere does not matter
    again = fit(points_at(ROWS, TAXON, 3), ROWS, CHIP)
    np.testing.assert_array_equal(again.year_mean(CHIP, PLACES), probability)
    assert again.facts == model.facts
    other = fit(points_at(ROWS, TAXON, 3), ROWS, CHIP, replace(SMALL, seed=1))
    assert np.abs(other.year_mean(CHIP, PLACES) - probability).max() > 0.01


def test_a_fit_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    network_of(points_at(ROWS[:10], TAXON[:10], 1), ROWS[:10])
    assert torch.equal(torch.get_rng_state(), before)


def test_every_point_is_held_out_by_exactly_one_member_and_background_of_every_taxon_is_too(fitted: Fitted) -> None:
    out = fitted.held_out
    assert out is not None
    np.testing.assert_array_equal(np.sort(out.row[out.present]), np.arange(len(ROWS)))
    np.testing.assert_array_equal(out.taxon[out.present], TAXON[out.row[out.present]])
    counts = np.bincount(out.taxon[~out.present], minlength=3)
    assert counts.tolist() == [len(PLACES)] * 3


@torch.inference_mode()
def test_what_is_held_out_is_what_the_member_of_its_fold_says(fitted: Fitted) -> None:
    folds = deal_folds(blocks_by_km(np.concatenate([PLACES[ROWS], PLACES]), SMALL.block_km), SMALL.members, SMALL.seed)
    logits = fitted.network.logits(fitted.network.hidden(INPUTS[None]), np.full(len(INPUTS), np.nan)).numpy()
    out = fitted.held_out
    assert out is not None
    place = np.where(out.present, ROWS[np.where(out.present, out.row, 0)], out.row)
    member = np.where(out.present, folds[np.where(out.present, out.row, 0)], folds[len(ROWS) + place])
    np.testing.assert_allclose(out.logit, logits[member, place, out.taxon], atol=1e-4)


def test_a_member_that_would_have_to_hold_out_all_points_of_a_taxon_holds_out_none() -> None:
    blocks = blocks_by_km(PLACES, SMALL.block_km)
    single = np.flatnonzero(blocks == blocks[len(PLACES) // 2])[:6]
    rows = np.concatenate([single, ROWS[TAXON == 1]])
    taxon = np.repeat([0, 1], [len(single), 40])
    found = network_of(points_at(rows, taxon, 2), rows)
    assert found.held_out is not None
    assert set(found.held_out.taxon[found.held_out.present].tolist()) == {1}
    logits = found.network.logits(found.network.hidden(INPUTS[None]), np.full(len(INPUTS), np.nan))[..., 0].numpy()
    assert (logits[:, single].mean(axis=1) > logits.mean(axis=1) + 0.5).all()  # each member knows of the taxon


def test_a_taxon_without_points_does_not_disturb_the_others() -> None:
    rows, taxon = ROWS[TAXON < 2], TAXON[TAXON < 2]
    found = fit(points_at(rows, taxon, 3), rows, CHIP)
    assert found.facts.points == (40, 40, 0)
    assert found.evaluation["held_out_taxa"] == 2
    assert roc_auc_score(PRESENT[:, 0], found.year_mean(CHIP, PLACES)[:, 0]) > 0.95


@pytest.mark.parametrize("count", [1, 3])
def test_points_of_one_block_are_fitted_to_without_calibration(count: int) -> None:
    blocks = blocks_by_km(PLACES, SMALL.block_km)
    rows = np.flatnonzero(blocks == blocks[len(PLACES) // 2])[:count]
    model = fit(points_at(rows, np.zeros(len(rows), np.int64), 1), rows, CHIP)
    assert not model.facts.calibration.fitted and model.evaluation == {}
    (found,) = model.predict([model.features(block(CHIP))], ("Taxon 0",), (6,))
    assert np.isfinite(found.suitability).all() and np.isfinite(found.high - found.low).all()
    assert found.suitability[0, 0, rows].mean() > np.quantile(found.suitability, 0.75)
    assert found.inside[0, rows].all()


def test_a_season_that_nothing_can_check_is_not_learned() -> None:
    blocks = blocks_by_km(PLACES, SMALL.block_km)
    rows = np.flatnonzero(blocks == blocks[len(PLACES) // 2])[:3]
    points = points_at(rows, np.zeros(3, np.int64), 1, np.array([0.1, 0.5, 0.9]))
    facts = fit(points, rows, CHIP).facts
    assert not facts.dated and facts.why_undated == "nothing could be held out to tell seasons from chance"
    undated = fit(points_at(rows, np.zeros(3, np.int64), 1), rows, CHIP).facts
    assert not undated.dated and undated.why_undated.startswith("no record")
    assert migrant().facts.why_undated == ""


def test_the_area_of_a_taxon_with_two_points_is_not_that_of_one_with_many() -> None:
    rows = np.concatenate([ROWS[TAXON == 0], [5, 300]])
    taxon = np.repeat([0, 1], [40, 2])
    points = points_at(rows, taxon, 2)
    points = replace(points, background_looked=np.isin(np.arange(len(PLACES)), rows))
    model = fit(points, rows, CHIP)
    (found,) = model.predict([model.features(block(CHIP))], ("Taxon 1", "Taxon 0"), (6,))
    assert np.flatnonzero(found.inside[0]).tolist() == [5, 300]
    assert found.inside[1].mean() > 0.3 and found.inside[1, ROWS[TAXON == 0]].all()
    assert model.inside_together(model.features(block(CHIP))).mean() > 0.3


def test_what_the_network_never_saw_vary_is_ignored_by_the_area() -> None:
    """A column of the chips that is the same all over the background brings no input, and so no distance."""
    rows = ROWS[TAXON == 0]
    points = points_at(rows, np.zeros(len(rows), np.int64), 1)
    constant = np.column_stack([CHIP, np.full(len(CHIP), 3.0, np.float32)])
    model = fit(points, rows, constant)
    changed = np.column_stack([CHIP, np.full(len(CHIP), 9.0, np.float32)])
    here, there = (
        next(model.predict([model.features(block(chip))], ("Taxon 0",), (6,))).inside for chip in (constant, changed)
    )
    np.testing.assert_array_equal(here, there)
    assert 0 < here.mean() < 1


def test_points_of_blocks_that_all_fall_to_one_member_are_fitted_to_without_calibration() -> None:
    """Nothing can be held out then, and the number of steps is not chosen by figures of nothing."""
    blocks = blocks_by_km(PLACES, SMALL.block_km)
    folds = deal_folds(blocks, SMALL.members, SMALL.seed)
    of_fold = np.unique(blocks[folds == 1])[:2]
    rows = np.concatenate([np.flatnonzero(blocks == one)[:3] for one in of_fold])
    model = fit(points_at(rows, np.zeros(len(rows), np.int64), 1), rows, CHIP)
    assert not model.facts.calibration.fitted and model.evaluation == {}
    assert model.facts.steps == SMALL.steps


def test_points_without_dates_give_maps_that_are_alike_in_all_months(model: RangeModel) -> None:
    assert not model.facts.dated
    (found,) = model.predict([model.features(block(CHIP))], ("Taxon 2", "Taxon 0"), (1, 4, 7))
    assert found.suitability.shape == found.low.shape == found.high.shape == (2, 3, len(PLACES))
    np.testing.assert_array_equal(found.suitability[:, 0], found.suitability[:, 2])
    # Features are kept in half precision.
    np.testing.assert_allclose(found.suitability[:, 1].T, model.year_mean(CHIP, PLACES)[:, [2, 0]], atol=1e-3)


def migrant(dates_known: float = 1.0) -> RangeModel:
    """North in July, south in January, seen as often in both."""
    generator = np.random.default_rng(0)
    north, south = np.flatnonzero(PLACES[:, 1] > 25), np.flatnonzero(PLACES[:, 1] < 5)
    rows = np.concatenate([generator.choice(north, 60), generator.choice(south, 60)])
    dates = np.concatenate([generator.normal(0.53, 0.06, 60), generator.normal(0.04, 0.06, 60)]) % 1.0
    dates[generator.random(120) >= dates_known] = np.nan
    points = points_at(rows, np.zeros(120, np.int64), 1, dates)
    return fit(points, rows, CHIP, replace(SMALL, steps=100))


@pytest.mark.parametrize("dates_known", [1.0, 0.8])
def test_a_migrant_moves_with_the_month(dates_known: float) -> None:
    model = migrant(dates_known)
    assert model.facts.dated
    (found,) = model.predict([model.features(block(CHIP))], ("Taxon 0",), (1, 7))
    january, july = found.suitability[0]
    north, south = PLACES[:, 1] > 25, PLACES[:, 1] < 5
    assert july[north].mean() > january[north].mean() + 0.3
    assert january[south].mean() > july[south].mean() + 0.3


def test_a_passage_of_two_weeks_is_seen_in_its_month_and_not_smeared_over_the_others() -> None:
    """South from October to March, north from May to August, and in between for a fortnight of April and of September;
    residents say when somebody looked."""
    generator = np.random.default_rng(0)
    lat = PLACES[:, 1]
    bands = [np.flatnonzero(one) for one in (lat < 3, (lat > 10) & (lat < 20), lat > 27)]
    stays = [(0.79, 1.21, 0), (0.27, 0.31, 1), (0.35, 0.65, 2), (0.70, 0.74, 1)]  # from, to, band
    rows = np.concatenate([generator.choice(bands[band], 40) for *_, band in stays])
    dates = np.concatenate([generator.uniform(start, end, 40) for start, end, _ in stays]) % 1.0
    all_year = generator.integers(0, len(PLACES), 160)
    points = points_at(
        np.concatenate([rows, all_year]),
        np.repeat([0, 1], 160),
        2,
        np.concatenate([dates, generator.random(160)]),
    )
    model = fit(points, np.concatenate([rows, all_year]), CHIP, replace(SMALL, steps=200))
    (found,) = model.predict([model.features(block(CHIP))], ("Taxon 0",), tuple(range(1, 13)))
    band = np.stack([found.suitability[0][:, rows].mean(axis=1) for rows in bands], axis=1)  # (months, bands)
    assert band.argmax(axis=1).tolist() == [0, 0, 0, 1, 2, 2, 2, 2, 1, 0, 0, 0]
    assert band[[3, 8], 1].min() > band[[0, 1, 5, 6, 11], 1].max() + 0.2


def test_a_background_of_where_was_looked_keeps_the_roads_out_of_the_map() -> None:
    """Records of three taxa lie beside roads alone; the weighted background lies there too."""
    generator = np.random.default_rng(1)
    road = generator.random(len(PLACES)) < 0.3
    chip = np.concatenate([CHIP, np.where(road, 2.0, 0.0)[:, None]], axis=1).astype(np.float32)
    rows, taxon = draw_rows(PRESENT & road[:, None], 15)
    points = points_at(rows, taxon, 3)
    beside = replace(points, background_weight=np.where(road, 1.0, 0.02))
    gaps = []
    for one in (points, beside):
        probability = fit(one, rows, chip).year_mean(chip, PLACES)
        gaps.append(float(probability[road].mean() - probability[~road].mean()))
    assert gaps[0] > 0.2 and abs(gaps[1]) < gaps[0] / 3


def test_more_places_than_a_step_holds_are_drawn_anew_in_each() -> None:
    few = replace(SMALL, places_a_step=30, background_a_step=100)
    model = fit(points_at(ROWS, TAXON, 3), ROWS, CHIP, few)
    probability = model.year_mean(CHIP, PLACES)
    assert min(roc_auc_score(PRESENT[:, label], probability[:, label]) for label in range(3)) > 0.95


def test_photos_help_where_they_tell_what_few_records_do_not() -> None:
    """Chip features are noise, neighbours differ; the shared space of photos and chips shows the habitat."""
    generator = np.random.default_rng(3)
    fields, noise = generator.normal(0, 1, FIELDS.shape), generator.normal(0, 1, CHIP.shape).astype(np.float32)
    present = presence(fields)
    year = (fields / np.linalg.norm(fields, axis=1, keepdims=True)).astype(np.float32)[:, None]
    rows, taxon = draw_rows(present, 8)
    points = points_at(rows, taxon, 3)
    alone = fit(points, rows, noise)
    photos = np.eye(3, dtype=np.float32)
    photos[2] = np.nan  # no photo of it
    both = fit(points, rows, noise, year=year, photos=photos)
    assert (alone.facts.way, both.facts.way) == ("occurrences", "both")
    assert both.columns == ("chip", "year") and both.facts.calibration.photo > 0.3
    areas = np.zeros((2, 3))
    for number, (model, cells) in enumerate(((alone, block(noise)), (both, block(noise, year)))):
        (found,) = model.predict([model.features(cells)], ("Taxon 0", "Taxon 1", "Taxon 2"), (6,))
        areas[number] = [roc_auc_score(present[:, label], found.suitability[label, 0]) for label in range(3)]
    assert (areas[1, :2] > areas[0, :2] + 0.2).all()
    assert areas[1, 2] == pytest.approx(areas[0, 2], abs=1e-3)


def test_many_taxa_of_few_points_each_are_calibrated_and_not_evaluated_and_it_is_said_why() -> None:
    fields = habitat(8)
    rows, taxon = draw_rows(presence(fields), 4)
    model = fit(points_at(rows, taxon, 8), rows, chips(fields))
    assert model.facts.calibration.fitted and not model.facts.evaluated and not model.facts.evaluation
    assert model.facts.not_held_out == "of no taxon could 5 records be held out"


def test_taxa_strewn_at_random_are_told_from_other_places_no_better_than_by_chance() -> None:
    generator = np.random.default_rng(5)
    taxa, each = 12, 30
    rows = np.concatenate([generator.choice(len(PLACES), each, replace=False) for _ in range(taxa)])
    model = fit(points_at(rows, np.repeat(np.arange(taxa), each), taxa), rows, chips(habitat()))
    assert model.evaluation["held_out_taxa"] == taxa
    assert model.evaluation["held_out_auc"] == pytest.approx(0.5, abs=0.05)


def test_background_in_another_block_than_all_records_is_said_to_be_why_nothing_is_evaluated() -> None:
    blocks = blocks_by_km(PLACES, SMALL.block_km)
    first, *others = np.argsort(-np.bincount(blocks))[:5].tolist()
    rows = np.concatenate([np.flatnonzero(blocks == one)[:6] for one in others])
    points = points_at(rows, np.zeros(len(rows), np.int64), 1)
    elsewhere = np.resize(np.flatnonzero(blocks == first), len(PLACES))
    points = replace(points, background=replace(points.background, lon_lat=PLACES[elsewhere]))
    model = fit(points, rows, chips(habitat()), replace(SMALL, members=5))
    assert not model.facts.evaluated and "no background could be held out beside records" in model.facts.not_held_out
