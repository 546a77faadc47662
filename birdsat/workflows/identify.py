"""Which bird is in each photo: photos in, names in tables, contact sheets, sidecars and records out."""

import datetime
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from birdsat.embeddings.photo_stream import PhotoBatch, read_photos
from birdsat.errors import ConfigError, some_of
from birdsat.files import check_new
from birdsat.imagery.photo_files import find_photos, raw_twins_note, same_names, without_raw_twins
from birdsat.locks import file_lock
from birdsat.observations.photos.facts import PhotoFacts, PhotoFinder
from birdsat.observations.photos.place_table import read_place_table
from birdsat.observations.photos.tracks import read_tracks
from birdsat.progress import QUIET, Progress
from birdsat.tables import Table
from birdsat.tasks.identify.answers import Identifier, Verdict
from birdsat.tasks.identify.taxon_groups import meant_species
from birdsat.workflows.cells import place_of
from birdsat.workflows.identify_outputs.about import About, page_paths
from birdsat.workflows.identify_outputs.journal import Journal, file_state
from birdsat.workflows.identify_outputs.privacy import Privacy, read_sensitive
from birdsat.workflows.identify_outputs.rows import PhotoRow, photo_rows, printable
from birdsat.workflows.identify_outputs.sidecars import write_sidecars
from birdsat.workflows.open_identifier import open_run_identifier
from birdsat.workflows.requests.identify_photos import OUTPUTS, IdentifyRequest, output_of

_SHOWN = 20  # photos that are shown one by one


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentifyResult:
    """How many photos were named, and the files that say which bird is in each."""

    photos: int
    verdicts: Mapping[Verdict, int]
    birds: int  # of those rolled up, to no finer name than that of all birds
    first: tuple[PhotoRow, ...]  # the first of the photos
    kept: int  # of the photos, named before by the same command
    files: tuple[Path, ...]  # that were written; not the sidecars
    sidecars: int

    @property
    def failed(self) -> Mapping[str, str]:
        """That nothing could be read, which is an error; a bad photo among good ones is not."""
        if self.verdicts.get("unreadable", 0) < self.photos:
            return {}
        return {"photos": "none of them could be read"}

    @property
    def line(self) -> str:
        """In one line, which a script can read."""
        named, rolled_up = self.verdicts.get("named", 0), self.verdicts.get("rolled up", 0) - self.birds
        to_species = f", {named} to the species" if rolled_up else ""
        parts = [f"identified {named + rolled_up} of {self.photos} photos{to_species}"]
        parts += [f"{self.birds} a bird, and no more"] if self.birds else []
        parts += [f"{count} with candidates alone"] if (count := self.verdicts.get("not calibrated", 0)) else []
        parts += [f"{count} unreadable"] if (count := self.verdicts.get("unreadable", 0)) else []
        parts += [f"{count} not among these birds"] if (count := self.verdicts.get("not among these birds", 0)) else []
        return f"{'; '.join(parts)} -> {', '.join(map(str, self.files))}"

    def table(self) -> Table:
        """The first photos, for the console."""
        table = Table(columns=["photo", "bird", "", "score", "image", "place, date"], words=3, title="photos")
        for row in self.first:
            best = row.best
            if row.verdict == "unreadable" or best is None:
                table.add_row(Path(row.photo).name, row.verdict, row.remarks[0] if row.remarks else "")
                continue
            is_named = row.verdict == "named"
            beside = [row.common_name] if is_named else [f"likeliest {best.common_name or best.taxon}"]
            beside += ["unexpected here"] if best.unexpected else []
            table.add_row(
                Path(row.photo).name,
                row.name,
                "; ".join(word for word in beside if word),
                f"{best.score:.3f}",
                f"{best.image_score:.3f}",
                "" if best.place_date_score is None else f"{best.place_date_score:.3f}",
            )
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "photos": self.photos,
            "verdicts": dict(self.verdicts),
            "birds": self.birds,
            "kept": self.kept,
            "sidecars": self.sidecars,
            "files": list(map(str, self.files)),
        }


def identify(request: IdentifyRequest, progress: Progress = QUIET) -> IdentifyResult:
    """Name the photos, and write what is asked for.

    Raises InputError where there is not a single photo, ConfigError for files that are there already, and what opening
    the run, the range model, a track and the tables raises. A photo that cannot be read is a row that says why.
    """
    outs = [Path(path) for path in request.out]
    photos, twins = without_raw_twins(_without_outputs(find_photos(request.photos), outs))
    check_new((page for out in outs for page in page_paths(out, len(photos))), request.overwrite)
    for out in outs:
        if not out.parent.is_dir():
            raise ConfigError(f"{out.parent} is not a folder; make it, or name another file.", settings=("out",))
    finder = _finder(request, photos)
    sensitive = frozenset[str]() if request.sensitive is None else read_sensitive(Path(request.sensitive))
    identifier = open_run_identifier(request)
    for note in identifier.notes:
        progress.note(note)
    if twins:
        progress.note(raw_twins_note(twins))
    _note_unknown(sensitive, identifier, progress)
    privacy = Privacy(hide=request.hide_places, sensitive=sensitive, coarsen_km=request.coarsen_km)
    with file_lock(outs[0]):
        journal = Journal(_journal_path(outs[0]), _named_by(request, identifier), photos)
        with closing(journal):
            _name(request, photos, identifier, finder, journal, progress)
            result = _write(request, photos, outs, identifier, journal, privacy, progress)
            journal.remove()
    finder.note(progress)
    return result


