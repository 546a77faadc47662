import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.errors import ConfigError
from birdsat.observations.blocks import blocks_by_km, deal_folds, hold_out_regions, random_folds
from birdsat.ranges.evaluation.hold_out import HoldOut

LON_LAT = np.stack([np.linspace(110, 150, 80), np.linspace(-40, -10, 80)], axis=1)
BOX = Box(110, -40, 120, -10)


def test_each_way_of_holding_out_is_the_one_it_names() -> None:
    by_km = HoldOut(km=700, folds=3).fold(LON_LAT, 1)
    assert by_km.tolist() == deal_folds(blocks_by_km(LON_LAT, 700), 3, 1).tolist()
    assert HoldOut(by="regions", folds=2).fold(LON_LAT, 1).tolist() == hold_out_regions(LON_LAT, 2, 1).tolist()
    assert HoldOut(by="random").fold(LON_LAT, 1).tolist() == random_folds(80, 5, 1).tolist()
    boxes = HoldOut(by="boxes", boxes=(BOX,)).fold(LON_LAT)
    assert ((boxes == 0) == BOX.contains(*LON_LAT.T)).all()


def test_only_random_splits_carry_a_warning_and_each_says_what_it_is() -> None:
    ways = [HoldOut(), HoldOut(km=500), HoldOut(by="regions", folds=2), HoldOut(by="boxes", boxes=(BOX,))]
    assert [way.warning for way in ways] == [None] * 4
    assert "neighbours of a test cell" in (HoldOut(by="random").warning or "")
    assert [str(way) for way in ways] == [
        "5-degree blocks in 5 folds",
        "500 km blocks in 5 folds",
        "2 whole regions",
        "held-out boxes 110,-40,120,-10",
    ]


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="give boxes with by='boxes'"):
        HoldOut(by="boxes")
    with pytest.raises(ConfigError, match="1 boxes are given"):
        HoldOut(boxes=(BOX,))
    with pytest.raises(ConfigError, match="leave it out"):
        HoldOut(by="random", km=100)
    with pytest.raises(ConfigError, match="wide; allowed"):
        HoldOut(km=0).fold(LON_LAT)
