"""Taxa that were taught to a run by a few photos: kept beside it in a file of their own, and taken away again."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from birdsat.embeddings.taxa import TAXA_FILE, load_taxon_means
from birdsat.errors import CheckpointError, UnknownTaxonError
from birdsat.methods.classifier import Classifier
from birdsat.metrics import fit_temperature
from birdsat.observations.taxonomy import known_taxon
from birdsat.tasks.identify.image_scores import GALLERY_FILE, Gallery, ImageScores, load_gallery
from birdsat.tasks.identify.joined import softmax
from birdsat.tasks.identify.kept_tensors import as_float32, check_form, damaged, load_tensors, save_tensors
from birdsat.tasks.identify.seen import Seen, joined, unit
from birdsat.tasks.probe import Standardiser, fit_probe
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run

TAUGHT_FILE = "taught.safetensors"
By = Literal["means", "probe"]
_AGAIN = "delete it, and teach the taxa again with `birdsat teach`"
_C = 0.1  # inverse strength of the probe's penalty, as `birdsat classify` takes without val
_MEANS_TEMPERATURE = 0.05
_LEFT = 1e-6  # of the probability that taxa which were not taught keep in any case

Features = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaughtPhoto:
    """Where a photo that was taught is from."""

    taxon: str
    photo: str  # its path, as it was given
    sha256: str
    by: str = ""  # who said what it shows
    when: str = ""  # when, ISO 8601


@dataclass(frozen=True, kw_only=True, slots=True)
class Taught:
    """n photos of taxa that a run did not know, or named wrongly."""

    of: str  # fingerprint of the model that saw them
    by: By
    photos: tuple[TaughtPhoto, ...]  # n
    seen: Seen  # n

    @property
    def taxa(self) -> tuple[str, ...]:
        """Each once, in the order in which they were taught."""
        return tuple(dict.fromkeys(photo.taxon for photo in self.photos))

    def with_photos(self, photos: Sequence[TaughtPhoto], seen: Seen) -> "Taught":
        """With more; a photo that was taught before, by its bytes, is taken for what was said last."""
        new = {photo.sha256 for photo in photos}
        kept = [row for row, photo in enumerate(self.photos) if photo.sha256 not in new]
        last = {photo.sha256: row for row, photo in enumerate(photos)}
        rows = sorted(last.values())
        return replace(
            self,
            photos=(*(self.photos[row] for row in kept), *(photos[row] for row in rows)),
            seen=joined([self.seen[np.array(kept, dtype=np.int64)], seen[np.array(rows, dtype=np.int64)]]),
        )

    def without(self, taxon: str) -> "Taught":
        """Without a taxon's photos. Raises UnknownTaxonError for one that was not taught."""
        name = known_taxon(taxon, self.taxa, among="taxa that were taught", listing="`birdsat teach RUN --list`")
        kept = [row for row, photo in enumerate(self.photos) if photo.taxon != name]
        return replace(
            self, photos=tuple(self.photos[row] for row in kept), seen=self.seen[np.array(kept, dtype=np.int64)]
        )


