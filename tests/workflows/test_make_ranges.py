"""`birdsat range`, and `birdsat map --also range`: files, tables, records, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from failed_commands import failed
from made_records import write_rows
from recorded import RecordedProgress
from season_maps import write_map
from tiny_world import TAXA

from birdsat.cli import main
from birdsat.errors import ConfigError, InputError
from birdsat.maps.map_file import MapFile
from birdsat.workflows.range_products import RangeResult, make_ranges
from birdsat.workflows.requests.products import RangeRequest

SUMMER, WINTER = (6, 7), (12, 1, 2)


@pytest.fixture
def migrant(tmp_path: Path) -> Path:
    return write_map(tmp_path / "Passerina_cyanea.tif", common_name="Indigo Bunting")


def made(tmp_path: Path, *maps: Path, **fields: object) -> RangeResult:
    return make_ranges(RangeRequest(maps=maps, out=tmp_path / "range.gpkg", **fields))  # type: ignore[arg-type]


def test_the_files_hold_a_row_for_each_taxon_and_season(migrant: Path, tmp_path: Path) -> None:
    other = write_map(tmp_path / "other.tif", taxon="Turdus o'connori <b>", months=(6,), calibrated=False)
    result = made(tmp_path, migrant, other)
    meta, _, geometry, columns = pyogrio.raw.read(tmp_path / "range.gpkg")
    assert (meta["crs"], meta["geometry_type"]) == ("EPSG:4326", "MultiPolygon") and len(geometry) == 4
    table = dict(zip(meta["fields"].tolist(), columns, strict=True))
    assert table["taxon"].tolist() == ["Passerina cyanea"] * 3 + ["Turdus o'connori <b>"]
    assert table["season"].tolist() == ["breeding", "non-breeding", "passage", "uncertain"]
    assert table["common_name"].tolist() == ["Indigo Bunting"] * 3 + [""]
    assert table["months"].tolist() == ["May-Aug", "Oct-Mar", "Apr, Sep", "Jun"]
    assert set(table["threshold"]) == {"max_sss"} and set(table["threshold_value"]) == {0.45}
    assert (table["area_low_km2"] < table["area_km2"]).all() and (table["area_high_km2"] >= table["area_km2"]).all()
    written = json.loads((tmp_path / "range_areas.json").read_text())
    assert written["taxa"] == json.loads(json.dumps(result.to_dict()["ranges"]))
    assert written["taxa"][0]["threshold"]["chosen_on"] == "50 held-out points"
    (said,) = written["taxa"][1]["cautions"]
    assert said.startswith("not calibrated") and table["cautions"].tolist()[3] == said
    assert result.files == (tmp_path / "range.gpkg", tmp_path / "range_areas.json")


def test_the_console_shows_ranges_with_their_interval_and_why_there_is_no_area_of_occupancy(
    migrant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["range", str(migrant), "--threshold", "p10", "--out", str(tmp_path / "a.gpkg")])
    said = capsys.readouterr()
    assert "non-breeding" in said.out and "Passerina cyanea from 0.4 on (p10)" in " ".join(said.out.split())
    assert "cells of 1 degree are larger than the 2 km" in " ".join(said.out.split())
    assert "the middle of its range moves from" in " ".join(said.err.split())


def test_records_give_their_extents_in_all_and_by_season(migrant: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = [
        ("Passerina cyanea", lon, lat, f"2020-{month:02d}-10")
        for month, north in ((6, 45), (1, 15))
        for lon, lat in zip(generator.uniform(2, 18, 40), generator.uniform(north - 3, north + 3, 40), strict=True)
    ]
    write_rows(tmp_path / "records.csv", [*rows, ("Passerina cyanea", 0, 0, "2020-06-10"), ("Parus major", 1, 1, "")])
    progress = RecordedProgress()
    request = RangeRequest(
        maps=[migrant], out=tmp_path / "range.gpkg", occurrences=[tmp_path / "records.csv"], trust_places=True
    )
    (one,) = make_ranges(request, progress).ranges
    everything, summer, winter = one.extents[:3]
    assert (everything.of, summer.of) == ("80 records", "40 records, breeding season")
    assert everything.eoo_km2 > summer.eoo_km2 + winter.eoo_km2 and summer.aoo_km2 == 160 == winter.aoo_km2
    assert any("1 rows of the tables dropped: place 0,0" in note for note in progress.notes)


def test_a_taxon_that_the_tables_do_not_record_is_noted_and_one_of_one_place_has_one_square(
    migrant: Path, tmp_path: Path
) -> None:
    write_rows(tmp_path / "other.csv", [("Parus major", 1, 1, "")])
    progress = RecordedProgress()
    fields = {"maps": [migrant], "out": tmp_path / "range.gpkg", "overwrite": True}
    (one,) = make_ranges(RangeRequest(**fields, occurrences=[tmp_path / "other.csv"]), progress).ranges
    assert [extent.of[:3] for extent in one.extents] == ["map"] * 2
    assert any("'Passerina cyanea' is not among" in note for note in progress.notes)
    write_rows(tmp_path / "one.csv", [("Passerina cyanea", 10, 45, "2020-06-10")])
    (one,) = make_ranges(RangeRequest(**fields, occurrences=[tmp_path / "one.csv"])).ranges
    assert (one.extents[0].of, one.extents[0].eoo_km2, one.extents[0].aoo_km2) == ("1 records", 4, 4)


def test_of_several_maps_one_that_fails_is_named_and_the_others_are_made(
    migrant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.tif").write_text("<html>")
    said = failed(capsys, "range", migrant, tmp_path / "page.tif", "--out", tmp_path / "range.gpkg")
    assert "no range of" in said and "page.tif" in said
    assert len(pyogrio.raw.read(tmp_path / "range.gpkg")[2]) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("absent.tif",), "absent.tif"),
        (("page.tif",), "page.tif"),
        (("other.gpkg",), "other.gpkg"),
        (
            ("a.tif", "--threshold", "p1"),
            "allowed: p10, max_sss, equal, prevalence, or a number above 0, up to 1. (--thr",
        ),
        (("a.tif", "--threshold", "0.99"), "the highest value is 0.8. Take a lower threshold. (--threshold)"),
        (("a.tif", "--breeding", "6"), "name the months of non_breeding as well"),
        (("a.tif", "--breeding", "6", "--non-breeding", "6"), "month 6 is of both seasons"),
        (("a.tif", "--breeding", "13", "--non-breeding", "1"), "(--breeding)"),
        (("a.tif", "--out", "a.shp"), "does not end in .gpkg"),
        (("a.tif", "--trust-places"), "can be used with tables of records only"),
        (("a.tif", "--from", "2015", "--crs", "EPSG:3857"), "(--from, --crs)"),
        (("a.tif", "--taxonomy", "avilist"), "can be used with tables of records only"),
        (("a.tif", "b.tif"), "two of the maps are of Passerina cyanea"),
    ],
)
def test_what_cannot_be_made_a_range_is_refused_in_one_line_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_map(tmp_path / "a.tif")
    write_map(tmp_path / "b.tif")
    (tmp_path / "page.tif").write_text("<html>")
    (tmp_path / "other.gpkg").write_text("x")
    before = sorted(tmp_path.iterdir())
    assert said in failed(capsys, "range", *given)
    assert sorted(tmp_path.iterdir()) == before


def test_files_that_are_there_are_kept_unless_they_may_be_overwritten(migrant: Path, tmp_path: Path) -> None:
    (tmp_path / "range_areas.json").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        made(tmp_path, migrant)
    assert not (tmp_path / "range.gpkg").exists()
    made(tmp_path, migrant, overwrite=True, threshold=0.5)
    assert json.loads((tmp_path / "range_areas.json").read_text())["taxa"][0]["threshold"]["name"] == "given"


def test_a_map_of_records_is_made_with_its_thresholds_and_its_range(
    ranges: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("map", TAXA[0], "--ranges", str(ranges), "--region", str(region), "--also", "range")
    main([*asked, "--out", str(tmp_path)])
    name = TAXA[0].replace(" ", "_")
    assert {file.name for file in tmp_path.iterdir()} == {
        f"{name}{ending}"
        for ending in (
            *(".tif", ".json", ".qml", ".png", ".gpkg", "_areas.json"),
            *("_effort.tif", "_effort.json", "_effort.qml"),
        )
    }
    main(["range", *map(str, sorted(tmp_path.glob("*.tif"))), "--out", str(tmp_path / "all.gpkg")])
    assert "no range of" not in capsys.readouterr().err  # the map of effort is passed over
    about = json.loads((tmp_path / f"{name}.json").read_text())
    assert set(about["thresholds"]) == {"p10", "max_sss", "equal", "prevalence"}
    assert "held-out points" in about["thresholds_of"] and about["rows"]["rows"] == 48
    assert [command.split()[1] for command in about["commands"]] == ["fit", "map"]
    assert f"birdsat map '{TAXA[0]}' --ranges" in about["commands"][1]
    with MapFile(tmp_path / f"{name}.tif") as opened:
        assert opened.description.making.thresholds == about["thresholds"]
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    main([*asked, "--out", str(tmp_path)])
    assert "mapped by this request already" in capsys.readouterr().err
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}


def test_a_range_of_photos_or_of_richness_is_refused_before_anything_is_made(
    run: Path, ranges: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = ("map", TAXA[0], "--run", run, "--region", region, "--also", "range", "--out", tmp_path / "maps")
    assert "have no value from which on a taxon is there" in failed(capsys, *photos)
    assert "Leave range out. (--also)" in failed(
        capsys, "richness", ranges, "--region", region, "--also", "range", "--out", tmp_path / "maps"
    )
    main([str(one) for one in (*photos[:6], "--out", tmp_path / "maps")])
    (scores,) = (tmp_path / "maps").glob("*.tif")
    with pytest.raises(InputError, match="a score, which ranks cells"):
        made(tmp_path, scores)
