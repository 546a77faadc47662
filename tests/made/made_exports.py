"""Exported folders asked with inputs that are drawn: what a reader that knows nothing of birdsat makes of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from birdsat.tasks.export.part import BATCH, Part

Arrays = dict[str, NDArray[Any]]


def drawn(ports: Any, n: int, seed: int = 0) -> Arrays:
    """n samples by the ports of export.json; every third place and every second date is not known."""
    generator = np.random.default_rng(seed)
    arrays: Arrays = {}
    for port in ports:
        shape = [n if side == BATCH else side for side in port["shape"]]
        if port["type"] == "uint8":
            arrays[port["name"]] = generator.integers(0, 256, shape, dtype=np.uint8)
        elif port["type"] == "bool":
            arrays[port["name"]] = np.arange(n) % 2 == 0
        elif port["name"] == "lon_lat":
            places = np.column_stack([generator.uniform(-180, 180, n), generator.uniform(-90, 90, n)])
            places[2::3] = np.nan
            arrays["lon_lat"] = places.astype(np.float32)
        elif port["name"] == "year_fraction":
            dates = generator.uniform(0, 1, n)
            dates[1::2] = np.nan
            arrays["year_fraction"] = dates.astype(np.float32)
        else:
            arrays[port["name"]] = generator.normal(0, 1, shape).astype(np.float32)
    return arrays


def said_by_file(file: Path, inputs: Arrays) -> list[NDArray[np.float32]]:
    """What an exported file says, in the order of its outputs."""
    if file.suffix == ".onnx":
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        return list(session.run(None, inputs))
    program = torch.export.load(file).module()
    with torch.inference_mode():
        return [tensor.numpy() for tensor in program(*map(torch.from_numpy, inputs.values()))]


def said_by_module(part: Part, inputs: Arrays) -> list[NDArray[np.float32]]:
    """What the very module says."""
    with torch.inference_mode():
        return [tensor.numpy() for tensor in part.module(*map(torch.from_numpy, inputs.values()))]


def listed(folder: Path) -> dict[str, Any]:
    """The files of export.json by name."""
    manifest = json.loads((folder / "export.json").read_text())
    return {one["file"]: one for one in manifest["files"]}
