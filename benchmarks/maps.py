"""How long a map of a world that was embedded before takes, and in how much memory.

    python benchmarks/maps.py [--iterations 2] [--folder FOLDER] [--threads N] [--out maps.json]

One species in twelve months over every cell of a world grid of 0.25 degrees (1,036,800 cells), read from a region on
disk: from photos (the annual cycle of each cell's embedding against one vector), from occurrences (a range
model of default size, with its uncertainty and area of applicability, by what it was found to see in the cells; that
look, which `birdsat fit` does once for all maps, is timed apart), and from both. The map goes block by block to a file.
The bar is 2 seconds on 2 cores. The same over a grid of 0.5 degrees says whether memory grows with the grid. Each part
runs in a process of its own, so that its peak memory is its own, and after the disk has taken what was made for it; the
first of its passes and their median are given. The numbers of region and models are made up, the widths are those of
the tiny recipes. `--iterations 2` maps two small grids to see that all still works.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import torch
from machine import machine
from numpy.typing import NDArray

from birdsat import config
from birdsat.cli.console import print_table
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.embeddings.regions.embed_cells import HARMONICS, RegionBlock
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.manifest import (
    PART_CELLS,
    REGION_FILE,
    RegionManifest,
    RegionPart,
    RegionSettings,
    part_name,
    write_part,
)
from birdsat.files import file_sha256
from birdsat.maps.photo_scores import score_blocks
from birdsat.ranges.applicability import Applicability
from birdsat.ranges.facts import RangeFacts
from birdsat.ranges.feature_cache import cache_features, iter_features
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import PhotoTerm, RangeModel
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.projection import InputProjection
from birdsat.ranges.sensitivity import sensitivity
from birdsat.tables import Table

CHIP_WIDTH, WIDTH = 256, 128  # of the tiny recipes
TAXON = "Aves"
MONTHS = tuple(range(1, 13))
BAR_SECONDS = 2.0
MIB = 1 << 20

RANGES = "ranges"  # folder of the range model, beside the region's files

Way = Callable[[Path], Iterator[NDArray[np.float32]]]
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way to a map over one grid. Memory is the peak of the process above what it held before it mapped."""

    way: str
    step_degrees: float
    cells: int
    first_s: float
    median_s: float
    start_mib: float  # resident before, libraries included
    extra_mib: float  # at the peak, above that


def make_region(folder: Path, step: float) -> None:
    """A region of the whole world, of made-up numbers: the same in every block, since nothing here looks at them."""
    generator = np.random.default_rng(0)
    grid = Grid(Box(-180, -90, 180, 90), step)
    settings = RegionSettings(
        grid=grid,
        run="made up",
        model="none",
        imagery="none",
        imagery_bytes=None,
        stretch=None,
        chip_ground_km=(40.0,),
        chip_px=32,
        mask="",
        chip_width=CHIP_WIDTH,
        embedding_width=WIDTH,
        harmonics=HARMONICS,
    )
    chip = generator.standard_normal((1024, CHIP_WIDTH), dtype=np.float32)
    year = generator.standard_normal((1024, 1 + 2 * HARMONICS, WIDTH), dtype=np.float32) / WIDTH
    parts = []
    for number, first in enumerate(range(0, grid.cells, PART_CELLS)):
        cells = np.arange(first, min(first + PART_CELLS, grid.cells))
        some = [cells[start : start + 1024] for start in range(0, len(cells), 1024)]
        blocks = (
            RegionBlock(cells=one, lon_lat=grid.centres(one), chip=chip[: len(one)], year=year[: len(one)])
            for one in some
        )
        path = folder / part_name(number)
        write_part(path, settings, ((block, np.zeros((len(block), 12), np.float32)) for block in blocks))
        size = path.stat().st_size
        part = RegionPart(file=path.name, number=number, rows=len(cells), sha256=file_sha256(path), size_bytes=size)
        parts.append(part)
    manifest = RegionManifest(
        settings=settings,
        cells=grid.cells,
        without_imagery=0,
        season_missed_largest=0.0,
        season_missed_rms=0.0,
        parts=tuple(parts),
    )
    config.save(manifest, folder / REGION_FILE)


def from_photos(folder: Path) -> Iterator[NDArray[np.float32]]:
    """The (12, c) scores of every block: one vector against the cells' embeddings in each month."""
    vector = np.full((1, WIDTH), WIDTH**-0.5, dtype=np.float32)
    for block in score_blocks(open_region(folder).blocks(("year",)), vector, MONTHS):
        yield block.score[0]


def from_occurrences(folder: Path) -> Iterator[NDArray[np.float32]]:
    """The (12, c) probabilities of one of a range model's taxa, by what it was found to see in the cells."""
    ranges = load_ranges(folder / RANGES)
    for block in ranges.predict(iter_features(ranges, open_region(folder)), (TAXON,), MONTHS):
        yield block.suitability[0]


def from_both(folder: Path) -> Iterator[NDArray[np.float32]]:
    """The same, with the cosine of photos as one more term."""
    ranges = load_ranges(folder / RANGES)
    nothing = np.zeros(1, np.float32)
    ranges.photos = PhotoTerm(vectors=np.full((1, WIDTH), WIDTH**-0.5, np.float32), mean=nothing, deviation=nothing + 1)
    for block in ranges.predict(iter_features(ranges, open_region(folder)), (TAXON,), MONTHS):
        yield block.suitability[0]


