"""From points and the cells of a region to a range model that is calibrated and evaluated on what it did not see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.embeddings.regions.embed_cells import year_basis
from birdsat.engine.memory import give_back_memory
from birdsat.progress import QUIET, Progress
from birdsat.ranges.applicability import Applicability
from birdsat.ranges.block_side import LEAST_BLOCKS, why_not_held_out, with_block_side
from birdsat.ranges.calibrate import LEAST_POINTS, Calibration, fit_calibration
from birdsat.ranges.covariates.facts import Covariate, CovariateSource
from birdsat.ranges.facts import RangeFacts
from birdsat.ranges.fit_data import months_looked
from birdsat.ranges.held_out import HeldOutPlaces
from birdsat.ranges.held_out_figures import TaxonFigures, held_out_figures
from birdsat.ranges.held_out_rows import HeldOut
from birdsat.ranges.learn import Embedded, learn
from birdsat.ranges.member_noise import with_noise
from birdsat.ranges.model import PhotoTerm, RangeModel
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.projection import InputProjection
from birdsat.ranges.rows_read import RowsRead
from birdsat.ranges.sensitivity import sensitivity
from birdsat.ranges.survey_term import survey_figures
from birdsat.ranges.thresholds import Thresholds, fit_thresholds
from birdsat.ranges.train import Fitted


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a fit comes from, for the record."""

    run: str
    model: str  # fingerprint of the run's weights
    tables: tuple[str, ...] = ()
    of_land: tuple[bool, ...] = ()  # whether each taxon lives on land
    elsewhere: tuple[int, ...] = ()  # records of each taxon in no cell, as at sea; none at all where there are none
    looked_taxa: int = 0  # taxa whose records say where was looked; one alone says nothing of that
    effort: str = ""  # what says where was looked, for people, or that it is not known
    effort_share: float = 0.0  # of the background, drawn by it
    common_names: tuple[str, ...] = ()  # of the taxa; none at all where none is known
    taxonomy: str = ""  # the list that they are named by
    rasters: tuple[CovariateSource, ...] = ()  # that covariates were read from, or columns of tables
    uneven_covariates: tuple[str, ...] = ()  # as `unevenly_known` says
    read: RowsRead = field(default_factory=RowsRead)  # what became of the rows of the tables
    command: str = ""  # that asked for the fit; empty: not known


