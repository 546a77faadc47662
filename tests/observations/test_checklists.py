"""Complete checklists: taxa that they do not list were looked for and not found."""

import datetime
from collections import Counter
from pathlib import Path

import pytest

from birdsat.errors import InputError
from birdsat.observations import checklists
from birdsat.observations.occurrences import Occurrences, read_occurrences
from birdsat.observations.readers.columns import TableColumns

HEAD = "SCIENTIFIC NAME\tLATITUDE\tLONGITUDE\tOBSERVATION DATE\tSAMPLING EVENT IDENTIFIER\tALL SPECIES REPORTED"
SAMPLING = "LATITUDE\tLONGITUDE\tOBSERVATION DATE\tSAMPLING EVENT IDENTIFIER\tALL SPECIES REPORTED"
ROWS = (
    "Parus major\t47\t1\t2020-05-01\tS1\t1",  # both were found
    "Pica pica\t47\t1\t2020-05-01\tS1\t1",
    "Parus major\t47\t2\t2020-05-02\tS2\t1",  # no magpie
    "Pica pica\t47\t3\t2020-05-03\tS3\t0",  # not complete
)


def ebd(path: Path, *rows: str, head: str = HEAD) -> Path:
    path.write_text("\n".join((head, *rows)) + "\n")
    return path


def told(found: Occurrences) -> list[tuple[str, float, str, bool]]:
    """Taxon, longitude, date and whether it was found."""
    surveys = found.surveys
    assert surveys is not None
    days = [str(datetime.date.fromordinal(day)) for day in surveys.day.tolist()]
    taxa = [surveys.taxa[label] for label in surveys.label.tolist()]
    return sorted(zip(taxa, surveys.lon_lat[:, 0].tolist(), days, surveys.present.tolist(), strict=True))


def test_a_complete_checklist_says_that_the_taxa_it_does_not_list_were_not_found(tmp_path: Path) -> None:
    path = ebd(tmp_path / "ebd.txt", *ROWS)
    found = read_occurrences(path, checklists=True)
    assert told(found) == [
        ("Parus major", 1, "2020-05-01", True),
        ("Parus major", 2, "2020-05-02", True),
        ("Pica pica", 1, "2020-05-01", True),
        ("Pica pica", 2, "2020-05-02", False),
    ]
    assert len(found) == 4  # all records are points, that of the incomplete checklist too
    assert ["places and days of complete checklists", "2"] in [list(row) for row in found.table().rows if row]
    assert read_occurrences(path, absences=True).surveys is None and read_occurrences(path).surveys is None


def test_what_another_list_of_the_same_place_and_day_found_was_there(tmp_path: Path) -> None:
    """Also where that list is not complete."""
    more = "Pica pica\t47\t2\t2020-05-02\tS9\t0"
    found = read_occurrences(ebd(tmp_path / "ebd.txt", *ROWS, more), checklists=True)
    assert len(found) == 5 and found.surveys is None  # nothing is left that was not found


@pytest.mark.parametrize("first", ["ebd", "sampling"])
def test_a_sampling_file_has_the_checklists_on_which_no_taxon_is(tmp_path: Path, first: str) -> None:
    sampling = ebd(
        tmp_path / "sampling.txt",
        "47\t2\t2020-05-02\tS2\t1",  # is in the other file as well
        "47\t4\t2020-05-04\tS4\t1",
        "47\t5\t2020-05-05\tS5\t0",
        "\t\t2020-05-06\tS6\t1",  # nobody knows where
        head=SAMPLING,
    )
    tables = [ebd(tmp_path / "ebd.txt", *ROWS), sampling]
    found = read_occurrences(tables if first == "ebd" else tables[::-1], checklists=True)
    assert [row for row in told(found) if not row[3]] == [
        ("Parus major", 4, "2020-05-04", False),
        ("Pica pica", 2, "2020-05-02", False),
        ("Pica pica", 4, "2020-05-04", False),
    ]
    assert found.rows == 4  # the sampling file has no records
    assert found.empty_visits[0].tolist() == [[4, 47]]  # somebody looked there


