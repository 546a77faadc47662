"""Maps follow where a taxon lives, not where people look, on made landscapes in which both are known."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from made_points import embedded
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from birdsat.errors import ConfigError
from birdsat.observations.occurrence_grid import thin_to_grid
from birdsat.ranges.background import points_on_cells
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.records import Records
from birdsat.virtual.landscape import GRID, Effort, Landscape, make_landscape

CELLS = np.arange(GRID.cells)
QUICK = RangeNetworkConfig(width=48, depth=1, members=3, steps=160)


def mapped(landscape: Landscape, taxa: int, settings: RangeNetworkConfig) -> NDArray[np.float32]:
    """(taxa, cells) of the first taxa, fitted as `birdsat fit` does."""
    everything = landscape.records()
    asked = everything.only_taxa(everything.taxa[:taxa])
    records = Records(taxa=thin_to_grid(asked, GRID), everything=everything)
    points = points_on_cells(records, GRID, CELLS)
    here, there = (
        embedded(landscape.features[GRID.cells_at(*cells.lon_lat.T)]) for cells in (points.presences, points.background)
    )
    model = fit_ranges(points, here, there, asked.taxa, Source(run="made", model=""), settings=settings)
    return model.year_mean(landscape.features, GRID.centres(CELLS)).T


def follows(maps: NDArray[np.float32], landscape: Landscape, cells: NDArray[np.bool_]) -> float:
    """Mean rank correlation of maps (taxa, n) with where the taxa live, in some cells (n,)."""
    pairs = zip(maps, landscape.suitability, strict=False)
    return float(np.mean([spearmanr(there[cells], truth[cells]).statistic for there, truth in pairs]))


def test_the_most_visited_part_of_a_range_is_mapped_as_high_as_the_rest() -> None:
    landscape = make_landscape(12, "even", 1)
    lon, lat = GRID.centres(CELLS).T
    crowded, lives = (lon > 26) & (lon < 34) & (lat > 46) & (lat < 54), landscape.suitability[0] > 0.2
    found = np.full((12, GRID.cells), 0.3)  # by all others alike
    found[0] = np.where(lives, 0.3, 0)
    (probability,) = mapped(replace(landscape, suitability=found, effort=np.where(crowded, 60.0, 1.5)), 1, QUICK)
    in_crowd, elsewhere, outside = (
        probability[some].mean() for some in (crowded & lives, ~crowded & lives, landscape.suitability[0] < 0.05)
    )
    assert abs(in_crowd - elsewhere) < 0.12 and outside < elsewhere - 0.3


@pytest.fixture(scope="module")
def even() -> NDArray[np.float32]:
    """Maps of five taxa under even effort."""
    return mapped(make_landscape(50, "even", 1), 5, QUICK)


@pytest.mark.parametrize("effort", [effort for effort in get_args(Effort) if effort != "even"])
def test_a_map_is_as_right_under_uneven_effort_as_under_even(effort: Effort, even: NDArray[np.float32]) -> None:
    uneven = make_landscape(50, effort, 1000)
    visited = uneven.effort >= 1 / 3
    assert follows(mapped(uneven, 5, QUICK), uneven, visited) > follows(even, uneven, visited) - 0.03


@pytest.mark.parametrize("effort", ["gradient", "roads", "outside"])
def test_figures_prefer_the_right_map_but_those_against_even_background(effort: Effort) -> None:
    landscape = make_landscape(50, effort, 1000, visits=10)
    everything = landscape.records()
    records = Records(taxa=thin_to_grid(everything.only_taxa(everything.taxa[:8]), GRID), everything=everything)
    points = points_on_cells(records, GRID, CELLS)
    here, there = (GRID.cells_at(*cells.lon_lat.T) for cells in (points.presences, points.background))

    def auc(maps: NDArray[np.floating], weight: NDArray[np.float64]) -> float:
        """Mean over taxa of a map each (8, n), of records against background that weighs so much."""
        found = []
        for taxon, value in enumerate(maps):
            own = here[points.taxon == taxon]
            present = np.repeat([True, False], [len(own), len(there)])
            weights = np.concatenate([np.ones(len(own)), weight])
            found.append(roc_auc_score(present, value[np.concatenate([own, there])], sample_weight=weights))
        return float(np.mean(found))

    right, wrong = landscape.suitability[:8], np.tile(landscape.effort, (8, 1))
    by_effort, even = points.background_weight, points.background_area
    assert auc(right, by_effort) > 0.7 and abs(auc(wrong, by_effort) - 0.5) < 0.15
    assert auc(wrong, even) > auc(wrong, by_effort) + 0.15  # a map of observers looks good there


def test_a_landscape_keeps_its_habitat_and_taxa_under_any_effort_and_its_ratio_of_visits() -> None:
    even, roads = make_landscape(5, "even", 1, seed=3), make_landscape(5, "roads", 100, seed=3)
    np.testing.assert_array_equal(even.features, roads.features)
    np.testing.assert_array_equal(even.suitability, roads.suitability)
    assert roads.effort.max() / roads.effort.min() == pytest.approx(100) and roads.effort.mean() == pytest.approx(3)
    with pytest.raises(ConfigError, match="allowed: even, random, gradient, roads, outside"):
        make_landscape(5, "coasts", 10)  # type: ignore[arg-type]


def test_records_come_as_visits_find_the_taxa() -> None:
    landscape = make_landscape(3, "gradient", 50, visits=40)
    records = landscape.records()
    cells = GRID.cells_at(*records.lon_lat.T)
    for label in range(3):
        found = np.bincount(cells[records.label == label], minlength=GRID.cells)
        expected = landscape.effort * landscape.suitability[label]
        assert found.sum() == pytest.approx(expected.sum(), rel=0.03)
        assert np.corrcoef(found, expected)[0, 1] > 0.85
