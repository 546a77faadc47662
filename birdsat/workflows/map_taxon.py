"""Taxa over the cells of a region: from photos, from records or from both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from birdsat.earth.grid import AnyGrid
from birdsat.earth.polygon import Polygons
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import WorldRegion, built_in_encoder, open_world
from birdsat.embeddings.taxa import load_taxon_means
from birdsat.errors import InputError, about, some_of
from birdsat.imagery.open_imagery import Imagery, open_imagery
from birdsat.maps.description import (
    ABSENCES,
    BY_EFFORT,
    ELSEWHERE,
    RECORDS,
    SCORE,
    SUITABILITY,
    UNDATED,
    UNEVEN,
    UNLOOKED,
    MapDescription,
)
from birdsat.maps.photo_scores import predict_blocks, score_blocks
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.pictures.points import TaxonPlaces, check_places
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.named import USUAL_INPUTS
from birdsat.ranges.covariates.region import CovariateRegion
from birdsat.ranges.effort import effort_within
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.intervals import COVERAGE
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.asked_effort import check_effort
from birdsat.workflows.asked_taxa import AskedTaxa, found_among
from birdsat.workflows.cells import box_of, grid_of
from birdsat.workflows.drawn_points import keep_drawn, read_drawn
from birdsat.workflows.effort_map import ModelEffort, effort_on, known_effort, write_effort_map, write_shown_effort
from birdsat.workflows.embed_region import embed_grid
from birdsat.workflows.extent import named_extent
from birdsat.workflows.fit_ranges import fit_records
from birdsat.workflows.map_formats import file_name
from birdsat.workflows.map_making import making_of_photos, making_of_ranges
from birdsat.workflows.map_outputs import Blocks, Outputs, PlannedMap
from birdsat.workflows.map_result import MapResult, TaxonMap
from birdsat.workflows.name_lists import open_crosswalk
from birdsat.workflows.open_ranges import (
    beside_covariates,
    bias_cautions,
    check_ranges,
    fit_cautions,
    is_dated,
    months_not_looked,
    note_cautions,
    region_of,
    why_not_held_out,
    with_covariates,
)
from birdsat.workflows.records_on_cells import read_tables, records_on_cells
from birdsat.workflows.requests.maps import DEFAULT_MONTHS, MapRequest
from birdsat.workflows.same_request import request_fingerprint

_BY_OTHERS = replace(
    SUITABILITY, explanation=f"{SUITABILITY.explanation}; calibrated on blocks left out, with other taxa"
)
_CALIBRATED = replace(SUITABILITY, explanation=f"{SUITABILITY.explanation}; calibrated on blocks left out")
_TOGETHER = 16  # taxa that are written in one pass over the cells, at most
_ROW_NUMBERS = 1 << 19  # of all their maps in one row of the grid, some of which are held while the maps are written


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mapped:
    """What maps are read from: the same for all taxa."""

    grid: AnyGrid
    imagery: Imagery
    describe: Callable[[str], MapDescription]  # of a taxon
    blocks: Callable[[Sequence[str]], Blocks]  # of some taxa together
    effort: Callable[[Path, str], object] = lambda *_: None  # write that of the fit, with the request's fingerprint


@dataclass(kw_only=True, slots=True)
class _Work:
    """A request under way."""

    request: MapRequest
    taxa: AskedTaxa
    crosswalk: Crosswalk | None
    within: Polygons | None
    progress: Progress
    drawn: tuple[TaxonPlaces, ...] = ()  # the tables to draw

    def find(
        self, taxa: Sequence[str], named: Callable[[str], str], common_names: Mapping[str, str] | None = None
    ) -> bool:
        """Call the taxa by the names that they have where they are looked for, and look for them in the tables to draw,
        before the work that takes long; whether any is left."""
        self.taxa.rename(found_among(taxa, named, self.crosswalk))
        if self.taxa.left:
            self.drawn = read_drawn(self.request, self.taxa, self.crosswalk, common_names, self.progress)
        return bool(self.taxa.left)


def map_taxon(request: MapRequest, progress: Progress = QUIET) -> MapResult:
    """Map the taxa of a request into its folder.

    Cells that are given as a box are embedded on the way, for a fit into out/region. A single taxon that cannot be
    mapped raises its error, UnknownTaxonError or InputError; of several, those are listed with their reasons. What
    concerns all of them is raised: ConfigError where run, model and region do not belong together, InputError when no
    cell has imagery. Maps that the same request made before stay as they are.
    """
    if request.imagery is not None and request.region is None:
        grid_of(request)  # refuses impossible cells before anything is opened
    elif request.box is not None:
        box_of(request)  # likewise; it is widened to cells of the world
    for table in request.points:
        check_places(Path(table))
    crosswalk = open_crosswalk(request)
    of_model = known_effort(request.ranges, progress)
    # Only a fit makes a taxon's map depend on which others are asked for.
    outputs = Outputs.of(
        request,
        request_fingerprint(request, () if request.occurrences else ("taxon",)),
        beside=("_effort.tif",) if request.occurrences or of_model is not None else (),
    )
    taxa = AskedTaxa(request.taxon if crosswalk is None else [crosswalk.asked(taxon) for taxon in request.taxon])
    taxa.find_made(outputs)
    if taxa.made.keys() == set(taxa.left):
        return MapResult(maps=tuple(_made(taxa, progress).values()), failed=taxa.failed)
    work = _Work(request=request, taxa=taxa, crosswalk=crosswalk, within=outputs.within, progress=progress)
    if request.is_from_photos:
        mapped = _from_photos(work)
    elif request.ranges is not None:
        mapped = _from_ranges(work, of_model)
    else:
        mapped = _from_records(work)
    maps: dict[str, TaxonMap] = {}
    if mapped is not None:
        taxa.find_made(outputs)  # as they are called there
        maps = _made(taxa, progress)
        keep_drawn(taxa, work.drawn, mapped.grid.box)
        planned = [
            PlannedMap(
                name=file_name(taxon),
                about=mapped.describe(taxon),
                points=[places.within(taxon, mapped.grid.box) for places in work.drawn],
            )
            for taxon in taxa.left
            if taxon not in taxa.made
        ]
        for some in _passes(planned):
            taxa_of = [one.about.title for one in some]
            files = outputs.write(
                some,
                mapped.blocks(taxa_of),
                mapped.imagery,
                progress,
                lambda file: mapped.effort(file, outputs.request),
            )
            for taxon, plan, written in zip(taxa_of, some, files, strict=True):
                maps[taxon] = TaxonMap(taxon=taxon, files=written, evaluation=plan.about.evaluation)
    return MapResult(maps=tuple(maps[taxon] for taxon in taxa.left if taxon in maps), failed=taxa.failed)


def _made(taxa: AskedTaxa, progress: Progress) -> dict[str, TaxonMap]:
    """The maps that the same request made before, by taxon, which is noted."""
    if taxa.made:
        progress.note(f"{some_of(taxa.made)}: mapped by this request already.")
    return {
        taxon: TaxonMap(taxon=taxon, files=made.files, evaluation=made.evaluation) for taxon, made in taxa.made.items()
    }


def _passes(planned: Sequence[PlannedMap]) -> Iterator[Sequence[PlannedMap]]:
    """So many at a time that memory does not grow with them."""
    if planned:
        about = planned[0].about
        size = max(1, min(_TOGETHER, _ROW_NUMBERS // (len(about.band_names) * about.grid.columns)))
        for first in range(0, len(planned), size):
            yield planned[first : first + size]


def _from_photos(work: _Work) -> _Mapped | None:
    """By the taxon's mean photo embedding. Months that cannot differ are noted."""
    request, crosswalk, progress = work.request, work.crosswalk, work.progress
    assert request.run is not None
    run = load_run(Path(request.run))
    means = load_taxon_means(run.path)
    if not work.find(means.taxa, means.named):
        return None
    dated = run.method.uses_metadata
    months = request.months_of(dated)
    if len(months) != 1 and not dated:
        progress.note(f"{run.path} was trained without place and date: its maps of all months are the same.")
    if request.region is not None:
        region = open_region(Path(request.region), run)
        grid, imagery = region.grid, region.imagery
    else:
        assert request.imagery is not None
        grid = grid_of(request)
        with about("imagery"):
            imagery = open_imagery(request.imagery)
            chips = imagery.chips(
                ground_km=run.chip_ground_km, px=run.chip_px, bands=request.bands, stretch=request.stretch
            )

    def blocks(some: Sequence[str]) -> Blocks:
        vectors = means.vectors(tuple(some))
        if request.region is not None:
            scores = score_blocks(region.blocks(("year",)), vectors, months or DEFAULT_MONTHS)
        else:
            scores = predict_blocks(
                run.method,
                vectors,
                grid,
                months or DEFAULT_MONTHS,
                chips,
                chip_px=run.chip_px,
                workers=request.workers,
            )
        return ((block.cells, block.score) for block in scores)

    def describe(taxon: str) -> MapDescription:
        return MapDescription(
            title=taxon,
            common_name="" if crosswalk is None else crosswalk.common_name(crosswalk.name_of(taxon), request.language),
            grid=grid,
            months=months,
            quantity=SCORE,
            model=run.name,
            dated=dated,
            sources={"imagery": imagery.text, **({} if crosswalk is None else {"taxonomy": crosswalk.described_as})},
            making=making_of_photos(request, taxon),
        )

    return _Mapped(grid=grid, imagery=imagery, describe=describe, blocks=blocks)


