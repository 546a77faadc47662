"""Figures of several models against where taxa truly are, gathered over taxa, folds and bands of latitude."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.metrics import boyce_index, map_scores, max_true_skill, reliability
from birdsat.tables import Table

BAND_DEGREES = 10.0  # of latitude
POINT_BINS = (1, 10, 20, 50, 100, 200, 500)  # lower edges of the bins of training points


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonFigures:
    """One model's map of one taxon against the truth in the cells held out together."""

    taxon: str
    points: int  # presences of the taxon that were learned from; over folds evaluated together, of them all
    present: int  # cells evaluated where it truly is
    absent: int
    auc: float  # 0.5 by chance
    average_precision: float  # by chance present / (present + absent)
    skill: (
        float  # highest true skill statistic of any threshold, chosen on the cells evaluated, so that chance is above 0
    )
    boyce: float  # continuous Boyce index; NaN where the score is flat
    calibration_error: float  # NaN where scores are not probabilities
    brier: float  # NaN where scores are not probabilities
    bands: tuple[tuple[float, float], ...]  # southern edge of a band of latitude, AUC among its cells; both kinds in it


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """Means over taxa, of each taxon's mean over its folds. NaN where nothing is known."""

    taxa: int
    auc: float
    average_precision: float
    chance_average_precision: float  # mean share of cells where the taxon is
    skill: float
    boyce: float
    calibration_error: float
    brier: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFigures:
    """One model against the truth."""

    model: str
    seconds: float  # to learn and to score, all folds together
    figures: tuple[TaxonFigures, ...]  # of each taxon in each fold

    @property
    def means(self) -> Means:
        return _means(self.figures)

    def by_points(self) -> tuple[tuple[str, Means], ...]:
        """Means of the taxa with about as many training points; bins without taxa are left out."""
        at = np.searchsorted(POINT_BINS, [one.points for one in self.figures], "right") - 1
        names = [f"{low}-{high - 1}" if high > low + 1 else f"{low}" for low, high in pairwise(POINT_BINS)]
        names.append(f"{POINT_BINS[-1]} or more")
        binned = [
            (name, [one for one, i in zip(self.figures, at, strict=True) if i == b]) for b, name in enumerate(names)
        ]
        return tuple((name, _means(some)) for name, some in binned if some)

    def by_latitude(self) -> tuple[tuple[float, int, float], ...]:
        """Southern edge of each band, taxa evaluated in it and their mean AUC, north first."""
        aucs: dict[float, dict[str, list[float]]] = {}
        for one in self.figures:
            for south, auc in one.bands:
                aucs.setdefault(south, {}).setdefault(one.taxon, []).append(auc)
        return tuple(
            (south, len(aucs[south]), float(np.mean([np.mean(folds) for folds in aucs[south].values()])))
            for south in sorted(aucs, reverse=True)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """Several models against the same truth, each having learned from the same data."""

    title: str
    models: tuple[ModelFigures, ...]
    skipped: tuple[str, ...]  # taxa that could not be evaluated: too few points, or no cells of one kind
    points: int | None = None  # of each taxon, that were learned from; None: as many as there were
    notes: tuple[str, ...] = ()  # what must be known to read the figures

    def model(self, name: str) -> ModelFigures:
        """The figures of one model. Raises KeyError when it was not evaluated."""
        for model in self.models:
            if model.model == name:
                return model
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; NaN is None."""
        return {
            "title": self.title,
            "points": self.points,
            "notes": list(self.notes),
            "skipped": list(self.skipped),
            "models": [
                {
                    "model": model.model,
                    "seconds": model.seconds,
                    **_plain(model.means),
                    "by_points": [{"points": name, **_plain(means)} for name, means in model.by_points()],
                    "by_latitude": [
                        {"south": south, "north": south + BAND_DEGREES, "taxa": taxa, "auc": auc}
                        for south, taxa, auc in model.by_latitude()
                    ],
                    "taxa": [
                        {"taxon": one.taxon, **_plain(_means([one])), "points": one.points,
                         "present": one.present, "absent": one.absent}
                        for one in model.figures
                    ],
                }
                for model in self.models
            ],
        }  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        """Plain JSON values of each model: how it learned, and its means over the taxa; NaN is None."""
        return [
            {
                "model": model.model,
                "evaluation": self.title,
                "points": self.points,
                "seconds": model.seconds,
                **_plain(model.means),
            }
            for model in self.models
        ]

    def table(self) -> Table:
        """A row for each model: means over the taxa, and beside them what chance gives."""
        table = Table(title=self.title, columns=["model", *_COLUMNS, "s"], caption=self._caption())
        for model in self.models:
            table.add_row(model.model, *_cells(model.means), f"{model.seconds:.1f}")
        if self.models:
            chance = self.models[0].means.chance_average_precision
            table.add_row("chance", "", "0.500", _figure(chance), "", "0.000")
        return table

    def points_table(self) -> Table:
        """Mean AUC by the number of training points."""
        bins = [dict(model.by_points()) for model in self.models]
        names = list(dict.fromkeys(name for one in bins for name in one))
        names.sort(key=lambda name: int(name.split()[0].split("-")[0]))
        heads = [f"{name} ({max(one[name].taxa for one in bins if name in one):,} taxa)" for name in names]
        table = Table(title="AUC by training points", columns=["model", *heads])
        for model, one in zip(self.models, bins, strict=True):
            table.add_row(model.model, *(_figure(one[name].auc) if name in one else "" for name in names))
        return table

    def latitude_table(self) -> Table:
        """Mean AUC by band of latitude."""
        bands = [{south: auc for south, _, auc in model.by_latitude()} for model in self.models]
        souths = sorted({south for one in bands for south in one}, reverse=True)
        heads = [f"{south:g} to {south + BAND_DEGREES:g}" for south in souths]
        table = Table(title="AUC by latitude", columns=["model", *heads])
        for model, one in zip(self.models, bands, strict=True):
            table.add_row(model.model, *(_figure(one[south]) if south in one else "" for south in souths))
        return table

    def markdown(self) -> str:
        """The three tables and the notes, as Markdown."""
        parts = [f"### {self.title}", self.table().markdown()]
        parts += [self._caption()] if self._caption() else []
        for table in (self.points_table(), self.latitude_table()):
            parts += [f"{table.title}:", table.markdown()]
        return "\n\n".join(parts) + "\n"

    def _caption(self) -> str:
        skipped = [f"{len(self.skipped):,} taxa could not be evaluated."] if self.skipped else []
        return " ".join([*self.notes, *skipped])


def taxon_figures(
    taxon: str,
    score: NDArray[np.float32],
    truth: NDArray[np.bool_],
    lat: NDArray[np.float64],
    *,
    points: int,
    probabilities: bool,
) -> TaxonFigures:
    """Every figure of one taxon. score, truth, lat (n,): cells with and without the taxon, none without a score."""
    auc, average_precision = map_scores(score, truth)
    calibration = reliability(score, truth) if probabilities else None
    bands = []
    band = np.floor(lat / BAND_DEGREES)
    for number in np.unique(band):
        here = band == number
        if truth[here].any() and not truth[here].all():
            bands.append((float(number * BAND_DEGREES), map_scores(score[here], truth[here])[0]))
    return TaxonFigures(
        taxon=taxon,
        points=points,
        present=int(truth.sum()),
        absent=int((~truth).sum()),
        auc=auc,
        average_precision=average_precision,
        skill=max_true_skill(score, truth),
        boyce=boyce_index(score, score[truth]),
        calibration_error=float("nan") if calibration is None else calibration.error,
        brier=float("nan") if calibration is None else calibration.brier,
        bands=tuple(bands),
    )


_COLUMNS = ("taxa", "AUC", "AP", "max TSS", "Boyce", "ECE", "Brier")


def _means(figures: Sequence[TaxonFigures]) -> Means:
    of_taxon: dict[str, list[TaxonFigures]] = {}
    for one in figures:
        of_taxon.setdefault(one.taxon, []).append(one)

    def mean(values: Iterable[Sequence[float]]) -> float:
        """Over taxa, of the mean over a taxon's folds; what is NaN is left out."""
        known = [[value for value in folds if not np.isnan(value)] for folds in values]
        means = [float(np.mean(folds)) for folds in known if folds]
        return float(np.mean(means)) if means else float("nan")

    taxa = list(of_taxon.values())
    return Means(
        taxa=len(taxa),
        auc=mean([one.auc for one in folds] for folds in taxa),
        average_precision=mean([one.average_precision for one in folds] for folds in taxa),
        chance_average_precision=mean([one.present / (one.present + one.absent) for one in folds] for folds in taxa),
        skill=mean([one.skill for one in folds] for folds in taxa),
        boyce=mean([one.boyce for one in folds] for folds in taxa),
        calibration_error=mean([one.calibration_error for one in folds] for folds in taxa),
        brier=mean([one.brier for one in folds] for folds in taxa),
    )


def _plain(means: Means) -> dict[str, Any]:
    known = {
        "auc": means.auc,
        "ap": means.average_precision,
        "ap_chance": means.chance_average_precision,
        "max_tss": means.skill,
        "boyce": means.boyce,
        "ece": means.calibration_error,
        "brier": means.brier,
    }
    return {"taxa": means.taxa} | {name: None if np.isnan(value) else value for name, value in known.items()}


def _cells(means: Means) -> list[str]:
    values = (means.auc, means.average_precision, means.skill, means.boyce, means.calibration_error, means.brier)
    return [f"{means.taxa:,}", *map(_figure, values)]


def _figure(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"
