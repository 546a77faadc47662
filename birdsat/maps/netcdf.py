"""Maps as NetCDF with the names and attributes of the Climate and Forecast conventions (CF-1.8)."""

import datetime
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import h5netcdf
import numpy as np
from numpy.typing import NDArray

from birdsat.earth.cog import TILE, wkt
from birdsat.earth.date import COMMON_YEAR
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.files import output_file
from birdsat.maps.description import MapDescription, plain_figures
from birdsat.maps.map_file import MapFile

if TYPE_CHECKING:
    import xarray

_PACKED = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
_NO_FLAG = np.int8(-1)
_WGS84 = {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563, "longitude_of_prime_meridian": 0.0}
_CELL_METHODS = "time: mean within years time: mean over years"


def write_netcdf(map_file: MapFile, path: Path) -> None:
    """Write the map as one NetCDF-4 file, window by window: memory does not grow with the map.

    Dimensions (time, lat, lon), or (time, y, x) for an equal-area grid, with lat(y) and lon(x) beside; no time for a
    map without months. Times are the middles of the months, in order of the year, with the months as `climatology`
    bounds; their year stands for any year. Variables: the quantity, `<quantity>_std`, or `<quantity>_low` and
    `<quantity>_high`, and `applicability` (flags 0 and 1) as the map has them, and `crs`. Longitudes of a grid over the
    antimeridian go on past 180. The file appears whole or not at all; raises InputError when the disk refuses it.
    """
    about = map_file.description
    order = np.argsort(about.months) if about.months else np.zeros(1, dtype=np.int64)
    with output_file(path) as partial, _File(partial) as raw, raw.refusals(), h5netcdf.File(raw, "w") as file:
        file.attrs.update(_about(map_file))
        place = _write_place(file, about.grid)
        time = _write_time(file, about.months) if about.months else ()
        variables, applicability = _make_layers(file, about, time, place)
        for block in map_file.blocks():
            height, width = block.value.shape[1:]
            window = (
                slice(block.first_row, block.first_row + height),
                slice(block.first_column, block.first_column + width),
            )
            inside = (slice(None), *window) if time else window
            layers = (block.value, block.std, block.low, block.high)
            for variable, layer in zip(variables, (one for one in layers if one is not None), strict=True):
                variable[inside] = layer[order] if time else layer[0]
            if applicability is not None and block.applicability is not None:
                known = ~np.isnan(block.applicability)
                applicability[window] = np.where(known, block.applicability, _NO_FLAG).astype(np.int8)


def read_xarray(path: Path) -> "xarray.Dataset":
    """A map that birdsat wrote as GeoTIFF, in memory, with the variables, coordinates and words of its NetCDF file.

    Raises InputError for a file that is not such a map. Needs xarray (the extra "notebook").
    """
    import xarray

    with TemporaryDirectory() as folder, MapFile(path) as map_file:
        file = Path(folder) / "map.nc"
        write_netcdf(map_file, file)
        return xarray.load_dataset(file, engine="h5netcdf", decode_coords="all")


class _File(io.FileIO):
    """The file under HDF5, which crashes the process when a write fails: it sees none, and we see it afterwards."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._refused: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        try:
            while self._refused is None and len(left):
                left = left[super().write(left) :]
        except OSError as error:
            self._refused = error
        return int(memoryview(data).nbytes)

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self._refused = self._refused or error
            return self.tell() if size is None else size

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Raises the OSError that HDF5 was not told of, and not what it may make of a file with holes."""
        try:
            yield
        finally:
            if self._refused is not None:
                raise self._refused


def variable_name(text: str) -> str:
    """A name that every program takes: lower case, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _about(map_file: MapFile) -> dict[str, str]:
    about = map_file.description
    return {
        "Conventions": "CF-1.8",
        "title": f"{about.title}: {about.quantity.name}",
        "taxon" if about.is_taxon else "subject": about.title,
        **({"common_name": about.common_name} if about.common_name else {}),
        "source": about.model,
        "history": f"{map_file.created}: mapped by birdsat",
        "comment": ". ".join((about.quantity.explanation or about.quantity.name, *about.cautions)),
        **({} if about.calibrated is None else {"calibrated": str(about.calibrated).lower()}),
        "evaluated": str(about.evaluated).lower(),
        "evaluation": json.dumps(plain_figures(about.evaluation)),
        "sources": json.dumps(dict(about.sources)),
    }


def _make_layers(
    file: h5netcdf.File, about: MapDescription, time: tuple[str, ...], place: tuple[str, str]
) -> tuple[list[Any], Any | None]:
    """The variables of value and of what is beside it, and that of the area of applicability, None without one."""
    rows, columns = about.grid.shape
    chunks = (min(TILE, rows), min(TILE, columns))
    name = variable_name(about.quantity.name)
    common: dict[str, object] = {"grid_mapping": "crs"}
    if not isinstance(about.grid, Grid):
        common["coordinates"] = "lat lon"
    over_time = common | ({"cell_methods": _CELL_METHODS} if time else {})

    def layer(name: str, dtype: Any, dimensions: tuple[str, ...], fill: Any, attributes: dict[str, object]) -> Any:
        whole = (1,) * (len(dimensions) - 2) + chunks
        variable = file.create_variable(name, dimensions, dtype, chunks=whole, fillvalue=fill, **_PACKED)
        variable.attrs.update(attributes)
        return variable

    nan = np.float32(np.nan)
    variables = [layer(name, "f4", time + place, nan, over_time | _value_attributes(about, name))]
    for word, meaning in _beside(about).items():
        words = {"long_name": f"{meaning} of {about.quantity.name}", "units": about.quantity.units}
        variables.append(layer(f"{name}_{word}", "f4", time + place, nan, over_time | words))
    applicability = None
    if about.applicability:
        flags = {
            "long_name": "area of applicability",
            "flag_values": np.array([0, 1], np.int8),
            "flag_meanings": "outside inside",
        }
        applicability = layer("applicability", "i1", place, _NO_FLAG, common | flags)
    return variables, applicability


def _beside(about: MapDescription) -> dict[str, str]:
    """What a map has beside its values: the end of a variable's name, and what it is."""
    found = {"std": about.quantity.std} if about.std else {}
    if about.interval is not None:
        found |= {"low": f"lower bound of the {about.interval:.0%} interval"}
        found |= {"high": f"upper bound of the {about.interval:.0%} interval"}
    return found


