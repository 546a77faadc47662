import datetime
import zipfile

import numpy as np
import pytest

from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.tables import read_table

DWC = "http://rs.tdwg.org/dwc/terms/"


def described(tag, kind, file, fields, *, defaults=(), layout='fieldsTerminatedBy="\\t" fieldsEnclosedBy=""', head=1):
    """One table of meta.xml; fields: names by column, the first of them the id."""
    id = "id" if tag == "core" else "coreid"
    terms = "".join(f'<field index="{i}" term="{DWC}{name}"/>' for i, name in enumerate(fields) if name)
    terms += "".join(f'<field term="{DWC}{name}" default="{value}"/>' for name, value in defaults)
    return (
        f'<{tag} encoding="UTF-8" {layout} linesTerminatedBy="\\n" ignoreHeaderLines="{head}" rowType="{DWC}{kind}">'
        f'<files><location>{file}</location></files><{id} index="0"/>{terms}</{tag}>'
    )


def archive(path, *tables, folder="", **files):
    meta = f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(tables)}</archive>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{folder}meta.xml", meta)
        for name, text in files.items():
            file.writestr(f"{folder}{name}.txt", text)
    return path


def lines(*rows):
    return "\n".join("\t".join(row) for row in rows) + "\n"


EVENTS = described(
    "core", "Event", "event.txt", ["", "parentEventID", "eventDate", "decimalLatitude", "decimalLongitude"]
)
BIRDS = described("extension", "Occurrence", "birds.txt", ["", "occurrenceID", "scientificName", "occurrenceStatus"])
EVENT_HEAD = ("id", "parentEventID", "eventDate", "decimalLatitude", "decimalLongitude")
BIRD_HEAD = ("id", "occurrenceID", "scientificName", "occurrenceStatus")


def test_place_and_date_come_from_the_event_and_what_it_lacks_from_the_event_it_is_part_of(tmp_path):
    path = archive(
        tmp_path / "a.zip",
        EVENTS,
        BIRDS,
        event=lines(
            EVENT_HEAD,
            ("walk", "", "2018-06-01", "69", "24"),
            ("stop", "walk", "", "69.5", "24.5"),
            ("loop", "loop", "", "", ""),
        ),
        birds=lines(
            BIRD_HEAD,
            ("stop", "o1", "Lagopus lagopus (L.)", ""),
            ("walk", "o2", "Lagopus muta", "absent"),
            ("walk", "o3", "Lagopus muta", "present"),
            ("loop", "o4", "Lagopus muta", ""),
            ("gone", "o5", "Lagopus muta", ""),
        ),
    )
    found = read_occurrences(path)
    assert found.taxa == ("Lagopus lagopus", "Lagopus muta")
    assert found.lon_lat.tolist() == [[24.5, 69.5], [24, 69]]
    assert found.date.tolist() == [datetime.date(2018, 6, 1)] * 2
    assert found.dropped == {"recorded as absent": 1, "no place": 2}


def test_each_occurrence_has_its_own_id_not_that_of_its_event(tmp_path):
    path = archive(
        tmp_path / "a.zip",
        EVENTS,
        BIRDS,
        event=lines(EVENT_HEAD, ("e", "", "2018-06-01", "69", "24")),
        birds=lines(BIRD_HEAD, ("e", "o1", "Lagopus muta", ""), ("e", "o2", "Lagopus muta", "")),
    )
    assert [row.id for row in read_table(path)] == ["o1", "o2"]


def test_a_core_of_occurrences_in_a_folder_with_constants_and_no_head_is_read(tmp_path):
    core = described(
        "core",
        "Occurrence",
        "occ.txt",
        ["gbifID", "species", "decimalLongitude", "decimalLatitude"],
        defaults=[("eventDate", "2020-03-04"), ("occurrenceStatus", "PRESENT")],
        layout='fieldsTerminatedBy="," fieldsEnclosedBy="&quot;"',
        head=0,
    )
    path = archive(
        tmp_path / "a.zip", core, folder="dwca/", occ='7,"Apus apus",9,47\n8,"Apus, who knows",9,48,too,many\n'
    )
    (bird, remark) = read_table(path)
    assert (bird.id, bird.taxon, bird.date) == ("7", "Apus apus", datetime.date(2020, 3, 4))
    assert isinstance(remark, Remark) and (remark.reason, remark.row) == ("wrong number of cells", "row 2")


