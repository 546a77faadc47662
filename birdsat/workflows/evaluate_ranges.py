"""What `birdsat judge` does: a run's chip features beside baselines, on ranges that are known."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.land import near_land
from birdsat.earth.outline import EARTH, Land
from birdsat.earth.raster_values import raster_values
from birdsat.embeddings.regions.places import embed_places
from birdsat.errors import ConfigError, InputError
from birdsat.files import write_atomic
from birdsat.imagery.open_imagery import land_under, open_imagery
from birdsat.observations.occurrence_checks import check_occurrences
from birdsat.observations.occurrences import read_occurrences
from birdsat.ranges.background import LOOKED_SHARE
from birdsat.ranges.evaluation.baselines.standard import standard_models, standard_survey_models
from birdsat.ranges.evaluation.evaluate import Ranges, judge_occurrences, judge_points, judge_range_grid
from birdsat.ranges.evaluation.evaluation import Judgement
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.learning import PresenceModel
from birdsat.ranges.evaluation.our_models import RangeNetworkModel, SimilarPlaces
from birdsat.ranges.evaluation.range_grid import LEAST_CELLS, RangeGrid, read_range_grid
from birdsat.ranges.evaluation.surveys import read_surveys
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.training.run_folder import Run, load_run

JUDGED_MARKDOWN, JUDGED_JSON = "judged.md", "judged.json"
_BACKGROUND = 4000  # places that occurrences are told from


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What is known of every place: chip features of a run, and means of rasters."""

    run: Run
    imagery: str
    rasters: tuple[tuple[str, Path], ...]  # name of the columns, and a raster; one name may have several
    cell_degrees: float | None  # side of the cells that rasters are averaged over
    stretch: tuple[float, float] | None
    workers: int

    def of(self, lon_lat: NDArray[np.float64]) -> tuple[Cells, NDArray[np.bool_]]:
        """The cells, and which of them have imagery."""
        imagery = open_imagery(self.imagery)
        chips = imagery.chips(ground_km=self.run.chip_ground_km, px=self.run.chip_px, stretch=self.stretch)
        found = embed_places(self.run, chips, lon_lat, workers=self.workers)
        columns: dict[str, NDArray[np.float32]] = {"chip": found.chip}
        for name, path in self.rasters:
            values = raster_values(path, lon_lat, cell_degrees=self.cell_degrees)
            columns[name] = np.concatenate([columns[name], values], axis=1) if name in columns else values
        return Cells(lon_lat=lon_lat, columns=columns), found.found


def judge(
    run_folder: Path,
    truth: Path,
    imagery: str,
    *,
    out: Path,
    rasters: Sequence[str] = (),
    points: Sequence[int] = (10, 50),
    occurrences: Sequence[Path] = (),
    surveys_before: int | None = None,
    hold_out: HoldOut | None = None,
    least: int = LEAST_CELLS,
    repeats: int = 1,
    seed: int = 0,
    stretch: tuple[float, float] | None = None,
    workers: int = 0,
) -> tuple[Judgement, ...]:
    """Judge models that read the run's chip features beside all baselines; written to out/judged.md and judged.json.

    truth: a range grid (lat, lon, species, presence), by which models are judged that learn from presence and absence,
    and from `points` presences of each taxon, in cells held out; with occurrences, models that learn from these,
    wherever they lie, of taxa with the least of `points` or more. With surveys_before, truth is a table of yearly
    counts at places: learned before that year, judged from it on, in other blocks. rasters: NAME=PATH, such as
    climate=temperature.tif; those of one name are one set of columns. Raises InputError when nothing can be judged.
    """
    run = load_run(run_folder)
    if surveys_before is not None:
        surveys = read_surveys(truth)
        grids = [surveys.ranges(last=surveys_before - 1), surveys.ranges(first=surveys_before)]
    else:
        grids = [read_range_grid(truth).usable(least)]
    columns = Columns(
        run=run,
        imagery=imagery,
        rasters=tuple(_named(text) for text in rasters),
        cell_degrees=_step(grids[0]),
        stretch=stretch,
        workers=workers,
    )
    names = tuple(dict.fromkeys(name for name, _ in columns.rasters))
    models = _presence_models(names, seed)
    ranges = [_ranges(grid, columns) for grid in grids]
    if surveys_before is not None:
        judged: tuple[Judgement, ...] = tuple(
            judge_points(
                ranges[0],
                models,
                points=some,
                hold_out=hold_out,
                later=ranges[1],
                repeats=repeats,
                seed=seed,
                report=_say,
            )
            for some in (None, *points)
        )
    elif occurrences:
        judged = (_from_occurrences(occurrences, ranges[0], columns, models, min(points, default=1), seed),)
    else:
        near = (SimilarPlaces(place=False), SimilarPlaces(place=True))
        judged = judge_range_grid(
            ranges[0],
            survey_models=(*standard_survey_models(names), *near),
            models=models,
            points=points,
            hold_out=hold_out,
            repeats=repeats,
            seed=seed,
            report=_say,
        )
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / JUDGED_MARKDOWN, "\n".join(judgement.markdown() for judgement in judged))
    write_atomic(out / JUDGED_JSON, json.dumps([judgement.to_dict() for judgement in judged], indent=2) + "\n")
    return judged


