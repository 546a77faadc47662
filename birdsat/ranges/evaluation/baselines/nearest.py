"""Nearest neighbours: on the sphere among points, and among cells that are alike."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.errors import ConfigError, InputError
from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer, one_by_one, raster_sets
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.points import COORDINATES, Cells, Points


@dataclass(frozen=True, kw_only=True, slots=True)
class NearestPoints:
    """Minus the mean distance, in km over the sphere, to the k nearest points of a taxon (all, where it has fewer)."""

    k: int = 1
    probabilities: bool = False

    def __post_init__(self) -> None:
        _refuse_none(self.k)

    @property
    def name(self) -> str:
        return "nearest point" if self.k == 1 else f"{self.k} nearest points"

    def fit(self, points: Points) -> Scorer:
        return one_by_one(points, lambda cells: unit_sphere(*cells.lon_lat.T), self._fit_one)

    def _fit_one(
        self, at: NDArray[np.float64], background: NDArray[np.float64]
    ) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
        nearest = NearestNeighbors(n_neighbors=min(self.k, len(at))).fit(at)

        def score(asked: NDArray[np.float64]) -> NDArray[np.float32]:
            chord, _ = nearest.kneighbors(asked)
            kilometres: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1))
            mean: NDArray[np.float32] = kilometres.mean(axis=1).astype(np.float32)
            return -mean

        return score


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarCells:
    """The share of the k most similar surveyed cells where a taxon is, by standardised columns; from surveys only."""

    columns: tuple[str, ...] = (COORDINATES,)
    k: int = 10
    label: str = ""  # in tables; the columns where empty
    probabilities: bool = True

    def __post_init__(self) -> None:
        _refuse_none(self.k)

    @property
    def name(self) -> str:
        return f"{self.k} nearest neighbours on {self.label or ' + '.join(self.columns)}"

    def fit(self, cells: Cells, presence: NDArray[np.bool_]) -> Scorer:
        if len(cells) < self.k:
            raise InputError(f"{self.k} nearest neighbours cannot be found among {len(cells)} training cells.")
        scaled = ScaledColumns.fit(cells, self.columns)
        nearest = NearestNeighbors(n_neighbors=self.k).fit(scaled(cells))

        def score(asked: Cells) -> NDArray[np.float32]:
            near = nearest.kneighbors(scaled(asked), return_distance=False)
            share: NDArray[np.float32] = presence[near].mean(axis=1, dtype=np.float32)
            return share

        return score


def nearest(settings: ModelSettings) -> tuple[NearestPoints, ...]:
    """The nearest point."""
    return (NearestPoints(),)


def similar_coordinates(settings: ModelSettings) -> tuple[SimilarCells, ...]:
    """The ten nearest neighbours on coordinates."""
    return (SimilarCells(),)


def similar_rasters(settings: ModelSettings) -> tuple[SimilarCells, ...]:
    """The ten nearest neighbours on each set of columns."""
    return tuple(SimilarCells(columns=names) for names in raster_sets(settings.rasters))


def _refuse_none(k: int) -> None:
    if k < 1:
        raise ConfigError(f"{k} nearest neighbours were asked for; 1 or more are needed.")
