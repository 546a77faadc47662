"""The optimiser's share of a training step on this machine: our Muon, torch's, and AdamW alone.

    python benchmarks/optimiser.py [--iterations 15] [--out FILE.json]

The step of `cve_mae_tiny` and of the demo's first run, on a batch of random numbers of their shapes, as training takes
it: gradients, clipping, optimiser. The optimisers take turns at the same model, medians are compared; the time of the
gradients is that of all turns. The bar is a share of 20% on any processor. A processor without AVX-512 is stood for by

    ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 ATEN_CPU_CAPABILITY=avx2 python benchmarks/optimiser.py
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from machine import machine
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.optim import Optimizer

from birdsat.dataset.batch import Batch
from birdsat.recipes.ours import cve_mae_tiny, demo_with_metadata
from birdsat.training.config import RunConfig
from birdsat.training.muon import Muon
from birdsat.training.optimiser import CombinedOptimizer, build_optimiser, clip_gradients

BAR = 0.20  # of a step
RECIPES: tuple[Callable[[], RunConfig], ...] = (cve_mae_tiny, demo_with_metadata)
OURS, TORCHS, ADAMW = "Muon, ours", "Muon, torch's", "AdamW alone"


@dataclass(frozen=True, kw_only=True)
class Share:
    """What an optimiser takes of a step of a recipe; medians."""

    recipe: str
    optimiser: str
    gradients_ms: float  # forward and backward pass
    optimiser_ms: float  # clipping included
    share: float  # of both together; 0..1


def random_batch(run: RunConfig) -> Batch:
    """As many samples as the recipe takes at once, of its sizes."""
    generator = torch.Generator().manual_seed(0)
    n, views = run.batch_size, run.views

    def images(px: int) -> torch.Tensor:
        return torch.randint(0, 256, (n, 3, px, px), generator=generator, dtype=torch.uint8)

    every = torch.ones(n, dtype=torch.bool)
    return Batch(
        photos=tuple(images(views.photo_px) for _ in range(views.photo_views)),
        chip=images(views.chip_px),
        has_photo=every,
        has_chip=every,
        lon_lat=torch.rand(n, 2, generator=generator) * 60,
        year_fraction=torch.rand(n, generator=generator),
        label=torch.arange(n),
        row=torch.arange(n),
    )


def optimisers(module: nn.Module, run: RunConfig) -> dict[str, Optimizer]:
    """Those that are compared, each over all parameters."""
    ours = build_optimiser(module, run.optimiser)
    built = {OURS: ours, ADAMW: build_optimiser(module, replace(run.optimiser, muon_lr=0.0))}
    if hasattr(torch.optim, "Muon"):  # since 2.9
        adamw = build_optimiser(module, run.optimiser)
        assert isinstance(ours, CombinedOptimizer) and isinstance(adamw, CombinedOptimizer)
        (matrices,) = [part for part in ours.parts if isinstance(part, Muon)]
        groups = [{name: group[name] for name in ("params", "lr", "weight_decay")} for group in matrices.param_groups]
        rest = [part for part in adamw.parts if not isinstance(part, Muon)]
        built[TORCHS] = CombinedOptimizer([*rest, torch.optim.Muon(groups, adjust_lr_fn="match_rms_adamw")])
    return built


def shares(name: str, run: RunConfig, iterations: int) -> list[Share]:
    """Of each optimiser, in a run of this recipe."""
    torch.manual_seed(0)
    method = run.method.build()
    batch, draw = random_batch(run), torch.Generator().manual_seed(0)
    built = optimisers(method, run)
    gradients: list[float] = []
    steps: dict[str, list[float]] = {each: [] for each in built}
    for _ in range(1 + iterations):
        for each, optimiser in built.items():
            method.zero_grad()
            start = time.perf_counter()
            torch.stack(list(method.losses(batch, draw).values())).sum().backward()  # type: ignore[no-untyped-call]
            between = time.perf_counter()
            clip_gradients(method, run.optimiser.clip_norm)
            optimiser.step()
            steps[each].append(time.perf_counter() - between)
            gradients.append(between - start)
    gradient = statistics.median(gradients[len(built) :])  # without the first turn: allocation
    found = []
    for each, seconds in steps.items():
        step = statistics.median(seconds[1:])
        share = step / (gradient + step)
        found.append(
            Share(recipe=name, optimiser=each, gradients_ms=1e3 * gradient, optimiser_ms=1e3 * step, share=share)
        )
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=15, help="steps of each optimiser; they take turns")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    arguments = parser.parse_args()
    found = [share for recipe in RECIPES for share in shares(recipe.__name__, recipe(), arguments.iterations)]
    facts = machine()
    table = Table("recipe", "optimiser", title=f"{facts['processor']}, {facts['instructions']}")
    for column in ("gradients", "optimiser", "share"):
        table.add_column(column, justify="right")
    for one in found:
        times = (f"{one.gradients_ms:.0f} ms", f"{one.optimiser_ms:.1f} ms", f"{one.share:.1%}")
        table.add_row(one.recipe, one.optimiser, *times)
    Console(width=100).print(table)
    largest = max(one.share for one in found if one.optimiser == OURS)
    print(f"our Muon takes at most {largest:.1%} of a step; the bar is {BAR:.0%}")
    if arguments.out:
        report = {"machine": facts, "bar": BAR, "met": largest <= BAR, "shares": [asdict(one) for one in found]}
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
