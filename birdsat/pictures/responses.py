"""Response curves as a picture: a row a taxon, a column a covariate."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from birdsat.errors import InputError
from birdsat.pictures.colours import FRAME, INK, QUIET, RANGE
from birdsat.pictures.map_picture import DPI
from birdsat.ranges.covariates.responses import Response

MOST_TAXA, MOST_COVARIATES = 8, 8  # that one picture holds
_MOST_CLASSES = 12  # bars of a panel, those that say most
_WIDTH, _HEIGHT = 2.5, 1.75  # inches of a panel


def draw_responses(responses: Sequence[Response], taxa: Sequence[str], labels: Sequence[int]) -> Figure:
    """Probabilities of some taxa, by their labels, against each covariate, with a band of the members' deviation.

    At most MOST_TAXA and MOST_COVARIATES, the first; how many are not shown is said below. Of classes, bars: those that
    are most unlike the mean. Raises InputError where there is nothing to draw.
    """
    if not responses or not labels:
        raise InputError("there is no response to draw; give covariates, and taxa of which records are held out.")
    shown, rows = responses[:MOST_COVARIATES], labels[:MOST_TAXA]
    figure = Figure(figsize=(_WIDTH * len(shown) + 0.8, _HEIGHT * len(rows) + 0.9), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(rows), len(shown), squeeze=False, sharex="col")
    highest = max(float((one.suitability + one.std)[list(rows)].max()) for one in shown)
    top = min(1.0, math.ceil(10 * highest) / 10)  # the same of all panels
    for number, label in enumerate(rows):
        for response, axes in zip(shown, panels[number], strict=True):
            _draw(axes, response, label, top)
            if response is shown[0]:
                axes.set_ylabel("relative suitability", fontsize=8, color=INK)
        panels[number, 0].set_title(taxa[label], fontsize=9, loc="left", color=INK, style="italic", parse_math=False)
    for response, axes in zip(shown, panels[-1], strict=True):
        axes.set_xlabel(response.name, fontsize=9, color=INK, parse_math=False)
    left_out = [(len(labels) - len(rows), "taxa"), (len(responses) - len(shown), "covariates")]
    left_out += [(len(one.classes) - _MOST_CLASSES, f"classes of {one.name}") for one in shown]
    hidden = [f"{count:,} {what}" for count, what in left_out if count > 0]
    marks = " and ".join(sorted({"whiskers" if one.classes else "band" for one in shown}))
    below = f"{marks}: standard deviation over the members" + (f"; not shown: {', '.join(hidden)}" if hidden else "")
    figure.supxlabel(below, fontsize=8, color=QUIET, x=0.99, ha="right")
    return figure


def _draw(axes: Axes, response: Response, label: int, top: float) -> None:
    value, middle, std = response.value, response.suitability[label], response.std[label]
    if response.classes:
        # The same classes for every taxon of a column.
        overall = response.suitability.mean(axis=1, keepdims=True)
        some = np.sort(np.argsort(-np.abs(response.suitability - overall).mean(axis=0))[:_MOST_CLASSES])
        at = np.arange(len(some))
        axes.bar(at, middle[some], yerr=std[some], width=0.7, color=RANGE, alpha=0.75, ecolor=INK, capsize=1.5)
        axes.set_xticks(at, [response.classes[one] for one in some], fontsize=7, parse_math=False)
        if len(some) > 6:
            axes.tick_params(axis="x", rotation=60)
    else:
        axes.fill_between(value, middle - std, middle + std, color=RANGE, alpha=0.2, lw=0)
        axes.plot(value, middle, color=RANGE, lw=1.8)
        axes.set_xlim(value[0], value[-1])
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_ylim(0, top)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.tick_params(labelsize=7.5, length=2, colors=INK)
    axes.grid(axis="y", color="#e3e5e8", lw=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FRAME)
