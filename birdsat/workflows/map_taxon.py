"""Taxa over the cells of a region: from photos, from records or from both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.regions.region import Region, open_region
from birdsat.embeddings.taxa import load_taxon_means
from birdsat.errors import BirdsatError, InputError, about, some_of
from birdsat.imagery.open_imagery import Imagery, open_imagery
from birdsat.maps.description import PROBABILITY, SCORE, MapDescription, Quantity, plain_figures
from birdsat.maps.netcdf import read_xarray
from birdsat.maps.photo_scores import predict_blocks, score_blocks
from birdsat.pictures.panel import MapPoints
from birdsat.pictures.points import read_points
from birdsat.progress import QUIET, Progress
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.model import RangeModel, load_ranges
from birdsat.ranges.records import Records, check_records
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.cells import grid_of
from birdsat.workflows.embed_region import embed_grid
from birdsat.workflows.fit_ranges import fit_records, read_tables
from birdsat.workflows.map_formats import file_name
from birdsat.workflows.map_outputs import Blocks, MadeMap, Outputs, PlannedMap
from birdsat.workflows.open_ranges import check_ranges, region_of, warn_if_undated
from birdsat.workflows.requests.maps import MapRequest
from birdsat.workflows.same_request import request_fingerprint

if TYPE_CHECKING:
    import xarray

RELATIVE = Quantity(
    PROBABILITY.name,
    PROBABILITY.units,
    PROBABILITY.bounds,
    "relative: 0.5 is a place and month as likely among the taxon's records as among the background, each weighing one "
    "half; calibrated on blocks left out",
)
_TOGETHER = 16  # taxa that are written in one pass over the cells, at most
_ROW_NUMBERS = 1 << 19  # of all their maps in one row of the grid, some of which are held while the maps are written


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonMap:
    """The map of one taxon."""

    taxon: str
    files: tuple[Path, ...]  # GeoTIFF, picture, and the other formats asked for
    evaluation: Mapping[str, float]  # of the model, on what was left out of its fit; empty for maps from photos

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"taxon": self.taxon, "files": list(map(str, self.files)), "evaluation": plain_figures(self.evaluation)}

    def to_xarray(self) -> "xarray.Dataset":
        """The map as `birdsat.open_map` gives it."""
        return read_xarray(self.files[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class MapResult:
    """The maps that were made, and why others could not be."""

    maps: tuple[TaxonMap, ...]
    failed: Mapping[str, str]  # reasons by taxon

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of all maps."""
        return tuple(file for one in self.maps for file in one.files)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"maps": [one.to_dict() for one in self.maps], "failed": dict(self.failed)}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mapped:
    """What maps are read from: the same for all taxa."""

    grid: AnyGrid
    imagery: Imagery
    describe: Callable[[str], MapDescription]  # of a taxon
    blocks: Callable[[Sequence[str]], Blocks]  # of some taxa together
    evaluation: Mapping[str, float]


class _Taxa:
    """The taxa that were asked for and can still be mapped, and why others cannot. One asked alone raises its error."""

    def __init__(self, asked: Sequence[str]) -> None:
        self.left = list(asked)
        self.failed: dict[str, str] = {}
        self.made: dict[str, MadeMap] = {}  # by the same request before
        self._alone = len(asked) == 1

    def find_made(self, taxon: str, outputs: Outputs) -> None:
        """Take note of a map that is there. Raises ConfigError for one that something else made."""
        if (made := outputs.made_before(file_name(taxon))) is not None:
            self.made[taxon] = made

    def keep(self, check: Callable[[str], object]) -> None:
        """Those of which a check raises no error."""
        for taxon in tuple(self.left):
            try:
                check(taxon)
            except BirdsatError as error:
                if self._alone:
                    raise
                self.left.remove(taxon)
                self.failed[taxon] = str(error)


