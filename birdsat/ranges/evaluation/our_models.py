"""The range network as one of the models that are evaluated side by side."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from birdsat.progress import QUIET, WithoutNotes
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.named import CHIP, COVARIATES, PLACE
from birdsat.ranges.evaluation.learning import Scorer, none_elsewhere
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.evaluation.similar import mean_of_similar
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.learn import Embedded
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points, SurveyRows
from birdsat.ranges.projection import PLACE_SHARE


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeNetworkModel:
    """The range network as a `PresenceModel`, to be evaluated beside baselines."""

    columns: str | None = "chip"  # of chip features among the cells' columns; None: without these
    place: bool = True
    covariates: tuple[str, ...] = ()  # columns of which each number is a covariate
    chooses: bool = False  # among all of these or covariates alone, as a fit does that is not told which
    settings: RangeNetworkConfig = field(default_factory=RangeNetworkConfig)
    label: str = "birdsat"
    probabilities: bool = True

    @property
    def name(self) -> str:
        what = (self.columns, "place" if self.place else None, "covariates" if self.covariates else None)
        return f"{self.label}: {' + '.join(filter(None, what))}{', as chosen' if self.chooses else ''}"

    def fit(self, points: Points) -> Scorer:
        at, behind = self._embedded(points.presences), self._embedded(points.background)
        taxa = [str(label) for label in range(points.taxa)]
        width = 0 if at.covariates is None else at.covariates.shape[1]
        used = (CHIP, self.columns is not None), (PLACE, self.place), (COVARIATES, width > 0)
        model = fit_ranges(
            points,
            at,
            behind,
            taxa,
            Source(run="", model=""),
            settings=self.settings,
            covariates=[Covariate(name=f"number {number}") for number in range(width)],
            inputs_of=() if self.chooses else [name for name, is_used in used if is_used],
            visits=None if points.surveys is None else self._embedded(points.surveys.visits),
            progress=WithoutNotes(QUIET),  # which say the same of every fold
        )
        learned = np.isin(np.arange(points.taxa), points.taxon)

        def score(cells: Cells) -> NDArray[np.float32]:
            asked = self._embedded(cells)
            return np.where(learned, model.year_mean(asked.chip, cells.lon_lat, asked.covariates), np.float32(np.nan))

        return score

    def _embedded(self, cells: Cells) -> Embedded:
        chip, beside = self._chip(cells), cells.table(self.covariates) if self.covariates else None
        return Embedded(
            chip=chip,
            year=np.empty((len(chip), 1, 0), np.float32),
            covariates=None if beside is None else beside.astype(np.float32),
        )

    def _chip(self, cells: Cells) -> NDArray[np.float32]:
        if self.columns is None:
            return np.empty((len(cells), 0), np.float32)
        return cells.table((self.columns,)).astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyNetwork:
    """The range network as a `SurveyModel`: presences as points, all cells as background and as surveys of all taxa."""

    columns: str | None = "chip"
    settings: RangeNetworkConfig = field(default_factory=RangeNetworkConfig)
    label: str = "birdsat"
    probabilities: bool = False  # a relative one, which does not say what share of the cells a taxon is in

    @property
    def name(self) -> str:
        return f"{RangeNetworkModel(columns=self.columns, label=self.label).name}, presence and absence"

    def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:
        return self.fit_weighted(cells, presence, np.ones(presence.shape))

    def fit_weighted(self, cells: Cells, presence: NDArray[np.bool_], weight: NDArray[np.floating]) -> Scorer:
        """As `fit`, cells counting by weight (n, taxa) among those where a taxon is, or is not."""
        at, taxon = np.nonzero(presence)
        both = np.flatnonzero(presence.any(axis=0) & ~presence.all(axis=0))  # of the others nothing more is known
        surveys = SurveyRows(
            visits=cells,
            year_fraction=np.full(len(cells), np.nan),
            visit=np.repeat(np.arange(len(cells)), len(both)),
            taxon=np.tile(both, len(cells)),
            present=presence[:, both].ravel(),
            weight=weight[:, both].ravel().astype(np.float64),
        )
        points = Points(
            taxa=presence.shape[1],
            presences=cells.take(at),
            taxon=taxon,
            background=cells,
            surveys=surveys if len(surveys) else None,
        )
        return RangeNetworkModel(columns=self.columns, settings=self.settings).fit(points)


@dataclass(frozen=True, kw_only=True, slots=True)
class CountNetwork:
    """The range network as a `CountModel`: of presence and absence, each presence counting by log(1 + mean count)."""

    columns: str | None = "chip"
    settings: RangeNetworkConfig = field(default_factory=RangeNetworkConfig)
    label: str = "birdsat"
    probabilities: bool = False

    @property
    def name(self) -> str:
        return f"{RangeNetworkModel(columns=self.columns, label=self.label).name}, presences by their counts"

    def fit(self, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
        presence = counts > 0
        model = SurveyNetwork(columns=self.columns, settings=self.settings)
        score = model.fit_weighted(cells, presence, np.where(presence, np.log1p(counts), 1.0))
        return none_elsewhere(score, cells, counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarPlaces:
    """The k cells most alike by chip features, or by these and place as a range network sees them: a `SurveyModel`."""

    columns: str = "chip"
    place: bool = True
    k: int = 10
    label: str = "birdsat"
    probabilities: bool = True

    @property
    def name(self) -> str:
        return f"{self.label}: {self.k} most similar by {self.columns}{' + place' if self.place else ''}"

    def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:
        share = PLACE_SHARE if self.place else 0.0
        return mean_of_similar(cells, presence, column=self.columns, k=self.k, place_share=share)


def place(settings: ModelSettings) -> tuple[RangeNetworkModel, ...]:
    """The range network on place alone."""
    return (RangeNetworkModel(columns=None, settings=RangeNetworkConfig(seed=settings.seed)),)


def chip_place(settings: ModelSettings) -> tuple[RangeNetworkModel, ...]:
    """The range network as it ships."""
    return (RangeNetworkModel(settings=RangeNetworkConfig(seed=settings.seed)),)


def covariates(settings: ModelSettings) -> tuple[RangeNetworkModel, ...]:
    """The range network on the rasters alone."""
    network = RangeNetworkConfig(seed=settings.seed)
    return (RangeNetworkModel(columns=None, place=False, covariates=settings.rasters, settings=network),)


def chip_place_covariates(settings: ModelSettings) -> tuple[RangeNetworkModel, ...]:
    """The range network on chip and place, with the rasters beside."""
    return (RangeNetworkModel(covariates=settings.rasters, settings=RangeNetworkConfig(seed=settings.seed)),)


def chosen_covariates(settings: ModelSettings) -> tuple[RangeNetworkModel, ...]:
    """The range network as it ships with the rasters: with chip and place, or on these alone."""
    network = RangeNetworkConfig(seed=settings.seed)
    return (RangeNetworkModel(covariates=settings.rasters, chooses=True, settings=network),)


def chip_place_surveys(settings: ModelSettings) -> tuple[SurveyNetwork, ...]:
    """The range network as it ships, with absences."""
    return (SurveyNetwork(settings=RangeNetworkConfig(seed=settings.seed)),)


def chip_place_counts(settings: ModelSettings) -> tuple[CountNetwork, ...]:
    """The range network with absences, the routes on which more were counted weighing more."""
    return (CountNetwork(settings=RangeNetworkConfig(seed=settings.seed)),)


def similar_chip(settings: ModelSettings) -> tuple[SimilarPlaces, ...]:
    """The ten places most alike by their chips."""
    return (SimilarPlaces(place=False),)


def similar_chip_place(settings: ModelSettings) -> tuple[SimilarPlaces, ...]:
    """The ten places most alike by chip and place."""
    return (SimilarPlaces(place=True),)
