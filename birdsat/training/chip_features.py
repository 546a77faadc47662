"""Chip features that were computed before training, by row."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor


class ChipFeatures:
    """The features of every row of a split. They stay on disk; only the rows asked for are read."""

    def __init__(self, path: Path) -> None:
        self._features = np.load(path, mmap_mode="r")  # (rows, width) float16

    def of(self, row: Int64[Tensor, " n"]) -> Float[Tensor, "n width"]:
        """Features of rows of the split, on the device that `row` is on."""
        features = self._features[row.cpu().numpy()].astype(np.float32)
        return torch.from_numpy(features).to(row.device)
