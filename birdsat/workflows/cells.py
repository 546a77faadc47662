"""What a request writes of cells and places, made of its text."""

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, about
from birdsat.workflows.requests.regions import GridOptions
from birdsat.workflows.requests.request import Degrees

DEFAULT_DEGREES = 0.25
_WORLD = "-180,-90,180,90"
_MOST_CELLS = 1 << 30  # terabytes of embeddings; the world in cells of 0.01 degrees has fewer


def grid_of(options: GridOptions) -> AnyGrid:
    """The cells that are asked for: of the world where no box is given. Raises ConfigError for impossible ones."""
    box = box_of(options)
    with about("grid" if options.grid_km is None else "grid_km"):
        grid: AnyGrid
        if options.grid_km is not None:
            grid = EqualAreaGrid(box, options.grid_km)
        else:
            grid = Grid(box, DEFAULT_DEGREES if options.grid is None else options.grid)
        if grid.cells > _MOST_CELLS:
            raise ConfigError(
                f"{grid.cells:,} cells in the box {box} are more than can be embedded and kept, {_MOST_CELLS:,}; take "
                "larger cells or a smaller box."
            )
        return grid


def box_of(options: GridOptions) -> Box:
    """The box that is asked for, the world where none is. Raises ConfigError for text that is not one."""
    with about("box"):
        return Box.parse(str(options.box or _WORLD))


def place_of(text: Degrees) -> Place:
    """The place written "LON,LAT", in degrees. ConfigError for other text, PlaceError for one not on Earth."""
    with about("place"):
        try:
            lon, lat = map(float, str(text).split(","))
        except ValueError as error:
            raise ConfigError(
                f"{text!r} is not two numbers LON,LAT in degrees, longitude first, such as 9.5,47.2."
            ) from error
        return Place(lon, lat)
