"""The demo: a virtual world, two trained models, and everything they are good for, on one page."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from birdsat.dataset.build import build_dataset
from birdsat.dataset.description import Description
from birdsat.dataset.manifest import MANIFEST_FILE
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.table import EmbeddingTable
from birdsat.embeddings.taxa import save_taxon_means, taxon_means
from birdsat.errors import ConfigError
from birdsat.files import write_atomic
from birdsat.locks import folder_lock
from birdsat.methods.inputs import Inputs
from birdsat.metrics import without_nan
from birdsat.observations.observation import SPLITS
from birdsat.observations.splits import SplitRule
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.map_figures import MapReport
from birdsat.recipes.ours import demo_with_metadata, demo_without_metadata
from birdsat.tables import Table
from birdsat.tasks.classify import classify
from birdsat.tasks.classify_report import ClassifyReport
from birdsat.tasks.retrieve import retrieve
from birdsat.tasks.retrieve_report import DIRECTIONS, RetrieveReport
from birdsat.training.config import RunConfig
from birdsat.training.manifest import Asked
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import MODEL_FILE, Run
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.demo.page import write_page
from birdsat.workflows.demo.sections import Findings, illustrate
from birdsat.workflows.demo.stages import Stages, state_of
from birdsat.workflows.requests.demo import DemoRequest
from birdsat.workflows.virtual_maps import MONTHS, map_virtual_world

PAGE_FILE, FIGURES_FILE, SECONDS_FILE = "report.html", "report.json", "seconds.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoConfig:
    """Sizes of the demo."""

    observations: int = 9000  # in all splits
    val_fraction: float = 0.06
    test_fraction: float = 0.26  # large, so that the lookalikes among its rows are enough to evaluate
    block_km: float = 200.0  # splits are drawn in whole blocks of this side: no test place is a training place
    chip_ground_km: float = 40.0  # side of the ground under a chip
    map_step_degrees: float = 2.5  # side of a map's cell
    workers: int = 2  # processes that render photos and chips
    with_metadata: RunConfig = field(default_factory=demo_with_metadata)
    without_metadata: RunConfig = field(default_factory=demo_without_metadata)

    def __post_init__(self) -> None:
        if self.with_metadata.views != self.without_metadata.views:
            raise ConfigError("the two runs of the demo do not see images alike; give both the same views.")


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoResult:
    """What the demo found, and where it is written."""

    page: Path  # one HTML file that needs no other
    figures_file: Path  # JSON
    figures: dict[str, Any]  # as in figures_file

    @property
    def files(self) -> tuple[Path, ...]:
        """What was written."""
        return self.page, self.figures_file

    @property
    def bars(self) -> Table:
        """What the demo has to show, beside what it found."""
        return _table(self.figures["bars"])

    @property
    def all_met(self) -> bool:
        """Whether every figure reaches its bar."""
        return all(bar["met"] for bar in self.figures["bars"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "page": str(self.page),
            "figures_file": str(self.figures_file),
            "all_met": self.all_met,
            "figures": self.figures,
        }


def demo(request: DemoRequest, progress: Progress = QUIET, *, config: DemoConfig | None = None) -> DemoResult:
    """Build the world, pretrain with and without metadata, classify, retrieve, map, and write the report.

    `birdsat demo`: at most ten minutes on two CPU cores. Started again in the same folder, what is built and
    trained is kept and only the rest is done again. config: sizes, for tests.

    Raises DatasetError or ConfigError when the folder holds a demo of another seed or other sizes.
    """
    with folder_lock(Path(request.out)):
        return _demo(Path(request.out), request.seed, config or DemoConfig(), progress)


def _demo(out: Path, seed: int, config: DemoConfig, progress: Progress) -> DemoResult:
    stages = Stages(out / SECONDS_FILE, count=8, progress=progress)

    with stages.stage("dataset", "building the virtual world", state_of(out / "dataset", MANIFEST_FILE)):
        views = config.with_metadata.views
        world = VirtualWorld(seed, photo_px=views.photo_px)
        chips = VirtualChips(seed, ground_km=config.chip_ground_km, px=views.chip_px)
        dataset = _build(out / "dataset", world, chips, config, progress)
    pairs = [pair for pair in world.lookalike_pairs if set(pair) <= set(dataset.taxa)]
    if not pairs:
        raise ConfigError(
            f"{config.observations:,} observations hold no pair of lookalikes to tell apart; take some 400 or more."
        )
    with stages.stage("pretrain", "pretraining with place and date", state_of(out / "with-metadata", MODEL_FILE)):
        run = _pretrain(config.with_metadata, seed, dataset, out / "with-metadata", progress)
    with stages.stage(
        "pretrain_without_metadata",
        "pretraining without place and date",
        state_of(out / "without-metadata", MODEL_FILE),
    ):
        bare_run = _pretrain(config.without_metadata, seed, dataset, out / "without-metadata", progress)
    with stages.stage("embed", "embedding all photos and chips"):
        train, val, test = _embed(run, dataset, progress)
        bare_splits = _embed(bare_run, dataset, progress)
        random_splits = _embed(_untrained(run), dataset, progress)
        means = taxon_means(train)
        save_taxon_means(means, run.path)
        save_taxon_means(taxon_means(bare_splits[0]), bare_run.path)
    with stages.stage("classify", "classifying, on frozen embeddings"):
        classified = classify(train, val, test, pairs=pairs)
        bare_classified = classify(*map(_photos_alone, bare_splits), pairs=pairs)
        random_classified = classify(*map(_photos_alone, random_splits), pairs=pairs)
    with stages.stage("retrieve", "retrieving chips by photo and photos by chip"):
        retrieved, bare_retrieved = retrieve(test), retrieve(bare_splits[2])
    with stages.stage("map", "mapping every species in every month"):
        mapped = map_virtual_world(
            run.method,
            means,
            world,
            chips,
            step=config.map_step_degrees,
            workers=config.workers,
            progress=progress,
        )

    figures = _figures(classified, bare_classified, random_classified, retrieved, bare_retrieved, mapped.report) | {
        "seed": seed,
        "rows": {split: dataset.rows(split) for split in SPLITS} | {"taxa": len(dataset.taxa)},
    }
    figures["map"] |= {
        "taxa": len(mapped.report.taxa),
        "land_cells": int(mapped.land.sum()),
        "months": len(MONTHS),
    }
    figures["bars"] = _bars(figures)
    with stages.stage("report", "drawing the report"):
        pictures = illustrate(
            Findings(
                world=world,
                dataset=dataset,
                run=run,
                bare_run=bare_run,
                test=test,
                maps=mapped.maps,
                map_taxa=mapped.taxa,
                truth=mapped.truth,
                land=mapped.land,
            )
        )
    page, figures_file = out / PAGE_FILE, out / FIGURES_FILE
    figures["seconds"] = {"total": sum(stages.seconds.values()), **stages.seconds}
    write_atomic(figures_file, json.dumps(without_nan(figures), indent=2, allow_nan=False) + "\n")
    facts = {
        "chip_km": f"{config.chip_ground_km:g}",
        "block_km": f"{config.block_km:g}",
        "map_step": f"{config.map_step_degrees:g}",
    }
    written = json.loads(figures_file.read_text())
    write_atomic(page, write_page(written, pictures, facts))
    return DemoResult(page=page, figures_file=figures_file, figures=written)


def _build(out: Path, world: VirtualWorld, chips: VirtualChips, config: DemoConfig, progress: Progress) -> Dataset:
    rule = SplitRule(val_fraction=config.val_fraction, test_fraction=config.test_fraction, block_km=config.block_km)
    build_dataset(
        out,
        world.observations(config.observations, world.seed),
        photos=world,
        chips=chips,
        taxa=world.taxonomy,
        splits=rule,
        seed=world.seed,
        description=Description(title=f"virtual world {world.seed}", licence="CC0-1.0"),
        workers=config.workers,
        progress=progress,
    )
    return Dataset(out)


def _pretrain(config: RunConfig, seed: int, dataset: Dataset, out: Path, progress: Progress) -> Run:
    asked = Asked(command=DemoRequest(out=out.parent, seed=seed).command("demo"))
    return pretrain(dataclasses.replace(config, seed=seed), dataset, out, resume=True, asked=asked, progress=progress)


def _untrained(run: Run) -> Run:
    """The run as it was before the first step of training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.config.seed)
        return dataclasses.replace(run, method=run.config.method.build().eval())


