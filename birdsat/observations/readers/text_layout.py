"""How a text table is laid out, found from its first rows: names, what is between cells, and quotes."""

import csv
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from birdsat.errors import InputError
from birdsat.observations.readers.encoding import decoded
from birdsat.observations.readers.limits import MAX_COLUMNS, MAX_ROW_BYTES

_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?[ \t]*(?:\r\n|\r|\n)', re.IGNORECASE)  # which Excel writes and reads
_BLANK = b"\r\n"
_SAMPLED_ROWS = 2000
_MARKS = tuple(mark.encode() for mark in _DELIMITERS)
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|$)")
_MOST_TITLES, _LONGEST_TITLE = 20, 4096  # lines above the names, and bytes of the first


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundLayout:
    """What the first rows of a text say of all."""

    names: tuple[str, ...]  # of every column, in order
    delimiter: str
    quote: str  # "" where cells are not quoted, though single ones may be (`unquoted`)
    head_bytes: int  # before the first row


def find_layout(sample: bytes, name: object) -> FoundLayout:
    """The layout of a text that begins with `sample`, of more than MAX_ROW_BYTES or all there is.

    Raises InputError for an empty text, a head without an end, and one of more columns than any table has.
    """
    start = len(sample) - len(sample.lstrip(_BLANK))
    told = _SEPARATOR_LINE.match(sample, start)
    if told is not None:
        start = told.end()
    start = _start_of_names(sample, start)
    plain_end = _end_of_row(sample, start, quoted=False)
    head = sample[start:plain_end]
    if not head.strip(b"\0 \t"):
        raise InputError(f"table {name} is empty; export it again.")
    outside = re.sub(rb'"[^"]*"', b"", head)
    delimiter = told[1].decode("latin-1") if told else max(_DELIMITERS, key=lambda mark: outside.count(mark.encode()))
    if head.count(delimiter.encode()) >= MAX_COLUMNS:
        raise InputError(
            f"table {name} has {head.count(delimiter.encode()) + 1:,} columns; up to {MAX_COLUMNS:,} are read."
        )
    quoted = delimiter != "\t" or head.startswith(b'"')
    end = _end_of_row(sample, start, quoted=quoted)
    if end - start > MAX_ROW_BYTES:
        raise InputError(
            f"table {name} begins with a row of more than {MAX_ROW_BYTES >> 20} MiB (or a quote that is not closed); "
            "a row of column names is needed first."
        )
    names = _names(sample[start:end], delimiter, quoted=quoted)
    after = end + (2 if sample[end : end + 2] == b"\r\n" else 1)
    rows = decoded(sample[after:])
    if not quoted:
        quoted = _is_quoted(rows, len(names))
    if _has_row_names(rows, delimiter, len(names), quoted=quoted):
        names = ("", *names)
    elif _ends_in_delimiters(rows, delimiter, len(names), quoted=quoted):
        names = (*names, "")
    return FoundLayout(
        names=names, delimiter=delimiter, quote='"' if quoted else "", head_bytes=min(after, len(sample))
    )


def _start_of_names(sample: bytes, start: int) -> int:
    """Where the row of names begins, behind lines of comments ("# ...") and titles, which have a cell or two."""
    lines = [found for found in itertools.islice(_LINE.finditer(sample, start), _MOST_TITLES) if found[1].strip()]
    comments = list(itertools.takewhile(lambda line: line[1].lstrip().startswith(b"#"), lines))
    if comments and len(comments) < len(lines):
        last, first = comments[-1][1], lines[len(comments)][1]
        mark = max(_MARKS, key=first.count)
        is_head = last.count(mark) == first.count(mark) > 0 and any(map(_is_number, _filled(first)))
        return comments[-1].start() if is_head else lines[len(comments)].start()  # "#species,lat,lon"
    if not lines or lines[0][1].count(b'"') % 2 or len(lines[0][1]) > _LONGEST_TITLE or len(_filled(lines[0][1])) > 1:
        return start
    for line in lines[1:]:
        cells = _filled(line[1])
        if len(cells) > 2:
            is_head = all(line[1].count(mark) < len(cells) for mark in _MARKS) and not any(map(_is_number, cells))
            return line.start() if is_head else start
    return start


def _filled(line: bytes) -> list[bytes]:
    """The cells of a line that are not blank, whatever is between them."""
    mark = max(_MARKS, key=line.count)
    return [cell for cell in line.lstrip(b"# ").split(mark) if cell.strip(b' \t"')]


def _is_number(cell: bytes) -> bool:
    return re.fullmatch(rb'[\s"]*[+-]?\d[\d.,:/-]*[\s"]*', cell) is not None


def _end_of_row(sample: bytes, start: int, *, quoted: bool) -> int:
    """Where the line ends; within quotes it does not."""
    is_open = False
    for found in re.finditer(rb'["\r\n]' if quoted else rb"[\r\n]", sample[start:]):
        if found[0] == b'"':
            is_open = not is_open
        elif not is_open:
            return start + found.start()
    return len(sample)


def _names(head: bytes, delimiter: str, *, quoted: bool) -> tuple[str, ...]:
    text = decoded(head)
    try:
        cells = next(csv.reader([text], delimiter=delimiter)) if quoted else text.split(delimiter)
    except csv.Error:
        cells = text.split(delimiter)
    names = [cell.strip("\ufeff\0 \t") for cell in cells]
    return (names[0].lstrip("# "), *names[1:])


def _lines(rows: str) -> list[str]:
    """Whole ones; the last of a sample may be cut."""
    lines = re.split(r"\r\n|\r|\n", rows, maxsplit=_SAMPLED_ROWS + 1)
    return [line for line in lines[:-1][:_SAMPLED_ROWS] if line]


def _is_quoted(rows: str, width: int) -> bool:
    """Whether rows between tabs come out right only if quotes are read as such, as of cells with line ends in them.

    GBIF's do not quote, so that a quote at the start of a cell is a part of its text. Excel quotes the cells with
    commas, quotes or line ends alone.
    """
    lines = _lines(rows)
    if '"' not in rows or all(line.count("\t") == width - 1 for line in lines):
        return False
    reader = csv.reader((f"{line}\n" for line in lines), delimiter="\t", strict=True)
    try:
        return all(len(row) == width for row in reader)
    except csv.Error:
        return reader.line_num == len(lines) > _SAMPLED_ROWS // 2  # the sample ends within a cell


def _ends_in_delimiters(rows: str, delimiter: str, width: int, *, quoted: bool) -> bool:
    """Whether every row has a cell more than the head, behind, with nothing in it."""
    lines = _lines(rows)[:50]
    try:
        read = list(csv.reader(lines, delimiter=delimiter)) if quoted else [line.split(delimiter) for line in lines]
    except csv.Error:
        return False
    return bool(read) and all(len(row) == width + 1 and not row[-1].strip() for row in read)


def _has_row_names(rows: str, delimiter: str, width: int, *, quoted: bool) -> bool:
    """Whether every row has a cell more than the head, in front, with ascending numbers, as R writes those of rows."""
    lines = _lines(rows)[:50]
    try:
        read: Sequence[list[str]] = (
            list(csv.reader(lines, delimiter=delimiter)) if quoted else [line.split(delimiter) for line in lines]
        )
    except csv.Error:
        return False
    first = [int(row[0]) if len(row) == width + 1 and row[0].isdecimal() else -1 for row in read]
    return len(first) > 1 and first[0] >= 0 and all(one < other for one, other in itertools.pairwise(first))
