"""What pages of HTML have in common: their style, tables and pictures. All text is escaped here."""

import html
from collections.abc import Sequence
from importlib.resources import files

from birdsat.tables import Table


def style() -> str:
    """The rules of CSS that all pages share."""
    return files("birdsat.workflows").joinpath("page.css").read_text(encoding="utf-8")


def escaped(words: object) -> str:
    """Words that stand for themselves, wherever they come from."""
    return html.escape(str(words))


def image(address: str, words: str) -> str:
    """A picture by its data address; words: for those who do not see it."""
    return f'<img src="{address}" alt="{escaped(words)}">'


def html_table(table: Table) -> str:
    """A table that scrolls by itself where it is wider than the page."""
    kinds = [' class="words"' if number < table.words else "" for number in range(len(table.columns))]

    def row(cells: Sequence[str], tag: str) -> str:
        joined = "".join(f"<{tag}{kind}>{escaped(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True))
        return f"<tr>{joined}</tr>"

    head = f"<thead>{row(table.columns, 'th')}</thead>" if any(table.columns) else ""
    body = "".join(row(cells, "td") for cells in table.rows)
    note = f'<p class="note">{escaped(table.caption)}</p>' if table.caption else ""
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>{note}'
