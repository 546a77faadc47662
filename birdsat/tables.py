"""A table of words and figures, for whoever shows it: the console, a Markdown file, a page."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from birdsat.markdown import markdown_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(slots=True)
class Table:
    """Columns, the first of words, and rows of text in sections. Filled by whoever reports, shown by whoever asks."""

    title: str = ""
    columns: list[str] = field(default_factory=list)
    words: int = 1  # the first columns hold words and stand left; those that follow hold figures and stand right
    sections: list[list[tuple[str, ...]]] = field(default_factory=lambda: [[]])
    caption: str = ""

    def add_column(self, name: str) -> None:
        """Add a column, before there are rows."""
        self.columns.append(name)

    def add_row(self, *cells: str) -> None:
        """Add a row to the last section; cells that are left out at its end are empty."""
        self.sections[-1].append((*cells, *[""] * (len(self.columns) - len(cells))))

    def add_section(self) -> None:
        """The rows that follow stand apart."""
        if self.sections[-1]:
            self.sections.append([])

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The rows of all sections."""
        return [row for section in self.sections for row in section]

    def to_frame(self) -> "pd.DataFrame":
        """The columns and rows for pandas: figures as numbers, where they are written as such."""
        import pandas as pd

        frame = pd.DataFrame(self.rows, columns=self.columns)
        for number in range(self.words, len(self.columns)):
            plain = frame.iloc[:, number].str.replace(",", "").replace("", None)
            as_numbers = pd.to_numeric(plain, errors="coerce")
            if as_numbers.notna().eq(plain.notna()).all():  # "0.5 (0.1)" stays text
                frame = frame.assign(**{self.columns[number]: as_numbers})
        return frame

    def markdown(self) -> str:
        """The columns and rows as a Markdown table, without title and caption."""
        return markdown_table(self.columns, self.rows, words=self.words)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A Markdown table whose first `words` columns stand left and whose others stand right."""
    rule = ["---"] * words + ["---:"] * (len(columns) - words)
    lines = [list(map(markdown_text, columns)), rule, *(list(map(markdown_text, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# With what a cell begins that spreadsheets take for a formula, and its fullwidth forms (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def harmless(cell: object) -> object:
    """The cell of a CSV that a person may open: text that a spreadsheet would run gets a quote mark in front.

    Numbers stay numbers, "-1.5" as well as -1.5.
    """
    if isinstance(cell, str) and cell.startswith(_FORMULA) and _NUMBER.fullmatch(cell) is None:
        return f"'{cell}"
    return cell


class CsvWriter:
    """Writes rows of a CSV that a person may open: every cell is `harmless`."""

    def __init__(self, file: TextIO, head: Sequence[str]) -> None:
        """head: names of the columns. The file is to be opened with newline=""."""
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(list(map(harmless, head)))

    def write(self, rows: Iterable[Sequence[object]]) -> None:
        """Add rows."""
        self._writer.writerows([harmless(cell) for cell in row] for row in rows)


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV of few rows, as `CsvWriter` writes it."""
    text = io.StringIO()
    CsvWriter(text, head).write(rows)
    return text.getvalue()
