"""Nearest neighbours against plain loops, with blocks small enough to be crossed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.embeddings import neighbours
from birdsat.embeddings.neighbours import nearest_of_each_label, votes_of_neighbours

TAXA = 5


def vectors(n: int, seed: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "LEAST_QUERIES", 1)
    monkeypatch.setattr(neighbours, "BLOCK_CELLS", 100)


def test_nearest_of_each_label_is_the_highest_cosine_of_a_loop() -> None:
    query, gallery = vectors(13, 0), vectors(30, 1)
    labels = np.arange(30) % (TAXA - 1)  # the last label is not in the gallery
    scores = nearest_of_each_label(query, gallery, labels, TAXA, device="cpu")
    for i in range(13):
        for taxon in range(TAXA - 1):
            best = max(float(query[i] @ gallery[j]) for j in range(30) if labels[j] == taxon)
            assert scores[i, taxon] == pytest.approx(best, abs=1e-6)
    assert np.isneginf(scores[:, -1]).all()


def test_votes_are_those_of_the_k_nearest_in_a_loop() -> None:
    query, gallery = vectors(9, 2), vectors(40, 3)
    labels = np.random.default_rng(4).integers(0, TAXA, 40)
    votes = votes_of_neighbours(query, gallery, labels, TAXA, k=7, temperature=0.2, device="cpu")
    for i in range(9):
        similarity = gallery @ query[i]
        near = np.argsort(-similarity)[:7]
        expected = np.zeros(TAXA)
        for j in near:
            expected[labels[j]] += np.exp(similarity[j] / 0.2)
        np.testing.assert_allclose(votes[i], expected / expected.sum(), rtol=1e-4)


def test_more_neighbours_than_gallery_rows_means_all_rows() -> None:
    votes = votes_of_neighbours(vectors(2, 5), vectors(3, 6), np.array([0, 1, 1]), TAXA, k=20, device="cpu")
    np.testing.assert_allclose(votes[:, :2].sum(axis=1), 1, rtol=1e-5)
    assert np.isneginf(votes[:, 2:]).all()
