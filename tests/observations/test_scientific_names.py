"""What a scientific name means, however it is written."""

import csv
import gzip

import pytest

from birdsat.observations import scientific_names as names
from birdsat.observations.scientific_names import find_name, is_doubt, parse_name


@pytest.mark.parametrize(
    ("written", "species"),
    [
        ("Lagopus lagopus", "Lagopus lagopus"),
        ("Lagopus lagopus (Linnaeus, 1758)", "Lagopus lagopus"),
        ("Lagopus lagopus(Linnaeus,1758)", "Lagopus lagopus"),
        ("Certhia americana Bonaparte, 1838", "Certhia americana"),
        ("Otus ireneae Ripley, 1966", "Otus ireneae"),
        ("Tinamus osgoodi de Schauensee, 1950", "Tinamus osgoodi"),
        ("Elaenia chiriquensis von Pelzeln", "Elaenia chiriquensis"),
        ("Larus fuscus van den Berg, 1900", "Larus fuscus"),
        ("Larus fuscus MacGillivray, 1842", "Larus fuscus"),
        ("Larus fuscus O'Reilly 1900", "Larus fuscus"),
        ("Larus fuscus d'Orbigny, 1838", "Larus fuscus"),
        ("Larus fuscus J.F. Gmelin, 1789", "Larus fuscus"),
        ("Larus fuscus E. L. Layard & G.R. Gray", "Larus fuscus"),
        ("Larus fuscus Quoy et Gaimard", "Larus fuscus"),
        ("Larus fuscus L.", "Larus fuscus"),
        ("Larus fuscus auct. non L.", "Larus fuscus"),
        ("Larus fuscus (Linnaeus, 1758?)", "Larus fuscus"),
        ("Psarocolius (Gymnostinops) montezuma (Lesson, 1830)", "Psarocolius montezuma"),
        ("Larus Larus fuscus", "Larus fuscus"),  # a subgenus without its brackets
        ("Corvus [corone] cornix", "Corvus cornix"),  # a superspecies
        ("Columba livia (Feral Pigeon)", "Columba livia"),
        ("Setophaga coronata [coronata Group]", "Setophaga coronata"),
        ("Anas platyrhynchos (Domestic type)", "Anas platyrhynchos"),
        ("Chlidonias hybrida", "Chlidonias hybrida"),  # which is no hybrid
        ("Charadrius o'connori", "Charadrius o'connori"),
        ("Charadrius o’connori", "Charadrius o'connori"),
        ("Chroicocephalus novae-hollandiae", "Chroicocephalus novae-hollandiae"),
        ("Chroicocephalus novae hollandiae Stephens, 1826", "Chroicocephalus novae-hollandiae"),
        ("Phœnicurus phœnicurus", "Phoenicurus phoenicurus"),
        ("Passerina cyanea (LinnÃ¦us, 1766)", "Passerina cyanea"),
        ("Larus fuscus adult male", "Larus fuscus"),
        ("Larus fuscus juv.", "Larus fuscus"),
        ("Larus fuscus ♂", "Larus fuscus"),
        ("Larus fuscus 1cy", "Larus fuscus"),
        ("Larus fuscus sensu stricto", "Larus fuscus"),
        ("  Apus   apus ", "Apus apus"),
        ("Apus\u00a0apus", "Apus apus"),
        ("Apus \u200bapus", "Apus apus"),
        ("Apus\tapus", "Apus apus"),
        ("Apus_apus", "Apus apus"),
        ("apus-apus", "Apus apus"),
        ("Apus.apus", "Apus apus"),
        ('"Apus apus"', "Apus apus"),
        ("Apus 'apus'", "Apus apus"),
        ("Parus major: 2 ind.", "Parus major"),
        ("Parus major, female", "Parus major"),
        ("<i>Apus apus</i> (Linnaeus, 1758)", "Apus apus"),
        ("†Pinguinus impennis", "Pinguinus impennis"),
        ("001. Apus apus", "Apus apus"),
        ("Species Apus apus", "Apus apus"),
        ("Parus major_Great Tit", "Parus major"),  # as BirdNET has it
        ("Parus major - Great Tit", "Parus major"),
        ("Great Tit (Parus major)", "Parus major"),
        ("larus fuscus", "Larus fuscus"),
        ("LARUS FUSCUS", "Larus fuscus"),
        ("LARUS FUSCUS LINNAEUS, 1758", "Larus fuscus"),
        ("Larus Fuscus", "Larus fuscus"),
        ("Larus Audouinii", "Larus audouinii"),
        ("COTURNIX COTURNIX", "Coturnix coturnix"),
        ("Velaria montana", "Velaria montana"),  # a genus that nobody knows
    ],
)
def test_what_is_not_of_the_species_name_is_left_out(written, species):
    found = parse_name(written)
    assert (found.species, found.full, found.dropped, found.is_scientific) == (species, species, "", True)


