"""Features of any places, wherever they come from: one protocol for what is looked at now and what was kept."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.bands import RGBBands, Stretch
from birdsat.earth.equal_area import METRES_A_DEGREE
from birdsat.earth.grid import Grid
from birdsat.earth.outline import Land
from birdsat.earth.place import EARTH_RADIUS_KM
from birdsat.embeddings.regions.places import embed_places
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError
from birdsat.imagery.open_imagery import Imagery
from birdsat.training.run_folder import Run

_NUMBERS = 1 << 22  # that are looked up at once


class PlaceFeatures(Protocol):
    """Where features of places come from."""

    @property
    def land(self) -> Land:
        """The land of the planet whose places they are."""
        ...

    def features_at(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, f) features of places (n, 2), in degrees; NaN in the rows of those of which nothing is known.

        Raises InputError when nothing is known of any.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipFeatures:
    """What a run sees in the chips that are cut from imagery: `PlaceFeatures`."""

    run: Run
    imagery: Imagery
    bands: RGBBands | None = None  # of a raster, that are red, green and blue
    stretch: Stretch | None = None  # values that become black and white, of imagery that is not 8-bit
    workers: int = 0  # processes that cut chips

    @property
    def land(self) -> Land:
        """The land of the planet that the imagery shows."""
        return self.imagery.land

    def features_at(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        """As `embed_places` gives them, and raises."""
        chips = self.imagery.chips(
            ground_km=self.run.chip_ground_km, px=self.run.chip_px, bands=self.bands, stretch=self.stretch
        )
        return embed_places(self.run, chips, lon_lat, workers=self.workers).chip


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionFeatures:
    """What a region, such as the built-in world, holds of cells of any size: `PlaceFeatures`."""

    region: Region
    cell_degrees: float | None = None  # side of the cells that places are centres of; None: those of the region

    @property
    def land(self) -> Land:
        """That of the planet it is of."""
        return self.region.imagery.land

    def features_at(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        """The mean over the region's cells whose chips together show the square around a place: of one degree and
        chips of 100 km the four in its middle. Where none of these is known, over all that the square holds; or else
        the cell that holds the place.

        Raises InputError when none of the places is in any.
        """
        found = np.full((len(lon_lat), self.region.chip_width), np.nan, np.float32)
        for offsets in self._squares():
            size = max(1, _NUMBERS // (len(offsets) * self.region.chip_width))
            unknown = np.flatnonzero(np.isnan(found[:, 0]))
            for start in range(0, len(unknown), size):
                some = unknown[start : start + size]
                found[some] = self._means(lon_lat[some], offsets)
        unknown = np.flatnonzero(np.isnan(found[:, 0]))
        found[unknown] = self.region.at(lon_lat[unknown]).chip
        if len(found) and np.isnan(found[:, 0]).all():
            kind = ", which holds land" if self.region.imagery.is_of_land else ""
            raise InputError(f"none of the {len(found):,} places lies in a cell of {self.region.name}{kind}.")
        return found

    def _squares(self) -> Iterator[NDArray[np.float64]]:
        """How far from a place the cells that count lie (m, 2): those of the first of these squares that holds any."""
        step = self._step_degrees
        if self.cell_degrees is not None and self.cell_degrees > step:
            around = _steps(self.cell_degrees, step)
            shown = math.degrees(self.region.chip_km / EARTH_RADIUS_KM)
            # Cells further out are shown by these chips as well, and would make neighbours more alike than they are.
            middle = np.abs(around) <= max(self.cell_degrees / len(around), self.cell_degrees - shown) / 2 + 1e-9
            yield _square(around[middle])
            yield _square(around)

    @property
    def _step_degrees(self) -> float:
        grid = self.region.grid
        return grid.step if isinstance(grid, Grid) else grid.step / METRES_A_DEGREE

    def _means(self, lon_lat: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, f) means over the cells at offsets (m, 2) from places (n, 2); NaN of those without any."""
        places = (lon_lat[:, None] + offsets).reshape(-1, 2)
        places[np.abs(places[:, 1]) > 90] = np.nan
        held = self.region.at(places)
        shape = len(lon_lat), len(offsets)
        count = held.found.reshape(shape).sum(axis=1)[:, None]
        total = np.where(held.found[:, None], held.chip, 0).reshape(*shape, -1).sum(axis=1, dtype=np.float64)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _square(side: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, 2) all pairs."""
    return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)


def _steps(cell_degrees: float, step: float) -> NDArray[np.float64]:
    """How far from the centre of a cell those of smaller ones lie, along one side."""
    cells = max(1, round(cell_degrees / step))
    return (np.arange(cells) + 0.5) * cell_degrees / cells - cell_degrees / 2
