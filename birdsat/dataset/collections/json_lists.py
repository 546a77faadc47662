"""Lists of a JSON file that is too large for memory, one element at a time."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from birdsat.errors import InputError

_CHUNK = 2**18  # characters read at a time
_LARGEST = 2**24  # characters of one element; what is larger is a damaged file, and not to be held in memory
_ENDS = " \t\n\r,]}"  # what comes after a number
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\n\r]*")


def json_lists(path: Path, names: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Name and element for every element of the lists `names` of the object in the file, in the file's order.

    By the standard library's decoder, which reads the NaN that iNaturalist's files may hold and no streaming JSON
    library does. Raises InputError for a file that is absent, damaged or cut short, or that lacks one of the lists.
    """
    if not path.is_file():
        raise InputError(f"{path} is absent; give the folder that holds it.")
    found: set[str] = set()
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = _Text(file, path)
            text.take("{")
            while True:
                name = str(text.value())
                text.take(":")
                if text.peek() == "[":
                    found.add(name)
                    for element in text.elements():
                        if name in names:
                            yield name, element
                else:
                    text.value()
                if text.take(",}") == "}":
                    break
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error}); restore the file.") from error
    if absent := sorted(set(names) - found):
        raise InputError(f"{path} has no list {', '.join(map(repr, absent))}; it has {', '.join(sorted(found))}.")


def _has_surrogates(value: Any) -> bool:
    """Whether a text in it has a half of a character, which no file or database takes."""
    match value:
        case str():
            return not value.isascii() and _SURROGATE.search(value) is not None
        case dict():
            return any(_has_surrogates(part) for item in value.items() for part in item)
        case list():
            return any(map(_has_surrogates, value))
    return False


class _Text:
    """JSON text, of which no more than one element and one chunk are in memory."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._decoder = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._passed = 0  # characters before the buffer

    def peek(self) -> str:
        """The next character that is not a space; "" at the end."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]  # it matches ""
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read():
                return ""

    def take(self, marks: str) -> str:
        """The next character that is not a space, which must be one of `marks`."""
        mark = self.peek()
        if not mark or mark not in marks:
            raise self._damaged(f"{mark!r} where {' or '.join(marks)} is needed" if mark else "the file is cut short")
        self._at += 1
        return mark

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if not self._read_on():
                    raise self._damaged(error.msg) from error
                continue
            except RecursionError as error:
                raise self._damaged("lists within lists too deep to be read") from error
            except ValueError as error:  # Python reads numbers of up to 4,300 digits
                raise self._damaged("a number of too many digits") from error
            if self._buffer.find("\\ud", self._at, end) >= 0 and _has_surrogates(value):
                raise self._damaged("half of a character")
            ended = not isinstance(value, int | float) or self._buffer[end : end + 1] in tuple(_ENDS)
            if ended or not self._read_on():  # a number may go on in what is not read yet
                self._at = end
                return value

    def elements(self) -> Iterator[Any]:
        """The elements of the list that comes next."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return

    def _read_on(self) -> bool:
        """Read more of the same value, unless it is too large already."""
        return len(self._buffer) - self._at <= _LARGEST and self._read()

    def _read(self) -> bool:
        chunk = self._file.read(_CHUNK)
        self._passed += self._at
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return bool(chunk)

    def _damaged(self, why: str) -> InputError:
        return InputError(
            f"{self._path} is damaged at character {self._passed + self._at:,} ({why}); restore the file."
        )
