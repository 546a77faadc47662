"""The plan of a build and the journal of what is done, in one SQLite file that survives a kill.

SQLite keeps memory flat: it sorts and finds duplicate ids on disk.
"""

import datetime
import difflib
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat import config
from birdsat.dataset.shard import ShardFacts
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, DatasetError, InputError
from birdsat.files import atomic_path
from birdsat.observations.curation import Remark
from birdsat.observations.observation import SPLITS, Observation, Split
from birdsat.observations.splits import SplitRule
from birdsat.observations.taxonomy import Taxonomy
from birdsat.reading import parse_json
from birdsat.tables import CsvWriter

DROPPED_HEAD = ("id", "reason", "detail", "outcome")
_SHARD_FILE = re.compile(r"[a-z]+-\d+\.parquet")
_NEAREST_TOLD = 200  # unknown taxa for which the nearest names are looked up, which takes a tenth of a second each

_TABLES = """
CREATE TABLE observation (
    id TEXT PRIMARY KEY, position INTEGER, source_split TEXT, split TEXT, split_without_val TEXT, facts TEXT
) WITHOUT ROWID;
CREATE TABLE remark (row TEXT, reason TEXT, detail TEXT, kept INTEGER);
CREATE TABLE shard (
    file TEXT PRIMARY KEY, split TEXT, first_position INTEGER, first_id TEXT, rows INTEGER, facts TEXT
);
CREATE TABLE plan (fingerprint TEXT);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedShard:
    """A shard to be written: `rows` observations of a split, from (position, id) on."""

    file: str
    split: Split
    first_position: int
    first_id: str
    rows: int


def write_plan(
    path: Path,
    observations: Iterable[Observation | Remark],
    *,
    taxa: Taxonomy | None,
    splits: SplitRule,
    seed: int,
    shard_rows: int,
    settings: dict[str, Any],
    dropped_file: Path | None,
) -> str:
    """Write the plan to `path` and return its fingerprint, which changes with the rows and with `settings`.

    Observations are put into an order drawn from the seed, so that neighbours in a file are not neighbours in
    the source. Raises InputError when no observation is left, after listing the dropped rows in `dropped_file`.
    """
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA synchronous = OFF")  # a plan cut short is thrown away, so nothing need be safe
        database.execute("PRAGMA journal_mode = OFF")
        database.executescript(_TABLES)
        _insert(database, observations, taxa, splits, seed)
        if not database.execute("SELECT 1 FROM observation WHERE source_split = 'val' LIMIT 1").fetchone():
            database.execute("UPDATE observation SET split = split_without_val")
        database.execute("CREATE INDEX reading ON observation (split, position, id)")
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
        for split in SPLITS:
            _cut_into_shards(database, split, shard_rows, digest)
        if not database.execute("SELECT 1 FROM shard LIMIT 1").fetchone():
            raise _nothing_to_build(database, dropped_file)
        database.execute("INSERT INTO plan VALUES (?)", (digest.hexdigest(),))
        database.commit()
        return digest.hexdigest()
    finally:
        database.close()


def _insert(
    database: sqlite3.Connection,
    rows: Iterable[Observation | Remark],
    taxa: Taxonomy | None,
    splits: SplitRule,
    seed: int,
) -> None:
    unknown = None if taxa is None else _UnknownTaxa(taxa)
    for row in rows:
        if isinstance(row, Remark):
            _remark(database, row)
            continue
        if taxa is not None and unknown is not None and row.taxon not in taxa:
            _remark(database, Remark(row=row.id, reason="unknown taxon", detail=unknown.detail(row.taxon)))
            continue
        added = database.execute(
            "INSERT OR IGNORE INTO observation VALUES (?, ?, ?, ?, ?, ?)",
            (
                row.id,
                _position(seed, row.id),
                row.split if splits.keep_source else None,
                splits.split(row, seed=seed, source_has_val=True),
                splits.split(row, seed=seed, source_has_val=False),
                _encode(row),
            ),
        )
        if added.rowcount == 0:
            detail = f"id {row.id!r} was given to an earlier row"
            _remark(database, Remark(row=row.id, reason="duplicate id", detail=detail))


class _UnknownTaxa:
    """What to say of taxa that are not allowed; the nearest names only for the first few of them."""

    def __init__(self, taxa: Taxonomy) -> None:
        self._names = taxa.names
        self._nearest: dict[str, str] = {}

    def detail(self, taxon: str) -> str:
        if taxon not in self._nearest and len(self._nearest) < _NEAREST_TOLD:
            near = difflib.get_close_matches(taxon, self._names, n=3, cutoff=0.5)
            self._nearest[taxon] = f"; nearest: {', '.join(map(repr, near))}" if near else ""
        return f"taxon {taxon!r} is not in the list of {len(self._names):,} taxa given{self._nearest.get(taxon, '')}"


def _remark(database: sqlite3.Connection, remark: Remark) -> None:
    database.execute(
        "INSERT INTO remark VALUES (?, ?, ?, ?)", (remark.row, remark.reason, remark.detail, int(remark.kept))
    )


def _position(seed: int, id: str) -> int:
    digest = hashlib.blake2b(f"{seed} order {id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _cut_into_shards(database: sqlite3.Connection, split: Split, shard_rows: int, digest: Any) -> None:
    shards: list[list[Any]] = []
    cursor = database.execute(
        "SELECT position, id, facts FROM observation WHERE split = ? ORDER BY position, id", (split,)
    )
    for number, (position, id, facts) in enumerate(cursor):
        digest.update(json.dumps([split, id, facts]).encode())
        if number % shard_rows == 0:
            shards.append([f"{split}-{len(shards):05d}.parquet", split, position, id, 0])
        shards[-1][-1] += 1
    database.executemany("INSERT INTO shard VALUES (?, ?, ?, ?, ?, NULL)", shards)


def _nothing_to_build(database: sqlite3.Connection, dropped_file: Path | None) -> InputError:
    reasons = database.execute("SELECT reason, COUNT(*) FROM remark WHERE NOT kept GROUP BY reason").fetchall()
    if not reasons:
        return InputError("there is nothing to build: no rows were given. Give a table with usable rows.")
    if dropped_file is not None:
        _write_remarks(database, dropped_file)
    return every_row_dropped(reasons, dropped_file)


def every_row_dropped(reasons: Iterable[tuple[str, int]], dropped_file: Path | None) -> InputError:
    """The error for a build that no row survived. reasons: with the rows dropped for each."""
    why = ", ".join(f"{reason}: {rows:,}" for reason, rows in reasons)
    listed = "" if dropped_file is None else f" They are listed in {dropped_file}."
    return InputError(f"there is nothing to build: every row was dropped ({why}).{listed} Mend the input, build again.")


class Plan:
    """A written plan, opened by one build at a time."""

    def __init__(self, path: Path) -> None:
        """Raises DatasetError when another build is at work, or when the file is damaged."""
        self._path = path
        self._database = sqlite3.connect(path, timeout=1)
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("BEGIN EXCLUSIVE")
            self.fingerprint: str = self._database.execute("SELECT fingerprint FROM plan").fetchone()[0]
            self._database.commit()
        except (sqlite3.Error, TypeError) as error:
            self._database.close()
            if "locked" in str(error):
                raise DatasetError(f"another build is at work in {path.parent}; wait for it to end.") from error
            raise DatasetError(f"{path} is damaged ({error}); remove the folder and build again.") from error

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """What reading a plan raises that was damaged, or changed by somebody else."""
        try:
            yield
        except (sqlite3.DatabaseError, LookupError, TypeError, ValueError, ConfigError, InputError) as error:
            if "disk is full" in str(error) or "disk I/O" in str(error):  # not the plan's fault
                raise
            raise DatasetError(f"{self._path} is damaged ({error}); remove the folder and build again.") from error

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def shards(self, *, done: bool) -> list[PlannedShard]:
        """The shards that are done, or those still to be built, in order."""
        with self._damage():
            cursor = self._database.execute(
                "SELECT file, split, first_position, first_id, rows FROM shard WHERE (facts IS NOT NULL) = ? "
                "ORDER BY rowid",
                (int(done),),
            )
            shards = [
                PlannedShard(file=file, split=split, first_position=position, first_id=id, rows=rows)
                for file, split, position, id, rows in cursor
            ]
            for shard in shards:
                if _SHARD_FILE.fullmatch(shard.file) is None or shard.split not in SPLITS:
                    raise ValueError(f"{shard.file!r} is not a shard of this folder")
            return shards

    def observations(self, shard: PlannedShard) -> list[Observation]:
        """The observations of one shard, in order."""
        with self._damage():
            cursor = self._database.execute(
                "SELECT id, facts FROM observation WHERE split = ? AND (position, id) >= (?, ?) "
                "ORDER BY position, id LIMIT ?",
                (shard.split, shard.first_position, shard.first_id, shard.rows),
            )
            return [_decode(id, facts) for id, facts in cursor]

    def finish(self, shard: PlannedShard, facts: ShardFacts, remarks: Iterable[Remark]) -> None:
        """Note a shard as done, with what was dropped from it."""
        with self._database:
            for remark in remarks:
                _remark(self._database, remark)
            self._database.execute(
                "UPDATE shard SET facts = ? WHERE file = ?", (json.dumps(config.to_dict(facts)), shard.file)
            )

    def finished(self) -> Iterator[tuple[PlannedShard, ShardFacts]]:
        """Every finished shard with its facts, in order."""
        for shard in self.shards(done=True):
            with self._damage():
                (facts,) = self._database.execute("SELECT facts FROM shard WHERE file = ?", (shard.file,)).fetchone()
                found = config.from_dict(ShardFacts, parse_json(facts, "a shard's facts"))
            yield shard, found

    def reasons(self, *, kept: bool) -> list[tuple[str, int]]:
        """Rows by reason: those dropped, or those kept without a part."""
        return self._database.execute(
            "SELECT reason, COUNT(*) FROM remark WHERE kept = ? GROUP BY reason ORDER BY reason", (int(kept),)
        ).fetchall()

    def write_remarks(self, path: Path) -> None:
        """List every row that was dropped, or kept without a part, as CSV; whole or not at all."""
        _write_remarks(self._database, path)


def _write_remarks(database: sqlite3.Connection, path: Path) -> None:
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        CsvWriter(file, DROPPED_HEAD).write(
            (row, reason, detail, "kept" if kept else "dropped")
            for row, reason, detail, kept in database.execute(
                "SELECT row, reason, detail, kept FROM remark ORDER BY kept, reason, row, detail"
            )
        )


def _encode(observation: Observation) -> str:
    place, date = observation.place, observation.date
    return json.dumps(
        [
            observation.taxon,
            observation.photo,
            observation.photo_box,
            None if place is None else [place.lon, place.lat],
            None if date is None else date.isoformat(),
            observation.licence,
            observation.attribution,
        ]
    )


def _decode(id: str, facts: str) -> Observation:
    taxon, photo, box, lon_lat, date, licence, attribution = json.loads(facts)
    return Observation(
        id=id,
        taxon=taxon,
        photo=photo,
        photo_box=None if box is None else (box[0], box[1], box[2], box[3]),
        place=None if lon_lat is None else Place(*lon_lat),
        date=None if date is None else datetime.date.fromisoformat(date),
        licence=licence,
        attribution=attribution,
    )
