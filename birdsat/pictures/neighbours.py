"""Queries of retrieval beside their first answers, as one picture."""

import datetime
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from birdsat.dataset.read import read_rows
from birdsat.dataset.row_groups import Dataset
from birdsat.observations.observation import Split
from birdsat.pictures.colours import INK
from birdsat.pictures.map_picture import DPI
from birdsat.tasks.retrieve_report import Direction

HIT, OWN, MISS = "#1a8a4a", "#0b5cad", "#c9ccd1"  # frames: same species, the query's own pair, anything else
_CARD_WIDTH, _CARD_HEIGHT, _HEAD = 1.25, 1.72, 0.46  # inches of an image with its caption; of the words above
_FINEST_TAXON = 22  # letters of a name that fit under an image


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One image and what is known of it."""

    image: NDArray[np.uint8]  # (h, w, 3) RGB
    taxon: str
    where_and_when: str
    row: int  # photo and chip of one row are each other's pair


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A query and its first answers, nearest first."""

    query: Card
    answers: tuple[Card, ...]


def draw_neighbours(panels: Sequence[tuple[Direction, Sequence[Answered]]], *, subtitle: str = "") -> Figure:
    """A panel for each direction, a line for each query; right answers are framed and marked with words."""
    lines = max(len(answered) for _, answered in panels)
    columns = 1 + max(len(one.answers) for _, answered in panels for one in answered)
    figure = Figure(
        figsize=(len(panels) * (columns + 0.45) * _CARD_WIDTH, lines * _CARD_HEIGHT + _HEAD + 0.35), dpi=DPI
    )
    FigureCanvasAgg(figure)
    if subtitle:
        figure.text(0.5, 0.004, subtitle, ha="center", va="bottom", fontsize=7.5, color=INK, parse_math=False)
    parts = np.atleast_1d(np.asarray(figure.subfigures(1, len(panels))))
    for part, (direction, answered) in zip(parts, panels, strict=True):
        _panel(part, direction, answered, lines, columns)
    return figure


def cards(
    dataset: Dataset, split: Split, rows: Sequence[int], *, photo_px: int, chip_px: int
) -> dict[int, tuple[Card, Card]]:
    """The photo and the chip of some rows of `split`."""
    wanted = np.unique(np.asarray(rows, dtype=np.int64))
    found: dict[int, tuple[Card, Card]] = {}
    for batch in read_rows(dataset, split, wanted, batch_size=64, photo_px=photo_px, chip_px=chip_px, workers=0):
        for i, row in enumerate(batch.row.tolist()):
            taxon = dataset.taxa[int(batch.label[i])]
            words = where_and_when(batch.lon_lat[i].tolist(), float(batch.year_fraction[i]))
            photo, chip = (
                Card(image=image[i].permute(1, 2, 0).numpy().copy(), taxon=taxon, where_and_when=words, row=row)
                for image in (batch.photo, batch.chip)
            )
            found[row] = photo, chip
    return found


def where_and_when(lon_lat: Sequence[float], year_fraction: float) -> str:
    """A place to a tenth of a degree and a day of the year; what is not known is left out."""
    words = []
    lon, lat = lon_lat
    if not math.isnan(lon):
        words.append(f"{abs(lat):.1f}°{'N' if lat >= 0 else 'S'} {abs(lon):.1f}°{'E' if lon >= 0 else 'W'}")
    if not math.isnan(year_fraction):
        day = datetime.date(2023, 1, 1) + datetime.timedelta(days=min(364, int(year_fraction * 365)))
        words.append(f"{day.day} {day:%b}")
    return ", ".join(words)


def of_several_labels(rows: Iterable[int], labels: NDArray[np.int64], count: int) -> list[int]:
    """The first `count` rows that are all of different labels."""
    chosen: dict[int, int] = {}
    for row in rows:
        chosen.setdefault(int(labels[row]), row)
    return list(chosen.values())[:count]


def _panel(part: SubFigure, direction: Direction, answered: Sequence[Answered], lines: int, columns: int) -> None:
    asked, given = direction.split(" to ")
    height = lines * _CARD_HEIGHT + _HEAD + 0.35
    # The query stands a little apart: a narrow empty column follows it.
    grid = part.add_gridspec(
        lines,
        columns + 1,
        width_ratios=[1, 0.18, *[1] * (columns - 1)],
        left=0.015,
        right=0.965,
        top=1 - _HEAD / height,
        bottom=(0.35 + 0.32) / height,
        wspace=0.08,
        hspace=0.42,
    )
    part.text(0.015, 1 - 0.12 / height, f"{asked} asks for {given}s", fontsize=11, weight="bold", color=INK, va="top")
    for line, one in enumerate(answered):
        _card(part.add_subplot(grid[line, 0]), one.query, INK, 1.2, "")
        for place, answer in enumerate(one.answers):
            colour, width, word = MISS, 1.0, ""
            if answer.row == one.query.row:
                colour, width, word = OWN, 3.2, "✓ own pair"
            elif answer.taxon == one.query.taxon:
                colour, width, word = HIT, 3.2, "✓ same species"
            _card(part.add_subplot(grid[line, 2 + place]), answer, colour, width, word)


def _card(axes: Axes, card: Card, colour: str, width: float, word: str) -> None:
    axes.imshow(card.image, interpolation="bicubic" if min(card.image.shape[:2]) < 128 else "antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(colour)
        spine.set_linewidth(width)
    if word:
        axes.set_title(word, fontsize=6.5, color=colour, weight="bold", pad=2.5)
    name = card.taxon if len(card.taxon) <= _FINEST_TAXON else card.taxon[: _FINEST_TAXON - 1] + "…"
    below: dict[str, Any] = {
        "transform": axes.transAxes,
        "ha": "center",
        "va": "top",
        "color": INK,
        "parse_math": False,
    }
    axes.text(0.5, -0.05, name, fontsize=6.5, style="italic", **below)
    axes.text(0.5, -0.17, card.where_and_when, fontsize=5.8, **below)
