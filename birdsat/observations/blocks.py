"""Which cells are held out together: blocks of the Earth's surface, whole regions, or, when asked for, single cells."""

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.clusters import cluster_places
from birdsat.earth.place import Place, unit_sphere
from birdsat.errors import ConfigError, InputError
from birdsat.observations.splits import block

BLOCK_DEGREES = 5.0
FOLDS = 5
RANDOM_WARNING = (
    "cells were held out at random: neighbours of a test cell are in training, so that the figures are better than "
    "they would be anywhere else. Use blocks to evaluate a map."
)

_Ids = NDArray[np.int64]
_Places = NDArray[np.float64]


def blocks_by_degrees(lon_lat: _Places, degrees: float = BLOCK_DEGREES) -> _Ids:
    """(n,) number of the block of each place (n, 2): squares of so many degrees, counted from 0 N, 180 W.

    Numbers run from 0 over the blocks that hold a place, from south to north, then from west to east. Where the side
    does not divide 360 degrees, the last block before the antimeridian is narrower.
    """
    if not 0 < degrees <= 180:
        raise ConfigError(f"blocks are {degrees} degrees wide; allowed: above 0, up to 180.")
    lon = (lon_lat[:, 0] + 180) % 360
    index = np.stack([np.floor(lon_lat[:, 1] / degrees), np.floor(lon / degrees)], axis=1)
    return _numbered(index)


def blocks_by_km(lon_lat: _Places, km: float) -> _Ids:
    """(n,) number of the block of each place (n, 2): about square, of about `km` a side everywhere on Earth.

    The blocks of `splits.block`, so that a dataset and its evaluation can be split alike.
    """
    if not 0 < km <= 20_000:
        raise ConfigError(f"blocks are {km} km wide; allowed: above 0, up to 20000.")
    return _numbered(np.array([block(Place(lon, lat), km) for lon, lat in lon_lat.tolist()]))


def deal_folds(blocks: _Ids, folds: int = FOLDS, seed: int = 0) -> _Ids:
    """(n,) fold 0..folds-1 of each cell, blocks (n,) being dealt as a whole, in an order drawn from the seed.

    Every fold gets as many blocks as another, or one more. Raises InputError for fewer blocks than folds.
    """
    if folds < 2:
        raise ConfigError(f"{folds} folds were asked for; 2 or more are needed.")
    which, at = np.unique(blocks, return_inverse=True)
    if len(which) < folds:
        raise InputError(f"{len(which)} blocks cannot be dealt to {folds} folds; use smaller blocks, or fewer folds.")
    turn = np.empty(len(which), dtype=np.int64)
    turn[np.random.default_rng(seed).permutation(len(which))] = np.arange(len(which))
    dealt: _Ids = (turn % folds)[at]
    return dealt


def hold_out_regions(lon_lat: _Places, regions: int = 2, seed: int = 0) -> _Ids:
    """(n,) fold of each place (n, 2): whole regions, clusters of places on the sphere, numbered from west to east.

    Two regions are halves: a continent's west and east, mostly. Raises InputError for fewer places than regions.
    """
    if regions < 2:
        raise ConfigError(f"{regions} regions were asked for; 2 or more are needed, or nothing is left to learn from.")
    centres = cluster_places(lon_lat, regions, seed)
    if len(centres) < regions:
        raise InputError(f"{len(lon_lat):,} places cannot be cut into {regions} regions; ask for fewer.")
    centres = centres[np.argsort(centres[:, 0])]
    fold: _Ids = (unit_sphere(*lon_lat.T) @ unit_sphere(*centres.T).T).argmax(axis=1)
    return fold


def random_folds(cells: int, folds: int = FOLDS, seed: int = 0) -> _Ids:
    """(cells,) fold of each, drawn without regard to where it lies. Show RANDOM_WARNING beside whatever comes of it."""
    return deal_folds(np.arange(cells), folds, seed)


def _numbered(index: NDArray[np.generic]) -> _Ids:
    """(n, 2) rows and columns of blocks -> (n,) numbers from 0, in the order of rows, then columns."""
    number: _Ids = np.unique(index, axis=0, return_inverse=True)[1].reshape(-1)
    return number
