"""How fast photos are named, and in how much memory.

    python benchmarks/identify.py [--iterations N] [--photos N] [--out identify.json]

Photos of 1,024 px by `read_photos` and a classifier of default size, against a plain loop that opens each with Pillow,
shrinks it, and asks the model about it. The ways take turns within one run; medians are compared. Beside them: decoding
alone, in threads and in processes. Then `birdsat identify` names ever more photos (links to those that were made), in a
process of its own each time, whose peak memory is given.
"""

import argparse
import functools
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from loader import jpeg, natural_picture
from machine import machine
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from birdsat.dataset.batch import Batch
from birdsat.embeddings.inference import inference
from birdsat.embeddings.photo_stream import read_photos, view_photo
from birdsat.engine.local import in_processes
from birdsat.methods.classifier import Classifier
from birdsat.recipes.finetune import finetune_tiny
from birdsat.training.run_folder import MODEL_FILE, DatasetFacts, prepare_folder, save_weights
from birdsat.workflows.identify import identify
from birdsat.workflows.requests.identify_photos import IdentifyRequest

TAXA = tuple(f"Genus species{number}" for number in range(200))
CONFIG = replace(finetune_tiny().method, taxa=TAXA)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Photos a second, medians over the rounds."""

    pillow_one_by_one: float  # decoding and naming
    identify: float
    ratio: float
    threads: float  # decoding alone
    processes: float
    pillow_processor_ms: float  # of the processor for a photo, whoever else is busy
    identify_processor_ms: float


@dataclass(frozen=True, kw_only=True)
class Named:
    """One run of the verb."""

    photos: int
    seconds: float
    peak_mb: float


def make_run(folder: Path) -> Path:
    """A classifier of random weights."""
    config = replace(finetune_tiny(), method=CONFIG)
    facts = DatasetFacts(
        title="none",
        licence="",
        fingerprint="",
        train_rows=0,
        val_rows=0,
        taxa=TAXA,
        photo_mean=None,
        photo_std=None,
        chip_mean=None,
        chip_std=None,
        chip_px=64,
        chip_ground_km=(5.0,),
    )
    prepare_folder(folder, config, facts, resume=False)
    torch.manual_seed(0)
    save_weights(CONFIG.build(), folder / MODEL_FILE, {})
    return folder


def photos_alone(views: NDArray[np.uint8]) -> Batch:
    """Photos (b, px, px, 3) without chip, place and date."""
    photos = torch.from_numpy(views.copy()).permute(0, 3, 1, 2).contiguous()
    n, nan = len(photos), torch.full((len(photos),), torch.nan)
    return Batch(
        photos=(photos,),
        chip=torch.zeros(n, 3, 1, 1, dtype=torch.uint8),
        has_photo=torch.ones(n, dtype=torch.bool),
        has_chip=torch.zeros(n, dtype=torch.bool),
        lon_lat=nan[:, None].expand(n, 2),
        year_fraction=nan,
        label=torch.zeros(n, dtype=torch.int64),
        row=torch.arange(n),
    )


def pillow_one_by_one(model: Classifier, photos: Sequence[Path]) -> None:
    """A plain loop."""
    px = CONFIG.photo_px
    with inference(model, "cpu"):
        for path in photos:
            with Image.open(path) as image:
                view = np.asarray(image.convert("RGB").resize((px, px), Image.Resampling.BILINEAR))
            model.probabilities(photos_alone(view[None]))


def batches(model: Classifier, photos: Sequence[Path], workers: int) -> None:
    """The stream and the model."""
    with inference(model, "cpu"):
        for batch in read_photos(photos, CONFIG.photo_px, workers=workers):
            model.probabilities(photos_alone(batch.views))


def timed(work: Callable[[], None], photos: int) -> tuple[float, float]:
    """Photos a second, and milliseconds of the processor for each."""
    started, busy = time.perf_counter(), time.process_time()
    work()
    return photos / (time.perf_counter() - started), 1000 * (time.process_time() - busy) / photos


def in_threads(photos: Sequence[Path], workers: int) -> float:
    """Photos a second of the stream alone."""
    started = time.perf_counter()
    count = sum(len(batch.photos) for batch in read_photos(photos, CONFIG.photo_px, workers=workers))
    return count / (time.perf_counter() - started)


def in_workers(photos: Sequence[Path], workers: int) -> float:
    """Photos a second of the same in processes, sixteen photos at a time, their start left out."""
    call = functools.partial(view_some, px=CONFIG.photo_px)
    parts = [photos[first : first + 16] for first in range(0, len(photos), 16)]
    views = in_processes(call, 3 * parts, workers=workers, doing="decoding", ahead=2 * workers)
    for _ in 2 * parts:  # while the processes start
        next(views)
    started = time.perf_counter()
    for _ in views:
        pass
    return len(photos) / (time.perf_counter() - started)


def view_some(paths: Sequence[Path], px: int) -> list[object]:
    """In a worker process."""
    return [view_photo(path, px) for path in paths]


def name_photos(run: Path, photos: Path, out: Path) -> Named:
    """The verb, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_name, (run, photos, out))


