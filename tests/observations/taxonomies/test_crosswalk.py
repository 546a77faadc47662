"""What names of one list, or of any table, mean in another list."""

import time
from pathlib import Path

import pytest

from birdsat.errors import InputError, UnknownTaxonError
from birdsat.observations.taxonomies.changes import compare, count_kinds, kind_of_change
from birdsat.observations.taxonomies.checklist import Checklist, ListedTaxon, Rank
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomies.ebird_codes import code_of_name, code_stem
from birdsat.observations.taxonomies.open_checklist import open_checklist
from birdsat.observations.taxonomies.spelling import folded, gender_stem, is_one_letter_off

GULLS, HAWKS, WRENS = "Laridae", "Accipitridae", "Troglodytidae"


def taxon(
    name: str, common: str = "", *ids: str, family: str = "", rank: Rank = "species", species: str = ""
) -> ListedTaxon:
    return ListedTaxon(
        name=name,
        species=species or " ".join(name.split()[:2]),
        rank=rank,
        ids=ids,
        common_names=(("en", common),) if common else (),
        family=family,
    )


def part(name: str, *ids: str, species: str = "") -> ListedTaxon:
    return taxon(name, "", *ids, rank="subspecies", species=species)


def checklist(name: str, *taxa: ListedTaxon) -> Checklist:
    return Checklist(taxa, authority=name, version="1")


OLD = checklist(
    "old",
    taxon("Larus argentatus", "Herring Gull", "ebird:hergul", family=GULLS),
    taxon("Accipiter gentilis", "Northern Goshawk", "ebird:norgos", family=HAWKS),
    taxon("Accipiter cooperii", "Cooper's Hawk", "ebird:coohaw", family=HAWKS),
    taxon("Troglodytes aedon", "House Wren", "ebird:houwre", family=WRENS),
    taxon("Acanthis flammea", "Common Redpoll", "ebird:comred"),
    taxon("Acanthis hornemanni", "Hoary Redpoll", "ebird:hoared"),
    taxon("Anthus lutescens", "Yellowish Pipit", "ebird:yelpip"),
    taxon("Strigops habroptila", "Kakapo"),
    taxon("Corvus corax", "Common Raven", "ebird:comrav"),
    taxon("Dodo dodo", "Dodo"),
)
NEW = checklist(
    "new",
    taxon("Larus argentatus", "European Herring Gull", "ebird:euhgul1", family=GULLS),
    taxon("Larus smithsonianus", "American Herring Gull", "ebird:amhgul1", family=GULLS),
    taxon("Astur gentilis", "Eurasian Goshawk", "ebird:eurgos1", family=HAWKS),
    taxon("Astur atricapillus", "American Goshawk", "ebird:norgos", family=HAWKS),
    taxon("Astur cooperii", "Cooper's Hawk", "ebird:coohaw", family=HAWKS),
    taxon("Troglodytes aedon", "Northern House Wren", "ebird:houwre", family=WRENS),
    taxon("Troglodytes musculus", "Southern House Wren", "ebird:houwre4", family=WRENS),
    taxon("Troglodytes beani", "Cozumel Wren", "ebird:houwre3", family=WRENS),
    taxon("Acanthis flammea", "Redpoll", "ebird:redpol1"),
    part("Acanthis flammea hornemanni"),
    part("Acanthis flammea exilipes"),
    taxon("Anthus chii", "Yellowish Pipit", "ebird:yelpip"),
    taxon("Strigops habroptilus", "Kakapo"),
    taxon("Corvus corax", "Common Raven", "ebird:comrav"),
    part("Corvus corax varius", "avibase:1A2B3C4D"),
    taxon("Zosterops novus", "New White-eye", "ebird:newwhe1"),
)


