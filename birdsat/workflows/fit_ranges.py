"""From tables of occurrences and a region to a range model."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.outline import Land
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Column, Region, RegionPoints
from birdsat.embeddings.taxa import load_taxon_means
from birdsat.errors import CheckpointError, ConfigError, InputError
from birdsat.locks import folder_lock, is_unused
from birdsat.maps.description import plain_figures
from birdsat.maps.map_file import sidecar_path
from birdsat.observations.occurrence_checks import MAINLY_ON_LAND
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.scientific_names import species_name
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.pictures.qgis_style import style_path
from birdsat.progress import QUIET, Progress, WithoutNotes
from birdsat.ranges.background import points_on_cells
from birdsat.ranges.covariates.facts import Covariate, covariates_of
from birdsat.ranges.covariates.known import MOST_CELLS, Places, unevenly_known
from birdsat.ranges.covariates.named import COVARIATES, chosen_inputs
from birdsat.ranges.covariates.region import CovariateRegion
from birdsat.ranges.effort import NOT_KNOWN, taxa_on
from birdsat.ranges.estimators import parse_estimator
from birdsat.ranges.facts import KEPT_FILES, SETTINGS_FILE, WEIGHTS_FILE
from birdsat.ranges.feature_cache import cache_features, cache_file
from birdsat.ranges.fit import Source
from birdsat.ranges.fit import fit_ranges as fit_points
from birdsat.ranges.fit_data import evenly
from birdsat.ranges.held_out_figures import taxa_table
from birdsat.ranges.learn import Embedded
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.records import Records
from birdsat.ranges.rows_read import RowsRead
from birdsat.ranges.survey_points import surveys_on_region
from birdsat.tables import Table
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.asked_effort import check_effort
from birdsat.workflows.effort_map import EFFORT_FILE, forget_effort_map, write_effort_map
from birdsat.workflows.explain_fit import Explanation, explain_fit, explanation_files, read_explanation
from birdsat.workflows.name_lists import open_crosswalk
from birdsat.workflows.open_ranges import (
    beside_covariates,
    fit_cautions,
    note_cautions,
    region_of,
    with_covariates,
)
from birdsat.workflows.records_on_cells import only_recorded, read_tables, records_on_cells
from birdsat.workflows.requests.ranges import NETWORK, FitRequest, Way
from birdsat.workflows.same_request import request_fingerprint


@dataclass(frozen=True, kw_only=True, slots=True)
class FitResult:
    """A range model that was fitted, and where it lies."""

    model: RangeModel
    folder: Path
    explanation: Explanation = field(default_factory=Explanation)

    @property
    def files(self) -> tuple[Path, ...]:
        """The model's, what it sees in the region's cells, what is said of its inputs, and the map of the effort."""
        effort = self.folder / EFFORT_FILE
        beside = [one for one in (effort, sidecar_path(effort), style_path(effort)) if one.is_file()]
        own = (self.folder / SETTINGS_FILE, self.folder / WEIGHTS_FILE)
        return (*own, *self.folder.glob(KEPT_FILES), *explanation_files(self.folder), *beside)

    def taxa_table(self) -> Table | None:
        """The figures of every taxon; None where nothing could be held out."""
        facts = self.model.facts
        return taxa_table(facts.taxa, facts.taxon_evaluation) if facts.taxon_evaluation else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        facts, said = self.model.facts, self.explanation
        return {
            "folder": str(self.folder),
            "taxa": dict(zip(facts.taxa, facts.points, strict=True)),
            "evaluation": plain_figures(self.model.evaluation),
            "taxon_evaluation": {taxon: plain_figures(self.model.evaluation_of(taxon)) for taxon in facts.taxa},
            **({"taxonomy": facts.taxonomy} if facts.taxonomy else {}),
            **({"model": facts.estimator} if facts.estimator else {}),
            "inputs": list(facts.inputs),
            **({"regression": str(facts.regression)} if facts.regression else {}),
            **({"importance": said.importance.to_dict()} if said.importance else {}),
            **({"ablation": said.ablation.to_dict()} if said.ablation else {}),
        }


def fit_ranges(request: FitRequest, progress: Progress = QUIET) -> FitResult:
    """Fit all taxa of the tables, or those named, and write the range model, with what it sees in every cell and how
    much was looked there.

    It replaces a range model that is there already, unless that is of the same request: then nothing is left to do.
    Raises ConfigError where the folder holds something else.
    """
    out = Path(request.out)
    with folder_lock(out):
        if not is_unused(out) and not any((out / name).is_file() for name in (SETTINGS_FILE, WEIGHTS_FILE)):
            raise ConfigError(
                f"{out} holds something that is not a range model; choose another folder.", settings=("out",)
            )
        fingerprint = request_fingerprint(request)
        model = _fitted_before(request, fingerprint, progress) or _fit_ranges(request, fingerprint, progress)
        return FitResult(model=model, folder=out, explanation=read_explanation(out))


def _fitted_before(request: FitRequest, fingerprint: str, progress: Progress) -> RangeModel | None:
    """The whole range model of the same request; what it sees in the region's cells, and the map of effort, are made
    where they are missing."""
    with suppress(CheckpointError):
        model = load_ranges(Path(request.out))
        if model.facts.request == fingerprint:
            region = region_of(model) if request.region is None else open_region(Path(request.region))
            try:
                region = with_covariates(model, region, progress)
            except InputError:  # the same files lie elsewhere now: it is fitted again, to remember where
                return None
            progress.note(f"{request.out} holds the range model of this request already.")
            if not cache_file(model, region).is_file():
                _cache_features(model, region, progress)
            if not (Path(request.out) / EFFORT_FILE).is_file():
                _, fitted, records, _ = _inputs(request, progress)
                _write_effort(Path(request.out), fitted, records, progress)
            return model
    return None


def _fit_ranges(request: FitRequest, fingerprint: str, progress: Progress) -> RangeModel:
    out = Path(request.out)
    if request.model != NETWORK:  # a mistake in it is said before tables are read
        parse_estimator(request.model)
    run, region, records, crosswalk = _inputs(request, progress)
    region = beside_covariates(region, request, progress)
    if request.way == "occurrences":
        records = only_recorded(records, progress)

    def fit(inputs: Sequence[str], progress: Progress) -> RangeModel:
        return fit_records(
            run,
            region,
            records,
            way=request.way,
            settings=RangeNetworkConfig(seed=request.seed),
            tables=[Path(table) for table in request.tables],
            crosswalk=crosswalk,
            inputs=inputs,
            command=request.command("fit"),
            estimator="" if request.model == NETWORK else request.model,
            progress=progress,
        )

    model = fit(request.inputs, progress)
    note_cautions(fit_cautions(model, model.facts.taxa, None), progress)
    forget_effort_map(out)
    # The request is remembered when all of it is done.
    model.save(out, region=region.way_from(out))
    refit = partial(fit, progress=WithoutNotes(progress)) if request.ablate else None
    inputs = chosen_inputs(request.inputs, bool(request.covariates))
    explain_fit(model, out, refit, inputs=inputs, seed=request.seed, progress=progress)
    model.save(out, region=region.way_from(out), request=fingerprint)
    _cache_features(model, with_covariates(model, region, progress), progress)
    _write_effort(out, region, records, progress)
    return model


def _inputs(request: FitRequest, progress: Progress) -> tuple[Run | None, Region, Records, Crosswalk | None]:
    """The run that is named, the cells, the records on these, and the list that they are named by."""
    run = None if request.run is None else load_run(Path(request.run))
    named = None if request.region is None else open_region(Path(request.region), run)
    crosswalk = open_crosswalk(request)
    own = read_tables(
        request.tables, request, progress, crosswalk, absences=request.absences, checklists=request.checklists
    )
    check_effort(request, own, crosswalk)
    asked = request.taxa if crosswalk is None else [crosswalk.asked(taxon) for taxon in request.taxa]
    return run, *records_on_cells(request, own, asked, named, progress, crosswalk), crosswalk


def _write_effort(out: Path, region: Region, records: Records, progress: Progress) -> None:
    try:
        write_effort_map(out / EFFORT_FILE, records.effort_on(region.grid, region.cells()), region)
    except InputError as error:
        progress.note(f"{out} is complete, but for the map of effort: {error}")


def _cache_features(model: RangeModel, region: Region, progress: Progress) -> None:
    try:
        cache_features(model, region, progress=progress)
    except InputError as error:
        progress.note(f"{model.folder} is complete, but maps from it will take longer: {error}")


def fit_records(
    run: Run | None,
    region: Region,
    records: Records,
    *,
    way: Way = "occurrences",
    settings: RangeNetworkConfig | None = None,
    tables: Sequence[Path] = (),
    crosswalk: Crosswalk | None = None,
    inputs: Sequence[str] = (),
    command: str = "",
    estimator: str = "",
    progress: Progress = QUIET,
) -> RangeModel:
    """Fit to records on the region's cells. run: for its photos, where both ways are asked; it is needed then.
    crosswalk: what the names of its taxa mean in the list that the records are named by. inputs: which of chip,
    place and the region's covariates are learned from; where none is named, as `learn` chooses. command: that asked
    for it. estimator: text of a classifier that learns each taxon in place of the network.

    Raises InputError when both ways are asked and no taxon has photos, and for a covariate that cannot be used.
    """
    sources = region.sources if isinstance(region, CovariateRegion) else ()
    occurrences, settings = records.taxa, settings or RangeNetworkConfig()
    columns: tuple[Column, ...] = ("chip", "year") if way == "both" else ("chip",)
    photos = None
    if way == "both":
        assert run is not None
        photos = photos_of(run, occurrences.taxa, crosswalk)
    effort = records.effort_on(region.grid, region.cells())
    points = points_on_cells(records, region.grid, region.cells(), seed=settings.seed)
    presences = region.at(points.presences.lon_lat, columns)
    background = region.at(points.background.lon_lat, columns)
    surveys, visits = surveys_on_region(occurrences, records.surveys, region, progress)
    found = background.found
    covariates = covariates_of(sources) if not inputs or COVARIATES in inputs else ()
    uneven = (
        () if not covariates else _unevenly_known(covariates, region, points, presences, background, occurrences.taxa)
    )
    return fit_points(
        replace(points.with_background(found), surveys=surveys),
        Embedded.of(presences),
        Embedded.of(background, found),
        occurrences.taxa,
        Source(
            run=region.run,
            model=region.model,
            tables=tuple(table.name for table in tables),
            looked_taxa=len(taxa_on(records.everything, region.grid)),
            effort=NOT_KNOWN if effort is None else effort.source,
            effort_share=0.0 if effort is None else effort.share,
            common_names=_common_names(occurrences),
            of_land=_of_land(occurrences, region.imagery.land),
            elsewhere=tuple(records.elsewhere.get(taxon, 0) for taxon in occurrences.taxa) if records.elsewhere else (),
            taxonomy=occurrences.taxonomy,
            rasters=sources,
            uneven_covariates=uneven,
            read=_rows_read(records),
            command=command,
        ),
        settings=settings,
        photos=photos,
        covariates=covariates,
        inputs_of=inputs,
        visits=None if visits is None else Embedded.of(visits),
        estimator=estimator,
        progress=progress,
    )


def _unevenly_known(
    covariates: Sequence[Covariate],
    region: Region,
    points: Points,
    presences: RegionPoints,
    background: RegionPoints,
    taxa: Sequence[str],
) -> tuple[str, ...]:
    """As `unevenly_known`, of the places of a fit and of the region's cells."""
    assert isinstance(region, CovariateRegion)
    cells = region.cells()
    some = cells[evenly(len(cells), MOST_CELLS).numpy()]

    def places(values: NDArray[np.float32], lon_lat: NDArray[np.float64], weight: NDArray[np.float64]) -> Places:
        return Places(values=values, on_land=region.imagery.land.contains(*lon_lat.T), weight=weight)

    assert presences.covariates is not None and background.covariates is not None
    at, found = points.presences.lon_lat, background.found
    elsewhere, weight = points.background.lon_lat[found], points.background_weight[found]
    return unevenly_known(
        covariates,
        taxa,
        points.taxon,
        places(presences.covariates, at, np.ones(len(at))),
        places(background.covariates[found], elsewhere, weight),
        places(region.read.of(some), region.grid.centres(some), np.ones(len(some))),
    )


