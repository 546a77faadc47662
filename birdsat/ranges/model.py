"""A fitted range model: asked for probabilities over cells and months, saved as a folder, loaded again."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from birdsat import config
from birdsat.config import Reading
from birdsat.earth.date import mid_month
from birdsat.embeddings.regions.embed_cells import HalfOrFloat, RegionBlock, to_float32, year_basis
from birdsat.engine.threads import in_threads
from birdsat.errors import CheckpointError, ConfigError, InputError, NewerFormatError, newer, not_a
from birdsat.files import write_atomic
from birdsat.observations.taxonomy import known_taxon
from birdsat.ranges.applicability import Applicability
from birdsat.ranges.calibrate import Calibration
from birdsat.ranges.covariates.facts import RasterFacts
from birdsat.ranges.covariates.named import COVARIATES, INPUTS
from birdsat.ranges.covariates.rasters import remembered_from
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.effort import NOT_KNOWN
from birdsat.ranges.held_out import HeldOutPlaces
from birdsat.ranges.held_out_figures import TaxonFigures
from birdsat.ranges.intervals import intervals
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.projection import InputProjection
from birdsat.reading import file_within, in_place_of
from birdsat.training.sizes import refuse_other_sizes

SETTINGS_FILE, WEIGHTS_FILE = "ranges.json", "ranges.safetensors"
KEPT_FILES = "cells-*.f16"  # see `feature_cache`
Way = Literal["occurrences", "both"]
SCHEMA_VERSION = 2
_CELLS_AT_ONCE = 256  # that go through the networks: what stays in a processor's cache
_SHAPING = ("inputs", "width", "depth", "members", "harmonics", "basis_harmonics")  # settings that shape tensors
_RENAMED_TENSORS = {  # what they were called in the release before this
    "network.shapes": "network.seasonal_basis",
    "scale.centre": "projection.centre",
    "scale.directions": "projection.directions",
}


def _renamed_figures(written: Any) -> Any:
    """Figures on what was held out, which were called left_out_... in the release before this."""
    if not isinstance(written, list):
        return written
    return [
        [f"held_out_{pair[0].removeprefix('left_out_')}", *pair[1:]]
        if isinstance(pair, list) and pair and isinstance(pair[0], str) and pair[0].startswith("left_out_")
        else pair
        for pair in written
    ]


@dataclass(frozen=True, kw_only=True)
class RangeFacts:
    """What is known of a fitted range model but its numbers."""

    schema_version: int = SCHEMA_VERSION
    network: RangeNetworkConfig
    taxa: tuple[str, ...]
    points: tuple[int, ...]  # of each taxon, after thinning to cells
    way: Way
    dated: bool  # False: no point had a date, and all months are alike
    looked_months: tuple[int, ...] = ()  # 1..12, in which somebody recorded some taxon; empty: not known
    run: str  # whose chip features it reads
    model: str  # fingerprint of that run's weights
    common_names: tuple[str, ...] = ()  # of each taxon, "" where not known; none at all where none is
    of_land: tuple[bool, ...] = ()  # whether each taxon lives on land; empty: not known
    taxonomy: str = ""  # the list that the taxa are named by, with its version; "": as the tables have them
    tables: tuple[str, ...] = ()  # that the points came from
    looked_taxa: int = 0  # taxa whose records say where was looked, and so correct for observers; 0: not known
    inputs: tuple[str, ...] = INPUTS[:2]  # of chip, place and covariates, what it learned from
    rasters: tuple[RasterFacts, ...] = ()  # that its covariates are read from
    effort: str = ""  # what says where was looked, as "the records of 27 taxa", or "not known"; empty: of before
    region: str = ""  # way from the model's folder to the cells it was fitted on; empty: not known
    request: str = ""  # fingerprint of what was asked for, by which the same asked again is known; empty: not known
    steps: int = 0
    calibration: Calibration = field(default_factory=Calibration)
    mean_distance: float = 0.0  # of the area of applicability
    threshold: float = 0.0
    evaluation: Annotated[
        tuple[tuple[str, float], ...], Reading(_renamed_figures)
    ] = ()  # on what was held out, by name
    taxon_evaluation: tuple[TaxonFigures, ...] = ()  # of each taxon; none at all where nothing could be held out


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoTerm:
    """What photos say of each taxon: cosines with a place, brought to mean 0 and variance 1 over the background."""

    vectors: NDArray[np.float32]  # (t, d) mean photo embeddings, unit vectors; 0 for a taxon without photos
    mean: NDArray[np.float32]  # (t,)
    deviation: NDArray[np.float32]  # (t,)

    def __call__(
        self, year: Float[Tensor, "c terms d"], basis: Float[Tensor, "months terms"], taxa: list[int]
    ) -> Float[Tensor, "taxa months c"]:
        """Of some taxa at cells with these annual cycles, in the months of the `year_basis`."""
        vectors, mean, deviation = (torch.from_numpy(of[taxa]) for of in (self.vectors, self.mean, self.deviation))
        along = torch.einsum("nk,ckt->tnc", basis, year @ vectors.T)
        return (along - mean[:, None, None]) / deviation[:, None, None]


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeFeatures:
    """c cells of a grid as a range model sees them: all that the map of any of its taxa and months is read from."""

    cells: NDArray[np.int64]  # (c,) positions in the grid
    hidden: Tensor  # (c, members, width) float16
    inside: NDArray[np.bool_]  # (c,) in the area of applicability
    year: HalfOrFloat  # (c, 1 + 2 K, d) as of `RegionBlock`; d is 0 for a model without photos

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, some: slice) -> "RangeFeatures":
        return RangeFeatures(
            cells=self.cells[some], hidden=self.hidden[some], inside=self.inside[some], year=self.year[some]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeBlock:
    """c cells of a grid, of some taxa and months."""

    cells: NDArray[np.int64]  # (c,) positions in the grid
    probability: NDArray[np.float32]  # (taxa, months, c) mean over the members
    low: NDArray[np.float32]  # (taxa, months, c) bounds of `intervals`
    high: NDArray[np.float32]
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
        projection: InputProjection,
        applicability: Applicability,
        photos: PhotoTerm | None = None,
        folder: Path | None = None,
        held_out: HeldOutPlaces | None = None,
    ) -> None:
        """folder: that it was read from, or is saved in. held_out: of the fit that it comes from, and of no file."""
        self.held_out = held_out
        self.facts, self.network, self.projection = facts, network.eval(), projection
        self.applicability, self.photos, self.folder = applicability, photos, folder

    def __repr__(self) -> str:
        return f"<birdsat range model of {len(self.facts.taxa):,} taxa: {self.folder or 'not saved'}>"

    @property
    def observer_bias(self) -> str:
        """Whether the places where people look were told from those where the taxa live, for people."""
        if self.facts.effort not in ("", NOT_KNOWN):
            return f"corrected by {self.facts.effort}"
        if self.facts.effort or self.facts.looked_taxa == 1:
            return "not corrected"
        return f"corrected by the records of {self.facts.looked_taxa:,} taxa" if self.facts.looked_taxa else "not known"

    @property
    def inputs_text(self) -> str:
        """What it learned from, for people."""
        named = [f"{raster.name} ({Path(raster.file).name})" for raster in self.facts.rasters]
        return ", ".join([*(one for one in self.facts.inputs if one != COVARIATES), *named])

    @property
    def evaluation(self) -> Mapping[str, float]:
        """Figures on what was held out of the fit."""
        return dict(self.facts.evaluation)

    def evaluation_of(self, taxon: str) -> Mapping[str, float]:
        """Figures of one taxon on what was held out of the fit; nothing where none of its points were. Raises
        UnknownTaxonError."""
        (label,) = self.labels((taxon,))
        found = self.facts.taxon_evaluation[label] if self.facts.taxon_evaluation else None
        if found is None or not found.points:
            return {}
        return {f"taxon_held_out_{name}": float(value) for name, value in asdict(found).items()}

    @property
    def region(self) -> str | None:
        """The cells it was fitted on, as `Region.way_from` says; None where that is not known."""
        return self.facts.region or None

    @property
    def columns(self) -> tuple[Literal["chip", "year"], ...]:
        """What it reads of a region."""
        return ("chip", "year") if self.photos is not None else ("chip",)

    @property
    def common_names(self) -> dict[str, str]:
        """Of the taxa that have one."""
        return {taxon: name for taxon, name in zip(self.facts.taxa, self.facts.common_names, strict=False) if name}

    def named(self, taxa: Sequence[str]) -> tuple[str, ...]:
        """The taxa that names mean, scientific or common, each once. Raises UnknownTaxonError for one that was not
        fitted."""
        return tuple(dict.fromkeys(self.facts.taxa[label] for label in self.labels(taxa)))

    def labels(self, taxa: Sequence[str]) -> list[int]:
        """Positions of taxa. Raises UnknownTaxonError for the first that was not fitted."""
        at = {name: label for label, name in enumerate(self.facts.taxa)}
        listing = None if self.folder is None else f"birdsat taxa {self.folder}"
        among = "taxa of the range model"
        common = self.common_names
        return [
            at[taxon if taxon in at else known_taxon(taxon, at, among=among, listing=listing, common_names=common)]
            for taxon in taxa
        ]

    @torch.inference_mode()
    def features(self, block: RegionBlock) -> RangeFeatures:
        """What the members see in cells of a region: nearly all the work of a map, and the same for every taxon."""
        inputs = self.projection(to_float32(block.chip).numpy(), block.lon_lat, block.covariates)
        inside = self.applicability.inside(inputs)
        if (scaling := self.projection.covariates) is not None and block.covariates is not None:
            inside &= ~scaling.unforeseen(block.covariates)
        hidden = [
            self.network.hidden(some[None]).transpose(0, 1).half() for some in torch.split(inputs, _CELLS_AT_ONCE)
        ]
        return RangeFeatures(cells=block.cells, hidden=torch.cat(hidden), inside=inside, year=block.year)

    def predict(
        self, blocks: Iterable[RangeFeatures], taxa: Sequence[str], months: Sequence[int]
    ) -> Iterator[RangeBlock]:
        """Probabilities of some taxa over cells, in the middle of months 1..12, a block at a time."""
        labels = self.labels(taxa)
        times = np.array([mid_month(month) for month in months])
        with torch.inference_mode():
            basis = self.network.basis_at(times)[:, None]  # (members, 1, months, terms)
        yield from in_threads(lambda block: self._predict(block, labels, times, basis), filter(len, blocks))

    @torch.inference_mode()
    def _predict(
        self, block: RangeFeatures, labels: list[int], times: NDArray[np.float64], basis: Tensor
    ) -> RangeBlock:
        cycles = self.network.annual_cycles(block.hidden.float().transpose(0, 1), labels)  # (members, taxa, terms, c)
        logit = basis @ cycles  # (members, taxa, months, c)
        photo: Tensor | float = 0.0
        if self.photos is not None:
            harmonics = torch.from_numpy(year_basis(times, (block.year.shape[1] - 1) // 2))
            photo = self.photos(to_float32(block.year), harmonics, labels)
        log_odds = self.facts.calibration.log_odds(logit, photo)
        probability = log_odds.sigmoid().mean(dim=0)
        records = torch.tensor([self.facts.points[label] for label in labels], dtype=torch.float32)
        low, high = intervals(log_odds, probability, records)
        return RangeBlock(
            cells=block.cells,
            probability=probability.numpy(),
            low=low.numpy(),
            high=high.numpy(),
            inside=block.inside,
        )

    @torch.inference_mode()
    def year_mean(
        self, chip: NDArray[np.float32], lon_lat: NDArray[np.float64], covariates: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """(n, taxa) probabilities of all taxa over the year at places (n, 2) with chip features (n, f), and with
        covariates (n, k) where it learned from some."""
        dates = np.full(len(chip), np.nan)
        inputs = self.projection(chip, lon_lat, covariates)
        logit = self.network.logits(self.network.hidden(inputs[None]), dates)
        mean: NDArray[np.float32] = self.facts.calibration(logit).mean(dim=0).numpy()
        return mean

    def trunk_fingerprint(self) -> str:
        """What tells two models apart whose `features` differ; the taxa and their heads have no part in it."""
        area = self.applicability
        digest = hashlib.sha256(f"{SCHEMA_VERSION} {area.mean_distance!r} {area.threshold!r}".encode())
        trunk = [
            value
            for name, value in self.network.state_dict().items()
            if not name.startswith(("heads", "seasonal_basis"))
        ]
        scaling = self.projection.covariates
        of_covariates = () if scaling is None else scaling.tensors().values()
        for tensor in (*trunk, self.projection.centre, self.projection.directions, *of_covariates, area.references):
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()

    def save(self, folder: Path, *, region: str = "", request: str = "") -> None:
        """Write ranges.safetensors and then ranges.json; without the second, the folder is not a range model.

        To be remembered: region, the way from the folder to the cells it was fitted on, and request, the fingerprint of
        what was asked for.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS_FILE).unlink(missing_ok=True)
        for kept in folder.glob(KEPT_FILES):  # of the model that is replaced
            kept.unlink(missing_ok=True)
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {"projection.centre": self.projection.centre, "projection.directions": self.projection.directions}
        if (scaling := self.projection.covariates) is not None:
            tensors |= scaling.tensors()
        tensors["references"] = self.applicability.references
        if self.photos is not None:
            for name in ("vectors", "mean", "deviation"):
                tensors[f"photos.{name}"] = torch.from_numpy(getattr(self.photos, name))
        # Not save_file: it makes files that only their owner may read.
        write_atomic(folder / WEIGHTS_FILE, save({name: value.contiguous() for name, value in tensors.items()}))
        rasters = remembered_from(self.facts.rasters, folder, self.folder)
        self.facts = replace(self.facts, region=region, request=request, rasters=rasters)
        config.save(self.facts, folder / SETTINGS_FILE)
        self.folder = folder


