"""Points of taxa whose habitat is known, on a made grid of places, for tests of range models."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.held_out_rows import HeldOut
from birdsat.ranges.learn import Embedded
from birdsat.ranges.model import RangeModel
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points

SMALL = RangeNetworkConfig(inputs=12, width=24, depth=1, members=3, block_km=900, steps=60, learning_rate=5e-3)
WIDTH = 6  # of chip features
SOURCE = Source(run="made", model="none", tables=("records.csv",))

_LON, _LAT = np.meshgrid(np.linspace(-20, 40, 20), np.linspace(-10, 40, 16))
PLACES: NDArray[np.float64] = np.stack([_LON.ravel(), _LAT.ravel()], axis=1)  # (n, 2), 20 x 16 cells


def habitat(taxa: int = 3, seed: int = 0) -> NDArray[np.float64]:
    """(n, taxa) smooth fields over the places; a taxon lives where its own is high."""
    generator = np.random.default_rng(seed)
    waves, phase = generator.normal(0, 0.12, (2, taxa)), generator.uniform(0, 2 * np.pi, taxa)
    return np.sin(PLACES @ waves + phase)


def chips(fields: NDArray[np.float64], seed: int = 0) -> NDArray[np.float32]:
    """(n, WIDTH) features that show the fields, turned and with some noise."""
    generator = np.random.default_rng(seed + 1)
    shown = fields @ generator.normal(0, 1, (fields.shape[1], WIDTH))
    return (shown + generator.normal(0, 0.1, shown.shape)).astype(np.float32)


def presence(fields: NDArray[np.float64]) -> NDArray[np.bool_]:
    return fields > np.quantile(fields, 0.75, axis=0)


def draw_rows(present: NDArray[np.bool_], each: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (p,) and labels (p,): so many presences of every taxon."""
    generator = np.random.default_rng(seed + 2)
    rows = [generator.choice(np.flatnonzero(one), each, replace=False) for one in present.T]
    return np.concatenate(rows), np.repeat(np.arange(present.shape[1]), each)


def points_at(
    rows: NDArray[np.int64], taxon: NDArray[np.int64], taxa: int, dates: NDArray[np.float64] | None = None
) -> Points:
    """Points at some of the places, all of which are background."""
    points = Points(
        taxa=taxa,
        presences=Cells(lon_lat=PLACES[rows], columns={}),
        taxon=taxon,
        background=Cells(lon_lat=PLACES, columns={}),
    )
    return points if dates is None else replace(points, year_fraction=dates)


def embedded(chip: NDArray[np.float32], year: NDArray[np.float32] | None = None) -> Embedded:
    return Embedded(chip=chip, year=np.empty((len(chip), 1, 0), np.float32) if year is None else year)


def fit(
    points: Points,
    rows: NDArray[np.int64],
    chip: NDArray[np.float32],
    settings: RangeNetworkConfig = SMALL,
    *,
    year: NDArray[np.float32] | None = None,
    photos: NDArray[np.float32] | None = None,
) -> RangeModel:
    """A range model of points at rows of the places, whose chips have these features (n, f)."""
    return fit_ranges(
        points,
        embedded(chip[rows], None if year is None else year[rows]),
        embedded(chip, year),
        [f"Taxon {label}" for label in range(points.taxa)],
        SOURCE,
        settings=settings,
        photos=photos,
    )


def block(chip: NDArray[np.float32], year: NDArray[np.float32] | None = None) -> RegionBlock:
    """All places."""
    everything = embedded(chip, year)
    return RegionBlock(cells=np.arange(len(chip)), lon_lat=PLACES, chip=everything.chip, year=everything.year)


def _year() -> NDArray[np.float32]:
    """(n, 3, 4) annual cycles of unit embeddings, which change little over the year."""
    generator = np.random.default_rng(7)
    year = generator.normal(0, 0.05, (len(PLACES), 3, 4))
    mean = generator.normal(0, 1, (len(PLACES), 4))
    year[:, 0] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return year.astype(np.float32)


CHIP_YEAR = _year()


Rows = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]


def rows_held_out(count: int = 4000, taxa: int = 3, seed: int = 0) -> Rows:
    """True log odds (r,), taxon and presence: as many points as background, in truth."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 2, count)
    present = generator.random(count) < 1 / (1 + np.exp(-odds))
    return odds, generator.integers(0, taxa, count), present


def made_rows(
    taxon: NDArray[np.int64],
    present: NDArray[np.bool_],
    *,
    even: NDArray[np.bool_] | None = None,
    block: NDArray[np.int64] | None = None,
    member: NDArray[np.int64] | None = None,
) -> HeldOut:
    """Rows held out, by one member and a block each unless told; what members say of them is beside the point."""
    rows = np.arange(len(taxon))
    return HeldOut(
        logit=np.zeros(len(rows), np.float32),
        taxon=taxon,
        present=present,
        row=rows,
        member=np.zeros_like(rows) if member is None else member,
        even=np.zeros(len(rows), bool) if even is None else even,
        around=np.zeros(len(rows), bool),
        block=rows if block is None else block,
        half=rows % 2,
    )
