"""The area of applicability of a taxon: what is like its own records and where it was looked for, and no more."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.observations.blocks import blocks_by_km
from birdsat.ranges import applicability as module
from birdsat.ranges.applicability import Applicability, caution, half_inputs
from birdsat.ranges.points import Cells, Points

KM = 500.0
DRAW = np.random.default_rng(0)
GRID = np.stack(np.meshgrid(np.arange(-60.5, 60, 2), np.arange(-40.5, 40, 2)), axis=-1).reshape(-1, 2)  # degrees
SPREAD = DRAW.choice(len(GRID), 120, replace=False)  # places in many blocks
COAST = np.flatnonzero((GRID[:, 0] == -60.5) & (np.abs(GRID[:, 1]) < 5))
EVEN = torch.ones(1, 4)


def inputs_of(lon_lat: NDArray[np.float64]) -> Tensor:
    """Four numbers of each place that change smoothly over the grid, so that near places are alike."""
    lon, lat = lon_lat.T / 60
    table = np.stack([2 * lon, 2 * lat, np.sin(3 * lon), np.cos(3 * lat)], axis=1)
    return torch.from_numpy(table.astype(np.float32))


INPUTS = inputs_of(GRID)


def area(*rows: NDArray[np.int64], looked: NDArray[np.int64] | None = None, weight: Tensor = EVEN) -> Applicability:
    """Of taxa with records at some rows of the grid each, whose cells are all background."""
    place = np.concatenate(rows)
    seen = np.isin(np.arange(len(GRID)), [] if looked is None else looked)
    points = Points(
        taxa=len(rows),
        presences=Cells(lon_lat=GRID[place], columns={}),
        taxon=np.repeat(np.arange(len(rows)), list(map(len, rows))),
        background=Cells(lon_lat=GRID, columns={}),
        background_looked=seen,
    )
    return Applicability.fit(points, INPUTS[place], INPUTS, weight.expand(len(rows), -1), block_km=KM)


def inside(found: Applicability, row: int = 0, inputs: Tensor = INPUTS) -> NDArray[np.bool_]:
    return found.inside(half_inputs(inputs), GRID, (row,))[0]


@pytest.mark.parametrize("rows", [[0], [0, len(GRID) - 1], [0, 1]], ids=["one", "two far apart", "two neighbours"])
def test_one_record_or_two_leave_their_cells_alone_inside(rows: list[int]) -> None:
    assert np.flatnonzero(inside(area(np.array(rows)))).tolist() == rows


def test_records_on_one_coast_cover_what_lies_between_them_and_not_the_continent() -> None:
    found = inside(area(COAST))
    assert found[COAST].all()
    near = np.abs(GRID - GRID[COAST].mean(axis=0)).max(axis=1) < 10
    assert not found[~near].any()
    every_other = inside(area(np.flatnonzero((GRID[:, 0] == -60.5) & (np.rint(GRID[:, 1] + 40.5) % 4 == 0))))
    assert every_other[GRID[:, 0] == -60.5].mean() > 0.9 and every_other[GRID[:, 0] > -50].mean() < 0.05


def test_records_all_over_leave_nearly_all_inside_and_what_is_unlike_them_outside() -> None:
    found = area(SPREAD)
    assert inside(found).mean() > 0.95
    beyond = inside(found, inputs=INPUTS + 20)
    np.testing.assert_array_equal(np.flatnonzero(beyond), np.sort(SPREAD))  # cells with records, whatever they are like


def test_a_taxon_with_few_records_does_not_inherit_the_area_of_one_with_many() -> None:
    few = np.array([5, 2000])
    both = area(SPREAD, few, looked=np.concatenate([SPREAD, few]))
    assert inside(both, 0).mean() > 0.95
    assert np.flatnonzero(inside(both, 1)).tolist() == [5, 2000]
    np.testing.assert_array_equal(inside(area(SPREAD, few), 0), inside(area(SPREAD), 0))
    assert inside(both, both.together).mean() > 0.95  # all taxa together


def test_where_somebody_looked_is_inside_for_a_taxon_that_was_missed_there() -> None:
    west, east = SPREAD[GRID[SPREAD, 0] < -10], SPREAD[GRID[SPREAD, 0] > 10]
    far = GRID[:, 0] > 30
    assert inside(area(west))[far].mean() < 0.1
    assert inside(area(west, looked=east))[far].mean() > 0.8


def test_an_input_that_is_ignored_does_not_matter() -> None:
    found = area(SPREAD, weight=torch.tensor([[1.0, 1.0, 1.0, 0.0]]))
    changed = INPUTS + torch.tensor([0.0, 0.0, 0.0, 50.0])
    np.testing.assert_array_equal(inside(found, inputs=changed), inside(found))
    assert inside(area(SPREAD), inputs=changed).sum() == len(SPREAD)


def test_log_odds_that_are_the_same_everywhere_leave_cells_with_records_inside() -> None:
    assert inside(area(SPREAD, weight=torch.zeros(1, 4))).sum() == len(SPREAD)


def test_a_taxon_without_records_has_no_area() -> None:
    nothing = np.empty(0, np.int64)
    assert not inside(area(nothing, SPREAD, looked=SPREAD), 0).any()
    none_at_all = area(nothing, looked=SPREAD)
    assert not inside(none_at_all).any() and not inside(none_at_all, none_at_all.together).any()


@pytest.mark.parametrize("looked", [None, np.arange(0, len(GRID), 30)], ids=["own records", "and where was looked"])
def test_the_area_equals_a_slow_reference(looked: NDArray[np.int64] | None) -> None:
    weight = torch.tensor([[0.5, 1.5, 0.1, 1.0]])
    found = area(SPREAD, looked=looked, weight=weight)
    rows = np.unique(SPREAD if looked is None else np.concatenate([SPREAD, looked]))
    table = half_inputs(INPUTS).double().numpy() * weight.numpy()

    def apart(some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.linalg.norm(table[some][:, None] - table[others][None], axis=2)

    block = blocks_by_km(GRID, KM)
    across = np.where(block[rows][:, None] == block[rows][None], np.inf, apart(rows, rows)).min(axis=1)
    low, high = np.quantile(across, (0.25, 0.75))
    radius = min(across.max(), high + 1.5 * (high - low)) * caution(len(np.unique(block[SPREAD])))
    within = apart(SPREAD, SPREAD) + np.diag(np.full(len(SPREAD), np.inf))
    radius = max(radius, np.median(within.min(axis=1)) * caution(len(SPREAD)))
    assert float(found.radius[0]) == pytest.approx(radius, rel=1e-3)
    nearest = apart(np.arange(len(GRID)), rows).min(axis=1)
    unsure = np.abs(nearest - radius) < 1e-3
    expected = (nearest <= radius) | np.isin(np.arange(len(GRID)), SPREAD)
    np.testing.assert_array_equal(inside(found)[~unsure], expected[~unsure])
    assert unsure.mean() < 0.1 and 0.2 < expected.mean() < 1


def test_caution_leaves_nothing_of_two_half_of_seven_and_most_of_thirty() -> None:
    assert [caution(count) for count in (0, 1, 2, 7)] == [0, 0, 0, 0.5]
    assert 0.8 < caution(30) < caution(300) < 1


def test_neighbours_in_one_block_do_not_make_the_area_small() -> None:
    """Places come in tight clumps, a block each: a clump's own spread says nothing of other places."""
    clumps = np.concatenate([GRID[SPREAD[:30]] + step * 0.01 for step in range(5)])
    points = Points(
        taxa=1,
        presences=Cells(lon_lat=clumps, columns={}),
        taxon=np.zeros(len(clumps), np.int64),
        background=Cells(lon_lat=GRID, columns={}),
    )
    wide, narrow = (
        Applicability.fit(points, inputs_of(clumps), INPUTS, EVEN, block_km=km).radius[0] for km in (KM, 0.1)
    )
    assert wide > 10 * narrow


