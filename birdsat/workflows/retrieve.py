"""Photos by their chips and chips by their photos: search, rank again, figures and a picture in the run's folder."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.stored_images import store_images
from birdsat.embeddings.embed import check_ground, embed_split
from birdsat.embeddings.search import is_exact
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError
from birdsat.files import temporary_folder, write_atomic
from birdsat.pictures.map_picture import save_png
from birdsat.pictures.neighbours import Answered, cards, draw_neighbours, of_several_labels
from birdsat.progress import QUIET, Progress
from birdsat.tasks.rerank import PairMatcher
from birdsat.tasks.retrieve import first_answers, searchable_rows
from birdsat.tasks.retrieve import retrieve as search_both_ways
from birdsat.tasks.retrieve_report import PROTOCOLS, Direction, RetrieveReport
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.requests.tasks import RetrieveRequest

FIGURES_FILE, PICTURE_FILE = "retrieve.json", "retrieve.png"
SHOWN_QUERIES, SHOWN_ANSWERS = 4, 5


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrieveResult:
    """What was found in the test split, and where it is written."""

    report: RetrieveReport
    folder: Path  # of the run, which holds the figures and a picture
    reranked_by: str | None  # name of the run that ranked the first answers again

    @property
    def files(self) -> tuple[Path, ...]:
        """Figures and picture."""
        return self.folder / FIGURES_FILE, self.folder / PICTURE_FILE

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.report.to_dict() | {"reranked_by": self.reranked_by}


def retrieve(request: RetrieveRequest, progress: Progress = QUIET) -> RetrieveResult:
    """Search the test split, and write figures and a picture into the run's folder.

    A run that ranks again has its images decoded once into a temporary folder (3 bytes a pixel). See `tasks.retrieve`
    for the rest. Raises ConfigError when that run matches no pairs, or for settings that cannot work.
    """
    run, dataset, rules = load_run(Path(request.run)), Dataset(Path(request.dataset)), PROTOCOLS[request.protocol]
    is_exact(dataset.rows("test"), request.search)  # before the work: raises where faiss is needed and absent
    other = None if request.rerank is None else _matching_run(Path(request.rerank), run, dataset)
    table = embed_split(run, dataset, "test", workers=request.workers, progress=progress)
    with _matcher(other, dataset, table, request.workers, progress) as matcher:
        report = search_both_ways(
            table,
            protocol=rules,
            matcher=matcher,
            shortlist=request.shortlist,
            queries=request.queries,
            how=request.search,
        )
        panels = []
        for number, direction in enumerate(rules.directions):
            length = request.shortlist or rules.shortlist
            panels.append((direction, _answered(run, dataset, table, direction, number, matcher, length)))
    words = f"{dataset.manifest.title}, test split; queries drawn at random; {_order(report, run, other)}"
    result = RetrieveResult(report=report, folder=run.path, reranked_by=None if other is None else other.path.name)
    save_png(draw_neighbours(panels, subtitle=words), run.path / PICTURE_FILE)
    write_atomic(run.path / FIGURES_FILE, json.dumps(result.to_dict(), indent=2) + "\n")
    return result


def _matching_run(folder: Path, run: Run, dataset: Dataset) -> Run:
    other = run if folder.resolve() == run.path.resolve() else load_run(folder)
    if not other.method.matches_pairs:
        raise ConfigError(
            f"{folder} holds a {type(other.method).__name__}, which matches no pairs of photo and chip; rank again "
            "with a run of cvm_mae.",
            settings=("rerank",),
        )
    check_ground(other, dataset)
    return other


@contextmanager
def _matcher(
    run: Run | None, dataset: Dataset, table: EmbeddingTable, workers: int, progress: Progress
) -> Iterator[PairMatcher | None]:
    """The run's method with the images of the rows that can be searched, which are gone afterwards."""
    if run is None:
        yield None
        return
    rows = searchable_rows(table)
    with temporary_folder(Path(tempfile.gettempdir()) / "birdsat-images") as folder:
        images = store_images(
            dataset,
            "test",
            rows,
            folder,
            photo_px=run.photo_px,
            chip_px=run.chip_px,
            workers=workers,
            progress=progress,
        )
        yield PairMatcher(
            method=run.method,
            images=images,
            lon_lat=table.lon_lat[rows],
            year_fraction=table.year_fraction[rows],
            progress=progress,
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