def test_every_kind_of_change_between_two_lists_is_found_with_its_evidence() -> None:
    changes = compare(OLD, NEW)
    found = {name: (match.kind, match.new.name if match.new else None) for name, match in changes.matches.items()}
    assert found == {
        "Larus argentatus": ("split", None),
        "Accipiter gentilis": ("split", None),
        "Accipiter cooperii": ("genus", "Astur cooperii"),
        "Troglodytes aedon": ("split", None),
        "Acanthis flammea": ("same", "Acanthis flammea"),
        "Acanthis hornemanni": ("lump", "Acanthis flammea"),
        "Anthus lutescens": ("epithet", "Anthus chii"),
        "Strigops habroptila": ("spelling", "Strigops habroptilus"),
        "Corvus corax": ("same", "Corvus corax"),
        "Dodo dodo": ("unknown", None),
    }
    assert changes.matches["Larus argentatus"].candidates == ("Larus argentatus", "Larus smithsonianus")
    assert changes.matches["Accipiter gentilis"].candidates == ("Astur atricapillus", "Astur gentilis")
    assert changes.matches["Troglodytes aedon"].candidates == (
        "Troglodytes aedon",
        "Troglodytes musculus",
        "Troglodytes beani",
    )
    assert changes.matches["Acanthis hornemanni"].evidence == "subspecies"
    assert changes.matches["Strigops habroptila"].evidence == "gender ending"
    assert changes.added == ("Zosterops novus",)
    assert sum(count_kinds(changes.matches.values()).values()) == len(OLD.species)


def test_a_list_between_two_tells_of_what_a_species_is_a_part() -> None:
    new = checklist("new", taxon("Acanthis flammea", "Redpoll"))
    bridge = checklist("between", taxon("Acanthis flammea", "Redpoll"), part("Acanthis flammea hornemanni"))
    assert compare(OLD, new).matches["Acanthis hornemanni"].kind == "unknown"
    match = compare(OLD, new, through=[bridge]).matches["Acanthis hornemanni"]
    assert match.new is not None and match.new.name == "Acanthis flammea"
    assert (match.kind, match.evidence) == ("lump", "subspecies in between 1")


def test_the_subspecies_of_the_old_list_tell_the_parts_of_a_split_and_go_to_them_by_themselves() -> None:
    old = checklist(
        "old",
        taxon("Larus argentatus", "Herring Gull"),
        part("Larus argentatus argentatus"),
        part("Larus argentatus smithsonianus"),
        part("Larus argentatus vegae", "avibase:00000001"),
        part("Larus argentatus obscurus"),
    )
    new = checklist(
        "new",
        taxon("Larus argentatus", "Herring Gull"),
        taxon("Larus smithsonianus", "Smith's Gull"),
        taxon("Larus vegae", "Vega Gull", "avibase:00000001"),
    )
    matches = compare(old, new).matches
    assert matches["Larus argentatus"].candidates == ("Larus argentatus", "Larus smithsonianus", "Larus vegae")
    found = {name: match.new.name if match.new else None for name, match in matches.items()}
    assert found == {
        "Larus argentatus": None,
        "Larus argentatus argentatus": "Larus argentatus",
        "Larus argentatus smithsonianus": "Larus smithsonianus",
        "Larus argentatus vegae": "Larus vegae",
        "Larus argentatus obscurus": None,  # nobody knows of which it is a part
    }


def test_another_bird_that_was_given_the_common_name_does_not_split_one() -> None:
    old = checklist("old", taxon("Zapornia astrictocarpus", "St. Helena Rail", "ebird:a1"))
    new = checklist(
        "new",
        taxon("Zapornia astrictocarpus", "St. Helena Crake", "ebird:a1"),
        taxon("Aphanocrex podarces", "St. Helena Rail", "ebird:b1"),
    )
    assert compare(old, new).matches["Zapornia astrictocarpus"].kind == "same"


def test_a_mapping_given_is_believed_before_all_else() -> None:
    match = compare(OLD, NEW, mapping={"Corvus corax": "Anthus chii"}).matches["Corvus corax"]
    assert match.new is not None and (match.new.name, match.evidence) == ("Anthus chii", "mapping given")
    with pytest.raises(InputError, match=r"leads from 'Corvus corax' to 'Corvus corx'.*nearest: 'Corvus corax'"):
        Crosswalk(NEW, mapping={"Corvus corax": "Corvus corx"})


