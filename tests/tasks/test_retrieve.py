"""Retrieval against loops, and chance against simulation."""

import io
import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from birdsat.embeddings import neighbours, search
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError, DatasetError
from birdsat.metrics import chance_median_rank, chance_recall
from birdsat.tasks import retrieve as module
from birdsat.tasks.retrieve import answer_ranks, first_answers, retrieve
from birdsat.tasks.retrieve_report import PAPER


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def table(n: int = 40, *, noise: float = 0.0, chips: bool = True) -> EmbeddingTable:
    generator = np.random.default_rng(0)
    photo = unit(generator.normal(size=(n, 8)))
    chip = unit(photo + noise * generator.normal(size=(n, 8))) if chips else None
    return EmbeddingTable(
        taxa=tuple("abcde"),
        ids=tuple(map(str, range(n))),
        labels=np.arange(n) % 5,
        lon_lat=np.zeros((n, 2)),
        year_fraction=np.zeros(n),
        photo=photo,
        chip=chip,
        chip_without_metadata=unit(generator.normal(size=(n, 8))) if chips else None,
    )


def test_ranks_are_those_of_a_loop_over_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "LEAST_QUERIES", 1)
    monkeypatch.setattr(neighbours, "BLOCK_CELLS", 70)  # blocks of two queries
    generator = np.random.default_rng(1)
    query, gallery = unit(generator.normal(size=(31, 4))), unit(generator.normal(size=(31, 4)))
    labels = generator.integers(0, 6, 31)
    pair_rank, species_rank = answer_ranks(query, gallery, labels, device="cpu")
    for i in range(31):
        order = np.argsort(-(gallery @ query[i]))
        assert order[pair_rank[i] - 1] == i
        assert species_rank[i] == next(r for r, j in enumerate(order, 1) if labels[j] == labels[i])


def test_matching_embeddings_are_all_found_first() -> None:
    report = retrieve(table(), device="cpu")
    for direction in ("photo to chip", "chip to photo"):
        result = report.result(direction, with_metadata=True)
        assert result.pair.at[1] == result.species.at[1] == 1
        assert result.pair.median_rank == result.species.median_rank == 1
        assert report.result(direction, with_metadata=False).pair.at[1] < 0.3


def test_embeddings_that_are_all_alike_find_nothing() -> None:
    alike = np.ones((12, 3), dtype=np.float32)
    pair_rank, species_rank = answer_ranks(alike, alike, np.arange(12) % 3, device="cpu")
    assert (pair_rank == 12).all()
    assert (species_rank == 1 + 8).all()  # the 8 of other taxa go first


def test_a_chip_that_is_in_the_gallery_twice_only_shifts_the_pair_by_one() -> None:
    query = unit(np.eye(4))
    gallery = query.copy()
    gallery[1] = gallery[0]
    pair_rank, species_rank = answer_ranks(query, gallery, np.array([0, 0, 1, 2]), device="cpu")
    assert pair_rank.tolist() == [2, 4, 1, 1]
    assert species_rank.tolist() == [1, 3, 1, 1]


@pytest.mark.parametrize("k", [1, 5, 10])
def test_chance_is_what_random_orders_give(k: int) -> None:
    generator = np.random.default_rng(2)
    labels = np.repeat(np.arange(4), [3, 5, 7, 15])
    same = np.bincount(labels)[labels]
    hits = [np.isin(labels[i], labels[generator.permutation(30)[:k]]) for i in range(30) for _ in range(400)]
    assert chance_recall(same, 30, k) == pytest.approx(np.mean(hits), abs=0.02)


def test_chance_of_the_pair_is_k_in_n_and_its_median_half_of_n() -> None:
    one = np.ones(1000, dtype=np.int64)
    assert chance_recall(one, 1000, 10) == pytest.approx(0.01)
    assert chance_median_rank(one, 1000) == 500


def test_chance_of_the_median_rank_is_what_random_orders_give() -> None:
    generator = np.random.default_rng(3)
    right = np.repeat([2, 6], 20)
    first = [generator.permutation(40)[:m].min() + 1 for m in right for _ in range(500)]
    assert chance_median_rank(right, 40) == pytest.approx(np.median(first), abs=1)


def test_more_answers_than_wrong_ones_are_always_hit() -> None:
    assert chance_recall(np.array([8]), 10, 5) == 1.0


