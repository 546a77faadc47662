"""Polygons with attributes, written whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from birdsat.earth.geopackage import read_geopackage, write_geopackage
from birdsat.errors import InputError

SQUARE = shapely.MultiPolygon([shapely.box(0, 0, 1, 2)])


def write(path: Path, squares: int = 1) -> None:
    columns = {
        "taxon": np.array(["Corvus corax"] * squares, object),
        "area_km2": np.array([2.5] * squares),
        "cells": np.array([7] * squares, np.int64),
    }
    write_geopackage(path, [SQUARE] * squares, columns, layer="ranges")


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_what_is_written_is_read_and_the_same_again_is_the_same_bytes(tmp_path: Path, rows: int) -> None:
    write(tmp_path / "a.gpkg", rows)
    write(tmp_path / "b.gpkg", rows)
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()
    geometry, columns = read_geopackage(tmp_path / "a.gpkg", "ranges")
    assert all(one.equals(SQUARE) for one in geometry) and len(geometry) == rows
    assert columns["taxon"].tolist() == ["Corvus corax"] * rows and columns["cells"].tolist() == [7] * rows
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.gpkg", "b.gpkg"]


def test_a_file_is_replaced_and_one_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    path.write_text("no GeoPackage")
    with pytest.raises(InputError, match="cannot be read as a GeoPackage"):
        read_geopackage(path, "ranges")
    write(path, 2)
    assert len(read_geopackage(path, "ranges")[0]) == 2
    with pytest.raises(InputError, match="make it again"):
        read_geopackage(path, "other")


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "absent" / "a.gpkg")
    assert not any(tmp_path.iterdir())