def test_columns_that_the_description_passes_over_are_passed_over(tmp_path):
    core = described("core", "Occurrence", "occ.txt", ["gbifID", "species", "", "decimalLongitude", "decimalLatitude"])
    text = lines(("gbifID", "species", "x", "lon", "lat", "y"), ("7", "Apus apus", "?", "9", "47", "?"))
    assert read_occurrences(archive(tmp_path / "a.zip", core, occ=text)).lon_lat.tolist() == [[9, 47]]


def test_a_row_of_the_wrong_length_is_dropped_by_its_number_and_costs_no_other(tmp_path):
    core = described("core", "Occurrence", "occ.txt", ["gbifID", "species", "decimalLongitude", "decimalLatitude"])
    good = [(str(i), "Apus apus", str(i), "47") for i in range(1, 6)]
    rows = lines(("gbifID", "species", "x", "y"), *good[:2], ("too", "short"), *good[2:])
    read = list(read_table(archive(tmp_path / "a.zip", core, occ=rows)))
    assert [row.row for row in read if isinstance(row, Remark)] == ["row 3"]
    assert [row.id for row in read if not isinstance(row, Remark)] == ["1", "2", "3", "4", "5"]


def test_a_core_of_taxa_names_its_occurrences(tmp_path):
    taxa = described("core", "Taxon", "taxa.txt", ["", "scientificName"])
    places = described("extension", "Occurrence", "places.txt", ["", "decimalLongitude", "decimalLatitude"])
    path = archive(
        tmp_path / "a.zip",
        taxa,
        places,
        taxa=lines(("id", "scientificName"), ("t1", "Apus apus"), ("t2", "Parus major")),
        places=lines(("id", "lon", "lat"), ("t2", "1", "2"), ("t1", "3", "4")),
    )
    found = read_occurrences(path)
    assert (found.taxa, found.lon_lat.tolist()) == (("Apus apus", "Parus major"), [[3, 4], [1, 2]])


def test_more_events_than_one_batch_keep_their_places(tmp_path):
    n = 5000
    events = [(f"e{i}", "", f"2019-01-{i % 28 + 1:02d}", f"{i % 80 + 1}", f"{i % 170}") for i in range(n)]
    birds = [(f"e{i}", f"o{i}", "Apus apus", "") for i in reversed(range(n))]
    path = archive(tmp_path / "a.zip", EVENTS, BIRDS, event=lines(EVENT_HEAD, *events), birds=lines(BIRD_HEAD, *birds))
    rows = list(read_table(path))
    assert [(r.place.lon, r.place.lat, r.date.day) for r in rows] == [
        (i % 170, i % 80 + 1, i % 28 + 1) for i in reversed(range(n))
    ]


def test_archives_that_cannot_be_used_are_refused_in_words(tmp_path):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"not a zip at all")
    with pytest.raises(InputError, match="is damaged"):
        read_occurrences(bad)
    with pytest.raises(InputError, match="has no occurrences, only Event"):
        read_occurrences(archive(tmp_path / "events.zip", EVENTS, event=lines(EVENT_HEAD)))
    with pytest.raises(InputError, match=r"holds no file 'event\.txt'"):
        read_occurrences(archive(tmp_path / "lacks.zip", EVENTS, BIRDS))
    with pytest.raises(InputError, match="does not describe the archive"):
        read_occurrences(archive(tmp_path / "no-core.zip", BIRDS, birds=lines(BIRD_HEAD)))
    strange = EVENTS.replace("UTF-8", "no-such-code")
    with pytest.raises(InputError, match=r"does not describe the archive.*no-such-code"):
        read_occurrences(
            archive(tmp_path / "code.zip", strange, BIRDS, event=lines(EVENT_HEAD), birds=lines(BIRD_HEAD))
        )
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as file:
        file.writestr("a.csv", "x")
        file.writestr("b.csv", "x")
    with pytest.raises(InputError, match="holds 2 tables"):
        read_occurrences(tmp_path / "two.zip")
    with pytest.raises(InputError, match="is absent"):
        read_occurrences(tmp_path / "none.zip")


def test_the_real_archive_of_ptarmigan_surveys_reads_whole(shared_data):
    path = shared_data / "formats" / "dwca_norway" / "tetraonid_fefo_dwca.zip"
    found = read_occurrences(path)
    assert (found.rows, len(found), found.dropped) == (7442, 3466, {})
    assert found.taxa[0] == "Lagopus lagopus" and len(found.taxa) == 5
    assert (found.lon_lat.min(axis=0) > (20, 68)).all() and (found.lon_lat.max(axis=0) < (32, 72)).all()
    assert set(np.unique(found.month)) <= {5, 6, 7, 8, 9, 10}
    exact = read_occurrences(path, max_uncertainty_km=1)
    assert set(exact.dropped) == {"place uncertain by more than 1 km"}
