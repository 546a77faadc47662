"""Presences and background: what a fit learns from, and that an evaluation learns from the same."""

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_records import IMAGERY, WORLD, land_places, write_records
from tiny_world import BOX, TinyWorld

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.land_cells import land_cells
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.place_features import ChipFeatures
from birdsat.imagery.open_imagery import open_imagery
from birdsat.observations.occurrence_grid import effort, thin_to_grid
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.observations.survey_records import SurveyRecords
from birdsat.ranges.background import dates_looked, draw_background, points_on_cells
from birdsat.ranges.effort import LOOKED_SHARE, RelativeEffort, looked_share
from birdsat.ranges.evaluation import occurrence_points as evaluation
from birdsat.ranges.evaluation.columns import Columns
from birdsat.ranges.evaluation.range_grid import RangeGrid
from birdsat.ranges.fit_data import months_looked
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.records import Records, check_records
from birdsat.training.run_folder import load_run
from birdsat.workflows import fit_ranges as fitting

GRID = Grid(Box(0, 0, 4, 60), 1)
WORLD_GRID = Grid(Box(-180, -90, 180, 90), 10)


def recorded(*taxa: tuple[str, list[tuple[float, float]]]) -> Occurrences:
    """Undated records of taxa at places."""
    return Occurrences(
        taxa=tuple(name for name, _ in taxa),
        label=np.repeat(np.arange(len(taxa)), [len(places) for _, places in taxa]).astype(np.int32),
        lon_lat=np.array([place for _, places in taxa for place in places]),
        day=np.zeros(sum(len(places) for _, places in taxa), np.int32),
        rows=0,
    )


def test_a_share_of_the_draws_is_by_the_records_of_all_taxa_and_the_rest_by_area() -> None:
    everything = recorded(("a", [(0.5, 0.5)] * 3), ("b", [(2.5, 59.5)]))
    anywhere = np.array([0, 4, 239])  # two in the north of the grid, one on the equator
    cells, weight = draw_background(GRID, anywhere, by_records(everything, 0.8))
    area = GRID.cell_area(anywhere)
    expected = dict.fromkeys((0, 4, 239, 2, 236), 0.0)
    for cell, size in zip(anywhere.tolist(), area, strict=True):
        expected[cell] += 0.2 * size / area.sum()
    expected[236] += 0.8 * 3 / 4  # records at 0.5, 0.5
    expected[2] += 0.8 * 1 / 4
    assert dict(zip(cells.tolist(), weight, strict=True)) == pytest.approx(expected)


def by_records(everything: Occurrences, share: float) -> RelativeEffort:
    looked = effort(everything, GRID)
    return RelativeEffort(cells=looked.cells, weight=looked.weight(looked.cells), source="records", share=share)


def test_a_background_that_is_given_is_all_there_is_and_weighs_what_it_says() -> None:
    given = RelativeEffort(cells=np.array([2, 5, 9]), weight=np.array([1.0, 2.0, 1.0]), source="t")
    cells, weight = draw_background(GRID, np.arange(200), given)
    assert cells.tolist() == [2, 5, 9] and weight == pytest.approx([0.25, 0.5, 0.25])
    many = RelativeEffort(cells=np.arange(200), weight=np.ones(200), source="t")
    cells, weight = draw_background(GRID, np.arange(240), many, most=50)
    assert 30 < len(cells) <= 50 and weight.sum() == pytest.approx(1)


def fitted_to(taxa: Occurrences, everything: Occurrences, anywhere: list[int]) -> Points:
    return points_on_cells(Records(taxa=thin_to_grid(taxa, GRID), everything=everything), GRID, np.array(anywhere))


def test_of_a_single_taxon_no_draw_is_by_its_own_records() -> None:
    alone = recorded(("a", [(0.5, 0.5)]))
    points = fitted_to(alone, alone, [7, 3])
    area = GRID.cell_area(np.array([3, 7]))
    np.testing.assert_array_equal(points.background.lon_lat, GRID.centres(np.array([3, 7])))
    assert points.background_weight == pytest.approx(area / area.sum())


def test_background_says_where_somebody_looked_unless_a_single_taxon_is_all_there_is() -> None:
    alone = recorded(("a", [(0.5, 0.5)]))
    both = recorded(("a", [(0.5, 0.5)]), ("b", [(0.5, 0.5), (3.5, 0.5)]))
    # Cells 236 and 239 have records; the first was drawn for its area as well.
    points = fitted_to(both.only_taxa(["a"]), both, [7, 236])
    seen = GRID.cells_at(*points.background.lon_lat[points.background_looked].T)
    assert seen.tolist() == [236, 239] and len(points.background) == 3
    assert not fitted_to(alone, alone, [7, 236]).background_looked.any()


