"""Records for GBIF and others: occurrences in Darwin Core, with how each was identified (dwc.tdwg.org/terms)."""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import quoteattr

from birdsat.files import output_file
from birdsat.tables import CsvWriter
from birdsat.workflows.identify_outputs.about import About
from birdsat.workflows.identify_outputs.rows import PhotoRow

_TERMS = (
    "occurrenceID",
    "basisOfRecord",
    "eventDate",
    "decimalLatitude",
    "decimalLongitude",
    "geodeticDatum",
    "coordinateUncertaintyInMeters",
    "georeferenceSources",
    "dataGeneralizations",
    "informationWithheld",
    "kingdom",
    "class",
    "scientificName",
    "taxonRank",
    "vernacularName",
    "identificationQualifier",
    "identificationVerificationStatus",
    "identificationRemarks",
    "identifiedBy",
    "dateIdentified",
    "associatedMedia",
    "license",
)
_SPACE = {"license": "http://purl.org/dc/terms/"}
_DWC = "http://rs.tdwg.org/dwc/terms/"
_CORE = "occurrence.csv"


def write_occurrences(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """A CSV with a row for each photo that was named or rolled up."""
    with output_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        _write_csv(file, photos, about)
    return (path,)


def write_archive(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """The same in a zip file with its description: a Darwin Core Archive."""
    with output_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        with (
            archive.open(_CORE, "w", force_zip64=True) as raw,
            io.TextIOWrapper(raw, encoding="utf-8", newline="") as file,
        ):
            _write_csv(file, photos, about)
        archive.writestr("meta.xml", _meta())
    return (path,)


def _write_csv(file: TextIO, photos: Iterable[PhotoRow], about: About) -> None:
    writer = CsvWriter(file, _TERMS)
    writer.write(_records(photos, about))


def _records(photos: Iterable[PhotoRow], about: About) -> Iterator[list[str]]:
    for row in photos:
        if row.verdict not in ("named", "rolled up") or row.best is None:
            continue
        placed = row.lon is not None and row.lat is not None
        unexpected = any(one.unexpected for one in row.answers if one.taxon == row.name)
        record = {
            "occurrenceID": occurrence_id(row),
            "basisOfRecord": "HumanObservation",
            "eventDate": (row.taken or row.date or ""),
            "decimalLatitude": f"{row.lat:.6f}" if placed else "",
            "decimalLongitude": f"{row.lon:.6f}" if placed else "",
            "geodeticDatum": "EPSG:4326" if placed else "",
            "coordinateUncertaintyInMeters": "" if row.uncertainty_km is None else f"{1000 * row.uncertainty_km:.0f}",
            "georeferenceSources": _SOURCES.get(row.place_from, "") if placed else "",
            "dataGeneralizations": "" if row.uncertainty_km is None else "place moved to the middle of a square",
            "informationWithheld": "place withheld" if about.hide_places and row.place_from else "",
            "kingdom": "Animalia",
            "class": "Aves",
            "scientificName": row.scientific_name,
            "taxonRank": row.rolled_up_rank or "species",
            "vernacularName": row.common_name,
            # An open question stays one: what is unexpected here is marked by Darwin Core's own word for it.
            "identificationQualifier": f"cf. {row.scientific_name.split()[-1]}" if unexpected else "",
            "identificationVerificationStatus": "unverified",
            "identificationRemarks": _remarks(row, about),
            "identifiedBy": about.named_by,
            "dateIdentified": about.day.isoformat(),
            "associatedMedia": Path(row.photo).name,
            "license": about.license,
        }
        yield [record[term] for term in _TERMS]


_SOURCES = {"EXIF": "EXIF of the photo", "track": "GPS track", "table": "table of places", "given": "given by hand"}


def _remarks(row: PhotoRow, about: About) -> str:
    best = row.best
    assert best is not None
    parts = ["Named by a model from the photo alone" if best.place_date_score is None else "Named by a model"]
    parts.append(
        f"likeliest {best.taxon}, {'probability' if row.calibrated else 'uncalibrated score'} {best.score:.3f}"
    )
    if best.place_date_score is not None:
        parts.append(f"by the image {best.image_score:.3f}, by place and date {best.place_date_score:.3f}")
    if row.verdict == "rolled up" and row.rolled_up_score is not None:
        parts.append(f"{row.rolled_up_rank} {row.rolled_up} {row.rolled_up_score:.3f}")
    if best.unexpected:
        parts.append("unexpected at this place and date")
    parts.append(f"{row.set_size} {'taxon' if row.set_size == 1 else 'taxa'} in the {about.coverage:.0%} set")
    return "; ".join(parts) + "."


def occurrence_id(row: PhotoRow) -> str:
    """The same for a photo whenever it is named: by its path and its time, of which nothing can be read from it."""
    words = f"{row.photo}\0{row.taken or row.date or ''}"
    return f"birdsat:{hashlib.sha256(words.encode()).hexdigest()[:24]}"


def _meta() -> str:
    fields = "\n".join(
        f'    <field index="{number}" term={quoteattr(_SPACE.get(term, _DWC) + term)}/>'
        for number, term in enumerate(_TERMS)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<archive xmlns="http://rs.tdwg.org/dwc/text/">\n'
        f'  <core encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n" fieldsEnclosedBy="&quot;" '
        f'ignoreHeaderLines="1" rowType="{_DWC}Occurrence">\n'
        f"    <files><location>{_CORE}</location></files>\n"
        '    <id index="0"/>\n'
        f"{fields}\n"
        "  </core>\n</archive>\n"
    )
