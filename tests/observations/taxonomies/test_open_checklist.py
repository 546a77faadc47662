"""Lists of authorities, each in the layout that its authority publishes."""

import gzip
import random
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from made_workbook import write_workbook

from birdsat.errors import BirdsatError, InputError
from birdsat.observations.taxonomies.checklist import Checklist
from birdsat.observations.taxonomies.open_checklist import available_checklists, open_checklist

EBIRD = """TAXON_ORDER,CATEGORY,SPECIES_CODE,TAXON_CONCEPT_ID,PRIMARY_COM_NAME,SCI_NAME,ORDER,FAMILY,REPORT_AS
1,species,larfus,avibase-AAAAAAA1,Lesser Black-backed Gull,Larus fuscus,Charadriiformes,Laridae (Gulls),
2,issf,larfus1,avibase-AAAAAAA2,Lesser Black-backed Gull (graellsii),Larus fuscus graellsii/intermedius,C,L,larfus
3,issf,larfus2,avibase-AAAAAAA3,Lesser Black-backed Gull (Heuglin's),Larus fuscus [heuglini Group],C,L,larfus
4,slash,y001,,A/B,Larus fuscus/argentatus,C,L,
5,hybrid,x001,,A x B,Larus fuscus x argentatus,C,L,
6,spuh,gull1,,gull sp.,Larus sp.,C,L,
"""
CLEMENTS = """sort v2024,species_code,taxon_concept_id,Clements v2024 change,category,English name,\
scientific name,range,order,family,extinct,extinct year
1,ostric2,avibase-2247CB05,,species,Common Ostrich,Struthio camelus,,Struthioniformes,Struthionidae (Ostriches),,
2,ostric2a,avibase-2247CB06,,subspecies,,Struthio camelus syriacus,Formerly Syria,Struthioniformes,Struthionidae,,
3,grp1,avibase-2247CB07,,group (polytypic),Ostrich (North African),Struthio camelus camelus/syriacus,,S,S,,
"""
AVILIST = """Sequence,Taxon_rank,Order,Family,Family_English_name,Scientific_name,Authority,Bibliographic_details,\
English_name_AviList,English_name_Clements_v2024,English_name_BirdLife_v9,Proposal_number,Range,IUCN_Red_List_Category,\
Species_code_Cornell_Lab,AvibaseID
1,order,Struthioniformes,,,Struthioniformes,,,,,,,,,,
2,genus,Struthioniformes,Struthionidae,Ostriches,Struthio,Linnaeus 1758,,,,,,,,,
3,species,Struthioniformes,Struthionidae,Ostriches,Struthio camelus,"Linnaeus, 1758",,Common Ostrich,Ostrich,Ostrich,\
,Africa,LC,ostric2,avibase-2247CB05
4,subspecies,Struthioniformes,Struthionidae,Ostriches,Struthio camelus syriacus,R,,,,,,,,,avibase-1A2B3C4D
"""
BIRDLIFE = """Seq.,Order,Family name,Scientific name,Common name,Authority,"BirdLife taxonomic treatment:
R = recognised as a species;
NR = not recognised as a species",2024 IUCN Red List category,Synonyms,Alternative common names,SISRecID
1,STRUTHIONIFORMES,Struthionidae,Struthio camelus,Common Ostrich,L,R,LC,Struthio australis,Ostrich,45020636
2,STRUTHIONIFORMES,Struthionidae,Struthio spatzi,Some Ostrich,"X, 1926",NR,,,,45020637
"""
IOC_MASTER = """Order,Family (Scientific),Family (English),Genus,Species (Scientific),Subspecies,Authority,\
Species (English),Breeding Range
STRUTHIONIFORMES,,,,,,,,
,Struthionidae,Ostriches,,,,,,
,,,STRUTHIO,,,Linnaeus 1758,,
,,,,camelus,,Linnaeus 1758,Common Ostrich,AF
,,,,,camelus,Linnaeus 1758,,AF
,,,,,†syriacus,Rothschild 1919,,
,,,,molybdophanes,,Reichenow 1883,Somali Ostrich,AF
"""
IOC_NAMES = """seq.,Order,Family,IOC_14.2,English,German,Portuguese (Brazilian),Chinese (Traditional)
1,STRUTHIONIFORMES,Struthionidae,Struthio camelus,Common Ostrich,Strauß,avestruz,鴕鳥
"""
IOC_XML = """<?xml version="1.0" encoding="UTF-8"?>
<ioclist version="14.1" year="2024"><list><order><latin_name>STRUTHIONIFORMES</latin_name>
<family><latin_name>Struthionidae</latin_name><english_name>Ostriches</english_name>
<genus><latin_name>Struthio</latin_name><authority>Linnaeus, 1758</authority>
<species><latin_name>camelus</latin_name><english_name>Common Ostrich</english_name>
<subspecies><latin_name>syriacus</latin_name><authority>R.</authority></subspecies></species>
<species extinct="yes"><latin_name>asiaticus</latin_name><english_name>Asian Ostrich</english_name></species>
</genus></family></order></list></ioclist>
"""
INAT_TAXA = """id,taxonID,identifier,parentNameUsageID,kingdom,phylum,class,order,family,genus,specificEpithet,\
infraspecificEpithet,modified,scientificName,taxonRank,references
9083,https://x/9083,https://x/9083,https://x/1,Animalia,Chordata,Aves,Passeriformes,Cardinalidae,Cardinalis,cardinalis,,\
2024-01-01,Cardinalis cardinalis,species,
9084,https://x/9084,https://x/9084,https://x/9083,Animalia,Chordata,Aves,Passeriformes,Cardinalidae,Cardinalis,\
cardinalis,igneus,2024-01-01,Cardinalis cardinalis igneus,subspecies,
43583,https://x/43583,https://x/43583,https://x/2,Animalia,Chordata,Mammalia,Carnivora,Felidae,Puma,concolor,,,\
Puma concolor,species,
3,https://x/3,https://x/3,https://x/1,Animalia,Chordata,Aves,,,,,,,Aves,class,
"""
INAT_GERMAN = """id,vernacularName,language,locality,countryCode,source,lexicon,contributor,created
9083,Rotkardinal,de,,,,German,,
43583,Puma,de,,,,German,,
"""
GBIF = """taxonID|acceptedNameUsageID|scientificName|canonicalName|taxonRank|taxonomicStatus|class|family
1||Astur gentilis (Linnaeus, 1758)|Astur gentilis|species|accepted|Aves|Accipitridae
2||Astur gentilis "arrigonii"|Astur gentilis arrigonii|subspecies|accepted|Aves|Accipitridae
3|1|Accipiter gentilis (Linnaeus, 1758)|Accipiter gentilis|species|synonym|Aves|Accipitridae
4|2|Accipiter arrigonii X|Accipiter arrigonii|species|heterotypic synonym|Aves|Accipitridae
5||Astur dubius Y|Astur dubius|species|doubtful|Aves|Accipitridae
6||Felis catus L.|Felis catus|species|accepted|Mammalia|Felidae
""".replace("|", "\t")


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def below(checklist: Checklist, rank: str) -> dict[str, str]:
    return {taxon.name: taxon.species for taxon in checklist.taxa if taxon.rank == rank}


