"""Where photos could have been taken, or how well that can be told."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.search import nearest
from birdsat.errors import InputError
from birdsat.files import check_new, write_atomic
from birdsat.imagery.photo_files import distinct_names, find_photos, raw_twins_note, same_names, without_raw_twins
from birdsat.maps.cell_rows import rows_of_cells
from birdsat.maps.description import MapDescription, Quantity
from birdsat.maps.map_file import MapFile, create_map, sidecar_path
from birdsat.pictures.map_picture import draw_map_file, picture_scale, save_png
from birdsat.pictures.panel import MapPoints
from birdsat.pictures.qgis_style import style_path, write_style
from birdsat.progress import QUIET, Progress
from birdsat.ranges.model import RangeModel
from birdsat.tables import Table, csv_text
from birdsat.tasks.identify.seen import see_split
from birdsat.tasks.locate import Evidence, Located, locate, probabilities
from birdsat.tasks.locate_by_likeness import Likeness, Queries
from birdsat.tasks.locate_by_ranges import ANY_MONTH, Ranges, month_of, shown_taxa
from birdsat.tasks.locate_report import LocateReport, places_drawn_from, random_places, way
from birdsat.tasks.naming import name_rows
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.locate_evidence import (
    PhotosEvidence,
    calibrated_names,
    likeness_rule,
    named_by_image,
    naming_temperature,
    note_without_range,
    open_model,
    photos_evidence,
    place_prior,
    with_photo_and_place,
)
from birdsat.workflows.reported import Reported
from birdsat.workflows.requests.maps import LocateRequest

LOCATE_FILE, CELLS_FILE = "locate.json", "located.csv"
BEST = 10  # cells that are listed for each photo
_CELL = ("photo", "rank", "lon", "lat", "probability")
_MAPS_AT_ONCE = 16  # files that are written side by side
_CHANCE_CELLS = 100_000  # of a region that random ones are drawn from
PROBABILITY = Quantity(
    "probability of the cell",
    "1",
    explanation="that the photo was taken in the cell, given that it was taken in one of them and that every square "
    "kilometre of them is equally likely before it is looked at",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocatedPhotos:
    """Where photos could have been taken."""

    photos: tuple[Path, ...]
    located: Located
    taxa: Sequence[Sequence[tuple[str, float]]] | None = None  # the likeliest of each; None: not located by its taxa

    def table(self) -> Table:
        """For the console: an estimate for each, and the likeliest cells."""
        table = Table(
            columns=["photo", ""],
            words=2,
            title="likeliest cells",
            caption="rank: by the probability for the cell's area",
        )
        for name in ("lon", "lat", "probability"):
            table.add_column(name)
        for photo, (lon, lat) in zip(self._names(), self.located.estimate.tolist(), strict=True):
            table.add_row(photo, "estimate", f"{lon:.3f}", f"{lat:.3f}")
        table.add_section()
        for photo, taxa in zip(self._names(), self.taxa or (), strict=False):
            for number, (taxon, share) in enumerate(taxa):
                table.add_row("" if number else photo, taxon, "", "", f"{share:.4f}")
        table.add_section()
        for name, rank, lon, lat, probability in self._ranked():
            table.add_row(name if rank == 1 else "", str(rank), f"{lon:.3f}", f"{lat:.3f}", f"{probability:.4f}")
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        estimates: list[dict[str, Any]] = [
            {"photo": photo, "lon": lon, "lat": lat}
            for photo, (lon, lat) in zip(self._names(), self.located.estimate.tolist(), strict=True)
        ]
        for estimate, taxa in zip(estimates, self.taxa or (), strict=False):
            estimate["taxa"] = [{"taxon": taxon, "probability": share} for taxon, share in taxa]
        return {
            "estimates": estimates,
            "cells": [dict(zip(_CELL, row, strict=True)) for row in self._ranked()],
        }

    def csv(self) -> str:
        """A row for each of the likeliest cells of each photo."""
        return csv_text(_CELL, self._ranked())

    def _names(self) -> list[str]:
        """As short as tells them apart."""
        shared = same_names(self.photos)
        return [str(photo) if photo.name in shared else photo.name for photo in self.photos]

    def _ranked(self) -> list[tuple[str, int, float, float, float]]:
        """Photo, rank from 1, longitude, latitude, probability."""
        located = self.located
        return [
            (photo, rank + 1, *located.lon_lat[row, rank].tolist(), float(located.probability[row, rank]))
            for row, photo in enumerate(self._names())
            for rank in range(located.cells.shape[1])
        ]


class LocateResult(Reported[LocatedPhotos | LocateReport]):
    """Where photos could have been taken, or how far from the truth that is."""


def locate_photos(request: LocateRequest, progress: Progress = QUIET) -> LocateResult:
    """Locate the photos that are named, or those of a dataset's test split whose places are known."""
    return (_locate_named if request.dataset is None else _locate_dataset)(request, progress)


