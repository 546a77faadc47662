"""Whether a map follows where a taxon lives or where people look: made landscapes in which both are known.

    python benchmarks/effort.py [--taxa 50 1] [--evaluated 8] [--ratios 1 30 1000] [--picture effort.png]

The same habitat and taxa under even effort, and under effort that differs up to a thousandfold from cell to cell: by
chance, along a gradient of habitat, along roads, or most where the first taxon is least. Maps are fitted as `birdsat
map` fits them, to thinned records and a background drawn by them. Printed is the rank correlation of the maps with the
truth over all cells, and over those that were visited at all, by the expected number of visits, and how far it is from
that of the same taxa's maps under even effort in the same cells: the bar. Taxa of whose range less than a quarter was
visited stand apart: what effort does not overlap, records can't tell of. `--taxa 1`: nobody else's records say where
was looked. `--told`: the fit is handed the true effort, so that what it lacks is records and not knowledge of effort.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

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
OVERLAPS = 1 / 4  # of a taxon's range that is visited, below which effort does not overlap it
# Kinds of effort as the picture calls them.
_SAID = {"random": "by chance", "roads": "along roads", "gradient": "along habitat", "outside": "least where it is"}


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """One taxon's map, and that under even effort: rank correlation with the truth."""

    taxa: int  # whose records say where was looked
    effort: str
    ratio: float  # of visits, between the most and the least visited cell
    seed: int  # of the landscape
    taxon: int
    range_visited: float  # share of its suitability that lies in visited cells
    all_cells: float
    even_all_cells: float
    visited: float  # over the cells that were visited
    even_visited: float  # of the map under even effort, in these cells


def compare(
    landscape: Landscape, maps: NDArray[np.float32], even: NDArray[np.float32], **which: Any
) -> Iterator[Mapped]:
    """Of each taxon mapped that any visit found, beside its map under even effort."""
    visited = landscape.effort >= VISITED
    for taxon, (found, before, truth) in enumerate(zip(maps, even, landscape.suitability, strict=False)):
        if np.isfinite(found).all() and np.isfinite(before).all():
            yield Mapped(
                **which,
                taxon=taxon,
                range_visited=float(truth[visited].sum() / truth.sum()),
                all_cells=float(spearmanr(found, truth).statistic),
                even_all_cells=float(spearmanr(before, truth).statistic),
                visited=float(spearmanr(found[visited], truth[visited]).statistic),
                even_visited=float(spearmanr(before[visited], truth[visited]).statistic),
            )


def summary(mapped: list[Mapped], *, visited: bool) -> str:
    """The mean over landscapes, and how far it is from that under even effort in the same ones, for people."""
    pairs = [
        np.mean([(one.visited, one.even_visited) if visited else (one.all_cells, one.even_all_cells) for one in of], 0)
        for of in ([one for one in mapped if one.seed == seed] for seed in {one.seed for one in mapped})
    ]
    if not pairs:
        return "-"
    found, even = np.transpose(pairs)
    apart = found - even
    error = f" ± {apart.std(ddof=1) / np.sqrt(len(apart)):.3f}" if len(apart) > 1 else ""
    return f"{found.mean():.3f} ({apart.mean():+.3f}{error}; {len(apart)})"


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
    parser.add_argument("--seeds", type=int, default=1, help="landscapes of each kind of effort")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--iterations", type=int, help="steps of a fit, to see that all still works")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    steps = {} if given.iterations is None else {"steps": given.iterations}
    found: list[Mapped] = []
    even: dict[tuple[int, int], NDArray[np.float32]] = {}  # of a number of taxa and a landscape: maps under even effort
    drawn: list[tuple[str, Landscape, NDArray[np.float32]]] = []
    for taxa in given.taxa:
        for effort in get_args(Effort):
            for ratio in (1.0,) if effort == "even" else [r for r in given.ratios if r > 1]:
                for seed in range(given.first_seed, given.first_seed + given.seeds):
                    landscape = make_landscape(taxa, effort, ratio, visits=given.visits, seed=seed)
                    settings = RangeNetworkConfig(seed=seed, **steps)
                    told = true_effort(landscape) if given.told else None
                    maps = fit_landscape(landscape, min(taxa, given.evaluated), settings, told=told)
                    beside = even.setdefault((taxa, seed), maps)  # even effort comes first
                    which = {"taxa": taxa, "effort": effort, "ratio": ratio, "seed": seed}
                    found += compare(landscape, maps, beside, **which)
                if taxa == max(given.taxa) and ratio in (1, max(given.ratios)):
                    drawn.append((effort, landscape, maps))
                print(f"{taxa} taxa, effort {effort}, 1 to {ratio:g}: {len(found)} maps so far", flush=True)
    for visited in (False, True):
        print_table(_table(found, visited=visited))
    if given.out:
        given.out.write_text(json.dumps({"machine": machine(), "mapped": [asdict(one) for one in found]}, indent=2))
    if given.picture:
        _draw(drawn, given.picture)


def _table(found: list[Mapped], *, visited: bool) -> Table:
    ratios = sorted({one.ratio for one in found if one.effort != "even"}) or [1.0]
    where = f"cells with {VISITED:.2g} visits or more" if visited else "all cells"
    title = f"rank correlation with the truth over {where} (less that under even effort there; landscapes)"
    table = Table(title=title, columns=["taxa", "effort", "range visited", *(f"1 to {r:g}" for r in ratios)])
    for taxa, effort in dict.fromkeys((one.taxa, one.effort) for one in found):
        of = [one for one in found if (one.taxa, one.effort) == (taxa, effort)]
        overlapped = [one for one in of if one.range_visited >= OVERLAPS]
        for share, some in ("a quarter or more", overlapped), ("less", [one for one in of if one not in overlapped]):
            if some:
                by_ratio = [[one for one in some if one.ratio in (1, ratio)] for ratio in ratios]
                table.add_row(str(taxa), effort, share, *(summary(part, visited=visited) for part in by_ratio))
    return table


def _draw(drawn: list[tuple[str, Landscape, NDArray[np.float32]]], path: Path) -> None:
    """The first taxon's truth; and by kinds of effort, that on a logarithmic scale, and the map below it."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.1 * (len(drawn) + 1) + 0.6, 4.6), layout="constrained")
    (truth, *efforts), (nothing, *maps) = axes = figure.subplots(2, len(drawn) + 1)
    nothing.set_axis_off()
    most = max(float(landscape.effort.max()) for _, landscape, _ in drawn)
    looked, lives = {"cmap": "cividis", "norm": LogNorm(most / 1000, most)}, {"cmap": "viridis", "vmin": 0, "vmax": 1}
    suits = drawn[0][1].suitability[0]
    shown: list[tuple[Any, str, NDArray[np.floating], dict[str, Any]]] = [
        (truth, "where it lives", suits / (suits + suits.mean()), lives)  # what a map is to find
    ]
    for (name, landscape, found), above, below in zip(drawn, efforts, maps, strict=True):
        shown += [
            (above, f"effort: {_SAID.get(name, name)}", landscape.effort, looked),
            (below, "map", found[0], lives),
        ]
    images = {}
    for one, title, values, scale in shown:
        images[scale["cmap"]] = one.imshow(values.reshape(GRID.rows, GRID.columns), **scale)
        one.set(title=title, xticks=[], yticks=[])
        one.title.set_fontsize(8)
    for row, ramp, label in ((0, "cividis", "visits of a cell"), (1, "viridis", "relative suitability")):
        figure.colorbar(images[ramp], ax=list(axes[row]), label=label, shrink=0.9, aspect=18, pad=0.01)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