class TaughtScores:
    """The run's own scores, and those of taught taxa beside them.

    Taught taxa take the probability that a probe (or the likeness to class means) of all taxa gives them; what is left
    is divided among the others as the run itself does. So the others are told apart as they were before.
    """

    def __init__(self, base: ImageScores, taught: Taught, gallery: Gallery | None, means: Features | None) -> None:
        """gallery: training photos of the taxa that the run knows; means (t, d): theirs, where there is no gallery."""
        self.base, self._taught = base, taught
        new = [taxon for taxon in taught.taxa if taxon not in base.taxa]
        self.taxa = (*base.taxa, *new)
        self.temperature = base.temperature
        at = {taxon: number for number, taxon in enumerate(self.taxa)}
        self._labels = np.array([at[photo.taxon] for photo in taught.photos], dtype=np.int64)
        self.is_taught = np.isin(np.arange(len(self.taxa)), self._labels)
        self._gallery, self._means = gallery, means

    @property
    def identity(self) -> str:
        """Changes with what was taught."""
        digest = hashlib.sha256(repr((self._taught.by, self._taught.photos)).encode())
        digest.update(self._taught.seen.features.tobytes())
        return digest.hexdigest()[:16]

    @property
    def photos(self) -> tuple[Seen, NDArray[np.int64]]:
        """The n photos that were taught, and (n,) labels."""
        return self._taught.seen, self._labels

    def at_temperature(self, temperature: float) -> "TaughtScores":
        """With logits that are probabilities' at this temperature, which was fitted for the run's own."""
        other = TaughtScores(self.base, self._taught, self._gallery, self._means)
        other.temperature = temperature
        return other

    def __call__(self, seen: Seen) -> NDArray[np.float32]:
        beside = self._beside(seen.features)
        taught = np.minimum(beside[:, self.is_taught].sum(axis=1, keepdims=True), 1 - _LEFT)
        own = self.base(seen).astype(np.float64) / self.temperature
        own[:, self.is_taught[: own.shape[1]]] = -np.inf
        share = np.full((len(seen), len(self.taxa)), -np.inf)
        share[:, : own.shape[1]] = own - logsumexp(own, axis=1, keepdims=True) + np.log1p(-taught)
        share[:, self.is_taught] = np.log(np.maximum(beside[:, self.is_taught], 1e-30))
        logits: NDArray[np.float32] = (self.temperature * share).astype(np.float32)
        return logits

    def _beside(self, features: Features) -> NDArray[np.float64]:
        """(n, t) probabilities of all taxa by what was taught and the training photos."""
        if self._taught.by == "means" or self._gallery is None:
            means, temperature = self._class_means
            cosine = unit(features) @ means.T
            return softmax(np.where(np.isnan(cosine), -np.inf, cosine) / temperature)
        standardise, weight, bias = self._probe
        return softmax(standardise(features) @ weight + bias)

    @cached_property
    def _class_means(self) -> tuple[Features, float]:
        t, d = len(self.taxa), self._taught.seen.features.shape[1]
        means = np.full((t, d), np.nan, np.float32)
        temperature = _MEANS_TEMPERATURE
        if self._gallery is not None:
            for label in np.unique(self._gallery.labels):
                means[label] = unit(self._gallery.features[self._gallery.labels == label]).mean(axis=0)
        elif self._means is not None:
            means[: len(self._means)] = self._means
        for label in np.unique(self._labels):
            photos = unit(self._taught.seen.features[self._labels == label])
            if np.isnan(means[label]).any():
                means[label] = photos.mean(axis=0)
            else:
                means[label] += photos.mean(axis=0)  # what was said by hand weighs as much as what was learned
        means = unit(means)
        if self._gallery is not None:
            cosine = unit(self._gallery.features) @ means.T
            fitted = fit_temperature(np.where(np.isnan(cosine), -np.inf, cosine), self._gallery.labels)
            temperature = temperature if fitted is None else fitted
        return means, temperature

    @cached_property
    def _probe(self) -> tuple[Standardiser, Features, Features]:
        """Fitted to training photos and taught ones, each of the latter as often as makes its taxon as common as the
        middle one."""
        assert self._gallery is not None
        counts = np.bincount(self._gallery.labels)
        middle = int(np.median(counts[counts > 0]))
        rows = np.concatenate(
            [np.resize(np.flatnonzero(self._labels == label), max(middle, 1)) for label in np.unique(self._labels)]
        )
        features = np.concatenate([self._gallery.features, self._taught.seen.features[rows]])
        labels = np.concatenate([self._gallery.labels, self._labels[rows]])
        standardise = Standardiser.fit(self._gallery.features)
        probe = fit_probe(standardise(features), labels, len(self.taxa), c=_C)
        return standardise, probe.weight.cpu().numpy(), probe.bias.cpu().numpy()


