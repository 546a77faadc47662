"""Which species to expect at a place, in a month or through the year."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from birdsat.earth.place import Place
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.region import Region
from birdsat.errors import PlaceError
from birdsat.files import check_new, write_atomic
from birdsat.maps.species_list import AtPlace, PlaceCalendar, SpeciesList, place_calendar, species_list, where
from birdsat.pictures.calendar import draw_calendar
from birdsat.pictures.map_picture import save_png
from birdsat.progress import QUIET, Progress
from birdsat.ranges.model import RangeModel
from birdsat.workflows.cells import place_of
from birdsat.workflows.open_ranges import cautions, note_cautions, open_ranges
from birdsat.workflows.reported import Reported
from birdsat.workflows.requests.maps import YEAR, SpeciesRequest


class SpeciesResult(Reported[SpeciesList | PlaceCalendar]):
    """The taxa to expect at a place."""


def species_at(request: SpeciesRequest, progress: Progress = QUIET) -> SpeciesResult:
    """The taxa to expect at a place in a month, or through the year.

    What holds of the place is what holds of the cell that it lies in. In what the numbers fall short is noted, and a
    place outside the area of applicability of all taxa together. Raises PlaceError for a place outside the region or in
    a cell without imagery, ConfigError when a file is there already and not to be overwritten.
    """
    place, out = place_of(request.place), None if request.out is None else Path(request.out)
    stem, endings = ("species", (".csv", ".json")) if request.month else ("calendar", (".csv", ".json", ".png"))
    planned = () if out is None else tuple(out / f"{stem}{ending}" for ending in endings)
    check_new(planned, request.overwrite)
    model, region = open_ranges(request)
    months = YEAR if request.month is None else (request.month,)
    cell = model.features(_cell_at(region, model, place))
    (block,) = model.predict([cell], model.facts.taxa, months)
    by_month = slice(None) if request.month is None else 0
    found = AtPlace(
        suitability=block.suitability[:, by_month, 0],
        low=block.low[:, by_month, 0],
        high=block.high[:, by_month, 0],
        applicable=block.inside[:, 0],
    )
    least, taxa, names = request.min_suitability, model.facts.taxa, model.common_names
    said = _cautions(model, found, months, least, place, known=bool(model.inside_together(cell)[0]))
    report: SpeciesList | PlaceCalendar
    if request.month is None:
        report = place_calendar(taxa, found, place, min_suitability=least, common_names=names, cautions=said)
    else:
        report = species_list(
            taxa, found, place, request.month, min_suitability=least, common_names=names, cautions=said
        )
    note_cautions(said, progress)
    files: tuple[Path, ...] = ()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        subtitle = f"model {Path(request.ranges).name} on {region.run}"
        files = _write(report, planned, subtitle, least, progress)
    return SpeciesResult(report=report, files=files)


def _cautions(
    model: RangeModel, found: AtPlace, months: Sequence[int], least: float, place: Place, *, known: bool
) -> tuple[str, ...]:
    """What whoever reads the list must know; of taxa, those that are listed."""
    likeliest = found.suitability.reshape(len(found.suitability), -1).max(axis=1)
    listed = [model.facts.taxa[label] for label in np.flatnonzero(likeliest >= least)]
    unlike = (
        f"{where(place)} is outside the model's area of applicability: it is unlike all places with records, of "
        "whatever taxon"
    )
    return (*cautions(model, listed, months), *(() if known else (unlike,)))


def _write(
    report: SpeciesList | PlaceCalendar, planned: tuple[Path, ...], subtitle: str, least: float, progress: Progress
) -> tuple[Path, ...]:
    """The files of a report; a calendar without taxa has no picture, which is noted."""
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
    writers: list[Callable[[Path], None]] = [report.write_csv, lambda path: write_atomic(path, text)]
    if isinstance(report, PlaceCalendar):
        if report.taxa:
            figure = draw_calendar(report, subtitle=subtitle)
            writers.append(lambda path: save_png(figure, path))
        else:
            progress.note(f"no taxon is as likely as {least:g} in any month, so that there is no picture.")
            planned[2].unlink(missing_ok=True)  # of an earlier calendar, which is replaced
    written = list(zip(planned, writers, strict=False))  # no picture without taxa
    for file, write in written:
        write(file)
    return tuple(file for file, _ in written)


def _cell_at(region: Region, model: RangeModel, place: Place) -> RegionBlock:
    """The cell that a place lies in, alone."""
    points = region.at(np.array([[place.lon, place.lat]]), model.columns)
    if points.cells[0] < 0:
        raise PlaceError(
            f"{where(place)} is outside {region.name_and_box}; take a place within it, longitude first, or embed a "
            "region that holds it.",
            settings=("place",),
        )
    if not points.found[0]:
        raise PlaceError(
            f"the cell at {where(place)} was not embedded in {region.name}: it has no imagery, or lies at sea in a "
            "region of land only. Take a place near it that has.",
            settings=("place",),
        )
    return RegionBlock(
        cells=points.cells,
        lon_lat=region.grid.centres(points.cells),
        chip=points.chip,
        year=points.year,
        covariates=points.covariates,
    )
