"""What a range model's fit costs by taxa, points and cells, beside a logistic regression of each taxon.

    python benchmarks/fit.py [--iterations 2] [--threads N] [--growth] [--case TAXA POINTS CELLS [--covariates N]]
        [--alone] [--out fit.json]

Taxa of which each lives where a mix of smooth fields is high; their points are drawn in cells there, dated or not, and
the chip features of every cell show the fields with noise. The range network is fitted by `fit_ranges`, with what
follows a fit: calibration, figures on blocks held out and the area of applicability. Beside it stands the plainest
model there is, scikit-learn's logistic regression of each taxon's points against the background, on the same principal
components, one taxon after the other; the ratio of the two is what to compare between machines. `--alone` leaves it
out. `--covariates` gives the fit so many of the fields, of which it chooses its inputs. `--iterations` cuts each fit
short after so many steps, on few cells, to see that all still works.
"""

import argparse
import json
import resource
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from birdsat.cli.console import print_table
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.learn import Embedded
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points
from birdsat.ranges.projection import InputProjection
from birdsat.tables import Table

CHIP_WIDTH, FIELDS = 64, 12


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a fit is given."""

    taxa: int
    points: int  # of each taxon
    cells: int  # of background
    dated: bool = False
    covariates: int = 0  # of the fields that taxa live by


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One case; seconds by the clock."""

    case: Case
    fit_s: float
    steps: int  # of the network that was kept
    fit_cpu_s: float  # of all threads together
    peak_gib: float  # of memory, of the process so far
    logistic_s: float | None  # None: left out
    ratio: float | None  # fit to logistic regression


# A few birds of a country, a checklist of it, a flora of many taxa; and records of a download, in their months.
CASES = (
    Case(taxa=37, points=10, cells=1256),
    Case(taxa=60, points=100, cells=5000),
    Case(taxa=60, points=100, cells=5000, dated=True),
    Case(taxa=300, points=20, cells=5000),
    Case(taxa=60, points=100, cells=20_000, dated=True),
)


# How it grows with taxa, with points and with cells.
GROWTH = (
    *(Case(taxa=taxa, points=10, cells=1256) for taxa in (1, 100, 1000)),
    *(Case(taxa=37, points=points, cells=1256) for points in (10, 100, 1000)),
    *(Case(taxa=37, points=10, cells=cells) for cells in (10_000, 100_000)),
    Case(taxa=10_000, points=10, cells=4000),
)


def make(
    case: Case, seed: int = 0
) -> tuple[Points, NDArray[np.float32], NDArray[np.int64], NDArray[np.float32] | None]:
    """Points and background, the chip features (cells, f), the cell of each point, and covariates of the cells."""
    generator = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(case.cells)))
    lon, lat = np.meshgrid(np.linspace(-20, 40, side), np.linspace(-10, 45, side))
    lon_lat = np.stack([lon.ravel(), lat.ravel()], axis=1)[: case.cells]
    fields = np.sin(lon_lat @ generator.normal(0, 0.1, (2, FIELDS)) + generator.uniform(0, 2 * np.pi, FIELDS))
    chip = fields @ generator.normal(0, 1, (FIELDS, CHIP_WIDTH)) + generator.normal(0, 0.5, (len(fields), CHIP_WIDTH))
    niche = fields @ generator.normal(0, 1, (FIELDS, case.taxa))
    lives = niche > np.quantile(niche, 0.8, axis=0)
    rows = np.concatenate([generator.choice(np.flatnonzero(one), case.points) for one in lives.T])
    points = Points(
        taxa=case.taxa,
        presences=Cells(lon_lat=lon_lat[rows], columns={}),
        taxon=np.repeat(np.arange(case.taxa), case.points),
        background=Cells(lon_lat=lon_lat, columns={}),
        year_fraction=generator.random(len(rows)) if case.dated else np.full(len(rows), np.nan),
    )
    covariates = fields[:, : case.covariates].astype(np.float32) if case.covariates else None
    return points, chip.astype(np.float32), rows, covariates


