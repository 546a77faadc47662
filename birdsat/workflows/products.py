"""What `birdsat richness`, `species` and `gaps` do: what all taxa of a range model give together."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import Place
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.region import Region
from birdsat.errors import ConfigError, InputError, PlaceError
from birdsat.files import write_atomic
from birdsat.maps.description import RICHNESS, MapDescription
from birdsat.maps.richness import ProbabilityBlock, RichnessSum
from birdsat.maps.species_list import place_calendar, species_list, where
from birdsat.maps.survey_gaps import SurveyGaps, survey_gaps
from birdsat.observations.occurrence_grid import effort, recorded_cells
from birdsat.observations.occurrences import Occurrences
from birdsat.pictures.calendar import draw_calendar
from birdsat.pictures.map_picture import save_png
from birdsat.progress import QUIET
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.model import RangeFeatures, RangeModel, load_ranges
from birdsat.tables import Table
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.embed_region import open_region_of
from birdsat.workflows.fit_ranges import RecordTables, check_ranges, warn_if_undated
from birdsat.workflows.map_taxon import Outputs

RICHNESS_NAME = "richness"
EXPECTED = replace(
    RICHNESS,
    explanation="sum of the taxa's probabilities, which are relative (see a taxon's own map): it compares places and "
    "months, and is above a count of species where taxa are rarer than one half. The spread is the standard deviation "
    "if taxa come and go independently of each other",
)
YEAR = tuple(range(1, 13))
_GROUP = 256  # taxa at once
_NUMBERS = 1 << 23  # of one array that is held while some cells are worked on


def map_richness(
    run_folder: Path,
    ranges: Path,
    region_folder: Path,
    months: Sequence[int],
    outputs: Outputs,
    *,
    taxa: Sequence[str] = (),
) -> list[Path]:
    """Map the expected number of species, of all taxa of the range model or of those named; the files written.

    The area of applicability is that of the model. Raises ConfigError when a file is there already and not to be
    overwritten, a taxon is named twice, or model, region and run do not belong together.
    """
    outputs.refuse_existing(RICHNESS_NAME, months)
    run, region, model = _open(run_folder, ranges, region_folder)
    taxa = _taxa(model, taxa)
    warn_if_undated(model, months, QUIET)
    settings = region.manifest.settings
    about = MapDescription(
        title=f"Species expected, of {len(taxa):,}",
        is_taxon=False,
        grid=region.grid,
        months=tuple(months),
        quantity=EXPECTED,
        model=f"{ranges.name} on {run.path.name}",
        spread=True,
        applicability=True,
        evaluation=model.evaluation,
        sources={
            "imagery": settings.imagery,
            "records": ", ".join(model.facts.tables),
            "taxa": f"{len(taxa):,}",
            "way": model.facts.way,
        },
    )
    return outputs.write(RICHNESS_NAME, about, _richness_bands(model, region, taxa, months), settings.imagery)


def species_at(
    run_folder: Path,
    ranges: Path,
    region_folder: Path,
    place: Place,
    month: int | None = None,
    *,
    least: float = 0.05,
    out: Path | None = None,
    overwrite: bool = False,
) -> tuple[Table, list[Path]]:
    """The taxa to expect at a place in a month, or through the year; the table for the console and the files written.

    What holds of the place is what holds of the cell that it lies in. Into `out`, where it is given: species.csv and
    .json of a month, or calendar.csv, .json and .png. A place outside the area of applicability is told on stderr.

    Raises PlaceError for a place outside the region or in a cell without imagery, ConfigError for `least` outside 0..1
    or when a file is there already and not to be overwritten.
    """
    if not 0 <= least <= 1:
        raise ConfigError(f"least is {least:g}; allowed: a probability, 0 to 1.")
    stem, endings = ("calendar", (".csv", ".json", ".png")) if month is None else ("species", (".csv", ".json"))
    files = [] if out is None else [out / f"{stem}{ending}" for ending in endings]
    _refuse_existing(files, overwrite)
    run, region, model = _open(run_folder, ranges, region_folder)
    months = YEAR if month is None else (month,)
    warn_if_undated(model, months, QUIET)
    cell = _cell_at(region, model, place)
    (found,) = model.predict([model.features(cell)], model.facts.taxa, months)
    if not found.inside[0]:
        _note(f"{where(place)} is outside the model's area of applicability: it is unlike all places with records.")
    probability, taxa = found.probability[:, :, 0], model.facts.taxa
    writers: list[Callable[[Path], None]]
    if month is None:
        calendar = place_calendar(taxa, probability, place, least=least)
        values, table = calendar.to_dict(), calendar.table()
        writers = [calendar.write_csv, lambda path: _write_json(path, values)]
        if files and calendar.taxa:
            figure = draw_calendar(calendar, subtitle=f"model {ranges.name} on {run.path.name}")
            writers.append(lambda path: save_png(figure, path))
        elif files:
            _note(f"no taxon is as likely as {least:g} in any month, so that there is no picture; see --least.")
            files[2].unlink(missing_ok=True)  # of an earlier calendar, which is replaced
    else:
        listed = species_list(taxa, probability[:, 0], place, month, least=least)
        values, table = listed.to_dict(), listed.table()
        writers = [listed.write_csv, lambda path: _write_json(path, values)]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    written = list(zip(files, writers, strict=False))  # no picture without taxa
    for file, write in written:
        write(file)
    return table, [file for file, _ in written]


def find_gaps(
    run_folder: Path,
    ranges: Path,
    region_folder: Path,
    tables: RecordTables,
    months: Sequence[int],
    *,
    out: Path,
    taxa: Sequence[str] = (),
    threshold: float = 0.5,
    most: int = 1000,
    overwrite: bool = False,
) -> SurveyGaps:
    """Cells and months where a taxon is expected and no table records it, written to `out`, a CSV file.

    Only cells in the model's area of applicability are asked. Records of all taxa in the tables say where was looked.
    Raises InputError when no record lies in the region, ConfigError for settings out of range or when `out` is there
    already and not to be overwritten.
    """
    if out.suffix.lower() != ".csv":
        raise ConfigError(f"survey gaps are written as CSV, and {out} does not end in .csv; name it so.")
    _refuse_existing([out], overwrite)
    _, region, model = _open(run_folder, ranges, region_folder)
    taxa = _taxa(model, taxa)
    warn_if_undated(model, months, QUIET)
    records = _records_within(region, tables.read(), taxa)
    blocks = (
        ProbabilityBlock(
            cells=cells, probability=np.concatenate([np.where(inside, group, np.float32(np.nan)) for group in groups])
        )
        for cells, inside, groups in _by_cells(model, region, taxa, months)
    )
    gaps = survey_gaps(
        blocks,
        taxa,
        months,
        region.grid,
        recorded=recorded_cells(records, region.grid, tuple(taxa)),
        effort=effort(records, region.grid),
        threshold=threshold,
        most=most,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    gaps.write_csv(out)
    return gaps


Groups = Iterator[NDArray[np.float32]]  # (taxa of a group, months, c) probabilities, group after group


def _by_cells(
    model: RangeModel, region: Region, taxa: Sequence[str], months: Sequence[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_], Groups]]:
    """Cells (c,), whether each is in the area of applicability, and all taxa's probabilities there.

    So few cells at once that neither the members' probabilities of a group of taxa nor the probabilities of all taxa
    hold more than _NUMBERS: memory grows neither with the grid nor with the taxa.
    """
    a_cell = len(months) * max(model.network.config.members * min(len(taxa), _GROUP), len(taxa))
    size = max(1, _NUMBERS // a_cell)
    for block in iter_features(model, region):
        for start in range(0, len(block), size):
            some = block[start : start + size]
            yield some.cells, some.inside, _groups(model, some, taxa, months)


def _groups(model: RangeModel, block: RangeFeatures, taxa: Sequence[str], months: Sequence[int]) -> Groups:
    for first in range(0, len(taxa), _GROUP):
        for found in model.predict([block], taxa[first : first + _GROUP], months):
            yield found.probability


def _richness_bands(
    model: RangeModel, region: Region, taxa: Sequence[str], months: Sequence[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Cells (c,), and their bands: expected by month, spread by month, area of applicability."""
    for cells, inside, groups in _by_cells(model, region, taxa, months):
        together = RichnessSum(cells, len(months))
        for probability in groups:
            together.add(ProbabilityBlock(cells=cells, probability=probability))
        total = together.total()
        yield cells, np.concatenate([total.expected, total.spread, inside[None].astype(np.float32)])


