"""What `birdsat fit` does: from tables of occurrences and a region to a range model."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.land import near_land
from birdsat.embeddings.region import Column, Region
from birdsat.embeddings.taxa import load_taxon_means
from birdsat.errors import ConfigError, InputError
from birdsat.maps.learning import Cells, Points
from birdsat.maps.outline import EARTH
from birdsat.maps.ranges.fit_ranges import Embedded, Source, fit_ranges
from birdsat.maps.ranges.kept import keep_features
from birdsat.maps.ranges.model import RangeModel, Way
from birdsat.maps.ranges.network import RangeNetworkConfig
from birdsat.observations.occurrence_checks import check_occurrences
from birdsat.observations.occurrence_grid import effort, thin_to_grid
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.observations.tables import TableColumns
from birdsat.recipes.regions import land_under, open_region_of
from birdsat.training.run_folder import Run, load_run

BACKGROUND = 20_000  # cells, at most
LOOKED_SHARE = 0.5  # of the background, where somebody looked


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordTables:
    """Tables of occurrences, and how they are to be read."""

    paths: tuple[Path, ...]
    columns: TableColumns | None = None  # None: by their usual names
    max_uncertainty_km: float | None = None  # records whose place is uncertain by more are left out
    trust_places: bool = False  # keep records at sea, and do not ask whether longitude and latitude were swapped

    def read(self) -> Occurrences:
        """All of their records. Raises what `read_occurrences` raises."""
        return read_occurrences(self.paths, columns=self.columns, max_uncertainty_km=self.max_uncertainty_km)


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """Occurrences on the cells of a region: those of the taxa to fit, and how much was looked in every cell."""

    taxa: Occurrences  # thinned to one record a cell and month, all in cells with imagery
    everything: Occurrences  # of all taxa in the tables, as they were recorded


def fit_tables(
    run_folder: Path,
    tables: RecordTables,
    region_folder: Path,
    out: Path,
    *,
    taxa: Sequence[str] = (),
    way: Way = "occurrences",
    settings: RangeNetworkConfig | None = None,
) -> RangeModel:
    """Fit all taxa of the tables, or those named, and write the range model to `out`, with what it sees in every cell.

    The records of every taxon in the tables say where was looked. What was dropped, and what is odd, goes to stderr.
    """
    run = load_run(run_folder)
    region = open_region_of(run, region_folder)
    records = check_records(region, tables.read(), taxa, trust_places=tables.trust_places)
    model = fit_records(run, region, records, way=way, settings=settings, tables=tables.paths)
    model.save(out)
    try:
        keep_features(model, region, show_progress=True)
    except InputError as error:
        _note(f"{out} is complete, but maps from it will take longer: {error}")
    return model


def check_records(
    region: Region, everything: Occurrences, taxa: Sequence[str] = (), *, trust_places: bool = False
) -> Records:
    """Check and thin those of some taxa, or of all. Raises what `check_occurrences` raises, UnknownTaxonError for a
    taxon without records, and InputError when no record lies in a cell of the region that has imagery."""
    asked = everything
    if taxa:
        for taxon in taxa:
            everything.of(taxon)  # refuses what is not there
        asked = everything.only_taxa(taxa)
    land = land_under(region.manifest.settings.imagery)
    checked = check_occurrences(
        asked,
        on_land=land.contains,
        near_land=near_land if land is EARTH else None,
        box=region.grid.box,
        trust_places=trust_places,
    )
    for note in checked.notes:
        _note(note)
    thinned = thin_to_grid(checked.occurrences, region.grid)
    found = region.at(thinned.lon_lat, columns=()).found
    thinned = thinned.where(found, reason="in a cell without imagery")
    for reason, count in thinned.dropped.items():
        _note(f"{count:,} records dropped: {reason}")
    if len(thinned) == 0:
        raise InputError(
            f"no record of {'these taxa' if taxa else 'any taxon'} lies in a cell of {region.folder} that has imagery; "
            "embed a region that holds them."
        )
    return Records(taxa=thinned, everything=everything)


def fit_records(
    run: Run,
    region: Region,
    records: Records,
    *,
    way: Way = "occurrences",
    settings: RangeNetworkConfig | None = None,
    tables: Sequence[Path] = (),
    background: int = BACKGROUND,
    seed: int = 0,
) -> RangeModel:
    """Fit to records on the region's cells. Raises InputError when both ways are asked and no taxon has photos."""
    occurrences = records.taxa
    columns: tuple[Column, ...] = ("chip", "year") if way == "both" else ("chip",)
    cells, weight = _background(region, records.everything, background, seed)
    at = region.at(_centres(region, occurrences), columns)
    behind = region.at(region.grid.centres(cells), columns)
    cells, weight = cells[behind.found], weight[behind.found]
    points = Points(
        taxa=len(occurrences.taxa),
        at=Cells(lon_lat=_centres(region, occurrences), columns={}),
        taxon=occurrences.label.astype(np.int64),
        background=Cells(lon_lat=region.grid.centres(cells), columns={}),
        year_fraction=occurrences.year_fraction,
        background_weight=weight,
    )
    return fit_ranges(
        points,
        Embedded(chip=at.chip, year=at.year),
        Embedded(chip=behind.chip[behind.found], year=behind.year[behind.found]),
        occurrences.taxa,
        Source(run=run.path.name, model=region.manifest.settings.model, tables=tuple(table.name for table in tables)),
        settings=settings,
        photos=_photos(run, occurrences.taxa) if way == "both" else None,
    )


