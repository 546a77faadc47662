"""Is a dataset whole? Every file hashed again, every image decoded, every count compared."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from birdsat.dataset.manifest import SHARD_SCHEMA, Manifest, Shard, load_manifest
from birdsat.dataset.row_groups import UNREADABLE
from birdsat.dataset.sample import STATISTICS_PX
from birdsat.earth.place import Place
from birdsat.engine.local import in_processes
from birdsat.errors import ImageError, InputError, PlaceError
from birdsat.files import file_sha256
from birdsat.imagery.photos import decode_rgb
from birdsat.observations.observation import SPLITS
from birdsat.progress import QUIET, Progress
from birdsat.reading import file_within

_PROBLEMS_TOLD = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """What was checked, and what is wrong."""

    shards: int
    rows: int
    photos: int  # decoded
    chips: int  # decoded
    problems: tuple[str, ...]  # the first thousand, one line each
    problem_count: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem_count == 0


def check_dataset(folder: Path, *, workers: int = 2, progress: Progress = QUIET) -> CheckReport:
    """Check a dataset. workers: processes; 0 checks in this one.

    Raises DatasetError, as `load_manifest` does, when there is no readable manifest to check against; otherwise what
    `in_processes` raises.
    """
    manifest = load_manifest(folder)
    problems, id_hashes = [], [np.empty(0, np.uint64)]
    filled: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    taxon_rows: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    findings = in_processes(partial(_check_shard, folder), manifest.shards, workers=workers, doing=f"checking {folder}")
    checking = progress.bar("checking", manifest.rows())
    with checking as bar, closing(findings) as found_by_shard:
        for shard, found in zip(manifest.shards, found_by_shard, strict=True):
            problems += found.problems
            filled[shard.split] += found.filled
            taxon_rows[shard.split] += found.taxon_rows
            id_hashes.append(found.id_hashes)
            bar.advance(shard.rows)
    problems += _count_problems(manifest, filled, taxon_rows)
    ids = np.concatenate(id_hashes)
    if len(np.unique(ids)) < len(ids):
        problems.append(f"{len(ids) - len(np.unique(ids)):,} rows repeat the id of another")
    strangers = {path.name for path in folder.glob("*.parquet")} - {shard.file for shard in manifest.shards}
    problems += [f"{name}: not in the manifest" for name in sorted(strangers)]
    total = sum(filled.values(), Counter())
    return CheckReport(
        shards=len(manifest.shards),
        rows=len(ids),
        photos=total["photo"],
        chips=total["chip"],
        problems=tuple(problems[:_PROBLEMS_TOLD]),
        problem_count=len(problems),
    )


@dataclass(slots=True)
class _Findings:
    problems: list[str] = field(default_factory=list)
    filled: Counter[str] = field(default_factory=Counter)  # rows with a photo, chip, place, date
    taxon_rows: Counter[str] = field(default_factory=Counter)
    id_hashes: Any = field(default_factory=lambda: np.empty(0, np.uint64))


def _check_shard(folder: Path, shard: Shard) -> _Findings:
    found = _Findings()
    try:
        path = file_within(folder, shard.file)
    except FileNotFoundError:
        found.problems.append(f"{shard.file}: absent")
        return found
    except InputError as error:
        found.problems.append(str(error))
        return found
    if (sha256 := file_sha256(path)) != shard.sha256:
        found.problems.append(f"{shard.file}: changed since it was built (sha256 {sha256[:12]})")
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SHARD_SCHEMA):
                found.problems.append(f"{shard.file}: its columns are not those of a dataset")
                return found
            group_rows = tuple(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
            if group_rows != shard.row_group_rows:
                found.problems.append(
                    f"{shard.file}: {sum(group_rows):,} rows in {len(group_rows):,} row groups; the manifest says "
                    f"{shard.rows:,} in {len(shard.row_group_rows):,}"
                )
            hashes = [_check_rows(shard.file, file.read_row_group(i), found) for i in range(file.num_row_groups)]
            found.id_hashes = np.array([hash for group in hashes for hash in group], np.uint64)
    except UNREADABLE as error:
        found.problems.append(f"{shard.file}: cannot be read ({error})")
    return found


def _check_rows(file: str, table: pa.Table, found: _Findings) -> Sequence[int]:
    """Check the rows of one row group; a hash of each id."""
    hashes = []
    for row in table.to_pylist():
        where = f"{file}, id {row['id']!r}"
        found.taxon_rows[row["taxon"]] += 1
        found.filled.update(name for name in ("photo", "chip", "date") if row[name] is not None)
        for name in ("photo", "chip"):
            if row[name] is not None:
                try:
                    decode_rgb(row[name]["bytes"] or b"", shorter_px=STATISTICS_PX)
                except ImageError as error:
                    found.problems.append(f"{where}: {name}: {error}")
        if (row["lon"] is None) != (row["lat"] is None):
            found.problems.append(f"{where}: one coordinate without the other")
        elif row["lon"] is not None:
            found.filled["place"] += 1
            try:
                Place(row["lon"], row["lat"])
            except PlaceError as error:
                found.problems.append(f"{where}: {error}")
        hashes.append(int.from_bytes(hashlib.blake2b(row["id"].encode(), digest_size=8).digest(), "big"))
    return hashes


def _count_problems(
    manifest: Manifest, filled: dict[str, Counter[str]], taxon_rows: dict[str, Counter[str]]
) -> list[str]:
    problems = []
    names = [taxon.name for taxon in manifest.taxa]
    for counts in manifest.counts:
        there, taxa = filled[counts.split], taxon_rows[counts.split]
        pairs = [
            ("rows", counts.rows, taxa.total()),
            ("photos", counts.photos, there["photo"]),
            ("chips", counts.chips, there["chip"]),
            ("places", counts.places, there["place"]),
            ("dates", counts.dates, there["date"]),
            *((name, rows, taxa[name]) for name, rows in zip(names, counts.taxon_rows, strict=True)),
        ]
        problems += [
            f"{counts.split}: {found:,} {what}; the manifest says {said:,}"
            for what, said, found in pairs
            if found != said
        ]
        problems += [
            f"{counts.split}: taxon {name!r} is not in the manifest" for name in sorted(set(taxa) - set(names))
        ]
    return problems
