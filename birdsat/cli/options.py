"""What several verbs do with their options."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from birdsat.errors import ConfigError

if TYPE_CHECKING:
    from birdsat.earth.box import Box


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


def box_of(text: str) -> "Box":
    """The box written "W,S,E,N", in degrees."""
    from birdsat.earth.box import Box

    with naming("--box"):
        return Box.parse(text)


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Errors about a value say which option it came from."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from error
