import pytest

from birdsat.observations.scientific_names import ScientificName, parse_name


@pytest.mark.parametrize(
    ("written", "species"),
    [
        ("Lagopus lagopus", "Lagopus lagopus"),
        ("Lagopus lagopus (Linnaeus, 1758)", "Lagopus lagopus"),
        ("Certhia americana Bonaparte, 1838", "Certhia americana"),
        ("Otus ireneae Ripley, 1966", "Otus ireneae"),
        ("Tinamus osgoodi de Schauensee, 1950", "Tinamus osgoodi"),
        ("Elaenia chiriquensis von Pelzeln", "Elaenia chiriquensis"),
        ("Psarocolius (Gymnostinops) montezuma (Lesson, 1830)", "Psarocolius montezuma"),
        ("Columba livia (Feral Pigeon)", "Columba livia"),
        ("Setophaga coronata [coronata Group]", "Setophaga coronata"),
        ("Setophaga auduboni-like", "Setophaga auduboni-like"),
        ("  Apus   apus ", "Apus apus"),
    ],
)
def test_authors_subgenera_and_brackets_are_left_out(written, species):
    assert parse_name(written) == ScientificName(species, species)


@pytest.mark.parametrize(
    "written",
    [
        "Junco hyemalis oreganus",
        "Junco hyemalis oreganus (Townsend, 1837)",
        "Junco hyemalis subsp. oreganus",
        "Junco hyemalis ssp. oreganus Townsend",
    ],
)
def test_a_subspecies_keeps_its_species(written):
    assert parse_name(written) == ScientificName("Junco hyemalis", "Junco hyemalis oreganus")


@pytest.mark.parametrize(
    "written",
    [
        "Larus sp.",
        "Larus sp",
        "Larus spp.",
        "Corvus cf. corax",
        "Anas platyrhynchos x rubripes",
        "Anas platyrhynchos × Anas rubripes",
        "×Hybridus anas",
        "Sterna hirundo/paradisaea",
    ],
)
def test_what_means_no_single_species_is_none(written):
    assert parse_name(written) is None


def test_names_of_ones_own_are_left_as_they_are():
    for name in ("robin", "American Robin", "virtual-07", "Setophaga Swainson, 1827"):
        assert parse_name(name) == ScientificName(name, name)
