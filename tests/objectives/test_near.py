import math

import torch

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
