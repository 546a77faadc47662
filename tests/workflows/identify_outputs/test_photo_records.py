"""Darwin Core and eBird: what leaves the house."""

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from made_photos import ABOUT, answer, row, rows_of, unreadable
from recorded import RecordedProgress

from birdsat.observations.readers.tables import read_table
from birdsat.workflows.identify_outputs.darwin_core import occurrence_id, write_archive, write_occurrences
from birdsat.workflows.identify_outputs.ebird import COLUMNS, write_ebird
from birdsat.workflows.identify_outputs.rows import PhotoRow

GENUS: dict[str, Any] = {"verdict": "rolled up", "rolled_up_rank": "genus", "rolled_up": "Corvus"}


def test_a_record_says_who_named_it_how_sure_and_that_nobody_checked(tmp_path: Path) -> None:
    odd = row("trip/odd.jpg", answers=(answer(1, "Corvus corax", 0.9, unexpected=True, place_date_score=0.01),))
    write_occurrences(tmp_path / "n.dwc.csv", [row(), row("trip/b.jpg", **GENUS), odd, unreadable()], ABOUT)
    first, genus, unexpected = rows_of(tmp_path / "n.dwc.csv")
    assert (first["scientificName"], first["taxonRank"], first["vernacularName"]) == (
        "Corvus corax",
        "species",
        "Common Raven",
    )
    assert (first["identificationVerificationStatus"], first["dateIdentified"]) == ("unverified", "2024-06-01")
    assert (first["license"], first["identifiedBy"]) == ("CC-BY-4.0", "birdsat 0.1.0, mine (abcdef012345)")
    assert (
        "probability 0.900" in first["identificationRemarks"]
        and "from the photo alone" in first["identificationRemarks"]
    )
    assert (genus["scientificName"], genus["taxonRank"]) == ("Corvus", "genus")
    assert unexpected["identificationQualifier"] == "cf. corax"
    assert "unexpected at this place" in unexpected["identificationRemarks"]


def test_places_are_exact_coarse_or_withheld_and_say_so(tmp_path: Path) -> None:
    write_occurrences(tmp_path / "a.csv", [row(), row(uncertainty_km=14.14)], ABOUT)
    exact, coarse = rows_of(tmp_path / "a.csv")
    assert exact["coordinateUncertaintyInMeters"] == "" and exact["decimalLatitude"] == "47.650000"
    assert coarse["coordinateUncertaintyInMeters"] == "14140" and coarse["dataGeneralizations"]
    write_occurrences(tmp_path / "b.csv", [row(lon=None, lat=None)], replace(ABOUT, hide_places=True))
    (hidden,) = rows_of(tmp_path / "b.csv")
    assert (
        hidden["decimalLatitude"] == hidden["geodeticDatum"] == "" and hidden["informationWithheld"] == "place withheld"
    )


def test_an_archive_is_read_again_as_occurrences(tmp_path: Path) -> None:
    write_archive(tmp_path / "n.zip", [row(), row("b.jpg", taken=None), unreadable()], ABOUT)
    with zipfile.ZipFile(tmp_path / "n.zip") as archive:
        assert archive.namelist() == ["occurrence.csv", "meta.xml"]
    found = list(read_table(tmp_path / "n.zip"))
    assert [one.taxon for one in found] == ["Corvus corax"] * 2  # type: ignore[union-attr]
    assert str(found[0].date) == "2024-05-01" and found[0].licence == "CC-BY-4.0"  # type: ignore[union-attr]
    assert found[0].place is not None and found[0].place.lat == 47.65  # type: ignore[union-attr]


def test_an_occurrence_keeps_its_id_and_tells_nothing_by_it() -> None:
    one = occurrence_id(row())
    assert one == occurrence_id(row(answers=())) != occurrence_id(row("trip/c.jpg")) and "trip" not in one


def ebird(tmp_path: Path, *rows: PhotoRow) -> list[dict[str, str]]:
    write_ebird(tmp_path / "n.ebird.csv", rows, ABOUT)
    text = (tmp_path / "n.ebird.csv").read_text()
    return [dict(zip(COLUMNS, line, strict=True)) for line in csv.reader(io.StringIO(text))]


def at(time: str, **given: Any) -> PhotoRow:
    return row(f"{time}.jpg", taken=f"2024-05-01T{time}:00", **given)


def test_photos_of_a_place_within_an_hour_are_one_checklist_with_a_row_a_species(tmp_path: Path) -> None:
    pica: dict[str, Any] = {"rolled_up": "Pica pica", "answers": (answer(1, "Pica pica", 0.8),)}
    rows = [at("07:50"), at("06:30"), at("07:10", **pica), at("07:20", lat=47.651), at("09:30"), at("06:40", lat=47.8)]
    lines = ebird(tmp_path, *rows)
    assert [(line["Start Time"], line["Latitude"], line["Species"]) for line in lines] == [
        ("06:30", "47.650000", "corax"),
        ("06:30", "47.650000", "pica"),
        ("06:40", "47.800000", "corax"),
        ("09:30", "47.650000", "corax"),
    ]
    first = lines[0]
    assert (first["Common Name"], first["Genus"], first["Number"], first["Date"]) == (
        "Common Raven",
        "Corvus",
        "X",
        "05/01/2024",
    )
    assert (first["Protocol"], first["All observations reported?"], len(COLUMNS)) == ("Incidental", "N", 19)
    assert first["Species Comments"].startswith("Photo 06:30.jpg, 07:20.jpg, 07:50.jpg; probability 0.90")


def test_what_cannot_be_on_a_checklist_is_counted(tmp_path: Path) -> None:
    progress = RecordedProgress()
    rows = [row(), row(**GENUS), row(date=None, taken=None), unreadable(), row(taken=None, lon=None, lat=None)]
    write_ebird(tmp_path / "n.ebird.csv", rows, replace(ABOUT, progress=progress))
    lines = list(csv.reader((tmp_path / "n.ebird.csv").open()))
    assert [line[5] for line in lines] == ["47.6500, -122.3000", "Place not known (time not known)"]
    assert progress.notes[0].startswith("2 photos are not in n.ebird.csv")


def test_taxa_that_a_run_calls_in_english_go_by_the_scientific_names_of_these(tmp_path: Path) -> None:
    cuckoo, unheard_of = (
        row(f"{name}.jpg", rolled_up=name, answers=(answer(1, name, 0.9),))
        for name in ("Yellow billed Cuckoo", "Shiny Thing")
    )
    known, unknown = ebird(tmp_path, cuckoo, unheard_of)
    assert (known["Common Name"], known["Genus"], known["Species"]) == (
        "Yellow-billed Cuckoo",
        "Coccyzus",
        "americanus",
    )
    assert (unknown["Common Name"], unknown["Genus"], unknown["Species"]) == ("Shiny Thing", "", "")
    write_occurrences(tmp_path / "n.dwc.csv", [cuckoo], ABOUT)
    (record,) = rows_of(tmp_path / "n.dwc.csv")
    assert (record["scientificName"], record["vernacularName"]) == ("Coccyzus americanus", "Yellow-billed Cuckoo")
