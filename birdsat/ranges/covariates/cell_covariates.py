"""Rasters and columns over the cells of a grid: means of numbers, and the share of each class."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.raster_cells import CellSamples, raster_bands, raster_samples
from birdsat.earth.undeclared import ABSURD
from birdsat.embeddings.given.cell_means import CellMeans
from birdsat.errors import InputError, about
from birdsat.files import file_sha256
from birdsat.observations.readers.cell_values import as_numbers
from birdsat.observations.readers.columns import TableColumns
from birdsat.progress import QUIET, Progress, WithoutNotes
from birdsat.ranges.covariates.columns import PlaceTable, ValueColumn
from birdsat.ranges.covariates.facts import CovariateSource, covariates_of
from birdsat.ranges.covariates.named import NamedCovariate, where_read

MOST_CLASSES = 30  # that have a column of their own
LEAST_SHARE = 0.001  # of what is known in the cells, that such a class has
_MOST_VALUES = 20_000  # of a raster of classes; of more, it holds measurements
_SAMPLES = 1 << 16  # that are told apart by class at once
_Class = TypeVar("_Class", float, str)


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
    asked: Sequence[NamedCovariate],
    grid: AnyGrid,
    *,
    columns: TableColumns | None = None,
    crs: str | None = None,
    progress: Progress = QUIET,
) -> tuple[CovariateSource, ...]:
    """What there is to remember of covariates, for a fit in the cells of a grid: of classes, those that lie there.

    columns, crs: of the places of tables, as they are read beside records. Classes that are rare there are pooled,
    which is noted. Raises InputError for what cannot be read, and for what has nothing there.
    """
    hashes: dict[Path, str] = {}  # a table may have many columns
    with about("covariates"):
        found = tuple(
            _of_table(one, PlaceTable.of(one.path, one.column, columns, crs), grid, hashes, progress)
            if one.column
            else _of_raster(one, grid, hashes, progress)
            for one in asked
        )
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


def _of_raster(asked: NamedCovariate, grid: AnyGrid, hashes: dict[Path, str], progress: Progress) -> CovariateSource:
    bands = _band_names(asked)
    source = _source(asked, hashes)
    if not asked.categorical:
        return replace(source, bands=bands)
    counts: Counter[float] = Counter()
    for samples in raster_samples(asked.path, grid, classes=True, progress=WithoutNotes(progress)):  # said once, later
        inside = samples.values[samples.cells >= 0, 0]
        values, times = np.unique(inside[np.isfinite(inside)], return_counts=True)
        _count(counts, dict(zip(values.tolist(), times.tolist(), strict=True)), asked)
    return _with_numbers(source, counts, grid, progress)


def _of_table(
    asked: NamedCovariate, table: PlaceTable, grid: AnyGrid, hashes: dict[Path, str], progress: Progress
) -> CovariateSource:
    if not asked.categorical:
        table.check_numbers(asked.column)
    source = replace(_source(asked, hashes), column=asked.column, lon=table.lon, lat=table.lat, crs=table.crs)
    if not asked.categorical:
        return replace(source, bands=("",))
    counts: Counter[str] = Counter()
    for words in table.words(asked.column, grid, WithoutNotes(progress)):
        _count(counts, {one["values"]: one["counts"] for one in words.value_counts().to_pylist()}, asked)
    values, odd = as_numbers(pa.array(list(counts), pa.string()))
    if odd.any():
        return _with_words(source, counts, grid, progress)
    numbers: Counter[float] = Counter()
    for value, times in zip(values.astype(np.float32).tolist(), counts.values(), strict=True):
        numbers[value] += times
    return _with_numbers(source, numbers, grid, progress)


def _source(asked: NamedCovariate, hashes: dict[Path, str]) -> CovariateSource:
    path = asked.path.resolve()
    if path not in hashes:
        hashes[path] = file_sha256(path)
    return CovariateSource(name=asked.name, file=path.as_posix(), sha256=hashes[path])


def _count(counts: Counter[_Class], more: dict[_Class, int], asked: NamedCovariate) -> None:
    """Raises InputError where there are too many to be classes."""
    counts.update(more)
    if len(counts) > _MOST_VALUES:
        raise InputError(
            f"{where_read(str(asked.path), asked.column)} has more than {_MOST_VALUES:,} different values, and the "
            f"covariate {asked.name!r} is categorical; leave out that it is where the values are measurements."
        )


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


def _with_numbers(
    source: CovariateSource, counts: Counter[float], grid: AnyGrid, progress: Progress
) -> CovariateSource:
    """With its classes; counts: how often each is met in the cells."""
    kept = _kept(source, counts, grid, progress)
    return replace(source, classes=tuple(kept), pooled=len(kept) < len(counts))


def _with_words(source: CovariateSource, counts: Counter[str], grid: AnyGrid, progress: Progress) -> CovariateSource:
    """As `_with_numbers`, of classes that are words."""
    kept = _kept(source, counts, grid, progress)
    positions = tuple(map(float, range(len(kept))))
    return replace(source, classes=positions, words=tuple(kept), pooled=len(kept) < len(counts))


def _kept(source: CovariateSource, counts: Counter[_Class], grid: AnyGrid, progress: Progress) -> list[_Class]:
    """The classes that have a column of their own. Raises InputError where there are none."""
    if not counts:
        raise _nothing_there(source, grid)
    total = counts.total()
    # Of equally common ones, the lower: the same whatever the order of the windows.
    common = sorted(counts, key=lambda one: (-counts[one], one))[:MOST_CLASSES]
    kept = sorted(one for one in common if counts[one] >= LEAST_SHARE * total) or common[:1]
    if pooled := len(counts) - len(kept):
        share = 1 - sum(counts[one] for one in kept) / total
        progress.note(
            f"the covariate {source.name!r} has {len(counts):,} classes in these cells; the {len(kept)} most common "
            f"have columns of their own, the other {pooled:,}, with {share:.2%} of what is known, are pooled."
        )
    return kept


def _samples(
    sources: Sequence[CovariateSource], path: Path, grid: AnyGrid, progress: Progress
) -> Iterator[CellSamples]:
    """Of a raster, or of columns of one table."""
    with about("covariates"):
        first = sources[0]
        if not first.column:
            yield from raster_samples(path, grid, classes=first.categorical, progress=progress)
            return
        table = PlaceTable(path=path, lon=first.lon, lat=first.lat, crs=first.crs)
        yield from table.samples([ValueColumn(name=one.column, words=one.words) for one in sources], grid, progress)


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
    return InputError(
        f"the covariate {source.name!r} ({where}) has no data in any cell of the box {grid.box}: it lies elsewhere, or "
        f"all of its values there are missing, or beyond {ABSURD:g}, as missing ones are written. Take one with values "
        "there, or a box where this one has some.",
        settings=("covariates", "box"),
    )
