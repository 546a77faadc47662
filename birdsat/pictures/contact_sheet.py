"""Photos beside what they were named, as pages to look through."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from birdsat.pictures.colours import INK, QUIET

COLUMNS = 5
PHOTO_PX = 320  # longer side at which a photo is drawn
_CARD_INCHES = (2.15, 2.45)
_PHOTO_INCHES = 1.62  # height of the photo on a card
_HEAD_INCHES, _EDGE_INCHES = 0.62, 0.22
_DPI = 150
_NO_PHOTO = "#eceef0"
_MOST_LETTERS = 39  # of a line under a photo
# By what is said of a photo, told by its words as well as by colour.
COLOUR = {
    "named": "#1a7f52",
    "rolled up": "#0b5cad",
    "not calibrated": "#8a5a00",
    "not among these birds": "#8a5a00",
    "unreadable": "#b03030",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoCard:
    """A photo on a sheet, and the lines below it."""

    photo: NDArray[np.uint8] | None  # (h, w, 3) RGB; None: it cannot be read
    file: str  # its name
    verdict: str
    name: str
    common_name: str = ""
    figures: str = ""  # scores
    where_and_when: str = ""
    mark: str = ""  # what is odd


def contact_sheet(cards: Sequence[PhotoCard], *, title: str, note: str = "") -> bytes:
    """A page of photos as PNG: a few dozen, as it is drawn at once."""
    lines = max(1, -(-len(cards) // COLUMNS))
    width = COLUMNS * _CARD_INCHES[0] + 2 * _EDGE_INCHES
    height = lines * _CARD_INCHES[1] + _HEAD_INCHES + _EDGE_INCHES
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    left = _EDGE_INCHES / width
    figure.text(left, 1 - 0.2 / height, title, fontsize=12, weight="bold", color=INK, va="top", parse_math=False)
    figure.text(left, 1 - 0.42 / height, note, fontsize=7.5, color=QUIET, va="top", parse_math=False)
    for number, card in enumerate(cards):
        line, column = divmod(number, COLUMNS)
        x = _EDGE_INCHES + column * _CARD_INCHES[0]
        y = height - _HEAD_INCHES - line * _CARD_INCHES[1] - _PHOTO_INCHES
        shown = (_CARD_INCHES[0] - 0.15) / width
        axes = figure.add_axes((x / width, y / height, shown, _PHOTO_INCHES / height))
        _draw_photo(axes, card)
        _write_lines(axes, card)
    buffer = io.BytesIO()
    with warnings.catch_warnings():  # letters of file names that the font has not are drawn as boxes
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw_photo(axes: Axes, card: PhotoCard) -> None:
    axes.set_axis_off()
    box = (_CARD_INCHES[0] - 0.15) / _PHOTO_INCHES
    axes.set_xlim(0, box)
    axes.set_ylim(0, 1)
    axes.add_patch(Rectangle((0, 0), box, 1, facecolor=_NO_PHOTO, edgecolor="none", zorder=-1))
    if card.photo is None:
        axes.text(box / 2, 0.5, "no picture", ha="center", va="center", fontsize=8, color=QUIET)
        return
    height, width = card.photo.shape[:2]
    scale = min(box / width, 1 / height)
    w, h = width * scale, height * scale
    x, y = (box - w) / 2, (1 - h) / 2
    axes.imshow(card.photo, extent=(x, x + w, y, y + h), interpolation="antialiased", aspect="auto")
    axes.set_xlim(0, box)
    axes.set_ylim(0, 1)


def _write_lines(axes: Axes, card: PhotoCard) -> None:
    colour = COLOUR.get(card.verdict, INK)
    scientific = card.verdict in ("named", "rolled up")
    first = card.common_name or card.name
    below = card.name if card.common_name else ""
    second = ", ".join(part for part in (below, card.figures, card.mark) if part)
    step = 0.083
    words = (
        (first, 7.8, "bold", "italic" if scientific and not card.common_name else "normal", colour),
        (second, 6.6, "normal", "italic" if card.common_name else "normal", INK),
        (card.where_and_when, 6.0, "normal", "normal", QUIET),
        (card.file, 6.0, "normal", "normal", QUIET),
    )
    y = -0.035
    for text, size, weight, style, ink in words:
        if not text:
            continue
        axes.text(0, y, _short(text), fontsize=size, weight=weight, style=style, color=ink, va="top", parse_math=False)
        y -= step + (0.012 if size > 7 else 0)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _MOST_LETTERS else f"{plain[: _MOST_LETTERS - 1]}…"
