"""What a model sees in photos, once: features, and a classifier's logits."""

from collections.abc import Sequence
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
from birdsat.methods.method import Method
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
    deep: NDArray[np.float32]  # (n, f) what the encoder says before any head
    head: NDArray[np.float32] | None  # (n, t) a classifier's logits of its taxa; None: it has no head

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Seen":
        head = None if self.head is None else self.head[rows]
        return Seen(features=self.features[rows], deep=self.deep[rows], head=head)


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
        seen=joined(parts or [_nothing(run)]),
        row=row,
        labels=facts.label[row],
        lon_lat=facts.lon_lat[row],
        year_fraction=facts.year_fraction[row],
    )


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, d) of length 1."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    ones: NDArray[np.float32] = vectors / np.maximum(length, 1e-12)
    return ones


def joined(parts: Sequence[Seen]) -> Seen:
    """One after another, at least one."""
    heads = [part.head for part in parts if part.head is not None]
    return Seen(
        features=np.concatenate([part.features for part in parts]),
        deep=np.concatenate([part.deep for part in parts]),
        head=np.concatenate(heads) if len(heads) == len(parts) else None,
    )


def _nothing(run: Run) -> Seen:
    black = torch.zeros(1, 3, run.photo_px, run.photo_px, dtype=torch.uint8)
    return _seen(run, black, None)[np.empty(0, dtype=np.int64)]


def _seen(run: Run, photos: Tensor, device: Device) -> Seen:
    method = run.method
    if not method.sees_photos:
        raise CheckpointError(f"{run.path} was trained on chips alone and sees no photos; take a run of photos.")
    with inference(method, device) as where:
        sent = photos.to(where)
        if type(method).embed_features is Method.embed_features:  # a method of somebody else's, with no step between
            features = method.embed_photo(sent).float().cpu().numpy()
            return Seen(features=features, deep=features, head=None)
        deep = method.photo_features(sent)
        seen = deep.float().cpu().numpy()
        if isinstance(method, Classifier):
            logits = method.logits_of(deep, photo_alone(sent, run.chip_px))
            return Seen(features=seen, deep=seen, head=logits.float().cpu().numpy())
        return Seen(features=method.embed_features(deep).float().cpu().numpy(), deep=seen, head=None)
