"""Cells of a column as text or numbers, and what a function makes of each distinct one: columns, not rows."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

T = TypeVar("T")

_NO_NUMBER = pa.array(["", "na", "nan", "n/a", "#n/a", "null", "none", "-", "-nan", "inf", "-inf"])
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


def as_text(cells: pa.Array) -> pa.Array:
    """(n,) text as it stands; "" where there is none. Whole numbers are written without a point, since a column of them
    with gaps becomes one of floats in many tools."""
    if pa.types.is_floating(cells.type):
        values = cells.to_numpy(zero_copy_only=False)
        whole = np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < 2**62)
        numbers = pa.array(np.where(whole, values, 0).astype(np.int64)).cast(pa.string())
        text = pc.if_else(pa.array(whole), numbers, cells.cast(pa.string()))
        text = pc.if_else(pa.array(np.isnan(values)), "", text)
    else:
        text = cells if pa.types.is_string(cells.type) else cells.cast(pa.string())
    return text.fill_null("") if text.null_count else text


def is_blank(cells: pa.Array) -> NDArray[np.bool_]:
    """(n,) where there is no text, or only blanks."""
    text = as_text(cells)
    empty = to_bools(pc.equal(pc.binary_length(text), 0))
    if any(pc.any(pc.starts_with(text, blank)).as_py() for blank in (" ", "\t", "\u00a0")):
        empty |= to_bools(pc.utf8_is_space(text))
    return empty


def as_numbers(cells: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) numbers, NaN where none is written; and where something else is that is not plainly a number."""
    if not pa.types.is_string(cells.type):
        return to_floats(cells.cast(pa.float64(), safe=False)), np.zeros(len(cells), dtype=np.bool_)
    text = pc.if_else(pc.equal(pc.binary_length(cells), 0), pa.scalar(None, pa.string()), cells)
    try:
        return to_floats(text.cast(pa.float64())), np.zeros(len(cells), dtype=np.bool_)
    except pa.ArrowInvalid:
        plain = pc.match_substring_regex(text, _NUMBER)
        values = to_floats(pc.if_else(plain, text, pa.scalar(None, pa.string())).cast(pa.float64()))
        return values, np.isnan(values) & to_bools(text.is_valid())


def says_nothing(cells: pa.Array) -> NDArray[np.bool_]:
    """(n,) where a cell is blank, or a word that tools write for it, such as NA."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(as_text(cells)))
    return to_bools(pc.is_in(words, _NO_NUMBER))


def to_floats(numbers: pa.Array) -> NDArray[np.float64]:
    """(n,) with NaN for null."""
    values: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
    return values.astype(np.float64, copy=False)


def to_bools(cells: pa.Array) -> NDArray[np.bool_]:
    """(n,) with False for null."""
    values: NDArray[np.bool_] = (cells.fill_null(False) if cells.null_count else cells).to_numpy(zero_copy_only=False)
    return values


def by_distinct(function: Callable[..., T], *columns: pa.Array) -> tuple[NDArray[np.int64], list[T]]:
    """What a function of as many texts makes of the rows: (n,) positions among its answers, and the answers.

    It is asked once for each distinct row, with blanks around the texts left out.
    """
    codes, words = _coded(columns[0])
    rows: list[tuple[str, ...]] = [(word,) for word in words]
    for column in columns[1:]:
        more, words = _coded(column)
        if len(words) == 1:
            rows = [(*row, words[0]) for row in rows]
            continue
        encoded = pa.array(codes * len(words) + more).dictionary_encode()
        keys = encoded.dictionary.to_numpy(zero_copy_only=False)
        rows = [(*rows[key // len(words)], words[key % len(words)]) for key in keys.tolist()]
        codes = _indices(encoded)
    return codes, [function(*row) for row in rows]


def _coded(column: pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    encoded = as_text(column).dictionary_encode()
    return _indices(encoded), [word.strip(" \t\r\n\v\f\0\u00a0") for word in encoded.dictionary.to_pylist()]


def _indices(encoded: Any) -> NDArray[np.int64]:
    indices: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False)
    return indices.astype(np.int64, copy=False)


def is_true(codes: NDArray[np.int64], answers: Iterable[bool]) -> NDArray[np.bool_]:
    """(n,) the answer at the code of each row."""
    found: NDArray[np.bool_] = np.array(list(answers), np.bool_)[codes]
    return found
