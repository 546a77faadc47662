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
from birdsat.ranges.covariates.columns import column_samples, open_columns
from birdsat.ranges.covariates.facts import CovariateSource, covariates_of
from birdsat.ranges.covariates.named import NamedCovariate, where_read

MOST_CLASSES = 30  # that have a column of their own
LEAST_SHARE = 0.001  # of what is known in the cells, that such a class has
_MOST_VALUES = 20_000  # of a raster of classes; of more, it holds measurements
_SAMPLES = 1 << 16  # that are told apart by class at once


@dataclass(frozen=True, kw_only=True)
class CellCovariates:
    """Numbers of covariates in the cells of a grid. What does not fit into memory waits in files of its own."""

    sources: tuple[CovariateSource, ...]
    means: tuple[CellMeans, ...]
    folder: TemporaryDirectory[str]  # gone with it

    def of(self, cells: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, k) of cells (n,) in any order; NaN where nothing is known, as outside the grid (-1)."""
        different, row = np.unique(cells, return_inverse=True)
        found = np.concatenate([means.of(different) for means in self.means], axis=1, dtype=np.float32)
        return np.asarray(found[row.reshape(-1)], dtype=np.float32)


def read_facts(
    asked: Sequence[NamedCovariate], grid: AnyGrid, progress: Progress = QUIET
) -> tuple[CovariateSource, ...]:
    """What there is to remember of covariates, for a fit in the cells of a grid: of classes, those that lie there.

    Classes that are rare there are pooled, which is noted. Raises InputError for what cannot be read, and for what has
    nothing there.
    """
    hashes: dict[Path, str] = {}  # a table may have many columns
    found = tuple(_facts(one, grid, hashes, progress) for one in asked)
    for name, times in Counter(one.name for one in covariates_of(found)).items():
        if times > 1:
            raise InputError(
                f"{times} covariates would be called {name!r}, by their names and those of bands; give them other "
                "names.",
                settings=("covariates",),
            )
    return found


def read_cells(
    sources: Sequence[CovariateSource], folder: Path | None, grid: AnyGrid, progress: Progress = QUIET
) -> CellCovariates:
    """The numbers of covariates that a model remembers, in the cells of a grid.

    folder: of the model. Raises InputError for what cannot be read, and for what has nothing in these cells.
    """
    temporary = TemporaryDirectory(prefix="birdsat-covariates-")
    means = []
    for number, source in enumerate(sources):
        own = Path(temporary.name) / str(number)
        own.mkdir()
        means.append(CellMeans(source.width, own))
    for path, together in _by_file(sources, folder).items():
        for samples in _samples([sources[at] for at in together], path, grid, progress):
            for column, at in enumerate(together):
                own_samples = replace(samples, values=samples.values[:, [column]]) if sources[at].column else samples
                for cells, vectors in _vectors(sources[at], own_samples):
                    means[at].add(cells, vectors)
    for source, found in zip(sources, means, strict=True):
        if found.is_empty:
            raise _nothing_there(source, grid)
    return CellCovariates(sources=tuple(sources), means=tuple(means), folder=temporary)


def _by_file(sources: Sequence[CovariateSource], folder: Path | None) -> dict[Path, list[int]]:
    """Which are read from each file: a raster, or columns of a table, which is read once for all of them."""
    found: dict[Path, list[int]] = {}
    for at, source in enumerate(sources):
        found.setdefault(_path(source, folder), []).append(at)
    return found


def remembered_from(
    sources: Sequence[CovariateSource], folder: Path, before: Path | None
) -> tuple[CovariateSource, ...]:
    """The same with their ways from a folder, in place of the one before; on another drive, from the root."""

    def way(source: CovariateSource) -> str:
        path = _path(source, before)
        try:
            return Path(os.path.relpath(path, folder.resolve())).as_posix()
        except ValueError:
            return path.as_posix()

    return tuple(replace(source, file=way(source)) for source in sources)


def _path(source: CovariateSource, folder: Path | None) -> Path:
    return ((folder or Path()).resolve() / source.file).resolve()


def check_unchanged(sources: Sequence[CovariateSource], folder: Path | None) -> None:
    """Raise InputError for the first file that a model remembers and that is gone, or holds something else now.

    folder: of the model.
    """
    now: dict[Path, str] = {}  # a table may have many columns
    for source in sources:
        path = _path(source, folder)
        if not path.is_file():
            raise InputError(
                f"the covariate {source.name!r} was read from {path}, which is gone; put the file there again, or fit "
                "again with another."
            )
        if path not in now:
            now[path] = file_sha256(path)
        if now[path] != source.sha256:
            raise InputError(
                f"the covariate {source.name!r} was read from {path}, which has changed since; put the former file "
                "there again, or fit again with this one."
            )


def _facts(asked: NamedCovariate, grid: AnyGrid, hashes: dict[Path, str], progress: Progress) -> CovariateSource:
    with about("covariates"):
        if asked.column:
            open_columns(asked.path, (asked.column,))  # a mistake in it is said before anything is read
            bands: tuple[str, ...] = ("",)
        else:
            bands = _band_names(asked)
        path = asked.path.resolve()
        if path not in hashes:
            hashes[path] = file_sha256(path)
        facts = CovariateSource(name=asked.name, file=path.as_posix(), sha256=hashes[path], column=asked.column)
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


def _with_classes(facts: CovariateSource, path: Path, grid: AnyGrid, progress: Progress) -> CovariateSource:
    counts: Counter[float] = Counter()
    for samples in _samples([facts], path, grid, WithoutNotes(progress)):  # said as the shares are read
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


def _samples(
    sources: Sequence[CovariateSource], path: Path, grid: AnyGrid, progress: Progress
) -> Iterator[CellSamples]:
    """Of a raster, or of columns of one table."""
    with about("covariates"):
        if columns := [one.column for one in sources if one.column]:
            yield from column_samples(path, columns, grid, progress)
        else:
            yield from raster_samples(path, grid, classes=sources[0].categorical, progress=progress)


def _vectors(source: CovariateSource, samples: CellSamples) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """The numbers themselves; of classes, a 1 in the column of each and 0 in the others, which have shares as means.

    Of a class that has no column, in a model without one for the others, nothing is known.
    """
    if not source.categorical:
        yield samples.cells, samples.values
        return
    classes = np.array(source.classes, dtype=np.float32)
    for start in range(0, len(samples.cells), _SAMPLES):
        cells = samples.cells[start : start + _SAMPLES]
        values = samples.values[start : start + _SAMPLES, 0]
        column = np.minimum(np.searchsorted(classes, values), len(classes) - 1)
        known = classes[column] == values
        vectors = np.zeros((len(cells), source.width), dtype=np.float32)
        vectors[known, column[known]] = 1
        if source.pooled:
            vectors[~known, -1] = 1
            vectors[np.isnan(values)] = np.nan
        else:
            vectors[~known] = np.nan
        yield cells, vectors


def _nothing_there(source: CovariateSource, grid: AnyGrid) -> InputError:
    """Of what may cover the cells, with values that are all missing or of no size that anything has."""
    where = where_read(Path(source.file).name, source.column)
    lies = "it lies elsewhere (places are read as degrees)" if source.column else "it lies elsewhere"
    return InputError(
        f"the covariate {source.name!r} ({where}) has no data in any cell of the box {grid.box}: {lies}, or "
        f"all of its values there are missing, or beyond {ABSURD:g}, as missing ones are written. Take one with values "
        "there, or a box where this one has some.",
        settings=("covariates", "box"),
    )
