"""Names that a user leads to others by hand."""

from pathlib import Path

from birdsat.errors import InputError
from birdsat.observations.readers.column_names import plain
from birdsat.observations.taxonomies.taxon_rows import open_taxon_rows

_OLD = ("oldname", "old", "from", "name", "writtenname")
_NEW = ("newname", "new", "to", "acceptedname", "scientificname")


def read_mapping(path: Path) -> dict[str, str]:
    """Old name -> new name, from a table with the columns old_name and new_name; rows without either are passed over.

    Raises InputError for a table without these columns, and for a name that is led to two.
    """
    table = open_taxon_rows(path)
    present = set(map(plain, table.columns))
    old, new = (next((name for name in names if name in present), None) for names in (_OLD, _NEW))
    if old is None or new is None:
        raise InputError(
            f"{path} is not a mapping of names: its columns are {', '.join(table.columns)}; call them old_name and "
            "new_name.",
            settings=("mapping",),
        )
    mapping: dict[str, str] = {}
    for row in table.read():
        name, to = row.get(old, ""), row.get(new, "")
        if name and to and mapping.setdefault(name, to) != to:
            raise InputError(
                f"{path} leads {name!r} to {mapping[name]!r} and to {to!r}; keep one of the two.", settings=("mapping",)
            )
    return mapping
