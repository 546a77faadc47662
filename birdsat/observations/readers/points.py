"""Points as geometry columns hold them, well-known binary or a pair of coordinates; and the middles of polygons."""

import math
import struct

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# What the coordinates of a geometry are called: no column of a table's own is.
LON_OF_GEOMETRY, LAT_OF_GEOMETRY = "longitude of geometry", "latitude of geometry"
_POINT = (1, 1001, 2001, 3001)  # plain, and with height, measure, or both (OGC 06-103r4)
_POLYGON = (3, 1003, 2003, 3003)
_HAS_SRID, _FLAGS = 0x20000000, 0xE0000000  # of PostGIS's own form


def points(cells: pa.Array, *, in_degrees: bool = True) -> tuple[pa.Array, pa.Array]:
    """Longitude and latitude, or x and y, (n,), null where there is no geometry, NaN where it is not a point."""
    if pa.types.is_struct(cells.type):
        return tuple(pc.struct_field(cells, name).cast(pa.float64(), safe=False) for name in ("x", "y"))
    place = np.full((len(cells), 2), np.nan)
    known = ~cells.is_null().to_numpy(zero_copy_only=False)
    lengths = pc.binary_length(cells).fill_null(0).to_numpy(zero_copy_only=False)
    for length in np.unique(lengths[known]):
        of_length = np.flatnonzero(known & (lengths == length))
        if length < 21 or length > 64:
            continue
        joined = b"".join(cells.take(pa.array(of_length)).to_pylist())
        place[of_length] = _places(np.frombuffer(joined, np.uint8).reshape(len(of_length), int(length)))
    known &= ~(np.isnan(place).all(axis=1) & (lengths == 0))
    return pa.array(place[:, 0], mask=~known), pa.array(place[:, 1], mask=~known)


def middles(cells: pa.Array, *, in_degrees: bool = True) -> tuple[pa.Array, pa.Array]:
    """As `points`, and of a polygon, such as a tile's, the middle of its bounds; of degrees, NaN for one over the
    antimeridian."""
    lon, lat = points(cells)
    if pa.types.is_struct(cells.type):
        return lon, lat
    place = np.stack([axis.to_numpy(zero_copy_only=False) for axis in (lon, lat)], axis=1).copy()
    for row in np.flatnonzero(np.isnan(place).any(axis=1) & lon.is_valid().to_numpy(zero_copy_only=False)).tolist():
        place[row] = _middle(cells[row].as_py(), 180.0 if in_degrees else math.inf)
    known = ~lon.is_null().to_numpy(zero_copy_only=False)
    return pa.array(place[:, 0], mask=~known), pa.array(place[:, 1], mask=~known)


def _middle(wkb: bytes, widest: float) -> tuple[float, float]:
    """The middle of the bounds of a polygon's outer ring; NaN for what is not a polygon."""
    nowhere = math.nan, math.nan
    try:
        order = "<" if wkb[0] == 1 else ">"
        (kind,) = struct.unpack_from(f"{order}I", wkb, 1)
        if kind & ~_FLAGS not in _POLYGON:
            return nowhere
        start = 9 if kind & _HAS_SRID else 5
        rings, corners = struct.unpack_from(f"{order}II", wkb, start)
        plain = (kind & ~_FLAGS) // 1000  # 1: with height, 2: with a measure, 3: with both; in flags, PostGIS's way
        dimensions = 2 + max((0, 1, 1, 2)[plain], (kind & _FLAGS & ~_HAS_SRID).bit_count())
        ring = np.frombuffer(wkb, f"{order}f8", corners * dimensions, start + 8).reshape(corners, dimensions)[:, :2]
    except (struct.error, ValueError, IndexError):
        return nowhere
    if not rings or not corners or not np.isfinite(ring).all() or np.ptp(ring[:, 0]) > widest:
        return nowhere
    (west, south), (east, north) = ring.min(axis=0).tolist(), ring.max(axis=0).tolist()
    return (west + east) / 2, (south + north) / 2


def _places(wkb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 2) of geometries (n, bytes) of one length; NaN for those that are not points."""
    place = np.full((len(wkb), 2), np.nan)
    for mark, order in ((0, ">"), (1, "<")):
        of_order = np.flatnonzero(wkb[:, 0] == mark)
        some = wkb[of_order]
        kind = np.ascontiguousarray(some[:, 1:5]).view(f"{order}u4")[:, 0].astype(np.int64)
        has_srid = (kind & _HAS_SRID) != 0
        is_point = np.isin(kind & ~_FLAGS, _POINT)
        for srid, start in ((False, 5), (True, 9)):
            chosen = is_point & (has_srid == srid)
            if chosen.any() and wkb.shape[1] >= start + 16:
                numbers = np.ascontiguousarray(some[chosen][:, start : start + 16]).view(f"{order}f8")
                place[of_order[chosen]] = numbers
    return place
