"""How a table that was sent is to be read, where that is not plain: what its reader asks, and what its owner answers.

An error of a check or a fit comes with the table's columns, so that a page can ask which is which; the answers are the
settings that the command line has for the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from birdsat.errors import ConfigError, nearest

ANSWERS = ("columns", "crs", "trust_places")  # of a check the first two
_ASKED_ABOUT = ("taxon", "lon", "lat", "date")  # what a person can be asked to point at
_MOST_COLUMNS, _MOST_NAMED, _LONGEST = 200, 40, 300
_EXAMPLES, _LONGEST_EXAMPLE = 3, 40


def answered(asked: Mapping[str, Any], names: tuple[str, ...] = ANSWERS) -> dict[str, Any]:
    """What a caller says of how a table is read, as its child is told. Raises ConfigError for what cannot be said."""
    from birdsat.observations.readers.columns import TableColumns

    columns, crs, trust = asked.get("columns") or {}, asked.get("crs"), asked.get("trust_places") or False
    if not isinstance(columns, Mapping) or not all(
        isinstance(one, str) and 0 < len(one) <= _LONGEST for pair in columns.items() for one in pair
    ):
        raise ConfigError(
            f"columns is {str(columns)[:100]!r}; names of columns by what they hold are needed, such as "
            '{"taxon": "Species", "lon": "X"}.',
            settings=("columns",),
        )
    known = tuple(TableColumns.__dataclass_fields__)
    for what in columns:
        if what not in known:
            raise ConfigError(
                f"columns names {what[:100]!r}{nearest(what[:100], known)}; allowed: {', '.join(known)}.",
                settings=("columns",),
            )
    if len(columns) > _MOST_NAMED:
        raise ConfigError(f"columns names {len(columns):,}; allowed: {_MOST_NAMED}.", settings=("columns",))
    if crs is not None and not (isinstance(crs, str) and 0 < len(crs) <= _LONGEST):
        raise ConfigError(f"crs is {str(crs)[:100]!r}; a text is needed, such as EPSG:25832.", settings=("crs",))
    if not isinstance(trust, bool):
        raise ConfigError(f"trust_places is {str(trust)[:100]!r}; allowed: true, false.", settings=("trust_places",))
    said = {"columns": [f"{what}={column}" for what, column in sorted(columns.items())], "crs": crs}
    return {**said, "trust_places": trust} if "trust_places" in names else said


def columns_of(path: Path) -> dict[str, Any]:
    """The columns of a table with some of their values, and which are taken for what. Raises InputError."""
    from birdsat.observations.readers.cell_values import as_text
    from birdsat.observations.readers.columns import find_column
    from birdsat.observations.readers.registry import open_table

    source = open_table(path)
    names = [name for name in source.columns if 0 < len(name) <= _LONGEST][:_MOST_COLUMNS]
    first = next(iter(source.cells(names)), None) if names else None
    values = {} if first is None else {name: as_text(cells.slice(0, 50)) for name, cells in first.columns.items()}

    def examples(name: str) -> list[str]:
        texts = (str(text).strip()[:_LONGEST_EXAMPLE] for text in values[name].to_pylist() if text is not None)
        return list(dict.fromkeys(text for text in texts if text))[:_EXAMPLES]

    found = {what: find_column(names, what, None, path) for what in _ASKED_ABOUT}
    return {
        "columns": [{"name": name, "examples": examples(name) if name in values else []} for name in names],
        "found": {what: column for what, column in found.items() if column is not None},
        "asked": list(_ASKED_ABOUT),
    }
