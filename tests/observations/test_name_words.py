"""The words that tell scientific names from English ones."""

import csv
import gzip

from birdsat.observations import name_words
from birdsat.observations.name_words import bird_genera, english_nouns, lower_genera, only_english


def test_the_files_of_words_hold_each_once_and_in_order():
    assert len(bird_genera()) > 2_500 and all(genus.istitle() and genus.isalpha() for genus in bird_genera())
    assert len(english_nouns()) > 700 and all(noun.islower() for noun in english_nouns())
    assert not english_nouns() & lower_genera()
    assert english_nouns() - only_english() == name_words.NOUNS_AND_EPITHETS


def test_words_that_say_something_else_are_no_genera():
    for words in (name_words.DOUBT, name_words.NO_EPITHET, name_words.RANKS_ABOVE, name_words.ABOVE_GENUS):
        assert not words & lower_genera()


def test_every_genus_of_four_checklists_is_known_and_no_epithet_is_taken_for_an_english_word(shared_data):
    genera, epithets = set(), set()
    for path in sorted((shared_data / "taxonomies").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("avilist_taxon_rank", "species") in ("species", "subspecies"):
                    first, *others = row["scientific_name"].split()
                    genera.add(first)
                    epithets.update(others)
    assert genera <= bird_genera() and not epithets & only_english()
