"""Which chip belongs to the photo, and which photo to the chip."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.embeddings.neighbours import similarity_blocks
from birdsat.embeddings.search import Found, Search, is_exact, search
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError, DatasetError
from birdsat.metrics import recall_of
from birdsat.tasks.rerank import PairMatcher
from birdsat.tasks.retrieve_report import OURS, Direction, Protocol, Retrieval, RetrieveReport

FOUND_DEPTH = 1000  # answers that an approximate search is asked for; what is not among them counts as last


def searchable_rows(table: EmbeddingTable) -> NDArray[np.int64]:
    """The rows that have both a photo and a chip: queries and gallery.

    Raises DatasetError when there are none.
    """
    rows = np.flatnonzero(table.has_photo & table.has_chip)
    if len(rows) == 0:
        raise DatasetError(
            "no row has both a photo and a chip (or the method sees no chips): nothing can be retrieved; "
            "take a run of a cross-view method and a dataset built with chips."
        )
    return rows


def retrieve(
    table: EmbeddingTable,
    *,
    protocol: Protocol = OURS,
    matcher: PairMatcher | None = None,
    shortlist: int | None = None,
    queries: int | None = None,
    how: Search = "auto",
    device: torch.device | str | None = None,
) -> RetrieveReport:
    """Rank every chip for every photo, and every photo for every chip, by cosine.

    Queries and gallery are the rows that have both; the others are counted. A wrong answer that scores the
    same as a right one goes first, so that embeddings which are all alike score nothing. With and without
    place and date, where the method knows them.

    matcher: ranks the first `shortlist` answers again (default: the protocol's number); those after them keep their
    places. Its images are those of `searchable_rows`, in order. queries: ask only so many rows, drawn at random with
    a fixed seed; the gallery stays whole. how: beyond a million rows the search is approximate unless it says
    "exact"; an answer that is then not among the first FOUND_DEPTH counts as last.

    Raises DatasetError when no row has both a photo and a chip, ConfigError for numbers below 1, a shortlist
    without a matcher, or where faiss is needed and not installed.
    """
    rows = searchable_rows(table)
    _check(matcher=matcher, shortlist=shortlist, queries=queries)
    length = min(len(rows), shortlist or protocol.shortlist)
    own = _drawn(len(rows), queries)
    labels = table.labels[rows]
    same = np.bincount(labels)[labels][own]  # answers of the query's taxon, its own pair among them
    one = np.ones_like(same)
    exact = is_exact(len(rows), how)

    def results() -> Iterator[Retrieval]:
        for with_metadata, direction in _ways(table, matcher, protocol):
            query, gallery = _sides(table, rows, direction, with_metadata=with_metadata)
            query = query[own]
            recall = None
            if exact:
                ranks = answer_ranks(query, gallery, labels, own=own, device=device)
            else:
                depth = FOUND_DEPTH if matcher is None else max(FOUND_DEPTH, length)
                found = search(query, gallery, depth, how="faiss", device=device)
                ranks = _in_order(found.index, found.similarity, own, labels).or_else(len(rows))
                recall = found.recall_against_exact
            if table.knows_metadata or not with_metadata:
                yield Retrieval(
                    direction=direction,
                    with_metadata=with_metadata,
                    species=recall_of(ranks[1], same, len(rows)),
                    pair=recall_of(ranks[0], one, len(rows)),
                    search_recall=recall,
                )
            if matcher is None:
                continue
            if exact:
                found = search(query, gallery, length, how="exact", device=device)
            first = found.index[:, :length]
            logits = matcher.logits(own, first, direction, with_metadata=with_metadata)
            after = [np.maximum(rank, length + 1) for rank in ranks]
            pair_rank, species_rank = _in_order(first, logits, own, labels).or_else(*after)
            yield Retrieval(
                direction=direction,
                with_metadata=with_metadata,
                reranked=True,
                species=recall_of(species_rank, same, len(rows)),
                pair=recall_of(pair_rank, one, len(rows)),
                search_recall=recall,
            )

    return RetrieveReport(
        protocol=protocol,
        rows=len(rows),
        queries=len(own),
        left_out=len(table) - len(rows),
        taxa=len(np.unique(labels)),
        shortlist=None if matcher is None else length,
        results=tuple(results()),
    )


def first_answers(
    table: EmbeddingTable,
    own: NDArray[np.int64],
    direction: Direction,
    k: int,
    *,
    with_metadata: bool,
    matcher: PairMatcher | None = None,
    shortlist: int = OURS.shortlist,
    device: torch.device | str | None = None,
) -> NDArray[np.int64]:
    """(q, k) first answers to the queries `own` (q,), as `retrieve` ranks them by exact search.

    Both number the rows of `searchable_rows`.
    """
    rows = searchable_rows(table)
    query, gallery = _sides(table, rows, direction, with_metadata=with_metadata)
    length = k if matcher is None else max(k, shortlist)
    found: Found = search(query[own], gallery, length, how="exact", device=device)
    index = found.index
    if matcher is not None:
        logits = matcher.logits(own, index, direction, with_metadata=with_metadata)
        index = np.take_along_axis(index, np.argsort(-logits, axis=1, kind="stable"), axis=1)
    first: NDArray[np.int64] = index[:, :k]
    return first


def answer_ranks(
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    own: NDArray[np.int64] | None = None,
    device: torch.device | str | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranks, from 1, of the query's own pair (q,) and of the first answer of its taxon (q,).

    query (q, d), gallery (n, d), labels (n,) of the gallery; own (q,): the gallery's row that belongs to each query
    (default: row i to query i). Wrong answers that score the same go first.
    """
    q = len(query)
    own = np.arange(q) if own is None else own
    pair_rank, species_rank = np.empty(q, dtype=np.int64), np.empty(q, dtype=np.int64)
    for rows, similarity in similarity_blocks(query, gallery, device=device):
        label = torch.from_numpy(labels).to(similarity.device)
        mine = torch.from_numpy(own[rows]).to(similarity.device)
        pair_rank[rows] = (similarity >= similarity.gather(1, mine[:, None])).sum(dim=1).cpu().numpy()
        alike = label[mine][:, None] == label[None, :]
        best = similarity.masked_fill(~alike, -torch.inf).amax(dim=1, keepdim=True)
        species_rank[rows] = 1 + ((similarity >= best) & ~alike).sum(dim=1).cpu().numpy()
    return pair_rank, species_rank


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Ranks within a list of answers; 0 where no right one is in it."""

    pair: NDArray[np.int64]
    species: NDArray[np.int64]

    def or_else(
        self, pair: NDArray[np.int64] | int, species: NDArray[np.int64] | int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ranks, with others where the list holds no right answer."""
        other = pair if species is None else species
        return np.where(self.pair > 0, self.pair, pair), np.where(self.species > 0, self.species, other)


def _in_order(
    index: NDArray[np.int64], score: NDArray[np.float32], own: NDArray[np.int64], labels: NDArray[np.int64]
) -> _Ranks:
    """index, score: (q, k) gallery rows, -1 for none, in the order of their scores; wrong ones first among equals."""
    there = index >= 0
    return _Ranks(
        pair=_rank(score, there, index == own[:, None]),
        species=_rank(score, there, labels[index] == labels[own][:, None]),
    )


def _rank(score: NDArray[np.float32], there: NDArray[np.bool_], right: NDArray[np.bool_]) -> NDArray[np.int64]:
    right = right & there
    best = np.where(right, score, -np.inf).max(axis=1, keepdims=True)
    rank = 1 + ((score >= best) & there & ~right).sum(axis=1)
    return np.where(right.any(axis=1), rank, 0)


def _ways(table: EmbeddingTable, matcher: PairMatcher | None, protocol: Protocol) -> Iterator[tuple[bool, Direction]]:
    known = table.knows_metadata or (matcher is not None and matcher.method.uses_metadata)
    metadata = (True, False) if known else (False,)
    for with_metadata in metadata if protocol.without_metadata else metadata[:1]:
        for direction in protocol.directions:
            yield with_metadata, direction


def _sides(
    table: EmbeddingTable, rows: NDArray[np.int64], direction: Direction, *, with_metadata: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Queries and gallery: photos and chips, or the other way round."""
    chips = table.chips(with_metadata=with_metadata)
    assert chips is not None
    photo, chip = table.photo[rows], chips[rows]
    return (photo, chip) if direction == "photo to chip" else (chip, photo)


def _drawn(rows: int, queries: int | None) -> NDArray[np.int64]:
    if queries is None or queries >= rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, queries, replace=False))


def _check(*, matcher: PairMatcher | None, shortlist: int | None, queries: int | None) -> None:
    for name, number in (("shortlist", shortlist), ("queries", queries)):
        if number is not None and number < 1:
            raise ConfigError(f"{name} is {number}; allowed: 1 or more.")
    if shortlist is not None and matcher is None:
        raise ConfigError(
            f"a shortlist of {shortlist} was asked for, and no run that ranks it again; name one, or leave it out.",
            settings=("rerank", "shortlist"),
        )
