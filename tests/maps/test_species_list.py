import csv
import json

import numpy as np
import pytest
from rich.console import Console

from birdsat.earth.place import Place
from birdsat.errors import ConfigError, InputError, PlaceError
from birdsat.maps.species_list import AtPlace, place_calendar, species_list, where

PLACE = Place(-9.5, 47.25)
TAXA = ("Apus apus", "Corvus corax", "Parus major", "Turdus merula")
COMMON = {"Apus apus": "Common Swift"}


def printed(table):
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def array(*values):
    return np.array(values, dtype=np.float32)


def at_place(suitability, outside=()):
    """Intervals of a tenth to either side; outside: labels of taxa whose area the place is not in."""
    return AtPlace(
        suitability=suitability,
        low=np.clip(suitability - np.float32(0.1), 0, 1),
        high=np.clip(suitability + np.float32(0.1), 0, 1),
        applicable=~np.isin(np.arange(len(suitability)), outside),
    )


def test_a_species_list_is_sorted_and_counts_what_it_leaves_out():
    listed = species_list(TAXA, at_place(array(0.2, 0.01, 0.9, 0.2)), PLACE, 5, common_names=COMMON)
    assert listed.taxa == ("Parus major", "Apus apus", "Turdus merula")
    assert listed.found.suitability.tolist() == pytest.approx([0.9, 0.2, 0.2])
    assert listed.common_names == ("", "Common Swift", "")
    assert (listed.left_out, listed.expected) == (1, pytest.approx(1.31))
    text = printed(listed.table())
    for said in ("47.25°N 9.5°W in May", "Common Swift", "0.90", "1.3 species expected; 1 less likely"):
        assert said in text


def test_a_species_list_as_a_file_and_a_dictionary_says_the_same(tmp_path):
    listed = species_list(TAXA, at_place(array(0.2, 0.01, 0.9, 0.3)), PLACE, 5, min_suitability=0, common_names=COMMON)
    listed.write_csv(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open() as file:
        rows = list(csv.DictReader(file))
    plain = json.loads(json.dumps(listed.to_dict()))
    assert [row["taxon"] for row in rows] == [taxon["taxon"] for taxon in plain["taxa"]] == list(listed.taxa)
    assert [float(row["relative_suitability"]) for row in rows] == pytest.approx(
        [t["relative_suitability"] for t in plain["taxa"]]
    )
    assert (plain["lon"], plain["lat"], plain["month"], plain["left_out"]) == (-9.5, 47.25, 5, 0)


def test_a_calendar_puts_first_what_is_likeliest_in_its_best_month(tmp_path):
    suitability = np.zeros((4, 12), np.float32)
    suitability[0, 4:8] = 0.8  # a summer visitor
    suitability[2] = 0.6
    suitability[3, 0] = 0.02
    found = place_calendar(TAXA, at_place(suitability), PLACE, common_names=COMMON)
    assert found.taxa == ("Apus apus", "Parus major")
    assert found.left_out == 2
    np.testing.assert_allclose(found.expected, suitability.sum(axis=0))
    text = printed(found.table())
    assert "2 less likely taxa not shown" in text and "80" in text and "Dec" in text
    found.write_csv(tmp_path / "calendar.csv")
    with (tmp_path / "calendar.csv").open() as file:
        (swift, tit) = csv.DictReader(file)
    assert (swift["common_name"], swift["apr"], swift["may"], tit["dec"]) == (
        "Common Swift",
        "0.0000",
        "0.8000",
        "0.6000",
    )
    plain = json.loads(json.dumps(found.to_dict()))
    assert len(plain["expected_species"]) == 12
    assert plain["taxa"][0]["relative_suitability"] == pytest.approx([0] * 4 + [0.8] * 4 + [0] * 4)


def test_a_place_without_imagery_is_said_to_be_unknown():
    with pytest.raises(PlaceError, match=r"47\.25°N 9\.5°W nothing is known"):
        species_list(TAXA, at_place(array(0.2, np.nan, 0.9, 0.3)), PLACE, 5)
    with pytest.raises(PlaceError, match="nothing is known"):
        place_calendar(TAXA, at_place(np.full((4, 12), np.nan, np.float32)), PLACE)


def test_wrong_months_and_shapes_and_scores_are_refused():
    good = array(0.1, 0.2, 0.3, 0.4)
    for month in (0, 13):
        with pytest.raises(ConfigError, match="allowed: 1"):
            species_list(TAXA, at_place(good), PLACE, month)
    with pytest.raises(InputError, match="4 taxa and suitabilities of 3"):
        species_list(TAXA, at_place(good[:3]), PLACE, 5)
    with pytest.raises(InputError, match="is needed"):
        place_calendar(TAXA, at_place(np.zeros((4, 11), np.float32)), PLACE)
    with pytest.raises(InputError, match="not suitabilities"):
        species_list(TAXA, at_place(good - 0.5), PLACE, 5)


def test_what_is_doubtful_of_a_list_is_said_of_it_and_of_each_taxon(tmp_path):
    at = at_place(array(0.2, 0.01, 0.9, 0.3), outside=(2,))
    listed = species_list(TAXA, at, PLACE, 5, cautions=("not calibrated",))
    plain = listed.to_dict()
    assert plain["cautions"] == ["not calibrated"]
    assert [taxon["applicable"] for taxon in plain["taxa"]] == [False, True, True]
    assert (plain["taxa"][0]["low"], plain["taxa"][0]["high"]) == pytest.approx((0.8, 1.0))
    text = printed(listed.table())
    assert "Parus major *" in text and "0.80 to 1.00" in text and "Turdus merula *" not in text
    assert "* outside the taxon's area of applicability" in " ".join(text.split())
    listed.write_csv(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open() as file:
        assert [(row["low"], row["applicable"]) for row in csv.DictReader(file)][:2] == [
            ("0.8000", "0"),
            ("0.2000", "1"),
        ]
    year = place_calendar(TAXA, at_place(np.full((4, 12), 0.5, np.float32), outside=(3,)), PLACE, cautions=("undated",))
    plain = year.to_dict()
    assert plain["cautions"] == ["undated"] and [taxon["applicable"] for taxon in plain["taxa"]] == [True] * 3 + [False]
    assert len(plain["taxa"][0]["low"]) == 12
    assert "Turdus merula *" in printed(year.table())


def test_places_are_written_with_their_hemispheres():
    assert [where(Place(0, 0)), where(Place(-1, -2)), where(Place(3.25, 4))] == ["0°N 0°E", "2°S 1°W", "4°N 3.25°E"]