def test_many_places_are_stood_for_by_some_the_same_for_the_same_seed_and_none_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = area(SPREAD)
    monkeypatch.setattr(module, "_MOST_RECORDED", 40)
    some = area(SPREAD)
    assert len(some.reference) == 2 * 40 and len(some.places) < len(whole.places)  # of the taxon, and of all together
    again = area(SPREAD).tensors()
    assert all(torch.equal(one, again[name]) for name, one in some.tensors().items())
    assert inside(some)[SPREAD].all() and np.mean(inside(some) == inside(whole)) > 0.9


@pytest.mark.parametrize("seed", range(8))
def test_records_that_crowd_in_one_block_do_not_hide_those_of_others(seed: int) -> None:
    """Else no reference would have one of another block, and the radius be without end."""
    crowd = 1000
    lon_lat = np.random.default_rng(seed).uniform((10, 20), (12, 22), (crowd, 2))
    lon_lat = np.concatenate([lon_lat, [[20, 40], [30, 5], [-5, 30]], GRID])
    points = Points(
        taxa=1,
        presences=Cells(lon_lat=lon_lat[: crowd + 3], columns={}),
        taxon=np.zeros(crowd + 3, np.int64),
        background=Cells(lon_lat=GRID, columns={}),
    )
    inputs = inputs_of(lon_lat)
    found = Applicability.fit(points, inputs[: crowd + 3], INPUTS, EVEN, block_km=KM, seed=seed)
    assert found.radius.isfinite().all() and not inside(found, inputs=INPUTS + 20).any()
    assert Applicability.of_tensors(found.tensors(), taxa=1, inputs=4).radius.equal(found.radius)


