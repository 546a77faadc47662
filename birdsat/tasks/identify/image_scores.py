"""What the image says of each taxon: by a classifier, a probe, nearest neighbours, or likeness to class means."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.embeddings.neighbours import votes_of_neighbours
from birdsat.embeddings.taxa import TAXA_FILE, load_taxon_means
from birdsat.errors import CheckpointError
from birdsat.methods.classifier import Classifier
from birdsat.tasks.identify.kept_tensors import as_float32, check_form, damaged, load_tensors, save_tensors
from birdsat.tasks.identify.seen import Seen, unit
from birdsat.tasks.probe import Probe, Standardiser
from birdsat.training.run_folder import Run

PROBE_FILE, GALLERY_FILE = "probe.safetensors", "gallery.safetensors"
Kind = Literal["classifier", "probe", "neighbours", "means"]  # the best first
KINDS: tuple[Kind, ...] = ("classifier", "probe", "neighbours", "means")

MOST_PHOTOS = 100_000  # of a gallery
_FEWEST_VOTES = 1e-6  # of a taxon that no neighbour voted for, so that its logarithm is finite
_MEANS_TEMPERATURE = 0.05  # of cosines, where a run has learned none
_AGAIN = "make it again with `birdsat classify`"

Features = NDArray[np.float32]


class ImageScores(Protocol):
    """Gives each photo a logit of each taxon."""

    @property
    def taxa(self) -> tuple[str, ...]:
        """t names."""

    @property
    def temperature(self) -> float:
        """By which logits are divided where no other was fitted."""

    def __call__(self, seen: Seen) -> NDArray[np.float32]:
        """(n, t) logits; -inf for a taxon that is never named, as it had no photo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadScores:
    """A classifier's own head."""

    taxa: tuple[str, ...]
    temperature: float

    def __call__(self, seen: Seen) -> NDArray[np.float32]:
        assert seen.head is not None
        return seen.head


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeScores:
    """A linear probe on standardised features."""

    taxa: tuple[str, ...]
    standardise: Standardiser
    probe: Probe
    temperature: float = 1.0

    def __call__(self, seen: Seen) -> NDArray[np.float32]:
        return self.probe.scores(self.standardise(seen.features))


@dataclass(frozen=True, kw_only=True, slots=True)
class Gallery:
    """g training photos."""

    features: Features  # (g, d)
    labels: NDArray[np.int64]  # (g,)


@dataclass(frozen=True, kw_only=True, slots=True)
class NeighbourScores:
    """Logarithms of the votes of the nearest training photos, on standardised features as unit vectors."""

    taxa: tuple[str, ...]
    gallery: Gallery
    standardise: Standardiser
    temperature: float = 1.0

    def __call__(self, seen: Seen) -> NDArray[np.float32]:
        near = unit(self.standardise(self.gallery.features))
        query = unit(self.standardise(seen.features))
        shares = votes_of_neighbours(query, near, self.gallery.labels, len(self.taxa))
        logits: NDArray[np.float32] = np.log(np.maximum(shares, _FEWEST_VOTES))
        return np.where(np.isneginf(shares), shares, logits)


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanScores:
    """Cosines with the mean photo of each taxon."""

    taxa: tuple[str, ...]
    means: Features  # (t, d) unit vectors; NaN rows had no photo
    temperature: float = _MEANS_TEMPERATURE

    def __call__(self, seen: Seen) -> NDArray[np.float32]:
        cosine = unit(seen.features) @ self.means.T
        return np.where(np.isnan(cosine), np.float32(-np.inf), cosine)


def open_scores(run: Run, kind: Kind | Literal["best"] = "best") -> tuple[Kind, ImageScores]:
    """What names photos, the best that the run has or the one named. Raises CheckpointError for one that it has not,
    with what to do, and for a file that is damaged."""
    has = [one for one in KINDS if _has(run, one)]
    chosen: Kind = kind if kind != "best" else has[0] if has else "means"  # which says what is missing
    if chosen not in has and chosen != "means":
        remedy = {
            "classifier": "train a classifier from it, `birdsat classify` in mode finetune, and name that one",
            "probe": "fit one with `birdsat classify`",
            "neighbours": "keep its training photos with `birdsat classify`",
        }[chosen]
        raise CheckpointError(
            f"{run.path} has no {chosen} to name photos by; it has {', '.join(has) or 'none of these'}. Take that, or "
            f"{remedy}."
        )
    return chosen, _opened(run, chosen)


