"""The taxa that are mixed up most, as a picture: photos of the one beside photos of the other."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from birdsat.dataset.pick import photos_of_rows
from birdsat.dataset.row_groups import Dataset
from birdsat.tasks.classify_figures import EXAMPLES, Confusion

DRAWN_PAIRS = 6
PHOTO_PX = 192  # side at which photos are drawn
_SIDE_INCHES, _ROW_INCHES, _HEAD_INCHES = 4.5, 1.5, 0.7
_INK, _WRONG, _OTHER = "#33363b", "#c0392b", "#c8cacd"  # text; frames of photos that were mistaken, and that were not


def confusion_picture(
    pairs: Sequence[Confusion], taxa: Sequence[str], dataset: Dataset, *, title: str, names: Mapping[str, str]
) -> bytes | None:
    """The worst pairs as PNG, with photos of the test split; None when nothing was mistaken.

    names: common names by taxon, written beside the scientific ones.
    """
    worst = pairs[:DRAWN_PAIRS]
    if not worst:
        return None
    rows = {row for pair in worst for examples in pair.examples for row in examples}
    photos = photos_of_rows(dataset, "test", rows, PHOTO_PX)
    height = len(worst) * _ROW_INCHES
    figure = Figure(figsize=(2 * _SIDE_INCHES, _HEAD_INCHES + height), dpi=130)
    FigureCanvasAgg(figure)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(_HEAD_INCHES, height), hspace=0.0)
    head, body = parts[0, 0], parts[1, 0]
    head.text(0.0125, 0.82, title, fontsize=12, color=_INK, va="top", parse_math=False)
    legend = "In red: photos of the taxon that were taken for the other one. All are cropped as the model sees them."
    head.text(0.0125, 0.4, legend, fontsize=8.5, color=_INK, va="top")
    panels = body.subfigures(len(worst), 2, squeeze=False, wspace=0.0, hspace=0.0)
    for number, pair in enumerate(worst):
        for side, label in enumerate(pair.taxa):
            _draw_side(
                panels[number, side],
                taxon=taxa[label],
                common=names.get(taxa[label], ""),
                count=f"{pair.mistaken[side]:,} of {pair.test_rows[side]:,} taken for the other",
                photos=[photos[row] for row in pair.examples[side] if row in photos],
                mistaken=pair.mistaken[side],
            )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw_side(
    panel: SubFigure, *, taxon: str, common: str, count: str, photos: list[NDArray[np.uint8]], mistaken: int
) -> None:
    name = f"{taxon} ({common})" if common else taxon
    panel.text(0.025, 0.975, _shortened(name, 44), fontsize=9.5, color=_INK, va="top", parse_math=False, weight="bold")
    panel.text(0.025, 0.85, count, fontsize=8.5, color=_INK, va="top")
    for i in range(EXAMPLES):
        axes = panel.add_axes((0.025 + i * 0.238, 0.03, 0.225, 0.7))
        axes.set_xticks([])
        axes.set_yticks([])
        if i >= len(photos):
            axes.set_axis_off()
            continue
        axes.imshow(photos[i])
        for spine in axes.spines.values():
            spine.set_color(_WRONG if i < mistaken else _OTHER)
            spine.set_linewidth(2.5 if i < mistaken else 1)


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"