def test_ebirds_taxonomy_has_its_groups_with_their_species_and_leaves_out_what_is_not_one(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "eBird_taxonomy_v2024.csv", EBIRD))
    assert (checklist.authority, checklist.version, checklist.name) == ("ebird", "2024", "eBird/Clements 2024")
    assert list(checklist.species) == ["Larus fuscus"]
    assert checklist.species["Larus fuscus"].ids == ("avibase:AAAAAAA1", "ebird:larfus")
    assert below(checklist, "subspecies") == dict.fromkeys(
        ("Larus fuscus graellsii", "Larus fuscus intermedius", "Larus fuscus heuglini"), "Larus fuscus"
    )
    assert checklist.left_out == {"not one species": 3}


def test_the_integrated_checklist_says_its_year_in_its_columns(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "checklist.csv", CLEMENTS))
    assert (checklist.authority, checklist.version) == ("ebird", "2024")
    assert "Struthio camelus syriacus" in below(checklist, "subspecies")


def test_avilist_has_the_english_names_and_ids_of_others_too(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "AviList-v2025-11Jun-extended.csv", AVILIST))
    assert checklist.stamp == {"authority": "avilist", "version": "2025"}
    ostrich = checklist.species["Struthio camelus"]
    assert ostrich.ids == ("avibase:2247CB05", "ebird:ostric2")
    assert ostrich.common_names == (("en", "Common Ostrich"), ("en", "Ostrich"))
    assert checklist.left_out == {"of another rank than species": 2}


