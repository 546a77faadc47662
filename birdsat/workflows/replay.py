"""A run made again, as its run.json says it was made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from birdsat.dataset.row_groups import Dataset
from birdsat.errors import CheckpointError, ConfigError
from birdsat.methods.classifier import Classifier
from birdsat.progress import QUIET, Progress
from birdsat.recipes.registry import recipe
from birdsat.tasks.finetuned import evaluate_run
from birdsat.training.config import RunConfig
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.manifest import Asked, RunManifest, load_run_manifest, this_session
from birdsat.training.pretrain import process_rank
from birdsat.training.run_folder import CONFIG_FILE, MODEL_FILE, Run, load_run
from birdsat.workflows.classify import write_classification
from birdsat.workflows.pretrain import train_and_name_taxa
from birdsat.workflows.requests.training import ReplayRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayResult:
    """A run that was made again."""

    run: Run
    original: Path
    same: bool | None  # whether it has the original's weights, bit for bit; None: the original was never finished
    leads: bool  # False in all but the first of several processes that train together

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"run": str(self.run.path), "original": str(self.original), "same": self.same}


def replay(request: ReplayRequest, progress: Progress = QUIET) -> ReplayResult:
    """Train again with a run's settings on its dataset, and compare the weights.

    Raises CheckpointError for a run that does not say how it was made, DatasetError where its dataset is not there, and
    ConfigError where the dataset, or a run that it started from, is another than then.
    """
    original, out = Path(request.run), Path(request.out)
    manifest = load_run_manifest(original)
    folder = Path(request.dataset or manifest.dataset.folder)
    if request.dataset is None and not folder.is_dir():
        built = f"; it was built by `{manifest.dataset.command}`" if manifest.dataset.command else ""
        raise ConfigError(
            f"the dataset that {original} learned from is not at {folder} any more; say where it is{built}.",
            settings=("dataset",),
        )
    dataset = Dataset(folder)
    _check_dataset(original, manifest, dataset, request, progress)
    config = recipe(str(original / CONFIG_FILE))
    config = replace(config, start_from=_starts(original, manifest, request, progress))
    _note_what_differs(original, manifest, config, progress)
    asked = Asked(command=request.command("replay"), recipe=manifest.recipe)
    run = train_and_name_taxa(config, dataset, out, resume=request.resume, asked=asked, progress=progress)
    if process_rank() == 0 and isinstance(run.method, Classifier) and dataset.rows("test"):  # fits its temperature
        report = evaluate_run(run, dataset, workers=config.workers, progress=progress)
        write_classification(report, dataset, run.path)
    same = None
    if (original / MODEL_FILE).is_file():
        same = model_fingerprint(load_run(original)) == model_fingerprint(run)
    return ReplayResult(run=run, original=original, same=same, leads=process_rank() == 0)


def _check_dataset(
    original: Path, manifest: RunManifest, dataset: Dataset, request: ReplayRequest, progress: Progress
) -> None:
    """Refuse another dataset, or note it where that is allowed."""
    if (found := dataset.manifest.fingerprint) == (wanted := manifest.dataset.fingerprint):
        return
    said = (
        f"{dataset.folder} is not the dataset that {original} learned from: its fingerprint is {found[:16]}, and "
        f"{manifest.dataset.title!r} had {wanted[:16]}"
    )
    if not request.other_data:
        raise ConfigError(f"{said}; give that one, or allow another.", settings=("dataset", "other_data"))
    progress.note(f"{said}. The weights will be others.")


def _starts(original: Path, manifest: RunManifest, request: ReplayRequest, progress: Progress) -> tuple[Path, ...]:
    """The runs to start from, where they are today."""
    before = manifest.started_from
    given: Sequence[Path] = tuple(map(Path, request.start_from)) or tuple(Path(one.run) for one in before)
    if len(given) != len(before):
        raise ConfigError(
            f"{original} started from {len(before)} run(s), and {len(given)} are given; give one for each, in order.",
            settings=("start_from",),
        )
    for path, one in zip(given, before, strict=True):
        try:
            found = model_fingerprint(load_run(path))
        except CheckpointError as error:
            raise ConfigError(
                f"the run that {original} started from cannot be read: {error}", settings=("start_from",)
            ) from error
        if found != one.fingerprint:
            said = f"{original} started from weights {one.fingerprint}, and {path} has {found}"
            if not request.other_data:
                raise ConfigError(
                    f"{said}; give the run as it was, or allow other data.", settings=("start_from", "other_data")
                )
            progress.note(f"{said}. The weights will be others.")
    return tuple(given)


def _note_what_differs(original: Path, manifest: RunManifest, config: RunConfig, progress: Progress) -> None:
    if not manifest.is_whole:
        progress.note(
            f"{original} was trained in {len(manifest.sessions)} sessions, of which the first is not known or "
            "asked for other steps: made again in one go, it may end with other weights."
        )
    now, then = this_session(Asked(), config, resumed=False).versions(), manifest.sessions[-1].versions()
    others = [f"{name} {then[name]} (now {now[name]})" for name in now if now[name] != then[name]]
    if others:
        progress.note(f"{original} was trained with {', '.join(others)}: the weights may differ in their last digits.")
