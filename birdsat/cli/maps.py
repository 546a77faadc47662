"""The verbs of maps."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from birdsat.cli.options import cells_of, check_months, given, record_tables, refuse_beside
from birdsat.errors import ConfigError

Also = Literal["netcdf", "gif", "parquet", "csv"]
Way = Literal["occurrences", "both"]


def map_(
    run: Positional[Path],
    taxon: str,
    region: Path | None = None,
    box: str | None = None,
    imagery: str | None = None,
    month: tuple[int, ...] = (6,),
    step: float | None = None,
    step_km: float | None = None,
    stretch: tuple[float, float] | None = None,
    occurrences: tuple[Path, ...] = (),
    columns: tuple[str, ...] = (),
    max_uncertainty_km: float | None = None,
    trust_places: bool = False,
    ranges: Path | None = None,
    way: Way | None = None,
    within: Path | None = None,
    also: tuple[Also, ...] = (),
    points: tuple[Path, ...] = (),
    out: Path = Path("maps"),
    workers: int = 2,
    overwrite: bool = False,
) -> None:
    """Map where a taxon lives: a Cloud-Optimised GeoTIFF, a band a month, and a picture.

    By itself, from what the run learned of the taxon's photos. With --occurrences or --ranges, from records: a
    probability, its uncertainty, and the area where the model may be asked.

    Args:
        run: Folder of the run.
        taxon: Scientific name, one of `birdsat labels RUN`, or one of those recorded.
        region: Folder of cells that `birdsat embed RUN --grid` made, in place of --imagery, --box and --step.
        box: West,south,east,north in degrees; west above east goes over the antimeridian. Write --box=W,S,E,N.
        imagery: Raster of any CRS, table of ready chips, or virtual:SEED.
        month: 1 to 12, one or several.
        step: Side of a cell, degrees; 0.25 by default.
        step_km: In place of --step, cells of one area everywhere: the side of a square of that area, kilometres.
        stretch: Values of a raster that is not 8-bit which become black and white, such as 0 3000: those the
            run's dataset was built with.
        occurrences: Tables of records to fit to: CSV, Parquet, a GBIF download, a Darwin Core Archive. The records of
            other taxa in them say where was looked.
        columns: Names of columns of these tables that are not found by themselves, as taxon=NAME lon=X lat=Y.
        max_uncertainty_km: Leave out records whose place is uncertain by more.
        trust_places: Keep records at sea, and do not ask whether longitude and latitude were swapped.
        ranges: Folder of a range model that `birdsat fit` made, in place of --occurrences.
        way: With --occurrences: from these alone, or from both these and photos.
        within: GeoJSON file of polygons, outside which the map is empty.
        also: Other files to write: netcdf, gif (an animation of the months), parquet and csv (tables of cells).
        points: Tables of occurrences or counts of the taxon to draw on top.
        out: Folder for the files, Taxon_name.tif, .json and .png; without --region, also for the cells of a fit.
        workers: Processes that cut chips.
        overwrite: Replace files that are there already.
    """
    from birdsat.workflows.map_taxon import map_taxon

    if region is not None:
        beside = given(imagery=imagery, box=box, step=step, step_km=step_km, stretch=stretch)
        refuse_beside(beside, "--imagery and --box in place of --region")
    elif imagery is None or box is None:
        raise ConfigError("a map needs cells: give --region, or --imagery and --box.")
    if occurrences and ranges is not None:
        raise ConfigError("--ranges is a model fitted to records; leave --occurrences out, or fit to them anew.")
    if not occurrences:
        about = given(
            way=way, columns=columns or None, max_uncertainty_km=max_uncertainty_km, trust_places=trust_places
        )
        refuse_beside(about, "--occurrences")
    tables = record_tables(occurrences, columns, max_uncertainty_km=max_uncertainty_km, trust_places=trust_places)
    check_months(month)
    files = map_taxon(
        run,
        taxon,
        month,
        region=region,
        grid=None if box is None else cells_of(box, step=step, step_km=step_km, option="--step"),
        imagery=imagery,
        stretch=stretch,
        occurrences=tables if occurrences else None,
        ranges=ranges,
        way=way or "occurrences",
        within=within,
        also=also,
        points=points,
        out=out,
        workers=workers,
        overwrite=overwrite,
    )
    print(*files, sep="\n")


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