@pytest.mark.parametrize(
    "written",
    [
        "Junco hyemalis oreganus",
        "Junco hyemalis oreganus (Townsend, 1837)",
        "Junco hyemalis (Linnaeus, 1758) oreganus Townsend",
        "Junco hyemalis subsp. oreganus",
        "Junco hyemalis ssp. oreganus Townsend",
        "Junco hyemalis var. oreganus",
        "Junco hyemalis f. oreganus",
        "Junco hyemalis cf. oreganus",
    ],
)
def test_a_subspecies_counts_with_its_species(written):
    found = parse_name(written)
    assert (found.species, found.full, found.note) == ("Junco hyemalis", "Junco hyemalis oreganus", names.SUBSPECIES)


@pytest.mark.parametrize(
    "written",
    [
        "Setophaga coronata coronata x auduboni",
        "Setophaga coronata coronata × Setophaga coronata auduboni",
        "Setophaga coronata coronata/auduboni",
        "Setophaga coronata coronata or auduboni",
        "Setophaga coronata [coronata x auduboni]",
        "Setophaga coronata coronata × S. c. auduboni",
        "Setophaga coronata [coronata Group] x [auduboni Group]",
    ],
)
def test_what_stands_between_subspecies_is_of_their_species(written):
    found = parse_name(written)
    assert (found.species, found.note) == ("Setophaga coronata", names.WITHIN_SPECIES)


@pytest.mark.parametrize(
    "written",
    [
        *("Larus fuscus agg.", "Larus fuscus s.l.", "Larus fuscus s. l.", "Larus fuscus sensu lato"),
        *(
            "Larus fuscus group",
            "Larus fuscus complex",
            "Larus fuscus superspecies",
            "Complex Larus fuscus",
            "Larus fuscus-group",
        ),
    ],
)
def test_an_aggregate_is_counted_with_the_species_it_is_named_after(written):
    found = parse_name(written)
    assert (found.species, found.note) == ("Larus fuscus", names.AGGREGATE)
    assert parse_name("Larus fuscus", "SPECIES_AGGREGATE").note == names.AGGREGATE


