"""Taxa taught to a run by a few photos, and forgotten again."""

import datetime
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from birdsat.embeddings.photo_files import photo_views
from birdsat.errors import InputError
from birdsat.files import file_sha256
from birdsat.imagery.photo_files import find_photos, without_raw_twins
from birdsat.locks import file_lock
from birdsat.progress import QUIET, Progress
from birdsat.tables import Table
from birdsat.tasks.identify.image_scores import GALLERY_FILE, open_scores
from birdsat.tasks.identify.seen import Seen, joined, see
from birdsat.tasks.identify.taught import (
    TAUGHT_FILE,
    By,
    TaughtPhoto,
    load_taught,
    named_as_known,
    newly_taught,
    save_taught,
    taught_scores,
)
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.requests.identify import TeachRequest
from birdsat.workflows.review import read_corrections, root_of

_FEW = 3  # photos a taxon, below which means name more of them than a probe


@dataclass(frozen=True, kw_only=True, slots=True)
class TeachResult:
    """What is taught to a run now."""

    file: Path
    photos: dict[str, int]  # taxon -> photos
    new: tuple[str, ...]  # those of them that the run does not know by itself

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"file": str(self.file), "photos": self.photos, "new": list(self.new)}

    def table(self) -> Table:
        """For the console."""
        table = Table(title=f"{len(self.photos):,} taught taxa: {self.file}" if self.photos else "nothing is taught")
        table.add_column("taxon")
        table.add_column("photos")
        table.add_column("")
        for taxon, photos in self.photos.items():
            table.add_row(taxon, f"{photos:,}", "new" if taxon in self.new else "more photos")
        return table


def teach(request: TeachRequest, progress: Progress = QUIET) -> TeachResult:
    """Add photos, take taxa away, or list them.

    Raises UnknownTaxonError for a taxon to forget that was not taught, InputError where there are no photos,
    CheckpointError for a run that keeps nothing to tell new taxa from, and BusyError where another teaches it.
    """
    run = load_run(Path(request.run))
    if request.folder is None and not request.remove:
        return _teach(run, request, progress)
    with file_lock(run.path / TAUGHT_FILE):  # what another teaches it meanwhile would be lost
        return _teach(run, request, progress)


def _teach(run: Run, request: TeachRequest, progress: Progress) -> TeachResult:
    _, base = open_scores(run)
    taught = load_taught(run)
    if taught is not None and taught.of != model_fingerprint(run):
        progress.note(f"what was taught to {run.path} before was taught to other weights, and is forgotten.")
        taught = None
    default: By = "probe" if (run.path / GALLERY_FILE).is_file() else "means"
    if request.folder is not None:
        photos, seen = _looked_at(run, Path(request.folder), base.taxa, progress)
        if taught is None:
            counts = Counter(photo.taxon for photo in photos)
            few = np.median(list(counts.values())) < _FEW
            taught = newly_taught(run, request.by or ("means" if few else default), photos, seen)
        else:
            taught = replace(taught.with_photos(photos, seen), by=request.by or taught.by)
        if taught.by == "probe" and default == "means":
            raise InputError(
                f"{run.path} keeps no training photos, beside which a probe is fitted; keep them with `birdsat "
                "classify` or `birdsat evaluate identify`, or teach by means.",
                settings=("by",),
            )
        taught_scores(run, base, taught)  # which raises where there is nothing to tell them from
    for taxon in request.remove:
        if taught is None:
            raise InputError(
                f"nothing was taught to {run.path}, so {taxon!r} cannot be forgotten; leave it out.",
                settings=("remove",),
            )
        taught = taught.without(taxon)
    if taught is not None and (request.folder is not None or request.remove):
        save_taught(run, taught)
    counts = Counter(photo.taxon for photo in taught.photos) if taught is not None else Counter[str]()
    return TeachResult(
        file=run.path / TAUGHT_FILE,
        photos=dict(sorted(counts.items())),
        new=tuple(sorted(taxon for taxon in counts if taxon not in base.taxa)),
    )


def _looked_at(run: Run, source: Path, known: tuple[str, ...], progress: Progress) -> tuple[list[TaughtPhoto], Seen]:
    """The photos and what the run sees in them; those that cannot be read are left out and counted."""
    given = _of_table(source) if source.is_file() else _of_folder(source)
    names = named_as_known({photo.taxon for photo, _ in given}, known)
    looked, kept = [], []
    files = [file for _, file in given]
    at = 0
    with progress.bar("looking at photos", len(files), unit="photos") as bar:
        for views, readable in photo_views(files, run.photo_px, unreadable="nan", progress=progress):
            looked.append(see(run, views)[readable])
            kept += [at + number for number in np.flatnonzero(readable).tolist()]
            at += len(views)
            bar.advance(len(views))
    if not kept:
        raise InputError(
            f"none of the {len(files):,} photos of {source} can be read; give others, or mend them.",
            settings=("folder",),
        )
    photos = [
        TaughtPhoto(taxon=names[photo.taxon], photo=photo.photo, sha256=file_sha256(file), by=photo.by, when=photo.when)
        for photo, file in (given[number] for number in kept)
    ]
    return photos, joined(looked)


def _of_folder(folder: Path) -> list[tuple[TaughtPhoto, Path]]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = []
    photos, _ = without_raw_twins(find_photos([folder], setting="folder"))
    for file in photos:
        parts = file.relative_to(folder).parts
        if len(parts) < 2:
            raise InputError(
                f"{file} lies in no folder of a taxon; put photos into folders that are named after their taxa, such "
                f"as {folder / 'Passerina cyanea' / file.name}.",
                settings=("folder",),
            )
        taxon = parts[0].replace("_", " ")
        found.append((TaughtPhoto(taxon=taxon, photo=str(file), sha256="", when=today), file))
    return found


def _of_table(path: Path) -> list[tuple[TaughtPhoto, Path]]:
    """Rows of a table that `birdsat review` made."""
    rows = read_corrections(path, setting="folder", remedy="make one with `birdsat review`, or give a folder")
    found = []
    for row in rows:
        if row["taxon"]:
            photo, who, when = row["photo"], row.get("by", ""), row.get("when", "")
            taught = TaughtPhoto(taxon=row["taxon"], photo=photo, sha256="", by=who, when=when)
            found.append((taught, root_of(path) / photo))
    if not found:
        raise InputError(f"{path} says of no photo what it shows; fill in the column taxon.", settings=("folder",))
    return found
