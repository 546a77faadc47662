"""A table of words and figures, for whoever shows it: the console, a Markdown file, a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    lines = [columns, rule, *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").split())
