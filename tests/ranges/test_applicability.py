"""The area of applicability: where the model learned is inside, what it never saw is outside."""

import numpy as np
import pytest
import torch

from birdsat.ranges.applicability import Applicability

DRAW = np.random.default_rng(0)
INPUTS = torch.from_numpy(DRAW.normal(0, 1, (90, 4)).astype(np.float32))
BLOCK = np.arange(90) // 10


def test_places_learned_from_lie_inside_and_far_ones_outside() -> None:
    area = Applicability.fit(INPUTS, BLOCK)
    assert area.inside(INPUTS).all()
    assert not area.inside(INPUTS + 20).any()
    assert area.inside(INPUTS[:5] + 1e-3).all()


@pytest.mark.parametrize("asked_at_once", [1, 90])
def test_a_single_place_is_inside_by_itself_and_nothing_else_is(asked_at_once: int) -> None:
    for row in range(90):
        area = Applicability.fit(7 * INPUTS[row : row + 1], BLOCK[row : row + 1])
        inside = np.concatenate([area.inside(7 * some) for some in INPUTS.split(asked_at_once)])
        assert np.flatnonzero(inside).tolist() == [row]


def test_the_threshold_and_the_mean_distance_equal_slow_references() -> None:
    table = INPUTS.numpy().astype(np.float64)
    distance = np.linalg.norm(table[:, None] - table[None], axis=2)
    mean = distance[np.triu_indices(90, 1)].mean()
    nearest = np.array([min(distance[i, j] for j in range(90) if BLOCK[i] != BLOCK[j]) for i in range(90)]) / mean
    low, high = np.quantile(nearest, (0.25, 0.75))
    area = Applicability.fit(INPUTS, BLOCK)
    assert area.mean_distance == pytest.approx(mean, rel=1e-4)
    assert area.threshold == pytest.approx(min(nearest.max(), high + 1.5 * (high - low)), rel=1e-3)
    asked = np.concatenate([table[:10] * 1.1, table[:10] * 4])
    inside = np.linalg.norm(asked[:, None] - table[None], axis=2).min(axis=1) / mean <= area.threshold
    np.testing.assert_array_equal(area.inside(torch.from_numpy(asked.astype(np.float32))), inside)
    assert 0 < inside.sum() < 20


def test_neighbours_in_one_block_do_not_make_the_area_small() -> None:
    """Places come in tight clumps, a block each: a clump's own spread says nothing of other places."""
    centres = torch.from_numpy(DRAW.normal(0, 3, (9, 4)).astype(np.float32)).repeat_interleave(10, 0)
    clumps = centres + 0.01 * INPUTS
    by_block = Applicability.fit(clumps, BLOCK)
    each_its_own = Applicability.fit(clumps, np.arange(90))
    assert by_block.threshold > 10 * each_its_own.threshold


@pytest.mark.parametrize("count", [1, 6])
def test_in_a_single_block_places_are_inside_as_far_as_its_own_are_apart(count: int) -> None:
    area = Applicability.fit(INPUTS[:count], np.zeros(count, np.int64))
    assert area.threshold == 1 and area.inside(INPUTS[:count]).all()
    assert not area.inside(INPUTS[:count] + 20).any()


def test_many_places_are_stood_for_by_some_the_same_for_the_same_seed() -> None:
    many = torch.from_numpy(DRAW.normal(0, 1, (1500, 2)).astype(np.float32))
    area = Applicability.fit(many, np.arange(1500) // 100)
    assert len(area.references) == 1024
    assert torch.equal(area.references, Applicability.fit(many, np.arange(1500) // 100).references)
    assert area.inside(many).mean() > 0.9
