"""Rasters and columns over the cells of a grid: means of numbers, and the share of each class."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.raster_cells import CellSamples, raster_bands, raster_samples
from birdsat.earth.undeclared import ABSURD
from birdsat.embeddings.given.cell_means import CellMeans
from birdsat.errors import InputError, about
from birdsat.files import file_sha256
from birdsat.progress import QUIET, Progress, WithoutNotes
from birdsat.ranges.covariates.columns import column_samples, open_column
from birdsat.ranges.covariates.facts import RasterFacts, covariates_of
from birdsat.ranges.covariates.named import NamedCovariate, where_read

MOST_CLASSES = 30  # that have a column of their own
LEAST_SHARE = 0.001  # of what is known in the cells, that such a class has
_MOST_VALUES = 20_000  # of a raster of classes; of more, it holds measurements
_SAMPLES = 1 << 16  # that are told apart by class at once


@dataclass(frozen=True, kw_only=True)
class CellCovariates:
    """Numbers of covariates in the cells of a grid. What does not fit into memory waits in files of its own."""

    rasters: tuple[RasterFacts, ...]
    means: tuple[CellMeans, ...]
    folder: TemporaryDirectory[str]  # gone with it

    def of(self, cells: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, k) of cells (n,) in any order; NaN where nothing is known, as outside the grid (-1)."""
        different, row = np.unique(cells, return_inverse=True)
        found = np.concatenate([means.of(different) for means in self.means], axis=1, dtype=np.float32)
        return np.asarray(found[row.reshape(-1)], dtype=np.float32)


def read_facts(asked: Sequence[NamedCovariate], grid: AnyGrid, progress: Progress = QUIET) -> tuple[RasterFacts, ...]:
    """What there is to remember of covariates, for a fit in the cells of a grid: of classes, those that lie there.

    Classes that are rare there are pooled, which is noted. Raises InputError for what cannot be read, and for what has
    nothing there.
    """
    found = tuple(_facts(one, grid, progress) for one in asked)
    for name, times in Counter(one.name for one in covariates_of(found)).items():
        if times > 1:
            raise InputError(
                f"{times} covariates would be called {name!r}, by the names of rasters and of their bands; give the "
                "rasters other names.",
                settings=("covariates",),
            )
    return found


def read_cells(
    rasters: Sequence[RasterFacts], folder: Path | None, grid: AnyGrid, progress: Progress = QUIET
) -> CellCovariates:
    """The numbers of covariates that a model remembers, in the cells of a grid.

    folder: of the model. Raises InputError for what cannot be read, and for what has nothing in these cells.
    """
    temporary = TemporaryDirectory(prefix="birdsat-covariates-")
    means = []
    for number, raster in enumerate(rasters):
        own = Path(temporary.name) / str(number)
        own.mkdir()
        found = CellMeans(raster.width, own)
        for samples in _samples(raster, _path(raster, folder), grid, progress):
            for cells, vectors in _vectors(raster, samples):
                found.add(cells, vectors)
        if found.is_empty:
            raise _nothing_there(raster, grid)
        means.append(found)
    return CellCovariates(rasters=tuple(rasters), means=tuple(means), folder=temporary)


def remembered_from(rasters: Sequence[RasterFacts], folder: Path, before: Path | None) -> tuple[RasterFacts, ...]:
    """The same with their ways from a folder, in place of the one before; on another drive, from the root."""

    def way(raster: RasterFacts) -> str:
        path = _path(raster, before)
        try:
            return Path(os.path.relpath(path, folder.resolve())).as_posix()
        except ValueError:
            return path.as_posix()

    return tuple(replace(raster, file=way(raster)) for raster in rasters)


def _path(raster: RasterFacts, folder: Path | None) -> Path:
    return ((folder or Path()).resolve() / raster.file).resolve()


def check_unchanged(rasters: Sequence[RasterFacts], folder: Path | None) -> None:
    """Raise InputError for the first file that a model remembers and that is gone, or holds something else now.

    folder: of the model.
    """
    for raster in rasters:
        path = _path(raster, folder)
        if not path.is_file():
            raise InputError(
                f"the covariate {raster.name!r} was read from {path}, which is gone; put the file there again, or fit "
                "again with another."
            )
        if file_sha256(path) != raster.sha256:
            raise InputError(
                f"the covariate {raster.name!r} was read from {path}, which has changed since; put the former file "
                "there again, or fit again with this one."
            )


