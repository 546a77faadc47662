"""What figures on blocks held out say of taxa that are nothing but noise: .5, or the figures flatter every map.

    python benchmarks/noise.py [--points 10 30 100] [--repeats 4] [--iterations N] [--out noise.json]

Taxa whose points are drawn at random among the cells of a made landscape, so that nothing can be learned of them. A fit
chooses its steps, calibrates and evaluates by blocks held out, as `birdsat fit` does; printed is the mean AUC of the
taxa with its standard error, for taxa fitted together and for one alone.
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from landscapes import embedded, fit_points
from machine import machine

from birdsat.cli.console import print_table
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.tables import Table
from birdsat.virtual.landscape import GRID, make_landscape

TOGETHER = 20


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Taxa of so many points each."""

    points: int
    taxa: int  # fitted together
    evaluated: int
    auc: float
    standard_error: float


def measure(points: int, taxa: int, repeats: int, settings: RangeNetworkConfig) -> Measured:
    """The AUC that the fits of so many repeats report, taxon by taxon."""
    features = make_landscape(1, "even", 1).features
    areas: list[float] = []
    for repeat in range(repeats):
        random = np.random.default_rng([repeat, points, taxa])
        rows = np.concatenate([random.choice(GRID.cells, points, replace=False) for _ in range(taxa)])
        learned = Points(
            taxa=taxa,
            presences=Cells(lon_lat=GRID.centres(rows), columns={}),
            taxon=np.repeat(np.arange(taxa), points),
            background=Cells(lon_lat=GRID.centres(np.arange(GRID.cells)), columns={}),
        )
        model = fit_points(learned, embedded(features[rows]), embedded(features), replace(settings, seed=repeat))
        areas += [one.auc for one in model.facts.taxon_evaluation if one.points]
    return Measured(
        points=points,
        taxa=taxa,
        evaluated=len(areas),
        auc=float(np.mean(areas)) if areas else float("nan"),
        standard_error=float(np.std(areas) / np.sqrt(max(1, len(areas) - 1))) if areas else float("nan"),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--iterations", type=int, help="steps of a fit, to see that all still works")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    settings = RangeNetworkConfig() if given.iterations is None else RangeNetworkConfig(steps=given.iterations)
    table = Table(title="taxa of noise", columns=["points of each", "taxa together", "evaluated", "AUC"])
    found = []
    for points in given.points:
        for taxa, repeats in ((TOGETHER, given.repeats), (1, 4 * given.repeats)):
            one = measure(points, taxa, repeats, settings)
            found.append(one)
            table.add_row(str(points), str(taxa), str(one.evaluated), f"{one.auc:.3f} ± {one.standard_error:.3f}")
    print_table(table)
    if given.out:
        given.out.write_text(json.dumps({"machine": machine(), "measured": [asdict(one) for one in found]}, indent=2))


if __name__ == "__main__":
    main()
