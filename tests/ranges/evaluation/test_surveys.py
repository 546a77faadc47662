from pathlib import Path

import pytest

from birdsat.errors import InputError
from birdsat.ranges.evaluation.surveys import Surveys, read_surveys

ROWS = """species,lon,lat,year,count
Corvus corax,-100,40,2000,3
Corvus corax,-100,40,2001,1
Pica hudsonia,-100,40,2001,2
Pica hudsonia,-100,40,2006,1
Pica hudsonia,-101,41,2000,0
Corvus corax,-101,41,2000,5
Corvus corax,-102,42,2006,5
Corvus corax,-102,42,2007,5
Pica hudsonia,-102,42,2007,1
"""


@pytest.fixture
def surveys(tmp_path: Path) -> Surveys:
    path = tmp_path / "surveys.csv"
    path.write_text(ROWS)
    return read_surveys(path)


def test_before_and_after_a_year_are_ranges_over_the_routes_surveyed_then(surveys: Surveys) -> None:
    early, late = surveys.ranges(last=2004), surveys.ranges(first=2005)
    assert early.species == late.species == ("Corvus corax", "Pica hudsonia")
    assert early.lon_lat.tolist() == [[-100, 40], [-101, 41]]
    assert early.presence.tolist() == [[True, True], [True, False]]
    assert late.lon_lat.tolist() == [[-100, 40], [-102, 42]]
    assert late.presence.tolist() == [[False, True], [True, True]]


def test_mean_counts_are_over_the_years_in_which_a_route_was_surveyed(surveys: Surveys) -> None:
    assert surveys.mean_counts(last=2004).tolist() == [[2, 1], [5, 0]]  # ravens 3 and 1, magpies 2, in two years
    assert surveys.mean_counts(first=2005).tolist() == [[0, 1], [5, 0.5]]
    assert len(surveys.mean_counts()) == len(surveys.ranges().lon_lat) == 3


def test_years_without_a_survey_are_refused(surveys: Surveys) -> None:
    with pytest.raises(InputError, match="no route was surveyed from 2010 to 2007; the surveys are of 2000 to 2007"):
        surveys.ranges(first=2010)


@pytest.mark.parametrize(
    "line, message",
    [
        ("Corvus corax,-100,x,2000,3", "cannot be read"),
        (",-100,40,2000,3", "a species"),
        ("a,1,1,2000,-1", "0 or more"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_by_number(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "surveys.csv"
    path.write_text(ROWS + line + "\n")
    with pytest.raises(InputError, match=f"row 10.*{message}"):
        read_surveys(path)


def test_tables_that_are_not_surveys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "surveys.csv"
    path.write_text("species,lon,lat\na,1,1\n")
    with pytest.raises(InputError, match="no column count, year"):
        read_surveys(path)
    path.write_text("species,lon,lat,year,count\na,1,1,2000,0\n")
    with pytest.raises(InputError, match="no count above 0"):
        read_surveys(path)


def test_the_breeding_bird_survey_is_read_whole(shared_data: Path) -> None:
    surveys = read_surveys(shared_data / "geo-birds" / "bbs_route_counts.parquet")
    assert (len(surveys.lon_lat), len(surveys.species)) == (435, 300)
    assert (surveys.years[0], surveys.years[-1]) == (1982, 2023)
    assert surveys.counted.sum() == 276_361
