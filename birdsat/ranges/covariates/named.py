"""How covariates are named: rasters or columns of climate, terrain or land cover, read beside chips and places."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from birdsat.errors import ConfigError, nearest, some_of
from birdsat.observations.readers.zipped import ANY_TABLE_SUFFIXES

CHIP, PLACE, COVARIATES = "chip", "place", "covariates"
INPUTS = (CHIP, PLACE, COVARIATES)  # what a range model may learn from
USUAL_INPUTS = INPUTS[:2]
_CATEGORICAL = ":categorical"
# Tables too, of which the reader says what to do.
_TABLES = (*ANY_TABLE_SUFFIXES, ".xlsx", ".xls", ".ods")


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedCovariate:
    """A covariate as it is asked for: NAME=RASTER or NAME=TABLE:COLUMN, with :categorical after it where numbers stand
    for classes."""

    name: str
    path: Path
    column: str = ""  # of a table; "": a raster
    categorical: bool = False

    @classmethod
    def parse(cls, text: str) -> "NamedCovariate":
        """A table without a column has one that is called as the covariate. Raises ConfigError for anything else."""
        name, equals, rest = (part.strip() for part in text.partition("="))
        file, column = _table_and_column(rest.removesuffix(_CATEGORICAL))
        if not (name and equals and file):
            raise ConfigError(
                f"covariate {text!r} has no name or no file; write NAME=RASTER, such as rain=prec.tif, or "
                f"NAME=TABLE:COLUMN, such as rain=sites.csv:prec, and {_CATEGORICAL} after it for classes.",
                settings=("covariates",),
            )
        if name.lower() in INPUTS:
            raise ConfigError(
                f"covariate {text!r} has the name of an input of its own; choose another than {', '.join(INPUTS)}.",
                settings=("covariates",),
            )
        ending = file.rpartition(":")[2]
        if column is None and (near := nearest(ending.lower(), [_CATEGORICAL[1:]])):
            raise ConfigError(
                f"covariate {text!r} ends in {ending!r}{near}; allowed after the file: {_CATEGORICAL}.",
                settings=("covariates",),
            )
        return cls(
            name=name,
            path=Path(file),
            column="" if column is None else column or name,
            categorical=rest.endswith(_CATEGORICAL),
        )


def where_read(file: str, column: str) -> str:
    """A raster, or a column of a table, as it is asked for."""
    return f"{file}:{column}" if column else file


def _table_and_column(text: str) -> tuple[str, str | None]:
    """A file, and of a table what is written after it; None of another file, whose name may hold colons."""
    for at in [i for i, sign in enumerate(text) if sign == ":"] + [len(text)]:
        if text[:at].lower().endswith(_TABLES):
            return text[:at], text[at + 1 :]
    return text, None


def parse_covariates(texts: Sequence[str]) -> tuple[NamedCovariate, ...]:
    """All that are asked for. Raises ConfigError for one that is not written so, and for a name or a source twice."""
    found = tuple(map(NamedCovariate.parse, texts))
    files = [where_read(str(one.path), one.column) for one in found]
    for what, seen in (("name", [one.name for one in found]), ("source", files)):
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
            else ("inputs name covariates, and none is given; give one, as NAME=RASTER or NAME=TABLE:COLUMN")
        )
        raise ConfigError(f"{said}.", settings=("covariates", "inputs"))
    return tuple(one for one in INPUTS if one in inputs)
