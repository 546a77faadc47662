"""The parts of an evaluation on the virtual world: records drawn, and centres of ranges."""

import numpy as np
import pytest
from made_records import WORLD

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.place import EARTH_RADIUS_KM
from birdsat.ranges.evaluation.range_centres import centre_distances
from birdsat.ranges.evaluation.virtual_records import draw_records

GRID = Grid(Box(-180, -90, 180, 90), 10)


def test_records_are_drawn_until_so_many_of_each_species_lie_in_different_cells_or_months() -> None:
    drawn = draw_records(WORLD, GRID, 4, seed=0)
    cell = GRID.cells_at(*drawn.lon_lat.T)
    different = np.unique(np.stack([drawn.label, cell, drawn.month]), axis=1)[0]
    counts = np.bincount(different, minlength=len(drawn.taxa))
    assert counts.max() == 4 and np.mean(counts == 4) > 0.9
    assert set(drawn.taxa) == {taxon.name for taxon in WORLD.species}


def test_the_same_seed_draws_the_same_records_and_another_others() -> None:
    one, again, other = (draw_records(WORLD, GRID, 2, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.lon_lat, again.lon_lat)
    assert one.lon_lat.tolist() != other.lon_lat.tolist()


def test_centres_are_as_far_apart_as_the_ranges_and_months_without_the_taxon_do_not_count() -> None:
    lon_lat = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [90.0, 0.0]])
    area = np.ones(4)
    truth = np.array([[True, True, False, False], [False] * 4, [False, False, True, False]])
    score = np.array([[0.1, 0.9, 0.8, 0.0], [0.5, 0.1, 0.2, 0.3], [0.0, 0.1, 0.9, 0.2]])
    ten_degrees = np.radians(10) * EARTH_RADIUS_KM
    assert centre_distances(score[:2], truth[:2], lon_lat, area).mean == pytest.approx(ten_degrees, rel=1e-6)
    assert centre_distances(score, truth, lon_lat, area).mean == pytest.approx(ten_degrees / 2, rel=1e-6)
    assert np.isnan(centre_distances(score[1:2], truth[1:2], lon_lat, area).mean)


def test_months_between_the_ends_of_the_way_are_on_passage() -> None:
    lon_lat = np.array([[float(lon), 0.0] for lon in (0, 5, 20, 38, 40)])
    there = np.eye(5, dtype=bool)[[0, 1, 2, 3, 4, 4]]  # the second and the fourth month are near an end
    score = np.roll(there, 1, axis=1).astype(np.float32)  # a place further, and from the last back to the first
    found = centre_distances(score, there, lon_lat, np.ones(5))
    assert found.passage.tolist() == [False, False, True, False, False, False]
    assert found.mean_on_passage == pytest.approx(np.radians(18) * EARTH_RADIUS_KM, rel=1e-6)
    assert np.isnan(centre_distances(score[:1], there[:1], lon_lat, np.ones(5)).mean_on_passage)