def _embed(run: Run, dataset: Dataset, progress: Progress) -> list[EmbeddingTable]:
    """Train, val and test."""
    return [embed_split(run, dataset, split, progress=progress) for split in SPLITS]


def _photos_alone(table: EmbeddingTable) -> EmbeddingTable:
    return dataclasses.replace(table, chip=None, chip_without_metadata=None)


def _figures(
    classified: ClassifyReport,
    bare_classified: ClassifyReport,
    random_classified: ClassifyReport,
    retrieved: RetrieveReport,
    bare_retrieved: RetrieveReport,
    mapped: MapReport,
) -> dict[str, Any]:
    everything = classified.score("probe", "photo_chip_place_date")
    bare = bare_classified.score("probe", "photo")
    assert everything.told_apart is not None and bare.told_apart is not None
    return {
        "classify": {
            "pretrained": _tops(classified, "photo"),
            "random": _tops(random_classified, "photo"),
            "chance": {"top1": classified.chance_top1, "top5": classified.chance_top5},
            "pretrained_without_metadata": _tops(bare_classified, "photo"),
            "with_chip": _tops(classified, "photo_chip"),
            "with_chip_place_date": _tops(classified, "photo_chip_place_date"),
        },
        "retrieve": _recalls(retrieved, with_metadata=True)
        | {"without_metadata": _recalls(bare_retrieved, with_metadata=False)},
        "map": {"auc": mapped.auc, "ap": mapped.average_precision, "ap_chance": mapped.chance_average_precision},
        "lookalikes": {
            "with_metadata": everything.told_apart.accuracy,
            "without_metadata": bare.told_apart.accuracy,
            "pairs": bare.told_apart.pairs,
            "photos": bare.told_apart.rows,
        },
    }