def _presence_models(names: tuple[str, ...], seed: int) -> tuple[PresenceModel, ...]:
    settings = RangeNetworkConfig(seed=seed)
    ours = (RangeNetworkModel(columns=None, settings=settings), RangeNetworkModel(settings=settings))
    return (*standard_models(names, seed=seed), *ours)


def _ranges(grid: RangeGrid, columns: Columns) -> Ranges:
    """The cells of a grid that have imagery. Raises InputError when there are none."""
    cells, found = columns.of(grid.lon_lat)
    if not found.all():
        _say(f"{np.count_nonzero(~found):,} of {len(found):,} cells have no imagery and are left out")
    kept = replace(grid, lon_lat=grid.lon_lat[found], presence=grid.presence[found])
    return Ranges(truth=kept, cells=cells.take(found))


def _from_occurrences(
    tables: Sequence[Path], ranges: Ranges, columns: Columns, models: Sequence[PresenceModel], least: int, seed: int
) -> Judgement:
    """Learn from records anywhere, of taxa with `least` rows of the tables or more.

    Records of all taxa, and random places on land, are the background.
    """
    land = land_under(columns.imagery)
    everything = read_occurrences(tables)
    records = check_occurrences(
        everything, on_land=land.contains, near_land=near_land if land is EARTH else None
    ).occurrences
    rows, usable = everything.taxon_rows, set(records.taxa)
    both = [taxon for taxon in ranges.truth.species if taxon in usable and rows[taxon] >= least]
    if not both:
        raise InputError(f"no taxon of the ranges has {least} records; are the scientific names the same?")
    known = [ranges.truth.species.index(taxon) for taxon in both]
    truth = replace(ranges.truth, species=tuple(both), presence=ranges.truth.presence[:, known])
    ours = records.only_taxa(both)
    label = np.array([both.index(taxon) for taxon in ours.taxa])[ours.label]
    random = np.random.default_rng(seed)
    looked = random.choice(len(records), min(len(records), int(LOOKED_SHARE * _BACKGROUND)), replace=False)
    anywhere = _random_land(land, _BACKGROUND - len(looked), random)
    places = [ours.lon_lat, records.lon_lat[looked], anywhere]
    cells, found = columns.of(np.concatenate(places))
    at = np.flatnonzero(found[: len(ours)])
    behind = len(ours) + np.flatnonzero(found[len(ours) :])
    points = Points(taxa=len(both), at=cells.take(at), taxon=label[at].astype(np.int64), background=cells.take(behind))
    return judge_occurrences(points, Ranges(truth=truth, cells=ranges.cells), models, report=_say)


def _random_land(land: Land, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(count, 2) places, uniform over the land between 60 S and 85 N."""
    lon = random.uniform(-180, 180, 8 * count)
    lat = np.degrees(np.arcsin(random.uniform(np.sin(np.radians(-60)), np.sin(np.radians(85)), 8 * count)))
    there = np.flatnonzero(land.contains(lon, lat))[:count]
    return np.stack([lon[there], lat[there]], axis=1)


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path) or name == "chip":
        raise ConfigError(f"raster {text!r} has no name; write NAME=PATH, such as climate=temperature.tif (not chip).")
    return name, Path(path)


def _step(grid: RangeGrid) -> float | None:
    """Side of the cells of a regular grid, degrees; None where places are no grid."""
    steps = np.diff(np.unique(grid.lon_lat[:, 1].round(6)))
    if len(steps) == 0:
        return None
    times = steps / steps.min()  # in whole numbers on a grid, some rows of which may be missing
    return float(np.median(steps[times < 1.5])) if np.allclose(times, np.round(times), rtol=0, atol=1e-2) else None


def _say(text: str) -> None:
    print(f"birdsat: {text}", file=sys.stderr, flush=True)
