import datetime
import zipfile

import pytest
from camtrap_packages import HEAD, NIGHT, OBSERVATIONS, PROFILE, contents

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.occurrences import read_occurrences
from birdsat.observations.readers.tables import read_table
from birdsat.observations.readers.text_tables import TextTable


def folder_of(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def zip_of(path, files, top=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(f"{top}{name}", data)
    return path


def package(tmp_path, **facts):
    return folder_of(tmp_path / "package", contents(**facts))


def as_given(tmp_path, way):
    match way:
        case "folder":
            return package(tmp_path)
        case "datapackage.json":
            return package(tmp_path) / "datapackage.json"
        case "zip":
            return zip_of(tmp_path / "package.zip", contents())
        case "zip with a folder":
            return zip_of(tmp_path / "package.zip", contents(), top="study-1.0/")
        case "gzipped tables":
            return package(tmp_path, suffix=".csv.gz")
        case "zip of gzipped tables":
            return zip_of(tmp_path / "package.zip", contents(suffix=".csv.gz"))


WAYS = ("folder", "datapackage.json", "zip", "zip with a folder", "gzipped tables", "zip of gzipped tables")


@pytest.mark.parametrize("way", WAYS)
def test_an_animal_has_the_place_of_its_deployment_the_start_of_its_event_and_its_photo(tmp_path, way):
    rows = [row for row in read_table(as_given(tmp_path, way)) if isinstance(row, Observation)]
    assert rows == [
        Observation(
            id="o1",
            taxon="Ardea cinerea",
            photo="media/1.jpg",
            place=Place(4.75, 51.5),
            date=datetime.date(2020, 5, 30),
            group="e1",
            licence="CC-BY-4.0",
            count=1.0,
        ),
        Observation(
            id="o3",
            taxon="Anas platyrhynchos",
            place=Place(5.25, 52.5),
            date=datetime.date(2020, 6, 1),
            group="e2",
            licence="CC-BY-4.0",
            count=4.0,
        ),
    ]


def test_what_is_not_an_animal_is_counted_by_its_type(tmp_path):
    found = read_occurrences(package(tmp_path))
    assert found.taxa == ("Anas platyrhynchos", "Ardea cinerea")
    assert found.rows == 4
    assert found.dropped == {"not an animal: human": 1, "not an animal: blank": 1}
    assert not found.noted  # of photos, which records have no use for


def test_the_uncertainty_of_a_deployment_is_that_of_its_places(tmp_path):
    found = read_occurrences(package(tmp_path), max_uncertainty_km=1)
    assert found.taxa == ("Ardea cinerea",)
    assert found.dropped["place uncertain by more than 1 km"] == 1


def test_media_and_event_that_say_the_same_are_one_record(tmp_path):
    again = ("o5", "d1", "", *NIGHT, "event", "animal", "Ardea cinerea", "1")
    found = read_occurrences(package(tmp_path, observations=(*OBSERVATIONS, again)))
    assert found.repeats == {"Ardea cinerea": 1}


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        ("m2", "media outside the package"),
        ("m3", "media is not an image"),
        ("m4", "media outside the package"),
        ("gone", "media not listed"),
    ],
)
def test_a_photo_that_is_not_a_file_of_the_package_is_left_out_with_a_remark(tmp_path, media, reason):
    row = ("o1", "d1", media, *NIGHT, "media", "animal", "Ardea cinerea", "1")
    remark, bird = read_table(package(tmp_path, observations=(HEAD, row)))
    assert isinstance(remark, Remark) and isinstance(bird, Observation)
    assert remark.kept and remark.row == "o1" and remark.reason == f"{reason}: photo left out"
    assert bird.photo is None and bird.place == Place(4.75, 51.5)


