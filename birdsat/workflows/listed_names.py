"""Names of taxa from a file that somebody wrote: a name a line, or a table with a column of them."""

import csv
import io
import re
from pathlib import Path

from birdsat.errors import InputError
from birdsat.reading import kind_of, read_bytes

_COLUMNS = ("scientific_name", "scientificname", "taxon", "species", "sci_name", "name", "common_name")
_MOST_BYTES = 1 << 25


def listed_names(path: Path, setting: str = "expected") -> list[str]:
    """Each once, in their order. What follows # is left out, and so are empty lines. Of a table without a head that
    says where names are, they are in its first column.

    setting: by which the file was named.

    Raises InputError for a file that is not there, is not text, or has no name.
    """
    try:
        data = read_bytes(path, most_bytes=_MOST_BYTES)
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; give a file of names, one a line.", settings=(setting,)) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = kind_of(data[:1024]) or "not text in UTF-8"
        raise InputError(f"{path} is {found}; give a text file of names, one a line.", settings=(setting,)) from error
    lines = [kept for line in text.splitlines() if (kept := line.partition("#")[0]).strip(" \t\r,;")]
    names = _of_table(lines) or [name for line in lines if (name := _first_cell(line))]
    if not names:
        raise InputError(f"{path} has no name in it; list one taxon a line.", settings=(setting,))
    return list(dict.fromkeys(names))


def _first_cell(line: str) -> str:
    return re.split(r"[,;\t]", line, maxsplit=1)[0].strip().strip("'\"").strip()


def _of_table(lines: list[str]) -> list[str]:
    """Of the first column that is called like one of names; none where there is none."""
    if not lines:
        return []
    separator = next((one for one in ("\t", ";", ",") if one in lines[0]), ",")
    head = [cell.strip().casefold().replace(" ", "_") for cell in next(csv.reader([lines[0]], delimiter=separator))]
    column = next((head.index(name) for name in _COLUMNS if name in head), None)
    if column is None:
        return []
    rows = csv.reader(io.StringIO("\n".join(lines[1:])), delimiter=separator)
    return [row[column].strip() for row in rows if len(row) > column and row[column].strip()]
