"""A map of records that are crowded in a part of the range, with their target group beside them."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from birdsat.ranges.network import RangeNetworkConfig
from birdsat.workflows import fit_ranges
from birdsat.workflows.map_taxon import map_taxon
from birdsat.workflows.requests.maps import MapRequest

QUICK = RangeNetworkConfig(width=48, depth=1, members=3, steps=160)


def test_the_part_of_a_range_that_is_surveyed_best_is_not_painted_absent(
    shared_cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_points = fit_ranges.fit_points
    monkeypatch.setattr(
        fit_ranges, "fit_points", lambda *given, **named: fit_points(*given, **named | {"settings": QUICK})
    )
    request = MapRequest(
        taxon="Uniformis borealis",
        occurrences=shared_cases / "maps" / "tgb.parquet",
        months=6,
        out=tmp_path,
        picture=False,
    )
    with rasterio.open(map_taxon(request).files[0]) as tiff:
        value = tiff.read(1)
        columns, rows = np.meshgrid(np.arange(tiff.width), np.arange(tiff.height))
        lon, lat = rasterio.transform.xy(tiff.transform, rows.ravel(), columns.ravel())
    lon, lat = np.reshape(lon, value.shape), np.reshape(lat, value.shape)
    land = np.isfinite(value) & (lon > 112) & (lon < 154) & (lat < -10.5)
    crowded = (lon > 138) & (lon < 144) & (lat > -27) & (lat < -21)
    there, rest, beyond = (float(value[land & where].mean()) for where in (crowded, ~crowded & (lat > -27), lat < -29))
    assert abs(there - rest) < 0.1 and beyond < rest - 0.15
