"""Visits told by records: what counts as one, and how much many of them count."""

import datetime

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.survey_records import SurveyRecords
from birdsat.observations.visits import visited_cells

GRID = Grid(Box(0, 0, 4, 1), 1)  # four cells in a row


def recorded(*rows: tuple[str, float, str], surveys: SurveyRecords | None = None) -> Occurrences:
    taxa = tuple(sorted({taxon for taxon, *_ in rows}))
    return Occurrences(
        taxa=taxa,
        label=np.array([taxa.index(taxon) for taxon, *_ in rows], np.int32),
        lon_lat=np.array([(lon, 0.5) for _, lon, _ in rows]),
        day=np.array([day_number(day) for *_, day in rows], np.int32),
        surveys=surveys,
    )


def day_number(day: str) -> int:
    return datetime.date.fromisoformat(day).toordinal() if day else 0


def test_a_cell_with_many_taxa_is_not_visited_more_for_it() -> None:
    rich = [(taxon, 0.5, f"2020-0{month}-01") for month in (5, 6) for taxon in "abcdef"]
    poor = [("a", 1.5, f"2020-0{month}-01") for month in (5, 6)]
    visited = visited_cells(recorded(*rich, *poor), GRID)
    assert visited.cells.tolist() == [0, 1]
    assert visited.weight[0] == visited.weight[1]


def test_a_visit_is_a_day_in_a_cell_and_without_a_day_a_place() -> None:
    one_day = [("a", 0.1 + 0.1 * i, "2020-05-01") for i in range(5)]
    places = [("a", 1.1 + 0.1 * (i % 3), "") for i in range(6)]
    months = [("a", 2.5, f"{year}-0{month}-01") for year, month in ((2020, 5), (2020, 6), (2021, 7))]
    visited = visited_cells(recorded(*one_day, *places, *months), GRID)
    # Of the three visits of the second cell each recorded the taxon: two in a cell and month count as one.
    assert visited.detection == 1
    assert visited.weight == pytest.approx([1, 1, 3], rel=1e-6)


def test_many_visits_in_a_month_count_as_the_records_that_they_leave() -> None:
    random = np.random.default_rng(0)
    visits, found = np.array([1, 3, 30, 300]), 0.2
    rows = []
    for month in range(1, 13):
        for cell, count in enumerate(visits):
            for number in range(count):
                day = f"{1700 + number}-{month:02d}-01"
                rows += [(taxon, cell + 0.5, day) for taxon in "abcdefghij" if random.random() < found]
    visited = visited_cells(recorded(*rows), GRID)
    # Visits that found nothing left no record, so that the others seem to find more.
    assert visited.detection == pytest.approx(found / (1 - (1 - found) ** 10), abs=0.005)
    assert visited.weight == pytest.approx(12 * (1 - (1 - found) ** visits), rel=0.15)


def test_a_survey_that_found_nothing_is_a_visit() -> None:
    nothing = SurveyRecords(
        taxa=("a",),
        label=np.zeros(2, np.int32),
        lon_lat=np.array([(1.5, 0.5), (3.5, 0.5)]),
        day=np.array([day_number("2020-05-02"), day_number("2020-05-02")], np.int32),
        present=np.zeros(2, np.bool_),
    )
    visited = visited_cells(recorded(("a", 1.5, "2020-05-01"), ("a", 0.5, "2020-05-01"), surveys=nothing), GRID)
    assert visited.cells.tolist() == [0, 1, 3]
    assert visited.detection == 0  # of the two visits of a cell one found it
    assert visited.weight.tolist() == [1, 2, 1]


def test_records_outside_the_grid_say_nothing() -> None:
    visited = visited_cells(recorded(("a", 9.5, "2020-05-01")), GRID)
    assert len(visited.cells) == len(visited.weight) == 0
