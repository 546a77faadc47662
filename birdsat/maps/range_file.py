"""Ranges on disk: a GeoPackage of polygons, and a JSON beside it with the areas."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.cell_polygons import Geometry
from birdsat.earth.geopackage import read_geopackage, write_geopackage
from birdsat.errors import InputError
from birdsat.files import output_file
from birdsat.maps.description import MapDescription
from birdsat.maps.map_file import MapFile
from birdsat.maps.seasons import SEASONS, short_months
from birdsat.maps.taxon_range import DEFAULT_THRESHOLD, TaxonRange, find_threshold, taxon_range
from birdsat.reading import read_json

LAYER = "ranges"
_MONTHS = set(range(1, 13))
_AREAS = ("area_km2", "area_low_km2", "area_high_km2")


def areas_path(path: Path) -> Path:
    """The JSON of the GeoPackage `path`; not of the map's own name, which a JSON has already."""
    return path.with_name(f"{path.stem}_areas.json")


def check_rangeable(about: MapDescription) -> None:
    """Raise InputError for the description of a map that has no threshold for `write_range`."""
    if DEFAULT_THRESHOLD not in about.making.thresholds:
        raise InputError(
            f"no range of {about.title} can be made, as there is no threshold to make it by "
            f"({about.making.thresholds_of}). Make one of the finished map with a number of yours, by `birdsat range`."
        )


def write_range(map_file: MapFile, path: Path) -> None:
    """A map's range by the default threshold and the seasons that it tells, as `birdsat range` writes it; without a
    row where no cell is in it."""
    about = map_file.description
    *_, command = ("", *about.making.commands)
    write_ranges(path, [taxon_range(map_file, find_threshold(about, DEFAULT_THRESHOLD))], command)


def write_ranges(path: Path, ranges: Sequence[TaxonRange], command: str = "") -> None:
    """A GeoPackage with a row for each taxon and season, and the JSON; both whole, or neither.

    command: that asked for it, for the record.
    """
    rows = [(one, part) for one in ranges for part in one.parts]
    columns: dict[str, NDArray[Any]] = {
        "taxon": _text(one.taxon for one, _ in rows),
        "common_name": _text(one.about.common_name for one, _ in rows),
        "season": _text(part.season for _, part in rows),
        "months": _text(short_months(part.months) for _, part in rows),
        "threshold": _text(one.threshold.name for one, _ in rows),
        "threshold_value": np.array([one.threshold.value for one, _ in rows]),
        "cells": np.array([part.cells for _, part in rows], np.int64),
        "area_km2": np.array([part.area_km2 for _, part in rows]),
        "area_low_km2": np.array([part.area_low_km2 for _, part in rows]),
        "area_high_km2": np.array([part.area_high_km2 for _, part in rows]),
        "applicable": np.array([part.applicable for _, part in rows]),
        "cautions": _text("; ".join(one.about.cautions) for one, _ in rows),
        "model": _text(one.about.model for one, _ in rows),
    }
    written = {"file": path.name, "command": command, "taxa": [one.to_dict() for one in ranges]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with output_file(areas_path(path)) as areas:
        areas.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        write_geopackage(path, [part.geometry for _, part in rows], columns, layer=LAYER)


def read_areas(path: Path, taxon: str) -> dict[str, Any] | None:
    """What the JSON of the GeoPackage `path` says of a taxon, and the command; None where the taxon is not in it.

    Raises InputError for another file, or none.
    """
    areas = areas_path(path)
    try:
        found = read_json(areas)
        some: list[dict[str, Any]] = [one for one in found["taxa"] if one["taxon"] == taxon]
        for one in some:  # all that a reader counts on
            float(one["threshold"]["value"]), str(one["threshold"]["name"]), str(one["seasons"]["told"])
            parts, extents = one["ranges"], one["extents"]
            numbers = [part[name] for part in parts for name in _AREAS]
            numbers += [extent[name] for extent in extents for name in ("eoo_km2", "aoo_km2")]
            if not all(area is None or isinstance(area, int | float) for area in numbers):
                raise ValueError("an area is not a number")
            if not all(part["season"] in SEASONS and set(part["months"]) <= _MONTHS for part in parts):
                raise ValueError("a season or month is not one")
            [str(extent["of"]) for extent in extents]
        return some[0] | {"command": str(found["command"])} if some else None
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{areas} is not a JSON of ranges ({error}); make it with `birdsat range`.") from error


def read_polygons_of(path: Path, taxon: str) -> list[tuple[str, Geometry]]:
    """Season and multipolygon of each range of a taxon. Raises InputError for another file."""
    geometry, columns = read_geopackage(path, LAYER)
    if not {"season", "taxon"} <= columns.keys():
        raise InputError(f"{path} has no columns of taxon and season; make it again with `birdsat range`.")
    return [
        (str(season), one)
        for one, season, name in zip(geometry, columns["season"], columns["taxon"], strict=True)
        if name == taxon and season in SEASONS and one is not None
    ]


def _text(values: Iterator[str]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)


def plain_area(value: float | None) -> str:
    """Square kilometres for people."""
    return "" if value is None or math.isnan(value) else f"{value:,.0f}"
