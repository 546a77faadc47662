"""What several verbs do with their options."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birdsat.errors import ConfigError

if TYPE_CHECKING:
    from birdsat.earth.box import Box
    from birdsat.earth.grid import AnyGrid
    from birdsat.earth.place import Place
    from birdsat.workflows.fit_ranges import RecordTables

WORLD = "-180,-90,180,90"
_MOST_CELLS = 1 << 30  # terabytes of embeddings; the world in cells of 0.01 degrees has fewer


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


def refuse_beside(options: dict[str, Any], needed: str) -> None:
    """Options that would be passed over without a word."""
    if options:
        named = " and ".join(f"--{name.replace('_', '-')}" for name in options)
        raise ConfigError(f"{named} can be used with {needed} only; leave it out.")


def cells_of(box: str, *, step: float | None, step_km: float | None, option: str) -> "AnyGrid":
    """The cells of a box W,S,E,N: of `step` degrees, or of one area. option: what gives the step, for messages."""
    from birdsat.earth.grid import EqualAreaGrid, Grid

    if step is not None and step_km is not None:
        raise ConfigError(f"cells are of degrees or of kilometres; give {option} or {option}-km, not both.")
    corners = box_of(box)
    with naming(option if step_km is None else f"{option}-km"):
        grid = EqualAreaGrid(corners, step_km) if step_km is not None else Grid(corners, 0.25 if step is None else step)
        if grid.cells > _MOST_CELLS:
            raise ConfigError(
                f"{grid.cells:,} cells in the box {corners} are more than can be embedded and kept, {_MOST_CELLS:,}; "
                "take larger cells or a smaller box."
            )
        return grid


def box_of(text: str) -> "Box":
    """The box written "W,S,E,N", in degrees."""
    from birdsat.earth.box import Box

    with naming("--box"):
        return Box.parse(text)


def place_of(text: str) -> "Place":
    """The place written "LON,LAT", in degrees."""
    from birdsat.earth.place import Place

    try:
        lon, lat = map(float, text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--place: {text!r} is not two numbers LON,LAT in degrees, longitude first, such as 9.5,47.2."
        ) from error
    return Place(lon, lat)


def record_tables(
    paths: tuple[Path, ...],
    columns: tuple[str, ...] = (),
    *,
    max_uncertainty_km: float | None = None,
    trust_places: bool = False,
) -> "RecordTables":
    """Tables of occurrences whose columns are written NAME=COLUMN."""
    from birdsat.observations.readers.tables import TableColumns
    from birdsat.workflows.fit_ranges import RecordTables

    return RecordTables(
        paths=paths,
        columns=TableColumns.parse(columns),
        max_uncertainty_km=max_uncertainty_km,
        trust_places=trust_places,
    )


def check_months(months: tuple[int, ...]) -> None:
    """Refuse what is no month."""
    from birdsat.earth.date import mid_month

    with naming("--month"):
        if not months:
            raise ConfigError("no month is named; allowed: 1 to 12, one or several.")
        for number in months:
            mid_month(number)


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Errors about a value say which option it came from."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from error
