"""Which taxon is in a photo: by a classifier's probabilities, or by likeness to the mean photo of each taxon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.dataset.batch import Batch
from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.inference import inference
from birdsat.embeddings.photo_files import Photo, Unreadable, embed_photos, photo_views
from birdsat.embeddings.table import EmbeddingTable
from birdsat.embeddings.taxa import load_taxon_means
from birdsat.errors import InputError
from birdsat.methods.classifier import Classifier
from birdsat.metrics import fit_temperature
from birdsat.observations.observation import Split
from birdsat.observations.scientific_names import find_name, species_name
from birdsat.observations.taxonomies.spelling import folded
from birdsat.progress import QUIET, Progress
from birdsat.training.run_folder import Run

if TYPE_CHECKING:
    import pandas as pd

_BATCH = 256  # rows of a split at once
_LEAST_PHOTOS = 10  # to fit a temperature on


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What a model takes photos for: a score of each taxon."""

    taxa: tuple[str, ...]  # t names
    score: NDArray[np.float32]  # (n, t), NaN in rows of photos that could not be read
    meaning: Literal["probability", "cosine"]  # of a score: a classifier's probability, or likeness to mean photos

    def top(self, count: int = 5) -> list[list[tuple[str, float]]]:
        """The `count` likeliest taxa of each photo with their scores, the likeliest first; none where it is NaN."""
        order = np.argsort(-np.nan_to_num(self.score, nan=-np.inf), axis=1, kind="stable")[:, :count]
        return [
            [(self.taxa[label], float(scores[label])) for label in labels if not np.isnan(scores[label])]
            for labels, scores in zip(order.tolist(), self.score, strict=True)
        ]

    def to_frame(self, count: int = 5) -> "pd.DataFrame":
        """A row for each photo and rank: photo (its number), rank (1 is likeliest), taxon, score. Needs pandas."""
        import pandas as pd

        rows = [
            (photo, rank, taxon, score)
            for photo, answers in enumerate(self.top(count))
            for rank, (taxon, score) in enumerate(answers, start=1)
        ]
        return pd.DataFrame(rows, columns=["photo", "rank", "taxon", "score"])

    def logits(self) -> NDArray[np.float32]:
        """(n, t) what a softmax makes probabilities of; -inf for a taxon that is never named, as it had no photo."""
        with np.errstate(divide="ignore"):
            logits = np.log(self.score) if self.meaning == "probability" else self.score
        return np.where(np.isnan(logits), np.float32(-np.inf), logits)

    def with_temperature(self, temperature: float) -> "Named":
        """Probabilities: a softmax of the logits by this temperature."""
        scaled = self.logits().astype(np.float64) / temperature
        weight = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        share = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
        return Named(taxa=self.taxa, score=share, meaning="probability")


def name_photos(
    run: Run,
    photos: Sequence[Photo],
    *,
    unreadable: Unreadable = "raise",
    device: torch.device | str | None = None,
    progress: Progress = QUIET,
) -> Named:
    """By a classifier's probabilities, with chip, place and date marked missing, or else by likeness, a cosine.

    Raises ImageError for a photo that cannot be read, CheckpointError for a run that knows no taxa.
    """
    method = run.method
    if not isinstance(method, Classifier):
        means = load_taxon_means(run.path)
        vectors = embed_photos(method, photos, run.photo_px, unreadable=unreadable, device=device, progress=progress)
        return Named(taxa=means.taxa, score=vectors @ means.embedding.T, meaning="cosine")
    scores: list[NDArray[np.float32]] = []
    with progress.bar("classifying", len(photos), unit="photos") as bar:
        for views, readable in photo_views(photos, run.photo_px, unreadable=unreadable, progress=progress):
            pixels = torch.from_numpy(views).permute(0, 3, 1, 2).contiguous()
            found = _probabilities(run, method, pixels, device)
            found[~readable] = np.nan
            scores.append(found)
            bar.advance(len(views))
    return Named(taxa=method.config.taxa, score=np.concatenate(scores), meaning="probability")


