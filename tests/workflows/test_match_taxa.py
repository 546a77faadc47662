"""`birdsat taxa match`: the names of a list, or of a table, in another list."""

import csv
import json
from pathlib import Path

import pytest

import birdsat
from birdsat.cli.main import main
from birdsat.errors import ConfigError, InputError

OLD = """SCI_NAME,SPECIES_CODE,CATEGORY,PRIMARY_COM_NAME,FAMILY
Larus argentatus,hergul,species,Herring Gull,Laridae
Accipiter cooperii,coohaw,species,Cooper's Hawk,Accipitridae
Acanthis hornemanni,hoared,species,Hoary Redpoll,Fringillidae
Corvus corax,comrav,species,Common Raven,Corvidae
"""
NEW = """SCI_NAME,SPECIES_CODE,CATEGORY,PRIMARY_COM_NAME,FAMILY
Larus argentatus,euhgul1,species,European Herring Gull,Laridae
Larus smithsonianus,amhgul1,species,American Herring Gull,Laridae
Astur cooperii,coohaw,species,Cooper's Hawk,Accipitridae
Acanthis flammea,redpol1,species,Redpoll,Fringillidae
Corvus corax,comrav,species,Common Raven,Corvidae
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def lists(folder: Path) -> tuple[Path, Path]:
    return written(folder / "ebird_v2021.csv", OLD), written(folder / "ebird_v2024.csv", NEW)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_name_of_a_list_is_in_the_file_with_what_it_means_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = lists(tmp_path)
    out = tmp_path / "deeper" / "matched.csv"
    main(["taxa", "match", str(old), "--to", str(new), "--out", str(out)])
    rows = {row["old_name"]: row for row in rows_of(out)}
    assert {name: (row["kind"], row["new_name"]) for name, row in rows.items()} == {
        "Larus argentatus": ("split", ""),
        "Accipiter cooperii": ("genus", "Astur cooperii"),
        "Acanthis hornemanni": ("lump", "Acanthis flammea"),  # by AviList, which ships with birdsat
        "Corvus corax": ("same", "Corvus corax"),
    }
    assert rows["Larus argentatus"]["candidates"] == "Larus argentatus;Larus smithsonianus"
    assert rows["Accipiter cooperii"]["evidence"] == "id ebird:coohaw"
    assert rows["Acanthis hornemanni"]["evidence"] == "subspecies in AviList 2025"
    stamps = {
        (row["old_authority"], row["old_version"], row["new_authority"], row["new_version"]) for row in rows_of(out)
    }
    assert stamps == {("ebird", "2021", "ebird", "2024")}
    facts = json.loads(out.with_suffix(".json").read_text("utf-8"))
    assert facts["counts"] == {"species": {"same": 1, "genus": 1, "lump": 1, "split": 1}}
    assert facts["splits"] == {"resolved": 0, "unresolved": 1}
    assert facts["unresolved"] == {"Larus argentatus": ["Larus argentatus", "Larus smithsonianus"]}
    shown = capsys.readouterr().out
    assert "ebird 2021 in ebird 2024" in shown and str(out) in shown


def test_the_records_of_a_split_species_go_where_its_parts_were_recorded(tmp_path: Path) -> None:
    old, new = lists(tmp_path)
    table = written(
        tmp_path / "records.csv",
        "species,lon,lat\n"
        + "Larus argentatus,-73.9,40.7\n" * 5
        + "Larus argentatus,5.1,52.1\n" * 3
        + "Larus argentatus,-30.0,50.0\n" * 2  # at sea, as far from one as from the other
        + "Larus argentatus smithsonianus,-74.2,40.5\nCorvus corax,5,52\n",
    )
    reference = written(tmp_path / "reference.csv", "species,lon,lat\nLarus argentatus argentatus,4.9,52.4\n")
    result = birdsat.match_taxa(
        old=str(table), to=str(new), follows=str(old), records=[reference], out=tmp_path / "matched.csv"
    )
    found = [(one.name, one.match.new and one.match.new.name, one.rows, one.match.evidence) for one in result.names]
    assert found[0] == ("Larus argentatus", "Larus argentatus", 3, "place")
    assert found[1] == ("Larus argentatus", "Larus smithsonianus", 5, "place")
    assert found[2][:3] == ("Larus argentatus", None, 2)
    assert found[3][:3] == ("Larus argentatus smithsonianus", "Larus smithsonianus", 1)
    assert sum(one.rows for one in result.names) == 12
    assert result.to_dict()["splits"] == {"resolved": 3, "unresolved": 1}
    assert result.to_dict()["old"] == {"authority": "ebird", "version": "2021"}


def test_the_records_of_a_split_species_go_by_the_ranges_of_its_parts(tmp_path: Path) -> None:
    old, new = lists(tmp_path)
    table = written(
        tmp_path / "records.csv", "species,lon,lat\n" + "Larus argentatus,-74,40\nLarus argentatus,5,52\n" * 2
    )
    ranges = tmp_path / "ranges"
    ranges.mkdir()
    for name, west in (("Larus_argentatus", -20), ("Larus_smithsonianus", -130)):
        box = [[west, 20], [west + 80, 20], [west + 80, 70], [west, 70], [west, 20]]
        written(ranges / f"{name}.geojson", json.dumps({"type": "Polygon", "coordinates": [box]}))
    given = {"old": str(table), "to": str(new), "follows": str(old), "out": tmp_path / "matched.csv"}
    found = birdsat.match_taxa(**given, range_folder=ranges).names
    assert [(one.match.new and one.match.new.name, one.rows) for one in found] == [
        ("Larus argentatus", 2),
        ("Larus smithsonianus", 2),
    ]
    (ranges / "Larus_smithsonianus.geojson").unlink()  # where the range of a part is not known, ranges tell nothing
    (one,) = birdsat.match_taxa(**given, range_folder=ranges, overwrite=True).names
    assert one.match.new is None and one.rows == 4
    with pytest.raises(InputError, match="not a folder of ranges"):
        birdsat.match_taxa(**given, range_folder=tmp_path / "absent", overwrite=True)


def test_a_table_may_hold_ids_and_common_names_and_names_of_both_lists(tmp_path: Path) -> None:
    _, new = lists(tmp_path)
    table = written(
        tmp_path / "names.csv",
        "scientific_name,species_code,common_name\n"
        "Astur cooperii,,\n,coohaw,\n,,Common raven\nLarus sp.,,gull\nNobody knows,,\n",
    )
    result = birdsat.match_taxa(old=str(table), to=str(new), through=(), out=tmp_path / "matched.csv")
    found = [(one.match.new and one.match.new.name, one.match.kind) for one in result.names]
    assert found == [
        ("Astur cooperii", "same"),
        ("Astur cooperii", "same"),
        ("Corvus corax", "same"),
        (None, "not one species"),
        (None, "unknown"),
    ]


def test_a_mapping_given_is_believed(tmp_path: Path) -> None:
    old, new = lists(tmp_path)
    mapping = written(tmp_path / "mapping.csv", "old_name,new_name\nLarus argentatus,Larus smithsonianus\n")
    result = birdsat.match_taxa(old=str(old), to=str(new), mapping=mapping, out=tmp_path / "matched.csv")
    match = next(one.match for one in result.names if one.name == "Larus argentatus")
    assert match.new is not None and (match.new.name, match.evidence) == ("Larus smithsonianus", "mapping given")


def test_what_cannot_be_matched_is_refused_with_what_to_do(tmp_path: Path) -> None:
    old, new = lists(tmp_path)
    out = tmp_path / "matched.csv"
    table = written(tmp_path / "names.csv", "species\nCorvus corax\n")
    with pytest.raises(ConfigError, match=r"does not end in \.csv"):
        birdsat.match_taxa(old=str(old), to=str(new), out=tmp_path / "matched.txt")
    with pytest.raises(ConfigError, match="can be used with a table"):
        birdsat.match_taxa(old=str(old), to=str(new), follows=str(old), out=out)
    with pytest.raises(ConfigError, match="has no places"):
        birdsat.match_taxa(old=str(table), to=str(new), records=[table], out=out)
    with pytest.raises(InputError, match="is absent"):
        birdsat.match_taxa(old=str(tmp_path / "absent.csv"), to=str(new), out=out)
    with pytest.raises(InputError, match="is not known") as raised:
        birdsat.match_taxa(old=str(old), to="clements", out=out)
    assert raised.value.settings == ("to",)
    with pytest.raises(InputError, match="not a mapping of names"):
        birdsat.match_taxa(old=str(old), to=str(new), mapping=table, out=out)
    with pytest.raises(InputError, match="no column of names"):
        birdsat.match_taxa(old=str(written(tmp_path / "p.csv", "lon,lat\n1,2\n")), to=str(new), out=out)
    assert not out.exists()
    birdsat.match_taxa(old=str(old), to=str(new), out=out)
    with pytest.raises(ConfigError, match="exists already"):
        birdsat.match_taxa(old=str(old), to=str(new), out=out)


@pytest.mark.parametrize("words", ["taxn=name", "taxon=", "date=name", "name"])
def test_a_column_that_is_not_asked_for_by_its_name_is_refused(words: str, tmp_path: Path) -> None:
    table = written(tmp_path / "birds.csv", "name,lon,lat\nCorvus corax,8,47\n")
    with pytest.raises(InputError, match=r"cannot be used; write NAME=COLUMN, NAME one of taxon, lon, lat") as refused:
        birdsat.match_taxa(old=table, to=lists(tmp_path)[1], columns=[words], out=tmp_path / "out.csv")
    assert refused.value.settings == ("columns",)
