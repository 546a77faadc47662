"""Names of taxa, scientific and English, that mean one species."""

from birdsat.tasks.identify.taxon_groups import in_science, meant_species, same_birds


def test_names_meet_whichever_of_the_two_is_english() -> None:
    english, scientific = ("Yellow billed Cuckoo", "Shiny Thing"), ("Coccyzus americanus", "Pica pica")
    assert same_birds(scientific, english) == ["Yellow billed Cuckoo", None]
    assert same_birds(english, scientific) == ["Coccyzus americanus", None]
    assert same_birds(english, english) == list(english)
    assert same_birds(scientific, scientific) == list(scientific)


def test_a_name_that_two_known_taxa_mean_is_neither_of_them() -> None:
    assert same_birds(["Coccyzus americanus"], ["Yellow-billed Cuckoo", "Yellow billed Cuckoo"]) == [None]


def test_a_subspecies_stays_one_and_means_its_species() -> None:
    assert in_science("Falco peregrinus anatum") == "Falco peregrinus anatum"
    assert meant_species("Falco peregrinus anatum") == "Falco peregrinus"
    assert meant_species("Shiny Thing") == "Shiny Thing"
