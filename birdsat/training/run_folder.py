"""The folder of a training run: what lies where, and how it is read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from birdsat import config as config_files
from birdsat.dataset.manifest import Manifest
from birdsat.encoders.positions import POSITIONS, resized_positions
from birdsat.errors import (
    BirdsatError,
    CheckpointError,
    ConfigError,
    InputError,
    NewerFormatError,
    newer,
    not_a,
    some_of,
)
from birdsat.files import atomic_path
from birdsat.imagery.ground_sizes import GroundSizes
from birdsat.imagery.photos import RGB
from birdsat.locks import is_unused
from birdsat.methods.classifier import Classifier
from birdsat.methods.method import Method, MethodSettings
from birdsat.progress import QUIET, Progress
from birdsat.reading import in_place_of, read_json
from birdsat.training.config import RunConfig
from birdsat.training.resuming import check_same, saved_steps
from birdsat.training.sizes import refuse_other_sizes

CONFIG_FILE = "config.json"
DATASET_FILE = "dataset.json"
MODEL_FILE = "model.safetensors"  # written last: a folder that has it is complete
CARD_FILE = "README.md"
CHECKPOINTS_FOLDER = "checkpoints"
LAST_CHECKPOINT = f"{CHECKPOINTS_FOLDER}/last.ckpt"
BEST_WEIGHTS = f"{CHECKPOINTS_FOLDER}/best.safetensors"
Form = tuple[tuple[int, ...], str]  # shape and type of a tensor, the type as safetensors writes it
_RESTORE = "Restore the file, or train the run again."
_TYPES = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetFacts:
    """What is worth knowing of the dataset that a run was trained on; saved as the run's dataset.json."""

    title: str
    licence: str
    fingerprint: str  # of the dataset's rows and the settings it was built with
    train_rows: int
    val_rows: int
    taxa: tuple[str, ...]  # names, sorted; a label is an index into them
    photo_mean: RGB | None  # over train, 0..1 scale
    photo_std: RGB | None
    chip_mean: RGB | None
    chip_std: RGB | None
    chip_px: int | None  # as stored; None: without chips
    chip_ground_km: GroundSizes  # sides of chips on the ground; (): without chips, or not known