def map_taxon(request: MapRequest, progress: Progress = QUIET) -> MapResult:
    """Map the taxa of a request into its folder.

    Cells that are given as a box are embedded on the way, for a fit into out/region. A single taxon that cannot be
    mapped raises its error, UnknownTaxonError or InputError; of several, those are listed with their reasons. What
    concerns all of them is raised: ConfigError where run, model and region do not belong together, InputError when no
    cell has imagery. Maps that the same request made before stay as they are.
    """
    # Only a fit makes a taxon's map depend on which others are asked for.
    outputs = Outputs.of(request, request_fingerprint(request, () if request.occurrences else ("taxon",)))
    taxa = _Taxa(request.taxon)
    taxa.keep(lambda taxon: taxa.find_made(taxon, outputs))
    maps = [TaxonMap(taxon=taxon, files=made.files, evaluation=made.evaluation) for taxon, made in taxa.made.items()]
    if maps:
        progress.note(f"{some_of([one.taxon for one in maps])}: mapped by this request already.")
    if taxa.made.keys() == set(taxa.left):
        return MapResult(maps=tuple(maps), failed=taxa.failed)
    if request.box is not None:
        grid_of(request)  # refuses impossible cells before anything is opened
    if request.is_from_photos:
        mapped = _from_photos(request, taxa, progress)
    elif request.ranges is not None:
        mapped = _from_ranges(request, taxa, progress)
    else:
        mapped = _from_records(request, taxa, progress)
    if mapped is not None:
        points: dict[str, list[MapPoints]] = {}
        remarks: dict[str, None] = {}  # each once, though every taxon reads the tables
        taxa.keep(lambda taxon: points.update({taxon: _points(request, taxon, mapped.grid, remarks)}))
        for remark in remarks:
            progress.note(remark)
        planned = [
            PlannedMap(name=file_name(taxon), about=mapped.describe(taxon), points=points[taxon])
            for taxon in taxa.left
            if taxon not in taxa.made
        ]
        for some in _passes(planned):
            taxa_of = [one.about.title for one in some]
            files = outputs.write(some, mapped.blocks(taxa_of), mapped.imagery, progress)
            maps += [
                TaxonMap(taxon=taxon, files=written, evaluation=mapped.evaluation)
                for taxon, written in zip(taxa_of, files, strict=True)
            ]
    maps.sort(key=lambda one: request.taxon.index(one.taxon))
    return MapResult(maps=tuple(maps), failed=taxa.failed)