def _of_land(occurrences: Occurrences, land: Land) -> tuple[bool, ...]:
    """Whether each taxon lives on land, by most of its records."""
    there = land.contains(*occurrences.lon_lat.T)
    on = np.bincount(occurrences.label[there], minlength=len(occurrences.taxa))
    return tuple((on >= MAINLY_ON_LAND * np.maximum(occurrences.counts, 1)).tolist())


def _rows_read(records: Records) -> RowsRead:
    everything, used = records.everything, records.taxa
    return RowsRead(
        rows=everything.rows,
        repeats=sum(everything.repeats.values()),
        absences=0 if everything.surveys is None else everything.surveys.absent_rows,
        records=len(everything),
        used=len(used),
        dropped=tuple(used.dropped.items()),
        noted=tuple(everything.noted.items()),
    )


def _common_names(occurrences: Occurrences) -> tuple[str, ...]:
    """Of each taxon; none at all where none is known."""
    known = occurrences.common_names
    return tuple(known.get(taxon, "") for taxon in occurrences.taxa) if known else ()


def photos_of(run: Run, taxa: Sequence[str], crosswalk: Crosswalk | None = None) -> NDArray[np.float32]:
    """(t, d) mean photo embeddings of taxa, which are found as they are meant; NaN for one without photos.

    crosswalk: what the names of the run's taxa mean in the list that the taxa are named by. Raises InputError where
    none has any.
    """
    means = load_taxon_means(run.path)
    known: dict[str, int] = {}
    for row in np.argsort(means.photos, kind="stable").tolist():  # of names that mean one species, that with most
        if means.photos[row] > 0:
            name = means.taxa[row]
            known[species_name(name) if crosswalk is None else crosswalk.name_of(name)] = row
    if not any(taxon in known for taxon in taxa):
        raise InputError(
            f"none of the {len(taxa):,} taxa has photos in {run.path}, so the map cannot be made from both; fit from "
            "occurrences alone. The taxa with photos: `birdsat taxa`.",
        )
    missing = np.full(means.embedding.shape[1], np.nan, np.float32)
    return np.stack([means.embedding[known[taxon]] if taxon in known else missing for taxon in taxa])
