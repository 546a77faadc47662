"""What a range network sees of a place: the main directions of its chip's features and of where it lies."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.place import unit_sphere
from birdsat.errors import InputError

PLACE_SHARE = 0.25  # of the variance of all inputs that the place brings; the chip brings the rest


@dataclass(frozen=True, kw_only=True, slots=True)
class InputProjection:
    """Chip features (f numbers, 0 for none) and places to d inputs, whose variances add up to d.

    Chip features count by their variance, as an encoder gives them: what varies little says little, and brought to
    one variance it would be as loud as the rest. Directions are the principal components of features and place
    together, not whitened: noise of one size on all of them drowns the small ones and leaves the large.
    """

    centre: Tensor  # (f + 3,) mean over the background
    directions: Tensor  # (f + 3, d)

    @classmethod
    def fit(
        cls, chip: NDArray[np.float32], lon_lat: NDArray[np.float64], most: int, place_share: float = PLACE_SHARE
    ) -> "InputProjection":
        """Fit to background places: chip (n, f), lon_lat (n, 2).

        most: inputs that are kept. place_share: of the variance, that the place brings. Raises InputError for numbers
        that are not finite.
        """
        table = _side_by_side(chip, lon_lat)
        if not np.isfinite(table).all():
            raise InputError("chip features or places of the background hold numbers that are not finite.")
        f = chip.shape[1]
        centre = table.mean(axis=0)
        table = table - centre
        weight = np.ones(table.shape[1])
        for part, share in ((slice(0, f), 1 - place_share), (slice(f, None), place_share)):
            variance = float(np.square(table[:, part]).sum(axis=1).mean()) if table[:, part].size else 0.0
            rounding = 1e-10 * float(np.square(centre[part]).sum())  # all that varies where all places are alike
            weight[part] = np.sqrt(share / variance) if variance > rounding else 0.0
        scaled = table * weight
        # Of the covariance, which is small however many places there are.
        values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
        kept = np.argsort(-values)[: min(most, int((values > values.max() * 1e-9).sum()) or 1)]
        total = values[kept].sum()
        directions = weight[:, None] * vectors[:, kept] * np.sqrt(len(kept) / total if total > 0 else 1.0)
        return cls(
            centre=torch.from_numpy(centre.astype(np.float32)),
            # In the order that a file holds them, so that a model read back multiplies alike to the last bit.
            directions=torch.from_numpy(directions.astype(np.float32, order="C")),
        )

    def __call__(self, chip: NDArray[np.float32], lon_lat: NDArray[np.float64]) -> Tensor:
        """(n, d) inputs. Raises InputError for chip features of another width."""
        if chip.shape[1] + 3 != len(self.centre):
            raise InputError(
                f"the chip features are {chip.shape[1]} wide, the model learned from {len(self.centre) - 3}; take the "
                "region and the run that it was fitted on."
            )
        return (torch.from_numpy(_side_by_side(chip, lon_lat)) - self.centre) @ self.directions


def _side_by_side(chip: NDArray[np.float32], lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
    sphere = unit_sphere(lon_lat[:, 0], lon_lat[:, 1])
    return np.concatenate([chip, sphere], axis=1, dtype=np.float32)
