"""Common names in the language of whoever looks."""

from pathlib import Path

import pytest
from made_explorer import Opened
from tiny_world import TinyWorld

from birdsat.errors import BirdsatError
from birdsat.explorer.common_names import CommonNames

LIST = "scientific_name,english_name,german_name,portuguese_(brazilian)_name\nTurdus merula,Common Blackbird,Amsel,\n"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "birds.csv"
    path.write_text(LIST)
    return path


def test_names_come_in_the_language_that_is_asked_for_and_else_as_the_model_learned_them(listed: Path) -> None:
    names = CommonNames(str(listed))
    taxa, own = ("Turdus merula", "Pica pica"), {"Turdus merula": "Merle noir", "Pica pica": "Pie bavarde"}
    assert names.of(taxa, own, "de-AT") == {"Turdus merula": "Amsel", "Pica pica": "Pie bavarde"}
    assert names.of(taxa, own, "en-GB")["Turdus merula"] == "Common Blackbird"
    for language in ("fr", "", "xx", "<script>", "zh-Hant-TW", "pt-BR"):  # which the list has not
        assert names.of(taxa, own, language) == own
    assert names.of(taxa, {}, "fr") == {"Turdus merula": "Common Blackbird"}


def test_a_model_without_any_has_english_ones_and_one_with_its_own_keeps_them() -> None:
    names = CommonNames(None)
    found = names.of(("Turdus merula", "Fictavis borealis"), {}, "de")
    assert found.keys() == {"Turdus merula"} and "Blackbird" in found["Turdus merula"]
    assert names.of(("Turdus merula",), {"Turdus merula": "Amsel"}, "en") == {"Turdus merula": "Amsel"}


def test_a_list_that_is_not_there_is_said_at_the_start() -> None:
    with pytest.raises(BirdsatError, match="absent"):
        CommonNames("nowhere/birds.csv")


def test_taxa_maps_and_places_are_told_in_the_language_of_the_browser(
    opened: Opened, tiny_world: TinyWorld, tmp_path: Path
) -> None:
    client = opened()
    base = f"/v1/models/{client.get('/v1/models').json()[0]['id']}"
    taxon = client.get(f"{base}/taxa").json()[0]["taxon"]
    path = tmp_path / "birds.csv"
    path.write_text(f"scientific_name,english_name,german_name\n{taxon},Small Bird,Kleiner Vogel\n")
    client = opened(taxonomy=str(path))
    asked = {"language": "de-DE"}
    (row,) = client.get(f"{base}/taxa", params={**asked, "q": "kleiner"}).json()
    assert row["taxon"] == taxon and row["common_name"] == "Kleiner Vogel"
    key = row["key"]
    assert client.get(f"{base}/maps/{key}", params=asked).json()["common_name"] == "Kleiner Vogel"
    assert client.get(f"{base}/maps/{key}", params={"language": "en"}).json()["common_name"] == "Small Bird"
    cell = client.get(f"{base}/records/{key}").json()
    place = {"lon": cell["lon"][0], "lat": cell["lat"][0]}
    found = client.get(f"{base}/place", params={**place, **asked}).json()["taxa"]
    assert "Kleiner Vogel" in [one["common_name"] for one in found]
    assert "Kleiner Vogel" in client.get(f"{base}/place.csv", params={**place, **asked}).text
    assert client.get(f"{base}/taxa", params={"language": "x" * 99}).status_code == 422
