"""Several recipes with several seeds on one dataset: one table, and one plot."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.taxa import save_taxon_means, taxon_means
from birdsat.errors import ConfigError
from birdsat.files import write_atomic
from birdsat.imagery.virtual_imagery import virtual_imagery
from birdsat.locks import folder_lock
from birdsat.pictures.comparison import draw_comparison
from birdsat.pictures.map_picture import save_png
from birdsat.progress import QUIET, Progress
from birdsat.reading import read_json
from birdsat.recipes.ours import changed
from birdsat.recipes.registry import RECIPE_FILE, recipe
from birdsat.tables import Table, csv_text
from birdsat.tasks.classify import classify
from birdsat.tasks.retrieve import retrieve
from birdsat.training.config import RunConfig
from birdsat.training.pretrain import pretrain
from birdsat.training.resuming import saved_steps
from birdsat.training.run_folder import CONFIG_FILE, Run
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.requests.tasks import CompareRequest
from birdsat.workflows.virtual_maps import map_virtual_world

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

    def std(self, column: str) -> float:
        """Standard deviation over the seeds; NaN with fewer than two."""
        values = self.values(column)
        return statistics.stdev(values) if len(values) > 1 else math.nan


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareResult:
    """The table, and where it is written."""

    rows: tuple[Row, ...]
    folder: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The table as Markdown and CSV, and the plot."""
        return tuple(self.folder / name for name in TABLE_FILES)

    def table(self) -> Table:
        """Mean and standard deviation of each figure, a row a recipe."""
        shown = _shown(self.rows)
        title = f"mean and standard deviation over {len(self.rows[0].runs)} seed(s)"
        table = Table(columns=["recipe", *(COLUMNS[column] for column in shown)], title=title)
        for row in self.rows:
            table.add_row(row.recipe, *(cell(row, column) for column in shown))
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the figures of each recipe with each seed."""
        return {"rows": {row.recipe: list(row.runs) for row in self.rows}, "files": list(map(str, self.files))}


def compare(request: CompareRequest, progress: Progress = QUIET) -> CompareResult:
    """Pretrain and evaluate every recipe with every seed; write the table as Markdown and CSV, and a plot.

    Each run lies in OUT/RECIPE-SEED; a recipe of a file has the file's name, or its folder's where that is config.json.
    Raises ConfigError for a folder that was compared with other settings, and for a recipe that sees no photos.
    """
    with folder_lock(Path(request.out)):
        return _compare(request, progress)


def _compare(request: CompareRequest, progress: Progress) -> CompareResult:
    dataset, out = Dataset(Path(request.dataset)), Path(request.out)
    configs = _recipes(request.recipes)
    rows = []
    for name, config in configs.items():
        figures = []
        for seed in request.seeds:
            config = changed(config, steps=request.steps, seed=seed, workers=request.workers)
            config = replace(config, val_every=min(config.val_every, config.steps))
            figures.append(_figures(config, dataset, out / f"{name}-{seed}", request.truth, progress))
        rows.append(Row(recipe=name, runs=tuple(figures)))
    result = CompareResult(rows=tuple(rows), folder=out)
    _write(result)
    return result


def _recipes(names: Sequence[str]) -> dict[str, RunConfig]:
    """The recipes by the names that they have in the table."""
    configs: dict[str, RunConfig] = {}
    for name in names:
        label = _label(name)
        if label in configs:
            raise ConfigError(f"two of the recipes are called {label!r}; leave one out.", settings=("recipes",))
        configs[label] = recipe(name)
        if configs[label].method.photo_px is None:
            raise ConfigError(
                f"{label} sees no photos, by which recipes are compared; leave it out.", settings=("recipes",)
            )
    return configs


def _label(name: str) -> str:
    if not name.endswith(RECIPE_FILE):
        return name
    file = Path(name).resolve()
    return file.parent.name if file.name == CONFIG_FILE else file.stem


def _figures(config: RunConfig, dataset: Dataset, folder: Path, truth: int | None, progress: Progress) -> Figures:
    """Of one run; those that were written before are read."""
    if (before := saved_steps(folder / CONFIG_FILE)) not in (0, config.steps):
        raise ConfigError(  # a run that grows has another schedule than its neighbours
            f"{folder} was trained for {before:,} steps, not {config.steps:,}; compare in another folder.",
            settings=("steps",),
        )
    run = pretrain(config, dataset, folder, resume=True, progress=progress)
    kept = folder / FIGURES_FILE
    if kept.is_file():
        known = read_json(kept)
        if not isinstance(known, dict) or not {"truth", *COLUMNS} <= known.keys():
            raise ConfigError(f"{kept} is damaged; remove it, and its figures are made again.")
        if known["truth"] != truth:
            raise ConfigError(
                f"{folder} was evaluated with the truth of world {known['truth']}; compare in another folder.",
                settings=("truth",),
            )
        return {name: known[name] for name in COLUMNS}
    figures = evaluate(run, dataset, truth, progress)
    write_atomic(kept, json.dumps(figures | {"truth": truth}, indent=2) + "\n")
    return figures


def evaluate(run: Run, dataset: Dataset, truth: int | None, progress: Progress = QUIET) -> Figures:
    """What a run can do with the test split."""
    train, test = (embed_split(run, dataset, split, progress=progress) for split in ("train", "test"))
    val = embed_split(run, dataset, "val", progress=progress) if dataset.rows("val") else None
    means = taxon_means(train)
    save_taxon_means(means, run.path)
    figures: Figures = dict.fromkeys(COLUMNS)
    classified = classify(train, val, test)
    figures["probe"] = classified.score("probe", "photo").top1
    figures["knn"] = classified.score("20-NN", "photo").top1
    if not run.method.sees_chips:
        return figures
    knows = run.method.uses_metadata
    figures["probe_all"] = classified.score("probe", "photo_chip_place_date" if knows else "photo_chip").top1
    found = retrieve(test)
    figures["photo_to_chip"] = found.result("photo to chip", with_metadata=knows).species.at[10]
    figures["chip_to_photo"] = found.result("chip to photo", with_metadata=knows).species.at[10]
    if truth is not None:
        world = VirtualWorld(truth, photo_px=run.photo_px)
        chips = virtual_imagery(truth).chips(ground_km=run.chip_ground_km, px=run.chip_px)
        mapped = map_virtual_world(run.method, means, world, chips, step=MAP_STEP_DEGREES)
        figures["map_auc"] = mapped.report.auc
    return figures


def _write(result: CompareResult) -> None:
    rows, shown = result.rows, _shown(result.rows)
    markdown, table, plot = result.files
    write_atomic(markdown, result.table().markdown() + "\n")
    head = ("recipe", "seeds", *(f"{column}_{part}" for column in shown for part in ("mean", "std")))
    write_atomic(table, csv_text(head, (_cells(row, shown) for row in rows)))
    panels = {COLUMNS[column]: [row.values(column) for row in rows] for column in shown}
    save_png(draw_comparison([row.recipe for row in rows], panels), plot)


def _cells(row: Row, shown: Sequence[str]) -> list[object]:
    values = [value for column in shown for value in (row.mean(column), row.std(column))]
    return [row.recipe, len(row.runs), *("" if math.isnan(value) else f"{value:.5f}" for value in values)]


def cell(row: Row, column: str) -> str:
    """Mean and standard deviation, or what is left of them."""
    mean, std = row.mean(column), row.std(column)
    if math.isnan(mean):
        return "–"
    return f"{mean:.3f}" if math.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def _shown(rows: Sequence[Row]) -> list[str]:
    """Columns that any recipe has."""
    return [column for column in COLUMNS if any(row.values(column) for row in rows)]