def test_checklists_of_one_table_say_nothing_of_the_taxa_of_another(tmp_path: Path) -> None:
    tables = [ebd(tmp_path / "major.txt", *ROWS[::2]), ebd(tmp_path / "pica.txt", *ROWS[1::2])]
    assert read_occurrences(tables, checklists=True).surveys is None
    both = [ebd(tmp_path / "other.txt", "Corvus corax\t47\t9\t2020-05-09\tS9\t1"), ebd(tmp_path / "ebd.txt", *ROWS)]
    assert [row for row in told(read_occurrences(both, checklists=True)) if not row[3]] == [
        ("Pica pica", 2, "2020-05-02", False)
    ]


def test_explicit_absences_are_read_beside_checklists(tmp_path: Path) -> None:
    path = ebd(
        tmp_path / "a.csv",
        "Pica pica\t47\t7\t2020-05-01\t0\t1",
        "Pica pica\t47\t8\t2020-05-01\t1\t1",
        head="species\tlat\tlon\tdate\tpresence\tfull",
    )
    found = read_occurrences(path, checklists=True, columns=TableColumns(complete="full"))
    assert [row[1::2] for row in told(found)] == [(7, False), (8, True)]


def test_tables_that_say_nothing_of_checklists_are_refused_by_the_column_that_is_missing(tmp_path: Path) -> None:
    path = ebd(tmp_path / "t.csv", "Pica pica,47,7", head="species,lat,lon")
    with pytest.raises(InputError, match="columns complete=COLUMN") as caught:
        read_occurrences(path, checklists=True)
    assert "checklists" in caught.value.settings


def test_of_very_many_checklists_some_stand_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{name}\t47\t{lon}\t2020-05-01\tS{lon}\t1" for lon in range(50) for name in ("A a", "B b")[: 1 + lon % 2]]
    monkeypatch.setattr(checklists, "_MOST_ABSENCES", 40)
    found = read_occurrences(ebd(tmp_path / "ebd.txt", *rows), checklists=True)
    kinds = Counter(present for *_, present in told(found))
    assert kinds[True] == 75 and 0 < kinds[False] <= 20  # of 25, B b being on the others
    assert told(found) == told(read_occurrences(tmp_path / "ebd.txt", checklists=True))


def test_ebirds_own_samples_are_filled_with_zeros_as_auk_does(shared_data: Path) -> None:
    folder = shared_data / "formats" / "ebird"
    found = read_occurrences([folder / "zerofill-ex_ebd.txt", folder / "zerofill-ex_sampling.txt"], checklists=True)
    surveys = found.surveys
    assert surveys is not None and len(found.taxa) == 3
    # Every taxon on every complete checklist; those of one place and day are one.
    complete, listed = set(), set()
    for name in ("zerofill-ex_sampling.txt", "zerofill-ex_ebd.txt"):
        head, *rows = (line.split("\t") for line in (folder / name).read_text().splitlines())
        at = {column: head.index(column) for column in head}
        for row in rows:
            visit = tuple(row[at[column]] for column in ("LATITUDE", "LONGITUDE", "OBSERVATION DATE"))
            if row[at["ALL SPECIES REPORTED"]] == "1":
                complete.add(visit)
            if "SCIENTIFIC NAME" in at:
                listed.add((row[at["SCIENTIFIC NAME"]], visit))
    assert surveys.checklists == len(complete)
    assert len(surveys) == 3 * len(complete)
    assert surveys.present.sum() == sum(visit in complete for _, visit in listed)
    sample = read_occurrences(folder / "ebd-sample.txt", checklists=True)
    assert sample.surveys is not None and set(sample.surveys.taxa) == set(sample.taxa)
    assert 0 < sample.surveys.present.sum() <= len(sample)
