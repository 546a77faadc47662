"""Maps are drawn over the land of the planet that their imagery shows."""

import numpy as np

from birdsat.earth.outline import EARTH
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.embed_region import land_under


def test_a_virtual_planet_has_its_own_land_and_all_other_imagery_shows_the_earth() -> None:
    assert land_under("mosaic.tif") is EARTH
    lon, lat = np.arange(-180.0, 180, 30), np.arange(-75.0, 80, 30)[:, None]
    virtual = land_under("virtual:3")
    np.testing.assert_array_equal(virtual.contains(lon, lat), VirtualWorld(3).land(lon, lat))
    assert virtual.coasts is None