def test_the_best_surveyed_part_of_a_range_is_background_as_often_as_it_is_a_presence() -> None:
    crowded, quiet = [(0.5, 0.5)] * 300, [(3.5, 59.5)] * 2
    everything = recorded(("a", crowded + quiet), ("b", crowded + quiet))
    points = fitted_to(everything.only_taxa(["a"]), everything, [0, 1])
    weight = dict(zip(map(tuple, points.background.lon_lat.tolist()), points.background_weight, strict=True))
    assert len(points.presences) == 2
    assert weight[(0.5, 0.5)] == weight[(3.5, 59.5)] == pytest.approx(LOOKED_SHARE / 2)


def test_what_is_recorded_for_one_taxon_alone_says_less_of_where_was_looked() -> None:
    anywhere = np.arange(GRID.cells)
    places = [(0.5, north + 0.5) for north in range(60)]
    elsewhere = [(2.5, north + 0.5) for north in range(60)]
    some, few = recorded(("a", places)), recorded(("a", places[:30]))
    together = recorded(("a", places), ("b", places))
    assert looked_share(together, some, GRID, anywhere) == LOOKED_SHARE
    assert looked_share(recorded(("a", places), ("b", elsewhere)), some, GRID, anywhere) == 0
    assert looked_share(recorded(("a", places)), some, GRID, anywhere) == 0
    half = looked_share(recorded(("a", places), ("b", places[:30] + elsewhere[:30])), some, GRID, anywhere)
    # Half of the taxon's cells are recorded for it alone, as are half of all pairs of a cell and a taxon, and three
    # quarters of the cells are without the other one.
    assert half == pytest.approx(1 - 0.5 / 0.75, abs=0.05)
    assert looked_share(recorded(("b", places)), few, GRID, anywhere) > 0.4  # a target group without it


def test_a_survey_that_found_nothing_says_that_somebody_looked() -> None:
    places = [(0.5, north + 0.5) for north in range(60)]
    apart = recorded(("a", places), ("b", [(2.5, north + 0.5) for north in range(60)]))
    surveys = SurveyRecords(
        taxa=("b",),
        label=np.zeros(60, np.int32),
        lon_lat=np.array(places),
        day=np.full(60, 737_000, np.int32),
        present=np.zeros(60, np.bool_),
    )
    anywhere = np.arange(GRID.cells)
    with_surveys = replace(apart, surveys=surveys)
    assert looked_share(apart, apart.only_taxa(["a"]), GRID, anywhere) == 0
    assert looked_share(with_surveys, apart.only_taxa(["a"]), GRID, anywhere) > 0.5


def test_of_many_cells_some_are_drawn_by_the_seed_and_those_with_records_are_always_there() -> None:
    everything = recorded(("a", [(0.5, 0.5)]), ("b", [(3.5, 0.5)]))
    anywhere = np.arange(200)
    looked = by_records(everything, 0.9)
    one, again, other = (draw_background(GRID, anywhere, looked, most=10, seed=seed)[0] for seed in (0, 0, 1))
    assert one.tolist() == again.tolist() != other.tolist()
    assert len(one) == len(other) == 12 and {236, 239} <= set(one.tolist()) & set(other.tolist())


def test_models_that_know_no_weights_get_background_drawn_by_them() -> None:
    places = np.stack([np.arange(200.0) / 10, np.zeros(200)], axis=1)
    weight = np.repeat([3.0, 1.0], 100)
    some = Cells(lon_lat=places[:1], columns={})
    background = Cells(lon_lat=places, columns={})
    points = Points(
        taxa=1, presences=some, taxon=np.zeros(1, np.int64), background=background, background_weight=weight
    )
    drawn = points.even_background()
    assert len(drawn) == 200 and np.mean(drawn.lon_lat[:, 0] < 10) == pytest.approx(0.75, abs=0.08)
    alike = Points(taxa=1, presences=some, taxon=np.zeros(1, np.int64), background=background)
    assert alike.even_background() is background


def test_cells_around_ranges_hold_theirs_and_reach_over_the_world() -> None:
    lon, lat = np.meshgrid(np.arange(112.5, 116), np.arange(-20.5, -17))
    truth = RangeGrid(
        lon_lat=np.stack([lon.ravel(), lat.ravel()], axis=1), species=("a",), presence=np.ones((16, 1), bool)
    )
    grid = evaluation.cells_around(truth)
    assert (grid.columns, grid.step_degrees) == (360, 1.0)
    assert (grid.box.south, grid.box.north) == (-60, 85)
    np.testing.assert_allclose(grid.centres(grid.cells_at(*truth.lon_lat.T)), truth.lon_lat)
    shifted = RangeGrid(lon_lat=truth.lon_lat + 0.3, species=("a",), presence=truth.presence)
    grid = evaluation.cells_around(shifted)
    np.testing.assert_allclose(grid.centres(grid.cells_at(*shifted.lon_lat.T)), shifted.lon_lat)
    assert (grid.columns, grid.rows) == (359, 144)


