"""Contrast from the visible patches of the one masked pass, or from a second, full pass: which learns more a minute?

    python benchmarks/contrast_passes.py [--dataset DATASET] [--minutes 4] [--iterations N] [--out FILE.json]

Times a training step of each setting in turns, gives both as many steps as fit into the same minutes, and compares
probe and retrieval on the test split. Without a dataset it makes one of the virtual world.
"""

import argparse
import json
import statistics
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from machine import machine
from rich.console import Console
from rich.table import Table

from birdsat.dataset.build import build_dataset
from birdsat.dataset.row_groups import Dataset
from birdsat.embeddings.embed import embed_split
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.recipes.ours import cve_mae_tiny
from birdsat.tasks.classify import classify
from birdsat.tasks.retrieve import retrieve
from birdsat.training.config import RunConfig
from birdsat.training.metrics import read_metrics
from birdsat.training.pretrain import pretrain
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.world import VirtualWorld

TIMED_STEPS, TURNS = 10, 3
PASSES: tuple[Literal["visible", "full"], ...] = ("visible", "full")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one setting learned in its minutes."""

    contrast_from: str
    seconds_a_step: float
    steps: int
    probe_top1: float
    photo_to_chip_r1: float
    chip_to_photo_r1: float


def run_config(contrast_from: Literal["visible", "full"], steps: int) -> RunConfig:
    """The tiny recipe with one view of each photo, so that the pass is all that differs."""
    run = cve_mae_tiny()
    assert isinstance(run.method, CveMaeConfig)
    method = replace(run.method, contrast_from=contrast_from, second_view_weight=0.0)
    views = replace(run.views, photo_views=1)
    return replace(run, method=method, views=views, steps=steps, val_every=steps, checkpoint_every=steps)


def seconds_a_step(dataset: Dataset, folder: Path, *, timed_steps: int, turns: int) -> list[float]:
    """Of each setting: the median over turns of a short run, its first half left out."""
    timed: list[list[float]] = [[] for _ in PASSES]
    for turn in range(turns):
        for contrast_from, seconds in zip(PASSES, timed, strict=True):
            config = replace(run_config(contrast_from, 2 * timed_steps), log_every=timed_steps)
            out = folder / f"timed-{contrast_from}-{turn}"
            pretrain(config, dataset, out)
            last = [record for record in read_metrics(out) if record["split"] == "train"][-1]
            seconds.append(config.batch_size / last["images_per_second"])
    return [statistics.median(seconds) for seconds in timed]


def outcome(
    contrast_from: Literal["visible", "full"], dataset: Dataset, folder: Path, step: float, steps: int
) -> Outcome:
    """Train, and evaluate on the test split."""
    run = pretrain(run_config(contrast_from, steps), dataset, folder / contrast_from)
    val = embed_split(run, dataset, "val") if dataset.rows("val") else None
    test = embed_split(run, dataset, "test")
    found = retrieve(test)
    return Outcome(
        contrast_from=contrast_from,
        seconds_a_step=step,
        steps=steps,
        probe_top1=classify(embed_split(run, dataset, "train"), val, test).score().top1,
        photo_to_chip_r1=found.result("photo to chip", with_metadata=True).species.at[1],
        chip_to_photo_r1=found.result("chip to photo", with_metadata=True).species.at[1],
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--minutes", type=float, default=4.0, help="of training for each setting")
    parser.add_argument("--iterations", type=int, help="train so many steps instead, to see that all works")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.dataset is None:
            world, chips = VirtualWorld(0), VirtualChips(0, ground_km=50, px=64)
            count = 4000 if arguments.iterations is None else 300
            build_dataset(folder / "world", world.observations(count), photos=world, chips=chips, workers=0)
        dataset = Dataset(arguments.dataset or folder / "world")
        outcomes = []
        turns = TURNS if arguments.iterations is None else 1
        timed = seconds_a_step(dataset, folder, timed_steps=arguments.iterations or TIMED_STEPS, turns=turns)
        for contrast_from, step in zip(PASSES, timed, strict=True):
            steps = arguments.iterations or max(1, round(arguments.minutes * 60 / step))
            outcomes.append(outcome(contrast_from, dataset, folder, step, steps))
    table = Table("contrast from", "s a step", "steps", "probe top-1", "photo to chip R@1", "chip to photo R@1")
    for each in outcomes:
        figures = (f"{value:.3f}" for value in (each.probe_top1, each.photo_to_chip_r1, each.chip_to_photo_r1))
        table.add_row(each.contrast_from, f"{each.seconds_a_step:.3f}", f"{each.steps:,}", *figures)
    Console().print(table)
    if arguments.out:
        report = {"machine": machine(), "outcomes": [asdict(each) for each in outcomes]}
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
