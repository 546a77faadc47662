"""A fitted range model: asked for probabilities over cells and months, saved as a folder, loaded again."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from birdsat import config
from birdsat.earth.date import mid_month
from birdsat.embeddings.region_block import RegionBlock, year_basis
from birdsat.errors import CheckpointError, ConfigError, UnknownTaxonError
from birdsat.files import whole_file
from birdsat.maps.ranges.applicability import Applicability
from birdsat.maps.ranges.calibrate import Calibration
from birdsat.maps.ranges.inputs import InputScale
from birdsat.maps.ranges.network import RangeNetwork, RangeNetworkConfig

SETTINGS_FILE, WEIGHTS_FILE = "ranges.json", "ranges.safetensors"
Way = Literal["occurrences", "both"]
SCHEMA_VERSION = 2


@dataclass(frozen=True, kw_only=True)
class RangeFacts:
    """What is known of a fitted range model but its numbers."""

    schema_version: int = SCHEMA_VERSION
    network: RangeNetworkConfig
    taxa: tuple[str, ...]
    points: tuple[int, ...]  # of each taxon, after thinning to cells
    way: Way
    dated: bool  # False: no point had a date, and all months are alike
    run: str  # whose chip features it reads
    model: str  # fingerprint of that run's weights
    tables: tuple[str, ...] = ()  # that the points came from
    steps: int = 0
    calibration: Calibration = field(default_factory=Calibration)
    mean_distance: float = 0.0  # of the area of applicability
    threshold: float = 0.0
    evaluation: tuple[tuple[str, float], ...] = ()  # figures on what was left out, by name


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoTerm:
    """What photos say of each taxon: cosines with a place, brought to mean 0 and variance 1 over the background."""

    vectors: NDArray[np.float32]  # (t, d) mean photo embeddings, unit vectors; 0 for a taxon without photos
    mean: NDArray[np.float32]  # (t,)
    deviation: NDArray[np.float32]  # (t,)

    def __call__(self, embedding: NDArray[np.float32], taxa: Sequence[int]) -> NDArray[np.float32]:
        """embedding (..., d) -> (..., taxa)."""
        some = list(taxa)
        score: NDArray[np.float32] = (embedding @ self.vectors[some].T - self.mean[some]) / self.deviation[some]
        return score


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeBlock:
    """c cells of a grid, of some taxa and months."""

    cells: NDArray[np.int64]  # (c,) positions in the grid
    probability: NDArray[np.float32]  # (taxa, months, c) mean over the members
    spread: NDArray[np.float32]  # (taxa, months, c) standard deviation over the members
    inside: NDArray[np.bool_]  # (c,) in the area of applicability


class RangeModel:
    """Where taxa live, by frozen chip features, place and date.

    The probability is relative: .5 is a place and month as likely among the points as among the background, each
    weighing one half. What share of the background a taxon truly occupies cannot be told from points alone.
    """

    def __init__(
        self,
        facts: RangeFacts,
        network: RangeNetwork,
        scale: InputScale,
        applicability: Applicability,
        photos: PhotoTerm | None = None,
    ) -> None:
        self.facts, self.network, self.scale = facts, network.eval(), scale
        self.applicability, self.photos = applicability, photos

    @property
    def evaluation(self) -> Mapping[str, float]:
        """Figures on what was left out of the fit."""
        return dict(self.facts.evaluation)

    @property
    def columns(self) -> tuple[Literal["chip", "year"], ...]:
        """What it reads of a region."""
        return ("chip", "year") if self.photos is not None else ("chip",)

    def labels(self, taxa: Sequence[str]) -> list[int]:
        """Positions of taxa. Raises UnknownTaxonError for the first that was not fitted."""
        for taxon in taxa:
            if taxon not in self.facts.taxa:
                raise UnknownTaxonError(taxon, self.facts.taxa, among="taxa of the range model")
        return [self.facts.taxa.index(taxon) for taxon in taxa]

    def predict(
        self, blocks: Iterable[RegionBlock], taxa: Sequence[str], months: Sequence[int]
    ) -> Iterator[RangeBlock]:
        """Probabilities of some taxa over cells of a region, in the middle of months 1..12, a block at a time."""
        labels = self.labels(taxa)
        times = np.array([mid_month(month) for month in months])
        for block in blocks:
            if len(block):
                yield self._predict(block, labels, times)

    @torch.inference_mode()
    def _predict(self, block: RegionBlock, labels: list[int], times: NDArray[np.float64]) -> RangeBlock:
        inputs = self.scale(block.chip, block.lon_lat)
        courses = self.network.courses(self.network.hidden(inputs[None]), labels)  # (members, c, taxa, waves)
        waves = self.network.waves_at(times)
        logit = torch.einsum("mctk,mnk->mtnc", courses, waves).numpy()  # (members, taxa, months, c)
        photo: NDArray[np.float32] | float = 0.0
        if self.photos is not None:
            basis = year_basis(times, (block.year.shape[1] - 1) // 2)
            along = np.einsum("nk,ckd->ncd", basis, block.year)
            photo = self.photos(along, labels).transpose(2, 0, 1)  # (taxa, months, c)
        probability = self.facts.calibration(logit, photo)
        return RangeBlock(
            cells=block.cells,
            probability=probability.mean(axis=0),
            spread=probability.std(axis=0),
            inside=self.applicability.inside(inputs),
        )

    @torch.inference_mode()
    def year_mean(self, chip: NDArray[np.float32], lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, taxa) probabilities of all taxa over the year at places (n, 2) with chip features (n, f)."""
        dates = np.full(len(chip), np.nan)
        logit = self.network.logits(self.network.hidden(self.scale(chip, lon_lat)[None]), dates).numpy()
        mean: NDArray[np.float32] = self.facts.calibration(logit).mean(axis=0)
        return mean

    def save(self, folder: Path) -> None:
        """Write ranges.safetensors and then ranges.json; without the second, the folder is no range model."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS_FILE).unlink(missing_ok=True)
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {"scale.centre": self.scale.centre, "scale.directions": self.scale.directions}
        tensors["references"] = self.applicability.references
        if self.photos is not None:
            for name in ("vectors", "mean", "deviation"):
                tensors[f"photos.{name}"] = torch.from_numpy(getattr(self.photos, name))
        with whole_file(folder / WEIGHTS_FILE) as partial:
            save_file({name: value.contiguous() for name, value in tensors.items()}, partial)
        config.save(self.facts, folder / SETTINGS_FILE)


def load_ranges(folder: Path) -> RangeModel:
    """Read what `RangeModel.save` wrote. Raises CheckpointError when it is absent, damaged or of a newer schema."""
    path, weights = folder / SETTINGS_FILE, folder / WEIGHTS_FILE
    if not path.is_file():
        raise CheckpointError(f"{folder} is no range model: it has no {SETTINGS_FILE}. Make one with `birdsat fit`.")
    try:
        version = json.loads(path.read_text()).get("schema_version")
        if version != SCHEMA_VERSION:
            raise CheckpointError(
                f"{folder} has schema {version!r}, and this birdsat reads {SCHEMA_VERSION}; fit again with it, or read "
                "the folder with the birdsat that wrote it."
            )
        facts = config.load(RangeFacts, path)
        tensors = load_file(weights)
        scale = InputScale(centre=tensors.pop("scale.centre"), directions=tensors.pop("scale.directions"))
        applicability = Applicability(
            references=tensors.pop("references"), mean_distance=facts.mean_distance, threshold=facts.threshold
        )
        photos = {name: tensors.pop(f"photos.{name}").numpy() for name in _photo_names(tensors)}
        network = RangeNetwork(facts.network, inputs=scale.directions.shape[1], taxa=len(facts.taxa), dated=facts.dated)
        network.load_state_dict({name.removeprefix("network."): value for name, value in tensors.items()})
        term = PhotoTerm(**photos) if photos else None
    except (
        OSError,
        ValueError,
        AttributeError,
        TypeError,
        KeyError,
        RuntimeError,
        SafetensorError,
        ConfigError,
    ) as error:
        said = " ".join(str(error).split())  # torch names tensors that do not fit line by line
        raise CheckpointError(f"{folder} is damaged ({said}); fit it again with `birdsat fit`.") from error
    network.requires_grad_(False)
    return RangeModel(facts, network, scale, applicability, term)


def _photo_names(tensors: Mapping[str, Tensor]) -> list[str]:
    return [name.removeprefix("photos.") for name in tensors if name.startswith("photos.")]
