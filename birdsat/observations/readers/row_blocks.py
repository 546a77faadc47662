"""Text cut into blocks of whole rows."""

import re
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np

from birdsat.observations.readers.limits import MAX_ROW_BYTES


class RowTooLongError(Exception):
    """A row has more bytes than rows have."""


def row_blocks(stream: IO[bytes], delimiter: str, quote: str) -> Iterator[memoryview]:
    """The text of a stream in blocks of some megabytes, each of whole rows; within quotes a row goes on over line ends.

    Raises RowTooLongError for a row of more than MAX_ROW_BYTES, and what reading the stream raises.
    """
    last_end = _last_row_end(delimiter, quote) if quote else _last_line_end
    rest = b""
    while data := stream.read(MAX_ROW_BYTES):
        block = rest + data
        end = last_end(block)
        if end:
            yield memoryview(block)[:end]
        elif len(block) > MAX_ROW_BYTES:
            raise RowTooLongError
        rest = block[end:]
    if len(rest) > MAX_ROW_BYTES:
        raise RowTooLongError
    if rest:
        yield memoryview(rest)


def _last_line_end(block: bytes) -> int:
    """Behind the last line end; 0 where there is none."""
    return max(block.rfind(b"\n"), block.rfind(b"\r")) + 1


def _last_row_end(delimiter: str, quote: str) -> Callable[[bytes], int]:
    """What finds the place behind the last line end of a block that is not quoted; 0 where there is none."""
    mark = re.escape(quote.encode())
    # A quote opens a cell at its start alone; elsewhere it is a part of the text. The cell goes on to the next that is
    # not doubled, or to the end of the block.
    start = b"(?<=[" + re.escape(delimiter.encode()) + b"\r\n])" + mark
    to_next = b"[^" + mark + b"]*" + mark
    closed = to_next + b"(?:" + mark + to_next + b")*(?!" + mark + b")"
    quoted = re.compile(start + b"(?:" + closed + b"|[\\s\\S]*\\Z)")

    def end(block: bytes) -> int:
        if quote.encode() not in block:
            return _last_line_end(block)
        text = b"\n" + block  # so that the first cell stands behind something as well
        spans = np.array([found.span() for found in quoted.finditer(text)], np.int64).reshape(-1, 2)
        stop = len(text)
        if len(spans) and spans[-1, 1] == len(text):  # open, or its last quote may be half of a doubled one
            stop, spans = int(spans[-1, 0]), spans[:-1]
        while (at := max(text.rfind(b"\n", 1, stop), text.rfind(b"\r", 1, stop))) > 0:
            i = int(np.searchsorted(spans[:, 0], at)) - 1
            if i < 0 or at >= spans[i, 1]:
                return at
            stop = int(spans[i, 0])
        return 0

    return end
