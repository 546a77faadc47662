"""The IOC World Bird List: the master list and the multilingual one as tables, and the master list as XML."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from birdsat.errors import InputError
from birdsat.observations.taxonomies.layout import NAME, Layout
from birdsat.observations.taxonomies.taxon_rows import Row, TaxonRows

_GENUS, _EPITHET, _BELOW = "genus", "speciesscientific", "subspecies"
_MULTILINGUAL = re.compile(r"ioc[ _]?v?(\d{1,2}[._]\d)", re.IGNORECASE)  # the column of scientific names, by version


def _recognises(columns: frozenset[str]) -> bool:
    return {_GENUS, _EPITHET} <= columns or any(re.fullmatch(r"iocv?\d{2,3}", name) for name in columns)


def _rows(table: TaxonRows) -> Iterator[Row]:
    """Each with its whole name: in the master list a row gives only its own level, and those above stand over it."""
    column = next((name for name in table.plain_columns if re.fullmatch(r"iocv?\d{2,3}", name)), None)
    above: Row = {}
    for row in table.read():
        if column is not None:
            yield row | {NAME: row.get(column, "")}
            continue
        for level in ("order", "familyscientific", _GENUS, _EPITHET):
            if row.get(level):
                above[level] = row[level]
        words = [above.get(_GENUS, "").capitalize(), above.get(_EPITHET, ""), row.get(_BELOW, "")]
        if row.get(_EPITHET) or words[2]:
            # Extinct ones have a dagger.
            name = " ".join(word.strip("† ") for word in words if word)
            yield row | above | {NAME: name}


def _version(table: TaxonRows) -> str:
    found = [
        match[1].replace("_", ".") for column in table.columns if (match := _MULTILINGUAL.fullmatch(column.strip()))
    ]
    return found[0] if found else table.note


TAXONOMY = Layout(
    authority="ioc",
    title="IOC World Bird List",
    recognises=_recognises,
    rows=_rows,
    version=_version,
)


def open_xml(path: Path) -> TaxonRows:
    """The master list as XML. Raises InputError where it is damaged, or is of another kind."""
    rows: list[Row] = []
    levels = {
        "order": "order",
        "family": "familyscientific",
        "genus": _GENUS,
        "species": _EPITHET,
        "subspecies": _BELOW,
    }
    inside: list[str] = []
    version, words = "", ""
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal version, words
        if not inside:
            if tag != "ioclist":
                raise InputError(f"{path} is XML of another kind ({tag}); give the IOC World Bird List, or a table.")
            version = attributes.get("version", "")
        inside.append(tag)
        words = ""

    def characters(data: str) -> None:
        nonlocal words
        words += data

    def end(tag: str) -> None:
        inside.pop()
        level = levels.get(inside[-1] if inside else "")
        name = " ".join(words.split())
        if level and tag == "latin_name":
            rows.append({level: name.title() if level in ("order", "familyscientific") else name})
        elif level == _EPITHET and tag == "english_name" and rows and _EPITHET in rows[-1]:
            rows[-1]["speciesenglish"] = name

    def refuse(*_: object) -> None:
        raise InputError(f"{path} defines entities of its own, which lists of birds do not need; give a table.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, OSError, LookupError, ValueError) as error:  # LookupError: of an encoding
        raise InputError(f"{path} is not XML that can be read ({error}); download it again.") from error
    columns = ("order", "family (scientific)", "genus", "species (scientific)", "subspecies", "species (english)")
    return TaxonRows(path=path, columns=columns, read=lambda: iter(rows), note=version)
