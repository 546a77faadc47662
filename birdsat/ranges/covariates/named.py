"""How covariates are named: rasters of climate, terrain or land cover that are read beside chips and places."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from birdsat.errors import ConfigError, nearest, some_of

CHIP, PLACE, COVARIATES = "chip", "place", "covariates"
INPUTS = (CHIP, PLACE, COVARIATES)  # what a range model may learn from
USUAL_INPUTS = INPUTS[:2]
_CATEGORICAL = ":categorical"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedRaster:
    """A covariate as it is asked for: NAME=PATH, or NAME=PATH:categorical where numbers stand for classes."""

    name: str
    path: Path
    categorical: bool = False

    @classmethod
    def parse(cls, text: str) -> "NamedRaster":
        """Raises ConfigError for anything else."""
        name, equals, path = (part.strip() for part in text.partition("="))
        if not (name and equals and path.removesuffix(_CATEGORICAL)):
            raise ConfigError(
                f"covariate {text!r} has no name or no file; write NAME=PATH, such as rain=prec.tif, or "
                f"NAME=PATH{_CATEGORICAL} for a raster of classes.",
                settings=("covariates",),
            )
        if name.lower() in INPUTS:
            raise ConfigError(
                f"covariate {text!r} has the name of an input of its own; choose another than {', '.join(INPUTS)}.",
                settings=("covariates",),
            )
        ending = path.rpartition(":")[2]
        if ending != _CATEGORICAL[1:] and (near := nearest(ending.lower(), [_CATEGORICAL[1:]])):
            raise ConfigError(
                f"covariate {text!r} ends in {ending!r}{near}; allowed after the file: {_CATEGORICAL}.",
                settings=("covariates",),
            )
        return cls(name=name, path=Path(path.removesuffix(_CATEGORICAL)), categorical=path.endswith(_CATEGORICAL))


def parse_covariates(texts: Sequence[str]) -> tuple[NamedRaster, ...]:
    """All that are asked for. Raises ConfigError for one that is not written so, and for a name or a file twice."""
    found = tuple(map(NamedRaster.parse, texts))
    for what, seen in (("name", [one.name for one in found]), ("file", [str(one.path) for one in found])):
        if twice := sorted({one for one in seen if seen.count(one) > 1}):
            raise ConfigError(
                f"two covariates have the {what} {some_of(twice)}; give each once.", settings=("covariates",)
            )
    return found


def chosen_inputs(inputs: Sequence[str], covariates: bool) -> tuple[str, ...]:
    """What is learned from, in the order of INPUTS: all there is where nothing is chosen.

    Raises ConfigError for covariates that are chosen and not given, or given and not chosen, and for one named twice.
    """
    if not inputs:
        return INPUTS if covariates else INPUTS[:2]
    if len(set(inputs)) < len(inputs):
        raise ConfigError(f"inputs are {', '.join(inputs)}; name each once.", settings=("inputs",))
    if covariates != (COVARIATES in inputs):
        said = (
            "covariates are given, and inputs leave them out; leave out both, or neither"
            if covariates
            else ("inputs name covariates, and none is given; give one, as NAME=PATH of a raster")
        )
        raise ConfigError(f"{said}.", settings=("covariates", "inputs"))
    return tuple(one for one in INPUTS if one in inputs)
