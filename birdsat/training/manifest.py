"""How a run was made, by which it can be made again: its run.json, written before the first step."""

import platform
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import torch

from birdsat import config as config_files
from birdsat.dataset.manifest import Count
from birdsat.dataset.row_groups import Dataset
from birdsat.engine.device import pick_device
from birdsat.errors import CheckpointError, ConfigError, InputError, NewerFormatError, newer
from birdsat.observations.taxonomy import Taxon
from birdsat.training.config import RunConfig
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import CONFIG_FILE, load_run

RUN_FILE = "run.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What asked for a training."""

    command: str = ""  # the command line; "": a program did
    recipe: str = ""  # its name or file; "": the settings are a program's own


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One start of a training. A run that was never stopped has one."""

    command: str  # the command line that asked for it; "": a program did
    resumed: bool  # went on from a checkpoint
    steps: int  # asked for in all
    birdsat: str  # versions
    torch: str
    python: str
    system: str  # such as Linux x86_64
    device: str  # cpu, or the name of the first GPU

    def versions(self) -> dict[str, str]:
        """What other weights may come of, by what it is called."""
        names = ("birdsat", "torch", "python", "system", "device")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True, slots=True)
class StartedFrom:
    """A run whose weights were the first ones."""

    run: str  # its folder, as it was given
    fingerprint: str  # of its weights, as of `model_fingerprint`


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedFrom:
    """The dataset, as a model that leaves its data behind is to remember it."""

    folder: str  # as it was given
    title: str
    fingerprint: str
    command: str  # that built it
    completeness: str
    sources: tuple[str, ...]
    licence: str  # of the dataset as a whole
    licences: tuple[Count, ...]  # of its rows
    named_by: str  # the list that taxa are named by, with its version; "": as the sources have them
    taxa: tuple[Taxon, ...]  # by label


@dataclass(frozen=True, kw_only=True, slots=True)
class RunManifest:
    """All that a run is made of beside its settings (config.json): made again from it, it has the same weights."""

    schema_version: int = SCHEMA_VERSION
    recipe: str
    sessions: tuple[Session, ...]
    dataset: LearnedFrom
    started_from: tuple[StartedFrom, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the first session is known, and the later ones asked for as many steps: what makes it again in one
        go ends with the same weights."""
        return not self.sessions[0].resumed and len({session.steps for session in self.sessions}) == 1


def this_session(asked: Asked, config: RunConfig, *, resumed: bool) -> Session:
    """A session that begins here and now."""
    device = pick_device()
    return Session(
        command=asked.command,
        resumed=resumed,
        steps=config.steps,
        birdsat=version("birdsat"),
        torch=str(torch.__version__),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        device=torch.cuda.get_device_name() if device.type == "cuda" else device.type,
    )


def write_run_manifest(out: Path, asked: Asked, config: RunConfig, dataset: Dataset, *, resumed: bool) -> None:
    """Write run.json, or add a session to the one of a run that goes on.

    A damaged one, as of a run that an earlier birdsat began, begins anew: its first session says that it was resumed.
    """
    session = this_session(asked, config, resumed=resumed)
    if resumed:
        with suppress(CheckpointError):
            before = load_run_manifest(out)
            manifest = replace(before, sessions=(*before.sessions, session))
            config_files.save(manifest, out / RUN_FILE)
            return
    config_files.save(
        RunManifest(
            recipe=asked.recipe,
            sessions=(session,),
            dataset=learned_from(dataset),
            started_from=tuple(
                StartedFrom(run=str(run), fingerprint=model_fingerprint(load_run(run))) for run in config.start_from
            ),
        ),
        out / RUN_FILE,
    )


def learned_from(dataset: Dataset) -> LearnedFrom:
    """What is remembered of a dataset."""
    manifest = dataset.manifest
    return LearnedFrom(
        folder=str(dataset.folder),
        title=manifest.title,
        fingerprint=manifest.fingerprint,
        command=manifest.command,
        completeness=manifest.completeness,
        sources=manifest.sources,
        licence=manifest.licence,
        licences=manifest.licences,
        named_by=manifest.named_by,
        taxa=manifest.taxa,
    )


def load_run_manifest(run: Path) -> RunManifest:
    """Read what `write_run_manifest` wrote.

    Raises CheckpointError where there is none, as in runs of an earlier birdsat, and where it is damaged or newer.
    """
    path = run / RUN_FILE
    remedy = f"`birdsat pretrain DATASET NEW --recipe {run / CONFIG_FILE}` trains with its settings"
    if not path.is_file():
        raise CheckpointError(
            f"{run} does not say how it was made: it has no {RUN_FILE}, as of an earlier birdsat; {remedy}."
        )
    try:
        manifest = config_files.load(RunManifest, path, schema=SCHEMA_VERSION)
    except NewerFormatError as error:
        raise CheckpointError(newer(path, error, "train the run again")) from error
    except (ConfigError, InputError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error} Restore it; {remedy}.") from error
    if not manifest.sessions:
        raise CheckpointError(f"{path} is damaged: it has no session. Restore it; {remedy}.")
    return manifest
