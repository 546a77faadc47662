"""What an exported classifier of photos loses: against the model itself, and in eight bits.

    python benchmarks/exports.py RUN DATASET EXPORTED [--out FILE]

RUN: a classifier of photos; DATASET: its dataset, whose test split is named; EXPORTED: what
`birdsat export RUN --out EXPORTED --int8` wrote. Differences are the largest of any probability of any photo.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from machine import machine
from numpy.typing import NDArray

from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.tasks.export.run_parts import run_parts
from birdsat.training.run_folder import load_run

BATCH = 64
Namer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (n, 3, px, px) to (n, taxa) probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "dataset", "exported"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--out", type=Path, help="JSON with the figures")
    asked = parser.parse_args()
    run, dataset = load_run(asked.run), Dataset(asked.dataset)
    photos, labels = test_photos(dataset, run.photo_px, run.chip_px)
    module = run_parts(run)[0]["classifier"].module
    torch.set_num_threads(1)

    def by_torch(some: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return module(torch.from_numpy(some))[0].numpy()

    figures: dict[str, object] = {"machine": machine(), "photos": len(photos), "taxa": len(run.taxa)}
    expected, seconds = named(by_torch, photos)
    figures["torch"] = {"top1": right(expected, labels), "photos_per_second": len(photos) / seconds}
    for file in ("classifier.onnx", "classifier-int8.onnx"):
        probability, seconds = named(by_onnxruntime(asked.exported / file), photos)
        hits, theirs = probability.argmax(1) == labels, expected.argmax(1) == labels
        difference = hits.astype(float) - theirs
        figures[file] = {
            "megabytes": (asked.exported / file).stat().st_size / 1e6,
            "top1": right(probability, labels),
            "top1_gained": difference.mean(),
            "top1_gained_standard_error": difference.std() / math.sqrt(len(difference)),
            "same_name": float((probability.argmax(1) == expected.argmax(1)).mean()),
            "largest_difference": float(np.abs(probability - expected).max()),
            "photos_per_second": len(photos) / seconds,
        }
    print(json.dumps(figures, indent=2))
    if asked.out is not None:
        asked.out.write_text(json.dumps(figures, indent=2) + "\n")


def test_photos(dataset: Dataset, photo_px: int, chip_px: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    photos, labels = [], []
    for batch in read_split(dataset, "test", batch_size=256, photo_px=photo_px, chip_px=chip_px, workers=0):
        there = batch.has_photo.numpy()
        photos.append(batch.photo.numpy()[there])
        labels.append(batch.label.numpy()[there])
    return np.concatenate(photos), np.concatenate(labels)


def by_onnxruntime(file: Path) -> Namer:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda some: session.run(["probability"], {"photo": some})[0]


def named(say: Namer, photos: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    say(photos[:BATCH])  # warm
    began = time.perf_counter()
    said = [say(photos[first : first + BATCH]) for first in range(0, len(photos), BATCH)]
    return np.concatenate(said), time.perf_counter() - began


def right(probability: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float((probability.argmax(1) == labels).mean())


if __name__ == "__main__":
    main()
