"""What people say of photos that were named, as training rows with their provenance."""

import csv
import datetime
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.errors import InputError
from birdsat.files import file_sha256, write_atomic
from birdsat.locks import file_lock
from birdsat.observations.scientific_names import species_name
from birdsat.progress import QUIET, Progress
from birdsat.tables import csv_text
from birdsat.tasks.identify.image_scores import open_scores
from birdsat.tasks.identify.taught import named_as_known
from birdsat.training.run_folder import load_run
from birdsat.workflows.requests.identify import ReviewRequest

CORRECTIONS_FILE, REFUSED_FILE = "corrections.csv", "not_a_bird.csv"
COLUMNS = ("photo", "taxon", "split", "by", "when", "sha256", "note", "lon", "lat", "date")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewResult:
    """Where corrections are kept."""

    file: Path
    added: int
    rows: int  # in all
    not_birds: int  # photos of which was said that they show no taxon, kept in another file
    root: Path  # that the paths of photos start from
    left_out: dict[str, int]  # reason -> rows

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "file": str(self.file),
            "added": self.added,
            "rows": self.rows,
            "not_birds": self.not_birds,
            "root": str(self.root),
            "left_out": self.left_out,
        }


def review(request: ReviewRequest, progress: Progress = QUIET) -> ReviewResult:
    """Add corrections to the run's. What is said last of a photo, by its bytes, is what counts.

    Raises InputError for a table without the two columns or without a row that can be used, BusyError where another
    adds some to the same run.
    """
    run, table = load_run(Path(request.run)), Path(request.table)
    root = table.parent if request.photos is None else Path(request.photos)
    given, left_out = read_corrections(table), dict[str, int]()
    _, scores = open_scores(run)
    names = named_as_known({species_name(row["taxon"]) for row in given if row["taxon"]}, scores.taxa)
    new: list[dict[str, str]] = []
    for row in given:
        file = root / row["photo"]
        if not row["photo"] or not file.is_file():
            left_out["photo is not there"] = left_out.get("photo is not there", 0) + 1
            continue
        new.append(
            {name: row.get(name, "") for name in COLUMNS}
            | {
                "photo": from_root(file),
                "taxon": names.get(species_name(row["taxon"]), "") if row["taxon"] else "",
                "split": "train",  # they were named wrongly: of no use to measure by
                "by": row.get("by") or request.by,
                "when": row.get("when") or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "sha256": file_sha256(file),
            }
        )
    for reason, count in left_out.items():
        progress.note(f"{count:,} rows left out: {reason}.")
    if not new:
        raise InputError(f"no row of {table} can be used; give the folder of its photos.", settings=("table", "photos"))
    with file_lock(run.path / CORRECTIONS_FILE):  # what another adds meanwhile would be lost
        said = {row["sha256"]: row for name in (CORRECTIONS_FILE, REFUSED_FILE) for row in _before(run.path / name)}
        said |= {row["sha256"]: row for row in new}
        birds = [row for row in said.values() if row["taxon"]]
        others = [row for row in said.values() if not row["taxon"]]
        for name, rows in ((CORRECTIONS_FILE, birds), (REFUSED_FILE, others)):
            if rows or (run.path / name).is_file():
                write_atomic(
                    run.path / name, csv_text(COLUMNS, [[row.get(one, "") for one in COLUMNS] for row in rows])
                )
    return ReviewResult(
        file=run.path / CORRECTIONS_FILE,
        added=len(new),
        rows=len(said),
        not_birds=len(others),
        root=root_of(run.path),
        left_out=left_out,
    )


def from_root(file: Path) -> str:
    """Its path from the root of all folders, as a table of `birdsat data build` names photos that lie anywhere."""
    whole = file.resolve()
    return whole.relative_to(whole.anchor).as_posix()


def root_of(folder: Path) -> Path:
    """What `from_root` starts from."""
    return Path(folder.resolve().anchor)


def read_corrections(
    table: Path, *, setting: str = "table", remedy: str = "give a CSV in UTF-8"
) -> list[dict[str, str]]:
    """Rows of a table with the columns photo and taxon, and any others, by their names in small letters.

    setting: by which the table was named; remedy: what to do about one of another kind. Raises InputError for a table
    that cannot be read, or without these columns.
    """
    try:
        text = table.read_text("utf-8-sig")
        rows = [{str(key).strip().casefold(): (value or "").strip() for key, value in row.items() if key is not None}
                for row in csv.DictReader(io.StringIO(text))]  # fmt: skip
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{table} cannot be read as a table of photos and taxa ({error}); {remedy}.", settings=(setting,)
        ) from error
    if not rows or not {"photo", "taxon"} <= set(rows[0]):
        has = ", ".join(rows[0]) if rows else "no rows"
        raise InputError(f"{table} needs the columns photo and taxon; it has {has}; {remedy}.", settings=(setting,))
    return rows


def _before(path: Path) -> list[dict[str, str]]:
    return read_corrections(path) if path.is_file() and path.stat().st_size > len(",".join(COLUMNS)) + 2 else []
