"""Recipes side by side: a panel for each figure, a dot for each seed."""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def draw_comparison(recipes: Sequence[str], figures: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """A panel for each figure, with a dot for each seed and a line for the mean.

    figures: by title, the values of each recipe's seeds; a recipe that cannot do it has none.
    """
    figure = Figure(figsize=(1.6 + 1.9 * len(figures), 0.9 + 0.36 * len(recipes)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr,call-arg]
    panels = np.atleast_1d(np.asarray(figure.subplots(1, len(figures), sharey=True)))
    for (title, of_recipes), axes in zip(figures.items(), panels, strict=True):
        for place, values in enumerate(of_recipes):
            if values:
                axes.plot([statistics.fmean(values)] * 2, [place - 0.3, place + 0.3], color="#1f6f8b", lw=2.2)
                axes.plot(values, [place] * len(values), "o", ms=4, color="#e07a1f", alpha=0.85)
        axes.set_title(title.replace(", ", ",\n"), fontsize=8, loc="left", color="#24292f")
        axes.set_yticks(range(len(recipes)), recipes, fontsize=8, color="#24292f", parse_math=False)
        axes.set_ylim(len(recipes) - 0.4, -0.6)
        axes.grid(axis="x", color="#d9dde3", lw=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8, length=0, colors="#24292f")
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.margins(x=0.25)
        axes.set_facecolor("#f7f8fa")
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure
