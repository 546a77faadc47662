"""Camtrap DP 1.0 (TDWG, https://camtrap-dp.tdwg.org): what camera traps saw, as a package of three tables.

`datapackage.json` says where the tables lie: deployments (a camera at a place), media (its files) and observations. A
package is a folder, a zip file, or is given by its datapackage.json.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.reader import Reader
from birdsat.observations.readers.table_rows import TableFile, column_names, table_rows
from birdsat.observations.readers.zipped import ZIP_ERRORS, ZippedTable, zip_members

DESCRIPTOR = "datapackage.json"
_LEVELS = ("media", "event")
# What the columns of an observation are called here, where `TableColumns` finds them, and in the package.
_OF_OBSERVATION = {
    "observationID": "observationID",
    "scientificName": "scientificName",
    "eventDate": "eventStart",
    "individualCount": "count",
}
_OF_DEPLOYMENT = {
    "longitude": "longitude",
    "latitude": "latitude",
    "coordinateUncertaintyInMeters": "coordinateUncertainty",
}
_MAY_LACK = ("count", "coordinateUncertainty", "eventID")


class CamtrapPackage:
    """The animals that a package observed, each with the place of its deployment and, where it is of one file, its
    photo."""

    def __init__(self, path: Path) -> None:
        """Raises InputError for a package that is damaged, of another version, or lacks a table or a column."""
        descriptor = _descriptor(path)
        assert descriptor is not None  # the path was recognised
        described = _described(descriptor)
        version = re.search(r"camtrap-dp/v?(\d+)\.", described["profile"])
        if version is not None and version[1] != "1":
            raise InputError(f"{path} is of the profile {described['profile']}; Camtrap DP 1 is read. Export it again.")
        self._deployments, self._media, self._observations = (
            _table(descriptor, described, name) for name in ("deployments", "media", "observations")
        )
        self._deployment_columns = _present(self._deployments, "deploymentID", *_OF_DEPLOYMENT.values())
        self._observation_columns = _present(
            self._observations,
            *("deploymentID", "mediaID", "eventID", "observationLevel", "observationType", *_OF_OBSERVATION.values()),
        )
        self._media_columns = _present(self._media, "mediaID", "filePath", "fileMediatype")
        self._licence = _licence(described)

    @property
    def columns(self) -> list[str]:
        """Of an observation, its deployment and its photo."""
        own = {**_OF_OBSERVATION, **_OF_DEPLOYMENT}
        present = (*self._observation_columns, *self._deployment_columns)
        return [*(name for name, column in own.items() if column in present), "photo", "split_group", "licence"]

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]] | Remark]:
        """As `table_rows`. Deployments are held in memory; media lie on disk meanwhile, in a file of its own that goes
        away by itself, and are read only for photos that are asked for."""
        deployments: dict[str, dict[str, str]] = {}
        for row in table_rows(self._deployments, self._deployment_columns):
            if isinstance(row, Remark):
                yield row
                continue
            deployments.setdefault(row[1]["deploymentID"], row[1])
        with closing(sqlite3.connect("")) as journal:
            is_stored = False
            for row in table_rows(self._observations, self._observation_columns):
                if isinstance(row, Remark):
                    yield row
                    continue
                number, cells = row
                id = cells["observationID"] or f"row {number}"
                if (unusable := _unusable(cells)) is not None:
                    reason, detail = unusable
                    yield Remark(row=id, reason=reason, detail=detail)
                    continue
                found = {name: cells.get(column, "") for name, column in _OF_OBSERVATION.items()}
                found["licence"] = self._licence
                # Photos of one event show one animal, and several observations may be of one photo.
                found["split_group"] = cells.get("eventID") or cells["mediaID"]
                deployment = deployments.get(cells["deploymentID"])
                if deployment is None:
                    detail = f"deployment {cells['deploymentID']!r}"
                    yield Remark(row=id, reason="deployment not listed: place left out", detail=detail, kept=True)
                else:
                    found |= {name: deployment.get(column, "") for name, column in _OF_DEPLOYMENT.items()}
                if "photo" in names and cells["mediaID"]:
                    if not is_stored:
                        yield from _store(journal, self._media, self._media_columns)
                        is_stored = True
                    found["photo"], lack = _photo(journal, cells["mediaID"])
                    if lack:
                        detail = f"media {cells['mediaID']!r}"
                        yield Remark(row=id, reason=f"{lack}: photo left out", detail=detail, kept=True)
                yield number, {name: found.get(name, "") for name in names}


def _recognises(path: Path) -> bool:
    descriptor = _descriptor(path)
    return descriptor is not None and "camtrap-dp" in _described(descriptor)["profile"]


READER = Reader(
    name="a Camtrap DP package (a folder, a .zip, or its datapackage.json)", recognises=_recognises, open=CamtrapPackage
)


def _descriptor(path: Path) -> TableFile | None:
    """Where what lies at the path describes itself as a data package."""
    if path.suffix.lower() == ".zip" and path.is_file():
        found = [name for name in zip_members(path) if PurePosixPath(name).name == DESCRIPTOR]
        top = min(found, key=lambda name: name.count("/"), default=None)
        return None if top is None else ZippedTable(archive=path, member=top)
    file = path / DESCRIPTOR if path.is_dir() else path
    return file if file.name == DESCRIPTOR and file.is_file() else None


def _described(descriptor: TableFile) -> dict[str, Any]:
    """What a data package says of itself; its profile is text, "" where it names none."""
    try:
        with descriptor.open("rb") if isinstance(descriptor, Path) else descriptor.open() as file:
            described: dict[str, Any] = json.load(file)
        return described | {"profile": str(described.get("profile", ""))}
    except (ValueError, AttributeError, OSError, *ZIP_ERRORS) as error:
        raise InputError(f"{descriptor} does not describe a data package ({error}); download it again.") from error


def _table(descriptor: TableFile, described: dict[str, Any], name: str) -> TableFile:
    try:
        (path,) = (resource["path"] for resource in described["resources"] if resource["name"] == name)
        (path,) = [path] if isinstance(path, str) else path
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{descriptor} must list one file of {name}; export the package again.") from error
    if not _is_within(path):
        raise InputError(f"{descriptor} has its {name} at {path}, outside the package; download them into it.")
    if isinstance(descriptor, Path):
        return descriptor.parent / path
    return replace(descriptor, member=str(PurePosixPath(descriptor.member).parent / path))


def _present(table: TableFile, *names: str) -> list[str]:
    """Those of the columns that the table has. Raises InputError where it lacks one that it must have."""
    present = column_names(table)
    if absent := sorted(set(names) - set(present) - set(_MAY_LACK)):
        raise InputError(
            f"{table} has no column {', '.join(absent)}, which Camtrap DP 1.0 requires; its columns are "
            f"{', '.join(present)}. Export the package again."
        )
    return [name for name in names if name in present]


def _licence(described: dict[str, Any]) -> str:
    """Of the media, as far as the package says."""
    licences = [one for one in described.get("licenses") or () if isinstance(one, dict)]
    media = next((one for one in licences if one.get("scope") == "media"), {})
    return str(media.get("name") or media.get("path") or "")


def _unusable(cells: dict[str, Any]) -> tuple[str, str] | None:
    """Reason and detail for an observation that is not of an animal."""
    kind, level = cells["observationType"], cells["observationLevel"]
    if kind != "animal":
        return f"not an animal: {kind or 'no type'}", f"observation type {kind!r}"
    if level not in _LEVELS:
        return "neither of a file nor of an event", f"observation level {level!r}; allowed: {', '.join(_LEVELS)}"
    return None


def _store(journal: sqlite3.Connection, media: TableFile, columns: Sequence[str]) -> Iterator[Remark]:
    """Put the media into the journal; a remark for each row that is malformed."""
    journal.execute("CREATE TABLE media (id TEXT PRIMARY KEY, path TEXT, type TEXT) WITHOUT ROWID")
    for row in table_rows(media, columns):
        if isinstance(row, Remark):
            yield row
            continue
        journal.execute("INSERT OR IGNORE INTO media VALUES (?, ?, ?)", [row[1][name] for name in columns])


def _photo(journal: sqlite3.Connection, media: str) -> tuple[str, str]:
    """The path of a file within the package, or why there is none."""
    found = journal.execute("SELECT path, type FROM media WHERE id = ?", (media,)).fetchone()
    if found is None:
        return "", "media not listed"
    path, kind = found
    if kind and not kind.startswith("image/"):
        return "", "media is not an image"
    return (path, "") if _is_within(path) else ("", "media outside the package")


def _is_within(path: str) -> bool:
    """Whether it is a relative path that does not leave its folder."""
    parts = PurePosixPath(path)
    return bool(path) and "://" not in path and not parts.is_absolute() and ".." not in parts.parts
