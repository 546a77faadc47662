"""Covariates of a benchmark's table as numbers that every model reads alike."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError, InputError, nearest, some_of

MOST_CODES = 12  # whole numbers that a covariate may have and still be taken for a class by itself
MOST_CLASSES = 20  # of a covariate with a column of their own; rarer ones are of none

Values = NDArray[np.float64] | NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, slots=True)
class CovariateScale:
    """Numbers with mean 0 and variance 1, and a column for each class of a covariate of classes.

    Mean, variance and classes are those of the places it was fitted on. What is not known is the mean, or of no class.
    """

    numbers: tuple[str, ...]
    classes: tuple[tuple[str, tuple[str, ...]], ...]  # of each covariate of classes, as text
    mean: NDArray[np.float64]  # (numbers,)
    deviation: NDArray[np.float64]  # (numbers,)

    @classmethod
    def fit(cls, table: Mapping[str, Values], categorical: Collection[str] = ()) -> "CovariateScale":
        """Of a table of columns (n,). categorical: covariates that are of classes, beside those that look like it.

        A covariate looks like classes where it is text, or has 3 to MOST_CODES different values, all whole numbers and
        most of those between its least and its largest, as codes have. Two values are 0 and 1 in either way. Raises
        ConfigError for a name that is not among the columns, InputError where no covariate varies.
        """
        for name in categorical:
            if name not in table:
                raise ConfigError(
                    f"there is no covariate {name!r}{nearest(name, table)}; there are {some_of(table, 30)}.",
                    settings=("categorical",),
                )
        numbers, classes, mean, deviation = [], [], [], []
        for name, values in table.items():
            if name in categorical or looks_categorical(values):
                classes.append((name, _levels(_as_text(values))))
                continue
            known = values.astype(np.float64)[np.isfinite(values.astype(np.float64))]
            if len(known) and np.ptp(known) > 0:
                numbers.append(name)
                mean.append(known.mean())
                deviation.append(known.std())
        if not numbers and not any(len(levels) > 1 for _, levels in classes):
            raise InputError(f"none of the covariates varies: {some_of(table, 30)}.")
        return cls(numbers=tuple(numbers), classes=tuple(classes), mean=np.array(mean), deviation=np.array(deviation))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in order."""
        return (*self.numbers, *(f"{name}={level}" for name, levels in self.classes for level in levels))

    def __call__(self, table: Mapping[str, Values]) -> NDArray[np.float32]:
        """(n, f) without NaN. Raises InputError for a covariate that the table lacks."""
        missing = [name for name in (*self.numbers, *(name for name, _ in self.classes)) if name not in table]
        if missing:
            raise InputError(
                f"covariates that models learned from are missing: {some_of(missing)}; there are {some_of(table, 30)}."
            )
        columns: list[NDArray[np.floating]] = []
        for name, mean, deviation in zip(self.numbers, self.mean, self.deviation, strict=True):
            scaled = (_as_numbers(table[name], name) - mean) / deviation
            columns.append(np.where(np.isfinite(scaled), scaled, 0.0))
        for name, levels in self.classes:
            text = _as_text(table[name])
            columns += [(text == level).astype(np.float64) for level in levels]
        return np.stack(columns, axis=1).astype(np.float32)


def _levels(text: NDArray[np.str_]) -> tuple[str, ...]:
    """The classes, or the MOST_CLASSES most common of more."""
    levels, counts = np.unique(text[text != ""], return_counts=True)
    return tuple(sorted(map(str, levels[np.argsort(-counts, kind="stable")[:MOST_CLASSES]])))


def looks_categorical(values: Values) -> bool:
    """Whether a covariate is text, or has a few whole numbers, as codes of classes do; see `CovariateScale.fit`."""
    if values.dtype.kind == "U":
        return True
    numbers = values.astype(np.float64)
    different = np.unique(numbers[np.isfinite(numbers)])
    if not 3 <= len(different) <= MOST_CODES or (different != np.round(different)).any():
        return False
    return bool(different[-1] - different[0] < 2 * len(different))


def _as_text(values: Values) -> NDArray[np.str_]:
    """Whole numbers without a point, so that 2 and 2.0 are one class; "" where not known."""
    if values.dtype.kind == "U":
        return values.astype(np.str_)
    return np.array([f"{value:g}" if np.isfinite(value) else "" for value in values.tolist()], dtype=np.str_)


def _as_numbers(values: Values, name: str) -> NDArray[np.float64]:
    try:
        return values.astype(np.float64)
    except ValueError as error:
        raise InputError(
            f"covariate {name} is of numbers where models learn and of text elsewhere: {error}."
        ) from error