def _open(run_folder: Path, ranges: Path, region_folder: Path) -> tuple[Run, Region, RangeModel]:
    run = load_run(run_folder)
    region, model = open_region_of(run, region_folder), load_ranges(ranges)
    check_ranges(model, ranges.name, region)
    return run, region, model


def _taxa(model: RangeModel, taxa: Sequence[str]) -> tuple[str, ...]:
    """Those asked for, or all. Raises ConfigError for one named twice, UnknownTaxonError for one not fitted."""
    model.labels(taxa)
    if len(set(taxa)) < len(taxa):
        raise ConfigError("a taxon is named twice; name each once.")
    return tuple(taxa) or model.facts.taxa


def _cell_at(region: Region, model: RangeModel, place: Place) -> RegionBlock:
    """The cell that a place lies in, alone."""
    points = region.at(np.array([[place.lon, place.lat]]), model.columns)
    if points.cells[0] < 0:
        raise PlaceError(
            f"{where(place)} is outside {region.folder}, whose box is {region.grid.box}; take a place within it, or "
            "embed a region that holds it."
        )
    if not points.found[0]:
        raise PlaceError(
            f"the cell at {where(place)} was not embedded in {region.folder}: it has no imagery, or lies at sea in a "
            "region of land only. Take a place near it that has."
        )
    return RegionBlock(
        cells=points.cells, lon_lat=region.grid.centres(points.cells), chip=points.chip, year=points.year
    )


def _records_within(region: Region, records: Occurrences, taxa: Sequence[str]) -> Occurrences:
    """Those in the region's grid; what is odd is told on stderr. Raises InputError when there is none."""
    inside = records.where(region.grid.cells_at(*records.lon_lat.T) >= 0)
    if not len(inside):
        raise InputError(
            f"none of the {len(records):,} records lies in {region.folder}, whose box is {region.grid.box}; give "
            "tables of that region. Without records every cell would be a gap."
        )
    if len(inside) < len(records):
        _note(f"{len(records) - len(inside):,} of {len(records):,} records lie outside the region.")
    recorded = {inside.taxa[label] for label in np.flatnonzero(inside.counts).tolist()}
    if missing := [taxon for taxon in taxa if taxon not in recorded]:
        _note(f"{len(missing):,} of {len(taxa):,} taxa are never recorded in the region, such as {missing[0]}.")
    return inside


def _refuse_existing(files: Sequence[Path], overwrite: bool) -> None:
    for file in files:
        if file.exists() and not overwrite:
            raise ConfigError(f"{file} exists already; replace it with --overwrite, or name another with --out.")


def _write_json(path: Path, values: object) -> None:
    write_atomic(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def _note(text: str) -> None:
    print(f"birdsat: {text}", file=sys.stderr)