def _value_attributes(about: MapDescription, name: str) -> dict[str, object]:
    attributes: dict[str, object] = {"long_name": about.quantity.name, "units": about.quantity.units}
    if about.quantity.bounds is not None:
        attributes["valid_range"] = np.array(about.quantity.bounds, np.float32)
    beside = [f"{name}_{word}" for word in _beside(about)] + (["applicability"] if about.applicability else [])
    if beside:
        attributes["ancillary_variables"] = " ".join(beside)
    return attributes


def _write_place(file: h5netcdf.File, grid: AnyGrid) -> tuple[str, str]:
    """Coordinates and the CRS; the names of the two dimensions, north first."""
    file.dimensions["bounds"] = 2
    crs = file.create_variable("crs", (), "i4", data=np.int32(grid.epsg))
    crs.attrs["crs_wkt"] = wkt(grid)
    lat = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
    lon = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}
    lon_edges, lat_edges = grid.edges()
    if isinstance(grid, Grid):
        _axis(file, "lat", ("lat",), grid.lat, lat | {"axis": "Y"}, lat_edges)
        _axis(file, "lon", ("lon",), grid.lon, lon | {"axis": "X"}, lon_edges)
        crs.attrs.update({"grid_mapping_name": "latitude_longitude", **_WGS84})
        return "lat", "lon"
    metres = {"units": "m", "long_name": "EASE-Grid 2.0 global (EPSG:6933)"}
    _axis(file, "y", ("y",), grid.north, metres | {"standard_name": "projection_y_coordinate", "axis": "Y"}, None)
    _axis(file, "x", ("x",), grid.east, metres | {"standard_name": "projection_x_coordinate", "axis": "X"}, None)
    _axis(file, "lat", ("y",), grid.lat, lat, lat_edges)
    _axis(file, "lon", ("x",), grid.lon, lon, lon_edges)
    crs.attrs.update(
        {
            "grid_mapping_name": "lambert_cylindrical_equal_area",
            "standard_parallel": 30.0,
            "longitude_of_central_meridian": 0.0,
            "false_easting": 0.0,
            "false_northing": 0.0,
            **_WGS84,
        }
    )
    return "y", "x"


def _axis(
    file: h5netcdf.File,
    name: str,
    dimension: tuple[str],
    centres: NDArray[np.float64],
    attributes: dict[str, str],
    edges: NDArray[np.float64] | None,
) -> None:
    if dimension == (name,):
        file.dimensions[name] = len(centres)
    axis = file.create_variable(name, dimension, "f8", data=centres)
    axis.attrs.update(attributes)
    if edges is not None:
        axis.attrs["bounds"] = f"{name}_bounds"
        pairs = np.column_stack([edges[:-1], edges[1:]])
        file.create_variable(f"{name}_bounds", (*dimension, "bounds"), "f8", data=pairs)


def _write_time(file: h5netcdf.File, months: tuple[int, ...]) -> tuple[str]:
    """The middles of the months in order of the year, each within its month; the name of the dimension."""
    ordered = sorted(months)
    first_day = datetime.date(COMMON_YEAR, 1, 1)
    starts = [(datetime.date(COMMON_YEAR, month, 1) - first_day).days for month in range(1, 13)] + [365]
    file.dimensions["time"] = len(ordered)
    bounds = np.array([[starts[month - 1], starts[month]] for month in ordered], dtype=np.float64)
    time = file.create_variable("time", ("time",), "f8", data=bounds.mean(axis=1))
    time.attrs.update(
        {
            "standard_name": "time",
            "long_name": "middle of the month, in any year",
            "units": f"days since {first_day} 00:00:00",
            "calendar": "standard",
            "axis": "T",
            "climatology": "climatology_bounds",
        }
    )
    file.create_variable("climatology_bounds", ("time", "bounds"), "f8", data=bounds)
    return ("time",)
