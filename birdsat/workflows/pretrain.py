"""From a recipe and a dataset to a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.taxa import TAXA_FILE, save_taxon_means, taxon_means
from birdsat.errors import about
from birdsat.progress import QUIET, Progress
from birdsat.recipes.ours import changed, with_frozen_chips
from birdsat.recipes.registry import recipe
from birdsat.settings import replaced
from birdsat.training import pretrain as training
from birdsat.training.config import RunConfig
from birdsat.training.manifest import RUN_FILE, Asked
from birdsat.training.pretrain import process_rank
from birdsat.training.run_folder import CARD_FILE, CONFIG_FILE, DATASET_FILE, MODEL_FILE, Run, is_finished
from birdsat.workflows.requests.training import PretrainRequest, TrainingOptions

_FILES = (CONFIG_FILE, DATASET_FILE, RUN_FILE, MODEL_FILE, CARD_FILE, TAXA_FILE)


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainResult:
    """A run that was trained."""

    run: Run
    leads: bool  # False in all but the first of several processes that train together

    @property
    def files(self) -> tuple[Path, ...]:
        """What a run is made of."""
        return tuple(path for name in _FILES if (path := self.run.path / name).is_file())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "run": str(self.run.path),
            "method": type(self.run.method).__name__,
            "files": list(map(str, self.files)),
        }


def pretrain(request: PretrainRequest, progress: Progress = QUIET) -> PretrainResult:
    """Train the recipe with the request's settings, and give each taxon its mean photo embedding."""
    config = run_config(request)
    run = train_and_name_taxa(
        config,
        Dataset(Path(request.dataset)),
        Path(request.run),
        resume=request.resume,
        asked=Asked(command=request.command("pretrain"), recipe=request.recipe),
        progress=progress,
    )
    return PretrainResult(run=run, leads=process_rank() == 0)


def run_config(request: PretrainRequest) -> RunConfig:
    """All settings that the request asks for: of a run that is resumed, on its own where no recipe is named."""
    own = Path(request.run) / CONFIG_FILE
    is_own = request.resume and not request.given("recipe") and own.is_file()
    config = recipe(str(own) if is_own else request.recipe)
    if request.freeze_chips:
        with about("freeze_chips"):
            config = with_frozen_chips(config)
    return with_options(changed(config, start_from=tuple(map(Path, request.start_from)) or None), request)


def with_options(config: RunConfig, options: TrainingOptions) -> RunConfig:
    """The run with the single settings of a request. Raises ConfigError for one that it cannot have."""
    for name in TrainingOptions.SHORTCUTS:
        with about(name):
            config = changed(config, **{name: getattr(options, name)})
    with about("set"):
        return replaced(config, options.set)


def train_and_name_taxa(
    config: RunConfig,
    dataset: Dataset,
    out: Path,
    *,
    resume: bool = False,
    asked: Asked | None = None,
    progress: Progress = QUIET,
) -> Run:
    """Train, then embed the train split once more to give each taxon its mean photo embedding for maps.

    Of several processes that train together, the first does the second half alone.
    """
    if config.method.chips_are_frozen and not config.start_from and process_rank() == 0:
        progress.note("the chip encoder is frozen at random weights; start from a run that has learned ones.")
    was_done = resume and is_finished(out, config) and (out / TAXA_FILE).is_file()
    run = training.pretrain(config, dataset, out, resume=resume, asked=asked, progress=progress)
    if process_rank() == 0 and run.method.sees_photos and not was_done:
        table = embed_split(run, dataset, "train", workers=config.workers, progress=progress)
        save_taxon_means(taxon_means(table), run.path)
    return run
