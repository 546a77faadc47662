"""Fits to made taxa that live by covariates, of which chips and places know nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from made_points import PLACES, SMALL, SOURCE, chips, draw_rows, habitat, points_at, presence
from numpy.typing import NDArray

from birdsat.ranges.covariates.facts import CovariateSource, covariates_of
from birdsat.ranges.fit import fit_ranges
from birdsat.ranges.learn import Embedded
from birdsat.ranges.model import RangeModel

FIELDS = np.random.default_rng(4).normal(0, 1, (len(PLACES), 3))  # taxon n lives where field n is high
PRESENT = presence(FIELDS)
ROWS, TAXON = draw_rows(PRESENT, 40)
CHIP = chips(habitat())
KNOWN = FIELDS.astype(np.float32)
RASTERS = tuple(CovariateSource(name=f"field {n}", file=f"{n}.tif", sha256="", bands=("",)) for n in range(3))
TAXA = ("Taxon 0", "Taxon 1", "Taxon 2")


def embedded(covariates: NDArray[np.float32], rows: NDArray[np.int64] | slice = slice(None)) -> Embedded:
    chip = CHIP[rows]
    return Embedded(chip=chip, year=np.empty((len(chip), 1, 0), np.float32), covariates=covariates[rows])


def fit(
    covariates: NDArray[np.float32] = KNOWN,
    inputs: Sequence[str] = (),
    *,
    rasters: tuple[CovariateSource, ...] = RASTERS,
    rows: NDArray[np.int64] = ROWS,
    taxon: NDArray[np.int64] = TAXON,
) -> RangeModel:
    without = bool(inputs) and "covariates" not in inputs
    return fit_ranges(
        points_at(rows, taxon, 3),
        embedded(covariates, rows),
        embedded(covariates),
        TAXA,
        replace(SOURCE, rasters=rasters),
        settings=SMALL,
        covariates=() if without else covariates_of(rasters),
        inputs_of=inputs,
    )
