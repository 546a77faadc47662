"""The verbs of what many taxa's maps give together."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from birdsat.cli.options import check_months, place_of, record_tables

Also = Literal["netcdf", "gif", "parquet", "csv"]
_YEAR = tuple(range(1, 13))


def richness(
    run: Positional[Path],
    ranges: Path,
    region: Path,
    month: tuple[int, ...] = (6,),
    taxa: tuple[str, ...] = (),
    within: Path | None = None,
    also: tuple[Also, ...] = (),
    out: Path = Path("maps"),
    overwrite: bool = False,
) -> None:
    """Map the expected number of species: the sum of the probabilities of all taxa of a range model.

    Args:
        run: Folder of the run that embedded the region.
        ranges: Folder of a range model that `birdsat fit` made.
        region: Folder of cells that `birdsat embed RUN --grid` made.
        month: 1 to 12, one or several.
        taxa: Count these alone.
        within: GeoJSON file of polygons, outside which the map is empty.
        also: Other files to write: netcdf, gif (an animation of the months), parquet and csv (tables of cells).
        out: Folder for the files, richness.tif, .json and .png.
        overwrite: Replace files that are there already.
    """
    from birdsat.earth.polygon import read_polygons
    from birdsat.workflows.map_taxon import Outputs
    from birdsat.workflows.products import map_richness

    check_months(month)
    polygons = None if within is None else read_polygons(within)
    outputs = Outputs(folder=out, also=also, within=polygons, overwrite=overwrite)
    print(*map_richness(run, ranges, region, month, outputs, taxa=taxa), sep="\n")


def species(
    run: Positional[Path],
    ranges: Path,
    region: Path,
    place: str,
    month: int | None = None,
    least: float = 0.05,
    out: Path | None = None,
    overwrite: bool = False,
) -> None:
    """List the taxa to expect at a place in a month, or through the year, with their probabilities.

    Args:
        run: Folder of the run that embedded the region.
        ranges: Folder of a range model that `birdsat fit` made.
        region: Folder of cells that `birdsat embed RUN --grid` made.
        place: Longitude,latitude in degrees. Write --place=LON,LAT.
        month: 1 to 12; without it, a calendar of all months.
        least: Count taxa that are less likely (through all of the year), but do not list them.
        out: Folder for the files: species.csv and .json of a month, or calendar.csv, .json and .png.
        overwrite: Replace files that are there already.
    """
    from birdsat.cli.console import print_table
    from birdsat.workflows.products import species_at

    if month is not None:
        check_months((month,))
    table, files = species_at(run, ranges, region, place_of(place), month, least=least, out=out, overwrite=overwrite)
    print_table(table)
    print(*files, sep="\n", end="\n" if files else "")


def gaps(
    run: Positional[Path],
    ranges: Path,
    region: Path,
    occurrences: tuple[Path, ...],
    month: tuple[int, ...] = _YEAR,
    columns: tuple[str, ...] = (),
    taxa: tuple[str, ...] = (),
    threshold: float = 0.5,
    most: int = 1000,
    out: Path = Path("gaps.csv"),
    overwrite: bool = False,
) -> None:
    """List where and when to look next: cells and months where a taxon is expected, unrecorded, and few looked.

    Args:
        run: Folder of the run that embedded the region.
        ranges: Folder of a range model that `birdsat fit` made.
        region: Folder of cells that `birdsat embed RUN --grid` made.
        occurrences: Tables of records: CSV, Parquet, a GBIF download, a Darwin Core Archive. All of their taxa say
            where was looked.
        month: 1 to 12, one or several.
        columns: Names of columns of the tables that are not found by themselves, as taxon=NAME lon=X lat=Y.
        taxa: Look for these alone.
        threshold: Probability from which a taxon is expected.
        most: How many are kept, the most promising first.
        out: CSV file to write.
        overwrite: Replace a file that is there already.
    """
    from birdsat.cli.console import print_table
    from birdsat.workflows.products import find_gaps

    check_months(month)
    found = find_gaps(
        run,
        ranges,
        region,
        record_tables(occurrences, columns),
        month,
        out=out,
        taxa=taxa,
        threshold=threshold,
        most=most,
        overwrite=overwrite,
    )
    print_table(found.table())
    print(out)
