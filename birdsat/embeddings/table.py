"""What one pass of a method over a split gives: a table of ids and unit vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingTable:
    """n rows of a split, in file order. Rows without a photo or a chip hold NaN there."""

    taxa: tuple[str, ...]  # names of the labels, sorted
    ids: tuple[str, ...]  # n, of the observations
    labels: NDArray[np.int64]  # (n,) index into taxa
    lon_lat: NDArray[np.float64]  # (n, 2) degrees WGS84, longitude first; NaN where the place is missing
    year_fraction: NDArray[np.float64]  # (n,) in [0, 1); NaN where the date is missing
    photo: NDArray[np.float32]  # (n, d) unit vectors
    chip: NDArray[np.float32] | None  # (n, d) of chip, place and date; None: the method sees no chips
    chip_without_metadata: NDArray[np.float32] | None  # (n, d) unit vectors ; place and date taken as unknown

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def has_photo(self) -> NDArray[np.bool_]:
        """(n,) which rows have a photo."""
        return _known(self.photo)

    @property
    def has_chip(self) -> NDArray[np.bool_]:
        """(n,) which rows have a chip; none when the method sees no chips."""
        return np.zeros(len(self), dtype=np.bool_) if self.chip is None else _known(self.chip)

    @property
    def knows_metadata(self) -> bool:
        """Whether place and date change any chip embedding."""
        return self.chip is not None and self.chip is not self.chip_without_metadata

    def chips(self, *, with_metadata: bool) -> NDArray[np.float32] | None:
        """(n, d) chip embeddings with place and date, or with both marked missing."""
        return self.chip if with_metadata else self.chip_without_metadata


def join(tables: Sequence[EmbeddingTable]) -> EmbeddingTable:
    """The rows of several tables (at least one) of one method and dataset, one after another."""
    first = tables[0]
    same_chips = first.chip is first.chip_without_metadata
    chip = _join([table.chip for table in tables])
    bare = chip if same_chips else _join([table.chip_without_metadata for table in tables])
    return EmbeddingTable(
        taxa=first.taxa,
        ids=tuple(id_ for table in tables for id_ in table.ids),
        labels=np.concatenate([table.labels for table in tables]),
        lon_lat=np.concatenate([table.lon_lat for table in tables]),
        year_fraction=np.concatenate([table.year_fraction for table in tables]),
        photo=np.concatenate([table.photo for table in tables]),
        chip=chip,
        chip_without_metadata=bare,
    )


def _join(parts: list[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else None


def _known(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = ~np.isnan(vectors[:, 0])
    return known