def _name(
    request: IdentifyRequest,
    photos: Sequence[Path],
    identifier: Identifier,
    finder: PhotoFinder,
    journal: Journal,
    progress: Progress,
) -> None:
    """Into the journal, what is not there yet."""
    for row in journal.rows():
        finder.recall(Path(row.photo), row.remarks, row.place_from == "track")
    if journal.kept:
        progress.say(f"{journal.kept:,} of {len(photos):,} photos were named before")
    batches = read_photos(
        photos[journal.kept :], identifier.photo_px, batch_size=request.batch_size, workers=request.workers
    )
    with progress.bar("identifying", len(photos), unit="photos", done=journal.kept) as bar, closing(batches):
        for batch in batches:
            facts = finder.facts(list(zip(batch.photos, (one.exif for one in batch.read), strict=True)))
            journal.add(batch.photos, list(_rows(batch, facts, identifier, request.top)))
            bar.advance(len(batch.photos))


def _rows(batch: PhotoBatch, facts: Sequence[PhotoFacts], identifier: Identifier, top: int) -> list[PhotoRow]:
    nowhere = (np.nan, np.nan)
    lon_lat = np.array([nowhere if one.place is None else (one.place.lon, one.place.lat) for one in facts])
    answers = identifier(batch.views, lon_lat.reshape(-1, 2), [one.date for one in facts], batch.readable)
    reasons = [one.reason or one.remark for one in batch.read]
    return list(photo_rows(batch.photos, reasons, facts, answers, identifier.common_names, top))


def _write(
    request: IdentifyRequest,
    photos: Sequence[Path],
    outs: Sequence[Path],
    identifier: Identifier,
    journal: Journal,
    privacy: Privacy,
    progress: Progress,
) -> IdentifyResult:
    about = About(
        run=Path(request.run).name,
        version=version("birdsat"),
        fingerprint=identifier.fingerprint,
        day=datetime.date.today(),
        top=request.top,
        wide=request.wide,
        coverage=request.coverage,
        license=request.license,
        hide_places=request.hide_places,
        photos=len(photos),
        odd_paths={name: path for path in photos if (name := printable(str(path))) != str(path)},
        progress=progress,
    )
    files: list[Path] = []
    for out in outs:
        ending = output_of(out.name)
        assert ending is not None  # the request was checked
        rows = (replace(row, answers=row.answers[: request.top]) for row in privacy.applied(journal.rows()))
        files += resolve_name(OUTPUTS[ending])(out, rows, about)
    written = write_sidecars(photos, journal.rows(), about) if request.sidecars else 0
    verdicts: Counter[Verdict] = Counter()
    birds = 0
    first: list[PhotoRow] = []
    for row in journal.rows():
        verdicts[row.verdict] += 1
        birds += row.verdict == "rolled up" and row.rolled_up_rank == "class"
        if len(first) < _SHOWN:
            first.append(row)
    return IdentifyResult(
        photos=len(photos),
        verdicts=verdicts,
        birds=birds,
        first=tuple(first),
        kept=journal.kept,
        files=tuple(files),
        sidecars=written,
    )


def _without_outputs(photos: tuple[Path, ...], outs: Sequence[Path]) -> tuple[Path, ...]:
    """Without contact sheets that the same command wrote among the photos before."""
    own = {os.path.abspath(page) for out in outs for page in page_paths(out, len(photos))}  # noqa: PTH100  links stay
    return tuple(photo for photo in photos if os.path.abspath(photo) not in own)  # noqa: PTH100


def _finder(request: IdentifyRequest, photos: Sequence[Path]) -> PhotoFinder:
    return PhotoFinder(
        table=None if request.places is None else read_place_table(Path(request.places), same_names(photos)),
        track=read_tracks([Path(path) for path in request.track]) if request.track else None,
        clock_offset=request.clock_ahead,
        place=None if request.place is None else place_of(request.place),
        date=request.day,
    )


def _named_by(request: IdentifyRequest, identifier: Identifier) -> dict[str, Any]:
    """All that a row depends on beside its photo."""
    files = [Path(path) for path in (*request.track, *((request.places,) if request.places is not None else ()))]
    asked = {name: str(getattr(request, name)) for name in ("place", "date", "clock_offset", "top")}
    return {
        "birdsat": version("birdsat"),
        "identifier": identifier.fingerprint,
        "files": json.loads(json.dumps([file_state(path) for path in files])),
        **asked,
    }


def _journal_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.partial")


def _note_unknown(sensitive: frozenset[str], identifier: Identifier, progress: Progress) -> None:
    if not sensitive:
        return
    known = {meant_species(taxon).casefold() for taxon in identifier.taxa}
    if unknown := sensitive - known:
        progress.note(
            f"{len(unknown):,} of the {len(sensitive):,} sensitive taxa are none that are told apart here: "
            f"{some_of(unknown)}."
        )