def dataset_facts(manifest: Manifest) -> DatasetFacts:
    """The facts of a dataset."""
    return DatasetFacts(
        title=manifest.title,
        licence=manifest.licence,
        fingerprint=manifest.fingerprint,
        train_rows=manifest.rows("train"),
        val_rows=manifest.rows("val"),
        taxa=tuple(taxon.name for taxon in manifest.taxa),
        photo_mean=manifest.photo_mean,
        photo_std=manifest.photo_std,
        chip_mean=manifest.chip_mean,
        chip_std=manifest.chip_std,
        chip_px=manifest.chip_px,
        chip_ground_km=manifest.chip_ground_km,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A finished training run."""

    path: Path
    config: RunConfig = field(repr=False)
    dataset: DatasetFacts = field(repr=False)
    method: Method = field(repr=False)  # in eval mode, on the CPU
    # The method's settings as config.json has them, by their names of then.
    written: Mapping[str, Any] | None = field(default=None, repr=False)
    called: str = ""  # what people are told in place of its folder's name

    @property
    def name(self) -> str:
        """For people: what it is called, or its folder."""
        return self.called or self.path.name

    @property
    def taxa(self) -> tuple[str, ...]:
        """Names of the taxa of the dataset it was trained on; a label is an index into them."""
        return self.dataset.taxa

    @property
    def chip_ground_km(self) -> tuple[float, ...]:
        """Sides of the chips on the ground that it learned from, kilometres, from small to large.

        A place is encoded at every one of them. Raises CheckpointError when it was trained without chips.
        """
        if not self.dataset.chip_ground_km:
            raise CheckpointError(
                f"{self.path} was trained on a dataset without chips, so it says nothing of satellite images; "
                "use a run of cve_mae on a dataset with chips."
            )
        return self.dataset.chip_ground_km

    @property
    def chip_px(self) -> int:
        """Side in pixels of the chips the method sees."""
        return self.config.views.chip_px

    @property
    def photo_px(self) -> int:
        """Side in pixels of the photos the method sees."""
        return self.config.views.photo_px


def load_run(path: Path) -> Run:
    """Read a finished run. Reads no pickled data.

    Raises CheckpointError when the folder is not a run, is unfinished or damaged, or when the weights are not
    those of the method that config.json describes.
    """
    if not (path / CONFIG_FILE).is_file():
        raise CheckpointError(f"{not_a('training run', path, CONFIG_FILE)} Train one with `birdsat pretrain`.")
    if not (path / MODEL_FILE).is_file():
        remedy = (
            "resume it with `birdsat pretrain`"
            if (path / LAST_CHECKPOINT).is_file()
            else "train it again with `birdsat pretrain`, or restore the file"
        )
        raise CheckpointError(f"{path} is unfinished: it has no {MODEL_FILE}; {remedy}.")
    try:
        config = config_files.load(RunConfig, path / CONFIG_FILE)
        written = read_json(path / CONFIG_FILE)["method"]
        facts = config_files.load(DatasetFacts, path / DATASET_FILE)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} has no {DATASET_FILE}; restore it, or train the run again.") from error
    except NewerFormatError as error:
        raise CheckpointError(newer(path, error, "train the run again")) from error
    except ConfigError as error:
        raise CheckpointError(f"{path} is damaged: {error} Restore it, or train the run again.") from error
    method = _built(config.method, path / MODEL_FILE)
    load_weights(method, path / MODEL_FILE)
    return Run(path=path, config=config, dataset=facts, method=method.eval(), written=written)


def _built(settings: MethodSettings, weights: Path) -> Method:
    """The method, whose sizes are those of the weights: settings of damage could ask for more than there is memory.

    Raises CheckpointError where they are not.
    """
    forms = _forms(weights)
    try:
        refuse_other_sizes(config_files.to_dict(settings), (shape for shape, _ in forms.values()))
        with torch.random.fork_rng(devices=[]):
            return settings.build()
    except (BirdsatError, RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        said = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"{weights.parent / CONFIG_FILE} asks for a model that cannot be ({said}). {_RESTORE}"
        ) from error


def save_weights(method: nn.Module, path: Path, facts: dict[str, str]) -> None:
    """Write the weights as safetensors with `facts` as their metadata, whole or not at all."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in method.state_dict().items()}
    # Not save_file: it makes files that only their owner may read.
    data = save(tensors, metadata={"format": "pt"} | facts)
    with atomic_path(path) as partial, partial.open("wb") as file:
        for piece in _in_order(data):
            file.write(piece)


def _in_order(data: bytes) -> tuple[bytes, memoryview]:
    """A safetensors file with its facts in the order of their names: the library writes them in one drawn anew by each
    process, and equal weights should be equal bytes."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers stay aligned
    return len(text).to_bytes(8, "little") + text, memoryview(data)[8 + size :]


def replace_weights(method: nn.Module, path: Path) -> None:
    """Write other weights of the same method over a file that `save_weights` wrote, and keep its facts."""
    with safe_open(path, framework="pt", device="cpu") as file:
        facts: dict[str, str] = file.metadata() or {}
    save_weights(method, path, facts)


def load_weights(method: nn.Module, path: Path) -> None:
    """Fill `method` from what `save_weights` wrote.

    Raises CheckpointError when the file is damaged or its tensors are not the method's by name, size and type.
    """
    if mistaken := in_place_of(path):
        raise CheckpointError(f"{path} does not hold weights: {mistaken}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as safetensors ({error}). {_RESTORE}") from error
    _refuse_other_forms(method, {name: (tuple(got.shape), _type(got)) for name, got in tensors.items()}, path)
    method.load_state_dict(tensors)


def _forms(path: Path) -> dict[str, Form]:
    """Shape and type of each tensor of a safetensors file. Raises CheckpointError where it cannot be read."""
    if mistaken := in_place_of(path):
        raise CheckpointError(f"{path} does not hold weights: {mistaken}")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            pieces = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {name: (tuple(one.get_shape()), str(one.get_dtype())) for name, one in pieces.items()}
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as safetensors ({error}). {_RESTORE}") from error


def _refuse_other_forms(method: nn.Module, given: Mapping[str, Form], path: Path) -> None:
    """Raise CheckpointError where tensors are not the method's by name, size and type."""
    wanted = method.state_dict()
    missing, unknown = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    kind = type(method).__name__
    if missing or unknown:
        found = [f"lacks {some_of(missing)}" if missing else "", f"has unknown {some_of(unknown)}" if unknown else ""]
        raise CheckpointError(
            f"{path} holds another model than the {kind} in {CONFIG_FILE}: it {' and '.join(filter(None, found))}. "
            f"{_RESTORE}"
        )
    for name, value in wanted.items():
        asked = tuple(value.shape), _type(value)
        if given[name] != asked:
            raise CheckpointError(
                f"{path} holds a {kind} of another size: {name} is {_words(given[name])}, but {CONFIG_FILE} asks for "
                f"{_words(asked)}. {_RESTORE}"
            )


def start_from(method: Method, run: Path) -> None:
    """Give `method` the weights of another run, tensor by tensor where names and sizes are the same.

    Encoders that see the same kind of image give theirs even where the two methods differ: `mae` on chips to the chip
    encoder of `cve_mae`. Learned positions are interpolated when the image size differs. A classifier's backbone gives
    and takes as a method on its own does; its head goes to a classifier of the same taxa. Raises CheckpointError when
    the run cannot be read, or when nothing in it fits an encoder.
    """
    given = load_run(run).method
    if isinstance(method, Classifier):
        if isinstance(given, Classifier) and given.config.taxa == method.config.taxa:
            _take_head(method, given)
        method = method.backbone
    given = given.backbone if isinstance(given, Classifier) else given
    fitting = _fitting(method.state_dict(), given.state_dict()) if type(given) is type(method) else {}
    method.load_state_dict(fitting, strict=False)
    givers, shared = given.encoders(), 0
    for image, encoder in method.encoders().items():
        if image in givers:
            fitting = _fitting(encoder.state_dict(), givers[image].state_dict())
            encoder.load_state_dict(fitting, strict=False)
            shared += len(fitting)
    if shared == 0:
        raise CheckpointError(
            f"{run} has no tensor that fits an encoder of this {type(method).__name__}; start from a run of the same "
            "width, depth and patch size that sees the same images."
        )
    if type(given) is not type(method):
        method.align_copies()


def _take_head(method: Classifier, given: Classifier) -> None:
    head, other = method.head.state_dict(), given.head.state_dict()
    if _fitting(head, other).keys() == head.keys():  # other inputs make another head, of which no part is of use
        method.head.load_state_dict(other)


def _fitting(wanted: dict[str, torch.Tensor], given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What is given under a wanted name and in its size; positions are interpolated to it."""
    fitting = {}
    for name, value in given.items():
        if name not in wanted:
            continue
        if name.split(".")[-1].startswith(POSITIONS) and value.shape[1:] == wanted[name].shape[1:]:
            value = resized_positions(value, len(wanted[name]))
        if value.shape == wanted[name].shape:
            fitting[name] = value
    return fitting


def check_checkpoint(path: Path) -> None:
    """Raises CheckpointError when the checkpoint cannot be read whole."""
    try:
        # Tensors are left in the file; a file that was cut short fails all the same.
        torch.load(path, map_location="meta", weights_only=True, mmap=True)
    except Exception as error:  # damaged bytes are answered with almost any exception
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read ({reason}). Restore it, or train the run again in another folder."
        ) from error


def _type(tensor: torch.Tensor) -> str:
    """As safetensors writes it."""
    return _TYPES.get(tensor.dtype, str(tensor.dtype))


def _words(form: Form) -> str:
    shape, kind = form
    named = {name: str(dtype).removeprefix("torch.") for dtype, name in _TYPES.items()}
    return f"{'x'.join(map(str, shape)) or 'a scalar'} of {named.get(kind, kind)}"


def prepare_folder(
    path: Path, config: RunConfig, facts: DatasetFacts, *, resume: bool, progress: Progress = QUIET
) -> None:
    """Make the run's folder, or check that it is the one to resume. A run without a checkpoint starts again.

    A run that is to go on keeps the settings it goes on with in config.json; a finished one whose steps have grown is
    unfinished from then on. Raises ConfigError when it holds something already that is not to be resumed, a run with
    other settings, or one that is to grow and has no checkpoint.
    """
    if not _is_run(path) and not is_unused(path):
        raise ConfigError(f"{path} holds something that is not a training run; choose another folder.")
    has_checkpoint, is_whole = (path / LAST_CHECKPOINT).is_file(), (path / MODEL_FILE).is_file()
    if not has_checkpoint and not is_whole:
        path.mkdir(parents=True, exist_ok=True)
        config_files.save(config, path / CONFIG_FILE)  # first: by it the folder is known as a run's, if we are killed
        config_files.save(facts, path / DATASET_FILE)
        (path / CHECKPOINTS_FOLDER).mkdir(exist_ok=True)
        return
    if not resume:
        state = "a finished" if is_whole else "an unfinished"
        raise ConfigError(
            f"{path} holds {state} training run already; resume it, or choose another folder.", settings=("resume",)
        )
    check_same(path / DATASET_FILE, facts)
    unchanged = check_same(path / CONFIG_FILE, config)
    if unchanged or is_finished(path, config):
        return
    if (before := saved_steps(path / CONFIG_FILE)) < config.steps:
        if not has_checkpoint:
            raise ConfigError(
                f"{path} was trained for {before:,} steps and has no checkpoint ({LAST_CHECKPOINT}) to go on from to "
                f"{config.steps:,}; start another run from it (start_from).",
                settings=("steps",),
            )
        progress.note(
            f"{path} goes on to {config.steps:,} steps, {before:,} before: from here on the learning rate is that of a "
            "run of so many."
        )
        (path / MODEL_FILE).unlink(missing_ok=True)  # before config.json says more steps than it has had
    config_files.save(config, path / CONFIG_FILE)


def is_finished(path: Path, config: RunConfig) -> bool:
    """Whether the folder holds a run of these steps or more that is complete."""
    # In this order: of several processes, the first may let the run grow meanwhile, and removes the weights first.
    return saved_steps(path / CONFIG_FILE) >= config.steps and (path / MODEL_FILE).is_file()


def _is_run(path: Path) -> bool:
    """Whether the folder's config.json is one of ours; other tools write files of that name too."""
    try:
        kind = read_json(path / CONFIG_FILE)["kind"]
    except (OSError, InputError, KeyError, TypeError):
        return False
    return bool(kind == RunConfig.__name__)