def check_ranges(model: RangeModel, name: str, region: Region) -> None:
    """Raises ConfigError when a range model, called `name`, was fitted on chip features of another model than the
    region's."""
    if model.facts.model != region.manifest.settings.model:
        raise ConfigError(
            f"{name} was fitted on chip features of the run {model.facts.run!r}, and {region.folder} was "
            f"embedded by {region.manifest.settings.run!r}; fit again on this region, or embed one by that run."
        )


def tell_undated(model: RangeModel, months: Sequence[int]) -> None:
    """Say on stderr that several months cannot differ, where they cannot."""
    if len(months) > 1 and not model.facts.dated and model.photos is None:
        _note("no record that the model was fitted to has a date, so all months are the same.")


def _centres(region: Region, occurrences: Occurrences) -> NDArray[np.float64]:
    return region.grid.centres(region.grid.cells_at(*occurrences.lon_lat.T))


def _background(
    region: Region, everything: Occurrences, most: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cells (b,), and how often each is to be drawn: LOOKED_SHARE of the draws where somebody looked, others anywhere.

    Anywhere, by area; where somebody looked, by the records of all taxa there, so that places are not taken for good
    ones because observers go there (target-group background, Phillips et al. 2009). Where one taxon is all there is,
    its own records say nothing of that, and every draw is anywhere.
    """
    random = np.random.default_rng(seed)
    grid = region.grid
    anywhere = region.cells()
    anywhere = random.choice(anywhere, min(most, len(anywhere)), replace=False)
    looked = effort(everything, grid)
    cells = np.union1d(anywhere, looked.cells) if len(everything.taxa) > 1 else np.sort(anywhere)
    area = np.where(np.isin(cells, anywhere), grid.cell_area(cells), 0.0)
    weight = area / area.sum()
    if len(everything.taxa) > 1:
        seen = looked.weight(cells)
        weight = (1 - LOOKED_SHARE) * weight + LOOKED_SHARE * seen / max(seen.sum(), 1.0)
    return cells, weight


def _photos(run: Run, taxa: Sequence[str]) -> NDArray[np.float32]:
    """(t, d) mean photo embeddings, NaN for a taxon without photos."""
    means = load_taxon_means(run.path)
    known = {taxon: row for row, taxon in enumerate(means.taxa) if means.photos[row] > 0}
    if not any(taxon in known for taxon in taxa):
        raise InputError(
            f"none of the {len(taxa):,} taxa has photos in {run.path}, so the map cannot be made from both; leave "
            "--way both out. The taxa with photos: `birdsat labels`."
        )
    missing = np.full(means.embedding.shape[1], np.nan, np.float32)
    return np.stack([means.embedding[known[taxon]] if taxon in known else missing for taxon in taxa])


def _note(text: str) -> None:
    print(f"birdsat: {text}", file=sys.stderr)
