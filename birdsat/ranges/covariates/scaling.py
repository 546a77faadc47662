"""How covariates are brought to one scale: each by itself, so that what it says can be told from what others do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from birdsat.errors import InputError, some_of
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.facts import Covariate, column_spans

COVARIATE_SHARE = 0.25  # of the variance of all inputs that covariates bring, beside chip and place
_CONSTANT = 3e-7  # of a column's largest size: what differs by less, differs by rounding
_LEAST_FLAG = 0.2  # deviation that a flag is taken to have at least: of a rare one, a 1 would be far from all else
_SKEWED = 1.5  # skewness from which the tails of a covariate's values are pulled in
_MIDDLE_HALF = 1.349  # deviations of a normal distribution that its middle half spans
_KNOTS = 17  # of a curve
_BEFORE = "covariates."  # before the names of tensors in a file

_Values = NDArray[np.float32]  # (n, k); NaN where not known


@dataclass(frozen=True, kw_only=True, slots=True)
class CovariateScaling:
    """From k numbers of a place to its inputs: each standardised, and flags of those that are missing somewhere.

    Every number goes through a curve of straight lines, which goes on beyond its ends: one line where values are about
    even, several where they are skewed, as those of precipitation over the world. The shares of classes have one
    scale together. What is missing is taken as the mean. Every covariate has the same variance over the background, and
    flags beside it; as fitted, the variances of all add up to 1.
    """

    knots: Tensor  # (k, q) ascending numbers
    levels: Tensor  # (k, q) inputs there; all 0: it is constant, and left out
    missing: Tensor  # (k,) share of the background in which it is not known
    flags: Tensor  # (k,) what a flag of 1 is above one of 0, as an input; 0: there is no flag

    @classmethod
    def fit(cls, values: _Values, covariates: Sequence[Covariate], progress: Progress = QUIET) -> "CovariateScaling":
        """To the numbers of background places (n, k), which come in the order of the covariates.

        What is constant, and what is missing in some of the background, is noted. Raises InputError where nothing is
        known of a covariate, and where all are constant.
        """
        k = values.shape[1]
        knots, levels = np.tile(np.arange(_KNOTS, dtype=np.float64), (k, 1)), np.zeros((k, _KNOTS))
        missing, flags = np.isnan(values).mean(axis=0), np.zeros(k)
        constant = []
        for one, span in zip(covariates, column_spans(covariates), strict=True):
            known = values[np.isfinite(values[:, span]).all(axis=1), span].astype(np.float64)
            if not len(known):
                raise InputError(
                    f"the covariate {one.name!r} has no data where the model learns; take one that covers its "
                    "records, or leave it out.",
                    settings=("covariates",),
                )
            spread = known.std(axis=0)
            if not (spread > _CONSTANT * np.maximum(np.abs(known).max(axis=0), 1e-30)).any():
                constant.append(one.name)
            elif one.categorical:
                factor = 1 / np.sqrt(np.square(spread).sum())
                for column, (mean, deviation) in enumerate(zip(known.mean(axis=0), spread, strict=True)):
                    at = np.linspace(0, 1, _KNOTS)
                    knots[span.start + column] = at
                    levels[span.start + column] = (at - mean) * factor * (deviation > 0)
            else:
                knots[span.start], levels[span.start] = _curve(known[:, 0])
            share = float(missing[span.start])
            if share and one.name not in constant:
                flags[span.start] = 1 / max(np.sqrt(share * (1 - share)), _LEAST_FLAG)
                much = f"{share:.1%}" if share >= 0.0005 else "less than 0.1%"
                progress.note(
                    f"the covariate {one.name!r} is missing in {much} of the background; its mean is taken there, and "
                    "that it is missing is an input beside it."
                )
        if constant:
            progress.note(f"left out, as they are the same everywhere: the covariates {some_of(constant)}.")
        if len(constant) == len(covariates):
            raise InputError(
                f"all covariates ({some_of(constant)}) are the same wherever the model learns, and tell no place from "
                "another; give others, or a larger box.",
                settings=("covariates",),
            )
        factor = 1 / np.sqrt(len(covariates) - len(constant))
        return cls(
            knots=_tensor(knots),
            levels=_tensor(levels * factor),
            missing=_tensor(missing),
            flags=_tensor(flags * factor),
        )

    @property
    def kept(self) -> Tensor:
        """(k,) which numbers are inputs."""
        return (self.levels != 0).any(dim=1)

    @property
    def inputs(self) -> int:
        """Of a place."""
        return int(self.kept.sum()) + int((self.flags != 0).sum())

    @property
    def unit(self) -> float:
        """The size of inputs: so many times as large as of covariates that are scaled alike but for a factor."""
        return float(self.levels.abs().max())

    @property
    def width(self) -> int:
        """k, numbers of a place."""
        return len(self.knots)

    def times(self, factor: float) -> "CovariateScaling":
        """With inputs so many times as large."""
        return replace(self, levels=self.levels * factor, flags=self.flags * factor)

    def __call__(self, values: _Values) -> Tensor:
        """(n, inputs) of places with numbers (n, k): those of the numbers, then those of the flags.

        Raises InputError for another width.
        """
        if values.shape[1] != self.width:
            raise InputError(f"there are {values.shape[1]} covariates of places, and the model has {self.width}.")
        columns = [_along(values[:, at], self.knots[at].numpy(), self.levels[at].numpy()) for at in self._kept]
        flags = torch.nonzero(self.flags)[:, 0].tolist()
        columns += [(np.isnan(values[:, at]) - float(self.missing[at])) * float(self.flags[at]) for at in flags]
        return torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))

    def unforeseen(self, values: _Values, *, alone: bool = False) -> NDArray[np.bool_]:
        """(n,) places of which something is not known that was known of all places learned from.

        alone: no other inputs tell of a place, so that one of which nothing is known is unforeseen too.
        """
        never = np.flatnonzero((self.kept & (self.missing == 0)).numpy())
        found = np.isnan(values[:, never]).any(axis=1)
        return np.asarray(found | np.isnan(values[:, self._kept]).all(axis=1) if alone else found)

    @property
    def _kept(self) -> list[int]:
        found: list[int] = torch.nonzero(self.kept)[:, 0].tolist()
        return found

    def tensors(self) -> dict[str, Tensor]:
        """What it is made of, to be written."""
        return {f"{_BEFORE}{name}": getattr(self, name) for name in ("knots", "levels", "missing", "flags")}

    @classmethod
    def take_from(cls, written: dict[str, Tensor], width: int) -> "CovariateScaling | None":
        """Take what `tensors` gave, of so many numbers, out of tensors that were read; None where there are none.

        Raises ValueError and LookupError for what does not fit.
        """
        names = [name for name in written if name.startswith(_BEFORE)]
        if not names and not width:
            return None
        tensors = {name.removeprefix(_BEFORE): written.pop(name) for name in names}
        shapes = {name: tuple(value.shape) for name, value in tensors.items()}
        q = tensors["knots"].shape[-1]
        wanted = {"knots": (width, q), "levels": (width, q), "missing": (width,), "flags": (width,)}
        if shapes != wanted or any(value.dtype != torch.float32 for value in tensors.values()):
            raise ValueError(f"covariates have {shapes} in place of float32 {wanted}")
        return cls(**tensors)


def _tensor(numbers: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(numbers.astype(np.float32))


def _curve(known: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Knots and levels (_KNOTS,) that bring numbers to mean 0 and variance 1: by a line, or with their tails pulled in.

    Tails by the inverse hyperbolic sine of the distance to the median in deviations of the middle half: a line there,
    and a logarithm far off. Normal scores would stretch what is crowded, as deserts are at the end of precipitation.
    """
    mean, deviation = known.mean(), known.std()
    skewness = float((((known - mean) / deviation) ** 3).mean())
    low, median, high = np.percentile(known, (25, 50, 75))
    if abs(skewness) < _SKEWED or high <= low:
        at = mean + deviation * np.linspace(-3, 3, _KNOTS)
        return at, (at - mean) / deviation
    unit = (high - low) / _MIDDLE_HALF
    first, last = np.arcsinh((np.array([known.min(), known.max()]) - median) / unit).tolist()
    levels = np.linspace(first, last, _KNOTS)
    at = median + unit * np.sinh(levels)
    made = _along(known, at, levels)
    return at, (levels - made.mean()) / made.std()


def _along(
    values: NDArray[np.floating], knots: NDArray[np.floating], levels: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(n,) levels of numbers (n,), straight between knots and beyond the ends; 0, the mean, where not known."""
    numbers = np.asarray(values, dtype=np.float64)
    knots, levels = knots.astype(np.float64), levels.astype(np.float64)
    found = np.interp(numbers, knots, levels)
    for end, inner, out in ((0, 1, numbers < knots[0]), (-1, -2, numbers > knots[-1])):
        slope = (levels[end] - levels[inner]) / (knots[end] - knots[inner])
        found = np.where(out, levels[end] + slope * (numbers - knots[end]), found)
    return np.asarray(np.nan_to_num(found, nan=0.0), dtype=np.float64)