@pytest.mark.parametrize(
    ("reason", "some"),
    [
        (
            names.HYBRID,
            [
                *(
                    "Anas platyrhynchos x rubripes",
                    "Anas platyrhynchos × Anas rubripes",
                    "Anas platyrhynchos X A. rubripes",
                ),
                *(
                    "Anas platyrhynchos &times; rubripes",
                    "ANAS PLATYRHYNCHOS X RUBRIPES",
                    "Anas ×brewerii",
                    "×Hybridus anas",
                ),
                *("Anas platyrhynchos hybrid", "Hybrid Anas", "Anas platyrhynchos x", "Mallard x Pintail"),
                "Acrocephalus schoenobaenus (Linnaeus, 1758) x A. scirpaceus",
                "Pterodroma [neglecta x arminjoniana] (Trindade x Kermadec)",
            ],
        ),
        (
            names.EITHER,
            [
                *("Sterna hirundo/paradisaea", "Sterna hirundo / Sterna paradisaea", "Corvus corone or cornix"),
                *(
                    "Corvus corone + cornix",
                    "Corvus corone & cornix",
                    "Corvus corone, Corvus cornix",
                    "Corvus corone vs cornix",
                ),
                *(
                    "Corvus corone, cornix",
                    "Corvus corone; C. cornix",
                    "Empidonax alnorum/traillii (Traill's Flycatcher)",
                ),
                *("Corvus corone cornix/Corvus corax", "Mallard/Mottled Duck", "LARUS CACHINNANS/MICHAHELLIS"),
            ],
        ),
        (
            names.DOUBTFUL,
            [
                *("Corvus cf. corax", "Corvus aff. corax", "Corvus nr corax", "Corvus ?corax", "Corvus corax?"),
                *("Corvus corax ?", "cf. Corvus corax", "? Corvus corax", "Corvus corax (?)", "CORVUS CF. CORAX"),
                "Corvus corax-like",
            ],
        ),
        (
            names.ABOVE_SPECIES,
            [
                *("Larus sp.", "Larus sp", "Larus spp.", "Larus spec.", "Larus species", "Larus sp.1", "Larus (sp.)"),
                *(
                    "Larus",
                    "larus",
                    "Larus indet.",
                    "Laridae",
                    "Laridae sp.",
                    "Laridae gen. sp.",
                    "Aves",
                    "Passeriformes",
                ),
                *("Setophaga Swainson, 1827", "Larus Linnaeus", "Larus L.", "Genus Larus", "Family: Laridae"),
                *(
                    "Larus de Schauensee",
                    "Larus (Larus)",
                    "Larus ad.",
                    "unidentified Larus",
                    "gull sp.",
                    "Unidentified gull",
                ),
                *("Hypocnemis [undescribed form]", "Larus sp. (small gull sp.)", "Vireo sp. nov."),
            ],
        ),
        (names.ABBREVIATED, ["L. fuscus", "Larus f. fuscus"]),
        (names.A_CODE, ["BOLD:AAC1234", "SH1234567.08FU", "gbif:2481139", "urn:lsid:marinespecies.org:taxname:1"]),
        (names.DAMAGED, ["Charadrius oâ€™connori", "Larus f\ufffdscus"]),
        (names.NO_TAXON, ["", " ", "NA", "null", "None", "unknown", "Unidentified", "n/a", "sp.", "?"]),
    ],
)
def test_what_means_no_single_species_says_why(reason, some):
    assert [(name, parse_name(name).dropped) for name in some] == [(name, reason) for name in some]
    assert {parse_name(name).species for name in some} == {None}
    assert reason in names.DROPPED


@pytest.mark.parametrize(
    "name",
    [
        *(
            "robin",
            "American Robin",
            "Northern Cardinal",
            "Great tit",
            "great tit",
            "GREAT TIT",
            "virtual-07",
            "class 7",
            "17",
        ),
        *("Black footed Albatross", "Red winged blackbird", "African jacana", "Amazilia Hummingbird", "Sula Scops Owl"),
        *("Common Eider (Adult male)", "Black-and-white Warbler", "St. Lucia Warbler", "Mallard", "no bird", "A b"),
    ],
)
def test_names_of_ones_own_are_left_as_they_are(name):
    found = parse_name(name)
    assert (found.species, found.full, found.is_scientific) == (name, name, False)


def test_the_rank_that_a_table_gives_is_believed():
    assert parse_name("Oldgenus", "GENUS").dropped == names.ABOVE_SPECIES
    assert parse_name("Oldgenus", "").species == "Oldgenus"
    assert parse_name("Larus fuscus", "genus").dropped == names.ABOVE_SPECIES  # found to be no more than of its genus
    assert parse_name("Anas platyrhynchos", "hybrid").dropped == names.HYBRID
    for rank in ("SPECIES", "SUBSPECIES", "VARIETY", "UNRANKED", "species", "rank of my own", ""):
        assert parse_name("Larus fuscus fuscus", rank).species == "Larus fuscus"


def test_the_qualifier_of_an_identification_doubts_the_species_or_only_what_is_below_it():
    assert all(map(is_doubt, ("cf.", "cf", "aff. fuscus", "?", "fuscus?", "near", "CF. FUSCUS", "probably")))
    assert not any(map(is_doubt, ("", "agg.", "s.l.", "cf. var. alba", "cf. subsp. graellsii", "sensu stricto")))


def test_letters_that_look_the_same_are_the_same():
    assert (
        parse_name("Muscicapa rüppelli").species
        == parse_name("Muscicapa ru\u0308ppelli").species
        == "Muscicapa rüppelli"
    )


def test_a_name_that_was_read_is_read_as_itself():
    for written in ("Larus fuscus (Linnaeus, 1758)", "LARUS FUSCUS", "Charadrius o’connori", "Larus novae hollandiae"):
        species = parse_name(written).species
        assert parse_name(species).species == species


def test_a_long_text_is_not_kept_and_takes_no_time():
    for text in ("a" * 10**6, "Larus fuscus " + "(" * 10**5, "Larus fuscus " + " x" * 10**5):
        kept = names._parse.cache_info().currsize
        assert len(parse_name(text).species or "") < 1000 and names._parse.cache_info().currsize == kept


