"""How often the 80% intervals of a map hold the truth: made landscapes and virtual planets in which it is known.

    python benchmarks/intervals.py [--landscapes 100 101] [--planets 100] [--embedded FOLDER ...] [--out intervals.json]

Taxa with 10, 30, 100 and 300 records are fitted together as `birdsat fit` fits them. The truth of a cell and month is
the relative suitability that a fit should find: s / (s + mean of s over the background it learned from). Landscapes
have niches without edges, under effort of five kinds and with 5 to 48 taxa; planets have ranges with sharp edges, s 1
inside and 0 outside, and records near cities. Features of planets are of climate and relief, mixed with noise; those
of a region of virtual:SEED that `birdsat embed` made are taken with --embedded. Printed is, by the number of records,
how often 80% intervals hold the truth, their mean width, and their Winkler score, which is less for better intervals,
beside those of 1.28 standard deviations of the members; and how often the interval of a range's area, as `birdsat
range` gives it, holds the area in which the truth reaches the same threshold. Constants were chosen on seeds below 100
alone.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from landscapes import embedded, fit_points
from machine import machine
from numpy.typing import NDArray

from birdsat.cli.console import print_table
from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.earth.place import unit_sphere
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.maps.taxon_range import towards, wrong_together
from birdsat.observations.occurrence_grid import thin_to_grid
from birdsat.observations.occurrences import Occurrences
from birdsat.ranges.background import points_on_cells
from birdsat.ranges.evaluation.virtual_records import draw_records
from birdsat.ranges.facts import RangeFacts
from birdsat.ranges.intervals import COVERAGE
from birdsat.ranges.model import RangeFeatures, RangeModel
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.records import Records
from birdsat.tables import Table
from birdsat.virtual.landscape import GRID, Effort, make_landscape
from birdsat.virtual.planet import Planet
from birdsat.virtual.world import VirtualWorld

POINTS = (10, 30, 100, 300)
MONTHS = (1, 7)
_KINDS: tuple[tuple[int, Effort, float], ...] = (  # of landscapes: taxa, effort and its ratio, by the seed's last digit
    (20, "even", 1),
    (16, "even", 1),
    (8, "roads", 30),
    (48, "gradient", 30),
    (16, "random", 100),
    (24, "even", 1),
    (6, "even", 1),
    (32, "roads", 100),
    (5, "gradient", 10),
    (12, "even", 1),
)
_DEVIATIONS = 1.2815515655446004  # of a normal distribution, that 80% lie within


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """n cells of a grid, t taxa whose suitability is known."""

    kind: str
    grid: AnyGrid
    cells: NDArray[np.int64]  # (n,) in order
    features: NDArray[np.float32]  # (n, f)
    suitability: NDArray[np.float64]  # (t, 12 months or 1 for the year, n)
    records: Occurrences  # of t taxa


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The map of one taxon, all its cells and months."""

    world: str
    seed: int
    points: int  # asked; a rare taxon may have fewer
    intervals: str  # which
    coverage: float
    coverage_where_suitable: float  # in cells whose truth is above one half; NaN where none is
    width: float
    winkler: float
    area: float  # share of months and thresholds (max_sss, p10) whose area by the intervals holds the true one


def landscape(seed: int) -> World:
    """One of several kinds, by its seed."""
    taxa, effort, ratio = _KINDS[seed % len(_KINDS)]
    made = make_landscape(taxa, effort, ratio, visits=4.0, seed=seed)
    return World(
        kind="landscapes",
        grid=GRID,
        cells=np.arange(GRID.cells),
        features=made.features,
        suitability=made.suitability[:, None],
        records=_rarefied(made.records(seed), GRID, seed),
    )