def _from_ranges(work: _Work, of_model: ModelEffort | None) -> _Mapped | None:
    """By a fitted range model, on the region named, on the cells of a box, or where it was fitted."""
    request = work.request
    assert request.ranges is not None
    model = load_ranges(Path(request.ranges))
    if not work.find(model.facts.taxa, lambda taxon: model.named((taxon,))[0], model.common_names):
        return None
    run = _run(request)
    region = _cells(request, run, work.progress) or named_extent(request) or region_of(model)
    check_ranges(model, region)
    if run is not None:
        region.check_model(run)
    note_cautions(bias_cautions(model), work.progress)
    mapped = _of_model(work, model, region, Path(request.ranges).name)
    if of_model is None:
        return mapped
    on = _mapped_on(work, region)
    shown = cache(partial(effort_on, of_model, on, work.within))  # the same beside all maps
    return replace(mapped, effort=lambda path, asked: write_shown_effort(path, shown(), on, asked))


def _from_records(work: _Work) -> _Mapped | None:
    """By one fit to the records of all taxa asked for. A taxon that is not there is refused before cells are embedded,
    which takes long."""
    request, taxa, crosswalk, progress = work.request, work.taxa, work.crosswalk, work.progress
    own = read_tables(
        request.occurrences, request, progress, crosswalk, absences=request.absences, checklists=request.checklists
    )
    if not work.find(own.taxa, own.named, own.common_names):
        return None
    check_effort(request, own, crosswalk)
    run = _run(request)
    region, records = records_on_cells(request, own, taxa.left, _cells(request, run, progress), progress, crosswalk)
    region = beside_covariates(region, request, progress)
    counts = dict(zip(records.taxa.taxa, records.taxa.counts.tolist(), strict=True))

    def check_recorded(taxon: str) -> None:
        if not counts.get(own.named(taxon)):  # those of one place are gone altogether
            raise InputError(
                f"its records lie outside {region.name}, in cells without imagery, or all in one place; take cells "
                "that hold them, or give more records."
            )

    taxa.keep(check_recorded)
    keep_drawn(taxa, work.drawn, _mapped_on(work, region).grid.box)
    if not taxa.left:
        return None
    records = replace(records, taxa=records.taxa.only_taxa([own.named(taxon) for taxon in taxa.left]))
    model = fit_records(
        run,
        region,
        records,
        way=request.way,
        tables=[Path(table) for table in request.occurrences],
        crosswalk=crosswalk,
        inputs=request.inputs,
        command=request.command("map"),
        progress=progress,
    )
    shown = _mapped_on(work, region)  # the map of effort lies on the cells of the map
    effort = effort_within(records.effort_on(region.grid, region.cells()), region.grid, shown.grid)
    mapped = _of_model(work, model, region, f"fit to {request.way}")
    return replace(mapped, effort=lambda path, asked: write_effort_map(path, effort, shown, asked, work.within))


