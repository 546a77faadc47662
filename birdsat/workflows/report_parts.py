"""Small parts that the sections of a report are written with. All text is escaped here."""

from collections.abc import Iterable, Mapping

from birdsat.tables import Table
from birdsat.workflows.pages import escaped
from birdsat.workflows.report_words import NOT_KNOWN


def pairs(rows: Mapping[str, str]) -> Table:
    """Names and what they are; what is empty is left out."""
    table = Table(columns=["", ""], words=2)
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    return table


def short_area(km2: float) -> str:
    """Square kilometres in a few digits."""
    if km2 >= 1e6:
        return f"{km2 / 1e6:.1f} million"
    return f"{km2:,.0f}" if km2 < 1e4 else f"{round(km2, -3):,.0f}"


def side_of_degrees(degrees: float, sides: str) -> str:
    """10°W, of sides EW."""
    return f"{abs(degrees):g}°{'' if not degrees else sides[degrees < 0]}"


def plain_words(value: object) -> str:
    """A setting; of several numbers, as from the first to the last."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " to ".join(map(plain_words, value))
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def counted(value: object) -> str:
    """A number of rows, where it is known."""
    return f"{value:,}" if isinstance(value, int) else NOT_KNOWN


def day_of(created: str) -> str:
    """The day of a date and time in ISO 8601, where it is known."""
    return created[:10] or "at a time that is not known"


def paragraph(words: str) -> str:
    """Words as HTML."""
    return f"<p>{escaped(words)}</p>"


def bullets(words: Iterable[str]) -> str:
    """A list as HTML."""
    return f"<ul>{''.join(f'<li>{escaped(one)}</li>' for one in words)}</ul>"


def figure(picture: str, caption: str) -> str:
    """picture: HTML of an image, as `pages.image` gives it."""
    return f"<figure>{picture}<figcaption>{escaped(caption)}</figcaption></figure>"