def measure(case: Case, settings: RangeNetworkConfig, *, alone: bool = False) -> Measured:
    """Fit both, or the range network alone."""
    points, chip, rows, beside = make(case)
    at, background = (
        Embedded(
            chip=chip[some],
            year=np.empty((len(chip[some]), 1, 0), np.float32),
            covariates=None if beside is None else beside[some],
        )
        for some in (rows, slice(None))
    )
    taxa, names = (
        [str(label) for label in range(case.taxa)],
        [Covariate(name=f"field {n}") for n in range(case.covariates)],
    )
    started, cpu = time.perf_counter(), time.process_time()
    source = Source(run="made up", model="none")
    model = fit_ranges(points, at, background, taxa, source, settings=settings, covariates=names)
    fit_s, fit_cpu_s = time.perf_counter() - started, time.process_time() - cpu
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    logistic_s = None if alone else _logistic(case, points, chip, rows, settings)
    return Measured(
        case=case,
        fit_s=fit_s,
        steps=model.facts.steps,
        fit_cpu_s=fit_cpu_s,
        peak_gib=peak_gib,
        logistic_s=logistic_s,
        ratio=None if logistic_s is None else fit_s / logistic_s,
    )


def _logistic(
    case: Case, points: Points, chip: NDArray[np.float32], rows: NDArray[np.int64], settings: RangeNetworkConfig
) -> float:
    """Seconds of logistic regressions, one a taxon."""
    started = time.perf_counter()
    projection = InputProjection.fit(chip, points.background.lon_lat, settings.inputs)
    here, everywhere = (
        projection(some, cells.lon_lat).numpy()
        for some, cells in ((chip[rows], points.presences), (chip, points.background))
    )
    for label in range(case.taxa):
        own = here[points.taxon == label]
        present = np.repeat([1, 0], [len(own), len(everywhere)])
        LogisticRegression(class_weight="balanced", max_iter=1000).fit(np.concatenate([own, everywhere]), present)
    return time.perf_counter() - started


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, help="steps of each fit, in place of as many as it takes")
    parser.add_argument("--threads", type=int, help="of torch's arithmetic; all processors by default")
    parser.add_argument("--out", type=Path, default=Path("fit.json"), help="where the figures go, as JSON")
    parser.add_argument("--growth", action="store_true", help="from one taxon to 10,000, and so on")
    parser.add_argument("--alone", action="store_true", help="without the logistic regression")
    parser.add_argument("--case", type=int, nargs=3, metavar=("TAXA", "POINTS", "CELLS"), help="this one alone")
    parser.add_argument("--covariates", type=int, default=0, help=f"of that one, up to {FIELDS}")
    options = parser.parse_args()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    settings, cases = RangeNetworkConfig(), GROWTH if options.growth else CASES
    if options.case is not None:
        taxa, points, cells = options.case
        cases = (Case(taxa=taxa, points=points, cells=cells, covariates=options.covariates),)
    if options.iterations is not None:
        settings = replace(settings, steps=options.iterations)
        cases = tuple(replace(case, taxa=min(case.taxa, 8), cells=600) for case in cases)
    found = [measure(case, settings, alone=options.alone) for case in cases]
    facts = machine()
    table = Table(
        title=f"{facts['processor']}, {facts['threads']} threads",
        columns=[
            "taxa",
            "points",
            "cells",
            "dated",
            "covariates",
            "steps",
            "fit",
            "processor",
            "peak",
            "logistic",
            "ratio",
        ],
    )
    for one in found:
        case = one.case
        table.add_row(
            f"{case.taxa:,}",
            f"{case.points:,}",
            f"{case.cells:,}",
            "yes" if case.dated else "no",
            f"{case.covariates}",
            f"{one.steps:,}",
            f"{one.fit_s:.2f} s",
            f"{one.fit_cpu_s:.2f} s",
            f"{one.peak_gib:.1f} GiB",
            "" if one.logistic_s is None else f"{one.logistic_s:.2f} s",
            "" if one.ratio is None else f"{one.ratio:.2f}",
        )
    print_table(table)
    figures: dict[str, Any] = {
        "machine": facts,
        "iterations": options.iterations,
        "fits": [asdict(one) for one in found],
    }
    options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
