"""Maps made by the command line and opened."""

from pathlib import Path

import rasterio
from made_runs import TAXON

from birdsat.cli import main


def make_map(run: Path, out: Path, *more: object, taxon: str = TAXON) -> rasterio.DatasetReader:
    """The GeoTIFF of a taxon's map by a run, in `out`. more: words of the command line."""
    main(["map", taxon, "--run", str(run), "--out", str(out), *map(str, more)])
    return rasterio.open(out / f"{taxon.replace(' ', '_')}.tif")
