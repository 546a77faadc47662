"""Where the map of a taxon may be believed: places that, in what its map hangs on, are like those learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from birdsat.observations.blocks import blocks_by_km
from birdsat.ranges.points import Points

_MOST_RECORDED, _MOST_LOOKED = 256, 256  # references of a taxon: with records of it, and where somebody looked
_CELLS_AT_ONCE = 2048  # that are compared with references: what stays in a processor's cache
_LARGEST = 6e4  # of inputs that are kept as float16
_PER_DEGREE = 10_000  # cells whose centres are so near, some 10 m, are one


def half_inputs(inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """As cells and references are kept: float16, of which 1 in 2,000 is lost."""
    return inputs.clamp(-_LARGEST, _LARGEST).half()


def caution(count: int) -> float:
    """What is left of a radius that was learned from so many blocks, or places: max(0, (n - 2) / (n + 3)).

    Meyer and Pebesma's threshold is an upper quantile of how unlike one block is to the others. Of two blocks there is
    one such number, which says nothing of a third, so nothing is left; of 3 a sixth, of 7 a half, of 30 .85.
    """
    return max(0.0, (count - 2) / (count + 3))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Applicability:
    """Areas of applicability after Meyer and Pebesma (2021, "Predicting into unknown space?", section 2), one a taxon.

    A place is inside when its distance to the nearest reference is no more than a radius, inputs weighing what the
    taxon's log odds hang on them. References are cells with records of the taxon, and cells where somebody looked: they
    taught where it is and where it was missed. The radius is the upper whisker (third quartile and 1.5 interquartile
    ranges, or the largest) of their own distances, each to the references of other blocks, times `caution` of the
    blocks with records of the taxon. (The mean distance, by which they divide both, cancels.) It is no less than the
    median distance of a record to the next, times `caution` of the cells with records: many on one coast say nothing of
    other coasts, but all of what lies between them. Cells with a record of the taxon are inside whatever they are like.
    One row more than taxa: the last is that of all taxa together.
    """

    places: Float[Tensor, "places d"]  # float16: inputs of all references, each place once
    looked: Tensor  # (l,) int64, which of the places are references of every taxon, as somebody looked there
    reference: Tensor  # (r,) int32, which of the places have records, those of one taxon after the other's
    first_reference: Tensor  # (taxa + 2,) int64, where those of each begin
    recorded: Tensor  # (k,) int64, all cells with records by `_place_keys`, those of one after the other's, each sorted
    first_recorded: Tensor  # (taxa + 2,) int64
    weight: Float[Tensor, "rows d"]  # of each input
    radius: Float[Tensor, " rows"]

    @classmethod
    def fit(
        cls,
        points: Points,
        presences: Float[Tensor, "p d"],
        background: Float[Tensor, "b d"],
        weight: Float[Tensor, "taxa d"],
        *,
        block_km: float,
        seed: int = 0,
    ) -> "Applicability":
        """presences, background: inputs of the points. weight: as `sensitivity` gives it."""
        generator = np.random.default_rng(seed)
        looked = _some(np.flatnonzero(points.background_looked), _MOST_LOOKED, generator)
        lon_lat = np.concatenate([points.presences.lon_lat, points.background.lon_lat[looked]])
        keys, once, place = np.unique(_place_keys(lon_lat), return_index=True, return_inverse=True)
        inputs = half_inputs(torch.cat([presences, background[looked]])[once])
        block = blocks_by_km(lon_lat[once], block_km)
        recorded = len(points.presences)
        pairs = np.unique(points.taxon * len(keys) + place.reshape(-1)[:recorded])  # taxon and place, each once
        of_place = pairs % len(keys)
        first = np.searchsorted(pairs // len(keys), np.arange(points.taxa + 1))
        own = [*np.split(of_place, first[1:-1]), np.unique(of_place)]
        looked = np.unique(place.reshape(-1)[recorded:])
        known = np.bincount(points.taxon, minlength=points.taxa) > 0
        together = weight[known].square().mean(dim=0, keepdim=True).sqrt()
        weight = torch.cat([weight, together.nan_to_num()])
        reference = [_some_of_each(places, block[places], _MOST_RECORDED, generator) for places in own]
        radius = torch.zeros(len(own))
        for row, places in enumerate(own):
            if left := caution(len(places)):
                within = _nearest(inputs[reference[row]].float() * weight[row], np.arange(len(reference[row])))
                radius[row] = left * float(np.median(within))
            if left := caution(len(np.unique(block[places]))):
                of_row = np.union1d(reference[row], looked)
                across = _nearest(inputs[of_row].float() * weight[row], block[of_row])
                radius[row] = max(float(radius[row]), left * _whisker(across))
        used, number = np.unique(np.concatenate([*reference, looked]), return_inverse=True)
        kept = torch.from_numpy(number.reshape(-1))  # of the places that are kept
        ends = np.cumsum([0, *map(len, reference)])
        return cls(
            places=inputs[used],
            looked=kept[ends[-1] :],
            reference=kept[: ends[-1]].int(),
            first_reference=torch.from_numpy(ends),
            recorded=torch.from_numpy(keys[np.concatenate(own)]),
            first_recorded=torch.from_numpy(np.cumsum([0, *map(len, own)])),
            weight=weight,
            radius=radius,
        )

    @property
    def together(self) -> int:
        """The row of all taxa together."""
        return len(self.radius) - 1

    def inside(
        self, inputs: Float[Tensor, "c d"], lon_lat: NDArray[np.float64], rows: Sequence[int]
    ) -> NDArray[np.bool_]:
        """(rows, c) which cells lie in the areas of some taxa: inputs as `half_inputs`, centres (c, 2)."""
        keys, inputs = _place_keys(lon_lat), inputs.float()
        found = np.empty((len(rows), len(inputs)), np.bool_)
        for number, row in enumerate(rows):
            found[number] = self._has_record(keys, row)
            if self.radius[row] > 0:
                found[number] |= self._near(inputs, row).numpy()
        return found

    def _near(self, inputs: Float[Tensor, "c d"], row: int) -> Tensor:
        """(c,) which are no farther from a reference than the radius."""
        own = self.reference[self.first_reference[row] : self.first_reference[row + 1]].long()
        references = self.places[torch.cat([own, self.looked])].float()
        weight = self.weight[row].square()
        # Of squares, as torch.cdist and a minimum along rows take more than twice as long.
        theirs, turned = references.square() @ weight, (references * weight).T
        nearest = [
            torch.addmm(theirs, some, turned, alpha=-2).amin(dim=1) + some.square() @ weight
            for some in torch.split(inputs, _CELLS_AT_ONCE)
        ]
        return torch.cat(nearest) <= self.radius[row].square()

    def _has_record(self, keys: NDArray[np.int64], row: int) -> NDArray[np.bool_]:
        recorded = self.recorded[self.first_recorded[row] : self.first_recorded[row + 1]].numpy()
        if len(recorded) == 0:
            return np.zeros(len(keys), np.bool_)
        found: NDArray[np.bool_] = recorded[np.minimum(np.searchsorted(recorded, keys), len(recorded) - 1)] == keys
        return found

    def tensors(self) -> dict[str, Tensor]:
        """By name, to be saved."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor], *, taxa: int, inputs: int) -> "Applicability":
        """What `tensors` gave. Raises ValueError where they do not fit one another."""
        wanted = {field.name: tensors[field.name] for field in fields(cls)}
        half, whole, single = torch.float16, torch.int64, torch.float32
        for name, dtype, shape in (
            ("places", half, (-1, inputs)),
            ("looked", whole, (-1,)),
            ("reference", torch.int32, (-1,)),
            ("first_reference", whole, (taxa + 2,)),
            ("recorded", whole, (-1,)),
            ("first_recorded", whole, (taxa + 2,)),
            ("weight", single, (taxa + 1, inputs)),
            ("radius", single, (taxa + 1,)),
        ):
            value = wanted[name]
            fits = len(shape) == value.dim() and all(n in (-1, m) for n, m in zip(shape, value.shape, strict=True))
            if value.dtype != dtype or not fits or not value.isfinite().all():
                raise ValueError(f"{name} of the area of applicability is {tuple(value.shape)} of {value.dtype}")
        for name in ("reference", "recorded"):
            first = wanted[f"first_{name}"]
            if first[0] != 0 or first[-1] != len(wanted[name]) or (first.diff() < 0).any():
                raise ValueError(f"{name} of the area of applicability is not of {taxa:,} taxa")
        for name in ("looked", "reference"):
            if ((wanted[name] < 0) | (wanted[name] >= len(wanted["places"]))).any():
                raise ValueError(f"{name} of the area of applicability is not among its places")
        return cls(**wanted)


