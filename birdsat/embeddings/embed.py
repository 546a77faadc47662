"""Run a method over a split once, and keep the unit vectors."""

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.dataset.batch import Batch
from birdsat.dataset.read import RowFacts, read_split, row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.inference import inference
from birdsat.embeddings.table import EmbeddingTable, join
from birdsat.errors import ConfigError, DatasetError
from birdsat.imagery.ground_sizes import sizes_text
from birdsat.methods.method import Method
from birdsat.observations.observation import Split
from birdsat.progress import QUIET, Progress
from birdsat.training.run_folder import Run


def embed_split(
    run: Run,
    dataset: Dataset,
    split: Split,
    *,
    batch_size: int = 256,
    workers: int = 0,
    progress: Progress = QUIET,
) -> EmbeddingTable:
    """Embed every row of `split` by a run; each photo and each chip goes through its encoder once.

    The chip embeddings with and without place and date share that one pass. Raises DatasetError when the split is
    empty, ConfigError as `check_ground`.
    """
    return join(list(embed_blocks(run, dataset, split, batch_size=batch_size, workers=workers, progress=progress)))


def embed_blocks(
    run: Run,
    dataset: Dataset,
    split: Split,
    *,
    batch_size: int = 256,
    workers: int = 0,
    progress: Progress = QUIET,
) -> Iterator[EmbeddingTable]:
    """`embed_split` one batch at a time, in file order, so that memory stays flat."""
    check_ground(run, dataset)
    rows = dataset.rows(split)
    if rows == 0:
        raise DatasetError(
            f"split {split!r} of the dataset has no rows; take another split, or build the dataset with one."
        )
    batches = read_split(
        dataset, split, batch_size=batch_size, photo_px=run.photo_px, chip_px=run.chip_px, workers=workers
    )
    with progress.bar(f"embedding {split}", rows) as bar:
        for block in embed_batches(run.method, batches, row_facts(dataset, split), dataset.taxa):
            bar.advance(len(block))
            yield block


def check_ground(run: Run, dataset: Dataset) -> None:
    """Raises ConfigError when the run sees chips and those of the dataset show a size of ground it did not learn."""
    learned, given = run.dataset.chip_ground_km, dataset.manifest.chip_ground_km
    if not run.method.sees_chips or not learned or not given:
        return
    if not all(any(math.isclose(one, size) for one in learned) for size in given):
        raise ConfigError(
            f"{run.path} learned from chips of {sizes_text(learned)}, and those of {dataset.folder} show "
            f"{sizes_text(given)}; build the dataset with chips of {sizes_text(learned)}, or take a run that was "
            f"trained on chips of {sizes_text(given)}."
        )


def embed_batches(
    method: Method,
    batches: Iterable[Batch],
    facts: RowFacts,
    taxa: Sequence[str],
    *,
    device: torch.device | str | None = None,
) -> Iterator[EmbeddingTable]:
    """One table for each batch. facts: of all rows of the split, found by `Batch.row`."""
    for batch in batches:
        with inference(method, device) as where:
            sent = batch.to(where, non_blocking=True)
            photo = chip = chip_alone = None
            if method.sees_photos:
                photo = _blank(method.embed_photo(sent.photo), sent.has_photo)
            if method.sees_chips:
                features = method.encode_chip(sent.chip)
                chip_alone = chip = _chips(method, features, sent.without_metadata())
                if method.uses_metadata:
                    chip = _chips(method, features, sent)
        if photo is None:
            assert chip is not None
            photo = np.full_like(chip, math.nan)
        rows = batch.row.numpy()
        yield EmbeddingTable(
            taxa=tuple(taxa),
            ids=tuple(facts.ids[row] for row in rows.tolist()),
            labels=facts.label[rows],
            lon_lat=facts.lon_lat[rows],
            year_fraction=facts.year_fraction[rows],
            photo=photo,
            chip=chip,
            chip_without_metadata=chip_alone,
        )


def _chips(method: Method, features: Tensor, batch: Batch) -> NDArray[np.float32]:
    return _blank(method.embed_chip(features, batch.lon_lat, batch.year_fraction), batch.has_chip)


def _blank(vectors: Tensor, present: Tensor) -> NDArray[np.float32]:
    """Rows of what is not there become NaN, so that no one takes them for embeddings."""
    kept: NDArray[np.float32] = torch.where(present[:, None], vectors.float(), math.nan).cpu().numpy()
    return kept
