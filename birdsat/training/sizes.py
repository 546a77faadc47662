"""Whether settings can be those of weights, asked before a model of them is built: damage could ask for all memory."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from birdsat.errors import ConfigError

_MOST_PX = 4096  # side of an image that a method sees
_LEAST_MOST = 1024  # of a setting that counts something else than sides of tensors


def refuse_other_sizes(
    settings: Mapping[str, Any], shapes: Iterable[tuple[int, ...]], *, only: Collection[str] | None = None
) -> None:
    """Raise ConfigError for whole numbers in settings, as JSON has them, that no tensor of these shapes can be of.

    only: the names that are looked at; None: all but seeds.
    """
    known = list(shapes)
    _refuse(settings, len(known), max((side for shape in known for side in shape), default=0), only)


def _refuse(settings: Mapping[str, Any], tensors: int, longest: int, only: Collection[str] | None) -> None:
    for name, value in settings.items():
        if isinstance(value, dict):
            _refuse(value, tensors, longest, only)
        elif (
            isinstance(value, int)
            and not isinstance(value, bool)
            and (name != "seed" if only is None else name in only)
        ):
            most = tensors if "depth" in name else max(longest, _MOST_PX if "px" in name else _LEAST_MOST)
            if value > most:
                raise ConfigError(f"{name} is {value:,}, and with these weights can be {most:,} at most")