@pytest.mark.parametrize(
    ("written", "species", "kind"),
    [
        ("Astur cooperii", "Astur cooperii", "same"),
        ("Accipiter cooperii (Bonaparte, 1828)", "Astur cooperii", "genus"),
        ("Cooper's hawk", "Astur cooperii", "same"),
        ("Coopers Hawk", "Astur cooperii", "same"),
        ("Strigops habroptila", "Strigops habroptilus", "spelling"),
        ("Corvus coraxx", "Corvus corax", "spelling"),
        ("Acanthis hornemanni exilipes", "Acanthis flammea", "lump"),
        ("Acanthis hornemanni", "Acanthis flammea", "lump"),
        ("Larus argentatus smithsonianus", "Larus smithsonianus", "split"),
        ("Larus argentatus argentatus", "Larus argentatus", "same"),
        ("Larus sp.", None, "not one species"),
        ("Larus argentatus x fuscus", None, "not one species"),
        ("", None, "not one species"),
        ("Dodo dodo", None, "unknown"),
    ],
)
def test_a_name_of_any_table_is_understood(written: str, species: str | None, kind: str) -> None:
    match = Crosswalk(NEW).match(written)
    assert (match.new.name if match.new else None, match.kind) == (species, kind)


def test_an_id_tells_where_the_name_does_not() -> None:
    match = Crosswalk(NEW).match("a raven of ours", ids=["avibase:1A2B3C4D"])
    assert match.new is not None and (match.new.name, match.evidence) == ("Corvus corax", "id avibase:1A2B3C4D")


def test_names_that_follow_a_list_mean_what_they_meant_there() -> None:
    crosswalk = Crosswalk(NEW, follows=OLD)
    assert crosswalk.match("Troglodytes aedon").candidates[1:] == ("Troglodytes musculus", "Troglodytes beani")
    assert crosswalk.match("Larus argentatus Pontoppidan, 1763").kind == "split"
    nominate = crosswalk.match("Larus argentatus argentatus")
    assert nominate.new is not None and nominate.new.name == "Larus argentatus"
    raised = crosswalk.match("Larus argentatus smithsonianus")
    assert raised.new is not None and raised.new.name == "Larus smithsonianus"
    of_new = crosswalk.match("Astur gentilis")  # a name that the list followed does not have
    assert of_new.new is not None and (of_new.new.name, of_new.kind) == ("Astur gentilis", "same")
    assert crosswalk.read_name("Larus argentatus").species == "Larus argentatus sensu old 1"
    assert crosswalk.unresolved["Larus argentatus sensu old 1"] == ("Larus argentatus", "Larus smithsonianus")
    assert crosswalk.stamp == {
        "authority": "new",
        "version": "1",
        "follows_authority": "old",
        "follows_version": "1",
    }


def test_what_is_read_is_noted_where_it_is_not_as_written() -> None:
    crosswalk = Crosswalk(NEW)
    assert crosswalk.read_name("Corvus corax").note == ""
    assert crosswalk.read_name("Accipiter cooperii").note == "named otherwise in new 1: genus"
    assert crosswalk.read_name("Dodo dodo").note == "not in new 1: kept as it is written"
    assert crosswalk.read_name("Dodo dodo").species == "Dodo dodo"
    assert crosswalk.read_name("Larus sp.").species is None
    assert crosswalk.read_name("common raven").species == "Corvus corax"


def test_a_name_asked_for_is_answered_with_the_nearest_of_both_kinds() -> None:
    crosswalk = Crosswalk(NEW)
    assert crosswalk.find("common raven") == crosswalk.find("Corvus corax") == "Corvus corax"
    with pytest.raises(UnknownTaxonError, match=r"nearest: 'Corvus corax'"):
        crosswalk.find("Corvis coraxes")
    with pytest.raises(UnknownTaxonError, match=r"nearest: 'American Goshawk \(Astur atricapillus\)', 'Eurasian"):
        crosswalk.find("Goshawk")
    with pytest.raises(UnknownTaxonError, match=r"'Northern House Wren \(Troglodytes aedon\)', 'Southern"):
        crosswalk.find("House Wren")


