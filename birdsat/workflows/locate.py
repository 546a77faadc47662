"""Where photos could have been taken, or how well that can be told."""

import csv
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.dataset.read import row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.earth.date import mid_month
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.photo_files import embed_photos
from birdsat.embeddings.regions.region import Region, open_region
from birdsat.embeddings.search import nearest
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError, InputError
from birdsat.files import write_atomic
from birdsat.maps.cell_rows import rows_of_cells
from birdsat.maps.description import MapDescription, Quantity
from birdsat.maps.map_file import MapFile, create_map, sidecar_path
from birdsat.pictures.map_picture import draw_map_file, save_png
from birdsat.pictures.panel import MapPoints
from birdsat.progress import QUIET, Progress, counted
from birdsat.tables import Table
from birdsat.tasks.locate import Located, LocationPosterior, Queries, fit_scale, locate, probabilities
from birdsat.tasks.locate_report import LocateReport, places_drawn_from, random_places, way
from birdsat.tasks.place_prior import PlacePrior, fit_place_prior
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.map_outputs import check_new
from birdsat.workflows.reported import Reported
from birdsat.workflows.requests.maps import LocateRequest
from birdsat.workflows.requests.request import AnyPath

LOCATE_FILE, CELLS_FILE = "locate.json", "located.csv"
BEST = 10  # cells that are listed for each photo
_CELL = ("photo", "rank", "lon", "lat", "probability")
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
        for photo, (lon, lat) in zip(self.photos, self.located.estimate.tolist(), strict=True):
            table.add_row(photo.name, "estimate", f"{lon:.3f}", f"{lat:.3f}")
        table.add_section()
        for name, rank, lon, lat, probability in self._ranked():
            table.add_row(name if rank == 1 else "", str(rank), f"{lon:.3f}", f"{lat:.3f}", f"{probability:.4f}")
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        estimates = zip(self.photos, self.located.estimate.tolist(), strict=True)
        return {
            "estimates": [{"photo": photo.name, "lon": lon, "lat": lat} for photo, (lon, lat) in estimates],
            "cells": [dict(zip(_CELL, row, strict=True)) for row in self._ranked()],
        }

    def csv(self) -> str:
        """A row for each of the likeliest cells of each photo."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_CELL)
        rows.writerows(self._ranked())
        return text.getvalue()

    def _ranked(self) -> list[tuple[str, int, float, float, float]]:
        """Photo, rank from 1, longitude, latitude, probability."""
        located = self.located
        return [
            (photo.name, rank + 1, *located.lon_lat[row, rank].tolist(), float(located.probability[row, rank]))
            for row, photo in enumerate(self.photos)
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
    photos, out, month = tuple(map(Path, request.photos)), Path(request.out), request.month
    maps = [out / f"{photo.stem}.tif" for photo in photos]
    parts = (part for tiff in maps for part in (tiff, sidecar_path(tiff), _picture(tiff)))
    check_new((out / CELLS_FILE, *parts), request.overwrite)
    run = load_run(Path(request.run))
    region = open_region(Path(request.region), run)
    imagery = region.imagery
    when = np.nan if month is None else mid_month(month)
    queries = Queries(
        embedding=embed_photos(run.method, photos, run.photo_px, progress=progress),
        year_fraction=np.full(len(photos), when),
    )
    rule = _rule(request, run, region, request.prior, dated=month is not None, progress=progress)
    located = locate(queries, region, rule, best=BEST)
    out.mkdir(parents=True, exist_ok=True)
    for row, (photo, tiff) in enumerate(counted(zip(photos, maps, strict=True), progress, "locating", unit="photos")):
        lon, lat = located.estimate[row : row + 1].T
        description = MapDescription(
            title=photo.name,
            is_taxon=False,
            grid=region.grid,
            months=(),
            quantity=PROBABILITY,
            model=run.path.name,
            evaluation={"scale": rule.scale},
            sources={"imagery": imagery.text, "photo": photo.name}
            | {"estimate": f"lon {lon[0]:.4f}, lat {lat[0]:.4f}"}
            | ({} if month is None else {"month": str(month)}),
        )
        with create_map(tiff, description) as sink:
            blocks = probabilities(queries, located, row, region, rule)
            for first, values in rows_of_cells(region.grid, 1, ((cells, value[None]) for cells, value in blocks)):
                sink.write(first, values)
        mark = MapPoints(lon=lon, lat=lat, label="estimate")
        with MapFile(tiff) as map_file:
            save_png(draw_map_file(map_file, land=imagery.land, points=[mark]), _picture(tiff))
    report = LocatedPhotos(photos=photos, located=located)
    write_atomic(out / CELLS_FILE, report.csv())
    return LocateResult(report=report, files=(*(f for tiff in maps for f in (tiff, _picture(tiff))), out / CELLS_FILE))


def _locate_dataset(request: LocateRequest, progress: Progress) -> LocateResult:
    """Locate photos of the test split whose places are known; written to RUN/locate.json.

    At most so many as asked, drawn at random. The prior is of the dataset's own train split, or of another dataset.
    Beside: the same without it, the place of the most similar photo of the train split, a random place of that
    split, and a random cell. Raises InputError when no photo of a known place is there.
    """
    assert request.dataset is not None
    run = load_run(Path(request.run))
    dataset, region = Dataset(Path(request.dataset)), open_region(Path(request.region), run)
    test, train = (
        embed_split(run, dataset, split, workers=request.workers, progress=progress) for split in ("test", "train")
    )
    rows, known = _with_photo_and_place(test), _with_photo_and_place(train)
    if not len(rows) or not len(known):
        raise InputError(f"{request.dataset} has no photos with a known place in its train and test splits.")
    rows = np.sort(np.random.default_rng(0).permutation(rows)[: request.queries])
    prior = request.prior or request.dataset
    rule = _rule(request, run, region, prior, dated=True, progress=progress)
    true = test.lon_lat[rows]
    dated = Queries(embedding=test.photo[rows], year_fraction=test.year_fraction[rows])
    undated = Queries(embedding=test.photo[rows], year_fraction=np.full(len(rows), np.nan))
    alike = replace(rule, prior=None)
    asked = [("located, date known", dated, rule)] if run.method.uses_metadata else []
    asked += [("located, date unknown", undated, rule), ("located, every place alike", dated, alike)]
    ways = [way(name, locate(some, region, how, best=1).estimate, true) for name, some, how in asked]
    similar = known[nearest(test.photo[rows], train.photo[known], 1).index[:, 0]]
    cells = np.concatenate([block.cells for block in region.blocks(())])
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
        scale=rule.scale,
        ways=tuple(ways),
    )
    write_atomic(run.path / LOCATE_FILE, json.dumps(report.to_dict(), indent=2) + "\n")
    return LocateResult(report=report, files=(run.path / LOCATE_FILE,))


def _rule(
    request: LocateRequest, run: Run, region: Region, prior: AnyPath | None, *, dated: bool, progress: Progress
) -> LocationPosterior:
    """How similarity becomes probability; dated: whether the photos' dates will be known."""
    density = None if prior is None else _prior(Dataset(Path(prior)))
    if request.calibrate is None:
        learned = run.method.similarity_scale()
        if learned is None:
            raise ConfigError(
                f"{run.path} has learned no temperature of contrast, by which a cosine becomes a probability; name a "
                "dataset to fit one on.",
                settings=("calibrate",),
            )
        return LocationPosterior(scale=learned, prior=density)
    table = embed_split(run, Dataset(Path(request.calibrate)), "val", workers=request.workers, progress=progress)
    rows = _with_photo_and_place(table)
    year_fraction = table.year_fraction[rows] if dated else np.full(len(rows), np.nan)
    queries = Queries(embedding=table.photo[rows], year_fraction=year_fraction)
    return fit_scale(queries, table.lon_lat[rows], region, density)


def _prior(dataset: Dataset) -> PlacePrior:
    train, val = (row_facts(dataset, split).lon_lat for split in ("train", "val"))
    return fit_place_prior(*(places[~np.isnan(places).any(axis=1)] for places in (train, val)))


def _with_photo_and_place(table: EmbeddingTable) -> NDArray[np.int64]:
    return np.flatnonzero(table.has_photo & ~np.isnan(table.lon_lat).any(axis=1))


def _picture(tiff: Path) -> Path:
    return tiff.with_suffix(".png")
