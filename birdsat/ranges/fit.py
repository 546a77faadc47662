"""From points and the cells of a region to a range model that is calibrated and judged on what it did not see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.embeddings.regions.embed_cells import year_basis
from birdsat.observations.blocks import blocks_by_km
from birdsat.ranges.applicability import Applicability
from birdsat.ranges.calibrate import Calibration, fit_calibration, left_out_figures
from birdsat.ranges.model import PhotoTerm, RangeFacts, RangeModel
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.projection import InputProjection
from birdsat.ranges.train import Fitted, LeftOut, fit_network


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """What a region says of places: the columns of a `RegionBlock`, without positions in a grid."""

    chip: NDArray[np.float32]  # (n, f)
    year: NDArray[np.float32]  # (n, 1 + 2 K, d), or (n, 1 + 2 K, 0) where no photos are used


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a fit comes from, for the record."""

    run: str
    model: str  # fingerprint of the run's weights
    tables: tuple[str, ...] = ()


def fit_ranges(
    points: Points,
    at: Embedded,
    behind: Embedded,
    taxa: Sequence[str],
    source: Source,
    *,
    settings: RangeNetworkConfig | None = None,
    photos: NDArray[np.float32] | None = None,
) -> RangeModel:
    """Fit, calibrate and judge.

    at: of the points' places, behind: of the background's. taxa: names of the labels. photos: (t, d) mean photo
    embeddings, NaN where a taxon has none; with them the map is made from both, weighed by what was left out.
    """
    settings = settings or RangeNetworkConfig()
    scale = InputProjection.fit(behind.chip, points.background.lon_lat, settings.inputs)
    inputs, background = scale(at.chip, points.at.lon_lat), scale(behind.chip, points.background.lon_lat)
    fitted = fit_network(points, inputs, background, settings)
    term = None if photos is None else _photo_term(photos, behind)
    calibration, figures = _calibrate(fitted, term, points, at, behind)
    area = Applicability.fit(inputs, blocks_by_km(points.at.lon_lat, settings.block_km), settings.seed)
    facts = RangeFacts(
        network=settings,
        taxa=tuple(taxa),
        points=tuple(np.bincount(points.taxon, minlength=len(taxa)).tolist()),
        way="occurrences" if photos is None else "both",
        dated=fitted.network.waves > 1,
        run=source.run,
        model=source.model,
        tables=source.tables,
        steps=fitted.steps,
        calibration=calibration,
        mean_distance=area.mean_distance,
        threshold=area.threshold,
        evaluation=tuple(figures.items()),
    )
    return RangeModel(facts, fitted.network, scale, area, term)


def _photo_term(photos: NDArray[np.float32], behind: Embedded) -> PhotoTerm:
    """Standardised over the background in the middle of the year's course, which is its mean."""
    vectors = np.nan_to_num(photos).astype(np.float32)
    score = behind.year[:, 0] @ vectors.T
    deviation = score.std(axis=0)
    return PhotoTerm(
        vectors=vectors, mean=score.mean(axis=0), deviation=np.where(deviation > 0, deviation, 1).astype(np.float32)
    )


def _calibrate(
    fitted: Fitted, term: PhotoTerm | None, points: Points, at: Embedded, behind: Embedded
) -> tuple[Calibration, dict[str, float]]:
    out = fitted.left_out
    if out is None:
        return Calibration(), {}
    photo = None if term is None else _photo_scores(out, term, points, at, behind)
    calibration = fit_calibration(out.logit, out.taxon, out.present, photo)
    probability = calibration(torch.from_numpy(out.logit), 0.0 if photo is None else torch.from_numpy(photo))
    return calibration, left_out_figures(probability.numpy(), out.taxon, out.present)


def _photo_scores(out: LeftOut, term: PhotoTerm, points: Points, at: Embedded, behind: Embedded) -> NDArray[np.float32]:
    """Of the rows left out, points at their own date and background at the year's mean."""
    waves = year_basis(np.nan_to_num(points.year_fraction), (at.year.shape[1] - 1) // 2)
    waves[np.isnan(points.year_fraction), 1:] = 0
    embedding = np.empty((len(out.row), term.vectors.shape[1]), np.float32)
    there = out.present
    embedding[there] = np.einsum("nk,nkd->nd", waves[out.row[there]], at.year[out.row[there]])
    embedding[~there] = behind.year[out.row[~there], 0]
    along = np.einsum("nd,nd->n", embedding, term.vectors[out.taxon])
    score: NDArray[np.float32] = (along - term.mean[out.taxon]) / term.deviation[out.taxon]
    return np.where(np.abs(term.vectors[out.taxon]).sum(axis=1) > 0, score, 0).astype(np.float32)