def _facts(asked: NamedCovariate, grid: AnyGrid, progress: Progress) -> RasterFacts:
    with about("covariates"):
        if asked.column:
            open_column(asked.path, asked.column)  # a mistake in it is said before records are read
            bands: tuple[str, ...] = ("",)
        else:
            bands = _band_names(asked)
        file = asked.path.resolve().as_posix()
        facts = RasterFacts(name=asked.name, file=file, sha256=file_sha256(asked.path), column=asked.column)
        return _with_classes(facts, asked.path, grid, progress) if asked.categorical else replace(facts, bands=bands)


def _band_names(asked: NamedCovariate) -> tuple[str, ...]:
    found = raster_bands(asked.path, classes=asked.categorical)
    if len(found.numbers) == 1:
        return ("",)
    if asked.categorical:
        raise InputError(
            f"{asked.path} has {len(found.numbers)} bands, and the covariate {asked.name!r} is categorical; give a "
            "raster with one band, whose numbers are classes."
        )
    return tuple(_distinct(list(zip(found.names, found.numbers, strict=True))))


def _distinct(bands: Sequence[tuple[str, int]]) -> Iterator[str]:
    """What bands are called, each by itself: of those that a raster calls alike, with their numbers."""
    times = Counter(name for name, _ in bands)
    for name, number in bands:
        yield f"band {number}" if not name else f"{name} (band {number})" if times[name] > 1 else name


def _with_classes(facts: RasterFacts, path: Path, grid: AnyGrid, progress: Progress) -> RasterFacts:
    counts: Counter[float] = Counter()
    for samples in _samples(facts, path, grid, WithoutNotes(progress)):  # said as the shares are read
        inside = samples.values[samples.cells >= 0, 0]
        values, times = np.unique(inside[np.isfinite(inside)], return_counts=True)
        counts.update(dict(zip(values.tolist(), times.tolist(), strict=True)))
        if len(counts) > _MOST_VALUES:
            raise InputError(
                f"{where_read(str(path), facts.column)} has more than {_MOST_VALUES:,} different values, and the "
                f"covariate {facts.name!r} is categorical; leave out that it is where the values are measurements."
            )
    if not counts:
        raise _nothing_there(facts, grid)
    total = counts.total()
    # Of equally common ones, the lower: the same whatever the order of the windows.
    common = sorted(counts, key=lambda one: (-counts[one], one))[:MOST_CLASSES]
    kept = sorted(one for one in common if counts[one] >= LEAST_SHARE * total) or common[:1]
    pooled = len(counts) - len(kept)
    if pooled:
        share = 1 - sum(counts[one] for one in kept) / total
        progress.note(
            f"the covariate {facts.name!r} has {len(counts):,} classes in these cells; the {len(kept)} most common "
            f"have columns of their own, the other {pooled:,}, with {share:.2%} of what is known, are pooled."
        )
    return replace(facts, classes=tuple(kept), pooled=pooled > 0)


def _samples(raster: RasterFacts, path: Path, grid: AnyGrid, progress: Progress) -> Iterator[CellSamples]:
    with about("covariates"):
        if raster.column:
            yield from column_samples(path, raster.column, grid, progress)
        else:
            yield from raster_samples(path, grid, classes=raster.categorical, progress=progress)


def _vectors(raster: RasterFacts, samples: CellSamples) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """The numbers themselves; of classes, a 1 in the column of each and 0 in the others, which have shares as means.

    Of a class that has no column, in a model without one for the others, nothing is known.
    """
    if not raster.categorical:
        yield samples.cells, samples.values
        return
    classes = np.array(raster.classes, dtype=np.float32)
    for start in range(0, len(samples.cells), _SAMPLES):
        cells = samples.cells[start : start + _SAMPLES]
        values = samples.values[start : start + _SAMPLES, 0]
        column = np.minimum(np.searchsorted(classes, values), len(classes) - 1)
        known = classes[column] == values
        vectors = np.zeros((len(cells), raster.width), dtype=np.float32)
        vectors[known, column[known]] = 1
        if raster.pooled:
            vectors[~known, -1] = 1
            vectors[np.isnan(values)] = np.nan
        else:
            vectors[~known] = np.nan
        yield cells, vectors


def _nothing_there(raster: RasterFacts, grid: AnyGrid) -> InputError:
    """Of what may cover the cells, with values that are all missing or of no size that anything has."""
    where = where_read(Path(raster.file).name, raster.column)
    return InputError(
        f"the covariate {raster.name!r} ({where}) has no data in any cell of the box {grid.box}: it lies elsewhere, or "
        f"all of its values there are missing, or beyond {ABSURD:g}, as missing ones are written. Take one with values "
        "there, or a box where this one has some.",
        settings=("covariates", "box"),
    )
