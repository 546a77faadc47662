"""What `birdsat retrieve` does: embed, search, rank again, and leave figures and a picture in the run."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.stored_images import store_images
from birdsat.embeddings.search import Search, is_exact
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError
from birdsat.files import write_atomic
from birdsat.pictures.map_picture import save_png
from birdsat.pictures.neighbours import Answered, cards, draw_neighbours, of_several_labels
from birdsat.progress import QUIET
from birdsat.tasks.rerank import PairMatcher
from birdsat.tasks.retrieve import first_answers, retrieve, searchable_rows
from birdsat.tasks.retrieve_report import PROTOCOLS, Direction, RetrieveReport
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.verbs import check_ground, embed_rows

SHOWN_QUERIES, SHOWN_ANSWERS = 4, 5


def retrieve_dataset(
    run_folder: Path,
    dataset_folder: Path,
    *,
    rerank: Path | None = None,
    shortlist: int | None = None,
    protocol: str = "ours",
    queries: int | None = None,
    how: Search = "auto",
    workers: int = 0,
) -> RetrieveReport:
    """Search the test split; written to RUN/retrieve.json and drawn in RUN/retrieve.png.

    rerank: run of a method that matches pairs, which may be the same run; it puts the first `shortlist` answers in
    its own order. Its images are decoded once into a temporary folder (3 bytes a pixel). See `tasks.retrieve` for the
    rest. Raises ConfigError when the run matches no pairs, or for settings that cannot work.
    """
    run, dataset, rules = load_run(run_folder), Dataset(dataset_folder), PROTOCOLS[protocol]
    if shortlist is not None and rerank is None:
        raise ConfigError(f"--shortlist {shortlist} needs a run that ranks it again; name one with --rerank.")
    is_exact(dataset.rows("test"), how)  # before the work: raises where faiss is needed and absent
    other = None if rerank is None else _matching_run(rerank, run, dataset)
    table = embed_rows(run, dataset, "test", workers=workers)
    with _matcher(other, dataset, table, workers) as matcher:
        report = retrieve(table, protocol=rules, matcher=matcher, shortlist=shortlist, queries=queries, how=how)
        panels = []
        for number, direction in enumerate(rules.directions):
            length = shortlist or rules.shortlist
            panels.append((direction, _answered(run, dataset, table, direction, number, matcher, length)))
    words = f"{dataset.manifest.title}, test split; queries drawn at random; {_order(report, run, other)}"
    save_png(draw_neighbours(panels, subtitle=words), run_folder / "retrieve.png")
    write_atomic(run_folder / "retrieve.json", json.dumps(_figures(report, rerank), indent=2) + "\n")
    return report


def _matching_run(folder: Path, run: Run, dataset: Dataset) -> Run:
    other = run if folder.resolve() == run.path.resolve() else load_run(folder)
    if not other.method.matches_pairs:
        raise ConfigError(
            f"{folder} holds a {type(other.method).__name__}, which matches no pairs of photo and chip; give --rerank "
            "a run of cvm_mae."
        )
    check_ground(other, dataset)
    return other


@contextmanager
def _matcher(run: Run | None, dataset: Dataset, table: EmbeddingTable, workers: int) -> Iterator[PairMatcher | None]:
    """The run's method with the images of the rows that can be searched, which are gone afterwards."""
    if run is None:
        yield None
        return
    rows = searchable_rows(table)
    with tempfile.TemporaryDirectory(prefix="birdsat-images-") as folder:
        images = store_images(
            dataset,
            "test",
            rows,
            Path(folder),
            photo_px=run.photo_px,
            chip_px=run.chip_px,
            workers=workers,
            progress=QUIET,
        )
        yield PairMatcher(
            method=run.method,
            images=images,
            lon_lat=table.lon_lat[rows],
            year_fraction=table.year_fraction[rows],
            progress=QUIET,
        )


def _answered(
    run: Run,
    dataset: Dataset,
    table: EmbeddingTable,
    direction: Direction,
    seed: int,
    matcher: PairMatcher | None,
    shortlist: int,
) -> list[Answered]:
    """Queries of several taxa with their first answers, by all that the runs know."""
    rows = searchable_rows(table)
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    own = np.array(of_several_labels(order, table.labels[rows], SHOWN_QUERIES))
    answers = first_answers(
        table, own, direction, SHOWN_ANSWERS, with_metadata=True, matcher=matcher, shortlist=shortlist
    )
    shown = [*rows[own].tolist(), *rows[answers].reshape(-1).tolist()]
    made = cards(dataset, "test", shown, photo_px=run.photo_px, chip_px=run.chip_px)
    asks, gives = (0, 1) if direction == "photo to chip" else (1, 0)
    return [
        Answered(query=made[query][asks], answers=tuple(made[row][gives] for row in line))
        for query, line in zip(rows[own].tolist(), rows[answers].tolist(), strict=True)
    ]


def _order(report: RetrieveReport, run: Run, other: Run | None) -> str:
    by = f"nearest by {run.path.name}"
    return by if other is None else f"first {report.shortlist:,} {by}, in the order of {other.path.name}"


def _figures(report: RetrieveReport, rerank: Path | None) -> dict[str, object]:
    return report.to_dict() | {"reranked_by": None if rerank is None else rerank.name}