def _tops(report: ClassifyReport, inputs: Inputs) -> dict[str, float]:
    probe, near = report.score("probe", inputs), report.score("20-NN", inputs)
    return {"top1": probe.top1, "top5": probe.top5, "knn_top1": near.top1, "knn_top5": near.top5}


def _recalls(report: RetrieveReport, *, with_metadata: bool) -> dict[str, dict[str, float]]:
    """Recall by species, and by the query's own pair."""
    figures = {}
    for direction in DIRECTIONS:
        result = report.result(direction, with_metadata=with_metadata)
        found: dict[str, float] = {}
        for prefix, recall in (("", result.species), ("pair_", result.pair)):
            for k in (1, 10):
                found |= {f"{prefix}r{k}": recall.at[k], f"{prefix}r{k}_chance": recall.chance_at[k]}
        figures[direction.replace(" ", "_")] = found
    return figures


def _bars(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """What the demo has to show: each figure beside the least (and the most) that it may be."""
    probe, search, alike = figures["classify"], figures["retrieve"], figures["lookalikes"]
    wanted = [
        ("classify.pretrained.top1", probe["pretrained"]["top1"], 2 * probe["random"]["top1"], 1.0),
        *(
            (f"retrieve.{way}.r1", search[way]["r1"], 3 * search[way]["r1_chance"], 1.0)
            for way in ("photo_to_chip", "chip_to_photo")
        ),
        ("map.auc", figures["map"]["auc"], 0.90, 1.0),
        ("lookalikes.with_metadata", alike["with_metadata"], 0.90, 1.0),
        ("lookalikes.without_metadata", alike["without_metadata"], 0.45, 0.55),
    ]
    return [
        {"figure": name, "value": value, "least": least, "most": most, "met": bool(least <= value <= most)}
        for name, value, least, most in wanted
    ]


def _table(bars: list[dict[str, Any]]) -> Table:
    table = Table(columns=["figure"], title="what the demo found")
    for name in ("found", "wanted"):
        table.add_column(name)
    table.add_column("")
    for bar in bars:
        wanted = f"{bar['least']:.3f} or more" if bar["most"] == 1 else f"{bar['least']:.2f} to {bar['most']:.2f}"
        found = "unknown" if bar["value"] is None else f"{bar['value']:.3f}"
        table.add_row(bar["figure"], found, wanted, "met" if bar["met"] else "missed")
    return table
