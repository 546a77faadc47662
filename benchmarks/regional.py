"""Whether figures of blocks that follow a small region's records say what is so: made regions whose truth is known.

    python benchmarks/regional.py [--sides 200 400] [--points 30 100] [--repeats 10] [--iterations N] [--out FILE]

A region so many kilometres wide, in cells of a quarter of a degree, in the middle of land that is 5 degrees wider on
each side, as `birdsat map` takes it. Habitat varies over 60, 150 or 400 km. Records come from the region alone, and
from a third of its cells at most: of a taxon that follows its habitat ("niche"), of the same recorded along roads alone
("roads"), and of one that is strewn at random ("noise"). Each is fitted as `birdsat fit` does; printed are the mean AUC
on what was held out, the mean AUC of the same map in truth, and how often the 90% interval holds the latter: that which
records in other cells would have, drawn as the first were, against the background within the hull of the records.
"everywhere" is the AUC in truth over all of the land, for records that come from there too.
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from landscapes import embedded, fit_points
from machine import machine
from numpy.typing import NDArray

from birdsat.cli.console import print_table
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.ranges.block_side import among_records
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.tables import Table

STEP, LATITUDE, MARGIN = 0.25, 45.0, 5.0
KM_PER_DEGREE = 111.2
LENGTHS = (60.0, 150.0, 400.0)  # that habitat varies over, km
KINDS = ("niche", "roads", "noise")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """One taxon of one region."""

    kind: str
    side_km: float  # of the region
    length_km: float
    points: int
    block_km: float = math.nan  # NaN: nothing was held out
    auc: float = math.nan
    low: float = math.nan
    high: float = math.nan
    truth: float = math.nan
    everywhere: float = math.nan


def region(side_km: float, length_km: float, seed: int) -> tuple[Grid, NDArray[np.bool_], NDArray[np.float64]]:
    """The land, which cells (n,) are of the region, and habitat (n, 3), smooth."""
    random = np.random.default_rng([seed, int(side_km), int(length_km)])
    shrunk = math.cos(math.radians(LATITUDE))
    half = side_km / KM_PER_DEGREE / 2
    west, south = -half / shrunk - MARGIN / shrunk, LATITUDE - half - MARGIN
    grid = Grid(Box(west, south, -west, 2 * LATITUDE - south), STEP)
    lon, lat = grid.centres(np.arange(grid.cells)).T
    east, north = lon * shrunk * KM_PER_DEGREE, (lat - LATITUDE) * KM_PER_DEGREE
    inside = (np.abs(east) <= side_km / 2) & (np.abs(north) <= side_km / 2)
    fields = []
    for _ in range(3):
        waves = random.normal(0, 1 / length_km, (30, 2))
        field = np.sin(np.column_stack([east, north]) @ waves.T + random.uniform(0, 2 * np.pi, 30)).sum(axis=1)
        fields.append((field - field.mean()) / field.std())
    return grid, inside, np.stack(fields, axis=1)


def measure(
    kind: str, side_km: float, length_km: float, points: int, seed: int, settings: RangeNetworkConfig
) -> Fitted:
    """Fit one taxon, and compare."""
    grid, inside, fields = region(side_km, length_km, seed)
    random = np.random.default_rng([seed, points, KINDS.index(kind), int(length_km)])
    features = fields @ random.normal(size=(3, 12)) + 0.2 * random.normal(size=(grid.cells, 12))
    centre = fields[random.choice(np.flatnonzero(inside))]
    suitability = np.exp(-np.square(fields - centre).sum(axis=1) / 2 / 0.8**2)
    if kind == "noise":
        suitability = np.ones(grid.cells)
    looked = np.ones(grid.cells)
    if kind == "roads":
        lon, lat = grid.centres(np.arange(grid.cells)).T
        turn, through = random.uniform(0, np.pi, (3, 1)), random.choice(np.flatnonzero(inside), (3, 1))
        away = np.abs((lon - lon[through]) * np.sin(turn) - (lat - lat[through]) * np.cos(turn)).min(axis=0)
        looked = np.where(away < STEP, 1.0, 0.02)
    recorded = suitability * looked * inside
    rows = random.choice(grid.cells, min(points, int(inside.sum()) // 3), replace=False, p=recorded / recorded.sum())
    lon_lat = grid.centres(np.arange(grid.cells))
    learned = Points(
        taxa=1,
        presences=Cells(lon_lat=lon_lat[rows], columns={}),
        taxon=np.zeros(len(rows), np.int64),
        background=Cells(lon_lat=lon_lat, columns={}),
    )
    chip = features.astype(np.float32)
    model = fit_points(learned, embedded(chip[rows]), embedded(chip), replace(settings, seed=seed))
    about = {"kind": kind, "side_km": side_km, "length_km": length_km, "points": points}
    (figures,) = model.facts.taxon_evaluation or (None,)
    if figures is None or not figures.points:
        return Fitted(**about)
    score = model.year_mean(chip, lon_lat)[:, 0].astype(np.float64)
    among = among_records(learned, lon_lat, model.facts.network)
    anew = recorded.copy()
    anew[rows] = 0  # of cells that were learned from, all is known
    return Fitted(
        **about,
        block_km=model.facts.network.block_km,
        auc=figures.auc,
        low=figures.auc_low,
        high=figures.auc_high,
        truth=weighted_auc(score[among], anew[among]),
        everywhere=weighted_auc(score, suitability),
    )


def weighted_auc(score: NDArray[np.float64], present: NDArray[np.float64]) -> float:
    """How often a place drawn by `present` (n,) ranks above one drawn evenly."""
    order = np.argsort(score)
    below = (np.searchsorted(score[order], score, "left") + np.searchsorted(score[order], score, "right")) / 2
    return float((below / len(score)) @ present / present.sum())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=float, nargs="+", default=[200, 400], help="of regions, km")
    parser.add_argument("--points", type=int, nargs="+", default=[30, 100])
    parser.add_argument("--repeats", type=int, default=10, help="of each of the three lengths of habitat")
    parser.add_argument("--iterations", type=int, help="steps of a fit, to see that all still works")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    settings = RangeNetworkConfig() if given.iterations is None else RangeNetworkConfig(steps=given.iterations)
    columns = [
        "region",
        "taxon",
        "records",
        "fits",
        "with figures",
        "blocks",
        "AUC held out",
        "in truth",
        "in interval",
        "interval above",
    ]
    table = Table(title="figures of small regions", columns=[*columns, "everywhere"])
    found: list[Fitted] = []
    for side in given.sides:
        for kind in KINDS:
            for points in given.points:
                fits = [
                    measure(kind, side, length, points, seed, settings)
                    for length in LENGTHS
                    for seed in range(given.repeats)
                ]
                found += fits
                known = [one for one in fits if not math.isnan(one.auc)]
                said = [""] * 6
                if known:
                    differ = np.array([one.auc - one.truth for one in known])
                    error = differ.std() / math.sqrt(max(1, len(differ) - 1))
                    held = np.mean([one.low <= one.truth <= one.high for one in known])
                    mean = {
                        name: np.mean([getattr(one, name) for one in known])
                        for name in Fitted.__annotations__
                        if name != "kind"
                    }
                    said = [
                        f"{mean['block_km']:.0f} km",
                        f"{mean['auc']:.3f}",
                        f"{mean['truth']:.3f} ({differ.mean():+.3f} ± {error:.3f})",
                        f"{held:.0%}",
                        f"{np.mean([one.low > one.truth for one in known]):.0%}",
                        f"{mean['everywhere']:.3f}",
                    ]
                table.add_row(f"{side:g} km", kind, str(points), str(len(fits)), str(len(known)), *said)
                print(side, kind, points, said, flush=True)
    print_table(table)
    if given.out:
        given.out.write_text(json.dumps({"machine": machine(), "measured": [asdict(one) for one in found]}, indent=2))


if __name__ == "__main__":
    main()
