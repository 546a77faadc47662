"""Camtrap DP 1.0 (TDWG, https://camtrap-dp.tdwg.org): what camera traps saw, as a package of three tables.

`datapackage.json` says where the tables lie: deployments (a camera at a place), media (its files) and observations. A
package is a folder, a zip file, or is given by its datapackage.json.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from birdsat.errors import BirdsatError, InputError
from birdsat.observations.curation import Remark
from birdsat.observations.readers.cell_values import as_text, by_distinct, is_true, to_bools
from birdsat.observations.readers.keyed_rows import KeyedRows, filled, joined
from birdsat.observations.readers.limits import MAX_DESCRIPTION_BYTES
from birdsat.observations.readers.reader import Cells, Reader
from birdsat.observations.readers.table_files import table_file
from birdsat.observations.readers.text_tables import TableFile, first_line
from birdsat.observations.readers.zipped import DAMAGED, ZippedTable, is_within, zip_members

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
_OF_MEDIA = ("filePath", "fileMediatype")
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
        _present(self._media, "mediaID", *_OF_MEDIA)
        self._licence = _licence(described)

    @property
    def columns(self) -> list[str]:
        """Of an observation, its deployment and its photo."""
        own = {**_OF_OBSERVATION, **_OF_DEPLOYMENT}
        present = (*self._observation_columns, *self._deployment_columns)
        return [*(name for name, column in own.items() if column in present), "photo", "split_group", "licence"]

    def cells(self, names: Sequence[str]) -> Iterator[Cells]:
        """As `TableSource`. Deployments and media lie on disk meanwhile, in files of their own that go away by
        themselves; media are read only for photos that are asked for."""
        of_deployment = [column for column in _OF_DEPLOYMENT.values() if column in self._deployment_columns]
        with ExitStack() as stack:
            deployments = stack.enter_context(KeyedRows(of_deployment))
            remarks = list(deployments.fill(table_file(self._deployments), "deploymentID"))
            media = stack.enter_context(KeyedRows(_OF_MEDIA)) if "photo" in names else None
            if media is not None:
                remarks += media.fill(table_file(self._media), "mediaID")
            waiting = [(0, remark) for remark in remarks]
            for cells in table_file(self._observations).cells(self._observation_columns):
                yield self._joined(cells, deployments, media, names, waiting)
                waiting = []

    def _joined(
        self,
        cells: Cells,
        deployments: KeyedRows,
        media: KeyedRows | None,
        names: Sequence[str],
        remarks: Sequence[tuple[int, Remark]],
    ) -> Cells:
        """The animals among some observations, with what their deployments and media say."""
        kept, told = _animals(cells)
        columns = {name: column.take(pa.array(kept)) for name, column in cells.columns.items()}
        number = cells.number[kept]
        blank = pa.repeat("", len(kept))
        found = {name: columns.get(column, blank) for name, column in _OF_OBSERVATION.items()}
        found["licence"] = pa.repeat(self._licence, len(kept))
        # Photos of one event show one animal, and several observations may be of one photo.
        found["split_group"] = filled(columns.get("eventID", blank), columns["mediaID"])
        ids = [id or f"row {row}" for id, row in zip(_words(columns["observationID"]), number.tolist(), strict=True)]
        places, is_listed = joined(columns["deploymentID"], deployments.find, deployments.columns)
        found |= {name: places[column] for name, column in _OF_DEPLOYMENT.items() if column in places}
        told += _left_out(
            number,
            ids,
            ~to_bools(is_listed),
            "deployment not listed: place left out",
            "deployment",
            columns["deploymentID"],
        )
        if media is not None:
            codes, photos = by_distinct(lambda id: _photo(media, id), columns["mediaID"])
            found["photo"] = pa.array([path for path, _ in photos], pa.string()).take(pa.array(codes))
            for reason in dict.fromkeys(lack for _, lack in photos if lack):
                lacking = is_true(codes, (lack == reason for _, lack in photos))
                told += _left_out(number, ids, lacking, f"{reason}: photo left out", "media", columns["mediaID"])
        return Cells(
            number=number,
            columns={name: found.get(name, blank) for name in names},
            remarks=[*remarks, *cells.remarks, *told],
        )


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
        if isinstance(descriptor, Path):
            with descriptor.open("rb") as file:
                data = file.read(MAX_DESCRIPTION_BYTES + 1)
            if len(data) > MAX_DESCRIPTION_BYTES:
                raise ValueError(f"it has more than {MAX_DESCRIPTION_BYTES:,} bytes")
        else:
            data = descriptor.read(MAX_DESCRIPTION_BYTES)
        described: dict[str, Any] = json.loads(data)
        return described | {"profile": str(described.get("profile", ""))}
    except BirdsatError:
        raise
    except (AttributeError, TypeError, RecursionError, *DAMAGED) as error:
        raise InputError(
            f"{descriptor} does not describe a data package ({first_line(error)}); download it again."
        ) from error


def _table(descriptor: TableFile, described: dict[str, Any], name: str) -> TableFile:
    try:
        (path,) = (resource["path"] for resource in described["resources"] if resource["name"] == name)
        (path,) = [path] if isinstance(path, str) else path
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{descriptor} must list one file of {name}; export the package again.") from error
    if not (isinstance(path, str) and is_within(path)):
        raise InputError(f"{descriptor} has its {name} at {path}, outside the package; download them into it.")
    if isinstance(descriptor, Path):
        return descriptor.parent / path
    return replace(descriptor, member=str(PurePosixPath(descriptor.member).parent / path))


def _present(table: TableFile, *names: str) -> list[str]:
    """Those of the columns that the table has. Raises InputError where it lacks one that it must have."""
    present = table_file(table).columns
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


def _words(column: pa.Array) -> list[str]:
    return [text.strip() for text in as_text(column).to_pylist()]


def _animals(cells: Cells) -> tuple[NDArray[np.int64], list[tuple[int, Remark]]]:
    """Positions of the observations of animals, and why the others are not used."""
    codes, reasons = by_distinct(_unusable, *(cells.columns[name] for name in ("observationType", "observationLevel")))
    unusable = np.flatnonzero(is_true(codes, (reason is not None for reason in reasons)))
    ids = _words(cells.columns["observationID"].take(pa.array(unusable)))
    remarks = []
    for i, id in zip(unusable.tolist(), ids, strict=True):
        found = reasons[codes[i]]
        assert found is not None
        number = int(cells.number[i])
        remarks.append((number, Remark(row=id or f"row {number}", reason=found[0], detail=found[1])))
    kept = np.delete(np.arange(len(cells)), unusable)
    return kept, remarks


def _unusable(kind: str, level: str) -> tuple[str, str] | None:
    """Reason and detail for an observation that is not of an animal."""
    if kind != "animal":
        return f"not an animal: {kind[:40] or 'no type'}", f"observation type {kind!r}"
    if level not in _LEVELS:
        return "neither of a file nor of an event", f"observation level {level!r}; allowed: {', '.join(_LEVELS)}"
    return None


def _left_out(
    number: NDArray[np.int64], ids: Sequence[str], which: NDArray[np.bool_], reason: str, what: str, keys: pa.Array
) -> list[tuple[int, Remark]]:
    """Remarks on kept rows that lack what their key should lead to."""
    return [
        (int(number[i]), Remark(row=ids[i], reason=reason, detail=f"{what} {keys[i].as_py()!r}", kept=True))
        for i in np.flatnonzero(which).tolist()
    ]


def _photo(media: KeyedRows, id: str) -> tuple[str, str]:
    """The path of a file within the package, or why there is none; neither where none is named."""
    if not id:
        return "", ""
    found = media.find(id)
    if found is None:
        return "", "media not listed"
    path, kind = found
    if kind and not kind.startswith("image/"):
        return "", "media is not an image"
    return (path, "") if is_within(path) else ("", "media outside the package")
