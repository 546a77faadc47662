"""What a model sees in photos, once: features, and a classifier's logits."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.dataset.read import read_split, row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.inference import inference
from birdsat.errors import CheckpointError
from birdsat.methods.classifier import Classifier
from birdsat.observations.observation import Split
from birdsat.progress import QUIET, Progress
from birdsat.tasks.naming import photo_alone
from birdsat.training.run_folder import Run

_BATCH = 256  # rows of a split at once

Device = torch.device | str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """n photos."""

    features: NDArray[np.float32]  # (n, d) a classifier's features, another method's unit vectors
    head: NDArray[np.float32] | None  # (n, t) a classifier's logits of its taxa; None: it has no head

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Seen":
        return Seen(features=self.features[rows], head=None if self.head is None else self.head[rows])


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenRows:
    """The rows of a split that have a photo, in file order."""

    seen: Seen  # n
    row: NDArray[np.int64]  # (n,) their numbers in the split
    labels: NDArray[np.int64]  # (n,) of the dataset's taxa
    lon_lat: NDArray[np.float64]  # (n, 2) NaN where not known
    year_fraction: NDArray[np.float64]  # (n,) NaN where not known

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "SeenRows":
        return SeenRows(
            seen=self.seen[rows],
            row=self.row[rows],
            labels=self.labels[rows],
            lon_lat=self.lon_lat[rows],
            year_fraction=self.year_fraction[rows],
        )


def see(run: Run, views: NDArray[np.uint8], device: Device = None) -> Seen:
    """views (n, px, px, 3) RGB of the run's size. Raises CheckpointError for a run that sees no photos."""
    return _seen(run, torch.from_numpy(views).permute(0, 3, 1, 2).contiguous(), device)


def see_split(
    run: Run, dataset: Dataset, split: Split, *, workers: int = 0, device: Device = None, progress: Progress = QUIET
) -> SeenRows:
    """The photos of a split, as photos alone; none where it has none."""
    facts, parts, rows = row_facts(dataset, split), [], []
    batches = read_split(dataset, split, batch_size=_BATCH, photo_px=run.photo_px, chip_px=run.chip_px, workers=workers)
    with progress.bar(f"looking at {split}", dataset.rows(split), unit="photos") as bar:
        for batch in batches:
            parts.append(_seen(run, batch.photo, device)[batch.has_photo.numpy()])
            rows.append(batch.row.numpy()[batch.has_photo.numpy()])
            bar.advance(len(batch))
    row = np.concatenate(rows) if rows else np.empty(0, np.int64)
    return SeenRows(
        seen=_joined(parts, run),
        row=row,
        labels=facts.label[row],
        lon_lat=facts.lon_lat[row],
        year_fraction=facts.year_fraction[row],
    )


def _joined(parts: list[Seen], run: Run) -> Seen:
    if not parts:
        parts = [_seen(run, torch.zeros(1, 3, run.photo_px, run.photo_px, dtype=torch.uint8), None)[np.empty(0, int)]]
    heads = [part.head for part in parts if part.head is not None]
    return Seen(
        features=np.concatenate([part.features for part in parts]), head=np.concatenate(heads) if heads else None
    )


def _seen(run: Run, photos: Tensor, device: Device) -> Seen:
    method = run.method
    if not method.sees_photos:
        raise CheckpointError(f"{run.path} was trained on chips alone and sees no photos; take a run of photos.")
    with inference(method, device) as where:
        sent = photos.to(where)
        if not isinstance(method, Classifier):
            return Seen(features=method.embed_photo(sent).float().cpu().numpy(), head=None)
        features = method.photo_features(sent)
        logits = method.logits_of(features, photo_alone(sent, run.chip_px))
        return Seen(features=features.float().cpu().numpy(), head=logits.float().cpu().numpy())