def _run(request: MapRequest) -> Run | None:
    return None if request.run is None else load_run(Path(request.run))


def _cells(request: MapRequest, run: Run | None, progress: Progress) -> Region | None:
    """The region named, embedded by the run where one is named; or the cells of the box, embedded from imagery into
    out/region; None where neither is, and the built-in world is meant."""
    if request.region is not None:
        return open_region(Path(request.region), run)
    if request.imagery is None:
        return None
    return embed_grid(
        run or built_in_encoder(),
        grid_of(request),
        request.imagery,
        Path(request.out) / "region",
        bands=request.bands,
        stretch=request.stretch,
        workers=request.workers,
        progress=progress,
    )


def _mapped_on(work: _Work, region: Region) -> Region:
    """The cells of a fit or a model, or those around the polygons to map within: what lies around them serves the fit
    alone."""
    request = work.request
    cells = region.inner if isinstance(region, CovariateRegion) else region
    if work.within is None or request.box is not None or request.world or not isinstance(cells, WorldRegion):
        return region
    with about("within"):
        return open_world(work.within.box)


def _of_model(work: _Work, model: RangeModel, region: Region, name: str) -> _Mapped:
    """Relative suitability by a range model called `name`, with their uncertainty and the area of applicability."""
    request = work.request
    region = with_covariates(model, _mapped_on(work, region), work.progress)
    imagery, facts, dated = region.imagery, model.facts, is_dated(model)
    months = request.months_of(dated, facts.looked_months)
    new = [taxon for taxon in work.taxa.left if taxon not in work.taxa.made]
    note_cautions(fit_cautions(model, new, months), work.progress)

    def blocks(some: Sequence[str]) -> Blocks:
        for block in model.predict(iter_features(model, region), some, months or DEFAULT_MONTHS):
            inside = block.inside[:, None].astype(np.float32)
            yield block.cells, np.concatenate([block.suitability, block.low, block.high, inside], axis=1)

    def describe(taxon: str) -> MapDescription:
        (label,) = model.labels((taxon,))
        unknown = why_not_held_out(model, taxon)
        calibrated = _BY_OTHERS if unknown and facts.evaluated else _CALIBRATED
        return MapDescription(
            title=taxon,
            common_name=model.common_names.get(model.named((taxon,))[0], ""),
            grid=region.grid,
            months=months,
            quantity=calibrated if facts.calibration.fitted else SUITABILITY,
            model=f"{name} on {region.run}",
            interval=COVERAGE,
            applicability=True,
            calibrated=facts.calibration.fitted,
            dated=dated,
            of_land=not request.sea and (imagery.is_of_land or (bool(facts.of_land) and facts.of_land[label])),
            evaluation={**model.evaluation, **model.evaluation_of(taxon)},
            not_held_out=unknown,
            sources={
                "imagery": imagery.text,
                "records": ", ".join(facts.tables),
                RECORDS: str(facts.points[label]),
                **({ELSEWHERE: str(facts.elsewhere[label])} if facts.elsewhere and facts.elsewhere[label] else {}),
                **({ABSENCES: str(facts.absences[label])} if facts.absences else {}),
                "way": facts.way,
                "observer bias": model.observer_bias,
                **({"effort": facts.effort} if facts.effort else {}),
                **({BY_EFFORT: f"{facts.effort_share:.0%}"} if facts.effort_share else {}),
                **({UNEVEN: "; ".join(facts.uneven_covariates)} if facts.uneven_covariates else {}),
                **({UNLOOKED: unlooked} if (unlooked := months_not_looked(model, months)) else {}),
                **({UNDATED: facts.undated} if facts.undated and not dated else {}),
                **({"taxonomy": facts.taxonomy} if facts.taxonomy else {}),
                **({"inputs": model.inputs_text} if facts.inputs != USUAL_INPUTS else {}),
                **({"classifier": facts.estimator} if facts.estimator else {}),
            },
            making=making_of_ranges(request, model, taxon),
        )

    return _Mapped(grid=region.grid, imagery=imagery, describe=describe, blocks=blocks)
