"""One Parquet shard, written by one worker."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from birdsat.dataset.manifest import ROW_GROUP_ROWS, SHARD_SCHEMA
from birdsat.dataset.sample import BandSums, make_sample
from birdsat.files import file_sha256
from birdsat.imagery.sources import ChipSource, ObservationChips, PhotoSource
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation

_IMAGE_BYTES = ("photo.bytes", "chip.bytes")
_LEAF_COLUMNS = (*_IMAGE_BYTES, "photo.path", "chip.path", *SHARD_SCHEMA.names[2:])


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where the images come from, and what becomes of them. Pickled to the workers."""

    photos: PhotoSource
    chips: ChipSource | ObservationChips | None
    photo_px: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardFacts:
    """What one finished shard holds. Without rows there is no file."""

    row_group_rows: tuple[int, ...]
    sha256: str
    size_bytes: int
    filled: dict[str, int]  # rows that have a photo, chip, place, date
    taxon_rows: dict[str, int]
    licences: dict[str, int]
    photo_sums: BandSums
    chip_sums: BandSums


def write_shard(path: Path, observations: Iterable[Observation], sources: Sources) -> tuple[ShardFacts, list[Remark]]:
    """Write the observations' samples to `path`, by row groups; remarks say which were dropped, and why.

    Nothing is left at `path` when writing fails, or when no row could be used.
    """
    writer = _ShardWriter(path)
    remarks: list[Remark] = []
    try:
        for observation in observations:
            sample = make_sample(observation, sources.photos, sources.chips, sources.photo_px)
            if isinstance(sample, Remark):
                remarks.append(sample)
                continue
            writer.add(sample.row)
            if sample.photo is not None:
                writer.photo_sums.add(sample.photo)
            if sample.chip is not None:
                writer.chip_sums.add(sample.chip)
        return writer.finish(), remarks
    except BaseException:
        writer.abandon()
        raise


class _ShardWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._parquet = pq.ParquetWriter(
            self._file,
            SHARD_SCHEMA,
            # Image bytes are compressed already; statistics over them would only bloat the footer.
            compression={column: "NONE" if column in _IMAGE_BYTES else "ZSTD" for column in _LEAF_COLUMNS},
            use_dictionary=["taxon", "licence", "attribution"],
            write_statistics=["taxon", "lon", "lat", "date", "id"],
        )
        self._pending: list[dict[str, Any]] = []
        self._row_group_rows: list[int] = []
        self._filled: Counter[str] = Counter(photo=0, chip=0, place=0, date=0)
        self._taxon_rows: Counter[str] = Counter()
        self._licences: Counter[str] = Counter()
        self.photo_sums, self.chip_sums = BandSums(), BandSums()

    def add(self, row: dict[str, Any]) -> None:
        self._pending.append(row)
        self._filled.update(name for name in ("photo", "chip", "date") if row[name] is not None)
        self._filled.update(["place"] if row["lon"] is not None else [])
        self._taxon_rows[row["taxon"]] += 1
        self._licences[row["licence"]] += 1
        if len(self._pending) == ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            self._parquet.write_table(pa.Table.from_pylist(self._pending, schema=SHARD_SCHEMA))
            self._row_group_rows.append(len(self._pending))
            self._pending.clear()

    def finish(self) -> ShardFacts:
        self._flush()
        self._parquet.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        facts = ShardFacts(
            row_group_rows=tuple(self._row_group_rows),
            sha256=file_sha256(self._path),
            size_bytes=self._path.stat().st_size,
            filled=dict(self._filled),
            taxon_rows=dict(self._taxon_rows),
            licences=dict(self._licences),
            photo_sums=self.photo_sums,
            chip_sums=self.chip_sums,
        )
        if not self._row_group_rows:
            self._path.unlink()
        return facts

    def abandon(self) -> None:
        try:
            self._parquet.close()
            self._file.close()
        except OSError:  # a full disk refuses the footer as well
            pass
        self._path.unlink(missing_ok=True)
