"""Datasets read as batches: shuffled and endless for training, in file order for embedding."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int64, UInt8
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from birdsat.dataset.batch import Batch
from birdsat.dataset.row_groups import FACTS, IMAGES, Dataset, RowGroup, RowGroupReader, damaged
from birdsat.dataset.views import ViewsConfig, whole_view
from birdsat.engine.local import leave_signals_to_parent
from birdsat.errors import BirdsatError, ConfigError, DatasetError, ImageError
from birdsat.observations.observation import Split

# By a fork, workers start in milliseconds, without importing torch again or asking for a __main__ guard; they touch no
# GPU. macOS's own libraries do not survive one.
_START_METHOD = "fork" if sys.platform == "linux" else "spawn"
_WINDOW_GROUPS = 16  # of 64 rows: a shuffle over a thousand rows, of some 100 MB where photos are large

# What a seed is mixed with, so that no two kinds of draw share their numbers.
_GROUP_DRAW, _WINDOW_DRAW, _PHOTO_DRAW, _CHIP_DRAW = 1, 2, 3, 4

Order = Int64[np.ndarray, "rows 2"]  # row group within the split, row within the row group
ViewOf = Callable[[bytes, int], UInt8[np.ndarray, "view px px 3"]]  # encoded image, row in split -> views of it


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFacts:
    """What is known of each row of a split, in file order, without the images."""

    ids: tuple[str, ...]
    label: Int64[np.ndarray, " n"]
    lon_lat: Float[np.ndarray, "n 2"]  # degrees WGS84, float64; NaN where the place is missing
    year_fraction: Float[np.ndarray, " n"]  # float64; NaN where the date is missing


def row_facts(dataset: Dataset, split: Split) -> RowFacts:
    """The facts of every row of `split`. Raises DatasetError for a damaged shard."""
    reader = RowGroupReader(dataset, split, ("id", *FACTS))
    groups = [reader.facts(reader.table(group), group) for group in range(len(reader.group_rows))]
    return RowFacts(
        ids=tuple(row for group in groups for row in group.ids),
        label=np.concatenate([np.empty(0, np.int64), *(group.label for group in groups)]),
        lon_lat=np.concatenate([np.empty((0, 2)), *(group.lon_lat for group in groups)]),
        year_fraction=np.concatenate([np.empty(0), *(group.year_fraction for group in groups)]),
    )


def epoch_order(
    group_rows: Int64[np.ndarray, " groups"], *, seed: int, epoch: int, window_groups: int, start: int = 0
) -> Iterator[Order]:
    """The shuffled order of an epoch, from its position `start` on, one window at a time.

    The row groups are shuffled over the whole split, then rows are shuffled within windows of `window_groups`
    row groups, so that reading in this order needs no more than a window in memory. Concatenated, the windows
    hold every row once. group_rows: number of rows in each row group.
    """
    groups = np.random.default_rng([_GROUP_DRAW, seed, epoch]).permutation(len(group_rows))
    for window in range(0, len(groups), window_groups):
        members = groups[window : window + window_groups]
        sizes = group_rows[members]
        rows = int(sizes.sum())
        if start < rows:
            first_rows = np.repeat(np.cumsum(sizes) - sizes, sizes)
            order = np.stack([np.repeat(members, sizes), np.arange(rows) - first_rows], axis=1)
            shuffled = np.random.default_rng([_WINDOW_DRAW, seed, epoch, window]).permutation(rows)
            yield order[shuffled[start:]]
        start = max(0, start - rows)


class TrainingStream(IterableDataset[Batch]):
    """Shuffled, augmented batches of one rank, endless over epochs.

    The global sequence of batches depends on the seed alone; rank r takes batches r, r + ranks, ... of each
    epoch. Rows at an epoch's end that do not give every rank a whole batch are left out; they are others each
    time. Each of the loader's workers makes every workers-th batch of its rank. A row's view is drawn from
    (seed, epoch, row): the same seed gives the same pixels for any number of ranks and workers.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: Split = "train",
        *,
        batch_size: int,
        views: ViewsConfig,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
        start_batch: int = 0,
        window_groups: int = _WINDOW_GROUPS,
        with_photos: bool = True,
        with_chips: bool = True,
    ) -> None:
        """start_batch: batches this rank has consumed since training began; skipped without decoding.

        with_photos, with_chips: False leaves those images undecoded, for methods that do not look at them: their
        pixels are zero.
        window_groups: row groups whose rows are shuffled together, and which each worker keeps in memory.
        Raises DatasetError when the split does not fill one batch on every rank.
        """
        if min(batch_size, window_groups) < 1 or min(start_batch, seed) < 0 or not 0 <= rank < ranks:
            raise ConfigError(
                f"cannot read batches with {batch_size=}, {window_groups=}, {start_batch=}, {seed=}, "
                f"{rank=}, {ranks=}; allowed: batch_size and window_groups from 1, start_batch and seed from 0, "
                "rank from 0 to ranks - 1."
            )
        rows = dataset.rows(split)
        self.batches_per_epoch = rows // (batch_size * ranks)
        if self.batches_per_epoch == 0:
            raise DatasetError(
                f"split {split!r} of {dataset.folder} has {rows:,} rows; a batch of {batch_size:,} on each of "
                f"{ranks} rank(s) needs more. Lower the batch size to at most {rows // ranks:,}.",
                settings=("batch_size",),
            )
        self.dataset, self.split, self.views = dataset, split, views
        self.batch_size, self.seed, self.rank, self.ranks = batch_size, seed, rank, ranks
        self.start_batch, self.window_groups = start_batch, window_groups
        self.with_photos, self.with_chips = with_photos, with_chips

    def __iter__(self) -> Iterator[Batch]:
        worker, workers = _worker()
        reader = RowGroupReader(self.dataset, self.split, (*IMAGES, *FACTS))
        # Rows come window after window, so the row groups of one window are all that is ever needed again.
        read = lru_cache(maxsize=self.window_groups)(reader.group)
        step = self.start_batch + worker
        while True:
            epoch, in_epoch = divmod(step, self.batches_per_epoch)
            mine = range(in_epoch, self.batches_per_epoch, workers)
            for order in self._orders(reader.group_rows, epoch, mine):
                yield self._batch([(read(int(group)), int(row)) for group, row in order], epoch)
            step += len(mine) * workers

    def _orders(self, group_rows: Int64[np.ndarray, " groups"], epoch: int, mine: range) -> Iterator[Order]:
        """The rows of this rank's batches `mine` of an epoch."""
        wanted = iter(mine)
        batch = next(wanted) * self.ranks + self.rank
        position = batch * self.batch_size  # of held[0] in the epoch
        held = np.empty((0, 2), np.int64)
        for window in epoch_order(
            group_rows, seed=self.seed, epoch=epoch, window_groups=self.window_groups, start=position
        ):
            held = np.concatenate([held, window])
            while (skipped := batch * self.batch_size - position) + self.batch_size <= len(held):
                yield held[skipped : skipped + self.batch_size]
                held, position = held[skipped + self.batch_size :], (batch + 1) * self.batch_size
                following = next(wanted, None)
                if following is None:
                    return
                batch = following * self.ranks + self.rank

    def _batch(self, rows: list[tuple["RowGroup", int]], epoch: int) -> Batch:
        def rng(draw: int, row: int) -> np.random.Generator:
            # A counter-based generator needs no mixing of its seed, and so costs half as much to make for each image.
            return np.random.Generator(np.random.Philox(key=self.seed, counter=[0, draw, epoch, row]))

        def photo_views(data: bytes, row: int) -> UInt8[np.ndarray, "views px px 3"]:
            return views.views_of_photo(data, rng(_PHOTO_DRAW, row)) if self.with_photos else no_photo

        def chip_view(data: bytes, row: int) -> UInt8[np.ndarray, "1 px px 3"]:
            return views.chip_view(data, rng(_CHIP_DRAW, row))[None] if self.with_chips else no_chip

        views = self.views
        no_photo = np.zeros((views.photo_views, views.photo_px, views.photo_px, 3), np.uint8)
        no_chip = np.zeros((1, views.chip_px, views.chip_px, 3), np.uint8)
        return _batch(rows, photo_px=views.photo_px, chip_px=views.chip_px, photo=photo_views, chip=chip_view)


