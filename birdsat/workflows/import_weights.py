"""From a published checkpoint to a run that every verb can use."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from birdsat import config as config_files
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.taxa import TAXA_FILE, save_taxon_means, taxon_means
from birdsat.errors import CheckpointError, ConfigError
from birdsat.files import write_atomic
from birdsat.imagery.ground_sizes import check_sizes
from birdsat.locks import folder_lock, is_unused
from birdsat.methods.published.weights import Published, Wanted, from_published, read_checkpoint
from birdsat.progress import QUIET, Progress
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import (
    CARD_FILE,
    CONFIG_FILE,
    DATASET_FILE,
    MODEL_FILE,
    DatasetFacts,
    Run,
    load_run,
    save_weights,
)
from birdsat.workflows.requests.tasks import ImportRequest

TIMM = "timm:"  # before the name of a model of that library


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportResult:
    """A run made of a checkpoint."""

    run: Run
    kind: str  # what the checkpoint was recognised as
    unused: tuple[str, ...]  # tensors that are not needed
    taxa: int | None  # that it learned from a dataset; None: it was given none

    @property
    def files(self) -> tuple[Path, ...]:
        """What the run is made of."""
        names = (CONFIG_FILE, DATASET_FILE, MODEL_FILE, CARD_FILE, *([] if self.taxa is None else [TAXA_FILE]))
        return tuple(self.run.path / name for name in names)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "run": str(self.run.path),
            "kind": self.kind,
            "unused": list(self.unused),
            "taxa": self.taxa,
            "files": list(map(str, self.files)),
        }


def import_weights(request: ImportRequest, progress: Progress = QUIET) -> ImportResult:
    """Make the run, and give it the taxa of a dataset where one is named.

    Raises CheckpointError when the checkpoint cannot be used, ConfigError when the folder holds something already.
    """
    wanted = Wanted(
        heads=request.heads,
        decoder_heads=request.decoder_heads,
        photo_px=request.photo_px,
        chip_px=request.chip_px,
        image=request.image,
    )
    with folder_lock(Path(request.run)):
        run, published = write_run(request.source, Path(request.run), wanted, chip_km=tuple(request.chip_km))
    taxa = None
    if request.taxa_from is not None:
        taxa = learn_taxa(run, Dataset(Path(request.taxa_from)), workers=request.workers, progress=progress)
    return ImportResult(run=run, kind=published.kind, unused=tuple(published.unused), taxa=taxa)


def write_run(source: str, out: Path, wanted: Wanted, *, chip_km: tuple[float, ...] = ()) -> tuple[Run, Published]:
    """Write the run `out` from a checkpoint file, or from `timm:NAME`. chip_km: sides of its chips on the ground."""
    if not is_unused(out):
        raise ConfigError(f"{out} holds something already; choose another folder.", settings=("run",))
    if source.startswith(TIMM):
        tensors, learned = timm_weights(source.removeprefix(TIMM))
        wanted = dataclasses.replace(learned, **_given(wanted))
    else:
        tensors = read_checkpoint(Path(source))
    published = from_published(tensors, wanted)
    method = published.config
    views = ViewsConfig(
        photo_px=method.photo_px or ViewsConfig().photo_px,
        chip_px=method.chip_px or ViewsConfig().chip_px,
        photo_views=method.photo_views,
    )
    facts = DatasetFacts(
        title=f"published weights {Path(source).name}",
        licence="",
        fingerprint=fingerprint(tensors),
        train_rows=0,
        val_rows=0,
        taxa=(),
        photo_mean=None,
        photo_std=None,
        chip_mean=None,
        chip_std=None,
        chip_px=method.chip_px,
        chip_ground_km=check_sizes(chip_km) if method.chip_px is not None else (),
    )
    out.mkdir(parents=True, exist_ok=True)
    config_files.save(facts, out / DATASET_FILE)
    config_files.save(RunConfig(method=method, views=views), out / CONFIG_FILE)
    write_atomic(out / CARD_FILE, _card(published, source, facts))
    save_weights(published.method, out / MODEL_FILE, {"imported": Path(source).name})
    return load_run(out), published


def learn_taxa(run: Run, dataset: Dataset, *, workers: int = 0, progress: Progress = QUIET) -> int:
    """Give an imported run the mean photo embedding of each taxon of a dataset, which maps need; how many."""
    means = taxon_means(embed_split(run, dataset, "train", workers=workers, progress=progress))
    save_taxon_means(means, run.path)
    return sum(photos > 0 for photos in means.photos)


def _given(wanted: Wanted) -> dict[str, Any]:
    """What was asked for, in place of what timm says."""
    return {
        setting.name: value
        for setting in dataclasses.fields(wanted)
        if (value := getattr(wanted, setting.name)) != setting.default
    }


def timm_weights(name: str) -> tuple[dict[str, Tensor], Wanted]:
    """The pretrained weights of a ViT of timm, an optional library; its attention heads, and the pixels it is used to.

    Raises CheckpointError when they cannot be had.
    """
    try:
        import timm
    except ImportError as error:
        raise CheckpointError(
            "weights of timm need `pip install 'birdsat[timm]'`. Where it does not import, the usual reason is a "
            f"torchvision that was built for another torch: install the two from one index ({error})."
        ) from error
    except RuntimeError as error:  # a torchvision that was built for another torch
        raise CheckpointError(
            f"timm does not import ({error}); torchvision was built for another torch: install the two from one index."
        ) from error
    try:
        model = timm.create_model(name, pretrained=True, num_classes=0)
    except (RuntimeError, OSError, ValueError) as error:
        raise CheckpointError(
            f"timm gives no pretrained model {name!r} ({error}); see timm.list_pretrained()."
        ) from error
    if not hasattr(model, "blocks"):
        raise CheckpointError(f"{name!r} of timm is not a ViT; take one, such as vit_base_patch16_224.")
    tensors = {key: value.detach().float() for key, value in model.state_dict().items()}
    mean, std = model.pretrained_cfg["mean"], model.pretrained_cfg["std"]  # not ImageNet's for every model
    return tensors, Wanted(heads=int(model.blocks[0].attn.num_heads), mean=mean, std=std)


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """Of names and values, so that two imports of the same weights are known as such."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _card(published: Published, source: str, facts: DatasetFacts) -> str:
    unused = f" {len(published.unused)} of its tensors are not needed and were left out." if published.unused else ""
    method = type(published.config).__name__.removesuffix("Config")
    settings = "\n".join(f"- {name}: `{value}`" for name, value in dataclasses.asdict(published.config).items())
    return f"""---
library_name: birdsat
tags: [birds, imported, {method}]
---
# {method} from {Path(source).name}

Imported from `{source}`, recognised as {published.kind} (fingerprint of the tensors `{facts.fingerprint}`).{unused}
The weights are under the licence of whoever published them.

## Settings
{settings}
"""