def _some(rows: NDArray[np.int64], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= most else np.sort(generator.choice(rows, most, replace=False))


def _some_of_each(
    rows: NDArray[np.int64], block: NDArray[np.int64], most: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Some rows, of as many blocks as there can be: records that crowd in one are not to hide that there are others."""
    if len(rows) <= most:
        return rows
    mixed = generator.permutation(len(rows))
    one_each = np.zeros(len(rows), np.bool_)
    one_each[np.unique(block[mixed], return_index=True)[1]] = True
    return np.sort(rows[np.concatenate([mixed[one_each], mixed[~one_each]])[:most]])


def _nearest(inputs: Float[Tensor, "n d"], block: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n,) distance of each reference to the nearest of another block, of which there are two or more."""
    apart = torch.cdist(inputs, inputs)
    own = torch.from_numpy(block)
    apart[own[:, None] == own[None]] = torch.inf
    nearest: NDArray[np.float32] = apart.amin(dim=1).numpy()
    return nearest


def _whisker(values: NDArray[np.float32]) -> float:
    low, high = np.quantile(values, (0.25, 0.75))
    return float(min(values.max(), high + 1.5 * (high - low)))


def _place_keys(lon_lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) a number for each place (n, 2), the same in every grid that has a cell with this centre."""
    lon, lat = np.rint(lon_lat * _PER_DEGREE).astype(np.int64).T
    around = 360 * _PER_DEGREE
    keys: NDArray[np.int64] = (lat + 90 * _PER_DEGREE) * around + lon % around
    return keys