def name_rows(
    run: Run,
    dataset: Dataset,
    split: Split,
    table: EmbeddingTable,
    *,
    workers: int = 0,
    device: torch.device | str | None = None,
    progress: Progress = QUIET,
) -> Named:
    """`name_photos` of the rows of a split, as photos alone; NaN where a row has none. table: the split, embedded."""
    method = run.method
    if not isinstance(method, Classifier):
        means = load_taxon_means(run.path)
        return Named(taxa=means.taxa, score=table.photo @ means.embedding.T, meaning="cosine")
    score = np.full((len(table), len(method.config.taxa)), np.nan, np.float32)
    batches = read_split(dataset, split, batch_size=_BATCH, photo_px=run.photo_px, chip_px=run.chip_px, workers=workers)
    with progress.bar(f"classifying {split}", len(table)) as bar:
        for batch in batches:
            score[batch.row.numpy()] = _probabilities(run, method, batch.photo, device)
            bar.advance(len(batch))
    score[~table.has_photo] = np.nan
    return Named(taxa=method.config.taxa, score=score, meaning="probability")


def own_temperature(run: Run) -> float | None:
    """With which a run's scores become probabilities; None where it is not known, and is fitted on photos.

    A classifier's are probabilities. Cosines take that which the run learned to contrast photos by.
    """
    if isinstance(run.method, Classifier):
        return 1.0
    scale = run.method.similarity_scale()
    return None if scale is None else 1 / scale


def fit_naming(named: Named, taxa: Sequence[str]) -> float:
    """The temperature under which photos' own taxa (n) are most probable.

    Raises InputError where fewer than ten photos are of taxa that are named.
    """
    known = {taxon: number for number, taxon in enumerate(named.taxa)}
    distinct = sorted(set(taxa))
    pairs = zip(distinct, same_taxa(distinct, named.taxa), strict=True)
    label = {taxon: known[same] for taxon, same in pairs if same is not None}
    logits = named.logits()
    rows = [row for row, taxon in enumerate(taxa) if taxon in label and np.isfinite(logits[row, label[taxon]])]
    if len(rows) < _LEAST_PHOTOS:
        raise InputError(
            f"{len(rows)} of the {len(taxa):,} photos that the temperature is to be fitted on are of taxa that the run "
            f"knows; at least {_LEAST_PHOTOS} are needed. Take a dataset of its taxa, or leave it out.",
            settings=("calibrate",),
        )
    fitted = fit_temperature(logits[rows], np.array([label[taxa[row]] for row in rows]))
    assert fitted is not None  # every row's own taxon was in the running
    return fitted


def same_taxa(
    asked: Sequence[str], known: Sequence[str], common_names: Mapping[str, str] | None = None
) -> list[str | None]:
    """For each taxon the known one that means the same species; None where there is none, or more than one.

    common_names: of known taxa that have one, by which those asked for may be called.
    """
    by_species: dict[str, list[str]] = {}
    for taxon in known:
        by_species.setdefault(species_name(taxon).casefold(), []).append(taxon)
    called: dict[str, list[str]] = {}
    for taxon, common in (common_names or {}).items():
        called.setdefault(folded(common), []).append(taxon)
    found: list[str | None] = []
    for taxon in asked:
        same = find_name(taxon, by_species.get(species_name(taxon).casefold(), ()))
        so_called = called.get(folded(taxon), [])
        found.append(so_called[0] if same is None and len(so_called) == 1 else same)
    return found


def _probabilities(
    run: Run, method: Classifier, photos: Tensor, device: torch.device | str | None
) -> NDArray[np.float32]:
    with inference(method, device) as where:
        found: NDArray[np.float32] = (
            method.probabilities(photo_alone(photos.to(where), run.chip_px)).float().cpu().numpy()
        )
    return found


def photo_alone(photos: Tensor, chip_px: int) -> Batch:
    """Photos whose chip, place and date are not known."""
    n, nan = len(photos), torch.full((len(photos),), torch.nan, device=photos.device)
    return Batch(
        photos=(photos,),
        chip=torch.zeros(n, 3, chip_px, chip_px, dtype=torch.uint8, device=photos.device),
        has_photo=torch.ones(n, dtype=torch.bool, device=photos.device),
        has_chip=torch.zeros(n, dtype=torch.bool, device=photos.device),
        lon_lat=nan[:, None].expand(n, 2),
        year_fraction=nan,
        label=torch.zeros(n, dtype=torch.int64, device=photos.device),
        row=torch.arange(n, device=photos.device),
    )