def test_media_are_read_only_for_photos_that_are_asked_for(tmp_path, monkeypatch):
    read = []
    cells = TextTable.cells
    monkeypatch.setattr(TextTable, "cells", lambda table, names: read.append(table.file.name) or cells(table, names))
    path = package(tmp_path)
    read_occurrences(path)
    assert read == ["deployments.csv", "observations.csv"]
    list(read_table(path))
    assert read[2:] == ["deployments.csv", "media.csv", "observations.csv"]


def test_a_deployment_that_is_not_listed_leaves_no_place(tmp_path):
    row = ("o1", "gone", "", *NIGHT, "event", "animal", "Ardea cinerea", "1")
    remark, bird = read_table(package(tmp_path, observations=(HEAD, row)))
    assert remark.kept and remark.reason == "deployment not listed: place left out" and "'gone'" in remark.detail
    assert bird.place is None and bird.date == datetime.date(2020, 5, 30)


def test_a_malformed_row_of_any_table_is_a_remark_and_the_others_are_read(tmp_path):
    files = contents()
    for name in ("deployments", "media", "observations"):
        files[f"{name}.csv"] = files[f"{name}.csv"].replace(b"\r\n", b"\r\nshort\r\n", 1)
    rows = list(read_table(folder_of(tmp_path / "package", files)))
    remarks = [row for row in rows if isinstance(row, Remark) and row.reason == "wrong number of cells"]
    assert len(remarks) == 3 and not any(remark.kept for remark in remarks)
    assert [row.id for row in rows if isinstance(row, Observation)] == ["o1", "o3"]


def test_another_level_is_dropped_and_counted(tmp_path):
    row = ("o5", "d1", "", *NIGHT, "deployment", "animal", "Ardea cinerea", "1")
    found = read_occurrences(package(tmp_path, observations=(*OBSERVATIONS, row)))
    assert found.dropped["neither of a file nor of an event"] == 1


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"profile": PROFILE.replace("1.0.1", "0.1.6")}, r"0\.1\.6.*Camtrap DP 1 is read"),
        ({"resources": []}, "must list one file of deployments"),
        ({"resources": None}, "must list one file of deployments"),
        ({"resources": [{"name": "deployments", "path": ["a.csv", "b.csv"]}]}, "must list one file of deployments"),
        ({"resources": [{"name": "deployments", "path": "../d.csv"}]}, "outside the package"),
        ({"resources": [{"name": "deployments", "path": "https://example.org/d.csv"}]}, "outside the package"),
        ({"deployments": (("deploymentID", "latitude"), ("d1", "51"))}, "no column longitude.*requires"),
        ({"observations": (HEAD,)}, "no rows"),
    ],
)
def test_a_package_that_cannot_be_read_is_refused_with_what_to_do(tmp_path, facts, said):
    with pytest.raises(InputError, match=said):
        read_occurrences(package(tmp_path, **facts))


def test_a_table_that_is_absent_is_named(tmp_path):
    path = package(tmp_path)
    (path / "media.csv").unlink()
    with pytest.raises(InputError, match=r"media\.csv is absent"):
        read_occurrences(path)
    files = contents()
    del files["media.csv"]
    with pytest.raises(InputError, match=r"holds no file 'media\.csv'"):
        read_occurrences(zip_of(tmp_path / "package.zip", files))


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff"])
def test_a_damaged_description_is_refused(tmp_path, text):
    path = folder_of(tmp_path / "package", contents() | {"datapackage.json": text})
    with pytest.raises(InputError, match="does not describe a data package"):
        read_occurrences(path)


def test_a_folder_or_a_data_package_of_another_kind_is_not_taken_for_one(tmp_path):
    other = package(tmp_path, profile="tabular-data-package")
    for path in (other, other / "datapackage.json", tmp_path):
        with pytest.raises(InputError, match="unknown format"):
            read_occurrences(path)
    with pytest.raises(InputError, match="holds 3 tables"):
        read_occurrences(zip_of(tmp_path / "other.zip", contents(profile="tabular-data-package")))