def test_birdlifes_list_has_synonyms_and_leaves_out_what_it_does_not_recognise(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "HBW-BirdLife_Checklist_v9.csv", BIRDLIFE))
    assert checklist.stamp == {"authority": "birdlife", "version": "9"}
    assert below(checklist, "synonym") == {"Struthio australis": "Struthio camelus"}
    assert checklist.by_common_name["ostrich"] == ("Struthio camelus",)
    assert checklist.left_out == {"not recognised as a species": 1}


def test_the_ioc_master_list_gives_each_row_what_stands_above_it(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "master_ioc_list_v14.2.csv", IOC_MASTER))
    assert checklist.stamp == {"authority": "ioc", "version": "14.2"}
    assert list(checklist.species) == ["Struthio camelus", "Struthio molybdophanes"]
    assert below(checklist, "subspecies") == dict.fromkeys(
        ("Struthio camelus camelus", "Struthio camelus syriacus"), "Struthio camelus"
    )
    assert checklist.species["Struthio camelus"].family == "Struthionidae"


def test_the_ioc_names_in_many_languages_are_kept_by_language(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "multiling.csv", IOC_NAMES))
    assert checklist.stamp == {"authority": "ioc", "version": "14.2"}
    names = dict(checklist.species["Struthio camelus"].common_names)
    assert names == {"en": "Common Ostrich", "de": "Strauß", "pt-br": "avestruz", "zh-tw": "鴕鳥"}
    assert checklist.by_common_name["strauss"] == ("Struthio camelus",)


def test_the_ioc_list_as_xml_is_the_same_list(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "ioc.xml", IOC_XML))
    assert checklist.stamp == {"authority": "ioc", "version": "14.1"}
    assert list(checklist.species) == ["Struthio camelus", "Struthio asiaticus"]
    assert below(checklist, "subspecies") == {"Struthio camelus syriacus": "Struthio camelus"}
    assert checklist.species["Struthio camelus"].common_name() == "Common Ostrich"


def test_xml_of_another_kind_and_xml_with_entities_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="XML of another kind"):
        open_checklist(written(tmp_path / "a.xml", "<gpx></gpx>"))
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><ioclist>&a;</ioclist>'
    with pytest.raises(InputError, match="entities of its own"):
        open_checklist(written(tmp_path / "b.xml", bomb))


