"""The calendar of a place as a picture."""

from calendar import month_abbr
from textwrap import wrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from birdsat.errors import InputError
from birdsat.maps.species_list import PlaceCalendar, mark_of, meaning_of_marks, where
from birdsat.pictures.colours import INK, SCORE_COLOURS
from birdsat.pictures.map_picture import DPI

MOST_ROWS = 60  # taxa that one picture holds
_ROW_INCHES, _COLUMN_INCHES, _LETTER_INCHES, _SMALL_LETTER_INCHES, _LINE_INCHES = 0.2, 0.36, 0.075, 0.065, 0.14
_FAINT = "#6b6f76"


def draw_calendar(calendar: PlaceCalendar, *, subtitle: str = "") -> Figure:
    """Taxa by months, darker where likelier, on one scale from 0 to 1; the number of species expected below, and what
    whoever reads it must know.

    At most MOST_ROWS taxa, the likeliest; how many are not shown is said below. Raises InputError for a calendar
    without taxa.
    """
    if not calendar.taxa:
        raise InputError("the calendar has no taxon to draw; ask for less likely ones too.")
    taxa, shown = calendar.taxa[:MOST_ROWS], calendar.found.of(np.arange(min(MOST_ROWS, len(calendar.taxa))))
    labels = [
        (f"{common} ({taxon})" if common else taxon) + mark_of(inside)
        for taxon, common, inside in zip(taxa, calendar.common_names, shown.applicable, strict=False)
    ]  # the names beyond the last row are not among them
    width = 12 * _COLUMN_INCHES + _LETTER_INCHES * max(map(len, labels)) + 1.6
    letters = int(width / _SMALL_LETTER_INCHES)
    mark = meaning_of_marks(shown).removeprefix("; ")
    notes = [line for note in (mark, *calendar.cautions, subtitle) for line in wrap(note, letters)]
    height = _ROW_INCHES * len(taxa) + _LINE_INCHES * len(notes) + 1.6
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(where(calendar.place), fontsize=13, color=INK, parse_math=False)
    axes = figure.subplots()
    image = axes.imshow(shown.suitability, cmap=SCORE_COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(taxa)), labels, fontsize=8, style="normal" if any(calendar.common_names) else "italic")
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    digits = 1 if max(calendar.expected) < 10 else 0
    months = [f"{name}\n{n:.{digits}f}" for name, n in zip(month_abbr[1:], calendar.expected, strict=True)]
    axes.set_xticks(range(12), months, fontsize=8)
    axes.tick_params(length=0, colors=INK)
    axes.set_xticks(np.arange(-0.5, 12), minor=True)
    axes.set_yticks(np.arange(-0.5, len(taxa)), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    hidden = calendar.left_out + len(calendar.taxa) - len(taxa)
    below = "species expected, by month" + (f"; {hidden:,} less likely taxa not shown" if hidden else "")
    axes.set_xlabel(below, fontsize=8.5, color=INK)
    bar = figure.colorbar(image, ax=axes, shrink=max(0.3, min(1.0, 12 / len(taxa))), aspect=22, pad=0.02)
    bar.set_label("relative suitability", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set(linewidth=0.5, edgecolor="#8a8d92")
    if notes:
        figure.supxlabel("\n".join(notes), fontsize=8, color=_FAINT, x=0.99, ha="right", parse_math=False)
    return figure
