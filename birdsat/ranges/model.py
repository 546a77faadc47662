"""A fitted range model: asked for relative suitabilities over cells and months, saved as a folder, loaded again."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from birdsat import config
from birdsat.earth.date import mid_month
from birdsat.embeddings.regions.embed_cells import HalfOrFloat, RegionBlock, to_float32, year_basis
from birdsat.embeddings.regions.region import Column
from birdsat.engine.threads import in_threads
from birdsat.files import write_atomic
from birdsat.observations.taxonomy import known_taxon
from birdsat.ranges.applicability import Applicability, half_inputs
from birdsat.ranges.covariates.cell_covariates import remembered_from
from birdsat.ranges.covariates.named import COVARIATES, where_read
from birdsat.ranges.effort import NOT_KNOWN, hardly_corrected
from birdsat.ranges.estimator_network import EstimatorNetwork
from birdsat.ranges.facts import AREA, KEPT_FILES, SCHEMA_VERSION, SETTINGS_FILE, WEIGHTS_FILE, RangeFacts
from birdsat.ranges.held_out import HeldOutPlaces
from birdsat.ranges.intervals import intervals
from birdsat.ranges.network import RangeNetwork
from birdsat.ranges.projection import InputProjection
from birdsat.ranges.thresholds import Thresholds

_CELLS_AT_ONCE = 256  # that go through the networks: what stays in a processor's cache


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
    lon_lat: NDArray[np.float64]  # (c, 2) their centres
    hidden: Tensor  # (c, members, width) float16
    inputs: Tensor  # (c, d) float16, which say how like the places learned from they are
    year: HalfOrFloat  # (c, 1 + 2 K, d) as of `RegionBlock`; d is 0 for a model without photos

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, some: slice) -> "RangeFeatures":
        return RangeFeatures(
            cells=self.cells[some],
            lon_lat=self.lon_lat[some],
            hidden=self.hidden[some],
            inputs=self.inputs[some],
            year=self.year[some],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeBlock:
    """c cells of a grid, of some taxa and months."""

    cells: NDArray[np.int64]  # (c,) positions in the grid
    suitability: NDArray[np.float32]  # (taxa, months, c) relative, mean over the members
    low: NDArray[np.float32]  # (taxa, months, c) bounds of `intervals`
    high: NDArray[np.float32]
    inside: NDArray[np.bool_]  # (taxa, c) in the taxon's area of applicability; (0, c) where that was not asked


class RangeModel:
    """Where taxa live, by frozen chip features, place and date.

    Suitability is relative: .5 is a place and month as likely among the points as among the background, each
    weighing one half. What share of the background a taxon truly occupies cannot be told from points alone.
    """

    def __init__(
        self,
        facts: RangeFacts,
        network: RangeNetwork | EstimatorNetwork,
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
            hardly = "hardly " if hardly_corrected(self.facts.effort, self.facts.effort_share) else ""
            return f"{hardly}corrected by {self.facts.effort}"
        if self.facts.effort or self.facts.looked_taxa == 1:
            return "not corrected"
        return f"corrected by the records of {self.facts.looked_taxa:,} taxa" if self.facts.looked_taxa else "not known"

    @property
    def inputs_text(self) -> str:
        """What it learned from, for people; without covariates that are the same everywhere."""
        named, start = [], 0
        for one in self.facts.rasters:
            assert self.projection.covariates is not None
            if self.projection.covariates.kept[start : start + one.width].any():
                named.append(f"{one.name} ({where_read(Path(one.file).name, one.column)})")
            start += one.width
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
    def columns(self) -> tuple[Column, ...]:
        """What it reads of a region."""
        reads: dict[Column, bool] = {
            "chip": self.projection.directions.shape[1] > 0,
            "covariates": self.projection.covariates is not None,
            "year": self.photos is not None,
        }
        return tuple(column for column, read in reads.items() if read)

    @property
    def common_names(self) -> dict[str, str]:
        """Of the taxa that have one."""
        return {taxon: name for taxon, name in zip(self.facts.taxa, self.facts.common_names, strict=False) if name}

    def thresholds(self, taxon: str) -> Thresholds | None:
        """From which values a taxon's map counts as its range; None where nothing could be held out to choose them
        on. Raises UnknownTaxonError."""
        (label,) = self.labels((taxon,))
        return self.facts.thresholds[label] if self.facts.thresholds else None

    def named(self, taxa: Sequence[str]) -> tuple[str, ...]:
        """The taxa that names mean, scientific or common, each once. Raises UnknownTaxonError for one that was not
        fitted."""
        return tuple(dict.fromkeys(self.facts.taxa[label] for label in self.labels(taxa)))

    def labels(self, taxa: Sequence[str]) -> list[int]:
        """Positions of taxa. Raises UnknownTaxonError for the first that was not fitted."""
        at = {name: label for label, name in enumerate(self.facts.taxa)}
        listing = None if self.folder is None else f"`birdsat taxa {self.folder}`"
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
        seen = half_inputs(inputs)
        if (scaling := self.projection.covariates) is not None and block.covariates is not None:
            unforeseen = scaling.unforeseen(block.covariates, alone=self.facts.inputs == (COVARIATES,))
            seen[torch.from_numpy(unforeseen)] = torch.nan  # near to no reference
        hidden = [
            self.network.hidden(some[None]).transpose(0, 1).half() for some in torch.split(inputs, _CELLS_AT_ONCE)
        ]
        return RangeFeatures(
            cells=block.cells,
            lon_lat=block.lon_lat,
            hidden=torch.cat(hidden),
            inputs=seen,
            year=block.year,
        )

    def predict(
        self,
        blocks: Iterable[RangeFeatures],
        taxa: Sequence[str],
        months: Sequence[int],
        *,
        applicability: bool = True,
    ) -> Iterator[RangeBlock]:
        """Relative suitabilities of some taxa over cells, in the middle of months 1..12, a block at a time.

        applicability: whether their areas are asked too, which takes longer than the suitabilities of a month.
        """
        labels = self.labels(taxa)
        times = np.array([mid_month(month) for month in months])
        with torch.inference_mode():
            basis = self.network.basis_at(times)[:, None]  # (members, 1, months, terms)
        yield from in_threads(
            lambda block: self._predict(block, labels, times, basis, applicability), filter(len, blocks)
        )

    @torch.inference_mode()
    def _predict(
        self, block: RangeFeatures, labels: list[int], times: NDArray[np.float64], basis: Tensor, applicability: bool
    ) -> RangeBlock:
        cycles = self.network.annual_cycles(block.hidden.float().transpose(0, 1), labels)  # (members, taxa, terms, c)
        logit = basis @ cycles  # (members, taxa, months, c)
        photo: Tensor | float = 0.0
        if self.photos is not None:
            harmonics = torch.from_numpy(year_basis(times, (block.year.shape[1] - 1) // 2))
            photo = self.photos(to_float32(block.year), harmonics, labels)
        log_odds = self.facts.calibration.log_odds(logit, photo)
        suitability = log_odds.sigmoid().mean(dim=0)
        records = torch.tensor([self.facts.points[label] for label in labels], dtype=torch.float32)
        low, high = intervals(log_odds, suitability, records)
        return RangeBlock(
            cells=block.cells,
            suitability=suitability.numpy(),
            low=low.numpy(),
            high=high.numpy(),
            inside=self.applicability.inside(block.inputs, block.lon_lat, labels if applicability else ()),
        )

    @torch.inference_mode()
    def inside_together(self, block: RangeFeatures) -> NDArray[np.bool_]:
        """(c,) which cells lie in the area of applicability of all taxa together."""
        area = self.applicability
        inside: NDArray[np.bool_] = area.inside(block.inputs, block.lon_lat, (area.together,))[0]
        return inside

    @torch.inference_mode()
    def year_mean(
        self, chip: NDArray[np.float32], lon_lat: NDArray[np.float64], covariates: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """(n, taxa) suitabilities of all taxa over the year at places (n, 2) with chip features (n, f), and with
        covariates (n, k) where it learned from some."""
        dates = np.full(len(chip), np.nan)
        inputs = self.projection(chip, lon_lat, covariates)
        logit = self.network.logits(self.network.hidden(inputs[None]), dates)
        mean: NDArray[np.float32] = self.facts.calibration(logit).mean(dim=0).numpy()
        return mean

    def trunk_fingerprint(self) -> str:
        """What tells two models apart whose `features` differ; the taxa and their heads have no part in it."""
        digest = hashlib.sha256(str(SCHEMA_VERSION).encode())
        trunk = [
            value
            for name, value in self.network.state_dict().items()
            if not name.startswith(("heads", "seasonal_basis"))
        ]
        scaling = self.projection.covariates
        of_covariates = () if scaling is None else scaling.tensors().values()
        for tensor in (*trunk, self.projection.centre, self.projection.directions, *of_covariates):
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()

    def save(self, folder: str | Path, *, region: str = "", request: str = "") -> None:
        """Write ranges.safetensors and then ranges.json; without the second, the folder is not a range model.

        To be remembered: region, the way from the folder to the cells it was fitted on, and request, the fingerprint of
        what was asked for.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS_FILE).unlink(missing_ok=True)
        for kept in folder.glob(KEPT_FILES):  # of the model that is replaced
            kept.unlink(missing_ok=True)
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {"projection.centre": self.projection.centre, "projection.directions": self.projection.directions}
        if (scaling := self.projection.covariates) is not None:
            tensors |= scaling.tensors()
        tensors |= {f"{AREA}{name}": value for name, value in self.applicability.tensors().items()}
        if self.photos is not None:
            for name in ("vectors", "mean", "deviation"):
                tensors[f"photos.{name}"] = torch.from_numpy(getattr(self.photos, name))
        # Not save_file: it makes files that only their owner may read.
        write_atomic(folder / WEIGHTS_FILE, save({name: value.contiguous() for name, value in tensors.items()}))
        rasters = remembered_from(self.facts.rasters, folder, self.folder)
        self.facts = replace(self.facts, region=region, request=request, rasters=rasters)
        config.save(self.facts, folder / SETTINGS_FILE)
        self.folder = folder
