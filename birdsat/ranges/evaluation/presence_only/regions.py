"""A region of the benchmark of Elith et al. (2020): presences and background to learn from, surveys to evaluate by.

Its files are `REGION_train_presences.parquet`, `REGION_background.parquet` and `REGION_test*.parquet`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from birdsat.embeddings.regions.place_features import PlaceFeatures
from birdsat.errors import InputError, some_of
from birdsat.observations.readers.zipped import DAMAGED
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.named import CHIP, COVARIATES
from birdsat.ranges.evaluation.presence_only.covariates import CovariateScale, Values
from birdsat.ranges.points import Cells, Points

PRESENCES, BACKGROUND, TEST = "_train_presences.parquet", "_background.parquet", "_test"
NOT_COVARIATES = ("siteid", "spid", "occ", "group", "lon", "lat")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionFiles:
    """The files of one region; those of `test` are not opened before every model has learned."""

    name: str
    presences: Path
    background: Path
    test: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingGroup:
    """What is learned of one group of species, which the same people looked for in the same places."""

    name: str  # "" where the presences have none
    species: tuple[str, ...]  # of the labels
    points: Points  # its background is places drawn at random


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingRegion:
    """What is learned from in a region."""

    files: RegionFiles
    groups: tuple[TrainingGroup, ...]
    covariates: tuple[str, ...]  # that the tables have
    scale: CovariateScale
    chips: "ChipColumns | None" = None

    @property
    def name(self) -> str:
        return self.files.name


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SurveyedSites:
    """Places where presence and absence of some species are known."""

    cells: Cells
    species: tuple[str, ...]
    presence: NDArray[np.float64]  # (n, species) 1 present, 0 absent, NaN where it was not looked for


def find_regions(folder: Path, names: Sequence[str] = ()) -> tuple[RegionFiles, ...]:
    """The regions of a folder, or those named. Raises InputError without any, and for one without all its files."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give that of the benchmark's files.", settings=("folder",))
    there = {path.name.removesuffix(PRESENCES): path for path in sorted(folder.glob(f"*{PRESENCES}"))}
    if not there:
        raise InputError(
            f"{folder} holds no region: a region is REGION{PRESENCES}, REGION{BACKGROUND} and REGION{TEST}*.parquet.",
            settings=("folder",),
        )
    if absent := [name for name in names if name not in there]:
        raise InputError(f"{folder} holds no region {absent[0]!r}; it holds {some_of(there)}.", settings=("regions",))
    found = []
    for name, presences in there.items():
        if names and name not in names:
            continue
        background, test = folder / f"{name}{BACKGROUND}", tuple(sorted(folder.glob(f"{name}{TEST}*.parquet")))
        if not background.is_file() or not test:
            lacking = f"{name}{TEST}*.parquet" if background.is_file() else background.name
            raise InputError(
                f"region {name} of {folder} has no {lacking}; give all its files, or name other regions.",
                settings=("regions",),
            )
        found.append(RegionFiles(name=name, presences=presences, background=background, test=test))
    return tuple(found)


def read_training(
    files: RegionFiles,
    categorical: Sequence[str] = (),
    features: PlaceFeatures | None = None,
    progress: Progress = QUIET,
) -> TrainingRegion:
    """Presences and background of a region; covariates are scaled by the latter. No file of a test is opened.

    categorical: covariates that are of classes, beside those that look like it; those that a region has not are passed
    over. features: of places, to stand beside covariates as the column CHIP. Raises InputError for tables without the
    columns that are needed, or without a row.
    """
    presences, background = _read(files.presences), _read(files.background)
    for table, path in ((presences, files.presences), (background, files.background)):
        _need(table, ("lon", "lat", *(("spid",) if table is presences else ())), path)
    names = tuple(name for name in presences if name not in NOT_COVARIATES and name in background)
    if not names:
        raise InputError(f"{files.presences.name} and {files.background.name} share no covariate.")
    presences, background = (
        _placed(table, path, progress) for table, path in ((presences, files.presences), (background, files.background))
    )
    both = {name: _together(background[name], presences[name]) for name in names}
    of_classes = CovariateScale.fit(both, [name for name in categorical if name in names])
    scale = CovariateScale.fit({name: background[name] for name in names}, [name for name, _ in of_classes.classes])
    unknown = sum(_unknown(values) for table in (presences, background) for values in (table[name] for name in names))
    if unknown:
        progress.note(f"{files.name}: {unknown:,} values of covariates are not known, and count as the mean")
    anywhere, at = _cells(background, scale), _cells(presences, scale)
    chips = None if features is None else ChipColumns.fit(features, anywhere)
    if chips is not None:
        anywhere, at = chips(anywhere), chips(at)
    species = presences["spid"].astype(np.str_)
    of_group = _groups(presences, len(species))
    groups = []
    for group in np.unique(of_group).tolist():
        rows = of_group == group
        labels, taxon = np.unique(species[rows], return_inverse=True)
        points = Points(
            taxa=len(labels), presences=at.take(rows), taxon=taxon.reshape(-1).astype(np.int64), background=anywhere
        )
        groups.append(TrainingGroup(name=group, species=tuple(labels.tolist()), points=points))
    return TrainingRegion(files=files, groups=tuple(groups), covariates=names, scale=scale, chips=chips)


