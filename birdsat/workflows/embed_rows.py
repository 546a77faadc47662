"""Every row of a dataset's split through a run's method."""

import math

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError
from birdsat.imagery.ground_sizes import sizes_text
from birdsat.observations.observation import Split
from birdsat.progress import QUIET, Progress
from birdsat.training.run_folder import Run


def embed_rows(
    run: Run, dataset: Dataset, split: Split, *, workers: int = 0, progress: Progress = QUIET
) -> EmbeddingTable:
    """Every row of a split through the run's method.

    Raises ConfigError when the method sees chips and those of the dataset show another size of ground.
    """
    check_ground(run, dataset)
    return embed_split(
        run.method,
        dataset,
        split,
        photo_px=run.photo_px,
        chip_px=run.chip_px,
        workers=workers,
        progress=progress,
    )


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
