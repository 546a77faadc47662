from collections import Counter

import pytest

from birdsat.earth.place import Place
from birdsat.errors import ConfigError
from birdsat.observations.observation import Observation
from birdsat.observations.splits import SplitRule, block, unit_hash


def bird(number: int, **facts: object) -> Observation:
    return Observation(id=f"bird {number}", taxon="Apus apus", **facts)


def drawn(rule: SplitRule, observation: Observation, seed: int = 0, source_has_val: bool = False) -> str:
    return rule.split(observation, seed=seed, source_has_val=source_has_val)


def test_fractions_are_kept_within_sampling_noise():
    rule = SplitRule(val_fraction=0.2, test_fraction=0.3)
    counts = Counter(drawn(rule, bird(i)) for i in range(4000))
    assert counts["val"] / 4000 == pytest.approx(0.2, abs=0.03)
    assert counts["test"] / 4000 == pytest.approx(0.3, abs=0.03)


def test_another_seed_draws_another_split():
    rule = SplitRule(val_fraction=0.5)
    assert [drawn(rule, bird(i), seed=0) for i in range(50)] != [drawn(rule, bird(i), seed=1) for i in range(50)]


def test_source_split_is_kept_and_val_is_taken_from_train_alone():
    rule = SplitRule(val_fraction=0.5, test_fraction=0.4)
    assert {drawn(rule, bird(i, split="test")) for i in range(50)} == {"test"}
    assert {drawn(rule, bird(i, split="train")) for i in range(50)} == {"train", "val"}
    assert {drawn(rule, bird(i, split="train"), source_has_val=True) for i in range(50)} == {"train"}


def test_source_split_is_ignored_when_asked():
    rule = SplitRule(keep_source=False, test_fraction=0.5)
    assert {drawn(rule, bird(i, split="test"), source_has_val=True) for i in range(50)} == {"train", "val", "test"}


def test_a_block_goes_to_one_split_as_a_whole():
    rule = SplitRule(val_fraction=0.3, test_fraction=0.3, block_km=500)
    splits: dict[tuple[int, int], set[str]] = {}
    for i in range(3000):
        place = Place(unit_hash(0, f"lon {i}") * 360 - 180, unit_hash(0, f"lat {i}") * 180 - 90)
        splits.setdefault(block(place, 500), set()).add(drawn(rule, bird(i, place=place)))
    assert all(len(found) == 1 for found in splits.values())
    assert set().union(*splits.values()) == {"train", "val", "test"}


def test_observations_without_place_are_drawn_one_by_one_beside_blocks():
    rule = SplitRule(val_fraction=0.4, test_fraction=0.3, block_km=500)
    assert {drawn(rule, bird(i)) for i in range(50)} == {"train", "val", "test"}


def test_a_group_goes_to_one_split_as_a_whole_and_blocks_come_first():
    rule = SplitRule(val_fraction=0.3, test_fraction=0.3)
    by_group = {name: {drawn(rule, bird(i, group=name)) for i in range(30)} for name in map(str, range(40))}
    assert all(len(splits) == 1 for splits in by_group.values())
    assert set().union(*by_group.values()) == {"train", "val", "test"}
    blocks = SplitRule(val_fraction=0.3, test_fraction=0.3, block_km=100)
    assert len({drawn(blocks, bird(i, group=str(i), place=Place(10, 50))) for i in range(30)}) == 1


def test_blocks_do_not_end_at_the_antimeridian_differently_for_180_and_minus_180():
    assert block(Place(180, 10), 300) == block(Place(-180, 10), 300)
    assert block(Place(0, 90), 300) == block(Place(0, 89.99), 300)


@pytest.mark.parametrize(
    "settings", [{"val_fraction": -0.1}, {"val_fraction": 0.6, "test_fraction": 0.4}, {"block_km": 0}]
)
def test_impossible_rules_are_refused(settings):
    with pytest.raises(ConfigError, match=r"allowed|must be"):
        SplitRule(**settings)
