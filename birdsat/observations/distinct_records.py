"""Records gathered batch by batch, each distinct one kept once, in arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST_WAITING = 1 << 18  # records
_ODD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # of splitmix64


class DistinctRecords:
    """Distinct (label, day, lon, lat). Memory grows with them alone: about 60 bytes each at the most."""

    def __init__(self) -> None:
        self._added = np.zeros(0, np.int64)  # of each label
        self._parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]] = []
        self._kept, self._waiting = 0, 0  # records in the first part, which are distinct, and in the others

    def repeats(self) -> NDArray[np.int64]:
        """(labels,) records added of each label that were there already."""
        label = self._merged()[0]
        return self._added - np.bincount(label, minlength=len(self._added))

    def add(self, label: NDArray[np.int32], day: NDArray[np.int32], lon_lat: NDArray[np.float64]) -> None:
        """label, day: (n,) from 0; lon_lat: (n, 2) degrees."""
        if len(label) == 0:
            return
        added = np.bincount(label, minlength=len(self._added))
        added[: len(self._added)] += self._added
        self._added = added
        lon, lat = lon_lat.T + 0.0  # without the sign of zero
        self._parts.append((label.astype(np.int32), day.astype(np.int32), lon, lat))
        self._waiting += len(label)
        # As many wait as are kept, so that each is looked at a number of times that does not grow with them.
        if self._waiting > max(_LEAST_WAITING, self._kept):
            self._merged()

    def arrays(
        self, relabel: NDArray[np.int32] | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Label (n,), day (n,), lon and lat (n, 2); sorted by label, then day, then place.

        relabel: (labels,) what is given for each label. The records are given away: none are left here.
        """
        label, day, lon, lat = self._merged()
        self._parts, self._kept = [], 0
        if relabel is not None:
            label = relabel[label]
        order = sorted_records(label, day, lon, lat)
        lon_lat = np.empty((len(order), 2))
        lon_lat[:, 0] = lon[order]
        del lon
        lon_lat[:, 1] = lat[order]
        return label[order], day[order], lon_lat

    def _merged(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
        if not self._parts:
            nothing = np.zeros(0, np.int32), np.zeros(0)
            return nothing[0], nothing[0], nothing[1], nothing[1]
        if self._waiting:
            columns = [list(column) for column in zip(*self._parts, strict=True)]
            self._parts = []
            whole: list[Any] = []
            for column in columns:  # one after the other, so that few are there twice
                whole.append(np.concatenate(column))
                column.clear()
            first = _first_of_each(*whole)
            for i in range(len(whole)):
                whole[i] = whole[i][first]
            self._parts = [tuple(whole)]
            self._kept, self._waiting = int(np.count_nonzero(first)), 0
        return self._parts[0]


def sorted_records(
    label: NDArray[np.int32], day: NDArray[np.int32], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(n,) the order of records by label, day, longitude and latitude.

    As np.lexsort, of two keys of 64 bits, whose sorting takes a tenth of the time: the second holds the longitude
    coarsely, and the few records that it leaves equal are sorted at the end.
    """
    key = (label.astype(np.int64) << 32) | day
    order = np.argsort(key)
    key = key[order]
    key[1:] = np.cumsum(key[1:] != key[:-1])
    key[:1] = 0
    key <<= 32
    key |= np.minimum((lon[order] + 180.0) * (2.0**32 / 360.0), 2.0**32 - 1).astype(np.int64)
    inner = np.argsort(key)
    order, key = order[inner], key[inner]
    del inner
    same = key[1:] == key[:-1]
    tied = np.zeros(len(key), dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    at = order[tied]
    order[tied] = at[np.lexsort((lat[at], lon[at], key[tied]))]
    return order


def _first_of_each(
    label: NDArray[np.int32], day: NDArray[np.int32], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) one of each set of equal records."""
    key = _mixed(label, day, lon, lat)
    order = np.argsort(key)
    sorted_key = key[order]
    again = np.flatnonzero(sorted_key[1:] == sorted_key[:-1]) + 1
    one, other = order[again], order[again - 1]
    first = np.ones(len(key), dtype=np.bool_)
    if all(np.array_equal(column[one], column[other]) for column in (label, day, lon, lat)):
        first[one] = False
        return first
    order = np.lexsort((lat, lon, day, label))  # two records that differ share a key: once in a million tables
    one, other = order[1:], order[:-1]
    equal = np.logical_and.reduce([column[one] == column[other] for column in (label, day, lon, lat)])
    first[one[equal]] = False
    return first


def _mixed(
    label: NDArray[np.int32], day: NDArray[np.int32], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.uint64]:
    """(n,) a number of 64 bits for each record, the same for equal ones (after Steele et al. 2014, splitmix64)."""
    key = ((label.astype(np.int64) << 32) | day).view(np.uint64)
    for bits, odd in zip((lon.view(np.uint64), lat.view(np.uint64)), _ODD, strict=False):
        key ^= key >> np.uint64(31)
        key *= odd
        key += bits
    key ^= key >> np.uint64(30)
    key *= _ODD[2]
    key ^= key >> np.uint64(31)
    return key