def _opened(run: Run, kind: Kind) -> ImageScores:
    method = run.method
    if kind == "classifier":
        assert isinstance(method, Classifier)
        return HeadScores(taxa=method.config.taxa, temperature=float(method.temperature))
    if kind == "probe":
        return load_probe(run.path)
    if kind == "neighbours":
        taxa, gallery = load_gallery(run.path)
        return NeighbourScores(taxa=taxa, gallery=gallery, standardise=Standardiser.fit(gallery.features))
    means, scale = load_taxon_means(run.path), method.similarity_scale()
    return MeanScores(taxa=means.taxa, means=means.embedding, temperature=1 / scale if scale else _MEANS_TEMPERATURE)


def save_probe(folder: Path, taxa: tuple[str, ...], standardise: Standardiser, probe: Probe) -> None:
    """Keep a fitted probe in the run's folder."""
    tensors = {
        "weight": probe.weight,
        "bias": probe.bias,
        "mean": torch.from_numpy(standardise.mean),
        "std": torch.from_numpy(standardise.std),
    }
    save_tensors(folder / PROBE_FILE, tensors, {"taxa": taxa, "c": probe.c})


def load_probe(folder: Path) -> ProbeScores:
    """Read what `save_probe` wrote. Raises CheckpointError."""
    path = folder / PROBE_FILE
    tensors, facts = load_tensors(path, _AGAIN)
    taxa = taxa_of(facts, path, _AGAIN)
    d = tensors["weight"].shape[0] if "weight" in tensors and tensors["weight"].dim() else 0
    forms = {"weight": (d, len(taxa)), "bias": (len(taxa),), "mean": (d,), "std": (d,)}
    check_form(path, tensors, forms, _AGAIN)
    return ProbeScores(
        taxa=taxa,
        standardise=Standardiser(as_float32(tensors["mean"]), as_float32(tensors["std"])),
        probe=Probe(tensors["weight"].float(), tensors["bias"].float(), float(facts.get("c", 0))),
    )


def save_gallery(folder: Path, taxa: tuple[str, ...], features: Features, labels: NDArray[np.int64]) -> None:
    """Keep what training photos are like in the run's folder, in half precision; of more than MOST_PHOTOS some, as
    many of each taxon."""
    rows = _evenly(labels, MOST_PHOTOS)
    tensors = {"features": torch.from_numpy(features[rows]).half(), "labels": torch.from_numpy(labels[rows])}
    save_tensors(folder / GALLERY_FILE, tensors, {"taxa": taxa})


def load_gallery(folder: Path) -> tuple[tuple[str, ...], Gallery]:
    """Taxa and photos of what `save_gallery` wrote. Raises CheckpointError."""
    path = folder / GALLERY_FILE
    tensors, facts = load_tensors(path, _AGAIN)
    taxa = taxa_of(facts, path, _AGAIN)
    check_form(path, tensors, {"features": (None, None), "labels": (None,)}, _AGAIN)
    features, labels = as_float32(tensors["features"]), tensors["labels"].to(torch.int64).numpy()
    if len(features) != len(labels) or not len(labels) or labels.min() < 0 or labels.max() >= len(taxa):
        raise damaged(path, "labels do not go with photos and taxa", _AGAIN)
    return taxa, Gallery(features=features, labels=labels)


def taxa_of(facts: dict[str, object], path: Path, remedy: str) -> tuple[str, ...]:
    """The taxa that a kept file is of."""
    taxa = facts.get("taxa")
    if not isinstance(taxa, list) or not taxa or not all(isinstance(name, str) for name in taxa):
        raise damaged(path, "it does not say its taxa", remedy)
    return tuple(taxa)


def _has(run: Run, kind: Kind) -> bool:
    match kind:
        case "classifier":
            return isinstance(run.method, Classifier)
        case "probe":
            return (run.path / PROBE_FILE).is_file()
        case "neighbours":
            return (run.path / GALLERY_FILE).is_file()
        case "means":
            return (run.path / TAXA_FILE).is_file()


def _evenly(labels: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Rows, at most so many, as evenly of the labels as there are."""
    if len(labels) <= most:
        return np.arange(len(labels))
    order = np.argsort(labels, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(labels[order])) + 1]
    within = np.arange(len(labels)) - np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    return np.sort(order[np.argsort(within, kind="stable")[:most]])