def _name(run: Path, photos: Path, out: Path) -> Named:
    warnings.simplefilter("ignore")
    started = time.perf_counter()
    result = identify(IdentifyRequest(run=run, photos=[photos], out=[out], overwrite=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
    return Named(photos=result.photos, seconds=time.perf_counter() - started, peak_mb=peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=3, help="rounds, and steps to the largest number of photos")
    parser.add_argument("--made", type=int, default=200, help="photos that are made, and decoded in each round")
    parser.add_argument("--photos", type=int, default=10_000, help="photos that are named at most by the verb")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("identify.json"), help="where the figures go, as JSON")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        photos = make_photos(folder / "photos", options.made)
        run = make_run(folder / "run")
        model = CONFIG.build()
        rounds = []
        for _ in range(options.iterations):
            plain, plain_ms = timed(lambda: pillow_one_by_one(model, photos), len(photos))
            ours, ours_ms = timed(lambda: batches(model, photos, options.workers), len(photos))
            rounds.append(
                Speed(
                    pillow_one_by_one=plain,
                    identify=ours,
                    ratio=ours / plain,
                    threads=in_threads(photos, options.workers),
                    processes=in_workers(photos, options.workers),
                    pillow_processor_ms=plain_ms,
                    identify_processor_ms=ours_ms,
                )
            )
        names = [field.name for field in fields(Speed)]
        speed = Speed(**{name: statistics.median(getattr(one, name) for one in rounds) for name in names})
        named = []
        for step in range(options.iterations):
            count = max(1, options.photos // 4 ** (options.iterations - 1 - step))
            many = link_photos(folder / f"many-{step}", photos, count)
            named.append(name_photos(run, many, folder / "named.csv"))

    table = Table("measure", "value", "bar")
    plain_ms, ours_ms = speed.pillow_processor_ms, speed.identify_processor_ms
    table.add_row(
        "Pillow and the model", f"{speed.pillow_one_by_one:,.0f} photos/s, {plain_ms:.1f} ms of processor", ""
    )
    table.add_row("the stream and the model", f"{speed.identify:,.0f} photos/s, {ours_ms:.1f} ms of processor", "")
    table.add_row("ratio", f"{speed.ratio:.2f}", "3")
    table.add_row(f"decoding alone, {options.workers} threads", f"{speed.threads:,.0f} photos/s", "")
    table.add_row(f"decoding alone, {options.workers} processes", f"{speed.processes:,.0f} photos/s", "")
    for one in named:
        words = f"{one.seconds:.1f} s ({one.photos / one.seconds:,.0f} photos/s), {one.peak_mb:,.0f} MB"
        table.add_row(f"birdsat identify, {one.photos:,} photos", words, "flat memory")
    Console().print(table)
    figures = {
        "settings": {name: str(value) for name, value in vars(options).items()},
        "machine": machine(),
        "speed": asdict(speed),
        "named": [asdict(one) for one in named],
    }
    options.out.write_text(json.dumps(figures, indent=2) + "\n")


def make_photos(folder: Path, count: int) -> list[Path]:
    """JPEGs of 1,024 x 768 pixels with place and time in their EXIF, as phones write them."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0110] = "made"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:01 06:30:00", 0x9011: "-07:00"})
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 39.0, 15.34), 3: "W", 4: (122.0, 17.0, 42.87)})
    block = exif.tobytes()
    photos = []
    for number in range(count):
        data = jpeg(natural_picture(768, 1024, generator))
        photos.append(folder / f"{number:05}.jpg")
        photos[-1].write_bytes(data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:])
    return photos


def link_photos(folder: Path, photos: Sequence[Path], count: int) -> Path:
    """A folder of so many photos, the same again and again."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06}.jpg").hardlink_to(photos[number % len(photos)])
    return folder


if __name__ == "__main__":
    main()
