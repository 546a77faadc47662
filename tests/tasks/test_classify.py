"""The probe against scikit-learn, ranks against loops, and the cases a table can be in."""

import dataclasses
import io
import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.linear_model import LogisticRegression

from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import DatasetError, UnknownTaxonError
from birdsat.metrics import NEVER, ranks
from birdsat.tasks import probe as probe_module
from birdsat.tasks.classify import classify, pairs_told_apart
from birdsat.tasks.probe import Standardiser, fit_probe

TAXA = ("Acanthis flammea", "Bubo bubo", "Corvus corax", "Dryocopus martius", "Emberiza citrinella")


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def table(n: int, seed: int, *, taxa: int = 4, chips: bool = True) -> EmbeddingTable:
    """Photos show the taxon but for the last two, which look alike; their chips with place and date differ."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, taxa, n)
    looks, lives = np.eye(6)[np.minimum(labels, taxa - 2)], np.eye(6)[labels]
    photo = unit(looks + 0.15 * generator.normal(size=(n, 6)))
    chip = unit(lives + 0.15 * generator.normal(size=(n, 6))) if chips else None
    return EmbeddingTable(
        taxa=TAXA,
        ids=tuple(f"{seed}-{i}" for i in range(n)),
        labels=labels,
        lon_lat=np.zeros((n, 2)),
        year_fraction=np.zeros(n),
        photo=photo,
        chip=chip,
        chip_without_metadata=unit(generator.normal(size=(n, 6))) if chips else None,
    )


def with_rows_missing(whole: EmbeddingTable, *, photo: slice, chip: slice) -> EmbeddingTable:
    photos = whole.photo.copy()
    photos[photo] = math.nan
    assert whole.chip is not None and whole.chip_without_metadata is not None
    chips, bare = whole.chip.copy(), whole.chip_without_metadata.copy()
    chips[chip], bare[chip] = math.nan, math.nan
    return dataclasses.replace(whole, photo=photos, chip=chips, chip_without_metadata=bare)


@pytest.mark.parametrize("c", [0.01, 1.0])
def test_the_probe_is_scikit_learns_logistic_regression(c: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "BLOCK_ROWS", 64)
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 300)
    features = (generator.normal(size=(300, 7)) + np.eye(4, 7)[labels]).astype(np.float32)
    ours = fit_probe(features, labels, 4, c=c, device="cpu")
    theirs = LogisticRegression(C=c, tol=1e-8, max_iter=2000).fit(features, labels)
    np.testing.assert_allclose(ours.weight.numpy().T, theirs.coef_, atol=2e-3)
    bias = ours.bias.numpy() - ours.bias.numpy().mean()  # adding a number to every bias changes nothing
    np.testing.assert_allclose(bias, theirs.intercept_ - theirs.intercept_.mean(), atol=2e-3)
    assert (ours.scores(features).argmax(axis=1) == theirs.predict(features)).mean() > 0.99


def test_the_probe_gives_no_score_to_a_taxon_it_never_saw() -> None:
    labels = np.array([0, 2, 0, 2])
    fitted = fit_probe(np.eye(4, dtype=np.float32), labels, 4, device="cpu")
    scores = fitted.scores(np.eye(4, dtype=np.float32))
    assert np.isneginf(scores[:, [1, 3]]).all() and np.isfinite(scores[:, [0, 2]]).all()
    again = fit_probe(np.eye(4, dtype=np.float32), labels, 4, start=fitted, device="cpu")
    assert np.isfinite(again.weight.numpy()).all()


def test_standardised_features_have_mean_0_and_variance_1_and_the_unknown_is_the_mean() -> None:
    features = np.random.default_rng(1).normal(3, 2, (50, 4)).astype(np.float32)
    features[:, 2] = 5.0  # never varies
    features[10:15, 1] = math.nan
    scaled = Standardiser.fit(features)(features)
    known = np.r_[0:10, 15:50]
    np.testing.assert_allclose(scaled[:, [0, 3]].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[known, 1].std(), 1, rtol=1e-4)
    assert (scaled[10:15, 1] == 0).all() and (scaled[:, 2] == 0).all()


def test_the_rank_of_the_right_taxon_counts_ties_against_it() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.5, 0.5, 0.1], [0.3, 0.2, -np.inf]], dtype=np.float32)
    assert ranks(scores, np.array([2, 0, 2])).tolist() == [2, 2, NEVER]


def test_lookalikes_are_told_apart_only_with_place_and_date() -> None:
    report = classify(table(200, 0), table(80, 1), table(150, 2), pairs=[(TAXA[2], TAXA[3])], device="cpu")
    blind = report.score("probe", "photo").told_apart
    seeing = report.score("probe", "photo_chip_place_date").told_apart
    assert blind is not None and seeing is not None
    assert 0.3 < blind.accuracy < 0.7
    assert seeing.accuracy > 0.95
    assert seeing.pairs == 1 and seeing.rows == sum(report.test_rows[2:4])


def test_separable_photos_are_classified_right_by_every_classifier() -> None:
    report = classify(table(200, 0), None, table(100, 3), device="cpu")
    for score in report.scores:
        if score.inputs == "photo_chip_place_date":
            assert score.top1 > 0.95
    probe = report.score("probe", "photo")
    assert probe.c == 0.1
    assert probe.top5 >= probe.top1
    assert sum(probe.right) == round(probe.top1 * sum(report.test_rows))


def test_chance_is_of_the_taxa_learned_and_the_majority_that_of_training() -> None:
    train, test = table(200, 0), table(100, 3)
    report = classify(train, None, test, device="cpu")
    assert report.chance_top1 == 1 / 4 and report.chance_top5 == 1.0
    commonest = np.bincount(train.labels).argmax()
    assert report.majority_top1 == (test.labels == commonest).mean()


def test_taxa_without_a_training_photo_are_counted_and_wrong() -> None:
    train = table(150, 0, taxa=3)
    test = dataclasses.replace(table(60, 1), labels=np.full(60, 4))
    report = classify(train, None, test, pairs=[(TAXA[0], TAXA[4])], device="cpu")
    assert report.unseen == 60 and report.train_rows[4] == 0
    for score in report.scores:
        assert score.top1 == score.top5 == 0
        assert score.told_apart is not None
        assert score.told_apart.left_out == 1 and math.isnan(score.told_apart.accuracy)


def test_rows_without_a_photo_are_left_out_and_a_missing_chip_does_not_matter() -> None:
    train = with_rows_missing(table(200, 0), photo=slice(0, 7), chip=slice(20, 60))
    test = with_rows_missing(table(100, 2), photo=slice(0, 5), chip=slice(50, 100))
    report = classify(train, table(50, 4), test, device="cpu")
    assert report.left_out == 5 and sum(report.test_rows) == 95 and sum(report.train_rows) == 193
    assert all(np.isfinite(score.top1) for score in report.scores)


def test_a_method_without_chips_is_evaluated_on_photos_only() -> None:
    report = classify(table(60, 0, chips=False), None, table(30, 1, chips=False), device="cpu")
    assert {score.inputs for score in report.scores} == {"photo"}
    with pytest.raises(KeyError):
        report.score("probe", "photo_chip")


def test_a_split_without_photos_and_an_unknown_pair_are_refused() -> None:
    train, test = table(50, 0), table(20, 1)
    blind = with_rows_missing(test, photo=slice(None), chip=slice(0, 0))
    with pytest.raises(DatasetError, match="'test' has no photos"):
        classify(train, None, blind, device="cpu")
    with pytest.raises(UnknownTaxonError, match="nearest: 'Corvus corax'"):
        classify(train, None, test, pairs=[("Corvus corix", "Bubo bubo")], device="cpu")


def test_the_report_is_json_and_a_table() -> None:
    report = classify(table(100, 0), None, table(40, 1), pairs=[(TAXA[2], TAXA[3])], device="cpu")
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["rows"] == 40
    assert {entry["taxon"]: entry["test"] for entry in plain["per_taxon"]} == dict(
        zip(TAXA, report.test_rows, strict=True)
    )
    text = io.StringIO()
    console = Console(file=text, width=120)
    console.print(report.table())
    console.print(report.taxon_table())
    assert "20-NN" in text.getvalue() and "Bubo bubo" in text.getvalue()


def test_a_taxon_that_looks_like_markup_is_printed_as_it_is() -> None:
    named = [dataclasses.replace(part, taxa=("Larus [/x]", *TAXA[1:])) for part in (table(60, 0), table(30, 1))]
    text = io.StringIO()
    Console(file=text, width=120).print(classify(named[0], None, named[1], device="cpu").taxon_table())
    assert "Larus [/x]" in text.getvalue()


def test_a_pair_is_evaluated_by_its_two_scores_alone_and_each_taxon_weighs_the_same() -> None:
    scores = np.array([[1, 0, 9], [1, 0, 9], [1, 0, 9], [0, 1, 9], [1, 0, 9]], dtype=np.float32)
    labels = np.array([0, 0, 0, 1, 1])
    found = pairs_told_apart(scores, labels, np.array([0, 1, 2]), [(0, 1), (0, 2)])
    assert found.accuracy == pytest.approx((1 + 0.5) / 2)
    assert (found.pairs, found.left_out, found.rows) == (1, 1, 5)


def test_equal_scores_are_half_right() -> None:
    flat = np.zeros((4, 2), dtype=np.float32)
    assert pairs_told_apart(flat, np.array([0, 0, 1, 1]), np.array([0, 1]), [(0, 1)]).accuracy == 0.5
