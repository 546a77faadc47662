"""Places of a taxon out of a table."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.errors import InputError
from birdsat.observations.readers.columns import TableColumns
from birdsat.pictures.panel import MapPoints
from birdsat.pictures.points import check_places, read_places

BOX = Box(0, 0, 20, 20)


def table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["taxon,lon,lat,count", *rows]) + "\n")
    return path


def read_points(path: Path, taxon: str, box: Box) -> tuple[MapPoints, Counter[str]]:
    found = read_places(path, [taxon])
    return found.within(taxon, box), found.remarked


def test_a_place_is_marked_once_with_the_mean_of_its_counts(tmp_path: Path) -> None:
    rows = ("A b,1,2,3", "A b,1,2,6", "A b,1,2,", "A b,5,5,", "A b,90,5,8", "C d,9,9,1")
    points, remarked = read_points(table(tmp_path / "seen.csv", *rows), "A b", BOX)
    np.testing.assert_array_equal(np.c_[points.lon, points.lat], [[1, 2], [5, 5]])
    np.testing.assert_array_equal(points.count, [4.5, 1.0])  # a place never counted is drawn as one bird
    assert points.label == "seen: 2 places" and not remarked


def test_a_table_that_counts_nothing_gives_dots(tmp_path: Path) -> None:
    points, _ = read_points(table(tmp_path / "seen.csv", "A b,1,2,"), "A b", BOX)
    assert points.count is None


def test_rows_with_a_remark_are_counted_by_reason(tmp_path: Path) -> None:
    rows = ("A b,1,2,1", ",1,2,1", ",3,4,1", "A b,1,,1")
    points, remarked = read_points(table(tmp_path / "seen.csv", *rows), "A b", BOX)
    assert len(points.lon) == 1
    assert sorted(remarked.values()) == [1, 2] and remarked["no taxon"] == 2


def test_a_table_without_a_place_of_the_taxon_in_the_box_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="widen the box"):
        read_points(table(tmp_path / "seen.csv", "A b,90,5,8"), "A b", BOX)


def test_a_table_without_the_taxon_is_refused_with_the_nearest_names(tmp_path: Path) -> None:
    found = read_places(table(tmp_path / "seen.csv", "Parus major,9,5,8"), ["Parus minor"])
    with pytest.raises(InputError, match=r"seen.csv has no place of 'Parus minor' to draw; nearest: 'Parus major'"):
        found.check("Parus minor")


@pytest.mark.parametrize(
    "asked",
    [
        "Passerina cyanea",
        "passerina cyanea",
        "Passerina cyanea (Linnaeus, 1766)",
        "Passerina_cyanea",
        "PASSERINA CYANEA",
    ],
)
def test_places_are_found_by_the_species_whatever_is_written(tmp_path: Path, asked: str) -> None:
    rows = ('"Passerina cyanea (Linnaeus, 1766)",1,2,', "passerina cyanea,3,4,", "Passerina cyanea x amoena,5,6,")
    points, remarked = read_points(table(tmp_path / "seen.csv", *rows), asked, BOX)
    np.testing.assert_array_equal(np.c_[points.lon, points.lat], [[1, 2], [3, 4]])
    assert remarked == {"not one species: hybrid": 1}


def test_several_taxa_are_read_at_once_and_each_has_its_own_places(tmp_path: Path) -> None:
    found = read_places(
        table(tmp_path / "seen.csv", "Parus major,1,1,", "Apus apus,2,2,"), ["Apus apus", "Parus major"]
    )
    assert found.within("Apus apus", BOX).lon.tolist() == [2] and found.within("Parus major", BOX).lon.tolist() == [1]


def test_a_table_is_read_by_those_of_the_columns_asked_for_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("bird,x,y\nParus major,1,2\n")
    columns = TableColumns(taxon="bird", lon="x", lat="y")
    for path in (tmp_path / "own.csv", table(tmp_path / "usual.csv", "Parus major,1,2,")):
        found = read_places(path, ["Parus major"], columns=columns)
        assert found.within("Parus major", BOX).lon.tolist() == [1]


def test_a_table_may_name_taxa_by_the_common_names_that_are_known(tmp_path: Path) -> None:
    path = table(tmp_path / "seen.csv", "great tit,1,2,", "Parus major,3,4,", "Common Swift,5,6,")
    found = read_places(path, ["Parus major"], common_names={"Parus major": "Great Tit", "Apus apus": "Common Swift"})
    assert found.within("Parus major", BOX).lon.tolist() == [1, 3]


def test_what_is_not_a_table_is_refused_before_any_row_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"seen\.csv is absent") as refused:
        check_places(tmp_path / "seen.csv")
    assert refused.value.settings == ("points",)
