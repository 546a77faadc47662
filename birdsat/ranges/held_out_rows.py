"""What members of a fit say of the blocks of the Earth that they did not learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """What the members say of the blocks that they did not learn from. Rows are (taxon, place) pairs."""

    logit: NDArray[np.float32]  # (r,)
    taxon: NDArray[np.int64]  # (r,)
    present: NDArray[np.bool_]  # (r,) a point; else background
    row: NDArray[np.int64]  # (r,) of the points, or of the background
    member: NDArray[np.int64]  # (r,) who held it out
    even: NDArray[np.bool_]  # (r,) background drawn by area alone, beside that which a fit learns from
    around: NDArray[np.bool_]  # (r,) background of the whole map, where the other is between records of a small region
    block: NDArray[np.int64]  # (r,) of the place
    half: NDArray[np.int64]  # (r,) 0 or 1: of the blocks, by which steps, calibration and figures keep apart

    @property
    def ranked(self) -> NDArray[np.bool_]:
        """(r,) points, and the background that they are to stand above; without that which is even by area."""
        return ~self.even & ~self.around

    @property
    def calibrating(self) -> NDArray[np.bool_]:
        """(r,) points, and background as a fit learns from it: what relative suitability is relative to."""
        return self.present | self.around if self.around.any() else ~self.even

    def where(self, some: NDArray[np.bool_]) -> "HeldOut":
        """Some of the rows, by a mask (r,)."""
        return HeldOut(**{one.name: getattr(self, one.name)[some] for one in fields(self)})

    @classmethod
    def together(cls, parts: Sequence["HeldOut"]) -> "HeldOut":
        """The rows of all parts, one after another."""
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})
