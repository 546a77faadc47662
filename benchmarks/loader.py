"""How fast training data is read, and how long a training step waits for it.

    python benchmarks/loader.py [DATASET] [--iterations N] [--out loader.json]

Measures pairs a second of the train loader against decoding and resizing the same files one by one with Pillow,
taking turns within one run, and the share of a training step that is spent waiting for the loader. Without a
DATASET it makes one of 500 px JPEG photos with the spectrum of natural images.
"""

import argparse
import io
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from machine import machine
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from birdsat.dataset.batch import Batch
from birdsat.dataset.build import build_dataset
from birdsat.dataset.read import Batches, TrainingStream
from birdsat.dataset.row_groups import Dataset
from birdsat.earth.place import Place
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.observations.observation import Observation
from birdsat.observations.splits import SplitRule
from birdsat.recipes.ours import demo_with_metadata
from birdsat.training.optimiser import build_optimiser

DEMO = demo_with_metadata()
WARM_UP_STEPS = 2  # not counted: allocation and the workers' start


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Pairs a second, medians over the rounds, and what the loader gains."""

    pillow_one_by_one: float
    train_loader: float
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Where the time of a training step goes."""

    share: float  # of the step's whole time, waiting for a batch
    wait_ms: float  # a step
    step_ms: float  # a step, without the waiting


@dataclass(frozen=True, slots=True)
class MadeUpChips:
    """Chips of made-up ground: a chip source for the benchmark's own dataset."""

    ground_km: tuple[float, ...] = (5.0,)
    px: int = 64

    @property
    def identity(self) -> dict[str, str]:
        """The same for all."""
        return {"class": "MadeUpChips"}

    def encoded_chip(self, place: Place) -> bytes:
        """A JPEG that depends on the place."""
        seed = [int(1e6 * (place.lon + 180)), int(1e6 * (place.lat + 90))]
        return jpeg(natural_picture(self.px, self.px, np.random.default_rng(seed)))


