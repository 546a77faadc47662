"""Several recipes with several seeds on one dataset: one table, and one plot."""

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.table import Table

from birdsat.dataset.chip_source import VIRTUAL, open_chips
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.taxa import save_taxon_means, taxon_means
from birdsat.errors import ConfigError
from birdsat.files import write_whole
from birdsat.maps.draw import save_png
from birdsat.recipes.names import RECIPES
from birdsat.recipes.runs import changed
from birdsat.recipes.verbs import embed_rows
from birdsat.recipes.virtual_maps import map_virtual_world
from birdsat.tasks.classify import classify
from birdsat.tasks.retrieve import retrieve
from birdsat.training.config import RunConfig
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import Run
from birdsat.virtual.world import VirtualWorld

FIGURES_FILE = "compare.json"  # of one run, within its folder
TABLE_FILES = ("compare.md", "compare.csv", "compare.png")
MAP_STEP_DEGREES = 5.0
COLUMNS = {
    "probe": "linear probe top-1, photo",
    "knn": "20-NN top-1, photo",
    "probe_all": "linear probe top-1, photo and all else",
    "photo_to_chip": "photo to chip R@10",
    "chip_to_photo": "chip to photo R@10",
    "map_auc": "map AUC",
}

Figures = dict[str, float | None]  # by COLUMNS; None: the method cannot do it


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One recipe: its figures with each seed."""

    recipe: str
    runs: tuple[Figures, ...]

    def values(self, column: str) -> list[float]:
        """Of every seed that has it."""
        return [value for figures in self.runs if (value := figures[column]) is not None]

    def mean(self, column: str) -> float:
        """NaN where the method cannot do it."""
        values = self.values(column)
        return statistics.fmean(values) if values else math.nan

    def spread(self, column: str) -> float:
        """Standard deviation over the seeds; NaN with fewer than two."""
        values = self.values(column)
        return statistics.stdev(values) if len(values) > 1 else math.nan


def compare(
    recipes: Sequence[str],
    seeds: Sequence[int],
    dataset: Dataset,
    out: Path,
    *,
    steps: int | None = None,
    truth: int | None = None,
    workers: int | None = None,
) -> tuple[Row, ...]:
    """Pretrain and judge every recipe with every seed; write the table as Markdown and CSV, and a plot.

    Each run lies in out/RECIPE-SEED. Started again, what is trained and judged is kept. steps: of each run, in place of
    the recipe's own. truth: seed of the virtual world that the dataset is of, whose true ranges judge the maps. Raises
    ConfigError for a folder that was compared with other settings, and for a recipe that sees no photos.
    """
    if not recipes or not seeds:
        raise ConfigError("there is nothing to compare; give at least one recipe and one seed.")
    blind = [recipe for recipe in recipes if RECIPES[recipe]().method.photo_px is None]
    if blind:
        raise ConfigError(f"{blind[0]} sees no photos, by which recipes are judged; leave it out.")
    rows = []
    for recipe in recipes:
        figures = []
        for seed in seeds:
            config = changed(RECIPES[recipe](), steps=steps, seed=seed, workers=workers)
            config = replace(config, val_every=min(config.val_every, config.steps))
            figures.append(_figures(config, dataset, out / f"{recipe}-{seed}", truth))
        rows.append(Row(recipe=recipe, runs=tuple(figures)))
    write_table(rows, out)
    return tuple(rows)


def _figures(config: RunConfig, dataset: Dataset, folder: Path, truth: int | None) -> Figures:
    """Of one run; those that were written before are read."""
    run = pretrain(config, dataset, folder, resume=True)
    kept = folder / FIGURES_FILE
    if kept.is_file():
        known: dict[str, object] = json.loads(kept.read_text())
        if known["truth"] != truth:
            raise ConfigError(f"{folder} was judged with --truth {known['truth']}; compare in another folder.")
        return {name: known[name] for name in COLUMNS}  # type: ignore[misc]
    figures = judge(run, dataset, truth)
    write_whole(kept, json.dumps(figures | {"truth": truth}, indent=2) + "\n")
    return figures


def judge(run: Run, dataset: Dataset, truth: int | None) -> Figures:
    """What a run can do with the test split."""
    train, test = embed_rows(run, dataset, "train"), embed_rows(run, dataset, "test")
    val = embed_rows(run, dataset, "val") if dataset.rows("val") else None
    means = taxon_means(train)
    save_taxon_means(means, run.path)
    figures: Figures = dict.fromkeys(COLUMNS)
    classified = classify(train, val, test)
    figures["probe"] = classified.score("probe", "photo").top1
    figures["knn"] = classified.score("20-NN", "photo").top1
    if not run.method.sees_chips:
        return figures
    knows = run.method.uses_metadata
    figures["probe_all"] = classified.score("probe", "photo + chip, place, date" if knows else "photo + chip").top1
    found = retrieve(test)
    figures["photo_to_chip"] = found.result("photo to chip", with_metadata=knows).species.at[10]
    figures["chip_to_photo"] = found.result("chip to photo", with_metadata=knows).species.at[10]
    if truth is not None:
        world = VirtualWorld(truth, photo_px=run.photo_px)
        chips = open_chips(f"{VIRTUAL}{truth}", ground_km=run.chip_ground_km, px=run.chip_px)
        mapped = map_virtual_world(run.method, means, world, chips, step=MAP_STEP_DEGREES)
        figures["map_auc"] = mapped.report.auc
    return figures


def write_table(rows: Sequence[Row], out: Path) -> None:
    """The table as Markdown and as CSV, and the plot."""
    shown = _shown(rows)
    out.mkdir(parents=True, exist_ok=True)
    markdown, table, plot = (out / name for name in TABLE_FILES)
    lines = [["recipe", *(COLUMNS[column] for column in shown)], ["---"] * (1 + len(shown))]
    lines += [[f"`{row.recipe}`", *(cell(row, column) for column in shown)] for row in rows]
    write_whole(markdown, "".join(f"| {' | '.join(line)} |\n" for line in lines))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["recipe", "seeds", *(f"{column}_{part}" for column in shown for part in ("mean", "spread"))])
    for row in rows:
        values = [value for column in shown for value in (row.mean(column), row.spread(column))]
        writer.writerow([row.recipe, len(row.runs), *("" if math.isnan(value) else f"{value:.5f}" for value in values)])
    write_whole(table, buffer.getvalue())
    save_png(draw_comparison(rows), plot)


def cell(row: Row, column: str) -> str:
    """Mean and spread, or what is left of them."""
    mean, spread = row.mean(column), row.spread(column)
    if math.isnan(mean):
        return "–"
    return f"{mean:.3f}" if math.isnan(spread) else f"{mean:.3f} ± {spread:.3f}"


def console_table(rows: Sequence[Row]) -> Table:
    """For the console."""
    shown = _shown(rows)
    table = Table("recipe", title=f"mean and spread over {len(rows[0].runs)} seed(s)")
    for column in shown:
        table.add_column(COLUMNS[column], justify="right")
    for row in rows:
        table.add_row(row.recipe, *(cell(row, column) for column in shown))
    return table


def draw_comparison(rows: Sequence[Row]) -> Figure:
    """A panel for each figure; a dot for each seed, a line for the mean."""
    shown = _shown(rows)
    figure = Figure(figsize=(1.6 + 1.9 * len(shown), 0.9 + 0.36 * len(rows)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr,call-arg]
    panels = np.atleast_1d(np.asarray(figure.subplots(1, len(shown), sharey=True)))
    for column, axes in zip(shown, panels, strict=True):
        for place, row in enumerate(rows):
            values = row.values(column)
            if values:
                axes.plot([row.mean(column)] * 2, [place - 0.3, place + 0.3], color="#1f6f8b", lw=2.2)
                axes.plot(values, [place] * len(values), "o", ms=4, color="#e07a1f", alpha=0.85)
        axes.set_title(COLUMNS[column].replace(", ", ",\n"), fontsize=8, loc="left", color="#24292f")
        axes.set_yticks(range(len(rows)), [row.recipe for row in rows], fontsize=8, color="#24292f")
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(axis="x", color="#d9dde3", lw=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8, length=0, colors="#24292f")
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.margins(x=0.25)
        axes.set_facecolor("#f7f8fa")
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def _shown(rows: Iterable[Row]) -> list[str]:
    """Columns that any recipe has."""
    rows = list(rows)
    return [column for column in COLUMNS if any(row.values(column) for row in rows)]
