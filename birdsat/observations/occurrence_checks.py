"""What is checked of occurrences before anything is fitted to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.place import EARTH_RADIUS_KM
from birdsat.errors import ConfigError, InputError, some_of
from birdsat.observations.coordinates import AT_ZERO, SWAPPED
from birdsat.observations.occurrences import Occurrences

OnLand = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]  # lon, lat (n,) degrees -> (n,)
NearLand = Callable[[NDArray[np.float64], NDArray[np.float64], float], NDArray[np.bool_]]  # and within how many km

FEW = 10  # records in different places or months, with fewer of which a map is uncertain
MAINLY_ON_LAND = 0.8  # share of a taxon's records on land from which those far out at sea are taken for mistakes
_SWAPPED_LEAST, _SWAPPED_SHARE = 3, 0.01  # as many records, and this share of them, make an error of a few slips
_SWAPPED_OF_SEA = 0.8  # of the records at sea, the share that would lie on land if swapped; by chance about 0.3
_SWAP_REMEDY = (
    "Say which column is which (columns lon=COLUMN lat=COLUMN), or mend the table; nothing was changed. If the places "
    "are right as they are, ask for them to be trusted."
)
_SWAP_SETTINGS = ("columns", "trust_places")
_BEARINGS, _RINGS = 16, 4  # where land is looked for around a place at sea


def much_elsewhere(elsewhere: int, kept: int) -> bool:
    """Whether so many records that are on no cell, as at sea, are more than slips of a taxon with `kept` on cells."""
    return kept < MAINLY_ON_LAND * (elsewhere + kept)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedOccurrences:
    """Occurrences that a map can be fitted to, and what is to be said about them."""

    occurrences: Occurrences
    notes: tuple[str, ...]  # sentences for the console


def check_occurrences(
    occurrences: Occurrences,
    *,
    on_land: OnLand | None = None,
    near_land: NearLand | None = None,
    box: Box | None = None,
    cell_degrees: float = 0.1,
    sea_km: float = 20.0,
    trust_places: bool = False,
) -> CheckedOccurrences:
    """Drop what cannot be right, count it, and refuse what would make a wrong map.

    Dropped and counted: the place 0,0; places outside `box`; and, for taxa with at least MAINLY_ON_LAND of their
    records on land, places farther than `sea_km` from land. Taxa of the sea are kept whole. Taxa whose records all lie
    in one cell of `cell_degrees` are left out.

    on_land: None leaves out what needs to know the land. near_land: None looks with `on_land` along rings around the
    place. trust_places: do not ask whether longitude and latitude were swapped, and keep places at sea.

    Raises InputError where longitude and latitude look swapped, where nothing is left, and where every taxon has its
    records in a single cell; ConfigError for settings out of range.
    """
    if not (cell_degrees > 0 and sea_km >= 0):
        raise ConfigError(
            f"cells of {cell_degrees} degrees and {sea_km} km from land: the first must be above 0, the other at least "
            "0."
        )
    notes: list[str] = []
    if not trust_places:
        notes += _beyond_latitude(occurrences)
    kept = occurrences.where((occurrences.lon_lat != 0).any(axis=1), reason=AT_ZERO)
    if on_land is not None and not trust_places and len(kept):
        near = near_land or _near(on_land)
        lon, lat = kept.lon_lat.T
        land = on_land(lon, lat)
        far = ~land
        far[far] = ~near(lon[far], lat[far], sea_km)
        of_land = _shares(kept, land)[kept.label] >= MAINLY_ON_LAND
        _refuse_swapped(kept, far, on_land, np.ones(len(kept), dtype=np.bool_), "the records")
        _refuse_swapped(kept, far, on_land, of_land, "the records of taxa that live on land")
        kept = kept.where(
            ~(far & of_land), reason=f"at sea, over {sea_km:g} km from land, of a taxon that lives on land"
        )
    if box is not None:
        kept = _within(kept, box)
    if len(kept) == 0:
        raise InputError(f"no record is left: {_reasons(kept)}. Take other records, or check fewer things.")
    return _usable(kept, cell_degrees, notes)


def _beyond_latitude(occurrences: Occurrences) -> list[str]:
    beyond, rows = occurrences.dropped.get(SWAPPED, 0), occurrences.rows
    if beyond == 0:
        return []
    found = f"{beyond:,} of {rows:,} rows have a latitude beyond 90 that is in range as a longitude"
    if beyond >= _SWAPPED_SHARE * rows:
        raise InputError(f"longitude and latitude look swapped: {found}. {_SWAP_REMEDY}", settings=_SWAP_SETTINGS)
    return [f"{found}: dropped as slips."]


def _refuse_swapped(
    occurrences: Occurrences, far: NDArray[np.bool_], on_land: OnLand, which: NDArray[np.bool_], what: str
) -> None:
    """far (n,): far from land. Raises InputError where most of these, among `which`, were on land if swapped."""
    lon, lat = occurrences.lon_lat[far & which].T
    possible = np.abs(lon) <= 90
    swapped = np.count_nonzero(on_land(lat[possible], lon[possible])) if possible.any() else 0
    of = int(np.count_nonzero(which))
    if swapped >= max(_SWAPPED_LEAST, _SWAPPED_SHARE * of, _SWAPPED_OF_SEA * len(lon)):
        raise InputError(
            f"longitude and latitude look swapped: of {what} ({of:,}), {len(lon):,} lie far out at sea, and "
            f"{swapped:,} of these would lie on land with the two exchanged. {_SWAP_REMEDY}",
            settings=_SWAP_SETTINGS,
        )


def _shares(occurrences: Occurrences, land: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(t,) share of each taxon's records on land; 0 where it has none."""
    on = np.bincount(occurrences.label[land], minlength=len(occurrences.taxa))
    return on / np.maximum(occurrences.counts, 1)


def _within(occurrences: Occurrences, box: Box) -> Occurrences:
    inside = box.contains(*occurrences.lon_lat.T)
    if len(inside) and not inside.any():
        (west, south), (east, north) = occurrences.lon_lat.min(axis=0), occurrences.lon_lat.max(axis=0)
        raise InputError(
            f"none of {len(occurrences):,} records lies in the region {box}: they lie between {west:g} and {east:g} "
            f"degrees east, {south:g} and {north:g} degrees north. Take another region (W,S,E,N) or other records."
        )
    return occurrences.where(inside, reason="outside the region")


def few_records(thinned: Occurrences, few: int = FEW) -> str | None:
    """A sentence that names the taxa of which fewer records are left than make a map certain; None where there is none.

    thinned: to one of each taxon, cell and month, since others add nothing to a map.
    """
    scarce = {name: count for name, count in zip(thinned.taxa, thinned.counts.tolist(), strict=True) if 0 < count < few}
    if not scarce:
        return None
    counted = [f"{name} ({count})" for name, count in scarce.items()]
    return (
        f"{_taxa(len(scarce))} with fewer than {few} records in different places or months, whose maps are uncertain: "
        f"{some_of(counted)}."
    )


def _usable(occurrences: Occurrences, cell_degrees: float, notes: list[str]) -> CheckedOccurrences:
    """Without the taxa of one cell."""
    one_cell = _of_one_cell(occurrences, cell_degrees)
    if len(one_cell) == len(occurrences.taxa):
        where = f"in one cell of {cell_degrees:g} degrees{', each taxon in its own' if len(one_cell) > 1 else ''}"
        raise InputError(
            f"{_all_records(len(occurrences))} of {some_of(one_cell)} {where}: one place does not tell where else a "
            "taxon lives. Add records from other places."
        )
    if one_cell:
        notes.append(
            f"{_taxa(len(one_cell))} left out, with all records in one cell of {cell_degrees:g} degrees or no record "
            f"left: {some_of(one_cell)}."
        )
        gone = set(one_cell)
        kept = [name for name in occurrences.taxa if name not in gone]
        occurrences = occurrences.only_taxa(kept, reason="of a taxon with all its records in one cell")
    return CheckedOccurrences(occurrences=occurrences, notes=tuple(notes))


def _of_one_cell(occurrences: Occurrences, cell_degrees: float) -> list[str]:
    """Taxa whose records lie in a single cell, or that have none."""
    corner = np.array([180.0, 90.0])
    cells = np.floor((occurrences.lon_lat + corner) / cell_degrees).astype(np.int64)
    lowest = np.full((len(occurrences.taxa), 2), np.iinfo(np.int64).max)
    highest = np.full((len(occurrences.taxa), 2), -1)
    np.minimum.at(lowest, occurrences.label, cells)
    np.maximum.at(highest, occurrences.label, cells)
    several = np.any(lowest < highest, axis=1)
    return [name for name, spread in zip(occurrences.taxa, several.tolist(), strict=True) if not spread]


def _all_records(count: int) -> str:
    return "the single record" if count == 1 else f"all {count:,} records"


def _taxa(count: int) -> str:
    return "1 taxon" if count == 1 else f"{count:,} taxa"


def _reasons(occurrences: Occurrences) -> str:
    return ", ".join(f"{reason} ({count:,})" for reason, count in occurrences.dropped.items()) or "there was none"


def _near(on_land: OnLand) -> NearLand:
    """Whether there is land within some km, looked for along rings; an islet between them is missed."""

    def near(lon: NDArray[np.float64], lat: NDArray[np.float64], km: float) -> NDArray[np.bool_]:
        found = on_land(lon, lat)
        phi = np.radians(lat)
        for radius in km * np.arange(1, _RINGS + 1) / _RINGS / EARTH_RADIUS_KM:
            for bearing in np.arange(_BEARINGS) * 2 * np.pi / _BEARINGS:
                # Great circle from a point along a bearing: Snyder 1987, Map Projections, eq. 5-5 and 5-6.
                sine = np.sin(phi) * np.cos(radius) + np.cos(phi) * np.sin(radius) * np.cos(bearing)
                y = np.sin(radius) * np.sin(bearing)
                x = np.cos(phi) * np.cos(radius) - np.sin(phi) * np.sin(radius) * np.cos(bearing)
                around = (lon + np.degrees(np.arctan2(y, x)) + 180) % 360 - 180
                found = found | on_land(around, np.degrees(np.arcsin(np.clip(sine, -1, 1))))
        return found

    return near