def fit_ranges(
    points: Points,
    presences: Embedded,
    background: Embedded,
    taxa: Sequence[str],
    source: Source,
    *,
    settings: RangeNetworkConfig | None = None,
    photos: NDArray[np.float32] | None = None,
    covariates: Sequence[Covariate] = (),
    inputs_of: Sequence[str] = (),
    visits: Embedded | None = None,
    estimator: str = "",
    progress: Progress = QUIET,
) -> RangeModel:
    """Fit, calibrate and evaluate.

    presences: of the points' places, background: of the background's; visits: of those of the surveys, where there
    are any. taxa: names of the labels. photos: (t, d) mean photo embeddings, NaN where a taxon has none; with them the
    map is made from both, weighed by what was held out. covariates: what the columns of covariates are. inputs_of:
    which of chip, place and covariates are learned from; where none is named and covariates are given, all or these
    alone, by what was held out. estimator: text of a classifier that
    learns each taxon in place of a network.
    """
    settings = with_noise(with_block_side(settings or RangeNetworkConfig(), points), points)
    learned = learn(
        points,
        presences,
        background,
        settings,
        covariates,
        inputs_of,
        visits=visits,
        estimator=estimator,
        progress=progress,
    )
    fitted, inputs, elsewhere = learned.fitted, learned.at_points, learned.elsewhere
    give_back_memory()
    term = None if photos is None else _photo_term(photos, background)
    photo = None if term is None else partial(_photo_scores, term, points, presences, background)
    calibration, thresholds = _calibrate(fitted.held_out, photo, points.taxa)
    figures, of_taxa = _evaluate(fitted, photo, points.taxa, settings.seed)
    evaluated = bool(figures) and calibration.fitted  # by points, of which maps are made; surveys are beside them
    if figures:
        figures["held_out_block_km"] = settings.block_km
    if fitted.surveys is not None:
        figures |= survey_figures(fitted.surveys)
    # What a classifier hangs on is not asked: its inputs weigh alike.
    alike = torch.ones(points.taxa, inputs.shape[1])
    weight = sensitivity(fitted.network, elsewhere) if isinstance(fitted.network, RangeNetwork) else alike
    area = Applicability.fit(points, inputs, elsewhere, weight, block_km=settings.block_km, seed=settings.seed)
    facts = RangeFacts(
        network=settings,
        estimator=estimator,
        taxa=tuple(taxa),
        points=tuple(np.bincount(points.taxon, minlength=len(taxa)).tolist()),
        way="occurrences" if photos is None else "both",
        dated=fitted.network.terms > 1,
        undated=_why_undated(points, fitted, estimator),
        looked_months=tuple((months_looked(points.looked) + 1).tolist()) if len(points.looked) else (),
        run=source.run,
        model=source.model,
        tables=source.tables,
        looked_taxa=source.looked_taxa,
        effort=source.effort,
        effort_share=source.effort_share,
        common_names=source.common_names,
        of_land=source.of_land,
        elsewhere=source.elsewhere,
        taxonomy=source.taxonomy,
        inputs=learned.inputs,
        regression=fitted.regression,
        rasters=source.rasters if covariates else (),
        uneven_covariates=source.uneven_covariates,
        steps=fitted.steps,
        calibration=calibration,
        evaluation=tuple(figures.items()),
        taxon_evaluation=of_taxa,
        absences=() if points.surveys is None or estimator else points.surveys.absences(len(taxa)),
        not_held_out="" if evaluated else _why_not_evaluated(points, settings, fitted.held_out),
        thresholds=thresholds,
        read=source.read,
        command=source.command,
    )
    held_out = _held_out_places(fitted, learned.projection, points, presences, background, covariates)
    return RangeModel(facts, fitted.network, learned.projection, area, term, held_out=held_out)


def _why_not_evaluated(points: Points, settings: RangeNetworkConfig, out: HeldOut | None) -> str:
    """For people; "" where that is not known."""
    if why := why_not_held_out(points, settings):
        return why
    count = 0 if out is None else int(np.count_nonzero(out.present))
    if out is None or not count:
        return ""
    if not out.ranked[~out.present].any():
        places = len(np.unique(points.background.lon_lat, axis=0))
        where = "one place" if places == 1 else f"{places:,} places"
        return f"no background could be held out to compare records with, as it lies in {where}"
    if not np.isin(out.member[out.present], out.member[out.ranked & ~out.present]).any():
        return "no background could be held out beside records, as it lies in few blocks, and these in others"
    if count >= LEAST_POINTS and np.bincount(out.taxon[out.present]).max() < LEAST_POINTS:
        return f"of no taxon could {LEAST_POINTS} records be held out"
    records = "record" if count == 1 else "records"
    return f"{count:,} {records} could be held out, which are too few, or too many of them in one block"


def _why_undated(points: Points, fitted: Fitted, estimator: str) -> str:
    if fitted.network.terms > 1 or not np.isfinite(points.year_fraction).any():
        return ""
    return "a classifier learns no seasons" if estimator else "nothing could be held out to tell seasons from chance"


def _held_out_places(
    fitted: Fitted,
    projection: InputProjection,
    points: Points,
    presences: Embedded,
    background: Embedded,
    covariates: Sequence[Covariate],
) -> HeldOutPlaces | None:
    if fitted.again is None:
        return None
    of_both = presences.covariates, background.covariates
    beside = [one for one in of_both if one is not None]
    return HeldOutPlaces(
        chip=np.concatenate([presences.chip, background.chip]),
        lon_lat=np.concatenate([points.presences.lon_lat, points.background.lon_lat]),
        covariates=np.concatenate(beside) if projection.covariates is not None else None,
        names=tuple(covariates) if projection.covariates is not None else (),
        presences=len(points.presences),
        background_weight=points.background_weight,
        projection=projection,
        again=fitted.again,
    )