def test_the_name_asked_for_is_found_as_it_is_meant():
    known = ("Passerina cyanea (Linnaeus, 1766)", "Parus major", "Great Tit", "virtual-07")
    assert find_name("Passerina cyanea", known) == known[0]
    for asked in ("parus major", "PARUS MAJOR", "Parus major L.", "Parus_major", "Parus major newtoni"):
        assert find_name(asked, known) == "Parus major"
    assert find_name("great tit", known) == "Great Tit"
    assert find_name("Larus sp.", known) is None and find_name("Parus minor", known) is None
    assert find_name("Parus major", ("Parus major L.", "Parus major Linnaeus")) is None  # which of the two?


def test_every_species_and_subspecies_of_four_checklists_is_read_as_it_is(shared_data):
    wrong = []
    for path in sorted((shared_data / "taxonomies").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                written = " ".join(row["scientific_name"].replace("\u200b", "").split())
                words = written.split()
                if row.get("avilist_taxon_rank", "species") in ("species", "subspecies") and "/" not in written:
                    found = parse_name(written)
                    if (found.species, found.full) != (" ".join(words[:2]), written) and all(
                        map(str.islower, words[1:])
                    ):
                        wrong.append((written, found))
    assert not wrong


def test_english_names_of_a_checklist_are_not_taken_for_scientific_ones(shared_data):
    with gzip.open(shared_data / "taxonomies" / "ebird_2024_taxonomy.csv.gz", "rt", encoding="utf-8") as file:
        english = {row["ebird_common_name"] for row in csv.DictReader(file)}
    several = [name for name in english if " " in name]
    forms = (str, str.lower, str.upper, str.capitalize, lambda name: name.replace("-", " "))
    wrong = [form(name) for name in several for form in forms if parse_name(form(name)).is_scientific]
    assert len(several) > 10_000 and len(wrong) < 30  # such as "Sula Pitta", of the island


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Great Tit Parus major",
            "Blåmeis Parus major",
            "'Parus major'",
            "Parus%20major",
            "Parus+major",
            "parus+major",
        ),
        *("Kohlmeise Parus major major", "PARUS (PARUS) MAJOR", "PARUS (PARUS) MAJOR LINNAEUS, 1758"),
    ],
)
def test_a_name_behind_an_english_one_in_quotes_or_of_an_address_is_read(text):
    assert parse_name(text).species == "Parus major"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(("Anser anser*Branta canadensis", names.HYBRID), ("Certhia familiaris | brachydactyla", names.EITHER)),
        *(("Sylvia [curruca] complex", names.ABOVE_SPECIES), ("Larus group", names.ABOVE_SPECIES)),
        *(("Parus major (probable)", names.DOUBTFUL), ("Parus major (cf.)", names.DOUBTFUL)),
        *(("Parus (?) major", names.DOUBTFUL), ("cfr. Parus major", names.DOUBTFUL), ("sp. A", names.NO_TAXON)),
        *(("Parus major|Pica pica", names.EITHER), ("Parus major\\Pica pica", names.EITHER)),
        *(("Parus major;Pica pica", names.EITHER), ("Parus major,Pica pica", names.EITHER)),
        *(("P. m. major", names.ABBREVIATED), ("Parus m. major", names.ABBREVIATED)),
        *(("Ordo Passeriformes", names.ABOVE_SPECIES), ("Fam. Corvidae", names.ABOVE_SPECIES)),
        *(("Mystery mystery", names.NO_TAXON), ("Sonus naturalis", names.NO_TAXON)),
    ],
)
def test_what_names_no_single_species_in_rarer_ways_says_why(text, reason):
    assert (parse_name(text).species, parse_name(text).dropped) == (None, reason)


@pytest.mark.parametrize("text", ["Hutton's Vireo", "Nazca Booby", "Vireo sp. huttoni", "Great Tit Parus sp."])
def test_an_english_name_is_not_taken_apart(text):
    assert parse_name(text).species != "Vireo huttoni" and parse_name(text).species != "Parus major"


def test_a_blank_name_of_a_rank_above_species_is_above_it():
    assert parse_name("", "CLASS").dropped == names.ABOVE_SPECIES
    assert parse_name("", "SPECIES").dropped == names.NO_TAXON
