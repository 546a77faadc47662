"""Shortlists ranked again: by the logits, and only within the shortlist."""

import json
import math

import numpy as np
import pytest
from matching import BrightnessMatcher
from numpy.typing import NDArray

from birdsat.dataset.stored_images import StoredImages
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError
from birdsat.methods.method import Method
from birdsat.tasks.rerank import PairMatcher
from birdsat.tasks.retrieve import answer_ranks, first_answers, retrieve
from birdsat.tasks.retrieve_report import DIRECTIONS, Direction

N = 30


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def table() -> EmbeddingTable:
    """Rows 4 and 9 have no chip. Place and date change nothing in the embeddings."""
    generator = np.random.default_rng(0)
    photo = unit(generator.normal(size=(N, 6)))
    chip = unit(photo + 1.2 * generator.normal(size=(N, 6)))
    chip[[4, 9]] = math.nan
    return EmbeddingTable(
        taxa=tuple("abcde"),
        ids=tuple(map(str, range(N))),
        labels=np.arange(N) % 5,
        lon_lat=np.stack([np.arange(N), np.zeros(N)], axis=1),
        year_fraction=np.zeros(N),
        photo=photo,
        chip=chip,
        chip_without_metadata=chip,
    )


def matcher(table: EmbeddingTable, *, batch_size: int = 7) -> PairMatcher:
    """Photo and chip of a row are equally bright, and no others."""
    rows = np.flatnonzero(table.has_chip)
    bright = np.broadcast_to((8 * rows).astype(np.uint8)[:, None, None, None], (len(rows), 3, 2, 2))
    return PairMatcher(
        method=BrightnessMatcher().train(),
        images=StoredImages(photo=bright, chip=bright),
        lon_lat=table.lon_lat[rows],
        year_fraction=table.year_fraction[rows],
        batch_size=batch_size,
        device="cpu",
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_right_pair_comes_first_where_the_shortlist_has_it_and_keeps_its_rank_where_not(
    table: EmbeddingTable, direction: Direction
) -> None:
    report = retrieve(table, matcher=matcher(table), shortlist=5, device="cpu")
    rows = np.flatnonzero(table.has_chip)
    assert table.chip is not None
    sides = (table.photo[rows], table.chip[rows])
    query, gallery = sides if direction == "photo to chip" else sides[::-1]
    before, _ = answer_ranks(query, gallery, table.labels[rows], device="cpu")
    assert 0 < (before <= 5).mean() < 1  # or the test says nothing
    found = report.result(direction, with_metadata=False, reranked=True).pair
    assert found.at[1] == found.at[5] == (before <= 5).mean()
    assert found.at[10] == (before <= 10).mean()
    assert report.result(direction, with_metadata=False).pair.at[1] == (before <= 1).mean()


def test_a_shortlist_of_the_whole_gallery_is_the_order_of_the_logits(table: EmbeddingTable) -> None:
    report = retrieve(table, matcher=matcher(table), shortlist=10**6, device="cpu")
    assert report.shortlist == N - 2
    rows = np.flatnonzero(table.has_chip)
    for direction in DIRECTIONS:
        assert report.result(direction, with_metadata=False, reranked=True).pair.at[1] == 1
        # With places the easternmost chip wins whatever the photo is; photos are then told apart by brightness alone.
        ranked = report.result(direction, with_metadata=True, reranked=True).pair
        if direction == "chip to photo":
            assert ranked.at[1] == 1
        else:
            assert ranked.at[1] == pytest.approx(1 / len(rows))
            assert ranked.median_rank == (1 + len(rows)) / 2
    with pytest.raises(KeyError):  # cosine knows no places here
        report.result("photo to chip", with_metadata=True)


def test_equal_logits_find_nothing_that_the_cosine_did_not_put_last(table: EmbeddingTable) -> None:
    alike = matcher(table)
    flat = np.zeros_like(alike.images.photo)
    alike = PairMatcher(
        method=alike.method,
        images=StoredImages(photo=flat, chip=flat),
        lon_lat=alike.lon_lat,
        year_fraction=alike.year_fraction,
        device="cpu",
    )
    found = retrieve(table, matcher=alike, shortlist=12, device="cpu")
    assert found.result("photo to chip", with_metadata=False, reranked=True).pair.at[10] == 0


def test_memory_holds_one_batch_of_pairs_and_the_method_trains_again_after(table: EmbeddingTable) -> None:
    mine = matcher(table, batch_size=7)
    answers = np.array([[0, 1, -1, 2], [3, -1, -1, 4], [5, 6, 7, 8]])
    logits = mine.logits(np.array([2, 4, 20]), answers, "photo to chip", with_metadata=False)
    assert isinstance(mine.method, BrightnessMatcher) and mine.method.training
    assert mine.method.largest_batch == 7
    rows = np.flatnonzero(table.has_chip)
    bright = 8.0 * rows
    expected = -np.abs(bright[np.array([2, 4, 20])][:, None] - bright[answers])
    np.testing.assert_allclose(logits, np.where(answers < 0, -np.inf, expected))


def test_pictures_show_the_order_of_the_logits(table: EmbeddingTable) -> None:
    own = np.arange(4)
    found = first_answers(
        table, own, "photo to chip", 3, with_metadata=False, matcher=matcher(table), shortlist=28, device="cpu"
    )
    assert found[:, 0].tolist() == own.tolist()
    assert found.shape == (4, 3)


def test_both_orders_stand_in_the_table_and_in_json(table: EmbeddingTable) -> None:
    report = retrieve(table, matcher=matcher(table), shortlist=5, queries=9, device="cpu")
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["shortlist"] == 5 and {r["reranked"] for r in plain["results"]} == {True, False}
    shown = report.table()
    assert "first 5 by cosine ranked again" in shown.title and "9 queries" in shown.title
    orders = [row[shown.columns.index("order")] for row in shown.rows]
    assert orders.count("match") == orders.count("cosine") + 4  # cosine knows no places here


def test_a_method_that_matches_no_pairs_is_refused(table: EmbeddingTable) -> None:
    class Blind(BrightnessMatcher):
        matches_pairs = Method.matches_pairs

    good = matcher(table)
    with pytest.raises(ConfigError, match=r"Blind matches no pairs.*cvm_mae"):
        PairMatcher(
            method=Blind(), images=good.images, lon_lat=good.lon_lat, year_fraction=good.year_fraction, device="cpu"
        )