def remembered_region(folder: Path) -> str:
    """`RangeFacts.region` of the model in a folder, of which nothing else is read; "" where that cannot be told."""
    try:
        return config.load(RangeFacts, folder / SETTINGS_FILE).region
    except (OSError, ConfigError):  # what opens the model says what is wrong with it
        return ""


def load_ranges(folder: Path) -> RangeModel:
    """Read what `RangeModel.save` wrote. Raises CheckpointError when it is absent, damaged or of a newer schema."""
    path, weights = folder / SETTINGS_FILE, folder / WEIGHTS_FILE
    if not path.is_file():
        if weights.is_file():
            raise CheckpointError(
                f"{folder} is half written: it has no {SETTINGS_FILE}. Fit it again with `birdsat fit`."
            )
        raise CheckpointError(f"{not_a('range model', folder, SETTINGS_FILE)} Make one with `birdsat fit`.")
    if mistaken := in_place_of(weights):
        raise CheckpointError(f"{weights} does not hold weights: {mistaken}")
    try:
        facts = config.load(RangeFacts, path, schema=SCHEMA_VERSION)
        if facts.schema_version < SCHEMA_VERSION:
            raise CheckpointError(
                f"{folder} was fitted by an earlier birdsat (schema {facts.schema_version}, and this one reads "
                f"{SCHEMA_VERSION}); fit it again with `birdsat fit`."
            )
        tensors = {
            _RENAMED_TENSORS.get(name, name): value
            for name, value in load_file(file_within(folder, WEIGHTS_FILE)).items()
        }
        shapes = [tuple(value.shape) for value in tensors.values()]
        refuse_other_sizes(config.to_dict(facts.network), shapes, only=_SHAPING)
        scaling = CovariateScaling.take_from(tensors, sum(raster.width for raster in facts.rasters))
        beside = 0 if scaling is None else scaling.inputs
        _refuse_other_shapes(tensors, len(facts.taxa), beside)
        projection = InputProjection(
            centre=tensors.pop("projection.centre"),
            directions=tensors.pop("projection.directions"),
            covariates=scaling,
        )
        applicability = Applicability(
            references=tensors.pop("references"), mean_distance=facts.mean_distance, threshold=facts.threshold
        )
        photos = {name: tensors.pop(f"photos.{name}").numpy() for name in _photo_names(tensors)}
        network = RangeNetwork(facts.network, inputs=projection.inputs, taxa=len(facts.taxa), dated=facts.dated)
        network.load_state_dict({name.removeprefix("network."): value for name, value in tensors.items()})
        term = PhotoTerm(**photos) if photos else None
    except NewerFormatError as error:
        raise CheckpointError(newer(folder, error, "fit it again")) from error
    except (
        OSError,
        ValueError,
        AttributeError,
        TypeError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        SafetensorError,
        ConfigError,
        InputError,
    ) as error:
        said = " ".join(str(error).split())  # torch names tensors that do not fit line by line
        raise CheckpointError(f"{folder} is damaged ({said}); fit it again with `birdsat fit`.") from error
    network.requires_grad_(False)
    return RangeModel(facts, network, projection, applicability, term, folder)


def _refuse_other_shapes(tensors: Mapping[str, Tensor], taxa: int, beside: int) -> None:
    """Raise ValueError where the tensors beside the network do not fit one another; beside: inputs of covariates."""
    columns, inputs = tensors["projection.directions"].shape
    wanted = {"projection.centre": (columns,), "references": (len(tensors["references"]), inputs + beside)}
    if _photo_names(tensors):
        wanted |= {"photos.vectors": (taxa, tensors["photos.vectors"].shape[-1]), "photos.mean": (taxa,)}
        wanted |= {"photos.deviation": (taxa,)}
    for name, shape in wanted.items():
        if tuple(tensors[name].shape) != shape:
            raise ValueError(f"{name} is {tuple(tensors[name].shape)}; {shape} is needed")
    for name in ("projection.directions", *wanted):
        if tensors[name].dtype != torch.float32:
            raise ValueError(f"{name} is of {tensors[name].dtype}; float32 is needed")


def _photo_names(tensors: Mapping[str, Tensor]) -> list[str]:
    return [name.removeprefix("photos.") for name in tensors if name.startswith("photos.")]
