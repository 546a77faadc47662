"""Rows that say that a taxon was looked for and not found: read as surveys, and as effort."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import InputError, UnknownTaxonError
from birdsat.observations.occurrence_grid import effort, thin
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.observations.survey_records import SurveyRecords

GBIF = "species,occurrenceStatus,individualCount,decimalLongitude,decimalLatitude,eventDate"
COUNTS = "species,lon,lat,date,count"


def table(path: Path, *rows: str, head: str = "species,lon,lat,date,presence") -> Path:
    path.write_text("\n".join((head, *rows)) + "\n")
    return path


def told(surveys: SurveyRecords | None) -> list[tuple[str, float, str, bool]]:
    """Taxon, longitude, date and whether it was found."""
    assert surveys is not None
    days = [str(datetime.date.fromordinal(day)) if day else "" for day in surveys.day.tolist()]
    taxa = [surveys.taxa[label] for label in surveys.label.tolist()]
    return sorted(zip(taxa, surveys.lon_lat[:, 0].tolist(), days, surveys.present.tolist(), strict=True))


@pytest.mark.parametrize(
    "head, rows",
    [
        (GBIF, ["Parus major,PRESENT,1,1,47,2020-05-01", "Parus major,ABSENT,,2,47,2020-05-01"]),
        (GBIF, ["Parus major,PRESENT,,1,47,2020-05-01", "Parus major,absent,1,2,47,2020-05-01"]),  # status counts
        (GBIF, ["Parus major,PRESENT,3,1,47,2020-05-01", "Parus major,PRESENT,0,2,47,2020-05-01"]),
        (COUNTS, ["Parus major,1,47,2020-05-01,X", "Parus major,2,47,2020-05-01,0"]),  # eBird's X: not counted
        ("species,lon,lat,date,presence", ["Parus major,1,47,2020-05-01,1", "Parus major,2,47,2020-05-01,0"]),
        ("species,lon,lat,date,Present", ["Parus major,1,47,2020-05-01,true", "Parus major,2,47,2020-05-01,FALSE"]),
        ("species,lon,lat,date,detected", ["Parus major,1,47,2020-05-01,1.0", "Parus major,2,47,2020-05-01,0.0"]),
    ],
)
def test_every_way_to_write_an_absence_is_one_and_never_a_presence(tmp_path: Path, head: str, rows: list[str]) -> None:
    path = table(tmp_path / "t.csv", *rows, head=head)
    without = read_occurrences(path)
    assert without.surveys is None and without.lon_lat.tolist() == [[1, 47]] and sum(without.dropped.values()) == 1
    found = read_occurrences(path, absences=True)
    assert found.lon_lat.tolist() == [[1, 47]] and found.counts.tolist() == [1] and found.dropped == {}
    assert told(found.surveys) == [
        ("Parus major", 1, "2020-05-01", True),
        ("Parus major", 2, "2020-05-01", False),
    ]
    assert found.to_dict()["absences"] == {"Parus major": 1} and "absences" not in without.to_dict()


def test_all_rows_are_accounted_for_and_presence_wins_at_one_place_and_date(tmp_path: Path) -> None:
    rows = (
        "A a,1,47,2020-05-01,1",
        "A a,1,47,2020-05-01,0",  # the opposite of the row before
        "A a,2,47,2020-05-01,0",
        "A a,2,47,2020-05-01,0",  # again
        "A a,3,47,,0",
        "A a,,,2020-05-01,0",  # no place
        "A a,1,47,2020-05-01,1",
    )
    found = read_occurrences(table(tmp_path / "t.csv", *rows), absences=True)
    assert told(found.surveys) == [
        ("A a", 1, "2020-05-01", True),
        ("A a", 2, "2020-05-01", False),
        ("A a", 3, "", False),
    ]
    assert found.surveys is not None
    assert found.rows == 7 == len(found) + 1 + found.surveys.absent_rows + sum(found.dropped.values())
    cells = [cells for row in found.table().rows if (cells := list(row))]
    assert ["a taxon looked for and not found", "4"] in cells


def test_presences_are_of_a_survey_where_their_own_table_has_absences_of_the_taxon(tmp_path: Path) -> None:
    survey = table(tmp_path / "survey.csv", "A a,1,47,2020-05-01,1", "A a,2,47,2020-05-01,0", "B b,1,47,2020-05-01,1")
    seen = table(tmp_path / "seen.csv", "A a,8,47,2020-05-01", "B b,9,47,2020-05-01", head="species,lon,lat,date")
    found = read_occurrences([survey, seen], absences=True)
    assert found.counts.tolist() == [2, 2]
    assert told(found.surveys) == [("A a", 1, "2020-05-01", True), ("A a", 2, "2020-05-01", False)]
    one, other = (read_occurrences(path, absences=True) for path in (survey, seen))
    assert told(other.joined(one).surveys) == told(one.joined(other).surveys) == told(found.surveys)
    assert told(one.joined(one).surveys) == told(found.surveys)
    assert found.only_taxa(["B b"]).surveys is not None and len(found.only_taxa(["B b"]).surveys or "") == 0


def test_a_taxon_that_was_never_found_is_refused_with_the_reason(tmp_path: Path) -> None:
    found = read_occurrences(table(tmp_path / "t.csv", "A a,1,47,,1", "B b,1,47,,0", "B b,2,47,,0"), absences=True)
    assert found.taxa == ("A a",)
    with pytest.raises(InputError, match="B b was looked for and not found in 2 places and dates, and no row"):
        found.named("b b")
    with pytest.raises(UnknownTaxonError):
        found.named("C c")
    with pytest.raises(InputError, match="2 rows say that a taxon was looked for and not found, and none that one was"):
        read_occurrences(table(tmp_path / "u.csv", "A a,1,47,,0", "B b,1,47,,0"), absences=True)


def test_a_survey_that_found_nothing_is_a_place_where_somebody_looked() -> None:
    may = datetime.date(2020, 5, 1).toordinal()
    surveys = SurveyRecords(
        taxa=("A a", "B b"),
        label=np.array([0, 0, 1, 1], np.int32),
        lon_lat=np.array([[1.5, 1.5], [3.5, 1.5], [1.5, 1.5], [3.5, 1.5]]),
        day=np.array([may] * 4, np.int32),
        present=np.array([True, False, False, False]),
    )
    found = Occurrences(
        taxa=("A a",),
        label=np.zeros(1, np.int32),
        lon_lat=np.array([[1.5, 1.5]]),
        day=np.array([may], np.int32),
        surveys=surveys,
    )
    looked = effort(found, Grid(Box(0, 0, 4, 2), 1))
    assert looked.cells.tolist() == [1, 3] and looked.records.sum(axis=1).tolist() == [1, 1]
    assert looked.by_month(np.array([3]))[:, 0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    elsewhere = thin(found, Grid(Box(0, 0, 2, 2), 1)).surveys  # where nobody came back without a taxon
    assert elsewhere is not None and len(elsewhere) == 0