def _passes(planned: Sequence[PlannedMap]) -> Iterator[Sequence[PlannedMap]]:
    """So many at a time that memory does not grow with them."""
    if planned:
        about = planned[0].about
        size = max(1, min(_TOGETHER, _ROW_NUMBERS // (len(about.band_names) * about.grid.columns)))
        for first in range(0, len(planned), size):
            yield planned[first : first + size]


def _from_photos(request: MapRequest, taxa: _Taxa, progress: Progress) -> _Mapped | None:
    """By the taxon's mean photo embedding. Months that cannot differ are noted."""
    assert request.run is not None
    run = load_run(Path(request.run))
    means = load_taxon_means(run.path)
    taxa.keep(means.vector)
    if not taxa.left:
        return None
    if len(request.months) > 1 and not run.method.uses_metadata:
        progress.note(f"{run.path} was trained without place and date: its maps of all months are the same.")
    if request.region is not None:
        region = open_region(Path(request.region), run)
        grid, imagery = region.grid, region.imagery
    else:
        assert request.imagery is not None
        grid = grid_of(request)
        with about("imagery"):
            imagery = open_imagery(request.imagery)
            chips = imagery.chips(ground_km=run.chip_ground_km, px=run.chip_px, stretch=request.stretch)

    def blocks(some: Sequence[str]) -> Blocks:
        vectors = means.vectors(tuple(some))
        if request.region is not None:
            scores = score_blocks(region.blocks(("year",)), vectors, request.months)
        else:
            scores = predict_blocks(
                run.method, vectors, grid, request.months, chips, chip_px=run.chip_px, workers=request.workers
            )
        return ((block.cells, block.score) for block in scores)

    def describe(taxon: str) -> MapDescription:
        return MapDescription(
            title=taxon,
            grid=grid,
            months=tuple(request.months),
            quantity=SCORE,
            model=run.path.name,
            sources={"imagery": imagery.text},
        )

    return _Mapped(grid=grid, imagery=imagery, describe=describe, blocks=blocks, evaluation={})


def _from_ranges(request: MapRequest, taxa: _Taxa, progress: Progress) -> _Mapped | None:
    """By a fitted range model, on the region named, on the cells of a box, or where it was fitted."""
    assert request.ranges is not None
    model = load_ranges(Path(request.ranges))
    taxa.keep(lambda taxon: model.labels((taxon,)))
    if not taxa.left:
        return None
    run, named = _run(request), request.region is not None or request.imagery is not None
    region = _cells(request, run, progress) if named else region_of(model)
    check_ranges(model, region)
    if run is not None:
        region.check_model(run)
    return _of_model(request, model, region, Path(request.ranges).name, progress)


def _from_records(request: MapRequest, taxa: _Taxa, progress: Progress) -> _Mapped | None:
    """By one fit to the records of all taxa asked for. A taxon that is not there is refused before cells are embedded,
    which takes long."""
    everything = read_tables(request.occurrences, request)
    taxa.keep(everything.of)
    if not taxa.left:
        return None
    run = _run(request)
    region = _cells(request, run, progress)
    records = check_records(region, everything, taxa.left, trust_places=request.trust_places, progress=progress)
    counts = dict(zip(records.taxa.taxa, records.taxa.counts.tolist(), strict=True))

    def check_recorded(taxon: str) -> None:
        if not counts.get(taxon):  # those of one place are gone altogether
            raise InputError(
                f"its records lie outside {region.folder}, in cells without imagery, or all in one place; embed a "
                "region that holds them, or give more."
            )

    taxa.keep(check_recorded)
    records = Records(taxa=records.taxa.only_taxa(taxa.left), everything=everything)
    model = fit_records(
        run,
        region,
        records,
        way=request.way,
        tables=[Path(table) for table in request.occurrences],
        progress=progress,
    )
    return _of_model(request, model, region, f"fit to {request.way}", progress)


def _run(request: MapRequest) -> Run | None:
    return None if request.run is None else load_run(Path(request.run))


def _cells(request: MapRequest, run: Run | None, progress: Progress) -> Region:
    """The region named, embedded by the run where one is named; or the cells of the box, embedded into out/region."""
    if request.region is not None:
        return open_region(Path(request.region), run)
    assert run is not None and request.imagery is not None
    return embed_grid(
        run,
        grid_of(request),
        request.imagery,
        Path(request.out) / "region",
        stretch=request.stretch,
        workers=request.workers,
        progress=progress,
    )


def _of_model(request: MapRequest, model: RangeModel, region: Region, name: str, progress: Progress) -> _Mapped:
    """Probabilities of a range model called `name`, with their uncertainty and the area of applicability."""
    warn_if_undated(model, request.months, progress)
    imagery, facts = region.imagery, model.facts

    def blocks(some: Sequence[str]) -> Blocks:
        for block in model.predict(iter_features(model, region), some, request.months):
            inside = np.broadcast_to(block.inside.astype(np.float32), (len(some), 1, len(block.inside)))
            yield block.cells, np.concatenate([block.probability, block.std, inside], axis=1)

    def describe(taxon: str) -> MapDescription:
        return MapDescription(
            title=taxon,
            grid=region.grid,
            months=tuple(request.months),
            quantity=RELATIVE,
            model=f"{name} on {region.manifest.settings.run}",
            std=True,
            applicability=True,
            evaluation=model.evaluation,
            sources={
                "imagery": imagery.text,
                "records": ", ".join(facts.tables),
                "records of the taxon": str(facts.points[facts.taxa.index(taxon)]),
                "way": facts.way,
            },
        )

    return _Mapped(grid=region.grid, imagery=imagery, describe=describe, blocks=blocks, evaluation=model.evaluation)


def _points(request: MapRequest, taxon: str, grid: AnyGrid, remarks: dict[str, None]) -> list[MapPoints]:
    """The places of a taxon in the tables to draw; how many rows cannot be used is added to the remarks."""
    drawn = []
    for table in request.points:
        points, remarked = read_points(Path(table), taxon, grid.box)
        for reason, rows in remarked.items():
            remarks[f"{table}: {reason}, in {rows:,} rows"] = None
        drawn.append(points)
    return drawn
