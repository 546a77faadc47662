"""The nearest k of a gallery of unit vectors: exactly, in tiles, or by an index of cells (faiss)."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.engine.device import pick_device
from birdsat.errors import ConfigError

Search = Literal["auto", "exact", "faiss"]
EXACT_ROWS = 1_000_000  # galleries up to this size are searched exactly
RECALL_QUERIES = 200  # of which the recall against exact search is measured
_TILE_QUERIES, _TILE_ROWS = 1024, 4096  # similarities held at once: 16 MiB of float32
_CELL_ROWS = 40  # vectors a cell that its centre is learned from, as faiss advises
_ADD_ROWS = 65_536
_PROBED_SHARE, _LEAST_PROBED = 1 / 64, 32  # cells that a query visits


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The k nearest gallery rows of q queries, nearest first."""

    index: NDArray[np.int64]  # (q, k) rows of the gallery
    similarity: NDArray[np.float32]  # (q, k) inner products
    recall_against_exact: float | None = None  # share of the exact k nearest that was found; None: the search is exact
    recall_queries: int = 0  # queries that this share was measured on


def search(
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    k: int,
    *,
    how: Search = "auto",
    device: torch.device | str | None = None,
) -> Found:
    """The k nearest rows of gallery (g, d) for each query (q, d), or all g when there are fewer.

    how: "auto" searches exactly up to EXACT_ROWS rows and by faiss beyond. An approximate answer tells its recall
    against exact search, on RECALL_QUERIES of the queries spread evenly. Raises ConfigError where faiss is needed and
    not installed.
    """
    if is_exact(len(gallery), how):
        return nearest(query, gallery, k, device=device)
    found = CellIndex(gallery).nearest(query, k)
    sample = np.unique(np.linspace(0, len(query) - 1, min(RECALL_QUERIES, len(query))).astype(np.int64))
    exact = nearest(query[sample], gallery, k, device=device)
    return Found(
        index=found.index,
        similarity=found.similarity,
        recall_against_exact=shared_share(found.index[sample], exact.index),
        recall_queries=len(sample),
    )


def is_exact(rows: int, how: Search) -> bool:
    """Whether a gallery of `rows` is searched exactly. Raises ConfigError where faiss is needed and not installed."""
    exact = how == "exact" or (how == "auto" and rows <= EXACT_ROWS)
    if not exact:
        _faiss()
    return exact


def nearest(
    query: NDArray[np.float32], gallery: NDArray[np.float32], k: int, *, device: torch.device | str | None = None
) -> Found:
    """Exact search. query (q, d), gallery (g, d). Rows that are equally near come in no certain order.

    Rows of NaN, such as of places without imagery, are not found and find nothing: -1, at -inf, stands in their place.
    Beside query and gallery, memory holds one tile of similarities and the answers; a gallery that is mapped from a
    file is read once.
    """
    _check(k)
    where = pick_device(device)
    k = min(k, len(gallery))
    best = torch.full((len(query), k), -torch.inf)
    index = torch.zeros((len(query), k), dtype=torch.int64)
    for first in range(0, len(gallery), _TILE_ROWS):
        tile = np.require(gallery[first : first + _TILE_ROWS], requirements=("C", "W"))  # torch wants to write
        rows = torch.from_numpy(tile).to(where)
        unknown = rows.isnan().any(dim=1)
        has_unknown = bool(unknown.any())
        for start in range(0, len(query), _TILE_QUERIES):
            part = slice(start, start + _TILE_QUERIES)
            similarity = torch.from_numpy(query[part]).to(where) @ rows.T
            if has_unknown:
                similarity[:, unknown] = -torch.inf  # topk would put NaN first
            near, row = similarity.topk(min(k, len(rows)), dim=1)
            both = torch.cat([best[part], near.cpu()], dim=1)
            kept, place = both.topk(k, dim=1)
            best[part] = kept
            index[part] = torch.cat([index[part], row.cpu() + first], dim=1).gather(1, place)
    lost = ~best.isfinite()
    return Found(index=index.masked_fill(lost, -1).numpy(), similarity=best.masked_fill(lost, -torch.inf).numpy())


class CellIndex:
    """An inverted file of faiss: the gallery in cells around 4 sqrt(g) centres, of which a query visits the nearest.

    Holds a copy of the gallery. Its centres are drawn from a fixed seed: the same gallery gives the same index.
    """

    def __init__(self, gallery: NDArray[np.float32], *, probed: int | None = None) -> None:
        """gallery: (g, d), g at least 1. probed: cells that a query visits, all of them at most.

        Raises ConfigError when faiss is not installed.
        """
        faiss = _faiss()
        g, width = gallery.shape
        self.cells = max(1, min(int(4 * math.sqrt(g)), g // _CELL_ROWS))
        self.probed = min(self.cells, probed or max(_LEAST_PROBED, int(self.cells * _PROBED_SHARE)))
        self._rows = g
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, self.cells, faiss.METRIC_INNER_PRODUCT)
        self._index.nprobe = self.probed
        learned_from = np.random.default_rng(0).choice(g, min(g, self.cells * _CELL_ROWS), replace=False)
        self._index.train(np.ascontiguousarray(gallery[np.sort(learned_from)]))
        for first in range(0, g, _ADD_ROWS):
            self._index.add(np.ascontiguousarray(gallery[first : first + _ADD_ROWS]))

    def nearest(self, query: NDArray[np.float32], k: int) -> Found:
        """The k nearest of the visited cells' rows. Where these hold fewer than k, the rest is -1, at -inf."""
        _check(k)
        similarity, index = self._index.search(np.ascontiguousarray(query), min(k, self._rows))
        similarity[index < 0] = -np.inf
        return Found(index=index, similarity=similarity)


def shared_share(found: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    """Mean share of each row of exact (q, k) that is in the same row of found (q, k): recall@k of the search."""
    both = [len(np.intersect1d(one, other)) for one, other in zip(found, exact, strict=True)]
    return float(np.mean(both) / exact.shape[1])


def _check(k: int) -> None:
    if k < 1:
        raise ConfigError(f"{k} nearest rows were asked for; allowed: 1 or more.")


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ConfigError(
            f"approximate search needs faiss, which cannot be imported ({error}). Install it with "
            "`pip install 'birdsat[faiss]'`, or ask for an exact search, which is the default up to "
            f"{EXACT_ROWS:,} rows.",
            settings=("search",),
        ) from error
    return faiss
