"""Common names that lie in files of their own beside a table of taxa, as in Darwin Core Archives."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from birdsat.observations.readers.text_tables import TableFile
from birdsat.observations.readers.zipped import ZippedTable, zip_members
from birdsat.observations.taxonomies.languages import language_code
from birdsat.observations.taxonomies.taxon_rows import Row, TaxonRows, of_table

_FILE = re.compile(r"vernacular_?names?(?:-(?P<language>.+))?\.(?:csv|tsv|txt)", re.IGNORECASE)
VERNACULARS = "_vernaculars"  # of a row: "en=Robin;de=Rotkehlchen"


def with_vernaculars(table: TaxonRows, rows: Iterable[Row], *, id_of: Callable[[Row], str]) -> Iterator[Row]:
    """The rows, each with the common names that files beside its table have for it."""
    files = _files(table)
    if not files:
        yield from rows
        return
    listed = list(rows)
    wanted = {id_of(row) for row in listed}
    names: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for file, language in files:
        for row in of_table(table.path, file).read():
            id = row.get("id") or row.get("taxonid") or row.get("coreid", "")
            if id in wanted and (name := row.get("vernacularname", "")):
                code = language_code(row.get("language", "")) or language_code(language)
                names[id][code, name.replace(";", ",")] = None
    for row in listed:
        found = names.get(id_of(row), {})
        row[VERNACULARS] = ";".join(f"{code}={name}" for code, name in found)
        yield row


def vernaculars(row: Row) -> Iterator[tuple[str, str]]:
    """Language and name of each that a row was given."""
    for pair in filter(None, row.get(VERNACULARS, "").split(";")):
        code, _, name = pair.partition("=")
        yield code, name


def _files(table: TaxonRows) -> list[tuple[TableFile, str]]:
    """The files of common names, and the language that their names say."""
    path = table.path
    if path.suffix.lower() == ".zip":
        members = {PurePosixPath(name).name: ZippedTable(archive=path, member=name) for name in zip_members(path)}
        found: dict[str, TableFile] = dict(sorted(members.items()))
    else:
        folder = path if path.is_dir() else path.parent
        found = {file.name: file for file in sorted(folder.iterdir()) if file.is_file()}
    return [(file, match["language"] or "") for name, file in found.items() if (match := _FILE.fullmatch(name))]
