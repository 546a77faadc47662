"""Long work that is remembered: jobs in SQLite, so that a restart loses none."""

import datetime
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from birdsat.explorer.answers import NotFoundError

State = Literal["queued", "running", "done", "failed", "cancelled"]
FINAL = frozenset({"done", "failed", "cancelled"})
_MOST_ATTEMPTS = 2  # of a job whose server stopped under it
_KEPT = 500  # finished jobs
_SCHEMA = """
create table if not exists jobs (
  id text primary key, verb text not null, asked text not null, state text not null, done real, doing text not null,
  notes text not null, result text, error text, created text not null, attempts integer not null, number integer
);
create table if not exists uploads (
  id text primary key, name text not null, bytes integer not null, kind text not null, created text not null
);
create table if not exists reviews (
  upload text primary key, taxon text not null, verdict text not null, said text not null, created text not null
);
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of long work."""

    id: str
    verb: str
    asked: Mapping[str, Any]  # what it needs to know
    state: State = "queued"
    done: float | None = None  # share, 0..1; None where the end is not known
    doing: str = ""  # for people
    notes: tuple[str, ...] = ()
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None  # kind, message, settings
    created: str = ""  # ISO 8601
    attempts: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As it is answered. Nothing of where files lie."""
        return {
            "id": self.id,
            "verb": self.verb,
            "state": self.state,
            "done": self.done,
            "doing": self.doing,
            "notes": list(self.notes),
            "result": self.result,
            "error": self.error,
            "created": self.created,
            "upload": self.asked.get("upload"),
            "model": (self.result or {}).get("model"),
        }


class Database:
    """Jobs, uploads and reviews. Used by any thread: one connection, one at a time."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        with self._lock:
            self._connection.execute("pragma journal_mode=wal")
            self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Nothing is asked after that."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it, or nothing."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """What a statement finds."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


class Jobs:
    """All jobs, and whoever waits for what becomes of them."""

    def __init__(self, database: Database) -> None:
        """Those that ran when the server stopped are queued again, or fail with the reason the second time."""
        self._database, self._changed = database, threading.Condition()
        for job in self._where("state = 'running'"):
            if job.attempts < _MOST_ATTEMPTS:
                self._write(replace(job, state="queued", done=None, doing="waiting to begin again"))
            else:
                why = {
                    "kind": "WorkerError",
                    "message": "the explorer stopped twice while it worked on this.",
                    "settings": [],
                }
                self._write(replace(job, state="failed", error=why))

    def add(self, verb: str, asked: Mapping[str, Any]) -> Job:
        """A new one, queued."""
        job = Job(id=secrets.token_hex(8), verb=verb, asked=asked, doing="waiting", created=now())
        with self._database.transaction() as connection:
            (number,) = connection.execute("select coalesce(max(number), 0) + 1 from jobs").fetchone()
            connection.execute(
                "insert into jobs (id, verb, asked, state, doing, notes, created, attempts, number) "
                "values (?, ?, ?, 'queued', ?, '[]', ?, 0, ?)",
                (job.id, job.verb, json.dumps(dict(asked)), job.doing, job.created, number),
            )
            connection.execute(
                "delete from jobs where state in ('done', 'failed', 'cancelled') and number <= "
                "(select max(number) from jobs) - ?",
                (_KEPT,),
            )
        self._tell()
        return job

    def get(self, id: str) -> Job:
        """Raises NotFoundError."""
        found = self._where("id = ?", id)
        if not found:
            raise NotFoundError(f"there is no job {id[:100]!r}; /v1/jobs lists those there are.")
        return found[0]

    def all(self) -> list[Job]:
        """The newest first."""
        return self._where("1 order by number desc")

    def queued(self) -> list[Job]:
        """The oldest first."""
        return self._where("state = 'queued' order by number")

    def claim(self) -> Job | None:
        """The oldest that waits, which runs from now on; None where none waits."""
        with self._database.transaction() as connection:
            row = connection.execute("select * from jobs where state = 'queued' order by number limit 1").fetchone()
            if row is None:
                return None
            connection.execute(
                "update jobs set state = 'running', attempts = attempts + 1, doing = 'beginning' where id = ?",
                (row["id"],),
            )
        self._tell()
        return replace(_job(row), state="running", attempts=row["attempts"] + 1, doing="beginning")

    def update(self, id: str, **fields: Any) -> Job:
        """Change what is known of one that is not over; one that is stays as it is."""
        with self._changed:
            job = self.get(id)
            if job.state in FINAL:
                return job
            job = replace(job, **fields)
            self._write(job)
            self._changed.notify_all()
        return job

    def wait_for_work(self, seconds: float) -> None:
        """Until something changed."""
        with self._changed:
            self._changed.wait(seconds)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _where(self, condition: str, *values: Any) -> list[Job]:
        return [_job(row) for row in self._database.rows(f"select * from jobs where {condition}", *values)]

    def _write(self, job: Job) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "update jobs set state = ?, done = ?, doing = ?, notes = ?, result = ?, error = ? where id = ?",
                (
                    job.state,
                    job.done,
                    job.doing,
                    json.dumps(job.notes),
                    None if job.result is None else json.dumps(dict(job.result)),
                    None if job.error is None else json.dumps(dict(job.error)),
                    job.id,
                ),
            )


def now() -> str:
    """ISO 8601, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        verb=row["verb"],
        asked=json.loads(row["asked"]),
        state=row["state"],
        done=row["done"],
        doing=row["doing"],
        notes=tuple(json.loads(row["notes"])),
        result=None if row["result"] is None else json.loads(row["result"]),
        error=None if row["error"] is None else json.loads(row["error"]),
        created=row["created"],
        attempts=row["attempts"],
    )
