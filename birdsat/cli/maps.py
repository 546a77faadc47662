"""The verbs of maps."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from birdsat.cli.options import given
from birdsat.errors import ConfigError


def judge(
    run: Positional[Path],
    truth: Positional[Path],
    imagery: str | None = None,
    region: Path | None = None,
    rasters: tuple[str, ...] = (),
    points: tuple[int, ...] = (10, 50),
    occurrences: tuple[Path, ...] = (),
    surveys_before: int | None = None,
    hold_out: Literal["blocks", "regions", "random"] = "blocks",
    block_degrees: float | None = None,
    folds: int = 5,
    least: int = 30,
    repeats: int = 1,
    seed: int = 0,
    stretch: tuple[float, float] | None = None,
    out: Path = Path("judged"),
    workers: int = 2,
) -> None:
    """Judge range models on a run's chip features beside every baseline, on ranges that are known.

    Models learn from presence and absence, and from a few presences of each taxon, in cells that are not those judged.
    Written to OUT/judged.md and judged.json.

    Args:
        run: Folder of the run whose chip features are read.
        truth: Range grid: .npz, Parquet or CSV of lat, lon, species, presence. With --surveys-before, a table of counts
            with species, lon, lat, year, count. Or virtual, the virtual world that --region is of: its species are
            learned from so many observations as the first of --points says, and judged in every month.
        imagery: Raster of any CRS to cut chips from, or a table of ready chips.
        region: Folder of cells of the virtual world that `birdsat embed RUN --grid` made.
        rasters: NAME=PATH of rasters that baselines read, such as climate=temperature.tif; those of one name are one
            set of columns.
        points: How many presences of each taxon are learned from; with --occurrences, the least of these is how many
            records of a taxon the tables must hold, the same ones again included.
        occurrences: Tables of records anywhere to learn from, in place of presences drawn from the ranges.
        surveys_before: Learn from surveys before this year, judge by those from it on, in other blocks.
        hold_out: What is held out: blocks, whole regions, or cells at random (whose figures are too good).
        block_degrees: Side of the blocks; 5 by default.
        folds: Parts that the cells are dealt to.
        least: Leave out taxa that are present, or absent, in fewer cells.
        repeats: Times that folds and points are drawn anew.
        seed: Of all draws.
        stretch: Values of a raster that is not 8-bit which become black and white.
        out: Folder for the tables.
        workers: Processes that cut chips.
    """
    from birdsat.cli.console import print_table
    from birdsat.ranges.evaluation.hold_out import HoldOut
    from birdsat.workflows.evaluate_ranges import judge as judge_ranges

    if str(truth) == "virtual":
        from birdsat.workflows.evaluate_virtual import judge_virtual

        if region is None:
            raise ConfigError("the virtual world is judged on the cells of a region of it; give --region.")
        print_table(judge_virtual(run, region, out, points=points[0], seed=seed).table())
        return
    if imagery is None or region is not None:
        raise ConfigError("real ranges are judged on chips cut from --imagery, the virtual world's on a --region.")
    if block_degrees is not None and hold_out != "blocks":
        raise ConfigError("--block-degrees is about --hold-out blocks; leave it out.")
    blocks = given(degrees=block_degrees)
    judged = judge_ranges(
        run,
        truth,
        imagery,
        out=out,
        rasters=rasters,
        points=points,
        occurrences=occurrences,
        surveys_before=surveys_before,
        hold_out=HoldOut(by=hold_out, folds=folds, **blocks),
        least=least,
        repeats=repeats,
        seed=seed,
        stretch=stretch,
        workers=workers,
    )
    for judgement in judged:
        print_table(judgement.table())
