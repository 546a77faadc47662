"""Surveys on the cells of a grid: thinned, and what is not used is said."""

import datetime

import numpy as np
from recorded import RecordedProgress

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.survey_records import SurveyRecords
from birdsat.ranges.survey_points import survey_rows, thin_surveys

GRID = Grid(Box(0, 0, 10, 10), 1)
Row = tuple[str, float, float, str]


def _columns(rows: list[Row]) -> dict[str, object]:
    taxa = tuple(sorted({row[0] for row in rows}))
    return {
        "taxa": taxa,
        "label": np.array([taxa.index(row[0]) for row in rows], np.int32),
        "lon_lat": np.array([row[1:3] for row in rows], np.float64).reshape(-1, 2),
        "day": np.array([datetime.date.fromisoformat(r[3]).toordinal() if r[3] else 0 for r in rows], np.int32),
    }


def surveys(found: list[Row], absent: list[Row]) -> SurveyRecords:
    return SurveyRecords(**_columns(found + absent), present=np.repeat([True, False], [len(found), len(absent)]))  # type: ignore[arg-type]


def records(*rows: Row) -> Occurrences:
    return Occurrences(**_columns(list(rows)))  # type: ignore[arg-type]


def kept(found: list[Row], absent: list[Row], everything: Occurrences) -> list[tuple[float, bool]]:
    thin = thin_surveys(surveys(found, absent), everything, GRID)
    return sorted(zip(thin.lon_lat[:, 0].tolist(), thin.present.tolist(), strict=True))


def test_one_row_of_a_taxon_cell_and_month_is_left_and_a_presence_wins() -> None:
    a = records(("A a", 1.1, 1, "2020-05-01"))
    found: list[Row] = [("A a", 1.1, 1, "2020-05-01")]
    absent: list[Row] = [
        ("A a", 1.2, 1, "2020-05-30"),  # the cell and month of the presence
        ("A a", 1.3, 1, "2020-06-01"),
        ("A a", 1.4, 1, "2020-06-02"),  # again
        ("A a", 2.5, 1, "2020-05-01"),
    ]
    assert kept(found, absent, a) == [(1.1, True), (1.3, False), (2.5, False)]


def test_a_presence_of_any_table_wins_and_one_without_a_date_over_all_months() -> None:
    absent: list[Row] = [("A a", 1.2, 1, "2020-05-30"), ("A a", 2.2, 1, "2020-05-30"), ("A a", 3.2, 1, "")]
    assert kept([], absent, records(("A a", 1.1, 1, ""))) == [(2.2, False), (3.2, False)]
    assert kept([], absent, records(("A a", 2.9, 1, "2019-05-01"))) == [(1.2, False), (3.2, False)]
    assert kept([], absent, records(("A a", 2.9, 1, "2019-06-01"))) == [(1.2, False), (2.2, False), (3.2, False)]
    assert kept([], absent, records(("A a", 3.9, 1, "2019-06-01"))) == [(1.2, False), (2.2, False)]  # of any month
    assert kept([], absent, records(("B b", 1.2, 1, ""))) == [(1.2, False), (2.2, False), (3.2, False)]


def test_rows_of_one_cell_and_day_are_one_visit() -> None:
    rows = survey_rows(
        surveys(
            [("A a", 1.1, 1, "2020-07-01"), ("B b", 1.1, 1, "2020-07-01")],
            [("A a", 5.1, 1, "2020-07-01"), ("B b", 5.4, 1, "2020-07-01")],
        ),
        ("B b", "A a"),
        GRID,
    )
    assert rows is not None and len(rows.visits) == 2 and rows.visits.lon_lat[:, 0].tolist() == [1.5, 5.5]
    assert rows.absences(2) == (1, 1) and np.allclose(rows.year_fraction, 0.5, atol=0.01)
    told = sorted(zip(rows.taxon.tolist(), rows.visit.tolist(), rows.present.tolist(), strict=True))
    assert told == [(0, 0, True), (0, 1, False), (1, 0, True), (1, 1, False)]
    some = rows.at(np.array([False, True]))
    assert len(some.visits) == 1 and some.visit.tolist() == [0, 0] and not some.present.any()


def test_an_absence_where_the_taxon_was_found_is_told_from_one_that_is_said_again() -> None:
    found: list[Row] = [("A a", 1.1, 1, "2020-05-01")]
    absent: list[Row] = [("A a", 1.2, 1, "2020-05-30"), ("A a", 1.3, 1, "2020-05-30")]
    absent += [("A a", 5.1, 1, "2020-05-01"), ("A a", 5.2, 1, "2020-05-02"), ("A a", 5.3, 1, "2020-05-03")]
    absent += [("A a", 7.1, 1, "2020-05-01"), ("A a", 7.2, 1, "2020-05-02")]
    progress = RecordedProgress()
    thin_surveys(surveys(found, absent), records(*found, ("A a", 7.5, 1, "")), GRID, progress)
    assert progress.notes == [
        "2 absences dropped: another of the same taxon in the same cell and month; 4: the taxon was recorded there."
    ]
