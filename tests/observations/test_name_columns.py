"""Names of a table's rows: in parts, in one of several columns, beside English ones."""

import pytest

from birdsat.observations.name_columns import are_scientific, beside_english, choose_name_column, name_of_parts
from birdsat.observations.scientific_names import NO_TAXON, own_name, parse_name


def test_names_in_parts_are_put_together():
    assert name_of_parts("major", "Parus") == "Parus major"
    assert name_of_parts("MAJOR", "Parus") == "Parus major"
    assert name_of_parts("Parus major", "Parus") == "Parus major"
    assert name_of_parts("", "Dendrocopos", "major", "pinetorum") == "Dendrocopos major pinetorum"
    assert name_of_parts("sp.", "Larus") == "Larus sp."
    assert name_of_parts("major Linnaeus, 1758", "Parus") == "Parus major Linnaeus, 1758"
    for whole in ("Parus_major", "Parus\u00a0major", "parus major", "Parus major newtoni", "great tit"):
        assert name_of_parts(whole, "Parus") == whole
    assert name_of_parts("", "Larus") == name_of_parts("Larus", "Larus") == "Larus"
    assert (name_of_parts("Great Tit", "Parus"), name_of_parts("Mallard", "Anas")) == ("Great Tit", "Mallard")
    assert name_of_parts() == ""


def test_the_column_of_scientific_names_is_chosen_among_several():
    english, latin = ["Great Tit", "Coal Tit", ""], ["Parus major", "Periparus ater", ""]
    assert choose_name_column({"Species": english, "Scientific name": latin}) == "Scientific name"
    assert choose_name_column({"species": latin, "scientificName": [f"{name} L." for name in latin]}) == "species"
    assert choose_name_column({"species": ["", ""], "scientificName": latin[:2]}) == "scientificName"
    assert choose_name_column({"species": ["class 1"], "taxon": ["class 2"]}) == "species"


def test_a_name_among_english_ones_is_not_taken_for_a_genus():
    assert not are_scientific(["Anhinga", "Great Tit", "Mallard"]) and are_scientific(["Parus major", "Larus sp.", "x"])
    assert (own_name(" Anhinga ").species, own_name("").dropped) == ("Anhinga", NO_TAXON)
    assert beside_english(parse_name("Anhinga"), "Anhinga").species == "Anhinga"
    for name in ("Larus sp.", "Laridae", "Mallard x Pintail", "Parus major"):
        assert beside_english(parse_name(name), name) == parse_name(name)


@pytest.mark.parametrize(
    ("parts", "species"),
    [
        *(
            (("P. major", "Parus"), "Parus major"),
            (("cf. major", "Parus"), None),
            (("major newtoni", "Parus"), "Parus major"),
        ),
        *(
            (("", "Parus", "NA"), None),
            (("NA", "Parus", "major"), "Parus major"),
            (("-", "Parus", "major"), "Parus major"),
        ),
        *((("", "Parus", "Parus major"), "Parus major"), (("", "Parus", "P. major"), "Parus major")),
        *((("", "Parus Linnaeus, 1758", "major"), "Parus major"), (("", "Parus", "major", "NA"), "Parus major")),
        *(
            (("", "Parus X Cyanistes", "caeruleus"), None),
            (("", "Parus", "cf. major"), None),
            (("NA", "Parus", "NA"), None),
        ),
        *(
            (("", "Anas × Aythya", "acuta"), None),
            (("", "Parus", "major/ater"), None),
            (("", "Parus", "unknown"), None),
        ),
    ],
)
def test_parts_that_are_not_told_or_more_than_parts_make_no_other_species(parts, species):
    assert parse_name(name_of_parts(*parts)).species == species
