"""Darwin Core Archives: zip files in which meta.xml says what the columns of each table are.

Biodiversity data travel so, from GBIF among others. Occurrences are the core, or they extend a core of sampling events
or of taxa; what such a row leaves to its core (as place and date of the event) is taken from there. Source: Darwin Core
Text Guide, TDWG, https://dwc.tdwg.org/text/.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.reader import Reader
from birdsat.observations.readers.table_rows import table_rows
from birdsat.observations.readers.zipped import CsvLayout, ZippedTable, zip_members

META = "meta.xml"
_CORE_ID = "core id"  # no Darwin Core term holds a blank
_PARENT = "parentEventID"
_MOST_PARENTS = 8  # of events within events; a chain longer than this is a loop


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tables:
    """Tables of one kind within the archive."""

    kind: str  # last part of the row type, such as Occurrence
    files: tuple[ZippedTable, ...]
    columns: tuple[str, ...]  # last parts of the terms, in the files
    defaults: dict[str, str]  # what a column holds where a row leaves it blank, or where the files have none

    @property
    def every_column(self) -> list[str]:
        return list(dict.fromkeys((*self.columns, *self.defaults)))

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
        number = 0
        for file in self.files:
            last = number
            for row in table_rows(file, [name for name in names if name in self.columns]):
                if isinstance(row, Remark):
                    number += 1
                    yield row
                    continue
                number = last + row[0]
                yield number, {name: row[1].get(name) or self.defaults.get(name, "") for name in names}


class DarwinCoreArchive:
    """The occurrences of an archive, each with what its core says of it."""

    def __init__(self, path: Path) -> None:
        """Raises InputError for an archive that is damaged, has no occurrences, or describes itself wrongly."""
        self._core, extensions = _described(path)
        self._occurrences = next((t for t in (self._core, *extensions) if t.kind == "Occurrence"), None)
        if self._occurrences is None:
            kinds = ", ".join(table.kind for table in (self._core, *extensions))
            raise InputError(f"{path} has no occurrences, only {kinds}; download the occurrences of the data set.")

    @property
    def columns(self) -> list[str]:
        """Terms without their namespace: the occurrences' own, then those that only the core has."""
        assert self._occurrences is not None
        return list(dict.fromkeys((*self._occurrences.every_column, *self._core.every_column)))

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
        """As `table_rows`. The core lies on disk meanwhile, in a file of its own that goes away by itself."""
        occurrences = self._occurrences
        assert occurrences is not None
        if occurrences is self._core:
            yield from occurrences.rows(names)
            return
        own = [name for name in names if name in occurrences.every_column]
        shared = [name for name in names if name in self._core.every_column]
        with closing(sqlite3.connect("")) as journal:
            parents = self._core.kind == "Event" and _PARENT in self._core.columns
            yield from _store(journal, self._core, shared, parents=parents)
            for row in occurrences.rows([_CORE_ID, *own]):
                if isinstance(row, Remark):
                    yield row
                    continue
                number, cells = row
                inherited = _inherited(journal, cells.pop(_CORE_ID), shared)
                yield number, {name: cells.get(name) or inherited.get(name, "") for name in names}


def _is_archive(path: Path) -> bool:
    """Whether it is a zip file that describes itself as a Darwin Core Archive does. Raises InputError where damaged."""
    return path.suffix.lower() == ".zip" and _meta(zip_members(path)) is not None


ARCHIVE = Reader(name="a Darwin Core Archive (.zip)", recognises=_is_archive, open=DarwinCoreArchive)


def _meta(members: Sequence[str]) -> str | None:
    found = [name for name in members if PurePosixPath(name).name == META]
    return min(found, key=lambda name: name.count("/"), default=None)


def _described(path: Path) -> tuple[_Tables, list[_Tables]]:
    """The core and its extensions."""
    meta = _meta(zip_members(path))
    if meta is None:
        raise InputError(f"{path} holds no {META}; a Darwin Core Archive needs one.")
    try:
        with ZippedTable(archive=path, member=meta).open() as file:
            root = ElementTree.parse(file).getroot()
        found = {tag: [_tables(path, meta, e) for e in root if _last(e.tag) == tag] for tag in ("core", "extension")}
        (core,) = found["core"]
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path}/{meta} does not describe the archive ({error}); download it again.") from error
    return core, found["extension"]


