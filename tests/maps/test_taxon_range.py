"""From a map to its range: the cells of each season, their areas with an interval, and what cannot be made one."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from season_maps import GRID, write_map

from birdsat.earth.box import Box
from birdsat.earth.grid import EqualAreaGrid, Grid
from birdsat.earth.occupied import convex_hull_km2
from birdsat.errors import ConfigError, InputError
from birdsat.maps import map_file as map_files
from birdsat.maps.description import RICHNESS, SCORE
from birdsat.maps.making import NOT_EVALUATED, Making
from birdsat.maps.map_file import MapFile
from birdsat.maps.taxon_range import TaxonRange, extent_of_places, find_threshold, taxon_range, wrong_together


def range_of(path: Path, threshold: str = "max_sss", **seasons: tuple[int, ...]) -> TaxonRange:
    with MapFile(path) as map_file:
        return taxon_range(map_file, find_threshold(map_file.description, threshold), **seasons)


def area_of_rows(north: float, south: float, columns: int) -> float:
    rows = np.flatnonzero((GRID.lat < north) & (GRID.lat > south))
    return float(GRID.cell_area(rows * GRID.columns).sum()) * columns


def test_a_migrants_seasons_are_told_and_each_has_its_cells_and_their_area(tmp_path: Path) -> None:
    found = range_of(write_map(tmp_path / "a.tif"))
    assert found.seasons.breeding == (5, 6, 7, 8) and found.seasons.non_breeding == (1, 2, 3, 10, 11, 12)
    parts = {part.season: part for part in found.parts}
    assert list(parts) == ["breeding", "non-breeding", "passage"]
    # The mean of months at 40 and 45 N is high where both are.
    assert parts["breeding"].cells == 18 * (49 - 36) and parts["breeding"].months == (5, 6, 7, 8)
    assert parts["non-breeding"].area_km2 == pytest.approx(area_of_rows(19, 11, 18))
    assert parts["passage"].area_km2 == pytest.approx(area_of_rows(34, 26, 18))
    assert all(part.applicable == pytest.approx(17 / 18) for part in found.parts)
    west, south, east, north = parts["passage"].geometry.bounds
    assert (west, south, east, north) == (2, 26, 20, 34)


def test_the_more_records_the_less_all_cells_are_wrong_together() -> None:
    of_each = [wrong_together(records) for records in (0, 1, 10, 100, 10_000)]
    assert of_each == sorted(of_each, reverse=True) and of_each[0] == 1 and 0.1 < of_each[-1] < 0.2


@pytest.mark.parametrize("changes", [{}, {"std": False, "interval": 0.8}], ids=["deviations", "intervals"])
def test_the_interval_is_the_area_were_all_cells_wrong_together(
    tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = range_of(write_map(tmp_path / "whole.tif", months=(6,), **changes)).parts[0]
    assert whole.area_low_km2 <= whole.area_km2 <= whole.area_high_km2
    monkeypatch.setattr("birdsat.maps.taxon_range.wrong_together", lambda records: 1.0)
    found = range_of(write_map(tmp_path / "a.tif", months=(6,), **changes))
    (june,) = found.parts
    assert (june.season, june.months) == ("uncertain", (6,))
    last = area_of_rows(49, 41, 1)
    assert june.area_km2 == pytest.approx(18 * last)
    assert june.area_low_km2 == pytest.approx(17 * last)  # the last column may not be
    assert june.area_high_km2 == pytest.approx(17 * last + area_of_rows(49, 10, 1))  # or all of it may
    without = range_of(write_map(tmp_path / "b.tif", months=(6,), std=False, applicability=False)).to_dict()
    assert [without["ranges"][0][f"{name}"] for name in ("area_low_km2", "share_in_area_of_applicability")] == [
        None
    ] * 2


def test_seasons_that_are_named_win(tmp_path: Path) -> None:
    found = range_of(write_map(tmp_path / "a.tif"), breeding=(6, 7), non_breeding=(12, 1, 2))
    parts = {part.season: part for part in found.parts}
    assert parts["breeding"].area_km2 == pytest.approx(area_of_rows(49, 41, 18))
    assert parts["passage"].area_km2 == pytest.approx(
        area_of_rows(41, 36, 18) + area_of_rows(34, 26, 18) + area_of_rows(24, 19, 18)
    )
    assert found.to_dict()["seasons"]["passage"] == [3, 4, 5, 8, 9, 10, 11]
    with pytest.raises(ConfigError, match="no layer of July"):
        range_of(write_map(tmp_path / "b.tif", months=(1, 6)), breeding=(7,), non_breeding=(1,))


def test_an_undated_map_has_one_range_of_no_season_and_refuses_named_ones(tmp_path: Path) -> None:
    path = write_map(tmp_path / "a.tif", dated=False)
    assert [part.season for part in range_of(path, "0.3").parts] == ["uncertain"]
    with pytest.raises(InputError, match=r"are the same \(no record says when\)"):
        range_of(path, breeding=(6,), non_breeding=(1,))
    layer = range_of(write_map(tmp_path / "b.tif", months=()))
    assert [(part.season, part.months) for part in layer.parts] == [("uncertain", ())]


def test_a_threshold_that_leaves_no_cell_is_said_with_the_highest_value(tmp_path: Path) -> None:
    found = range_of(write_map(tmp_path / "a.tif"), "0.95")
    assert found.parts == () and found.extents == ()
    with pytest.raises(InputError, match=r"no cell .* at 0\.95 \(given\): the highest value is 0\.8"):
        found.refuse_empty()


def test_over_the_antimeridian_polygons_are_cut_and_areas_and_extents_are_whole(tmp_path: Path) -> None:
    over = range_of(write_map(tmp_path / "a.tif", grid=Grid(Box(170, 10, -170, 50), 1)))
    plain = range_of(write_map(tmp_path / "b.tif"))
    for one, other in zip(over.parts, plain.parts, strict=True):
        assert one.area_km2 == pytest.approx(other.area_km2)
        west, _, east, _ = one.geometry.bounds
        assert (west, east) == (-180, 180) and one.geometry.area == pytest.approx(other.geometry.area)
    assert [one.eoo_km2 for one in over.extents] == pytest.approx([one.eoo_km2 for one in plain.extents])


def test_the_extents_of_a_migrants_map_are_of_each_season_and_hold_all_of_its_cells(tmp_path: Path) -> None:
    found = range_of(write_map(tmp_path / "a.tif"))
    assert [one.of for one in found.extents] == ["map, breeding season", "map, non-breeding season"]
    parts = {part.season: part for part in found.parts}
    corners = shapely.get_coordinates(shapely.segmentize(parts["breeding"].geometry, 0.1))
    assert found.extents[0].eoo_km2 == pytest.approx(convex_hull_km2(corners), rel=2e-3)
    assert found.extents[0].eoo_km2 >= parts["breeding"].area_km2
    assert math.isnan(found.extents[0].aoo_km2) and "cells of 1 degree are larger" in found.extents[0].why


def test_only_cells_of_two_kilometres_have_an_area_of_occupancy(tmp_path: Path) -> None:
    fine = EqualAreaGrid(Box(5, 44.5, 5.5, 45), 1)
    (extent,) = range_of(write_map(tmp_path / "a.tif", grid=fine, months=(6,)), "0.5").extents
    (part,) = range_of(tmp_path / "a.tif", "0.5").parts
    assert part.area_km2 <= extent.aoo_km2 <= 1.35 * part.area_km2  # squares at the rim are counted whole
    assert extent.eoo_km2 >= extent.aoo_km2


def test_records_nearer_to_each_other_than_their_squares_have_the_area_of_these_as_extent() -> None:
    found = extent_of_places("3 records", np.array([[10.01, 0.005], [10.011, 0.005], [10.01, 0.006]], dtype=float))
    assert found.eoo_km2 == found.aoo_km2 == 4


@pytest.mark.parametrize(
    ("changes", "threshold", "said"),
    [
        ({"quantity": SCORE}, "max_sss", "score, which ranks cells"),
        ({"quantity": SCORE}, "0.5", "score, which ranks cells"),
        ({"quantity": RICHNESS, "is_taxon": False}, "p10", "a range is made of the map of a taxon"),
        ({"making": Making(thresholds_of=NOT_EVALUATED)}, "p10", "no threshold called 'p10' .not evaluated"),
        ({"making": Making()}, "p10", "of an earlier birdsat: map it again"),
        ({}, "p1", "nearest: 'p10'; allowed: p10, max_sss, equal, prevalence, or a number"),
        ({}, "maxTSS", "allowed: p10, max_sss, equal, prevalence"),
        ({}, "0", "allowed: above 0, up to 1"),
        ({}, "nan", "allowed: above 0, up to 1"),
        ({}, "1e9", "allowed: above 0, up to 1"),
    ],
)
def test_what_has_no_such_threshold_is_refused(
    tmp_path: Path, changes: dict[str, object], threshold: str, said: str
) -> None:
    with pytest.raises((InputError, ConfigError), match=said):
        range_of(write_map(tmp_path / "a.tif", **changes), threshold)


def test_windows_of_the_map_do_not_change_its_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(Box(0, 10, 60, 50), 0.05)
    path = write_map(tmp_path / "a.tif", grid=grid, months=(1, 6))
    whole = range_of(path)
    monkeypatch.setattr(map_files, "_BLOCK_BYTES", 1)
    again = range_of(path)
    assert again.to_dict()["ranges"] == whole.to_dict()["ranges"] and again.seasons == whole.seasons
    assert [one.eoo_km2 for one in again.extents] == pytest.approx([one.eoo_km2 for one in whole.extents], rel=1e-6)
    for one, other in zip(whole.parts, again.parts, strict=True):
        assert one.geometry.equals(other.geometry)
