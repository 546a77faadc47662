"""Images a second of one training step at full size: the published code, the paper's objective here, and our recipe.

    python benchmarks/pretrain_step.py [--iterations 3] [--batch 4] [--out FILE.json] [--small]

ViT(AE)-B/32 photos of 384 px and ViT(AE)-B/16 chips of 224 px. The settings take turns, medians are compared; the
published step is a plain re-enactment (published_step.py) in the same run. On a CPU in float32 with batches of 4; on a
GPU in bf16 with larger ones, compiled and not. `--small` runs tiny models, to see that all works.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from machine import machine
from published_step import PublishedCve
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from birdsat.dataset.batch import Batch
from birdsat.dataset.build import build_dataset
from birdsat.dataset.read import TrainingStream
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.engine.device import pick_device
from birdsat.methods.cve_mae import CveMae, CveMaeConfig
from birdsat.methods.published.settings import BASE, DECODER, published_cve_mae, published_encoder, published_masked
from birdsat.recipes.ours import cve_mae_base
from birdsat.training.module import seeded_generator
from birdsat.training.optimiser import OptimiserConfig, build_optimiser, clip_gradients
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.world import VirtualWorld

PUBLISHED = "published code, re-enacted"
COMPILED = ", compiled"  # after the name of a setting


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of the models that are timed."""

    photo: View
    chip: View
    width: int = BASE["width"]
    depth: int = BASE["depth"]
    heads: int = BASE["heads"]
    decoder: PixelDecoderConfig = DECODER


FULL = Sizes(photo=View(px=384, patch_px=32), chip=View(px=224, patch_px=16))
SMALL = Sizes(
    photo=View(px=64, patch_px=16),
    chip=View(px=32, patch_px=8),
    width=64,
    depth=2,
    heads=4,
    decoder=PixelDecoderConfig(width=32, depth=1, heads=4),
)


@dataclass(kw_only=True)
class Timed:
    """Seconds of each part of a step, over the turns."""

    forward: list[float]
    backward: list[float]
    optimiser: list[float]
    flops: int  # of matrix products, forward and backward

    @property
    def step(self) -> float:
        """Median seconds of a whole step."""
        return statistics.median(map(sum, zip(self.forward, self.backward, self.optimiser, strict=True)))


Loss = Callable[[], Tensor]


def ours(
    config: CveMaeConfig, batch: Batch, device: torch.device, *, kept: bool, compiled: bool
) -> tuple[CveMae, Loss]:
    """One of our methods, and its loss on a batch; with `kept`, the features of chips were made beforehand."""
    method = CveMae(config).to(device)
    sent = batch.to(device)
    if kept:
        with torch.no_grad():
            sent = replace(sent, chip_features=method.encode_chip(sent.chip))
    losses = torch.compile(method.losses) if compiled else method.losses
    generator = seeded_generator(0, device=device)
    return method, lambda: torch.stack([part.float() for part in losses(sent, generator).values()]).sum()


def published(sizes: Sizes, batch: Batch) -> tuple[PublishedCve, Loss]:
    """The published step on the same batch."""
    model = PublishedCve(
        sizes.photo.px,
        sizes.photo.patch_px,
        sizes.chip.px,
        sizes.chip.patch_px,
        width=sizes.width,
        depth=sizes.depth,
        heads=sizes.heads,
    )
    photo, chip = batch.photo.float() / 255, batch.chip.float() / 255
    numbers = torch.randn(len(batch), 4)
    return model, lambda: model.loss(photo, chip, numbers, numbers)


def settings(sizes: Sizes) -> dict[str, CveMaeConfig]:
    """The paper's objective on both kinds of blocks, and ours."""
    core = {"width": sizes.width, "depth": sizes.depth, "heads": sizes.heads}

    def paper(block: str) -> CveMaeConfig:
        photo = published_encoder(views=(sizes.photo,), block=block, **core)
        chip = published_encoder(views=(sizes.chip,), block=block, **core)
        return published_cve_mae(published_masked(photo, sizes.decoder), chip, metadata=True)

    base = cve_mae_base().method
    assert isinstance(base, CveMaeConfig)
    photo = replace(base.photo.encoder, views=(sizes.photo,), **core)
    recommended = replace(
        base,
        photo=replace(base.photo, encoder=photo, decoder=sizes.decoder),
        chip_encoder=replace(photo, views=(sizes.chip,)),
    )
    return {"paper, ViTAE": paper("vitae"), "paper, ViT": paper("vit"), "ours": recommended}


def time_step(
    timed: Timed, loss: Loss, model: torch.nn.Module, optimiser: torch.optim.Optimizer, device: torch.device
) -> None:
    """One step, part by part."""

    def now() -> float:
        _wait_for(device)
        return time.perf_counter()

    start = now()
    with torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext():
        total = loss()
    forward = now()
    total.backward()  # type: ignore[no-untyped-call]
    backward = now()
    clip_gradients(model, 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    done = now()
    timed.forward.append(forward - start)
    timed.backward.append(backward - forward)
    timed.optimiser.append(done - backward)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def flops_of(loss: Loss) -> int:
    """Of the matrix products and convolutions of a step, forward and backward."""
    aten = torch.ops.aten
    own = {
        # The counter's own rule for the gradients of a convolution leaves its groups out of account.
        aten.convolution_backward: _convolution_backward_flops,
        # For attention on a CPU it has none.
        aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v),
        aten._scaled_dot_product_flash_attention_for_cpu_backward: lambda gradient, q, k, v, *_, **__: (
            sdpa_backward_flop_count(gradient, q, k, v)
        ),
    }
    with FlopCounterMode(display=False, custom_mapping=own) as counter:
        loss().backward()  # type: ignore[no-untyped-call]
    return int(counter.get_total_flops())