class Batches:
    """Batches from a stream, made by worker processes when there are any. Errors keep their own class."""

    def __init__(self, stream: IterableDataset[Batch], *, workers: int, pin_memory: bool = False) -> None:
        """workers: processes that decode, each two batches ahead; 0 decodes in this process."""
        self._loader: DataLoader[Batch | BirdsatError] = DataLoader(
            _Carried(stream),
            batch_size=None,
            num_workers=workers,
            worker_init_fn=_start_worker,
            multiprocessing_context=_START_METHOD if workers else None,
            pin_memory=pin_memory,
        )

    def __iter__(self) -> Iterator[Batch]:
        for item in self._loader:
            if isinstance(item, BirdsatError):
                raise item
            yield item


def _start_worker(worker: int) -> None:
    leave_signals_to_parent()


class _Carried(IterableDataset[Batch | BirdsatError]):
    """Hands our errors over as items: raised in a worker, they would arrive as its traceback's text."""

    def __init__(self, stream: IterableDataset[Batch]) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[Batch | BirdsatError]:
        try:
            yield from self.stream
        except BirdsatError as error:
            yield error


def read_split(
    dataset: Dataset, split: Split, *, batch_size: int, photo_px: int, chip_px: int, workers: int
) -> Iterator[Batch]:
    """Every row of `split` once, in file order: central squares of its images; the last batch may be short.

    Raises DatasetError for a damaged shard.
    """
    rows = np.arange(dataset.rows(split))
    return read_rows(dataset, split, rows, batch_size=batch_size, photo_px=photo_px, chip_px=chip_px, workers=workers)


