"""Which months are seasons, as a map tells them or somebody names them, and where a taxon is in which."""

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import ConfigError
from birdsat.maps.seasons import given_seasons, month_names, short_months, told_seasons
from birdsat.virtual.world import VirtualWorld

YEAR = tuple(range(1, 13))
ALIKE = np.full(12, 1000.0)


def moving(middle: float, swing: float) -> np.ndarray:
    """(12,) latitudes that are highest in July."""
    return middle - swing * np.cos(2 * np.pi * np.arange(12) / 12)


@pytest.mark.parametrize(
    ("latitude", "breeding"),
    [
        (moving(30, 15), (5, 6, 7, 8, 9)),  # from 15 N to 45 N
        (moving(-25, 10), (11, 12, 1, 2, 3)),  # a migrant of the south breeds in the southern summer
        (moving(5, 60), (5, 6, 7, 8, 9)),  # from 55 S to 65 N
        (moving(-8, 40), (11, 12, 1, 2, 3)),  # from 48 S to 32 N
    ],
)
def test_a_migrant_breeds_at_the_end_of_its_way_that_is_nearer_to_a_pole(
    latitude: np.ndarray, breeding: tuple[int, ...]
) -> None:
    found = told_seasons(YEAR, ALIKE, latitude, dated=True)
    assert set(found.breeding) == set(breeding)
    assert set(found.non_breeding) == {(month + 5) % 12 + 1 for month in breeding}
    assert not set(found.passage) & {*found.breeding, *found.non_breeding}
    assert {*found.passage, *found.breeding, *found.non_breeding} == set(YEAR)


def test_one_that_hardly_moves_is_resident_and_so_is_one_in_the_tropics() -> None:
    for middle in (0, 55, -40):
        found = told_seasons(YEAR, ALIKE, moving(middle, 1.4), dated=True)
        assert found.parts() == (("resident", YEAR),) and "2.8 degrees" in found.told


def test_the_seasons_of_the_virtual_worlds_birds_are_told_from_their_true_ranges() -> None:
    grid, world = Grid(Box(-180, -90, 180, 90), 4.0), VirtualWorld(0)
    lon, lat = grid.lon[None], grid.lat[:, None]
    area = grid.cell_area(np.arange(grid.rows) * grid.columns)
    residents = [one.name for one in world.species if not one.range.migrates][:3]
    for taxon in (*world.migrants, *residents):
        each = np.stack([world.true_range(taxon, lon, lat, month).sum(axis=1) * area for month in YEAR])
        middle = each @ grid.lat / each.sum(axis=1)
        found = told_seasons(YEAR, each.sum(axis=1), middle, dated=True)
        if taxon in residents:
            assert found.parts() == (("resident", YEAR),)
            continue
        summer, winter = {5, 6, 7, 8}, {11, 12, 1, 2}
        if middle[6] < 0:
            summer, winter = winter, summer
        # Passage of a third of the way may count with the nearer season.
        assert (
            summer
            <= set(found.breeding)
            <= {*summer, *((month + 10) % 12 + 1 for month in summer)} | {month % 12 + 1 for month in summer}
        )
        assert winter <= set(found.non_breeding) and not set(found.breeding) & set(found.non_breeding)


def test_what_a_map_cannot_tell_is_called_uncertain_with_the_reason() -> None:
    gone = np.where(np.isin(np.arange(12), (3, 4, 5, 6, 7)), 1000.0, 3.0)
    summer = told_seasons(YEAR, gone, np.where(gone > 10, 50.0, 20.0), dated=True)
    assert summer.parts() == (("uncertain", (4, 5, 6, 7, 8)),) and "April, May, June, July, August" in summer.told
    undated = told_seasons(YEAR, ALIKE, moving(30, 0), dated=False)
    assert undated.parts() == (("uncertain", YEAR),) and "all its months are the same" in undated.told
    two = told_seasons((1, 6), ALIKE[:2], moving(30, 15)[[0, 5]], dated=True)
    assert two.parts() == (("uncertain", (1,)), ("uncertain", (6,))) and "map all twelve" in two.told
    layer = told_seasons((), ALIKE[:1], np.array([30.0]), dated=False)
    assert layer.parts() == (("uncertain", ()),)
    nowhere = told_seasons(YEAR, np.zeros(12), np.full(12, np.nan), dated=True)
    assert nowhere.parts() == (("uncertain", YEAR),)


def test_cells_are_of_the_season_in_which_the_mean_over_its_months_reaches_the_threshold() -> None:
    seasons = given_seasons((1, 2, 4, 6), (6,), (1, 2))
    #                     both  breeding  winter  passage  nowhere  one winter month  unknown
    value = np.array(
        [
            [0.9, 0.1, 0.9, 0.1, 0.1, 0.6, np.nan],  # January
            [0.9, 0.1, 0.9, 0.1, 0.1, 0.1, np.nan],  # February
            [0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.9],  # April
            [0.9, 0.9, 0.1, 0.1, 0.1, 0.1, np.nan],  # June
        ],
        np.float32,
    )[:, None]
    resident, breeding, winter, passage = (one[0].tolist() for one in seasons.cells(value, 0.5))
    assert resident == [True] + [False] * 6
    assert breeding == [False, True] + [False] * 5
    assert winter == [False, False, True] + [False] * 4
    assert passage == [False, False, False, True, False, False, True]
    assert seasons.parts()[3] == ("passage", (4,))


def test_months_that_the_map_has_not_are_refused() -> None:
    with pytest.raises(ConfigError, match="no layer of July; its months are January, June"):
        given_seasons((1, 6), (6, 7), (1,))
    with pytest.raises(ConfigError, match="of the whole year at once"):
        given_seasons((), (6,), (1,))


@pytest.mark.parametrize(
    ("months", "shown"),
    [
        ((), ""),
        ((6,), "Jun"),
        ((5, 6, 7), "May-Jul"),
        ((11, 12, 1, 2), "Nov-Feb"),
        ((3, 4, 9, 10), "Mar-Apr, Sep-Oct"),
        (YEAR, "Jan-Dec"),
        ((12, 1, 6), "Jun, Dec-Jan"),
    ],
)
def test_months_are_written_as_runs_around_the_year(months: tuple[int, ...], shown: str) -> None:
    assert short_months(months) == shown
    assert month_names(months[:1]) in ("no month", "June", "May", "November", "March", "January", "December")
