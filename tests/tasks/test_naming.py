"""From scores of taxa to probabilities."""

from pathlib import Path

import numpy as np
import pytest
from made_runs import CROSS_VIEW, make_run, noise
from tiny_world import TinyWorld

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.errors import InputError
from birdsat.methods.classifier import ClassifierConfig
from birdsat.tasks.naming import Named, fit_naming, name_photos, name_rows, own_temperature, same_taxa
from birdsat.training.run_folder import load_run

TAXA = ("Corvus corax", "Parus major", "Pica pica")


def cosines(n: int, sharpness: float) -> tuple[Named, list[str]]:
    """Cosines of photos whose own taxa were drawn by a softmax of them."""
    generator = np.random.default_rng(0)
    score = generator.uniform(-1, 1, (n, len(TAXA))).astype(np.float32)
    weight = np.exp(sharpness * score)
    drawn = [generator.choice(len(TAXA), p=row / row.sum()) for row in weight]
    return Named(taxa=TAXA, score=score, meaning="cosine"), [TAXA[label] for label in drawn]


def test_the_temperature_that_drew_the_taxa_is_found_again() -> None:
    named, own = cosines(4000, 5.0)
    assert fit_naming(named, own) == pytest.approx(1 / 5, rel=0.08)


def test_a_classifier_s_probabilities_stay_as_they_are_at_a_temperature_of_one() -> None:
    score = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]], np.float32)
    named = Named(taxa=TAXA, score=score, meaning="probability").with_temperature(1.0)
    np.testing.assert_allclose(named.score, score, atol=1e-6)


def test_a_taxon_without_photos_is_never_named() -> None:
    score = np.array([[0.5, np.nan, 0.1]], np.float32)
    named = Named(taxa=TAXA, score=score, meaning="cosine").with_temperature(0.1)
    assert named.score[0, 1] == 0 and named.score.sum() == pytest.approx(1)
    own = ["Parus major"] * 20
    with pytest.raises(InputError, match="0 of the 20 photos"):
        fit_naming(Named(taxa=TAXA, score=np.repeat(score, 20, axis=0), meaning="cosine"), own)


def test_photos_of_taxa_that_are_not_known_have_no_part_in_the_temperature() -> None:
    named, own = cosines(200, 5.0)
    twice = Named(taxa=TAXA, score=np.concatenate([named.score, -named.score]), meaning="cosine")
    assert fit_naming(twice, own + ["Turdus merula"] * 200) == fit_naming(named, own)
    with pytest.raises(InputError, match="5 of the 10 photos"):
        fit_naming(named, own[:5] + ["Turdus merula"] * 5)


def test_names_meet_by_the_species_they_mean_and_not_where_that_is_open() -> None:
    known = ("Corvus corax", "Pica pica (Linnaeus, 1758)", "Class 7")
    asked = ("Corvus corax corax", "Pica pica", "Class 7", "Turdus merula")
    assert same_taxa(asked, known) == ["Corvus corax", "Pica pica (Linnaeus, 1758)", "Class 7", None]
    assert same_taxa(("Pica pica",), ("Pica pica melanotos", "Pica pica pica")) == [None]


def test_a_taxon_called_by_its_common_name_is_found_where_the_other_list_has_it() -> None:
    known, common = ("Corvus corax", "Pica pica"), {"Corvus corax": "Common Raven", "Pica pica": "Eurasian Magpie"}
    assert same_taxa(("common raven", "Magpie"), known, common) == ["Corvus corax", None]
    assert same_taxa(("Common Raven",), known) == [None]


def test_a_classifier_s_temperature_is_one_and_others_take_that_of_their_contrast(tmp_path: Path) -> None:
    classifier = ClassifierConfig(backbone=CROSS_VIEW, taxa=TAXA)
    assert own_temperature(load_run(make_run(tmp_path / "classifier", classifier))) == 1.0
    run = load_run(make_run(tmp_path / "run"))
    scale = run.method.similarity_scale()
    assert scale is not None and own_temperature(run) == pytest.approx(1 / scale)


def test_a_classifier_that_looks_at_places_is_not_told_those_of_the_rows_it_names(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    config = ClassifierConfig(backbone=CROSS_VIEW, taxa=TAXA, inputs="photo_chip_place_date")
    run, dataset = load_run(make_run(tmp_path / "classifier", config)), Dataset(tiny_world.dataset)
    table = embed_split(run, dataset, "val")
    rows = name_rows(run, dataset, "val", table)
    assert rows.score.shape == (len(table), 3) and rows.meaning == "probability"
    photos = [tmp_path / f"{row}.jpg" for row in range(3)]
    for row, photo in enumerate(photos):
        photo.write_bytes(noise(int(table.ids[row])))
    np.testing.assert_allclose(name_photos(run, photos).score, rows.score[:3], atol=1e-5)
