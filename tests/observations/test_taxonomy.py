import pytest

from birdsat.errors import InputError, UnknownTaxonError
from birdsat.observations.taxonomy import Taxon, Taxonomy


def test_genus_is_the_first_word_of_the_name_unless_given():
    assert Taxon(name="Setophaga citrina").genus == "Setophaga"
    assert Taxon(name="Black footed Albatross", genus="Phoebastria").genus == "Phoebastria"


def test_labels_follow_the_alphabet_whatever_the_order_given():
    taxonomy = Taxonomy([Taxon(name="Corvus corax"), Taxon(name="Apus apus")])
    assert taxonomy.names == ("Apus apus", "Corvus corax")
    assert [taxonomy.label(name) for name in taxonomy.names] == [0, 1]
    assert taxonomy["Corvus corax"].genus == "Corvus"


def test_unknown_taxon_is_answered_with_the_nearest_names_and_the_listing_command():
    taxonomy = Taxonomy([Taxon(name="Setophaga citrina"), Taxon(name="Corvus corax")])
    with pytest.raises(UnknownTaxonError, match=r"nearest: 'Setophaga citrina'.*`birdsat taxa RUN`"):
        taxonomy.label("Setophaga citrna", listing="`birdsat taxa RUN`")


def test_a_name_given_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        Taxonomy([Taxon(name="Apus apus"), Taxon(name="Apus apus", family="Apodidae")])


def test_a_taxon_without_a_name_is_refused():
    with pytest.raises(InputError, match="needs a name"):
        Taxon(name=" ")


def test_one_taxonomy_may_choose_and_another_tell():
    chosen = Taxonomy([Taxon(name="Parus major"), Taxon(name="Pica pica", family="mine")])
    whole = Taxonomy([Taxon(name="Parus major", family="Paridae"), Taxon(name="Apus apus", family="Apodidae")])
    assert [(taxon.name, taxon.family) for taxon in chosen.filled_from(whole)] == [
        ("Parus major", "Paridae"),
        ("Pica pica", "mine"),
    ]
    assert chosen.filled_from(None) is chosen
