"""Darwin Core Archives: zip files in which meta.xml says what the columns of each table are.

Biodiversity data travel so, from GBIF among others. Occurrences are the core, or they extend a core of sampling events
or of taxa; what such a row leaves to its core (as place and date of the event) is taken from there. Source: Darwin Core
Text Guide, TDWG, https://dwc.tdwg.org/text/.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.encoding import text_encoding
from birdsat.observations.readers.keyed_rows import KeyedRows, filled, joined
from birdsat.observations.readers.limits import (
    MAX_COLUMNS,
    MAX_DESCRIPTION_BYTES,
    MAX_DESCRIPTION_DEPTH,
    MAX_HEAD_LINES,
)
from birdsat.observations.readers.reader import Cells, Reader
from birdsat.observations.readers.text_tables import TextTable, first_line
from birdsat.observations.readers.zipped import TextLayout, ZippedTable, is_within, zip_members

META = "meta.xml"
_CORE_ID = "core id"  # no Darwin Core term holds a blank
_PARENT = "parentEventID"
_MOST_PARENTS = 8  # of events within events; a chain longer than this is a loop


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tables:
    """Tables of one kind within the archive."""

    kind: str  # last part of the row type, such as Occurrence
    files: tuple[ZippedTable, ...]
    columns: list[str]  # last parts of the terms, in the files
    defaults: dict[str, str]  # what a column holds where a row leaves it blank, or where the files have none

    @property
    def every_column(self) -> list[str]:
        return list(dict.fromkeys((*self.columns, *self.defaults)))

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """As `TableSource`, over all files. A file may have no rows."""
        last = 0
        for file in self.files:
            start = last
            for cells in TextTable(file, may_be_empty=True).cells([name for name in names if name in self.columns]):
                yield Cells(
                    number=cells.number + start,
                    columns={name: self._filled(cells, name) for name in names},
                    remarks=[(number + start, remark) for number, remark in cells.remarks],
                )
                ends = [*cells.number[-1:].tolist(), *(number for number, _ in cells.remarks)]
                last = max(last, start + max(ends, default=0))

    def _filled(self, cells: Cells, name: str) -> pa.Array:
        """A column, or what holds for all rows that leave it blank."""
        default = pa.repeat(self.defaults.get(name, ""), len(cells))
        return filled(cells.columns[name], default) if name in cells.columns else default


class DarwinCoreArchive:
    """The occurrences of an archive, each with what its core says of it."""

    def __init__(self, path: Path) -> None:
        """Raises InputError for an archive that is damaged, has no occurrences, or describes itself wrongly."""
        self._path = path
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

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """As `TableSource`. The core lies on disk meanwhile, in a file of its own that goes away by itself."""
        occurrences = self._occurrences
        assert occurrences is not None
        rows = 0
        for cells in occurrences.cells(names) if occurrences is self._core else self._extended(occurrences, names):
            rows += len(cells) + len(cells.remarks)
            yield cells
        if rows == 0:
            raise InputError(f"{self._path} has no occurrences in its table of them; download the data set again.")

    def _extended(self, occurrences: _Tables, names: Sequence[str]) -> Iterator[Cells]:
        """Occurrences with what their core says."""
        own = [name for name in names if name in occurrences.every_column]
        shared = [name for name in names if name in self._core.every_column]
        has_parents = self._core.kind == "Event" and _PARENT in self._core.columns
        with KeyedRows([_PARENT, *shared] if has_parents else shared) as core:
            remarks = list(core.fill(self._core, _CORE_ID))
            if remarks:
                yield _only_remarks(names, remarks)
            for cells in occurrences.cells([_CORE_ID, *own]):
                told, _ = joined(
                    cells.columns[_CORE_ID], lambda id: _inherited(core, id, has_parents=has_parents), shared
                )
                columns = {
                    name: filled(cells.columns[name], told[name])
                    if name in own and name in told
                    else cells.columns[name]
                    if name in own
                    else told[name]
                    for name in names
                }
                yield Cells(number=cells.number, columns=columns, remarks=cells.remarks)


def _only_remarks(names: Sequence[str], remarks: Sequence[Remark]) -> Cells:
    """No rows, and remarks on those of another table."""
    blank = pa.array([], pa.string())
    return Cells(
        number=np.zeros(0, np.int64), columns=dict.fromkeys(names, blank), remarks=[(0, remark) for remark in remarks]
    )


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
    data = ZippedTable(archive=path, member=meta).read(MAX_DESCRIPTION_BYTES)
    try:
        parser = ElementTree.XMLParser(target=_PlainTree())
        parser.feed(data)
        root = parser.close()
        found = {tag: [_tables(path, meta, e) for e in root if _last(e.tag) == tag] for tag in ("core", "extension")}
        (core,) = found["core"]
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(
            f"{path}/{meta} does not describe the archive ({first_line(error)}); download it again."
        ) from error
    return core, found["extension"]


class _PlainTree(ElementTree.TreeBuilder):
    """Refuses what descriptions of archives do not have and hostile ones do: declarations of entities, and depth."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it declares a document type, as no meta.xml does")

    def start(self, tag: str, attrs: dict[str, str], /) -> ElementTree.Element:
        self._depth += 1
        if self._depth > MAX_DESCRIPTION_DEPTH:
            raise ValueError(f"it has elements within elements deeper than {MAX_DESCRIPTION_DEPTH}")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)


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
            terms[_number(field, "index", MAX_COLUMNS)] = name
    for id in _children(element, "id", "coreid"):
        column = _number(id, "index", MAX_COLUMNS)
        if _last(element.tag) == "core" and kind == "Occurrence":
            terms.setdefault(column, "id")
        else:
            terms[column] = _CORE_ID
    delimiter = _unescaped(element.get("fieldsTerminatedBy", ","))
    quote = _unescaped(element.get("fieldsEnclosedBy", '"'))
    if not (len(delimiter) == 1 and len(quote) <= 1 and (delimiter + quote).isascii() and delimiter not in "\r\n\0"):
        raise ValueError(
            f"cells end with {delimiter!r} and are enclosed by {quote!r}; one ASCII character each is read"
        )
    if delimiter == quote or quote in ("\r", "\n", "\0"):
        raise ValueError(f"cells end with {delimiter!r} and are enclosed by {quote!r}, which cannot be told apart")
    encoding = text_encoding(element.get("encoding", "UTF-8"))
    head_lines = _number(element, "ignoreHeaderLines", MAX_HEAD_LINES) if "ignoreHeaderLines" in element.attrib else 0
    files = []
    for location in (place for files in _children(element, "files") for place in _children(files, "location")):
        place = (location.text or "").strip()
        if not is_within(place):
            raise ValueError(f"it has a table at {place[:80]!r}, outside the archive")
        file = ZippedTable(archive=path, member=str(PurePosixPath(meta).parent / place))
        layout = TextLayout(
            names=tuple(terms.get(i, f"column {i}") for i in range(max(terms) + 1)),
            delimiter=delimiter,
            quote=quote,
            head_lines=head_lines,
            encoding=encoding,
        )
        files.append(replace(file, layout=layout))
    return _Tables(kind=kind, files=tuple(files), columns=list(terms.values()), defaults=defaults)


def _number(element: ElementTree.Element, name: str, limit: int) -> int:
    """Raises LookupError or ValueError where there is none, or one out of range."""
    text = element.attrib[name].strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < limit):
        raise ValueError(f"{name} is {text[:40]!r}; a number from 0, below {limit:,}, is read")
    return int(text)


def _inherited(core: KeyedRows, id: str, *, has_parents: bool) -> list[str] | None:
    """What the core's row says, or the event that it is a part of where it says nothing."""
    known: list[str] | None = None
    for _ in range(_MOST_PARENTS):
        found = core.find(id)
        if found is None:
            break
        parent, values = (found[0], found[1:]) if has_parents else ("", found)
        known = list(values) if known is None else [own or value for own, value in zip(known, values, strict=True)]
        id = parent.strip()
        if not id or all(known):
            break
    return known


def _children(element: ElementTree.Element, *tags: str) -> list[ElementTree.Element]:
    return [child for child in element if _last(child.tag) in tags]


def _last(term: str) -> str:
    """The name at the end of an address: http://rs.tdwg.org/dwc/terms/eventDate or {http://...}field."""
    return re.split(r"[/#}]", term.rstrip("/"))[-1]


def _unescaped(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")