def test_names_are_compared_without_what_does_not_matter() -> None:
    assert folded("Eurasian Collared-Dove") == folded("eurasian collareddove") != folded("Collared Dove")
    assert folded("Grey Plover") == folded("Gray Plover") and folded("Großer Brachvogel") == "grosserbrachvogel"
    assert len({gender_stem(epithet) for epithet in ("albus", "alba", "album")}) == 1
    assert len({gender_stem(epithet) for epithet in ("niger", "nigra", "nigrum")}) == 1
    assert gender_stem("viridis") == gender_stem("viride") and gender_stem("major") == gender_stem("majus")
    assert gender_stem("major") != gender_stem("minor")
    pairs = (("citrina", "citrna"), ("merula", "merulla"), ("corone", "corona"), ("palustris", "palutsris"))
    assert all(is_one_letter_off(*pair) and is_one_letter_off(*pair[::-1]) for pair in pairs)
    assert not is_one_letter_off("alba", "alma") and not is_one_letter_off("merula", "merula")
    assert not is_one_letter_off("citrina", "citrone")
    assert kind_of_change("Parus ater", "Periparus ater") == "genus"
    assert kind_of_change("Parus ater", "Parus afer") == "epithet"  # three letters may differ by chance


def test_ebirds_codes_tell_of_what_bird_a_species_was_a_part() -> None:
    known = {
        "Common Cicadabird": "comcic",
        "Lesser Sand-Plover": "lessap",
        "Bar-bellied Cuckooshrike": "babcuc",
        "Common Hill Myna": "cohmyn",
        "Chestnut-backed Scimitar-Babbler": "chbscb",
        "Green Imperial-Pigeon": "grnimp",
        "Black-browed Triller": "bkbtri",
        "Kakapo": "",
    }
    assert {name: code_of_name(name) for name in known} == known
    assert code_stem("ebird:comcic19") == "comcic" and code_stem("avibase:00000012") == ""


def test_eleven_thousand_names_are_compared_in_seconds_and_the_changes_are_the_known_ones(shared_data: Path) -> None:
    folder = shared_data / "taxonomies"
    old, new = (open_checklist(folder / f"ebird_{year}_taxonomy.csv.gz") for year in (2021, 2024))
    avilist = open_checklist("avilist")
    start = time.perf_counter()
    changes = compare(old, new, through=[avilist])
    assert time.perf_counter() - start < 20  # 0.8 s on a quiet core
    matches = changes.matches
    known = {
        "Accipiter cooperii": "Astur cooperii",
        "Streptopelia chinensis": "Spilopelia chinensis",
        "Acanthis hornemanni": "Acanthis flammea",
        "Empidonax occidentalis": "Empidonax difficilis",
        "Hydrobates macrodactyla": "Hydrobates macrodactylus",
        "Anthus lutescens": "Anthus chii",
        "Corvus pectoralis": "Corvus torquatus",
        "Erythropitta gazellae": "Erythropitta novaehibernicae",
        "Setophaga citrina": "Setophaga citrina",
    }
    assert {name: matches[name].new.name for name in known} == known  # type: ignore[union-attr]
    splits = {
        "Larus argentatus": {"Larus argentatus", "Larus smithsonianus"},
        "Bubulcus ibis": {"Ardea ibis", "Ardea coromanda"},
        "Tyto alba": {"Tyto alba", "Tyto furcata", "Tyto javanica"},
        "Accipiter gentilis": {"Astur gentilis", "Astur atricapillus"},
        "Calonectris diomedea": {"Calonectris diomedea", "Calonectris borealis"},
        "Colaptes auratus": {"Colaptes auratus", "Colaptes mexicanoides"},
    }
    assert {name: set(matches[name].candidates) for name in splits} == splits
    assert {matches[name].kind for name in splits} == {"split"}
    everything = {one.name for one in changes.matches.values() if one.new for one in [one.new]}
    candidates = {name for match in changes.matches.values() for name in match.candidates}
    assert everything | candidates | set(changes.added) == set(new.species)  # nothing is lost