def planet(seed: int, region: Path | None = None) -> World:
    """Land in cells of 2.5 degrees. region: whose features to take; None: features made of climate and relief."""
    if region is None:
        world, grid = VirtualWorld(seed), Grid(Box(-180, -90, 180, 90), 2.5)
        cells = np.arange(grid.cells)
        cells = cells[world.land(*grid.centres(cells).T)]
        features = _climate_features(seed, grid.centres(cells))
    else:
        opened = open_region(region, None)
        grid, cells = opened.grid, np.sort(opened.cells())
        found = opened.imagery.virtual_world
        if found is None:
            raise SystemExit(f"{region} is not of a virtual planet")
        world, features = found, np.asarray(opened.at(grid.centres(cells), columns=("chip",)).chip, np.float32)
    drawn = draw_records(world, grid, max(POINTS), seed)
    records = _rarefied(drawn.where(np.isin(grid.cells_at(*drawn.lon_lat.T), cells)), grid, seed)
    lon, lat = grid.centres(cells).T
    inside = np.stack([[world.true_range(taxon, lon, lat, month) for month in range(1, 13)] for taxon in records.taxa])
    kind = "planets" if region is None else "planets, embedded"
    return World(
        kind=kind, grid=grid, cells=cells, features=features, suitability=inside.astype(float), records=records
    )


def _climate_features(seed: int, lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 24) numbers that tell of climate and relief, as chip features do."""
    land, random = Planet(seed).survey(unit_sphere(*lon_lat.T)), np.random.default_rng(seed)
    known = (land.mean_temperature, np.log(land.rainfall_mm), land.elevation_km, land.ruggedness, land.seasonal_swing)
    fields = np.stack(known, axis=1)
    fields = (fields - fields.mean(axis=0)) / fields.std(axis=0)
    mixed = fields @ random.normal(size=(5, 24)) + 0.5 * random.normal(size=(len(fields), 24))
    return np.asarray(mixed, np.float32)


def _rarefied(records: Occurrences, grid: AnyGrid, seed: int) -> Occurrences:
    """Thinned, and so many of each taxon, by turns of POINTS."""
    random, thinned = np.random.default_rng(seed), thin_to_grid(records, grid)
    kept = np.zeros(len(thinned), np.bool_)
    for label in range(len(thinned.taxa)):
        kept[random.permutation(np.flatnonzero(thinned.label == label))[: POINTS[label % len(POINTS)]]] = True
    return thinned.where(kept)


def measure(world: World, seed: int, settings: RangeNetworkConfig) -> Iterator[Measured]:
    """Each taxon's map against the truth, by the intervals of the map and by those of the members alone."""
    records = Records(taxa=world.records, everything=world.records)
    points = points_on_cells(records, world.grid, world.cells, seed=seed)
    here, there = (
        np.searchsorted(world.cells, world.grid.cells_at(*cells.lon_lat.T))
        for cells in (points.presences, points.background)
    )
    model = fit_points(points, embedded(world.features[here]), embedded(world.features[there]), settings)
    chip, year = world.features, np.empty((len(world.cells), 1, 0), np.float32)
    block = RegionBlock(cells=world.cells, lon_lat=world.grid.centres(world.cells), chip=chip, year=year)
    (found,) = model.predict([model.features(block)], model.facts.taxa, MONTHS)
    weight = points.background_weight / points.background_weight.sum()
    mean = (world.suitability[:, :, there].mean(axis=1) * weight).sum(axis=1)[:, None, None]
    of_months = [0] if world.suitability.shape[1] == 1 else [month - 1 for month in MONTHS]
    suitability = world.suitability[:, of_months]
    truth = np.broadcast_to(suitability / np.maximum(suitability + mean, 1e-12), found.suitability.shape)
    of_members = _members_alone(model, model.features(block), found.suitability)
    area = world.grid.cell_area(world.cells)
    for name, (low, high) in (("of the map", (found.low, found.high)), ("of the members", of_members)):
        for label in range(points.taxa):
            bounds = found.suitability[label], low[label], high[label]
            yield Measured(
                world=world.kind,
                seed=seed,
                points=POINTS[label % len(POINTS)],
                intervals=name,
                **_figures(low[label], high[label], truth[label]),
                area=_areas_held(*bounds, truth[label], area, model.facts, label),
            )