def make_ranges(folder: Path) -> float:
    """A range model of default size that has learned nothing, which works as hard as one that has; the seconds that it
    takes to look at all cells of the region, which `birdsat fit` does once."""
    generator, settings = np.random.default_rng(0), RangeNetworkConfig()
    chip = generator.standard_normal((2048, CHIP_WIDTH), dtype=np.float32)
    lon_lat = generator.uniform((-180, -90), (180, 90), (2048, 2))
    scale = InputProjection.fit(chip, lon_lat, settings.inputs)
    inputs = scale(chip, lon_lat)
    facts = RangeFacts(
        network=settings,
        taxa=(TAXON,),
        points=(1,),
        way="occurrences",
        dated=True,
        run="made up",
        model="none",
    )
    network = RangeNetwork(settings, inputs=inputs.shape[1], taxa=1, dated=True)
    points = Points(
        taxa=1,
        presences=Cells(lon_lat=lon_lat, columns={}),
        taxon=np.zeros(len(lon_lat), np.int64),
        background=Cells(lon_lat=lon_lat, columns={}),
        background_looked=np.ones(len(lon_lat), np.bool_),
    )
    area = Applicability.fit(points, inputs, inputs, sensitivity(network, inputs), block_km=settings.block_km)
    model = RangeModel(facts, network, scale, area)
    model.save(folder / RANGES)
    started = time.perf_counter()
    cache_features(model, open_region(folder))
    return time.perf_counter() - started


WAYS: dict[str, Way] = {
    "from photos": from_photos,
    "from occurrences": from_occurrences,
    "from both": from_both,
}


def measure(way: str, folder: Path, passes: int) -> Measured:
    """Map so many times; each map is written to a file, month by month for each block."""
    start = resident_mib()
    seconds = []
    for _ in range(passes):
        started = time.perf_counter()
        with (folder / "map.raw").open("wb") as file:
            for score in WAYS[way](folder):
                file.write(score.tobytes())
        seconds.append(time.perf_counter() - started)
    grid = open_region(folder).grid
    expected = grid.cells * len(MONTHS) * 4
    if (folder / "map.raw").stat().st_size != expected:
        raise SystemExit(f"the map has {(folder / 'map.raw').stat().st_size:,} bytes, not {expected:,}")
    return Measured(
        way=way,
        step_degrees=grid.step_degrees,
        cells=grid.cells,
        first_s=seconds[0],
        median_s=float(np.median(seconds)),
        start_mib=start,
        extra_mib=max(0.0, peak_mib() - start),
    )


def peak_mib() -> float:
    """Most memory that this process had resident."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MIB if sys.platform == "darwin" else 1024)


def resident_mib() -> float:
    """Memory resident now; the peak so far where the system does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak_mib()
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def alone(threads: int | None, call: Callable[..., Result], *given: Any) -> Result:
    """Call in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1, initializer=_limit, initargs=(threads,)) as pool:
        return pool.apply(call, given)


def _limit(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, help="passes over grids of 5 and 2.5 degrees in place of the full")
    parser.add_argument("--folder", type=Path, help="for the regions, 6 GB; a temporary folder by default")
    parser.add_argument("--threads", type=int, help="of torch's arithmetic; all processors by default")
    parser.add_argument("--out", type=Path, default=Path("maps.json"), help="where the figures go, as JSON")
    options = parser.parse_args()

    steps = (0.5, 0.25) if options.iterations is None else (5.0, 2.5)
    results, look_s = [], {}
    with TemporaryDirectory(dir=options.folder) as made:
        for step in steps:
            folder = Path(made) / f"{step:g}"
            folder.mkdir()
            make_region(folder, step)
            os.sync()
            look_s[f"{step:g}"] = alone(options.threads, make_ranges, folder)
            os.sync()
            results += [alone(options.threads, measure, way, folder, options.iterations or 5) for way in WAYS]

    table = Table(columns=["way", "step", "cells", "first", "median", "before", "more at peak"])
    for one in results:
        table.add_row(
            one.way,
            f"{one.step_degrees:g}°",
            f"{one.cells:,}",
            f"{one.first_s:.2f} s",
            f"{one.median_s:.2f} s",
            f"{one.start_mib:,.0f} MiB",
            f"{one.extra_mib:,.0f} MiB",
        )
    print_table(table)
    looked = ", ".join(f"{seconds:.1f} s at {step}°" for step, seconds in look_s.items())
    print(f"once a range model, before its first map, a look at all cells: {looked}")
    figures: dict[str, Any] = {
        "settings": {
            "iterations": options.iterations,
            "threads": options.threads,
            "chip_width": CHIP_WIDTH,
            "embedding_width": WIDTH,
            "harmonics": HARMONICS,
            "months": len(MONTHS),
        },
        "machine": machine(),
        "look_s": look_s,
        "maps": [asdict(one) for one in results],
    }
    if options.iterations is None:
        world = {one.way: one.median_s for one in results if one.step_degrees == steps[1]}
        figures["bar_s"] = BAR_SECONDS
        figures["met"] = {way: seconds < BAR_SECONDS for way, seconds in world.items()}
        said = ", ".join(f"{seconds:.2f} s {way}" for way, seconds in world.items())
        print(f"twelve months of the world: {said}; the bar is {BAR_SECONDS:g} s")
    options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
