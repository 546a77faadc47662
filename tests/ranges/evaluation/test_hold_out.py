import numpy as np
import pytest

from birdsat.errors import ConfigError
from birdsat.observations.blocks import blocks_by_degrees, deal_folds, hold_out_regions, random_folds
from birdsat.ranges.evaluation.hold_out import HoldOut

LON_LAT = np.stack([np.linspace(110, 150, 80), np.linspace(-40, -10, 80)], axis=1)


def test_each_way_of_holding_out_is_the_one_it_names() -> None:
    by_degrees = HoldOut(degrees=7, folds=3).fold(LON_LAT, 1)
    assert by_degrees.tolist() == deal_folds(blocks_by_degrees(LON_LAT, 7), 3, 1).tolist()
    assert HoldOut(by="regions", folds=2).fold(LON_LAT, 1).tolist() == hold_out_regions(LON_LAT, 2, 1).tolist()
    assert HoldOut(by="random").fold(LON_LAT, 1).tolist() == random_folds(80, 5, 1).tolist()


def test_only_random_splits_carry_a_warning_and_each_says_what_it_is() -> None:
    ways = [HoldOut(), HoldOut(degrees=2.5), HoldOut(by="regions", folds=2)]
    assert [way.warning for way in ways] == [None] * 3
    assert "neighbours of a test cell" in (HoldOut(by="random").warning or "")
    assert [str(way) for way in ways] == [
        "5-degree blocks in 5 folds",
        "2.5-degree blocks in 5 folds",
        "2 whole regions",
    ]


def test_blocks_and_folds_that_are_not_possible_are_refused() -> None:
    with pytest.raises(ConfigError, match="wide; allowed"):
        HoldOut(degrees=0).fold(LON_LAT)