def test_rows_without_photo_or_chip_are_left_out_and_counted() -> None:
    whole = table()
    whole.photo[0] = math.nan
    assert whole.chip is not None and whole.chip_without_metadata is not None
    whole.chip[[1, 2]], whole.chip_without_metadata[[1, 2]] = math.nan, math.nan
    report = retrieve(whole, device="cpu")
    assert (report.rows, report.left_out, report.taxa) == (37, 3, 5)
    assert report.result("photo to chip", with_metadata=True).pair.chance_at[1] == pytest.approx(1 / 37)


def test_a_method_that_sees_no_chips_is_refused_with_the_remedy() -> None:
    with pytest.raises(DatasetError, match="cross-view method"):
        retrieve(table(chips=False), device="cpu")


def test_the_report_is_json_and_a_table() -> None:
    report = retrieve(table(noise=0.5), device="cpu")
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert len(plain["results"]) == 4
    assert plain["results"][0]["species"]["r1"] > plain["results"][0]["species"]["r1_chance"]
    text = io.StringIO()
    Console(file=text, width=140).print(report.table())
    assert "photo to chip" in text.getvalue()


def test_drawn_queries_have_the_ranks_they_have_among_all() -> None:
    whole = table(noise=0.6)
    assert whole.chip is not None
    pair, species = answer_ranks(whole.photo, whole.chip, whole.labels, device="cpu")
    own = np.array([3, 11, 30])
    drawn = answer_ranks(whole.photo[own], whole.chip, whole.labels, own=own, device="cpu")
    assert [ranks.tolist() for ranks in drawn] == [pair[own].tolist(), species[own].tolist()]
    report = retrieve(whole, queries=7, device="cpu")
    assert (report.rows, report.queries) == (40, 7)
    at_one = report.result("photo to chip", with_metadata=True).pair.at[1]
    assert at_one * 7 == pytest.approx(round(at_one * 7))
    assert report.result("photo to chip", with_metadata=True).pair.chance_at[1] == pytest.approx(1 / 40)


@pytest.mark.parametrize("setting", [{"queries": 0}, {"shortlist": 0}, {"shortlist": 5}])
def test_numbers_that_cannot_be_are_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"allowed: 1 or more|no run that ranks it again"):
        retrieve(table(), **setting, device="cpu")  # type: ignore[arg-type]


def test_the_papers_protocol_asks_with_chips_and_counts_species_as_a_loop_does() -> None:
    whole = table(60, noise=1.5)
    assert whole.chip is not None
    report = retrieve(whole, protocol=PAPER, device="cpu")
    (result,) = report.results
    assert (result.direction, result.with_metadata) == ("chip to photo", True)
    for k in (5, 10):
        top = np.argsort(-(whole.chip @ whole.photo.T), axis=1)[:, :k]
        hits = [whole.labels[i] in whole.labels[top[i]] for i in range(60)]
        assert result.species.at[k] == pytest.approx(np.mean(hits))
    plain = report.to_dict()
    assert plain["protocol"] == "paper" and "pair" not in plain["results"][0]
    text = io.StringIO()
    Console(file=text, width=140).print(report.table())
    assert "paper's protocol" in text.getvalue() and "own pair" not in text.getvalue()


def test_first_answers_are_the_nearest_of_both_directions() -> None:
    whole = table(noise=0.6)
    assert whole.chip is not None
    own = np.array([2, 5])
    for direction, query, gallery in (
        ("photo to chip", whole.photo, whole.chip),
        ("chip to photo", whole.chip, whole.photo),
    ):
        found = first_answers(whole, own, direction, 3, with_metadata=True, device="cpu")  # type: ignore[arg-type]
        assert found.tolist() == np.argsort(-(query[own] @ gallery.T), axis=1)[:, :3].tolist()


def test_approximate_search_gives_the_exact_ranks_where_it_finds_and_the_last_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("faiss", reason="faiss is not installed: pip install 'birdsat[faiss]'")
    whole = table(60, noise=1.0)
    exact = retrieve(whole, device="cpu")
    monkeypatch.setattr(search, "EXACT_ROWS", 59)
    found = retrieve(whole, device="cpu")  # one cell: everything is found
    assert [r.pair for r in found.results] == [r.pair for r in exact.results]
    assert [r.species for r in found.results] == [r.species for r in exact.results]
    assert {r.search_recall for r in found.results} == {1.0} and {r.search_recall for r in exact.results} == {None}
    monkeypatch.setattr(module, "FOUND_DEPTH", 10)
    short = retrieve(whole, device="cpu").result("photo to chip", with_metadata=False).pair
    all_ranks = exact.result("photo to chip", with_metadata=False).pair
    assert short.at == all_ranks.at and short.median_rank == 60  # most pairs are not among the first ten
    text = io.StringIO()
    Console(file=text, width=140).print(found.table())
    assert "approximate search" in text.getvalue()
