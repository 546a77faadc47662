"""How far from the truth photos are located, beside chance and simpler ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid, Grid
from birdsat.earth.place import distance_km
from birdsat.tables import Table

# Of a city, a region, a country and a continent: Hays and Efros 2008, "IM2GPS", as later work reports them.
WITHIN_KM = (25, 200, 750, 2500)
_DRAWS = 200  # random places a photo that chance is worked out from


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way to say where photos are from."""

    name: str
    median_km: float  # of the distance from the place it says to the true one
    within: Mapping[int, float]  # share of photos no farther than so many km

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        within = {str(km): share for km, share in self.within.items()}
        return {"name": self.name, "median_km": self.median_km, "within_km": within}


@dataclass(frozen=True, kw_only=True, slots=True)
class LocateReport:
    """What was measured of photos whose places are known."""

    photos: int
    outside: int  # among them, photos whose place is in no cell of the region, and cannot be found
    cells: int  # of the region
    scale: float | None  # inverse temperature of likeness to cells; None: not located by that
    temperature: float | None = None  # of likeness to taxa; None: not located by ranges
    without_range: tuple[str, ...] = ()  # taxa that photos were compared with, and the range model does not have
    ways: tuple[Way, ...]

    def way(self, name: str) -> Way:
        """One of the ways. Raises KeyError for a name that is not there."""
        return {way.name: way for way in self.ways}[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "photos": self.photos,
            "photos_outside_the_region": self.outside,
            "cells": self.cells,
            "scale": self.scale,
            "temperature": self.temperature,
            "taxa_without_a_range": list(self.without_range),
            "ways": [way.to_dict() for way in self.ways],
        }

    def table(self) -> Table:
        """For the console."""
        table = Table(title=f"{self.photos:,} photos among {self.cells:,} cells, {self.outside:,} from outside them")
        table.add_column("place")
        table.add_column("median error")
        for km in WITHIN_KM:
            table.add_column(f"{km:,} km")
        for way in self.ways:
            shares = (f"{way.within[km]:.1%}" for km in WITHIN_KM)
            table.add_row(way.name, f"{way.median_km:,.0f} km", *shares)
        return table


def way(name: str, found: NDArray[np.float64], true: NDArray[np.float64]) -> Way:
    """Figures of places found (..., n, 2), one or many for each of the true ones (n, 2); longitude first, degrees."""
    km = distance_km(found[..., 0], found[..., 1], true[:, 0], true[:, 1])
    return Way(
        name=name,
        median_km=float(np.median(km)),
        within={most: float((km <= most).mean()) for most in WITHIN_KM},
    )


def random_places(grid: AnyGrid, cells: NDArray[np.int64], n: int, seed: int = 0) -> NDArray[np.float64]:
    """(draws, n, 2) centres of cells drawn at random, each as often as its area is large."""
    centres = grid.centres(cells)
    area = np.maximum(np.cos(np.radians(centres[:, 1])), 0) if isinstance(grid, Grid) else np.ones(len(centres))
    drawn = np.random.default_rng(seed).choice(len(centres), (_DRAWS, n), p=area / area.sum())
    return centres[drawn]


def places_drawn_from(places: NDArray[np.float64], n: int, seed: int = 0) -> NDArray[np.float64]:
    """(draws, n, 2) of the given places (m, 2), drawn at random: what is right where most photos are taken."""
    return places[np.random.default_rng(seed).integers(0, len(places), (_DRAWS, n))]
