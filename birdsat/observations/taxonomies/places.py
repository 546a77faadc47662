"""Records of a species that is several now, told apart by where the parts were recorded, or by their ranges."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.earth.polygon import Polygons
from birdsat.earth.read_polygons import SUFFIXES, read_polygons
from birdsat.errors import InputError

BY_PLACE = "of a species that is several now: told apart by place"  # what is said of such records
NEAR_KM = 300.0  # a record of the part must lie as near as this, where there are records of all parts
NEAR_KM_OF_SOME = 25.0  # where there are none of some
TIMES_NEARER = 3.0  # than the nearest record of any other part
APART_KM = 50.0  # nor may one of another part lie as near as this


class SpeciesRanges:
    """Ranges of species, a file of polygons each, such as Larus_argentatus.geojson, in a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError where there is no such folder, or nothing of the kind in it."""
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        self._files: dict[str, Path] = {}
        for file in (file for file in files if file.suffix.lower() in SUFFIXES):
            species = file.stem.replace("_", " ")
            if species in self._files:
                raise InputError(
                    f"{folder} has two files of {species}, {self._files[species].name} and {file.name}; keep one.",
                    settings=("range_folder",),
                )
            self._files[species] = file
        if not self._files:
            raise InputError(
                f"{folder} is not a folder of ranges; give one with a file of polygons a species, such as "
                "Larus_argentatus.geojson.",
                settings=("range_folder",),
            )
        self._read: dict[str, Polygons] = {}

    def of(self, species: str) -> Polygons | None:
        """Of a species; None where there is no file. Raises InputError for one that cannot be read."""
        if species in self._files and species not in self._read:
            try:
                self._read[species] = read_polygons(self._files[species])
            except InputError as error:
                raise InputError(str(error), settings=("range_folder",)) from error
        return self._read.get(species)


def tell_apart(
    lon_lat: NDArray[np.float64],
    parts: Sequence[str],
    references: Mapping[str, NDArray[np.float64]],
    ranges: SpeciesRanges | None = None,
) -> list[str | None]:
    """For each of n places the part that lives there; None where it cannot be told.

    lon_lat: (n, 2) degrees east and north. Where all parts have ranges, that whose range alone holds the place; else by
    references: part -> (m, 2) places where it was recorded.
    """
    told = _by_records(lon_lat, parts, references)
    polygons = [] if ranges is None else [found for part in parts if (found := ranges.of(part)) is not None]
    if len(polygons) < len(parts) or len(lon_lat) == 0:
        return told
    inside = np.stack([found.contains(*lon_lat.T) for found in polygons])  # (parts, n)
    alone = inside.sum(axis=0) == 1
    return [parts[which] if one else by for which, one, by in zip(inside.argmax(axis=0), alone, told, strict=True)]


def _by_records(
    lon_lat: NDArray[np.float64], parts: Sequence[str], references: Mapping[str, NDArray[np.float64]]
) -> list[str | None]:
    """By the records around. At least two parts need some: where one alone has been recorded, nobody knows where it
    ends."""
    known = [part for part in parts if len(references.get(part, ())) > 0]
    if len(known) < 2 or len(lon_lat) == 0:
        return [None] * len(lon_lat)
    from sklearn.neighbors import KDTree  # here, as it takes half a second to import

    asked = unit_sphere(*lon_lat.T)
    chord = np.stack([KDTree(unit_sphere(*references[part].T)).query(asked)[0][:, 0] for part in known])
    km = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1))  # (parts, n)
    first, second = np.sort(km, axis=0)[:2]
    near = NEAR_KM if len(known) == len(parts) else NEAR_KM_OF_SOME
    sure = (first <= near) & (second >= np.maximum(TIMES_NEARER * first, APART_KM))
    return [known[nearest] if told else None for nearest, told in zip(km.argmin(axis=0), sure, strict=True)]