@pytest.mark.parametrize("packed", [True, False])
def test_inaturalists_archive_has_birds_alone_with_common_names_in_every_language_beside_it(
    tmp_path: Path, packed: bool
) -> None:
    source = tmp_path / "inaturalist-taxonomy.dwca"
    files = {"taxa.csv": INAT_TAXA, "VernacularNames-german.csv": INAT_GERMAN, "meta.xml": "<archive/>"}
    if packed:
        source = source.with_suffix(".dwca.zip")
        with zipfile.ZipFile(source, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    else:
        for name, text in files.items():
            written(source / name, text)
    checklist = open_checklist(source)
    assert checklist.authority == "inat"
    assert list(checklist.species) == ["Cardinalis cardinalis"]
    assert checklist.species["Cardinalis cardinalis"].ids == ("inat:9083",)
    assert checklist.species["Cardinalis cardinalis"].common_name("de") == "Rotkardinal"
    assert checklist.version.startswith("sha256:") == packed  # a list that says no version is told by its bytes


def test_gbifs_backbone_leads_synonyms_to_the_species_of_their_accepted_name(tmp_path: Path) -> None:
    checklist = open_checklist(written(tmp_path / "backbone" / "Taxon.tsv", GBIF))
    assert checklist.authority == "gbif"
    assert list(checklist.species) == ["Astur gentilis"]
    assert below(checklist, "synonym") == dict.fromkeys(("Accipiter gentilis", "Accipiter arrigonii"), "Astur gentilis")
    assert checklist.by_id["gbif:3"].species == "Astur gentilis"
    assert checklist.left_out == {"of doubtful status": 1}


def test_a_workbook_is_read_below_its_title(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    rows = [["AviList 2025"], [], ["Scientific_name", "Taxon_rank", "English_name_AviList"]]
    write_workbook(tmp_path / "AviList-v2025.xlsx", [*rows, ["Struthio camelus", "species", "Common Ostrich"]])
    checklist = open_checklist(tmp_path / "AviList-v2025.xlsx")
    assert checklist.stamp == {"authority": "avilist", "version": "2025"}
    assert checklist.species["Struthio camelus"].common_name() == "Common Ostrich"


def test_a_list_of_ones_own_is_called_by_its_file_and_may_be_given_a_version(tmp_path: Path) -> None:
    path = written(
        tmp_path / "garden.csv", "scientific_name;synonyms;german_name\nParus major;Parus aphrodite;Kohlmeise\n"
    )
    checklist = open_checklist(f"{path}@3")
    assert checklist.stamp == {"authority": "garden", "version": "3"}
    assert checklist.by_name["Parus aphrodite"].species == "Parus major"
    assert checklist.species["Parus major"].common_name("de") == "Kohlmeise"


def test_avilist_ships_with_the_package() -> None:
    assert "avilist@2025" in available_checklists()
    checklist = open_checklist("avilist")
    assert len(checklist.species) == 11_131
    assert checklist.by_name["Acanthis flammea cabaret"].species == "Acanthis flammea"


def test_lists_that_cannot_be_read_are_refused_with_what_to_do(tmp_path: Path) -> None:
    cases = {
        "clements": "taxonomy 'clements' is not known.*avilist@2025",
        str(tmp_path / "absent.csv"): "is absent",
        str(written(tmp_path / "places.csv", "lon,lat\n1,2\n")): "none of its columns .lon, lat.",
        str(written(tmp_path / "genera.csv", "scientific_name,rank\nParus,genus\n")): "lists no species",
        str(written(tmp_path / "empty.csv", "")): "empty",
        str(written(tmp_path / "broken.zip", "no zip")): "damaged",
        str(written(tmp_path / "broken.xlsx", "no workbook")): "cannot be read|workbook",
        str(written(tmp_path / "broken.xml", "<ioclist>")): "not XML that can be read",
    }
    for source, message in cases.items():
        with pytest.raises(InputError, match=message) as raised:
            open_checklist(source, setting="to")
        assert raised.value.settings == ("to",)


def test_real_lists_are_recognised(shared_data: Path) -> None:
    folder = shared_data / "taxonomies"
    found = {path.name: open_checklist(path).stamp for path in sorted(folder.glob("*.csv.gz"))}
    assert found == {
        "avilist_2025_taxonomy.csv.gz": {"authority": "avilist", "version": "2025"},
        "birdlife_2024_taxonomy.csv.gz": {"authority": "birdlife", "version": "2024"},
        "ebird_2021_taxonomy.csv.gz": {"authority": "ebird", "version": "2021"},
        "ebird_2024_taxonomy.csv.gz": {"authority": "ebird", "version": "2024"},
    }


def test_a_list_in_latin_1_keeps_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "ebird_v2021.csv.gz"
    text = "SCI_NAME,SPECIES_CODE,CATEGORY,PRIMARY_COM_NAME\nPolioptila maior,trogna3,species,Marañon Gnatcatcher\n"
    path.write_bytes(gzip.compress(text.encode("latin-1")))
    assert open_checklist(path).species["Polioptila maior"].common_name() == "Marañon Gnatcatcher"


def test_of_damaged_lists_only_errors_of_ours_come_out(tmp_path: Path) -> None:
    generator = random.Random(0)
    seeds = {".csv": (EBIRD, CLEMENTS, AVILIST, BIRDLIFE, IOC_MASTER, IOC_NAMES), ".tsv": (GBIF,), ".xml": (IOC_XML,)}
    pieces = (b",", b"\t", b"\n", b'"', b"\0", b"\xff\xfe", b"/", b"[x Group]", b"; ", b"v2024")
    for number in range(300):
        suffix = generator.choice(sorted(seeds))
        data = bytearray(generator.choice(seeds[suffix]).encode())
        for _ in range(generator.choice((1, 3, 10))):
            at = generator.randrange(len(data))
            data[at : at + generator.randrange(8)] = generator.choice(pieces)
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(data)
        with suppress(BirdsatError):
            checklist = open_checklist(path)
            assert checklist.species and checklist.by_name and isinstance(checklist.by_common_name, dict)