def natural_picture(height: int, width: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noise with the 1/f amplitudes of natural images (Field 1987), which JPEG stores in as many bytes."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1
    # 1.3 rather than 1: a 500 px photo at quality 90 then takes about 75 kB, as web photos do
    waves = np.fft.rfft2(rng.standard_normal((height, width, 3)), axes=(0, 1)) / frequency[:, :, None] ** 1.3
    waves[0, 0] = 0
    picture = np.fft.irfft2(waves, s=(height, width), axes=(0, 1))
    pixels: NDArray[np.uint8] = np.clip(128 + 50 * picture / picture.std(), 0, 255).astype(np.uint8)
    return pixels


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """As cameras and web sites store photos: quality 90, colour at half resolution."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def make_dataset(folder: Path, photos: int) -> Dataset:
    """A dataset of `photos` photos of 500 x 375 pixels with chips of 64 pixels."""
    files = folder / "photos"
    files.mkdir()
    rng = np.random.default_rng(0)
    for number in range(photos):
        (files / f"{number}.jpg").write_bytes(jpeg(natural_picture(375, 500, rng)))
    observations = [
        Observation(
            id=str(number),
            taxon=f"Taxon {number % 50}",
            photo=f"{number}.jpg",
            place=Place(lon=number / 100, lat=number / 200),
        )
        for number in range(photos)
    ]
    build_dataset(
        folder / "dataset",
        observations,
        photos=FolderPhotos(files),
        chips=MadeUpChips(),
        splits=SplitRule(val_fraction=0, test_fraction=0),
        workers=0,
    )
    return Dataset(folder / "dataset")


def write_files(dataset: Dataset, folder: Path, count: int) -> list[tuple[Path, Path]]:
    """The first `count` pairs of train as photo and chip files."""
    pairs: list[tuple[Path, Path]] = []
    for shard in dataset.manifest.split_shards("train"):
        for rows in pq.ParquetFile(dataset.folder / shard.file).iter_batches(64, columns=["photo", "chip"]):
            for row in rows.to_pylist():
                if row["photo"] is None or row["chip"] is None:
                    continue
                pair = folder / f"photo-{len(pairs)}", folder / f"chip-{len(pairs)}"
                pair[0].write_bytes(row["photo"]["bytes"])
                pair[1].write_bytes(row["chip"]["bytes"])
                pairs.append(pair)
                if len(pairs) == count:
                    return pairs
    return pairs


def pillow_one_by_one(pairs: Iterable[tuple[Path, Path]]) -> float:
    """Pairs a second of a plain loop: open, convert to RGB, resize."""
    started, count = time.perf_counter(), 0
    for photo, chip in pairs:
        for path, px in ((photo, DEMO.views.photo_px), (chip, DEMO.views.chip_px)):
            with Image.open(path) as image:
                np.asarray(image.convert("RGB").resize((px, px), Image.Resampling.BILINEAR))
        count += 1
    return count / (time.perf_counter() - started)


def loader_speed(dataset: Dataset, *, batch_size: int, batches: int, workers: int) -> float:
    """Pairs a second of the train loader, the start of its workers included."""
    loader = Batches(TrainingStream(dataset, batch_size=batch_size, views=DEMO.views, seed=0), workers=workers)
    started = time.perf_counter()
    count = sum(len(batch) for batch in itertools.islice(loader, batches))
    return count / (time.perf_counter() - started)


def waiting_share(batches: Iterator[Batch], step: Callable[[Batch], None], steps: int) -> Waiting:
    """The share of the time of `steps` training steps that goes by before the next batch is there."""
    waits: list[float] = []
    times: list[float] = []
    for _ in range(WARM_UP_STEPS + steps):
        asked = time.perf_counter()
        batch = next(batches)
        got = time.perf_counter()
        step(batch)
        waits.append(got - asked)
        times.append(time.perf_counter() - got)
    wait, work = sum(waits[WARM_UP_STEPS:]), sum(times[WARM_UP_STEPS:])
    return Waiting(share=wait / (wait + work), wait_ms=1000 * wait / steps, step_ms=1000 * work / steps)


def training_step() -> Callable[[Batch], None]:
    """One step of the demo's model, as the demo trains it."""
    method = DEMO.method.build().train()
    optimiser = build_optimiser(method, DEMO.optimiser)
    generator = torch.Generator().manual_seed(0)

    def step(batch: Batch) -> None:
        losses = method.losses(DEMO.views.recolour(batch, generator), generator)
        optimiser.zero_grad()
        torch.autograd.backward(list(losses.values()))  # as if from their sum
        optimiser.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", type=Path, help="a birdsat dataset; made up when left out")
    parser.add_argument("--iterations", type=int, default=20, help="batches a round, and training steps")
    parser.add_argument("--rounds", type=int, default=3, help="how often loop and loader take turns")
    parser.add_argument("--batch-size", type=int, default=DEMO.batch_size)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--photos", type=int, default=1280, help="size of the made-up dataset")
    parser.add_argument("--skip-step", action="store_true", help="leave the training step out")
    parser.add_argument("--out", type=Path, default=Path("loader.json"), help="where the figures go, as JSON")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        dataset = Dataset(options.dataset) if options.dataset else make_dataset(folder, options.photos)
        (folder / "files").mkdir()
        pairs = write_files(dataset, folder / "files", options.batch_size * options.iterations)
        rounds = [
            (
                pillow_one_by_one(pairs),
                loader_speed(
                    dataset, batch_size=options.batch_size, batches=options.iterations, workers=options.workers
                ),
            )
            for _ in range(options.rounds)
        ]
        pillow, loader = (statistics.median(speeds) for speeds in zip(*rounds, strict=True))
        speed = Speed(pillow_one_by_one=pillow, train_loader=loader, ratio=loader / pillow)
        waiting = None
        if not options.skip_step:
            stream = TrainingStream(dataset, batch_size=options.batch_size, views=DEMO.views, seed=0)
            batches = Batches(stream, workers=DEMO.workers)
            waiting = waiting_share(iter(batches), training_step(), options.iterations)

    table = Table("measure", "value", "bar")
    table.add_row("Pillow, one by one", f"{speed.pillow_one_by_one:,.0f} pairs/s", "")
    table.add_row(f"train loader, {options.workers} workers", f"{speed.train_loader:,.0f} pairs/s", "")
    table.add_row("ratio", f"{speed.ratio:.2f}", "2")
    if waiting is not None:
        table.add_row("training step", f"{waiting.step_ms:.1f} ms", "")
        table.add_row("waiting for data", f"{waiting.wait_ms:.2f} ms ({waiting.share:.1%})", "5%")
    Console().print(table)
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    figures = {
        "settings": settings,
        "machine": machine(),
        "speed": asdict(speed),
        "waiting": None if waiting is None else asdict(waiting),
    }
    options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
