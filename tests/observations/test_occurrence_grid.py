import datetime

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import InputError
from birdsat.observations.occurrence_grid import THINNED, effort, recorded_cells, thin_to_grid
from birdsat.observations.occurrences import Occurrences

GRID = Grid(Box(170, -10, -170, 10), 5)  # 4 x 4 cells over the antimeridian


def recorded(*rows):
    """From (taxon, lon, lat, "YYYY-MM-DD" or "")."""
    rows = sorted(rows)
    taxa = tuple(sorted({row[0] for row in rows}))
    return Occurrences(
        taxa=taxa,
        label=np.array([taxa.index(row[0]) for row in rows], np.int32),
        lon_lat=np.array([row[1:3] for row in rows], np.float64).reshape(-1, 2),
        day=np.array([datetime.date.fromisoformat(r[3]).toordinal() if r[3] else 0 for r in rows], np.int32),
    )


def random_records(n=3000, seed=0):
    random = np.random.default_rng(seed)
    return Occurrences(
        taxa=("a", "b", "c"),
        label=np.sort(random.integers(0, 3, n)).astype(np.int32),
        lon_lat=np.stack([random.uniform(-180, 180, n), random.uniform(-12, 12, n)], axis=1),
        day=np.where(random.random(n) < 0.2, 0, 737425 + random.integers(0, 800, n)).astype(np.int32),
    )


def test_thinning_leaves_the_earliest_of_a_taxon_cell_and_month():
    thin = thin_to_grid(
        recorded(
            ("a", 171, 9, "2020-05-09"),
            ("a", 174, 6, "2019-05-30"),  # the same cell, the same month of another year
            ("a", 174, 6, "2020-06-01"),
            ("a", 174, 6, ""),
            ("a", 173, 6, ""),
            ("b", 171, 9, "2020-05-09"),
            ("a", 176, 9, "2020-05-09"),
            ("a", 0, 0, "2020-05-09"),
        ),
        GRID,
    )
    kept = sorted(zip(thin.label.tolist(), thin.lon_lat[:, 0].tolist(), [str(day) for day in thin.date], strict=True))
    assert kept == [
        (0, 173, "NaT"),
        (0, 174, "2019-05-30"),
        (0, 174, "2020-06-01"),
        (0, 176, "2020-05-09"),
        (1, 171, "2020-05-09"),
    ]
    assert thin.dropped == {THINNED: 2, "outside the region": 1}


def test_thinned_records_are_the_distinct_cells_and_months_of_each_taxon():
    records = random_records()
    thin = thin_to_grid(records, GRID)
    cell = GRID.cells_at(*records.lon_lat.T)
    keys = {key for key in zip(records.label, cell, records.month, strict=True) if key[1] >= 0}
    got = list(zip(thin.label, GRID.cells_at(*thin.lon_lat.T), thin.month, strict=True))
    assert len(got) == len(set(got)) and set(got) == keys
    assert len(thin) + sum(thin.dropped.values()) == len(records)


def test_effort_counts_records_of_all_taxa():
    records = random_records()
    looked = effort(records, GRID)
    cell = GRID.cells_at(*records.lon_lat.T)
    every = np.arange(16)
    assert looked.weight(every).tolist() == [np.count_nonzero(cell == c) for c in every]
    assert looked.records.sum() == np.count_nonzero(cell >= 0)


def test_effort_by_month_shares_out_what_has_no_date():
    looked = effort(recorded(("a", 171, 9, "2020-05-09"), ("b", 171, 9, ""), ("b", 172, 9, "2021-05-09")), GRID)
    by_month = looked.by_month(np.array([0, 5]))
    assert by_month.shape == (12, 2)
    np.testing.assert_allclose(by_month[:, 0], [2 + 1 / 12 if month == 4 else 1 / 12 for month in range(12)])
    assert (by_month[:, 1] == 0).all()


def test_effort_without_a_record_in_the_grid_is_nought_everywhere():
    looked = effort(recorded(("a", 0, 0, "2020-05-09")), GRID)
    assert looked.weight(np.arange(3)).tolist() == [0, 0, 0]
    assert (looked.by_month(np.arange(3)) == 0).all()


def test_recorded_cells_know_the_taxa_asked_for_by_their_own_order():
    found = recorded_cells(
        recorded(("a", 171, 9, "2020-05-09"), ("b", 176, 9, ""), ("c", 171, 9, "2020-05-09")), GRID, ("b", "z", "a")
    )

    def contains(label, month, cell):
        return bool(found.contains(np.array([label]), np.array([month]), np.array([cell]))[0])

    assert contains(2, 5, 0) and not contains(2, 6, 0) and not contains(2, 5, 1)
    assert contains(0, 1, 1) and contains(0, 12, 1) and not contains(0, 1, 0)  # without a date: in every month
    assert not any(contains(1, month, cell) for month in range(1, 13) for cell in range(16))
    with pytest.raises(InputError, match="twice"):
        recorded_cells(recorded(("a", 1, 1, "")), GRID, ("a", "a"))


def test_cells_of_places_are_those_whose_centre_is_nearest():
    random = np.random.default_rng(1)
    lon, lat = random.uniform(170, 190, 500), random.uniform(-10, 10, 500)
    cells = GRID.cells_at((lon + 180) % 360 - 180, lat)
    row, column = np.divmod(cells, 4)
    assert (np.abs(GRID.lon[column] - lon) <= 2.5).all() and (np.abs(GRID.lat[row] - lat) <= 2.5).all()
    outside = GRID.cells_at(np.array([169.0, -169.0, 175, 175, np.nan]), np.array([0.0, 0, 11, -11, 0]))
    assert outside.tolist() == [-1] * 5
    world = Grid(Box(-180, -90, 180, 90), 90)
    assert world.cells_at(np.array([-180.0, 180, 179.9]), np.array([90.0, 90, -90])).tolist() == [0, 0, 7]
