"""Which names a table uses, in whatever columns they are."""

from pathlib import Path

import pytest

from birdsat.errors import InputError
from birdsat.observations.taxonomies.written_names import NamesTable


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("genus,species\nParus,major\nDendrocopos,major\n", ["Parus major", "Dendrocopos major"]),
        ("Genus,specificEpithet,infraspecificEpithet\nLarus,argentatus,smithsonianus\nParus,,\n",
         ["Larus argentatus smithsonianus", "Parus"]),
        ("species,genus,scientificName\nParus major,Parus,Parus major newtoni Praz\n", ["Parus major newtoni Praz"]),
        ("Species,Genus,Epithet\nGreat Tit,Parus,major\n", ["Parus major"]),
        ("dwc:scientificName,x\nParus major,1\n", ["Parus major"]),
        ("http://rs.tdwg.org/dwc/terms/scientificName\nParus major\n", ["Parus major"]),
    ],
)  # fmt: skip
def test_names_are_found_whole_or_in_parts(tmp_path: Path, text: str, names: list[str]) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert [one.name for one in NamesTable(tmp_path / "t.csv").names()] == names


def test_a_list_without_a_row_of_column_names_is_refused_in_these_words(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Parus major\nCorvus corax\n")
    with pytest.raises(InputError, match="the first row seems to be a record"):
        NamesTable(tmp_path / "t.txt")