def _convolution_backward_flops(
    gradient: Sequence[int], image: object, kernel: Sequence[int], *_: object, **__: object
) -> int:
    """Two gradients, each as dear as the forward pass; arguments are shapes."""
    return 2 * 2 * math.prod(gradient) * math.prod(kernel[1:])


def peak_flops(device: torch.device, size: int) -> float:
    """Matrix-multiply operations a second, the best of several."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        one @ other
        _wait_for(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def seconds_a_batch(sizes: Sizes, batch: int) -> tuple[Batch, float]:
    """A batch of the virtual world, and the seconds one process takes to read and crop such a batch."""
    with tempfile.TemporaryDirectory() as folder:
        # At full size, photos of 500 px and chips of 256; small ones are as much larger than their views.
        world = VirtualWorld(0, photo_px=round(sizes.photo.px * 500 / 384))
        chips = VirtualChips(0, ground_km=2.56, px=round(sizes.chip.px * 256 / 224))
        observations = world.observations(max(24, 4 * batch))
        build_dataset(Path(folder) / "world", observations, photos=world, chips=chips, workers=0)
        views = ViewsConfig(photo_px=sizes.photo.px, chip_px=sizes.chip.px)
        stream = iter(TrainingStream(Dataset(Path(folder) / "world"), batch_size=batch, views=views, seed=0))
        first = next(stream)
        start = time.perf_counter()
        for _ in range(2):
            next(stream)
        return first, (time.perf_counter() - start) / 2


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=5, help="steps of each setting; they take turns")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--small", action="store_true", help="tiny models, to see that all works")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    arguments = parser.parse_args()
    device = pick_device()
    sizes = SMALL if arguments.small else FULL
    batch, data_seconds = seconds_a_batch(sizes, arguments.batch)

    built: dict[str, tuple[torch.nn.Module, Loss]] = {}
    if device.type == "cpu":
        built[PUBLISHED] = published(sizes, batch)
    for name, config in settings(sizes).items():
        for kept in (False, True):
            label = f"{name}, chips {'kept' if kept else 'recomputed'}"
            frozen = replace(config, chip_encoder_frozen=True)
            built[label] = ours(frozen, batch, device, kept=kept, compiled=False)
            if device.type == "cuda":
                built[f"{label}{COMPILED}"] = ours(frozen, batch, device, kept=kept, compiled=True)
    optimisers = {
        name: build_optimiser(model, OptimiserConfig(lr=1e-4))
        if name != PUBLISHED
        else torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
        for name, (model, _) in built.items()
    }
    flops = {name: flops_of(loss) for name, (_, loss) in built.items() if not name.endswith(COMPILED)}
    times = {
        name: Timed(forward=[], backward=[], optimiser=[], flops=flops[name.removesuffix(COMPILED)]) for name in built
    }
    for turn in range(1 + arguments.iterations):
        for name, (model, loss) in built.items():
            time_step(times[name], loss, model, optimisers[name], device)
            if turn == 0:  # warm-up
                times[name].forward.clear()
                times[name].backward.clear()
                times[name].optimiser.clear()
    peak = peak_flops(device, 512 if arguments.small else 2048 if device.type == "cpu" else 8192)
    rows = [
        figures(name, timed, arguments.batch, data_seconds, peak, times.get(PUBLISHED)) for name, timed in times.items()
    ]
    Console(width=140).print(_table(rows, peak, device))
    if arguments.out:
        facts = {"device": str(device), "machine": machine(), "peak_gflops": peak / 1e9}
        report = {"batch": arguments.batch, **facts, "sizes": asdict(sizes), "settings": rows}
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")


def figures(
    name: str, timed: Timed, batch: int, data_seconds: float, peak: float, reference: Timed | None
) -> dict[str, float | str | None]:
    """One setting's row."""
    parts = {part: statistics.median(getattr(timed, part)) for part in ("forward", "backward", "optimiser")}
    whole = sum(parts.values())
    return {
        "setting": name,
        "seconds_a_step": timed.step,
        "images_a_second": batch / timed.step,
        "times_published": None if reference is None else reference.step / timed.step,
        **{f"{part}_share": seconds / whole for part, seconds in parts.items()},
        "data_share_of_one_worker": data_seconds / timed.step,
        "share_of_peak": timed.flops / (timed.step * peak),
    }


def _table(rows: list[dict[str, float | str | None]], peak: float, device: torch.device) -> Table:
    table = Table("setting", title=f"{device}, matrix products at best {peak / 1e9:,.0f} GFLOP/s")
    for name in (
        "s a step",
        "images/s",
        "x published",
        "forward",
        "backward",
        "optimiser",
        "data, one worker",
        "of peak",
    ):
        table.add_column(name, justify="right")
    for row in rows:
        setting, *values = row.values()
        formats = ("{:.2f}", "{:.2f}", "{:.2f}", *("{:.0%}",) * 5)
        table.add_row(str(setting), *("" if v is None else f.format(v) for f, v in zip(formats, values, strict=True)))
    return table


if __name__ == "__main__":
    main()
