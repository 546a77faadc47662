"""Models beside each other on surveyed sites: figures of each species, ranks, and differences with intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.tables import Table

_DRAWS = 10_000  # of species, with replacement
_LEVEL = 95  # per cent of the draws that an interval holds


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeciesFigures:
    """A model's scores of one species at the sites where it was looked for."""

    species: str
    points: int  # presences that were learned from
    present: int  # sites
    absent: int
    auc: float
    average_precision: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOnRegion:
    """A model on all species of a region, in the order of all other models."""

    model: str  # under which it is asked for
    name: str
    ours: bool
    seconds: float  # to choose its settings, to learn and to score
    chosen: tuple[tuple[str, str], ...]  # group, and the settings chosen for it on blocks
    figures: tuple[SpeciesFigures, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Mean over species of a model's figure less another's, and the interval of the draws of species."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    def to_dict(self) -> dict[str, float]:
        """Plain JSON values."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionReport:
    """All models on one region."""

    region: str
    presences: int
    background: int
    sites: int  # surveyed
    covariates: tuple[str, ...]
    classes: tuple[str, ...]  # those covariates that were taken as classes
    models: tuple[ModelOnRegion, ...]
    skipped: tuple[str, ...]  # species that were learned, and are everywhere or nowhere among the sites
    notes: tuple[str, ...] = ()

    @property
    def reference(self) -> ModelOnRegion:
        """That others are compared with: the first of ours; without any, the one with the highest AUC."""
        ours = [model for model in self.models if model.ours]
        return ours[0] if ours else self.best

    @property
    def best(self) -> ModelOnRegion:
        """The one with the highest mean AUC."""
        return max(self.models, key=lambda model: float(_auc(model).mean()))

    def ranks(self) -> NDArray[np.float64]:
        """(models,) mean over species of the rank by AUC, 1 is best; ties share theirs."""
        areas = np.stack([_auc(model) for model in self.models])
        above = (areas[None] > areas[:, None]).sum(axis=1) + ((areas[None] == areas[:, None]).sum(axis=1) - 1) / 2
        mean: NDArray[np.float64] = (1 + above).mean(axis=1)
        return mean

    def table(self) -> Table:
        """A row for each model, the best first."""
        other = self.reference
        what = f"less {other.name}"
        columns = ["model", "AUC", "AP", "mean rank", f"AUC {what}", f"AP {what}", "s"]
        table = Table(title=self._title(), columns=columns, caption=self._caption())
        ranks = self.ranks()
        for at in sorted(range(len(self.models)), key=lambda at: -float(_auc(self.models[at]).mean())):
            model = self.models[at]
            same = model is other
            table.add_row(
                model.name,
                f"{_auc(model).mean():.3f}",
                f"{_precision(model).mean():.3f}",
                f"{ranks[at]:.1f}",
                "" if same else str(difference(_auc(model), _auc(other))),
                "" if same else str(difference(_precision(model), _precision(other))),
                f"{model.seconds:.0f}",
            )
        return table

    def species_table(self) -> Table:
        """AUC of each species by each model."""
        table = Table(title=f"AUC in {self.region}", columns=["species", "points", *(one.name for one in self.models)])
        for at, one in enumerate(self.models[0].figures):
            areas = [f"{model.figures[at].auc:.3f}" for model in self.models]
            table.add_row(one.species, f"{one.points:,}", *areas)
        return table

    def markdown(self) -> str:
        """Tables and what must be known to read them, as Markdown."""
        chosen = [
            f"- {model.name}{f', {group}' if group else ''}: {settings}"
            for model in self.models
            for group, settings in model.chosen
        ]
        parts = [f"## {self._title()}", self.table().markdown(), self._caption()]
        parts += ["Chosen on blocks of the training presences:", "\n".join(chosen)] if chosen else []
        parts += ["AUC of each species:", self.species_table().markdown()]
        return "\n\n".join(parts) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ranks, other, best = self.ranks().tolist(), self.reference, self.best
        return {
            "region": self.region,
            "presences": self.presences,
            "background": self.background,
            "sites": self.sites,
            "covariates": list(self.covariates),
            "classes": list(self.classes),
            "skipped": list(self.skipped),
            "notes": list(self.notes),
            "reference": other.name,
            "best": best.name,
            "models": [
                {
                    "model": model.model,
                    "name": model.name,
                    "seconds": model.seconds,
                    "auc": float(_auc(model).mean()),
                    "ap": float(_precision(model).mean()),
                    "mean_rank": rank,
                    "chosen": [{"group": group, "settings": settings} for group, settings in model.chosen],
                    "auc_less_reference": difference(_auc(model), _auc(other)).to_dict(),
                    "ap_less_reference": difference(_precision(model), _precision(other)).to_dict(),
                    "auc_less_best": difference(_auc(model), _auc(best)).to_dict(),
                    "ap_less_best": difference(_precision(model), _precision(best)).to_dict(),
                    "species": [
                        {
                            "species": one.species,
                            "points": one.points,
                            "present": one.present,
                            "absent": one.absent,
                            "auc": one.auc,
                            "ap": one.average_precision,
                        }
                        for one in model.figures
                    ],
                }
                for model, rank in zip(self.models, ranks, strict=True)
            ],
        }

    def _title(self) -> str:
        species = len(self.models[0].figures)
        return f"{self.region}: {species} species, {self.presences:,} presences, {self.sites:,} surveyed sites"

    def _caption(self) -> str:
        skipped = [f"{len(self.skipped)} species cannot be evaluated."] if self.skipped else []
        said = (
            f"Means over species. Differences with the {_LEVEL} % interval of {_DRAWS:,} draws of species, of the same "
            "species by both models."
        )
        return " ".join([said, *self.notes, *skipped])


@dataclass(frozen=True, kw_only=True, slots=True)
class DisdatReport:
    """Every region."""

    regions: tuple[RegionReport, ...]

    def tables(self) -> tuple[Table, ...]:
        """One of each region."""
        return tuple(region.table() for region in self.regions)

    def markdown(self) -> str:
        """All regions as Markdown."""
        return "\n".join(region.markdown() for region in self.regions)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"regions": [region.to_dict() for region in self.regions]}


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> Difference:
    """Of figures of the same species (n,), in order; the interval is of the mean over species drawn anew."""
    by_species = one - other
    drawn = np.random.default_rng(0).integers(len(by_species), size=(_DRAWS, len(by_species)))
    low, high = np.percentile(by_species[drawn].mean(axis=1), [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    return Difference(mean=float(by_species.mean()), low=float(low), high=float(high))


def _auc(model: ModelOnRegion) -> NDArray[np.float64]:
    return np.array([one.auc for one in model.figures])


def _precision(model: ModelOnRegion) -> NDArray[np.float64]:
    return np.array([one.average_precision for one in model.figures])
