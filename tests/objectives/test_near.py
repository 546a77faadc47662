import math

import numpy as np
import pytest
import torch

from birdsat.earth.place import EARTH_RADIUS_KM
from birdsat.objectives.near import near_pairs


def test_near_is_less_than_the_distance_over_the_ground_also_over_the_antimeridian() -> None:
    places = torch.tensor([[179.9, 0.0], [-179.9, 0.0], [0.0, 89.9], [180.0, 89.9], [math.nan, 0.0]])
    near = near_pairs(places, places, 23.0)  # a fifth of a degree is 22.2 km
    assert near.tolist() == [
        [True, True, False, False, False],
        [True, True, False, False, False],
        [False, False, True, True, False],
        [False, False, True, True, False],
        [False, False, False, False, False],
    ]
    assert near_pairs(places, places, 22.0)[0, 1].item() is False


@pytest.mark.parametrize("km", [1.0, 50.0])
@pytest.mark.parametrize("middle", [(0.0, 0.0), (12.3, 47.1), (180.0, -16.5), (-179.999, 65.0), (77.0, 89.995)])
def test_in_float32_places_are_told_apart_as_in_float64_to_a_thousandth_of_a_percent(
    km: float, middle: tuple[float, float]
) -> None:
    random = np.random.default_rng(0)
    lat = middle[1] + random.uniform(-1, 1, 400) * km / 111
    lon = middle[0] + random.uniform(-1, 1, 400) * km / 111 / max(0.001, math.cos(math.radians(middle[1])))
    lon_lat = np.stack([(lon + 180) % 360 - 180, lat.clip(-90, 90)], axis=1).astype(np.float32)
    lam, phi = np.radians(lon_lat.astype(np.float64)).T
    h = (
        np.sin((phi - phi[:, None]) / 2) ** 2
        + np.cos(phi) * np.cos(phi[:, None]) * np.sin((lam - lam[:, None]) / 2) ** 2
    )
    exact = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(h))

    near = near_pairs(torch.from_numpy(lon_lat), torch.from_numpy(lon_lat), km).numpy()

    clear = np.abs(exact / km - 1) > 1e-5
    assert (exact[clear] < km).any() and (exact[clear] > km).any()
    np.testing.assert_array_equal(near[clear], exact[clear] < km)