def _photo_term(photos: NDArray[np.float32], background: Embedded) -> PhotoTerm:
    """Standardised over the background, at the mean of its annual cycle."""
    vectors = np.nan_to_num(photos).astype(np.float32)
    score = background.year[:, 0] @ vectors.T
    deviation = score.std(axis=0)
    return PhotoTerm(
        vectors=vectors, mean=score.mean(axis=0), deviation=np.where(deviation > 0, deviation, 1).astype(np.float32)
    )


_PhotoScores = Callable[[HeldOut], NDArray[np.float32]]  # of rows


def _calibrate(
    out: HeldOut | None, photo: _PhotoScores | None, taxa: int
) -> tuple[Calibration, tuple[Thresholds, ...]]:
    """By all that was held out; nothing where that was too little."""
    if out is None or not _is_enough(out):
        return Calibration(), ()
    rows = out.where(out.calibrating)
    calibration = _calibration(rows, photo)
    return calibration, fit_thresholds(_said(rows, calibration, photo).numpy(), rows.taxon, rows.present, taxa)


def _is_enough(out: HeldOut) -> bool:
    """Whether the points held out lie in so many blocks that these tell of others: of two, each knows but the other."""
    return len(np.unique(out.block[out.present])) >= LEAST_BLOCKS


def _calibration(rows: HeldOut, photo: _PhotoScores | None) -> Calibration:
    return fit_calibration(rows.logit, rows.taxon, rows.present, None if photo is None else photo(rows))


def _said(rows: HeldOut, calibration: Calibration, photo: _PhotoScores | None) -> Tensor:
    """(r,) of rows."""
    return calibration(torch.from_numpy(rows.logit), 0.0 if photo is None else torch.from_numpy(photo(rows)))


def _evaluate(
    fitted: Fitted, photo: _PhotoScores | None, taxa: int, seed: int
) -> tuple[dict[str, float], tuple[TaxonFigures, ...]]:
    """Figures of rows that had a part in nothing: neither in weights, nor in the number of steps, nor in calibration.

    Each half of the blocks is evaluated by the steps and the calibration that the other half chose. Nothing where a
    half has too few points to choose by.
    """
    if fitted.held_out is None or not _is_enough(fitted.held_out):
        return {}, ()
    parts, said = [], []
    for half, out in enumerate(fitted.by_half):
        calibration = _calibration(out.where((out.half == half) & out.calibrating), photo)
        if not calibration.fitted:
            return {}, ()
        parts.append(out.where(out.half != half))
        said.append(_said(parts[-1], calibration, photo))
    return held_out_figures(torch.cat(said).numpy(), HeldOut.together(parts), taxa, seed)


def _photo_scores(
    term: PhotoTerm, points: Points, presences: Embedded, background: Embedded, out: HeldOut
) -> NDArray[np.float32]:
    """Of the rows held out, points at their own date and background at the year's mean."""
    basis = year_basis(np.nan_to_num(points.year_fraction), (presences.year.shape[1] - 1) // 2)
    basis[np.isnan(points.year_fraction), 1:] = 0
    embedding = np.empty((len(out.row), term.vectors.shape[1]), np.float32)
    there = out.present
    embedding[there] = np.einsum("nk,nkd->nd", basis[out.row[there]], presences.year[out.row[there]])
    embedding[~there] = background.year[out.row[~there], 0]
    along = np.einsum("nd,nd->n", embedding, term.vectors[out.taxon])
    score: NDArray[np.float32] = (along - term.mean[out.taxon]) / term.deviation[out.taxon]
    return np.where(np.abs(term.vectors[out.taxon]).sum(axis=1) > 0, score, 0).astype(np.float32)