def read_tests(region: TrainingRegion, progress: Progress = QUIET) -> Iterator[SurveyedSites]:
    """The surveyed sites of a region, a file at a time, of the species that were learned.

    A row that names a group says nothing of species of another one. Raises InputError for a file without covariates or
    without any species that was learned.
    """
    group_of = {species: group.name for group in region.groups for species in group.species}
    for path in region.files.test:
        table = _read(path)
        _need(table, ("lon", "lat"), path)
        table = _placed(table, path, progress)
        there = tuple(name for name in table if name in group_of)
        other = [name for name in table if name not in (*NOT_COVARIATES, *region.covariates, *there)]
        if not there:
            raise InputError(
                f"{path.name} has no column of a species that was learned, such as {next(iter(group_of))}."
            )
        if other:
            progress.note(f"{path.name}: {some_of(other)} were not learned and are passed over")
        cells = _cells(table, region.scale)
        cells = cells if region.chips is None else region.chips(cells)
        presence = np.stack([_surveyed(table[name], name, path) for name in there], axis=1)
        groups = _groups(table, len(cells))
        for column, name in enumerate(there):
            elsewhere = np.isin(groups, list(set(group_of.values()) - {group_of[name], ""}))
            presence[elsewhere, column] = np.nan
        yield SurveyedSites(cells=cells, species=there, presence=presence)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ChipColumns:
    """Features of places beside their covariates; where nothing is known, as at sea, their mean."""

    features: PlaceFeatures
    mean: NDArray[np.float32]  # (f,) over the background

    @classmethod
    def fit(cls, features: PlaceFeatures, background: Cells) -> "ChipColumns":
        """Raises InputError where no background has features."""
        found = features.features_at(background.lon_lat)
        known = found[np.isfinite(found).all(axis=1)]
        return cls(features=features, mean=np.asarray(known.mean(axis=0, dtype=np.float64), dtype=np.float32))

    def __call__(self, cells: Cells) -> Cells:
        found = self.features.features_at(cells.lon_lat)
        return Cells(
            lon_lat=cells.lon_lat, columns={**cells.columns, CHIP: np.where(np.isfinite(found), found, self.mean)}
        )


_Table = dict[str, Values]


def _read(path: Path) -> _Table:
    """Columns of a Parquet file: text as text, "" where missing; all else as float64, NaN where missing."""
    try:
        table = pq.read_table(path)
    except DAMAGED as error:
        raise InputError(f"{path} is empty or damaged ({error}); get it again.") from error
    if table.num_rows == 0:
        raise InputError(f"{path} holds no row.")
    return {name: _column(table.column(name)) for name in table.column_names}


def _column(column: pa.ChunkedArray) -> Values:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return np.array(["" if value is None else str(value) for value in column.to_pylist()], dtype=np.str_)
    numbers: NDArray[np.float64] = column.cast(kind).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(np.isinf(numbers), np.nan, numbers)


def _need(table: _Table, names: Sequence[str], path: Path) -> None:
    if missing := [name for name in names if name not in table]:
        raise InputError(f"{path.name} has no column {missing[0]!r}; it has {some_of(table, 30)}.")


def _placed(table: _Table, path: Path, progress: Progress) -> _Table:
    """The rows with a place on Earth; how many have none is noted."""
    lon, lat = table["lon"].astype(np.float64), table["lat"].astype(np.float64)
    placed = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)  # False for NaN
    if not placed.any():
        raise InputError(f"no row of {path.name} has lon and lat in degrees.")
    if not placed.all():
        progress.note(f"{path.name}: {np.count_nonzero(~placed):,} rows without a place on Earth are passed over")
    return {name: values[placed] for name, values in table.items()}


def _groups(table: _Table, rows: int) -> NDArray[np.str_]:
    """(n,) the group of each row; "" where it has none."""
    values = table.get("group")
    return values.astype(np.str_) if values is not None and values.dtype.kind == "U" else np.full(rows, "")


def _cells(table: _Table, scale: CovariateScale) -> Cells:
    lon_lat = np.stack([table["lon"], table["lat"]], axis=1).astype(np.float64)
    return Cells(lon_lat=lon_lat, columns={COVARIATES: scale(table)})


def _surveyed(values: Values, name: str, path: Path) -> NDArray[np.float64]:
    """1 present, in whatever number; 0 absent; NaN not known."""
    numbers = values.astype(np.float64) if values.dtype.kind == "f" else np.array([-1.0])
    if (numbers < 0).any():
        raise InputError(f"column {name} of {path.name} is not of 1 for present and 0 for absent.")
    return np.where(np.isnan(numbers), np.nan, numbers > 0)


def _together(one: Values, other: Values) -> Values:
    return np.concatenate([one, other])


def _unknown(values: Values) -> int:
    missing = np.isnan(values) if np.issubdtype(values.dtype, np.number) else values == ""
    return int(np.count_nonzero(missing))
