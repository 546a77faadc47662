import numpy as np
import pytest

from birdsat.earth.place import distance_km
from birdsat.errors import ConfigError, InputError
from birdsat.observations.blocks import blocks_by_degrees, deal_folds, hold_out_regions, random_folds
from birdsat.ranges.evaluation.hold_out import HoldOut

LON_LAT = np.stack([np.linspace(110, 150, 80), np.linspace(-40, -10, 80)], axis=1)


def test_each_way_of_holding_out_is_the_one_it_names() -> None:
    by_degrees = HoldOut(degrees=7, folds=3).fold(LON_LAT, 1)
    assert by_degrees.tolist() == deal_folds(blocks_by_degrees(LON_LAT, 7), 3, 1).tolist()
    assert HoldOut(by="regions", folds=2).fold(LON_LAT, 1).tolist() == hold_out_regions(LON_LAT, 2, 1).tolist()
    assert HoldOut(by="random").fold(LON_LAT, 1).tolist() == random_folds(80, 5, 1).tolist()


def test_only_random_splits_carry_a_warning_and_each_says_what_it_is() -> None:
    ways = [HoldOut(), HoldOut(degrees=2.5), HoldOut(by="regions", folds=2), HoldOut(buffer_km=800)]
    assert [way.warning for way in ways] == [None] * 4
    assert "neighbours of a test cell" in (HoldOut(by="random").warning or "")
    assert [str(way) for way in ways] == [
        "5-degree blocks in 5 folds",
        "2.5-degree blocks in 5 folds",
        "2 whole regions",
        "5-degree blocks in 5 folds, 800 km apart",
    ]


def test_blocks_and_folds_that_are_not_possible_are_refused() -> None:
    with pytest.raises(ConfigError, match="wide; allowed"):
        HoldOut(degrees=0).fold(LON_LAT)


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("km", [0.0, 300.0, 900.0])
def test_a_buffer_takes_out_what_lies_near_a_cell_held_out_over_the_antimeridian_as_well(
    km: float, elsewhere: bool
) -> None:
    generator = np.random.default_rng(3)

    def around_fiji(count: int) -> np.ndarray:
        lon = (generator.uniform(160, 200, count) + 180) % 360 - 180
        return np.stack([lon, generator.uniform(-30, 10, count)], axis=1)

    learned, tested = around_fiji(300), around_fiji(90) if elsewhere else None
    hold_out = HoldOut(by="regions", folds=3, buffer_km=km)
    there = learned if tested is None else tested
    fold = hold_out.fold(learned if tested is None else np.concatenate([learned, tested]), 4)
    turns = list(hold_out.turns(learned, 4, tested))
    assert len(turns) == 3
    for number, (train, test) in enumerate(turns):
        assert test.tolist() == (fold[-len(there) :] == number).tolist()
        expected = [
            fold[row] != number
            and (km == 0 or all(distance_km(lon, lat, *place) > km for place in there[test].tolist()))
            for row, (lon, lat) in enumerate(learned.tolist())
        ]
        assert train.tolist() == expected
        assert km == 0 or train.sum() < (fold[: len(learned)] != number).sum()


def test_a_cell_just_as_far_as_the_buffer_reaches_is_taken_out() -> None:
    places = np.array([[0.0, 0], [5, 0], [11, 0]])
    away = float(distance_km(*places[0], *places[1]))
    for km, left in ((away, [False, False, True]), (away * (1 - 1e-9), [False, True, True])):
        hold_out = HoldOut(degrees=5, folds=3, buffer_km=km)
        found = [train.tolist() for train, test in hold_out.turns(places) if test[0]]
        assert found == [left]


def test_a_buffer_that_leaves_nothing_to_learn_from_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"buffer of 3000 km takes out every cell.*smaller buffer.*more folds"):
        list(HoldOut(folds=2, buffer_km=3000).turns(LON_LAT))
