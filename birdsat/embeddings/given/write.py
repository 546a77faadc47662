"""Given embeddings as a region: the means over its cells, sources side by side, each with as much to say."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from birdsat import config
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.given.cell_means import CellMeans
from birdsat.embeddings.given.scaling import ColumnFigures, Scaling
from birdsat.embeddings.given.sources import GivenSource
from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.embeddings.regions.folder_region import FolderRegion, open_region
from birdsat.embeddings.regions.manifest import (
    PLAN_FILE,
    FeatureSource,
    RegionSettings,
    SourceFile,
    mask_fingerprint,
    part_name,
    write_part,
)
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.write import finish_region, prepare_folder
from birdsat.errors import BirdsatError, InputError, some_of
from birdsat.files import file_sha256, temporary_folder
from birdsat.locks import folder_lock
from birdsat.progress import QUIET, Progress, counted


class _Features(Protocol):
    """What gives features of cells."""

    def of(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """(c, width) of cells (c,), ascending; NaN where they are not known."""
        ...


class _OfRegion:
    """Features of another region: the mean of its cells whose middles lie in a cell, or that which holds its middle."""

    def __init__(self, region: Region, grid: AnyGrid, folder: Path) -> None:
        """folder: empty, for sums that do not fit into memory."""
        self._region, self._grid = region, grid
        self._means = CellMeans(region.chip_width, folder)
        for block in region.blocks(("chip",)):
            self._means.add(grid.cells_at(*block.lon_lat.T), block.chip)

    def of(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """As `_Features`."""
        found = self._means.of(cells)
        rest = np.flatnonzero(np.isnan(found).all(axis=1))  # of cells that are smaller than the region's
        found[rest] = self._region.at(self._grid.centres(cells[rest]), ("chip",)).chip
        return found


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    names: tuple[str, ...]  # of its features
    features: _Features
    is_vector: bool = True  # whether these are surely of one scale


@dataclass(frozen=True, slots=True)
class _Part:
    """Some positions of the grid."""

    asked: int  # cells that were asked for
    having: list[int]  # of these, those of which each source says anything
    cells: NDArray[np.int64]  # (c,) those of which all do
    features: list[NDArray[np.float64]]  # (c, width) of each source


def write_given_region(
    folder: Path,
    grid: AnyGrid,
    sources: Sequence[GivenSource],
    *,
    beside: Region | None = None,
    where: NDArray[np.bool_] | None = None,
    progress: Progress = QUIET,
) -> FolderRegion:
    """Means of the sources over the cells of `grid`, or those where `where` (rows, columns) is True, as a region.

    beside: a region whose chip features stand behind them, averaged over larger cells. A cell is kept where every
    source has something; a number that is missing there is taken as the column's mean. Each source is brought to a
    total variance of one, so that none drowns another. Memory holds a part of the cells; sums that do not fit wait on
    disk.

    A finished region of the same settings is left as it is, and one that was stopped is made anew.

    Raises ConfigError when the folder holds something else, or a region of other settings; InputError when no cell has
    something of every source, when all columns of one are constant, and for what cannot be read; BusyError when another
    process is writing it.
    """
    facts = [_facts(source) for source in sources]
    if beside is not None:
        mark = hashlib.sha256(beside.identity.encode()).hexdigest()[:16]
        facts.append(FeatureSource(name=beside.name, width=beside.chip_width, region=mark))
    settings = _settings(grid, facts, where)
    with folder_lock(folder):
        if not prepare_folder(folder, settings):
            try:
                _write(folder, settings, sources, beside, where, progress)
            except BirdsatError:
                (folder / PLAN_FILE).unlink(missing_ok=True)  # what cannot be made is not continued either
                raise
        return open_region(folder)


def _facts(source: GivenSource) -> FeatureSource:
    top = source.path if source.path.is_dir() else source.path.parent
    files = tuple(
        SourceFile(
            file=file.path.relative_to(top).as_posix(),
            sha256=file_sha256(file.path),
            size_bytes=file.path.stat().st_size,
        )
        for file in source.files
    )
    return FeatureSource(name=str(source), width=len(source.names), files=files)


def _settings(grid: AnyGrid, facts: Sequence[FeatureSource], where: NDArray[np.bool_] | None) -> RegionSettings:
    name = " beside ".join(one.name for one in facts)
    settings = RegionSettings(
        grid=grid,
        run=name,
        model="",
        imagery=name,
        imagery_bytes=None,
        stretch=None,
        chip_ground_km=(),
        chip_px=0,
        mask=mask_fingerprint(where),
        chip_width=sum(one.width for one in facts),
        embedding_width=0,
        harmonics=0,
        given=tuple(facts),
    )
    # Means and variances are those over its own cells, so numbers of no other region mean the same.
    told = json.dumps(config.to_dict(settings), sort_keys=True)
    return replace(settings, model=hashlib.sha256(told.encode()).hexdigest()[:16])


def _write(
    folder: Path,
    settings: RegionSettings,
    sources: Sequence[GivenSource],
    beside: Region | None,
    where: NDArray[np.bool_] | None,
    progress: Progress,
) -> None:
    grid, size = settings.grid, settings.part_cells
    spans = [range(start, min(start + size, grid.cells)) for start in range(0, grid.cells, size)]
    with ExitStack() as stack:
        read: list[_Source] = []
        for number, source in enumerate(sources):
            own = stack.enter_context(temporary_folder(folder / f"means-{number}"))
            read.append(_Source(str(source), source.names, source.means(grid, where, own, progress), source.is_vector))
        if beside is not None:
            own = stack.enter_context(temporary_folder(folder / "means-beside"))
            names = tuple(f"feature {number}" for number in range(beside.chip_width))
            read.append(_Source(beside.name, names, _OfRegion(beside, grid, own)))
        scalings = _scalings((_part(read, span, where) for span in spans), read, progress)
        left_out = 0
        for number, span in enumerate(counted(spans, progress, "writing cells", unit="parts")):
            part = _part(read, span, where)
            path = folder / part_name(number)
            if not len(part.cells):
                left_out += part.asked
                path.unlink(missing_ok=True)
                continue
            scaled = [scale(features) for scale, features in zip(scalings, part.features, strict=True)]
            block = RegionBlock(
                cells=part.cells,
                lon_lat=grid.centres(part.cells),
                chip=np.concatenate(scaled, axis=1),
                year=np.empty((len(part.cells), 1, 0), np.float32),
                without_imagery=part.asked - len(part.cells),
            )
            write_part(path, settings, [(block, np.zeros((len(part.cells), 12), np.float32))])
        finish_region(folder, settings, len(spans), left_out=left_out)


def _part(sources: Sequence[_Source], span: range, where: NDArray[np.bool_] | None) -> _Part:
    asked = np.arange(span.start, span.stop)
    if where is not None:
        asked = asked[where.reshape(-1)[span.start : span.stop]]
    cells, features, having = asked, list[NDArray[np.float64]](), []
    for source in sources:
        found = source.features.of(cells)
        there = np.isfinite(found).any(axis=1)
        cells, features = cells[there], [*(one[there] for one in features), found[there]]
        having.append(len(cells))
    return _Part(len(asked), having, cells, features)


def _scalings(parts: Iterator[_Part], sources: Sequence[_Source], progress: Progress) -> list[Scaling]:
    """How each source is scaled. What is missing and what says nothing is noted.

    Raises InputError when no cell has something of every source, and for a source whose columns are all constant.
    """
    figures = [ColumnFigures(len(source.names)) for source in sources]
    asked, having = 0, np.zeros(len(sources), dtype=np.int64)
    for part in parts:
        asked += part.asked
        having += part.having
        for one, features in zip(figures, part.features, strict=True):
            one.add(features)
    for number, source in enumerate(sources):
        before = asked if number == 0 else int(having[number - 1])
        of = "cells" if number == 0 else "cells that are left"
        if having[number] < before:
            progress.note(
                f"{source.name}: nothing in {before - having[number]:,} of {before:,} {of}, which are left out."
            )
    if not having[-1]:
        raise InputError(
            f"no cell has something of each of {' and '.join(source.name for source in sources)}; take a box that all "
            "of them cover, larger cells, or one of them alone.",
            settings=("embeddings", "box"),
        )
    scalings = [Scaling.of(one, is_vector=source.is_vector) for one, source in zip(figures, sources, strict=True)]
    for source, one, scaling in zip(sources, figures, scalings, strict=True):
        silent = [name for name, constant in zip(source.names, scaling.constant.tolist(), strict=True) if constant]
        if len(silent) == len(source.names):
            raise InputError(
                f"all {len(silent):,} columns of {source.name} are the same in each of {one.rows:,} cells, so they "
                "tell none from another; take other columns, a larger box or smaller cells.",
                settings=("embeddings",),
            )
        if scaling.own_units:
            progress.note(
                f"{source.name}: some columns vary far more than others, as in units of their own; each is brought to "
                "the same variance."
            )
        if silent:
            progress.note(
                f"{source.name}: {len(silent):,} of {len(source.names):,} columns are empty or the same in all cells, "
                f"and say nothing: {some_of(silent)}."
            )
        empty = int((one.known == 0).sum()) * one.rows
        if (missing := one.missing - empty) > 0:
            progress.note(
                f"{source.name}: {missing:,} of {one.known.size * one.rows:,} numbers are missing in cells that have "
                "others, and taken as their column's mean."
            )
    return scalings
