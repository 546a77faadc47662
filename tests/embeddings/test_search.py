"""The nearest k against plain loops, with tiles small enough to be crossed, and faiss against the exact answer."""

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from birdsat.embeddings import search as module
from birdsat.embeddings.search import CellIndex, nearest, search, shared_share
from birdsat.errors import ConfigError


def vectors(n: int, seed: int, *, width: int = 8, centres: int = 0) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(n, width))
    if centres:
        values = (
            0.3 * values + np.random.default_rng(99).normal(size=(centres, width))[generator.integers(0, centres, n)]
        )
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("k", [1, 7, 40])
def test_the_nearest_are_those_of_a_sorted_loop_over_all_tiles(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TILE_QUERIES", 5)
    monkeypatch.setattr(module, "_TILE_ROWS", 16)
    query, gallery = vectors(13, 0), vectors(150, 1)
    found = nearest(query, gallery, k, device="cpu")
    for i in range(13):
        order = np.argsort(-(gallery @ query[i]))[:k]
        assert found.index[i].tolist() == order.tolist()
        np.testing.assert_allclose(found.similarity[i], gallery[order] @ query[i], rtol=1e-5)
    assert found.recall_against_exact is None


def test_more_answers_than_gallery_rows_are_all_rows_once() -> None:
    found = nearest(vectors(3, 0), vectors(5, 1), 9, device="cpu")
    assert np.sort(found.index, axis=1).tolist() == [[0, 1, 2, 3, 4]] * 3


def test_a_gallery_mapped_from_a_file_is_searched_as_one_in_memory(tmp_path: Any) -> None:
    gallery = vectors(60, 1)
    np.save(tmp_path / "gallery.npy", gallery)
    mapped = np.load(tmp_path / "gallery.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        nearest(vectors(4, 0), mapped, 5, device="cpu").index, nearest(vectors(4, 0), gallery, 5, device="cpu").index
    )


def test_rows_of_nan_are_not_found_and_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TILE_ROWS", 4)
    query, gallery = vectors(3, 0), vectors(10, 1)
    gallery[[0, 5]] = np.nan
    query[1] = np.nan
    found = nearest(query, gallery, 9, device="cpu")
    known = [row for row in range(10) if row not in (0, 5)]
    for i in (0, 2):
        assert found.index[i].tolist() == [*sorted(known, key=lambda row: -(gallery[row] @ query[i])), -1]
    assert found.index[1].tolist() == [-1] * 9 and np.isneginf(found.similarity[1]).all()
    assert np.isneginf(found.similarity[[0, 2], 8]).all() and np.isfinite(found.similarity[[0, 2], :8]).all()


def test_fewer_than_one_nearest_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 nearest rows"):
        nearest(vectors(2, 0), vectors(2, 1), 0)


def test_the_recall_of_a_search_is_the_share_of_the_exact_nearest_in_any_order() -> None:
    exact = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    assert shared_share(np.array([[4, 3, 2, 1], [5, 9, 10, -1]]), exact) == pytest.approx((4 + 1) / 8)


def test_without_faiss_the_error_says_what_to_install_and_exact_search_still_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)  # as if it were not installed
    monkeypatch.setattr(module, "EXACT_ROWS", 50)
    assert search(vectors(2, 0), vectors(50, 1), 3).recall_against_exact is None
    assert search(vectors(2, 0), vectors(51, 1), 3, how="exact").recall_against_exact is None
    for how in ("auto", "faiss"):
        with pytest.raises(ConfigError, match=r"pip install 'birdsat\[faiss\]'.*exact search"):
            search(vectors(2, 0), vectors(51, 1), 3, how=how)  # type: ignore[arg-type]


@pytest.fixture
def faiss() -> Any:
    return pytest.importorskip("faiss", reason="faiss is not installed: pip install 'birdsat[faiss]'")


def test_beyond_the_exact_limit_the_index_answers_and_tells_its_recall(
    faiss: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_ROWS", 1999)
    gallery, query = vectors(2000, 1, centres=30), vectors(300, 2, centres=30)
    found = search(query, gallery, 10, device="cpu")
    exact = nearest(query, gallery, 10, device="cpu")
    assert found.recall_queries == 200
    assert found.recall_against_exact is not None and found.recall_against_exact > 0.9
    assert found.recall_against_exact == pytest.approx(shared_share(found.index, exact.index), abs=0.03)
    first = found.index[:, 0]
    np.testing.assert_allclose(found.similarity[:, 0], (query * gallery[first]).sum(axis=1), atol=1e-5)


def test_an_index_that_visits_every_cell_is_exact_and_one_that_visits_one_is_not(faiss: Any) -> None:
    gallery, query = vectors(4000, 1), vectors(100, 2)
    exact = nearest(query, gallery, 10, device="cpu").index
    every = CellIndex(gallery, probed=10**6)
    assert every.cells == every.probed == 100
    assert shared_share(every.nearest(query, 10).index, exact) == 1
    assert shared_share(CellIndex(gallery, probed=1).nearest(query, 10).index, exact) < 0.9


def test_answers_that_the_visited_cells_do_not_have_are_marked(faiss: Any) -> None:
    found = CellIndex(vectors(400, 1), probed=1).nearest(vectors(5, 2), 300)
    missing = found.index < 0
    assert missing.any() and np.isneginf(found.similarity[missing]).all()
    assert np.isfinite(found.similarity[~missing]).all()


def test_a_gallery_smaller_than_a_cell_is_one_cell(faiss: Any) -> None:
    found = CellIndex(vectors(3, 1)).nearest(vectors(2, 2), 9)
    assert np.sort(found.index, axis=1).tolist() == [[0, 1, 2]] * 2
