"""The files that a map can be written to beside its GeoTIFF. A new one is a function of its own and a line here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MapFormat:
    """A file's ending, and what writes it: from an open map file and a path."""

    ending: str
    function: str  # "module:function"
    is_drawn: bool = False  # a picture: it takes the land and the points to draw as well
    # "module:function" that raises InputError for the description of a map that it cannot be made of, which is noted
    refuses: str = ""
    beside: str = ""  # "module:function" from its path to that of a JSON which is written with it


FORMATS: dict[str, MapFormat] = {
    "netcdf": MapFormat(".nc", "birdsat.maps.netcdf:write_netcdf"),
    "gif": MapFormat(".gif", "birdsat.pictures.animate:animate_map", is_drawn=True),
    "parquet": MapFormat(".parquet", "birdsat.maps.cell_table:write_cells"),
    "csv": MapFormat(".csv", "birdsat.maps.cell_table:write_cells"),
    "range": MapFormat(
        ".gpkg",
        "birdsat.maps.range_file:write_range",
        refuses="birdsat.maps.range_file:check_rangeable",
        beside="birdsat.maps.range_file:areas_path",
    ),
}


def file_name(title: str) -> str:
    """A title as a file's name."""
    return title.replace(" ", "_").replace("/", "_")
