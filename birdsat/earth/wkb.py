"""Whether well-known binary from elsewhere can be given to GEOS, which follows geometries in geometries without end."""

import struct

_POLYGON, _MULTIPOLYGON = 3, 6
_OTHERS = {4: "MultiPoint", 5: "MultiLineString", 7: "GeometryCollection"}  # whose parts may have parts
_HAS_SRID, _FLAGS = 0x20000000, 0xE0000000  # of PostGIS's own form


def deep_kind(wkb: bytes) -> str:
    """What a geometry is that may hold others without end; "" for one point, line or polygon, and for polygons."""
    try:
        kind, order, start = _head(wkb, 0)
        if kind % 1000 in (1, 2, _POLYGON):
            return ""
        if kind % 1000 != _MULTIPOLYGON:
            return _OTHERS.get(kind % 1000, f"a geometry of kind {kind}")
        (count,) = struct.unpack_from(f"{order}I", wkb, start)
        start += 4
        for _ in range(count):
            start = _behind_polygon(wkb, start)
    except (struct.error, IndexError, ValueError):
        return "a damaged geometry"
    return ""


def _head(wkb: bytes, start: int) -> tuple[int, str, int]:
    """The kind of the geometry at a position, its order of bytes, and where its contents begin."""
    order = "<" if wkb[start] == 1 else ">"
    (kind,) = struct.unpack_from(f"{order}I", wkb, start + 1)
    return (
        kind & ~_FLAGS | (1000 * (kind & ~_HAS_SRID & _FLAGS).bit_count()),
        order,
        start + (9 if kind & _HAS_SRID else 5),
    )


def _behind_polygon(wkb: bytes, start: int) -> int:
    """Where the polygon at a position ends. Raises ValueError where there is none."""
    kind, order, start = _head(wkb, start)
    if kind % 1000 != _POLYGON:
        raise ValueError("not a polygon")
    numbers = 2 + (0, 1, 1, 2)[kind // 1000]  # with heights, measures or both
    (rings,) = struct.unpack_from(f"{order}I", wkb, start)
    start += 4
    for _ in range(rings):
        (corners,) = struct.unpack_from(f"{order}I", wkb, start)
        start += 4 + 8 * numbers * corners
        if start > len(wkb):
            raise ValueError("cut short")
    return start
