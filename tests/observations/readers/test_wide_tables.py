"""Sites by taxa: a row of a site is a row for each of its taxa."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from birdsat.errors import InputError
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.columns import TableColumns
from birdsat.observations.scientific_names import ABOVE_SPECIES, EITHER, HYBRID

TEXT = """site,lon,lat,date,Parus major,Corvus_corax,effort
a,1,47,2020-05-01,3,0,12
b,2,47,2020-05-02,0,1,9
c,3,47,2020-05-03,NA,,3
d,4,47,2020-05-04,X,0.0,3
"""


def test_each_site_and_taxon_is_a_presence_an_absence_or_where_the_cell_is_empty_nothing(tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    path.write_text(TEXT)
    found = read_occurrences(path, absences=True)
    assert found.taxa == ("Corvus corax", "Parus major")
    assert found.rows == 6 and found.counts.tolist() == [1, 2] and found.month.tolist() == [5, 5, 5]
    assert found.lon_lat[:, 0].tolist() == [2, 1, 4]
    assert found.surveys is not None and found.surveys.absences == {"Corvus corax": 2, "Parus major": 1}
    without = read_occurrences(path)
    assert without.lon_lat.tolist() == found.lon_lat.tolist() and sum(without.dropped.values()) == 3


def test_columns_of_numbers_and_of_truth_values_are_read_alike(tmp_path: Path) -> None:
    numbers = {"lon": [1.0, 2.0, 3.0], "lat": [47.0] * 3, "Parus major": [2.0, 0.0, None]}
    pq.write_table(pa.table(numbers), tmp_path / "n.parquet")
    pq.write_table(pa.table({**numbers, "Parus major": [True, False, None]}), tmp_path / "b.parquet")
    for name in ("n.parquet", "b.parquet"):
        found = read_occurrences(tmp_path / name, absences=True)
        assert found.lon_lat.tolist() == [[1, 47]] and found.surveys is not None and found.rows == 2
        assert found.surveys.absences == {"Parus major": 1}


def test_a_table_with_a_column_of_taxa_or_without_any_name_is_not_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("species,lon,lat,Parus major\nCorvus corax,1,47,1\n")
    assert read_occurrences(path).taxa == ("Corvus corax",)
    path.write_text("bird,lon,lat,Parus major\nCorvus corax,1,47,1\n")
    assert read_occurrences(path, columns=TableColumns(taxon="bird")).taxa == ("Corvus corax",)
    path.write_text("site,lon,lat,trees\na,1,47,1\n")
    with pytest.raises(InputError, match="has no column for the taxon"):
        read_occurrences(path)


def test_columns_of_no_single_species_are_dropped_for_the_reason_and_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "site,lat,lon,Parus major,Larus sp.,Sterna hirundo/paradisaea,Pica.pica,Anas acuta x crecca,Total\n"
        "a,1,2,3,2,2,x,1,9\nb,3,4,NA,,1,1,,2\n"
    )
    found = read_occurrences(path)
    assert found.taxon_rows == {"Parus major": 1, "Pica pica": 2}
    assert found.dropped == {ABOVE_SPECIES: 1, EITHER: 2, HYBRID: 1} and found.rows == 7