def _tables(path: Path, meta: str, element: ElementTree.Element) -> _Tables:
    """Raises LookupError or ValueError where the description lacks something, or says what cannot be read."""
    kind = _last(element.attrib["rowType"])
    terms: dict[int, str] = {}
    defaults: dict[str, str] = {}
    for field in _children(element, "field"):
        name = _last(field.attrib["term"])
        if "default" in field.attrib:
            defaults[name] = field.attrib["default"]
        if "index" in field.attrib and name not in terms.values():  # two vocabularies may share a name
            terms[int(field.attrib["index"])] = name
    for id in _children(element, "id", "coreid"):
        column = int(id.attrib["index"])
        if _last(element.tag) == "core" and kind == "Occurrence":
            terms.setdefault(column, "id")
        else:
            terms[column] = _CORE_ID
    delimiter = _unescaped(element.get("fieldsTerminatedBy", ","))
    quote = _unescaped(element.get("fieldsEnclosedBy", '"'))
    if len(delimiter) != 1 or len(quote) > 1:
        raise ValueError(f"cells end with {delimiter!r} and are enclosed by {quote!r}; one character each is read")
    encoding, head_lines = element.get("encoding", "UTF-8"), int(element.get("ignoreHeaderLines", "0"))
    files = []
    for location in (place for files in _children(element, "files") for place in _children(files, "location")):
        file = ZippedTable(archive=path, member=str(PurePosixPath(meta).parent / (location.text or "").strip()))
        with file.open() as stream:  # the table may have columns that the description passes over
            width = len(stream.readline().decode(encoding).split(delimiter)) if head_lines else 0
        names = tuple(terms.get(i, f"column {i}") for i in range(max(width, max(terms) + 1)))
        layout = CsvLayout(names=names, delimiter=delimiter, quote=quote, head_lines=head_lines, encoding=encoding)
        files.append(replace(file, layout=layout))
    return _Tables(kind=kind, files=tuple(files), columns=tuple(terms.values()), defaults=defaults)


def _store(journal: sqlite3.Connection, core: _Tables, names: Sequence[str], *, parents: bool) -> Iterator[Remark]:
    """Put the core's rows into the journal, each under its id; a remark for each that is malformed."""
    columns = "".join(f", c{i} TEXT" for i in range(len(names)))
    journal.execute(f"CREATE TABLE core (id TEXT PRIMARY KEY, parent TEXT{columns}) WITHOUT ROWID")
    insert = f"INSERT OR IGNORE INTO core VALUES (?, ?{', ?' * len(names)})"
    for row in core.rows([_CORE_ID, *names, *([_PARENT] if parents else [])]):
        if isinstance(row, Remark):
            yield row
            continue
        cells = row[1]
        parent = cells[_PARENT] if parents else ""
        journal.execute(insert, (cells[_CORE_ID], parent, *(cells[name] for name in names)))


def _inherited(journal: sqlite3.Connection, id: str, names: Sequence[str]) -> dict[str, str]:
    """What the core's row says, or the event that it is a part of where it says nothing."""
    known: dict[str, str] = {}
    for _ in range(_MOST_PARENTS):
        found = journal.execute("SELECT * FROM core WHERE id = ?", (id,)).fetchone()
        if found is None:
            break
        known = {name: known.get(name) or value for name, value in zip(names, found[2:], strict=True)}
        id = found[1]
        if not id or all(known.values()):
            break
    return known


def _children(element: ElementTree.Element, *tags: str) -> list[ElementTree.Element]:
    return [child for child in element if _last(child.tag) in tags]


def _last(term: str) -> str:
    """The name at the end of an address: http://rs.tdwg.org/dwc/terms/eventDate or {http://...}field."""
    return re.split(r"[/#}]", term.rstrip("/"))[-1]


def _unescaped(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")
