import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.earth.place import Place
from birdsat.errors import ConfigError, InputError
from birdsat.observations.blocks import (
    blocks_by_degrees,
    blocks_by_km,
    deal_folds,
    hold_out_regions,
    random_folds,
)
from birdsat.observations.splits import block


def places(count: int = 400, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    return np.stack([generator.uniform(-180, 180, count), generator.uniform(-90, 90, count)], axis=1)


def same_block(number: NDArray[np.int64]) -> NDArray[np.bool_]:
    return number[:, None] == number[None, :]


def test_places_share_a_block_where_they_share_a_square_of_degrees() -> None:
    lon_lat = places()
    square = [(lat // 5, lon // 5) for lon, lat in lon_lat.tolist()]
    number = blocks_by_degrees(lon_lat, 5)
    assert same_block(number).tolist() == [[one == other for other in square] for one in square]
    assert sorted(set(number.tolist())) == list(range(len(set(square))))


def test_a_block_does_not_depend_on_which_side_of_the_antimeridian_is_written() -> None:
    assert len(set(blocks_by_degrees(np.array([[180, 1], [-180, 1], [-179, 1]])).tolist())) == 1


def test_blocks_by_km_are_those_of_the_splits_of_a_dataset() -> None:
    lon_lat = places()
    expected = [block(Place(lon, lat), 700) for lon, lat in lon_lat.tolist()]
    assert same_block(blocks_by_km(lon_lat, 700)).tolist() == [[a == b for b in expected] for a in expected]


def test_blocks_are_dealt_whole_evenly_and_by_the_seed_alone() -> None:
    blocks = blocks_by_degrees(places(), 20)
    fold = deal_folds(blocks, 5, seed=3)
    of_block = {number: set(fold[blocks == number].tolist()) for number in set(blocks.tolist())}
    assert all(len(folds) == 1 for folds in of_block.values())
    counts = np.bincount([folds.pop() for folds in of_block.values()])
    assert len(counts) == 5 and np.ptp(counts) <= 1
    assert (fold == deal_folds(blocks, 5, seed=3)).all()
    assert (fold != deal_folds(blocks, 5, seed=4)).any()


def test_more_folds_than_blocks_are_refused() -> None:
    with pytest.raises(InputError, match="1 blocks cannot be dealt to 5 folds"):
        deal_folds(np.zeros(9, np.int64))
    with pytest.raises(ConfigError, match="2 or more"):
        deal_folds(np.arange(9), 1)


@pytest.mark.parametrize("size", [0, -1, 181, float("nan")])
def test_blocks_of_no_size_are_refused(size: float) -> None:
    with pytest.raises(ConfigError, match="wide; allowed"):
        blocks_by_degrees(places(), size)


def test_two_regions_of_a_wide_continent_are_its_west_and_its_east() -> None:
    lon, lat = np.meshgrid(np.arange(113.5, 154), np.arange(-30.5, -20))
    lon_lat = np.stack([lon.ravel(), lat.ravel()], axis=1)
    fold = hold_out_regions(lon_lat, 2)
    assert lon_lat[fold == 0, 0].max() <= lon_lat[fold == 1, 0].min()
    assert (fold == hold_out_regions(lon_lat, 2)).all()
    assert abs(np.mean(fold) - 0.5) < 0.1


def test_one_region_leaves_nothing_to_learn_from() -> None:
    with pytest.raises(ConfigError, match="2 or more"):
        hold_out_regions(places(), 1)
    with pytest.raises(InputError, match="cannot be cut into 3"):
        hold_out_regions(np.array([[0.0, 0], [1, 1]]), 3)


def test_random_folds_are_even_and_drawn_by_the_seed() -> None:
    fold = random_folds(103, 5, seed=1)
    assert sorted(np.bincount(fold).tolist()) == [20, 20, 21, 21, 21]
    assert (fold == random_folds(103, 5, seed=1)).all() and (fold != random_folds(103, 5, seed=2)).any()
