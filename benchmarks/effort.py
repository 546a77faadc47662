"""Whether a map follows where a taxon lives or where people look: made landscapes in which both are known.

    python benchmarks/effort.py [--taxa 50 1] [--evaluated 8] [--ratios 1 30 1000] [--picture effort.png]

The same habitat and taxa under even effort, and under effort that differs up to a thousandfold from cell to cell: by
chance, along a gradient of habitat, along roads, or most where the first taxon is least. Maps are fitted as `birdsat
map` fits them, to thinned records and a background drawn by them. Printed is the rank correlation of the maps with the
truth over all cells, and over those that were visited at all, by the expected number of visits; that of even effort in
the same cells is the bar. `--taxa 1`: nobody else's records say where was looked. `--told`: the fit is handed the true
effort, so that what it lacks is records and not knowledge of effort.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from landscapes import fit_landscape
from machine import machine
from numpy.typing import NDArray
from scipy.stats import spearmanr

from birdsat.cli.console import print_table
from birdsat.ranges.effort import RelativeEffort
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.tables import Table
from birdsat.virtual.landscape import GRID, Effort, Landscape, make_landscape

RATIOS = (1, 10, 100, 1000)
LIVES = 0.1  # suitability, above which a taxon counts as living in a cell
VISITED = 1 / 3  # expected visits of a cell, below which most cells of the kind have none


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Maps of one landscape."""

    taxa: int  # whose records say where was looked
    effort: str
    ratio: float  # of visits, between the most and the least visited cell
    of_each: tuple[float, ...]  # landscape: rank correlation with the truth, mean over the taxa evaluated
    visited: tuple[float, ...]  # the same over the cells that were visited
    even_there: tuple[float, ...]  # and under even effort in these cells


def less(found: tuple[float, ...], even: tuple[float, ...]) -> str:
    """The mean over landscapes, and how far it is from that under even effort in the same ones, for people."""
    apart = np.subtract(found, even)
    error = f" ± {apart.std(ddof=1) / np.sqrt(len(apart)):.3f}" if len(apart) > 1 else ""
    return f"{np.mean(found):.3f} ({apart.mean():+.3f}{error})"


def correlation(landscape: Landscape, maps: NDArray[np.float32], cells: NDArray[np.bool_]) -> float:
    """Mean over the taxa mapped, of some cells (n,); of those that any visit found."""
    pairs = [pair for pair in zip(maps, landscape.suitability, strict=False) if np.isfinite(pair[0]).all()]
    return float(np.mean([spearmanr(suitable[cells], truth[cells]).statistic for suitable, truth in pairs]))


def true_effort(landscape: Landscape) -> RelativeEffort:
    """How many thinned records, one a cell and month, to expect in each cell of a taxon that lives there."""
    found = landscape.suitability[landscape.suitability > LIVES].mean()  # by a visit
    expected = -12 * np.expm1(landscape.effort / 12 * np.log1p(-found))
    return RelativeEffort(cells=np.arange(GRID.cells), weight=expected, source="the truth")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--taxa", type=int, nargs="+", default=[50, 1])
    parser.add_argument("--evaluated", type=int, default=8)
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS)
    parser.add_argument("--visits", type=float, default=3.0, help="mean of a cell")
    parser.add_argument("--told", action="store_true", help="hand the fit the true effort")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--iterations", type=int, help="steps of a fit, to see that all still works")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    steps = {} if given.iterations is None else {"steps": given.iterations}
    found: list[Measured] = []
    even: dict[tuple[int, int], NDArray[np.float32]] = {}  # of a number of taxa and a landscape: maps under even effort
    drawn: list[tuple[str, Landscape, NDArray[np.float32]]] = []
    for taxa in given.taxa:
        for effort in get_args(Effort):
            for ratio in (1.0,) if effort == "even" else [r for r in given.ratios if r > 1]:
                one = []
                for seed in range(given.seeds):
                    landscape = make_landscape(taxa, effort, ratio, visits=given.visits, seed=seed)
                    settings = RangeNetworkConfig(seed=seed, **steps)
                    told = true_effort(landscape) if given.told else None
                    maps = fit_landscape(landscape, min(taxa, given.evaluated), settings, told=told)
                    if effort == "even":
                        even[taxa, seed] = maps
                    visited = landscape.effort >= VISITED
                    everywhere = np.ones(GRID.cells, np.bool_)
                    asked = (maps, everywhere), (maps, visited), (even[taxa, seed], visited)
                    one.append(tuple(correlation(landscape, *each) for each in asked))
                if taxa == max(given.taxa) and ratio in (1, max(given.ratios)):
                    drawn.append((effort, landscape, maps))
                of_each, there, even_there = zip(*one, strict=True)
                found.append(
                    Measured(
                        taxa=taxa, effort=effort, ratio=ratio, of_each=of_each, visited=there, even_there=even_there
                    )
                )
                print(found[-1], flush=True)
    print_table(_table(found))
    print_table(_table(found, visited=True))
    if given.out:
        given.out.write_text(json.dumps({"machine": machine(), "measured": [asdict(one) for one in found]}, indent=2))
    if given.picture:
        _draw(drawn, given.picture)


def _table(found: list[Measured], *, visited: bool = False) -> Table:
    ratios = sorted({one.ratio for one in found if one.effort != "even"}) or [1.0]
    where = f"cells with {VISITED:.2g} visits or more" if visited else "all cells"
    title = f"rank correlation with the truth over {where}, and less that under even effort there"
    table = Table(title=title, columns=["taxa", "effort", *(f"1 to {r:g}" for r in ratios)])
    even = {one.taxa: one for one in found if one.effort == "even"}
    for taxa, effort in dict.fromkeys((one.taxa, one.effort) for one in found):
        of = {one.ratio: one for one in found if (one.taxa, one.effort) == (taxa, effort)}
        shown = [of.get(ratio, even[taxa]) for ratio in ratios]
        pairs = [(one.visited, one.even_there) if visited else (one.of_each, even[taxa].of_each) for one in shown]
        table.add_row(str(taxa), effort, *(less(*pair) for pair in pairs))
    return table


def _draw(drawn: list[tuple[str, Landscape, NDArray[np.float32]]], path: Path) -> None:
    """The first taxon's truth; and by kinds of effort, that on a logarithmic scale, and the map below it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.1 * (len(drawn) + 1), 4.6), layout="constrained")
    (truth, *efforts), (nothing, *maps) = figure.subplots(2, len(drawn) + 1)
    nothing.set_axis_off()
    shown = [(truth, "where it lives", drawn[0][1].suitability[0], "viridis")]
    for (name, landscape, found), above, below in zip(drawn, efforts, maps, strict=True):
        shown += [(above, f"effort: {name}", np.log(landscape.effort), "cividis"), (below, "map", found[0], "viridis")]
    for axes, title, values, ramp in shown:
        axes.imshow(values.reshape(GRID.rows, GRID.columns), cmap=ramp)
        axes.set(title=title, xticks=[], yticks=[])
        axes.title.set_fontsize(9)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