@torch.inference_mode()
def _members_alone(
    model: RangeModel, features: RangeFeatures, mean: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """1.28 standard deviations of the members' probabilities about their mean."""
    basis = model.network.basis_at(np.array([mid_month(month) for month in MONTHS]))[:, None]
    labels = list(range(len(model.facts.taxa)))
    cycles = model.network.annual_cycles(features.hidden.float().transpose(0, 1), labels)
    half = _DEVIATIONS * model.facts.calibration(basis @ cycles).numpy().std(axis=0)
    return np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1)


def _figures(low: NDArray[np.float32], high: NDArray[np.float32], truth: NDArray[np.float64]) -> dict[str, float]:
    held, missed = (low <= truth) & (truth <= high), np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    suitable = truth > 0.5
    return {
        "coverage": float(held.mean()),
        "coverage_where_suitable": float(held[suitable].mean()) if suitable.any() else float("nan"),
        "width": float((high - low).mean()),
        # Gneiting and Raftery 2007, Journal of the American Statistical Association 102, section 6.2.
        "winkler": float((high - low + 2 / (1 - COVERAGE) * missed).mean()),
    }


def _areas_held(
    value: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    truth: NDArray[np.float64],
    area: NDArray[np.float64],
    facts: RangeFacts,
    label: int,
) -> float:
    """Of one taxon, by months (m, n); NaN where no threshold could be chosen."""
    if not facts.thresholds:
        return float("nan")
    share, held = wrong_together(facts.points[label]), []
    least, most = towards(value, low, share), towards(value, high, share)
    for threshold in (facts.thresholds[label].max_sss, facts.thresholds[label].p10):
        from_, to, true = ((each >= threshold) @ area for each in (least, most, truth))
        held.append((from_ <= true) & (true <= to))
    return float(np.mean(held))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--landscapes", type=int, nargs="*", default=list(range(100, 120)))
    parser.add_argument("--planets", type=int, nargs="*", default=list(range(100, 105)))
    parser.add_argument("--embedded", type=Path, nargs="*", default=[], help="regions of virtual:SEED")
    parser.add_argument("--iterations", type=int, help="steps of a fit, to see that all still works")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    steps = {} if given.iterations is None else {"steps": given.iterations}
    found: list[Measured] = []
    worlds = (
        *((seed, landscape, (seed,)) for seed in given.landscapes),
        *((seed, planet, (seed,)) for seed in given.planets),
        *((number, planet, (number, region)) for number, region in enumerate(given.embedded)),
    )
    for seed, make, arguments in worlds:
        found += measure(make(*arguments), seed, RangeNetworkConfig(seed=seed, **steps))
        print(f"{found[-1].world}, seed {seed}", flush=True)
    print_table(_table(found))
    if given.out:
        given.out.write_text(json.dumps({"machine": machine(), "measured": [asdict(one) for one in found]}, indent=2))


def _table(found: list[Measured]) -> Table:
    columns = ["worlds", "records", "taxa", "intervals", "hold the truth", "where suitable", "width", "Winkler score"]
    columns.append("hold the area")
    table = Table(title=f"{COVERAGE:.0%} intervals", columns=columns)
    for world in dict.fromkeys(one.world for one in found):
        for points in POINTS:
            for name in ("of the map", "of the members"):
                some = [one for one in found if (one.world, one.points, one.intervals) == (world, points, name)]
                if some:
                    of_each = [
                        (one.coverage, one.coverage_where_suitable, one.width, one.winkler, one.area) for one in some
                    ]
                    held, suitable, width, winkler, area = np.nanmean(of_each, axis=0)
                    figures = f"{held:.0%}", f"{suitable:.0%}", f"{width:.2f}", f"{winkler:.2f}", f"{area:.0%}"
                    table.add_row(world, str(points), str(len(some)), name, *figures)
    return table


if __name__ == "__main__":
    main()