def test_a_place_with_records_of_many_taxa_or_months_is_kept_once() -> None:
    one = area(SPREAD, SPREAD, np.concatenate([SPREAD, SPREAD]), looked=SPREAD)
    assert len(one.places) == len(SPREAD) and len(one.recorded) == 4 * len(SPREAD)
    assert torch.equal(one.radius[:1].expand(4), one.radius)


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_cells_may_come_in_any_parts_and_taxa_in_any_order(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = area(SPREAD, COAST)
    whole = found.inside(half_inputs(INPUTS), GRID, (0, 1))
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", at_once)
    some = slice(100, 400)
    np.testing.assert_array_equal(found.inside(half_inputs(INPUTS[some]), GRID[some], (1, 0)), whole[::-1, some])
    assert found.inside(half_inputs(INPUTS), GRID, ()).shape == (0, len(GRID))


def test_half_of_the_digits_change_few_cells() -> None:
    found = area(SPREAD)
    exact = found.inside(INPUTS, GRID, (0,))[0]
    assert np.mean(exact != inside(found)) < 0.005
    assert half_inputs(torch.tensor([[1e30, -1e30]])).isfinite().all()


def test_cells_with_records_are_known_in_any_grid_that_has_them() -> None:
    found = area(np.array([3]))
    beyond = half_inputs(INPUTS[:1] + 9)
    around = GRID[3:4] + np.array([360.0, 1e-9])
    assert found.inside(beyond, around, (0,)).all() and not found.inside(beyond, GRID[3:4] + 0.01, (0,)).any()


def damaged(found: Applicability) -> dict[str, dict[str, Tensor]]:
    """Tensors that do not fit the others, by what is wrong."""
    return {
        "of other inputs": {"places": found.places[:, 1:]},
        "of another kind": {"places": found.places.float()},
        "not finite": {"radius": torch.full_like(found.radius, torch.nan)},
        "beyond its places": {"reference": found.reference + len(found.places)},
        "before its places": {"looked": found.looked - 1000},
        "of other taxa": {"weight": found.weight[1:]},
        "cut short": {"recorded": found.recorded[:-1]},
        "falling": {"first_reference": found.first_reference.flip(0)},
    }


DAMAGED = list(damaged(area(SPREAD, COAST, looked=SPREAD)))


@pytest.mark.parametrize("what", DAMAGED)
def test_tensors_that_do_not_fit_are_refused(what: str) -> None:
    found = area(SPREAD, COAST, looked=SPREAD)
    read = Applicability.of_tensors(found.tensors(), taxa=2, inputs=4)
    np.testing.assert_array_equal(inside(read, 1), inside(found, 1))
    with pytest.raises(ValueError, match="area of applicability"):
        Applicability.of_tensors(found.tensors() | damaged(found)[what], taxa=2, inputs=4)


def test_background_taken_in_part_keeps_what_is_known_of_it() -> None:
    cells = Cells(lon_lat=GRID[:3], columns={})
    points = Points(taxa=1, presences=cells, taxon=np.zeros(3, np.int64), background=cells)
    assert not points.background_looked.any()
    points = replace(points, background_looked=np.array([True, False, True]))
    assert points.with_background(np.array([False, True, True])).background_looked.tolist() == [False, True]
