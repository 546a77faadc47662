"""Blocks of records of a small region: how wide they are, and where none are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.observations.blocks import blocks_by_km
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.ranges.background import points_on_cells
from birdsat.ranges.block_side import (
    BLOCKS,
    LEAST_BLOCKS,
    among_records,
    cell_km,
    spans_km,
    why_not_held_out,
    with_block_side,
)
from birdsat.ranges.effort import RelativeEffort
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.learn import Embedded
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.records import Records

SETTINGS = RangeNetworkConfig(inputs=8, width=16, depth=1, members=3, steps=60)
KM = 111.2  # of a degree


def background(west: float, south: float, step: float = 0.25, count: int = 60) -> NDArray[np.float64]:
    axis = step * np.arange(count)
    return np.stack(np.meshgrid(west + axis, south + axis), axis=-1).reshape(-1, 2)


def points(lon_lat: NDArray[np.float64], behind: NDArray[np.float64]) -> Points:
    return Points(
        taxa=1,
        presences=Cells(lon_lat=lon_lat, columns={}),
        taxon=np.zeros(len(lon_lat), np.int64),
        background=Cells(lon_lat=behind, columns={}),
    )


def strewn(centre: tuple[float, float], east_km: float, north_km: float, count: int = 60) -> NDArray[np.float64]:
    """Places at random in a rectangle."""
    offsets = np.random.default_rng(0).uniform(-0.5, 0.5, (count, 2)) * (east_km, north_km) / KM
    return np.array(centre) + offsets / (np.cos(np.radians(centre[1])), 1)


@pytest.mark.parametrize("centre", [(10.0, 0.0), (25.0, 69.5), (179.5, -40.0), (-120.0, 45.0)])
@pytest.mark.parametrize("side_km", [250.0, 600.0])
def test_nine_blocks_cover_what_records_of_a_small_region_span(centre: tuple[float, float], side_km: float) -> None:
    lon_lat = strewn(centre, side_km, side_km, 400)
    lon_lat[:, 0] = (lon_lat[:, 0] + 180) % 360 - 180
    behind = np.array(centre) + background(-7.5, -7.5)
    behind[:, 0] = (behind[:, 0] + 180) % 360 - 180
    wide = replace(SETTINGS, block_km=2000.0)
    found = with_block_side(wide, points(lon_lat, behind))
    assert found.regional and found.block_km == pytest.approx(side_km / BLOCKS**0.5, rel=0.15)
    assert len(np.unique(blocks_by_km(lon_lat, found.block_km))) >= 2 * LEAST_BLOCKS
    assert why_not_held_out(points(lon_lat, behind), found) == ""


def test_records_in_four_wide_blocks_keep_these() -> None:
    lon_lat = strewn((10.0, 47.0), 2500, 2500)
    assert with_block_side(SETTINGS, points(lon_lat, background(0, 40))) is SETTINGS


def test_records_along_a_line_or_in_one_spot_are_not_held_out_in_narrower_blocks(shared_cases: Path) -> None:
    behind = background(2, 40)
    turned = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    line = np.array((10.0, 47.0)) + strewn((0, 0), 800, 20) @ turned
    for lon_lat, why in (
        (line, "along a line"),
        (strewn((10.0, 47.0), 300, 40), "along a line"),
        (strewn((10.0, 47.0), 60, 60), "in one spot"),
    ):
        assert with_block_side(SETTINGS, points(lon_lat, behind)) is SETTINGS
        assert why in why_not_held_out(points(lon_lat, behind), SETTINGS)
    fine = background(8, 45, 0.02, 200)  # a line stays one, however small the cells are
    assert with_block_side(SETTINGS, points(strewn((10.0, 47.0), 300, 40), fine)) is SETTINGS
    assert "2 places with records are too few" in why_not_held_out(points(line[:2], behind), SETTINGS)
    assert with_block_side(SETTINGS, points(line[:0], behind)) is SETTINGS
    coast = read_occurrences(shared_cases / "maps" / "one_coast.csv").lon_lat
    around = background(140, -40)
    assert with_block_side(SETTINGS, points(coast, around)) is SETTINGS
    assert "along a line" in why_not_held_out(points(coast, around), SETTINGS)


def test_one_stray_record_makes_no_region_of_a_line() -> None:
    line = strewn((10.0, 47.0), 400, 10)
    narrow, wide = spans_km(np.concatenate([line, [[10.0, 50.0]]]))
    assert narrow < 30 and wide == pytest.approx(400, rel=0.1)


def test_blocks_are_never_narrower_than_two_cells() -> None:
    lon_lat = strewn((10.0, 47.0), 250, 250)
    for step, regional in ((0.1, True), (0.25, True), (1.0, False)):
        behind = background(5, 42, step, 40)
        assert cell_km(points(lon_lat[:1], behind)) == pytest.approx(
            step * KM * np.cos(np.radians(42 + 20 * step)), rel=0.1
        )
        assert with_block_side(SETTINGS, points(lon_lat, behind)).regional == regional


def test_background_is_held_out_between_the_records_alone() -> None:
    lon_lat = np.array([[9.0, 46.0], [11.0, 46.0], [11.0, 48.0], [9.0, 48.0], [10.0, 47.0]])
    asked = np.array([[9.0, 46.0], [10.0, 47.5], [8.9, 47.0], [10.0, 48.2], [-170.0, -47.0]])
    regional = replace(SETTINGS, regional=True, block_km=70.0)
    of = points(lon_lat, asked)
    assert among_records(of, asked, regional).tolist() == [True, True, False, False, False]
    assert among_records(of, asked, SETTINGS).all()


def test_a_small_region_has_figures_of_narrow_blocks_which_are_half_for_noise() -> None:
    """Records strewn at random: were background around them held out as well, the figures would be good."""
    behind = background(2.5, 39.5)
    random = np.random.default_rng(3)
    within = np.flatnonzero((np.abs(behind - (10, 47)) < (2.7, 1.8)).all(axis=1))
    chip = random.normal(size=(len(behind), 6)).astype(np.float32)
    areas = []
    for seed in range(3):
        rows = np.random.default_rng(seed).choice(within, 60, replace=False)
        of_rows, everywhere = (
            Embedded(chip=one, year=np.empty((len(one), 1, 0), np.float32)) for one in (chip[rows], chip)
        )
        model = fit_ranges(
            points(behind[rows], behind),
            of_rows,
            everywhere,
            ["A a"],
            Source(run="made", model="none"),
            settings=replace(SETTINGS, seed=seed),
        )
        assert model.facts.network.regional and 100 <= model.evaluation["held_out_block_km"] <= 140
        assert model.facts.calibration.fitted and model.facts.not_held_out == ""
        areas.append(model.evaluation["held_out_auc"])
    assert 0.38 < np.mean(areas) < 0.62


def test_a_few_sites_as_background_do_not_make_cells_larger() -> None:
    """The sides of cells are those of the grid, however far apart the background lies."""
    grid = Grid(Box(0, 40, 20, 55), 0.25)
    lon_lat = strewn((10.0, 47.0), 250, 250)
    taxa = Occurrences(taxa=("a",), label=np.zeros(60, np.int32), lon_lat=lon_lat, day=np.zeros(60, np.int32), rows=60)
    sites = np.array([[9.1, 47.1], [10.6, 46.4], [11.1, 47.9]])
    cells = np.sort(grid.cells_at(*sites.T))
    effort = RelativeEffort(cells=cells, weight=np.ones(3), source="three sites")
    found = points_on_cells(Records(taxa=taxa, everything=taxa, effort=effort), grid, np.arange(grid.cells))
    assert len(found.background) == 3 and found.cell_km == pytest.approx(0.25 * KM * np.cos(np.radians(47)), rel=0.05)
    assert cell_km(found) == found.cell_km < cell_km(replace(found, cell_km=np.nan))
    assert with_block_side(SETTINGS, found).regional
