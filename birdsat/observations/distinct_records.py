"""Records gathered one by one, each distinct one kept once, in arrays."""

import numpy as np
from numpy.typing import NDArray

_LEAST_WAITING = 1 << 16  # records


class DistinctRecords:
    """Distinct (label, day, lon, lat). Memory grows with them alone: about 72 bytes each at the most."""

    def __init__(self) -> None:
        self._added = np.zeros(0, np.int64)  # of each label
        self._label, self._day = np.empty(0, np.int32), np.empty(0, np.int32)
        self._lon_lat = np.empty((0, 2), np.float64)
        self._start(_LEAST_WAITING)

    def repeats(self) -> NDArray[np.int64]:
        """(labels,) records added of each label that were there already."""
        self._merge()
        return self._added - np.bincount(self._label, minlength=len(self._added))

    def add(self, label: int, day: int, lon: float, lat: float) -> None:
        """label, day: 32 bits, from 0; lon, lat: degrees."""
        if self._filled == len(self._waiting_label):
            self._merge()
        i = self._filled
        self._waiting_label[i], self._waiting_day[i], self._waiting_place[i] = label, day, (lon, lat)
        self._filled += 1

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Label (n,), day (n,), lon and lat (n, 2); sorted by label, then day, then place."""
        self._merge()
        return self._label, self._day, self._lon_lat

    def _start(self, room: int) -> None:
        self._filled = 0
        self._waiting_label, self._waiting_day = np.empty(room, np.int32), np.empty(room, np.int32)
        self._waiting_place = np.empty((room, 2), np.float64)

    def _merge(self) -> None:
        if self._filled == 0:
            return
        n = self._filled
        more = np.bincount(self._waiting_label[:n], minlength=len(self._added))
        more[: len(self._added)] += self._added
        self._added = more
        label = np.concatenate([self._label, self._waiting_label[:n]])
        day = np.concatenate([self._day, self._waiting_day[:n]])
        place = np.concatenate([self._lon_lat, self._waiting_place[:n]])
        order = np.lexsort((place[:, 1], place[:, 0], day, label))
        label, day, place = label[order], day[order], place[order]
        new = np.ones(len(label), dtype=np.bool_)
        new[1:] = (label[1:] != label[:-1]) | (day[1:] != day[:-1]) | (place[1:] != place[:-1]).any(axis=1)
        self._label, self._day, self._lon_lat = label[new], day[new], place[new]
        # As many wait as are kept, so that each is sorted a number of times that grows with the logarithm alone.
        self._start(max(_LEAST_WAITING, len(self._label)))