def test_a_fit_and_an_evaluation_learn_from_the_same_presences_and_background(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the same cells, from the same tables: a region that was embedded, and ranges whose cells are all of its."""
    run, region = load_run(tiny_world.run), open_region(tiny_world.region)
    tables = [("Pica pica", land_places(BOX, 40)), ("Corvus corax", land_places(BOX, 30, 1))]
    more = [("Parus major", np.repeat(land_places(BOX, 5, 2), 4, axis=0))]  # only told of
    everything = read_occurrences(write_records(tmp_path / "records.csv", tables + more, dated=True))
    taken: list[Points] = []
    monkeypatch.setattr(fitting, "fit_points", lambda points, *rest, **more: taken.append(points))
    records = check_records(region, everything, [taxon for taxon, _ in tables])
    fitting.fit_records(run, region, records, settings=RangeNetworkConfig(seed=3))

    truth = RangeGrid(
        lon_lat=region.grid.centres(region.cells()),
        species=("Corvus corax", "Pica pica"),
        presence=np.ones((len(region), 2), bool),
    )
    monkeypatch.setattr(evaluation, "cells_around", lambda truth: region.grid)
    monkeypatch.setattr(evaluation, "land_cells", lambda grid, land: np.isin(np.arange(grid.cells), region.cells()))
    points, of = evaluation.occurrence_points(
        everything,
        truth,
        Columns(features=ChipFeatures(run=run, imagery=open_imagery(IMAGERY))),
        min_records=1,
        most=20_000,
        seed=3,
    )
    (fitted,) = taken
    assert of.species == records.taxa.taxa == ("Corvus corax", "Pica pica")
    for name in ("taxon", "year_fraction", "background_weight"):
        np.testing.assert_array_equal(getattr(points, name), getattr(fitted, name))
    np.testing.assert_array_equal(points.presences.lon_lat, fitted.presences.lon_lat)
    np.testing.assert_array_equal(points.background.lon_lat, fitted.background.lon_lat)
    assert len(fitted.presences) < 70 and np.ptp(fitted.background_weight) > 0
    chip = region.at(points.background.lon_lat).chip  # in half precision
    np.testing.assert_allclose(points.background.columns["chip"], chip, atol=2e-2)


def test_background_anywhere_lies_on_the_land_of_the_planet_that_the_imagery_shows() -> None:
    grid = Grid(Box(-180, -60, 180, 60), 6)
    shows_land = land_cells(grid, open_imagery(IMAGERY).land)
    lon, lat = grid.centres(np.arange(grid.cells)).T
    land = [WORLD.land((lon + east + 180) % 360 - 180, lat + north) for east in (-2, 0, 2) for north in (-2, 0, 2)]
    assert 0 < shows_land.sum() < grid.cells
    np.testing.assert_array_equal(shows_land.ravel(), np.any(land, axis=0))


def dated(months: list[int], taxa: int = 1) -> Occurrences:
    """A record of each taxon on the tenth of each month, in cells of their own."""
    days = [datetime.date(2020, month, 10).toordinal() for month in months]
    n = len(days) * taxa
    return Occurrences(
        taxa=tuple("abcdef"[:taxa]),
        label=np.repeat(np.arange(taxa, dtype=np.int32), len(days)),
        lon_lat=np.column_stack([np.linspace(0, 10, n), np.linspace(40, 50, n)]),
        day=np.array(days * taxa, dtype=np.int32),
    )


def test_when_somebody_looked_is_known_from_other_taxa_or_from_a_survey_of_a_month_or_two() -> None:
    assert len(dates_looked(dated([1, 2, 3, 4], taxa=2))) == 8
    assert len(dates_looked(dated([4, 5, 6, 7, 8, 9]))) == 0  # its season, or theirs
    assert len(dates_looked(dated([8] * 30 + [9] * 10 + [1]))) == 41
    assert len(dates_looked(dated([], taxa=2))) == 0


def test_a_month_in_which_nobody_looked_is_not_one_without_the_taxon() -> None:
    seen = dated([8] * 40, taxa=2)
    august = points_on_cells(Records(taxa=seen, everything=seen), WORLD_GRID, np.arange(WORLD_GRID.cells))
    assert set((august.looked * 12).astype(int).tolist()) == {7}
    assert months_looked(august.looked).tolist() == [7]
    assert months_looked(np.concatenate([np.full(500, 0.62), [0.1]])).tolist() == [7]  # one in 501 is no survey
    assert months_looked(np.empty(0)).tolist() == list(range(12))


def test_of_many_cells_where_somebody_looked_draws_by_their_records_stand_for_all() -> None:
    places = [(0.5, north + 0.5) for north in range(60)]
    everything = recorded(("a", places * 50), ("b", places[:1] * 3000))  # half of all records in one of sixty cells
    cells, weight = draw_background(GRID, np.array([3]), by_records(everything, 0.5), most=20)
    assert len(cells) <= 21 and weight.sum() == pytest.approx(1.0)
    crowded = int(GRID.cells_at(np.array([0.5]), np.array([0.5]))[0])
    assert 0.1 < weight[cells == crowded][0] < 0.4  # about half of the half where somebody looked
    assert weight[cells == 3][0] == pytest.approx(0.5)


def test_dates_of_the_first_of_march_are_of_march() -> None:
    march = np.full(100, 59 / 365)
    assert months_looked(march).tolist() == [2]
