"""Which chip belongs to the photo, and which photo to the chip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table

from birdsat.embeddings.neighbours import similarity_blocks
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import DatasetError

Direction = Literal["photo to chip", "chip to photo"]
DIRECTIONS: tuple[Direction, ...] = ("photo to chip", "chip to photo")
KS = (1, 5, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recall:
    """How early the right answer comes, with what a random ranking would give beside it."""

    at: dict[int, float]  # k -> share of queries with a hit among the first k
    chance_at: dict[int, float]
    median_rank: float  # of the first hit; 1 is best
    chance_median_rank: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """One direction, with or without place and date."""

    direction: Direction
    with_metadata: bool
    species: Recall  # a hit is any answer of the query's taxon
    pair: Recall  # a hit is the query's own other half


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrieveReport:
    """Everything `retrieve` measured."""

    rows: int  # queries, and size of the gallery
    left_out: int  # rows without a photo or without a chip
    taxa: int  # taxa among the rows
    results: tuple[Retrieval, ...]

    def result(self, direction: Direction, *, with_metadata: bool) -> Retrieval:
        """One of the results. Raises KeyError when it was not measured."""
        for result in self.results:
            if (result.direction, result.with_metadata) == (direction, with_metadata):
                return result
        raise KeyError((direction, with_metadata))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "rows": self.rows,
            "left_out_without_photo_or_chip": self.left_out,
            "taxa": self.taxa,
            "results": [
                {
                    "direction": result.direction,
                    "with_metadata": result.with_metadata,
                    "species": _recall_dict(result.species),
                    "pair": _recall_dict(result.pair),
                }
                for result in self.results
            ],
        }

    def table(self) -> Table:
        """For the console: each figure with chance in brackets."""
        title = f"{self.rows:,} photos and their {self.rows:,} chips, {self.taxa:,} taxa (chance in brackets)"
        table = Table("direction", "place and date", "a hit is", title=title)
        for k in KS:
            table.add_column(f"R@{k}", justify="right")
        table.add_column("median rank", justify="right")
        for result in self.results:
            for hit, recall in (("same species", result.species), ("its own pair", result.pair)):
                table.add_row(
                    result.direction,
                    "with" if result.with_metadata else "without",
                    hit,
                    *(f"{recall.at[k]:.3f} ({recall.chance_at[k]:.3f})" for k in KS),
                    f"{recall.median_rank:,.0f} ({recall.chance_median_rank:,.0f})",
                )
        return table


def retrieve(table: EmbeddingTable, *, device: torch.device | str | None = None) -> RetrieveReport:
    """Rank every chip for every photo, and every photo for every chip, by cosine.

    Queries and gallery are the rows that have both; the others are counted. A wrong answer that scores the
    same as a right one goes first, so that embeddings which are all alike score nothing. With and without
    place and date, where the method knows them. Raises DatasetError when no row has both a photo and a chip.
    """
    rows = np.flatnonzero(table.has_photo & table.has_chip)
    if len(rows) == 0:
        raise DatasetError(
            "no row has both a photo and a chip (or the method sees no chips): nothing can be retrieved; "
            "take a run of a cross-view method and a dataset built with chips."
        )
    labels = table.labels[rows]
    same = np.bincount(labels)[labels]  # answers of the query's taxon, its own pair among them
    one = np.ones_like(same)
    results = []
    for with_metadata in (True, False) if table.knows_metadata else (False,):
        chips = table.chips(with_metadata=with_metadata)
        assert chips is not None
        photo, chip = table.photo[rows], chips[rows]
        for direction in DIRECTIONS:
            query, gallery = (photo, chip) if direction == "photo to chip" else (chip, photo)
            pair_rank, species_rank = answer_ranks(query, gallery, labels, device=device)
            results.append(
                Retrieval(
                    direction=direction,
                    with_metadata=with_metadata,
                    species=_recall(species_rank, same),
                    pair=_recall(pair_rank, one),
                )
            )
    return RetrieveReport(
        rows=len(rows), left_out=len(table) - len(rows), taxa=len(np.unique(labels)), results=tuple(results)
    )


def answer_ranks(
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    device: torch.device | str | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranks, from 1, of the query's own pair (n,) and of the first answer of its taxon (n,).

    query, gallery: (n, d), row i of one belongs to row i of the other; labels (n,) of both. Wrong answers
    that score the same go first.
    """
    n = len(query)
    pair_rank, species_rank = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for rows, similarity in similarity_blocks(query, gallery, device=device):
        label = torch.from_numpy(labels).to(similarity.device)
        own = torch.arange(rows.start, rows.stop, device=similarity.device)[:, None]
        pair_rank[rows] = (similarity >= similarity.gather(1, own)).sum(dim=1).cpu().numpy()
        alike = label[rows][:, None] == label[None, :]
        best = similarity.masked_fill(~alike, -torch.inf).amax(dim=1, keepdim=True)
        species_rank[rows] = 1 + ((similarity >= best) & ~alike).sum(dim=1).cpu().numpy()
    return pair_rank, species_rank


def chance_recall(right: NDArray[np.int64], gallery: int, k: int) -> float:
    """Mean chance that the first k of a random order of `gallery` answers hold one of the `right` (n,) ones.

    1 - C(gallery - right, k) / C(gallery, k), the hypergeometric chance of no hit taken from 1.
    """
    values, counts = np.unique(right, return_counts=True)
    chances = [1 - _no_hit(gallery, int(value), k) for value in values]
    return float(np.dot(chances, counts) / counts.sum())


def chance_median_rank(right: NDArray[np.int64], gallery: int) -> int:
    """The smallest k at which a random order has hit for half of the queries."""
    low, high = 1, gallery
    while low < high:
        middle = (low + high) // 2
        if chance_recall(right, gallery, middle) >= 0.5 - 1e-12:  # log-gamma rounds in the last digits
            high = middle
        else:
            low = middle + 1
    return low


def _no_hit(gallery: int, right: int, k: int) -> float:
    wrong = gallery - right
    if k > wrong:
        return 0.0
    lg = math.lgamma
    return math.exp(lg(wrong + 1) - lg(wrong - k + 1) - lg(gallery + 1) + lg(gallery - k + 1))


def _recall(rank: NDArray[np.int64], right: NDArray[np.int64], ks: Sequence[int] = KS) -> Recall:
    n = len(rank)
    return Recall(
        at={k: float((rank <= k).mean()) for k in ks},
        chance_at={k: chance_recall(right, n, k) for k in ks},
        median_rank=float(np.median(rank)),
        chance_median_rank=float(chance_median_rank(right, n)),
    )


def _recall_dict(recall: Recall) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for k in KS:
        figures |= {f"r{k}": recall.at[k], f"r{k}_chance": recall.chance_at[k]}
    return figures | {"median_rank": recall.median_rank, "median_rank_chance": recall.chance_median_rank}
