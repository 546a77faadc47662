"""What people said of names: accepted or corrected, kept, and given as a table and as Darwin Core."""

import json
from collections.abc import Mapping
from typing import Any

from birdsat.errors import ConfigError, InputError
from birdsat.explorer.jobs import Database, Jobs, now
from birdsat.explorer.uploads import Uploads
from birdsat.tables import csv_text

VERDICTS = ("accepted", "corrected")
_LONGEST = 200
# As `birdsat review` reads them: `photo` is a path within the folder of uploads.
_COLUMNS = ("photo", "taxon", "name", "verdict", "said", "score", "lon", "lat", "date", "when")
_DARWIN_CORE = (
    "occurrenceID",
    "basisOfRecord",
    "scientificName",
    "vernacularName",
    "decimalLongitude",
    "decimalLatitude",
    "geodeticDatum",
    "eventDate",
    "identificationVerificationStatus",
    "identificationRemarks",
    "dateIdentified",
)


class Reviews:
    """One of each photo: the last."""

    def __init__(self, database: Database, jobs: Jobs, uploads: Uploads) -> None:
        self._database, self._jobs, self._uploads = database, jobs, uploads

    def add(self, asked: Mapping[str, Any]) -> None:
        """Keep what is said of a photo. Raises ConfigError for what cannot be said, NotFoundError for no such photo."""
        upload, taxon, verdict = (asked.get(name) for name in ("upload", "taxon", "verdict"))
        if verdict not in VERDICTS:
            raise ConfigError(
                f"verdict is {str(verdict)[:100]!r}; allowed: {', '.join(VERDICTS)}.", settings=("verdict",)
            )
        if not isinstance(taxon, str) or not (name := " ".join(taxon.split())) or len(name) > _LONGEST:
            raise ConfigError(f"taxon is {str(taxon)[:100]!r}; a name is needed.", settings=("taxon",))
        kept = self._uploads.get(str(upload))
        if kept.kind != "photo":
            raise InputError(f"{kept.name} is a table of records; photos are named.", settings=("upload",))
        said = json.dumps(self._said(kept.id))
        with self._database.transaction() as connection:
            connection.execute(
                "insert or replace into reviews values (?, ?, ?, ?, ?)", (kept.id, name, str(verdict), said, now())
            )

    def all(self) -> list[dict[str, Any]]:
        """In the order in which they were said."""
        names = {upload.id: upload.name for upload in self._uploads.all()}
        rows = self._database.rows("select * from reviews order by created, upload")
        return [
            {
                "upload": row["upload"],
                "photo": names.get(row["upload"], ""),
                "taxon": row["taxon"],
                "verdict": row["verdict"],
                **json.loads(row["said"]),
                "reviewed": row["created"],
            }
            for row in rows
        ]

    def csv(self) -> bytes:
        """A row a photo, for `birdsat review RUN TABLE --photos STORE/uploads`."""
        files = {upload.id: f"{upload.id}/{self._uploads.file(upload)}" for upload in self._uploads.all()}
        rows = [
            {**row, "name": row["photo"], "photo": files.get(row["upload"], ""), "when": row["reviewed"]}
            for row in self.all()
        ]
        return _table(_COLUMNS, rows)

    def darwin_core(self) -> bytes:
        """Occurrences of those photos whose bird a person named, with place and date as far as they are known.

        A bird that the run calls in English has its scientific name there."""
        from birdsat.tasks.identify.taxon_groups import in_science

        rows = [
            {
                "occurrenceID": f"birdsat:photo:{row['upload']}",
                "basisOfRecord": "HumanObservation",
                "scientificName": in_science(row["taxon"]),
                "vernacularName": row["taxon"] if in_science(row["taxon"]) != row["taxon"] else None,
                "decimalLongitude": row.get("lon"),
                "decimalLatitude": row.get("lat"),
                "geodeticDatum": "EPSG:4326" if row.get("lon") is not None else None,
                "eventDate": row.get("date"),
                "identificationVerificationStatus": "verified by a person",
                "identificationRemarks": f"birdsat said {row['said']}" if row.get("said") else None,
                "dateIdentified": row["reviewed"][:10],
            }
            for row in self.all()
        ]
        return _table(_DARWIN_CORE, rows)

    def _said(self, upload: str) -> dict[str, Any]:
        """What the last job said of a photo."""
        for job in self._jobs.all():
            if job.verb == "identify" and job.state == "done" and job.result:
                for row in job.result.get("photos", ()):
                    if row.get("upload") == upload:
                        return {
                            "said": row.get("rolled_up") or "",
                            "score": row.get("rolled_up_score"),
                            "lon": row.get("lon"),
                            "lat": row.get("lat"),
                            "date": row.get("date"),
                        }
        return {"said": "", "score": None, "lon": None, "lat": None, "date": None}


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> bytes:
    cells = [["" if row.get(name) is None else row[name] for name in columns] for row in rows]
    return csv_text(columns, cells).encode("utf-8")
