"""What travels from the loader to the methods."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """n samples. Always the same fields; what is missing is marked missing, not left out."""

    photos: tuple[UInt8[Tensor, "n 3 photo_px photo_px"], ...]  # views of each; RGB, all zero where it is missing
    chip: UInt8[Tensor, "n 3 chip_px chip_px"]  # RGB, north up; all zero where the chip is missing
    has_photo: Bool[Tensor, " n"]
    has_chip: Bool[Tensor, " n"]
    lon_lat: Float[Tensor, "n 2"]  # degrees WGS84, longitude first; NaN where the place is missing
    year_fraction: Float[Tensor, " n"]  # 0 on 1 January to 1 at the year's end; NaN where the date is missing
    label: Int64[Tensor, " n"]  # index of the taxon in the dataset's list of taxa
    row: Int64[Tensor, " n"]  # row number within the split, in file order
    chip_features: Float[Tensor, "n chip_features"] | None = None  # of `encode_chip`, where they were made beforehand

    @property
    def photo(self) -> UInt8[Tensor, "n 3 photo_px photo_px"]:
        """The first view of each photo, the only one for methods that do not compare views."""
        return self.photos[0]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """The same batch on another device."""
        return self._with_all(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked memory, from where it reaches a GPU without blocking."""
        return self._with_all(Tensor.pin_memory)

    def __len__(self) -> int:
        return len(self.row)

    def without_metadata(self) -> "Batch":
        """The same batch with every place and date marked missing."""
        return replace(
            self,
            lon_lat=torch.full_like(self.lon_lat, math.nan),
            year_fraction=torch.full_like(self.year_fraction, math.nan),
        )

    def _with_all(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        def changed(value: Tensor | tuple[Tensor, ...] | None) -> Tensor | tuple[Tensor, ...] | None:
            if isinstance(value, tuple):
                return tuple(change(view) for view in value)
            return None if value is None else change(value)

        values: dict[str, Any] = {f.name: changed(getattr(self, f.name)) for f in fields(self)}
        return Batch(**values)