def _locate_named(request: LocateRequest, progress: Progress) -> LocateResult:
    """Map where each photo could have been taken, in out/PHOTO.tif (with .json beside it) and .png; and located.csv.

    Raises ConfigError when a file is there already and not to be overwritten, or the region is of another run;
    InputError for a photo that cannot be decoded.
    """
    photos, twins = without_raw_twins(find_photos(request.photos))
    out = Path(request.out)
    maps = [out / f"{name}.tif" for name in distinct_names(photos)]
    parts = (part for tiff in maps for part in (tiff, sidecar_path(tiff), style_path(tiff), _picture(tiff)))
    check_new((out / CELLS_FILE, *parts), request.overwrite)
    if twins:
        progress.note(raw_twins_note(twins))
    how = photos_evidence(request, load_run(Path(request.run)), photos, progress)
    located = locate(how.evidence, best=BEST)
    out.mkdir(parents=True, exist_ok=True)
    with progress.bar("locating", len(photos), unit="photos") as bar:
        for first in range(0, len(photos), _MAPS_AT_ONCE):
            some = slice(first, min(first + _MAPS_AT_ONCE, len(photos)))
            _write_maps(photos, maps, some, how, located)
            bar.advance(some.stop - first)
    report = LocatedPhotos(photos=photos, located=located, taxa=how.taxa)
    write_atomic(out / CELLS_FILE, report.csv())
    return LocateResult(report=report, files=(*(f for tiff in maps for f in (tiff, _picture(tiff))), out / CELLS_FILE))


def _write_maps(
    photos: Sequence[Path], maps: Sequence[Path], some: slice, how: PhotosEvidence, located: Located
) -> None:
    """The maps and pictures of some photos, whose cells come together."""
    grid, imagery = how.region.grid, how.region.imagery
    rows = range(len(photos))[some]
    with ExitStack() as stack:
        sinks = []
        for row in rows:
            lon, lat = located.estimate[row].tolist()
            description = MapDescription(
                title=photos[row].name,
                is_taxon=False,
                grid=grid,
                months=(),
                quantity=replace(PROBABILITY, explanation=f"{PROBABILITY.explanation}; {how.explanation}"),
                model=how.model,
                evaluation=how.figures,
                sources=how.sources_of(row) | {"photo": photos[row].name, "estimate": f"lon {lon:.4f}, lat {lat:.4f}"},
            )
            sinks.append(stack.enter_context(create_map(maps[row], description)))
        for first, values in rows_of_cells(grid, len(rows), probabilities(how.evidence, located, some)):
            for number, sink in enumerate(sinks):
                sink.write(first, values[number : number + 1])
    for row in rows:
        lon, lat = located.estimate[row : row + 1].T
        mark = MapPoints(lon=lon, lat=lat, label="estimate")
        with MapFile(maps[row]) as map_file:
            save_png(draw_map_file(map_file, land=imagery.land, points=[mark]), _picture(maps[row]))
            write_style(maps[row], PROBABILITY, picture_scale(map_file))


