"""What a range network sees of a place: the main directions of its chip's features and of where it lies, and covariates
beside them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.earth.place import unit_sphere
from birdsat.errors import InputError
from birdsat.ranges.covariates.scaling import COVARIATE_SHARE, CovariateScaling

PLACE_SHARE = 0.25  # of the variance of chip and place that the place brings; the chip brings the rest


@dataclass(frozen=True, kw_only=True, slots=True)
class InputProjection:
    """Chip features (f numbers, 0 for none), places and covariates to d inputs, whose variances add up to d.

    Chip features count by their variance, as an encoder gives them: what varies little says little, and brought to
    one variance it would be as loud as the rest. Directions are the principal components of features and place
    together, not whitened: noise of one size on all of them drowns the small ones and leaves the large. Covariates, of
    which few are given and each for a reason, stand beside these as they are, each of one variance.
    """

    centre: Tensor  # (f + 3,) mean over the background
    directions: Tensor  # (f + 3, p); p is 0 where covariates are all that is learned from
    covariates: CovariateScaling | None = None

    @classmethod
    def fit(
        cls,
        chip: NDArray[np.float32],
        lon_lat: NDArray[np.float64],
        most: int,
        place_share: float = PLACE_SHARE,
        *,
        use_chip: bool = True,
        covariates: CovariateScaling | None = None,
    ) -> "InputProjection":
        """Fit to background places: chip (n, f), lon_lat (n, 2).

        most: directions of chip and place that are kept. place_share: of the variance of both, that the place brings;
        0 leaves it out. use_chip: False leaves the chip out. covariates: fitted to the background, and
        COVARIATE_SHARE of the variance of all inputs. Raises InputError for numbers that are not finite.
        """
        table = _side_by_side(chip, lon_lat)
        if not np.isfinite(table).all():
            raise InputError("chip features or places of the background hold numbers that are not finite.")
        f = chip.shape[1]
        centre = table.mean(axis=0)
        table = table - centre
        weight = np.ones(table.shape[1])
        for part, share in ((slice(0, f), (1 - place_share) * use_chip), (slice(f, None), place_share)):
            variance = float(np.square(table[:, part]).sum(axis=1).mean()) if table[:, part].size else 0.0
            rounding = 1e-10 * float(np.square(centre[part]).sum())  # all that varies where all places are alike
            weight[part] = np.sqrt(share / variance) if variance > rounding else 0.0
        scaled = table * weight
        # Of the covariance, which is small however many places there are.
        values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
        least = 0 if covariates is not None else 1  # inputs that there must be
        kept = np.argsort(-values)[: min(most, int((values > max(0.0, values.max() * 1e-9)).sum()) or least)]
        total, beside = values[kept].sum(), 0 if covariates is None else covariates.inputs
        share = 0.0 if covariates is None else COVARIATE_SHARE if len(kept) else 1.0
        own = (1 - share) * (len(kept) + beside)  # of the variances of all inputs, which add up to their number
        directions = weight[:, None] * vectors[:, kept] * np.sqrt(own / total if total > 0 else 1.0)
        if covariates is not None:
            covariates = covariates.times(float(np.sqrt(share * (len(kept) + beside))))
        return cls(
            centre=torch.from_numpy(centre.astype(np.float32)),
            # In the order that a file holds them, so that a model read back multiplies alike to the last bit.
            directions=torch.from_numpy(directions.astype(np.float32, order="C")),
            covariates=covariates,
        )

    @property
    def inputs(self) -> int:
        """d."""
        return self.directions.shape[1] + (0 if self.covariates is None else self.covariates.inputs)

    def __call__(
        self, chip: NDArray[np.float32], lon_lat: NDArray[np.float64], covariates: NDArray[np.float32] | None = None
    ) -> Tensor:
        """(n, d) inputs. Raises InputError for chip features, where these are read, or covariates of another width."""
        if not self.directions.shape[1]:
            inputs = torch.empty(len(chip), 0)
        elif chip.shape[1] + 3 != len(self.centre):
            raise InputError(
                f"the chip features are {chip.shape[1]} wide, the model learned from {len(self.centre) - 3}; take the "
                "region and the run that it was fitted on."
            )
        else:
            inputs = (torch.from_numpy(_side_by_side(chip, lon_lat)) - self.centre) @ self.directions
        if self.covariates is None:
            return inputs
        if covariates is None:
            raise InputError("the model learned from covariates, and none are given of these places.")
        return torch.cat([inputs, self.covariates(covariates)], dim=1)


def _side_by_side(chip: NDArray[np.float32], lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
    sphere = unit_sphere(lon_lat[:, 0], lon_lat[:, 1])
    return np.concatenate([chip, sphere], axis=1, dtype=np.float32)