def with_taught(run: Run, base: ImageScores) -> tuple[ImageScores, tuple[str, ...]]:
    """The scores with the taxa that were taught beside the run, if any, and what is to be said of them.

    Raises CheckpointError where they are damaged. What was taught to other weights is left out, and said.
    """
    taught = load_taught(run)
    if taught is None or not taught.photos:
        return base, ()
    if taught.of != model_fingerprint(run):
        return base, (f"what was taught beside {run.path} is of other weights and left out; {_AGAIN}.",)
    scores = taught_scores(run, base, taught)
    note = (
        f"{len(taught.taxa):,} taxa were taught by {len(taught.photos):,} photos; sets and rates were fitted without."
    )
    return scores, (note,)


def taught_scores(run: Run, base: ImageScores, taught: Taught) -> TaughtScores:
    """The run's scores and the taught taxa. Raises CheckpointError where nothing says what its own taxa are like."""
    gallery = means = None
    if (run.path / GALLERY_FILE).is_file():
        taxa, gallery = load_gallery(run.path)
        at = {name: number for number, name in enumerate(base.taxa)}
        known = np.array([at.get(name, -1) for name in taxa], dtype=np.int64)[gallery.labels]
        gallery = Gallery(features=gallery.features[known >= 0], labels=known[known >= 0])
    elif (run.path / TAXA_FILE).is_file() and not isinstance(run.method, Classifier):
        found = load_taxon_means(run.path)
        by_name = dict(zip(found.taxa, found.embedding, strict=True))
        nothing = np.full(found.embedding.shape[1], np.nan, np.float32)
        means = np.stack([by_name.get(name, nothing) for name in base.taxa])
    else:
        raise CheckpointError(
            f"{run.path} keeps no training photos ({GALLERY_FILE}), so that new taxa have nothing to be told from; "
            "keep them with `birdsat evaluate identify RUN DATASET`."
        )
    return TaughtScores(base, taught, gallery, means)


def save_taught(run: Run, taught: Taught) -> Path:
    """Keep it beside the run; nothing is kept of no photos."""
    path = run.path / TAUGHT_FILE
    if not taught.photos:
        path.unlink(missing_ok=True)
        return path
    photos = [
        {"taxon": one.taxon, "photo": one.photo, "sha256": one.sha256, "by": one.by, "when": one.when}
        for one in taught.photos
    ]
    facts = {"of": taught.of, "by": taught.by, "photos": photos}
    tensors = {
        name: torch.from_numpy(np.ascontiguousarray(getattr(taught.seen, name))) for name in ("features", "deep")
    }
    save_tensors(path, tensors, facts)
    return path


def load_taught(run: Run) -> Taught | None:
    """Read what `save_taught` wrote; None where nothing was taught. Raises CheckpointError where it is damaged."""
    path = run.path / TAUGHT_FILE
    if not path.is_file():
        return None
    tensors, facts = load_tensors(path, _AGAIN)
    try:
        photos = tuple(TaughtPhoto(**{name: str(value) for name, value in one.items()}) for one in facts["photos"])
        by: Any = facts["by"]
        if by not in ("means", "probe"):
            raise ValueError(f"taught by {by!r}")
        check_form(path, tensors, {name: (len(photos), None) for name in ("features", "deep")}, _AGAIN)
        seen = Seen(features=as_float32(tensors["features"]), deep=as_float32(tensors["deep"]), head=None)
        return Taught(of=str(facts["of"]), by=by, photos=photos, seen=seen)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise damaged(path, error, _AGAIN) from error


def newly_taught(run: Run, by: By, photos: Sequence[TaughtPhoto], seen: Seen) -> Taught:
    """To a run to which nothing was taught yet."""
    nothing = Taught(of=model_fingerprint(run), by=by, photos=(), seen=seen[np.empty(0, dtype=np.int64)])
    return nothing.with_photos(photos, seen)


def named_as_known(taxa: Collection[str], known: Sequence[str]) -> dict[str, str]:
    """The names of folders or rows -> the run's own name of the taxon where it knows it, or else the name itself."""
    names = {}
    for taxon in taxa:
        try:
            names[taxon] = known_taxon(taxon, known)
        except UnknownTaxonError:
            names[taxon] = " ".join(taxon.split())
    return names