def _locate_dataset(request: LocateRequest, progress: Progress) -> LocateResult:
    """Locate photos of the test split whose places are known; written to RUN/locate.json.

    At most so many as asked, drawn at random. The prior is of the dataset's own train split, or of another dataset.
    Beside: the same without it, the place of the most similar photo of the train split, a random place of that
    split, and a random cell. Raises InputError when no photo of a known place is there.
    """
    assert request.dataset is not None
    run = load_run(Path(request.run))
    dataset = Dataset(Path(request.dataset))
    model: RangeModel | None = None
    if request.ranges is not None:
        model, region = open_model(request)
    else:
        assert request.region is not None
        region = open_region(Path(request.region), run)
    test, train = (
        embed_split(run, dataset, split, workers=request.workers, progress=progress) for split in ("test", "train")
    )
    rows, known = with_photo_and_place(test), with_photo_and_place(train)
    if not len(rows) or not len(known):
        raise InputError(f"{request.dataset} has no photos with a known place in its train and test splits.")
    rows = np.sort(np.random.default_rng(0).permutation(rows)[: request.queries])
    prior = place_prior(request.prior or request.dataset)
    true = test.lon_lat[rows]
    asked: list[tuple[str, Evidence]] = []
    temperature: float | None = None
    without_range: tuple[str, ...] = ()
    rule = None
    if model is not None:
        if (identifier := calibrated_names(request, run)) is not None:
            temperature = 1.0
            seen = see_split(run, dataset, "test", workers=request.workers, progress=progress)
            named = named_by_image(identifier, seen[np.searchsorted(seen.row, rows)].seen, progress)
        else:
            temperature = naming_temperature(request, run, progress)
            named = name_rows(run, dataset, "test", test, workers=request.workers, progress=progress)
            named = replace(named, score=named.score[rows]).with_temperature(temperature)
        shown = shown_taxa(named, model, month_of(test.year_fraction[rows]))
        note_without_range(shown, progress)
        without_range = shown.without_range
        undated = replace(shown, month=np.full(len(shown), ANY_MONTH))
        asked += [
            ("located by ranges, month known", Ranges(shown, model, region, prior)),
            ("located by ranges, month unknown", Ranges(undated, model, region, prior)),
            ("located by ranges, every place alike", Ranges(shown, model, region)),
        ]
    if model is None or (request.region is not None and _shares_space(request, run, region)):
        rule = likeness_rule(request, run, region, prior, dated=True, progress=progress)
        dated = Queries(embedding=test.photo[rows], year_fraction=test.year_fraction[rows])
        if run.method.uses_metadata:
            asked.append(("located, date known", Likeness(dated, region, rule)))
        of_no_date = replace(dated, year_fraction=np.full(len(rows), np.nan))
        asked += [
            ("located, date unknown", Likeness(of_no_date, region, rule)),
            ("located, every place alike", Likeness(dated, region, replace(rule, prior=None))),
        ]
    ways = [way(name, locate(evidence, best=1).estimate, true) for name, evidence in asked]
    similar = known[nearest(test.photo[rows], train.photo[known], 1).index[:, 0]]
    cells = region.cells()
    cells = cells[:: max(1, len(cells) // _CHANCE_CELLS)]
    ways += [
        way("most similar training photo", train.lon_lat[similar], true),
        way("random training photo", places_drawn_from(train.lon_lat[known], len(rows)), true),
        way("random cell", random_places(region.grid, cells, len(rows)), true),
    ]
    report = LocateReport(
        photos=len(rows),
        outside=int((~region.at(true, ()).found).sum()),
        cells=len(region),
        scale=None if rule is None else rule.scale,
        temperature=temperature,
        without_range=without_range,
        ways=tuple(ways),
    )
    write_atomic(run.path / LOCATE_FILE, json.dumps(report.to_dict(), indent=2) + "\n")
    return LocateResult(report=report, files=(run.path / LOCATE_FILE,))


def _shares_space(request: LocateRequest, run: Run, region: Region) -> bool:
    """Whether the run's photos can be compared with a region that it was named with, and by how much is known."""
    is_known = request.calibrate is not None or run.method.similarity_scale() is not None
    return is_known and region.embedding_width > 0 and region.model == model_fingerprint(run)


def _picture(tiff: Path) -> Path:
    return tiff.with_suffix(".png")
