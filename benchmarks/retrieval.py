"""How long retrieval takes, what memory it needs, and what an approximate index gains and loses.

    python benchmarks/retrieval.py [--iterations 2] [--threads N] [--out retrieval.json]

First the evaluation of a test split as large as that of iNat-2021's birds: the ranks of 14,860 queries among 14,860
answers, d = 256. Then the ten nearest of 1,000 queries in a gallery of 1,000,000 x 256: exactly, and by faiss where it
is installed, with the recall against the exact answer. Each part runs in a process of its own, so that its peak memory
is its own. Embeddings are made up: species around genera around nothing, since vectors without any such order would
be hard for an index as no real ones are. `--iterations 2` runs two small galleries to see that all still works.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from birdsat.embeddings.search import CellIndex, nearest, shared_share
from birdsat.tasks.retrieve import answer_ranks

WIDTH, NEAREST, SPECIES = 256, 10, 1486
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One part. Memory is the peak of the process above what it held when its data lay ready."""

    part: str
    gallery: int
    queries: int
    build_s: float  # of the index; 0 where there is none
    search_s: float  # of all queries
    data_mib: float  # resident with queries and gallery, libraries included
    extra_mib: float  # at the peak, above that
    recall: float | None  # against the exact nearest; None: the part is exact


def embeddings(rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(rows, WIDTH) unit vectors of SPECIES species in a tenth as many genera, and their labels."""
    fixed = np.random.default_rng(0)
    genus = fixed.normal(size=(SPECIES // 10, WIDTH)).astype(np.float32)
    species = genus[fixed.integers(0, len(genus), SPECIES)] + 0.7 * fixed.normal(size=(SPECIES, WIDTH))
    species = species.astype(np.float32)
    generator = np.random.default_rng([1, seed])
    labels = generator.integers(0, SPECIES, rows)
    vectors = np.empty((rows, WIDTH), dtype=np.float32)
    for start in range(0, rows, 4096):  # small blocks: the peak of the process is to be that of the search
        part = slice(start, start + 4096)
        vectors[part] = generator.standard_normal((len(labels[part]), WIDTH), dtype=np.float32)
        vectors[part] += species[labels[part]]
        vectors[part] /= np.linalg.norm(vectors[part], axis=1, keepdims=True)
    return vectors, labels


def evaluation(gallery: int, queries: int) -> Measured:
    """The ranks of every pair and species."""
    del queries
    photo, labels = embeddings(gallery, 1)
    chip = np.roll(photo, 1, axis=1)
    held = resident_mib()
    started = time.perf_counter()
    answer_ranks(photo, chip, labels, device="cpu")
    return measured("evaluation, all ranks", gallery, gallery, 0, time.perf_counter() - started, held, None)


def exact(gallery: int, queries: int) -> Measured:
    """The nearest by search in tiles."""
    query, answers = embeddings(queries, 2)[0], embeddings(gallery, 1)[0]
    held = resident_mib()
    started = time.perf_counter()
    nearest(query, answers, NEAREST, device="cpu")
    return measured("search, exact", gallery, queries, 0, time.perf_counter() - started, held, None)


def approximate(gallery: int, queries: int) -> Measured:
    """The nearest by an index of cells, which is evaluated after its time and memory were taken."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    query, answers = embeddings(queries, 2)[0], embeddings(gallery, 1)[0]
    held = resident_mib()
    started = time.perf_counter()
    index = CellIndex(answers)
    built = time.perf_counter()
    found = index.nearest(query, NEAREST).index
    searched = time.perf_counter()
    result = measured("search, faiss", gallery, queries, built - started, searched - built, held, 0.0)
    recall = shared_share(found, nearest(query, answers, NEAREST, device="cpu").index)
    return Measured(**(asdict(result) | {"recall": recall}))


def measured(
    part: str, gallery: int, queries: int, build: float, seconds: float, held: float, recall: float | None
) -> Measured:
    """With the peak of this process up to now."""
    return Measured(
        part=part,
        gallery=gallery,
        queries=queries,
        build_s=build,
        search_s=seconds,
        data_mib=held,
        extra_mib=max(0.0, peak_mib() - held),
        recall=recall,
    )


def peak_mib() -> float:
    """Most memory that this process had resident."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MIB if sys.platform == "darwin" else 1024)


def resident_mib() -> float:
    """Memory resident now; the peak so far where the system does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak_mib()
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def alone(part: Callable[[int, int], Measured], gallery: int, queries: int, threads: int | None) -> Measured:
    """Run a part in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1, initializer=_limit, initargs=(threads,)) as pool:
        return pool.apply(part, (gallery, queries))


def _limit(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, help="blocks of 2,048 rows instead of the full galleries")
    parser.add_argument("--threads", type=int, help="of the arithmetic; all processors by default")
    parser.add_argument("--out", type=Path, default=Path("retrieval.json"), help="where the figures go, as JSON")
    options = parser.parse_args()

    small = None if options.iterations is None else 2048 * options.iterations
    work = [(evaluation, small or 14_860, 0), (exact, small or 1_000_000, 1000)]
    has_faiss = importlib.util.find_spec("faiss") is not None
    if has_faiss:
        work.append((approximate, small or 1_000_000, 1000))
    results = [alone(part, gallery, queries, options.threads) for part, gallery, queries in work]

    table = Table(
        "part", "queries", "gallery", "index built", "searched", "data in memory", "more at peak", "recall@10"
    )
    for one in results:
        table.add_row(
            one.part,
            f"{one.queries:,}",
            f"{one.gallery:,}",
            f"{one.build_s:.2f} s" if one.build_s else "",
            f"{one.search_s:.2f} s",
            f"{one.data_mib:,.0f} MiB",
            f"{one.extra_mib:,.0f} MiB",
            "exact" if one.recall is None else f"{one.recall:.3f}",
        )
    Console(width=120).print(table)
    figures: dict[str, Any] = {
        "settings": {"iterations": options.iterations, "threads": options.threads, "width": WIDTH, "k": NEAREST},
        "machine": machine(),
        "parts": [asdict(one) for one in results],
    }
    if has_faiss:
        exactly, indexed = (one.search_s for one in results[1:])
        figures["exact_over_faiss"] = exactly / indexed
        print(f"a search by faiss takes 1 / {exactly / indexed:.1f} of the exact one's time, its index not counted")
    else:
        print("faiss is not installed, so its part was left out: pip install 'birdsat[faiss]'")
    options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
