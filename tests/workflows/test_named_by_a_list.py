"""One name for each bird: a list of taxa in build, records, fit, map, species and gaps."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from made_records import write_rows
from made_runs import TAXON
from small_birds import write_photos
from tiny_world import BOX, NORTH, SOUTH, small_fit

import birdsat
from birdsat.dataset.manifest import load_manifest
from birdsat.errors import ConfigError, InputError, UnknownTaxonError
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomies.open_checklist import open_checklist
from birdsat.progress import Quiet
from birdsat.ranges.load import load_ranges
from birdsat.workflows.records_on_cells import read_tables
from birdsat.workflows.requests.records import TableOptions

LIST = """scientific_name,synonyms,common_name,german_name,family,version
Corvus corax,Corax nobilis,Common Raven,Kolkrabe,Corvidae,
Pica pica,Pica caudata,Eurasian Magpie,Elster,Corvidae,
Parus major,,Great Tit,Kohlmeise,Paridae,
"""


class Listening(Quiet):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def taxonomy(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"{written(tmp_path_factory.mktemp('list') / 'garden.csv', LIST)}@7"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, region: Path, taxonomy: str) -> Path:
    """A range model fitted to records that have old names and names of both lists."""
    folder = tmp_path_factory.mktemp("named")
    places = [BOX.west + 1 + 2 * i for i in range(6)]
    rows = [
        (taxon, lon, lat, f"2020-{month:02d}-10")
        for lon in places
        for month in (1, 7)
        for taxon, lat in (
            ("Corax nobilis", NORTH),
            ("Parus major", NORTH),
            ("Parus major", SOUTH),
            ("Pica pica", SOUTH),
        )
    ]
    rows += [("Pica caudata", lon, SOUTH, "2020-03-10") for lon in places]
    small_fit(tables=write_rows(folder / "records.csv", rows), region=region, out=folder / "ranges", taxonomy=taxonomy)
    return folder / "ranges"


def test_a_range_model_has_the_names_of_the_list_and_says_which(named: Path) -> None:
    facts = load_ranges(named).facts
    assert facts.taxa == ("Corvus corax", "Parus major", "Pica pica")
    assert facts.common_names == ("Common Raven", "Great Tit", "Eurasian Magpie")
    assert facts.taxonomy == "garden 7"
    assert json.loads((named / "ranges.json").read_text())["taxonomy"] == "garden 7"


@pytest.mark.parametrize("asked", ["Corvus corax", "common raven", "Corax nobilis", "Kolkrabe"])
def test_a_map_is_asked_for_by_any_name_of_the_bird_and_says_its_common_name_and_list(
    named: Path, taxonomy: str, asked: str, tmp_path: Path
) -> None:
    result = birdsat.map(taxon=asked, ranges=named, taxonomy=taxonomy, out=tmp_path)
    assert [one.taxon for one in result.maps] == ["Corvus corax"]
    about = json.loads((tmp_path / "Corvus_corax.json").read_text())
    assert (about["taxon"], about["common_name"]) == ("Corvus corax", "Common Raven")
    assert about["sources"]["taxonomy"] == "garden 7"
    assert birdsat.open_map(tmp_path / "Corvus_corax.tif").attrs["common_name"] == "Common Raven"


def test_a_range_model_finds_its_taxa_by_their_common_names_without_the_list(named: Path, tmp_path: Path) -> None:
    result = birdsat.map(taxon="Eurasian magpie", ranges=named, out=tmp_path)
    assert [one.taxon for one in result.maps] == ["Pica pica"]
    with pytest.raises(UnknownTaxonError, match=r"nearest: .*'Eurasian Magpie \(Pica pica\)'"):
        birdsat.map(taxon="Eurasian Magpy", ranges=named, out=tmp_path)


def test_a_name_that_nobody_knows_is_answered_from_the_list(named: Path, taxonomy: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownTaxonError, match=r"3 species of garden 7.*nearest: 'Eurasian Magpie \(Pica pica\)'"):
        birdsat.map(taxon="Magpie", ranges=named, taxonomy=taxonomy, out=tmp_path)


def test_records_that_are_mapped_at_once_may_have_old_names(
    region: Path, records: Path, taxonomy: str, tmp_path: Path
) -> None:
    old = written(tmp_path / "old.csv", records.read_text().replace(TAXON, "Corax nobilis"))
    with pytest.raises(UnknownTaxonError):
        birdsat.map(taxon="Kolkrabe", occurrences=old, region=region, out=tmp_path / "maps", trust_places=True)
    result = birdsat.map(
        taxon="Kolkrabe",
        occurrences=old,
        points=old,
        region=region,
        taxonomy=taxonomy,
        language="de",
        out=tmp_path / "maps",
        trust_places=True,
    )
    assert [one.taxon for one in result.maps] == ["Corvus corax"]
    assert json.loads((tmp_path / "maps" / "Corvus_corax.json").read_text())["common_name"] == "Kolkrabe"


def test_photos_under_an_old_name_are_found_by_the_new_one(run: Path, region: Path, tmp_path: Path) -> None:
    renamed = written(tmp_path / "new.csv", f"scientific_name,synonyms,common_name\nCorax novus,{TAXON},Raven\n")
    result = birdsat.map(taxon="Raven", run=run, region=region, taxonomy=str(renamed), out=tmp_path / "maps")
    assert [one.taxon for one in result.maps] == [TAXON]  # as the run calls it
    about = json.loads((tmp_path / "maps" / "Corvus_corax.json").read_text())
    assert about["common_name"] == "Raven" and about["sources"]["taxonomy"].startswith("new sha256:")


def test_the_species_of_a_place_have_their_common_names(named: Path) -> None:
    found = birdsat.species(ranges=named, place="-149,1", month=7, min_suitability=0.0)
    assert set(found.report.common_names) == {"Common Raven", "Great Tit", "Eurasian Magpie"}
    assert "Great Tit" in birdsat.species(ranges=named, place="-149,1", min_suitability=0.0).report.common_names


def test_gaps_are_looked_for_under_the_names_of_the_list(named: Path, taxonomy: str, tmp_path: Path) -> None:
    table = write_rows(tmp_path / "records.csv", [("Corax nobilis", BOX.west + 1, NORTH, "2020-07-10")])
    listening = Listening()
    birdsat.gaps.with_progress(listening)(
        ranges=named,
        occurrences=table,
        taxa="Common Raven",
        taxonomy=taxonomy,
        out=tmp_path / "gaps.csv",
        threshold=0.01,
    )
    assert not any("never recorded" in note for note in listening.notes)


def test_what_became_of_names_is_noted(tmp_path: Path, taxonomy: str) -> None:
    table = write_rows(
        tmp_path / "records.csv",
        [(taxon, 5.0 + i, 50.0, "") for i, taxon in enumerate(("Pica pica", "Pica caudata", "Sturnus vulgaris"))],
    )
    listening = Listening()
    found = read_tables([table], TableOptions(taxonomy=taxonomy), listening)
    assert found.taxa == ("Pica pica", "Sturnus vulgaris")
    assert listening.notes == [
        "1 row: named otherwise in garden 7: epithet",
        "1 row: not in garden 7: kept as it is written",
        "1 bird has names of two authorities in the tables, brought together: Pica caudata and Pica pica.",
    ]


def test_names_of_two_authorities_in_one_table_are_said_without_a_list_too(tmp_path: Path) -> None:
    table = write_rows(
        tmp_path / "records.csv", [("Accipiter cooperii", 5.0, 50.0, ""), ("Astur cooperii", 6.0, 50.0, "")]
    )
    listening = Listening()
    found = read_tables([table], TableOptions(), listening)
    assert found.taxa == ("Accipiter cooperii", "Astur cooperii")  # nothing is changed
    assert listening.notes == [
        "1 bird has names of two authorities in the tables, taken for two: Accipiter cooperii and Astur cooperii. Give "
        "a taxonomy to bring them together."
    ]


OLD_GULLS = """scientific_name,species_code,category,common_name
Larus argentatus,hergul,species,Herring Gull
"""
NEW_GULLS = """scientific_name,species_code,category,common_name
Larus argentatus,euhgul1,species,European Herring Gull
Larus smithsonianus,amhgul1,species,American Herring Gull
"""


def gulls(folder: Path) -> Crosswalk:
    old, new = written(folder / "ebird_v2021.csv", OLD_GULLS), written(folder / "ebird_v2024.csv", NEW_GULLS)
    return Crosswalk(open_checklist(new), follows=open_checklist(old))


def test_records_of_a_bird_that_is_two_now_go_by_place_or_are_kept_apart(tmp_path: Path) -> None:
    rows = [("Larus argentatus", -74.0, 40.7, "2020-01-01"), ("Larus argentatus", 5.1, 52.1, "2020-01-02")]
    rows += [("Larus argentatus", -30.0, 50.0, "")]
    known = [("Larus argentatus smithsonianus", -74.2, 40.5, ""), ("Larus argentatus argentatus", 4.9, 52.4, "")]
    apart = "Larus argentatus sensu ebird 2021"
    alone = read_occurrences(write_rows(tmp_path / "alone.csv", rows), crosswalk=gulls(tmp_path))
    assert alone.taxa == (apart,) and len(alone) == 3
    found = read_occurrences(write_rows(tmp_path / "all.csv", rows + known), crosswalk=gulls(tmp_path))
    assert dict(zip(found.taxa, found.counts.tolist(), strict=True)) == {
        "Larus argentatus": 2,
        apart: 1,
        "Larus smithsonianus": 2,
    }
    assert found.noted["of a species that is several now: told apart by place"] == 2
    assert found.taxonomy == "ebird 2024, from ebird 2021"
    assert (sorted(map(tuple, found.of("Larus smithsonianus").lon_lat.tolist()))) == [(-74.2, 40.5), (-74.0, 40.7)]
    again = read_occurrences(
        write_rows(tmp_path / "again.csv", [(apart, -30.0, 50.0, ""), ("Larus argentatus", 5.0, 52.0, "")])
    )
    assert again.taxa == ("Larus argentatus", apart)  # what was kept apart stays apart


def test_records_in_a_stream_go_by_the_ranges_of_the_parts(tmp_path: Path) -> None:
    gulls(tmp_path)
    rows = [("Larus argentatus", -74.0, 40.7, ""), ("Larus argentatus", 5.1, 52.1, "")]
    table = write_rows(tmp_path / "records.csv", [*rows, ("Larus argentatus", 100.0, 10.0, "")])
    (tmp_path / "ranges").mkdir()
    for name, west in (("Larus_argentatus", -20), ("Larus_smithsonianus", -130)):
        box = [[west, 20], [west + 80, 20], [west + 80, 70], [west, 70], [west, 20]]
        written(tmp_path / "ranges" / f"{name}.geojson", json.dumps({"type": "Polygon", "coordinates": [box]}))
    given: dict[str, Any] = {
        "taxonomy": str(tmp_path / "ebird_v2024.csv"),
        "follows": str(tmp_path / "ebird_v2021.csv"),
        "range_folder": tmp_path / "ranges",
    }
    result = birdsat.records(tables=table, out=tmp_path / "clean.csv", **given)
    assert dict(result.taxa) == {
        "Larus argentatus": 1,
        "Larus argentatus sensu ebird 2021": 1,
        "Larus smithsonianus": 1,
    }
    assert result.noted["of a species that is several now: told apart by place"] == 2
    found = read_tables([table], TableOptions(**given))
    assert dict(zip(found.taxa, found.counts.tolist(), strict=True)) == dict(result.taxa)


def test_clean_records_are_stamped(tmp_path: Path, taxonomy: str) -> None:
    table = write_rows(tmp_path / "records.csv", [("Pica caudata", 5.0, 50.0, ""), ("Parus major", 6.0, 50.0, "")])
    result = birdsat.records(tables=table, taxonomy=taxonomy, out=tmp_path / "clean.csv", taxa="Elster")
    assert result.to_dict()["taxonomy"] == {"authority": "garden", "version": "7"}
    with (tmp_path / "clean.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["taxon"], row["common_name"], row["taxonomy"]) == ("Pica pica", "Eurasian Magpie", "garden 7")


def test_a_dataset_has_the_names_of_the_list_with_what_it_says_of_them(tmp_path: Path, taxonomy: str) -> None:
    write_photos(tmp_path / "birds", 3)
    table = written(
        tmp_path / "birds" / "birds.csv", "photo,species\n0.jpg,Pica caudata\n1.jpg,Pica pica\n2.jpg,Apus apus\n"
    )
    birdsat.build_dataset(
        out=tmp_path / "data", table=table, taxonomy=taxonomy, val_fraction=0.0, test_fraction=0.0, workers=0
    )
    manifest = load_manifest(tmp_path / "data")
    assert manifest.named_by == "garden 7"
    assert [(one.name, one.common_name, one.family) for one in manifest.taxa] == [
        ("Apus apus", "", ""),
        ("Pica pica", "Eurasian Magpie", "Corvidae"),
    ]
    assert {count.name: count.rows for count in manifest.remarked} == {
        "named otherwise in garden 7: epithet": 1,
        "not in garden 7: kept as it is written": 1,
    }
    assert "Named by garden 7." in (tmp_path / "data" / "README.md").read_text()


def test_a_collection_has_the_names_of_the_list(tmp_path: Path, taxonomy: str) -> None:
    for number, name in enumerate(("Pica caudata", "Parus major")):
        (tmp_path / "photos").mkdir(exist_ok=True)
        write_photos(tmp_path / "photos" / name, 1 + number)
    birdsat.build_dataset(
        out=tmp_path / "data",
        collection="image_folder",
        folder=tmp_path / "photos",
        taxonomy=taxonomy,
        val_fraction=0.0,
        test_fraction=0.0,
        workers=0,
    )
    assert [taxon.name for taxon in load_manifest(tmp_path / "data").taxa] == ["Parus major", "Pica pica"]


def test_what_only_a_list_makes_use_of_is_refused_without_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can be used with a taxonomy only"):
        TableOptions(follows="ebird@2021")
    with pytest.raises(InputError, match="is not known") as raised:
        read_tables([tmp_path], TableOptions(taxonomy="clements"))
    assert raised.value.settings == ("taxonomy",)
