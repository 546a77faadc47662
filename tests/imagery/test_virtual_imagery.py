"""Maps are drawn over the land of the planet that their imagery shows, and know the world that lives there."""

import numpy as np

from birdsat.earth.outline import EARTH
from birdsat.imagery.open_imagery import open_imagery
from birdsat.imagery.virtual_imagery import virtual_imagery
from birdsat.virtual.world import VirtualWorld


def test_a_virtual_planet_has_its_own_land_and_all_other_imagery_shows_the_earth() -> None:
    assert open_imagery("mosaic.tif").land is EARTH
    lon, lat = np.arange(-180.0, 180, 30), np.arange(-75.0, 80, 30)[:, None]
    virtual = open_imagery("virtual:3").land
    np.testing.assert_array_equal(virtual.contains(lon, lat), VirtualWorld(3).land(lon, lat))
    assert virtual.coasts is None


def test_a_virtual_planet_has_a_world_of_its_seed_and_real_imagery_has_none() -> None:
    world = open_imagery("virtual:3").virtual_world
    assert world is not None and world.seed == 3
    assert open_imagery("mosaic.tif").virtual_world is None


def test_the_planet_of_a_seed_is_the_one_that_its_name_opens() -> None:
    assert virtual_imagery(7) == open_imagery("virtual:7")
