"""Numbers that stand for no data in a raster that does not say so, such as -9999."""

import numpy as np
from numpy.typing import NDArray

ABSURD = 9e19  # 1e20, 9.97e36 and 3.4e38 are written where there is no data; nothing that is measured is so large
_NINES = tuple(10.0**digits - 1 for digits in range(2, 9))  # 99, 999, ...
_ENDS = (127.0, 128.0, 255.0, 32767.0, 32768.0, 65535.0, 2.0**31 - 1, 2.0**31)  # of integers of 8, 16 and 32 bits

_DECLARE = "declare that, `rio edit-info --nodata {} FILE`"


class LoneValues:
    """The lowest and the highest number of each band, and those next to them, by samples that come bit by bit."""

    def __init__(self, bands: int) -> None:
        self._ends = tuple(_End(bands, sign) for sign in (1.0, -1.0))
        self._known = np.zeros(bands, np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Samples (n, bands); NaN where there is no data."""
        if len(values):
            self._known += np.isfinite(values).sum(axis=0)
            for end in self._ends:
                end.add(values)

    def remarks(self, scale: list[float], offset: list[float], remedy: str = _DECLARE) -> list[str]:
        """For people, of each band with a lone number: one that is often written for no data, and is farther from all
        others than these are from each other. scale, offset: of the bands, by which samples are numbers of the file.
        remedy: what to do where it stands for no data, with {} for the number."""
        found = []
        for band in range(len(self._known)):
            for end, other in (self._ends, self._ends[::-1]):
                value, after, last = end.first[band], end.second[band], other.first[band]
                if not np.isfinite(after) or value == last or abs(value - after) <= abs(last - after):
                    continue
                written = (value - offset[band]) / scale[band]
                marks = _NINES if after == last else (*_NINES, *_ENDS)
                if not np.isclose(abs(written), marks, rtol=1e-6, atol=1e-6).any():
                    continue
                low, high = sorted((after, last))
                of_band = f"band {band + 1}, " if len(self._known) > 1 else ""
                share = end.count[band] / self._known[band]
                found.append(
                    f"{of_band}{value:g} is {share:.1%} of what it has here, far from all else ({low:g} to {high:g}). "
                    f"It was taken as a value; where it stands for no data, {remedy.format(f'{written:.10g}')}."
                )
        return found


class _End:
    """The lowest number of each band, and the next one; with the sign -1, the highest."""

    def __init__(self, bands: int, sign: float) -> None:
        self._sign = sign
        self._first, self._second = np.full(bands, np.inf), np.full(bands, np.inf)
        self.count = np.zeros(bands, np.int64)  # of samples that have the first

    @property
    def first(self) -> NDArray[np.float64]:
        return self._first * self._sign

    @property
    def second(self) -> NDArray[np.float64]:
        """Infinite where there is none."""
        return self._second * self._sign

    def add(self, values: NDArray[np.float32]) -> None:
        turned = values if self._sign > 0 else -values
        first = np.fmin.reduce(turned, axis=0, initial=np.inf)
        at_first = turned == first
        second = np.fmin.reduce(np.where(at_first, np.float32(np.inf), turned), axis=0, initial=np.inf)
        times = at_first.sum(axis=0)
        lowest = np.minimum(self._first, first)
        self.count = np.where(self._first == lowest, self.count, 0) + np.where(first == lowest, times, 0)
        ranked = np.stack([self._first, self._second, first, second])
        self._second = np.where(ranked > lowest, ranked, np.inf).min(axis=0)
        self._first = lowest