def read_rows(
    dataset: Dataset,
    split: Split,
    rows: Int64[np.ndarray, " rows"],
    *,
    batch_size: int,
    photo_px: int,
    chip_px: int,
    workers: int,
) -> Iterator[Batch]:
    """The named rows of `split`, in the order given, read as by `read_split`; no others are decoded.

    rows: row numbers within the split; ascending order reads each row group once. Raises DatasetError for a
    damaged shard.
    """
    stream = _RowStream(dataset, split, rows, batch_size=batch_size, photo_px=photo_px, chip_px=chip_px)
    return iter(Batches(stream, workers=workers))


class _RowStream(IterableDataset[Batch]):
    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        rows: Int64[np.ndarray, " rows"],
        *,
        batch_size: int,
        photo_px: int,
        chip_px: int,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; allowed: 1 or more.")
        self.dataset, self.split, self.rows = dataset, split, rows
        self.batch_size, self.photo_px, self.chip_px = batch_size, photo_px, chip_px

    def __iter__(self) -> Iterator[Batch]:
        worker, workers = _worker()
        reader = RowGroupReader(self.dataset, self.split, (*IMAGES, *FACTS))
        read = lru_cache(maxsize=1)(reader.group)
        ends = np.cumsum(reader.group_rows)
        for start in range(worker * self.batch_size, len(self.rows), workers * self.batch_size):
            rows = self.rows[start : start + self.batch_size]
            groups = np.searchsorted(ends, rows, side="right")
            in_group = rows - (ends - reader.group_rows)[groups]
            yield _batch(
                [(read(int(group)), int(row)) for group, row in zip(groups, in_group, strict=True)],
                photo_px=self.photo_px,
                chip_px=self.chip_px,
                photo=lambda data, _: whole_view(data, self.photo_px)[None],
                chip=lambda data, _: whole_view(data, self.chip_px)[None],
            )


def _worker() -> tuple[int, int]:
    """Index of this loader worker, and how many there are."""
    info = get_worker_info()
    return (0, 1) if info is None else (info.id, info.num_workers)


def _batch(rows: list[tuple[RowGroup, int]], *, photo_px: int, chip_px: int, photo: ViewOf, chip: ViewOf) -> Batch:
    """rows: row groups with a row number in each."""
    photos, has_photo = _images([(group, group.photo, row) for group, row in rows], photo_px, photo)
    (chips,), has_chip = _images([(group, group.chip, row) for group, row in rows], chip_px, chip)
    return Batch(
        photos=tuple(photos),
        chip=chips,
        has_photo=has_photo,
        has_chip=has_chip,
        lon_lat=torch.from_numpy(np.stack([group.facts.lon_lat[row] for group, row in rows]).astype(np.float32)),
        year_fraction=torch.tensor([group.facts.year_fraction[row] for group, row in rows], dtype=torch.float32),
        label=torch.tensor([int(group.facts.label[row]) for group, row in rows]),
        row=torch.tensor([group.first_row + row for group, row in rows]),
    )


def _images(
    rows: list[tuple[RowGroup, pa.BinaryArray, int]], px: int, view: ViewOf
) -> tuple[list[UInt8[torch.Tensor, "n 3 px px"]], torch.Tensor]:
    """Pixels of each view, zero where there is no image, and which rows have one: (n,) bool."""
    views: list[UInt8[np.ndarray, "view px px 3"] | None] = []
    for group, images, row in rows:
        data: Any = images[row].as_py()
        try:
            views.append(None if data is None else view(data, group.first_row + row))
        except ImageError as error:
            raise damaged(f"{group.where}, row {row} holds an image that cannot be decoded ({error})") from error
    blank = np.zeros_like(next((made for made in views if made is not None), np.zeros((1, px, px, 3), np.uint8)))
    pixels = np.stack([blank if made is None else made for made in views], axis=1)  # (view, n, px, px, 3)
    tensors = [torch.from_numpy(one).permute(0, 3, 1, 2).contiguous() for one in pixels]
    return tensors, torch.tensor([made is not None for made in views])
