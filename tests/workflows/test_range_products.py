"""The verbs of many taxa: richness, species at a place and survey gaps, and what they refuse."""

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from failed_commands import failed
from made_records import write_rows
from made_runs import GRID_BOX, make_run, noise, ready_chips
from tiny_world import BOX, CELLS, NORTH, SIDE, SOUTH, TAXA, small_fit
from torch import Tensor

from birdsat.cli import main
from birdsat.earth.place import Place
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import ConfigError
from birdsat.maps.species_list import SpeciesList
from birdsat.ranges import all_taxa
from birdsat.ranges.applicability import Applicability
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.load import load_ranges
from birdsat.workflows.gaps import find_gaps
from birdsat.workflows.requests.maps import GapsRequest, RichnessRequest, SpeciesRequest
from birdsat.workflows.richness import map_richness
from birdsat.workflows.species import species_at

INSIDE = "--place=-149,1"  # the cell in the south-west


@pytest.fixture
def words(ranges: Path, region: Path) -> tuple[str, ...]:
    return (str(ranges), "--region", str(region))


def suitabilities(ranges: Path, region: Path, months: tuple[int, ...]) -> np.ndarray:
    """(taxa, months, cells)."""
    model, opened = load_ranges(ranges), open_region(region)
    blocks = model.predict(iter_features(model, opened), model.facts.taxa, months)
    return np.concatenate([block.suitability for block in blocks], axis=2)


def test_richness_is_the_sum_of_the_suitabilities_in_every_cell_and_month(
    words: tuple[str, ...], ranges: Path, region: Path, tmp_path: Path
) -> None:
    main(["richness", *words, "--months", "1", "7", "--also", "csv", "--out", str(tmp_path)])
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        *(f"richness.{kind}" for kind in ("csv", "json", "png", "qml", "tif")),
        *(f"richness_effort.{kind}" for kind in ("json", "qml", "tif")),
    ]
    found = suitabilities(ranges, region, (1, 7)).astype(np.float64)
    with rasterio.open(tmp_path / "richness.tif") as tiff:
        assert tiff.descriptions == ("January", "July", "January std", "July std", "area of applicability")
        bands = tiff.read()
    np.testing.assert_allclose(bands[:2].reshape(2, -1), found.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(bands[2:4].reshape(2, -1), np.sqrt((found * (1 - found)).sum(axis=0)), rtol=1e-5)
    assert set(np.unique(bands[4])) <= {0.0, 1.0}
    about = json.loads((tmp_path / "richness.json").read_text())
    assert about["commands"][-1].startswith("birdsat richness") and about["rows"]["used"] > 0
    assert (about["quantity"], about["sources"]["taxa"]) == ("expected number of species", "3")
    assert "relative" in about["quantity_explanation"]


def test_groups_of_taxa_and_cells_do_not_change_the_richness(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = []
    for name in ("whole", "parts"):
        main(["richness", *words, "--out", str(tmp_path / name)])
        with rasterio.open(tmp_path / name / "richness.tif") as tiff:
            maps.append(tiff.read())
        monkeypatch.setattr(all_taxa, "_GROUP", 2)
        monkeypatch.setattr(all_taxa, "_NUMBERS", 20)  # five cells of two taxa and two members at once
    np.testing.assert_allclose(*maps, rtol=1e-5)


def test_what_is_held_at_once_grows_neither_with_the_taxa_nor_with_the_cells(
    ranges: Path, region: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_taxa, "_GROUP", 2)
    monkeypatch.setattr(all_taxa, "_NUMBERS", 60)
    model, months = load_ranges(ranges), (1, 7)
    held = [
        (len(some), [len(group) for group in groups])
        for some, groups in all_taxa.iter_taxa(model, open_region(region), model.facts.taxa, months)
    ]
    assert [cells for cells, _ in held] == [*[7] * 5, 1]  # x 2 months x 2 members x 2 taxa: at most 60
    assert all(groups == [2, 1] for _, groups in held)


def test_richness_of_some_taxa_within_a_polygon_holds_those_and_nothing_outside(
    words: tuple[str, ...], ranges: Path, region: Path, tmp_path: Path
) -> None:
    west, north = BOX.west, BOX.north
    corners = [[west, north - 4], [west + 4, north - 4], [west + 4, north], [west, north], [west, north - 4]]
    (tmp_path / "part.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [corners]}))
    part = ("--within", str(tmp_path / "part.geojson"), "--taxa", "Pica pica", "--months", "6")
    main(["richness", *words, *part, "--out", str(tmp_path / "maps")])
    with rasterio.open(tmp_path / "maps" / "richness.tif") as tiff:
        june = tiff.read(1)
    inside = np.zeros((SIDE, SIDE), dtype=bool)
    inside[:2, :2] = True
    np.testing.assert_array_equal(np.isfinite(june), inside)
    pica = suitabilities(ranges, region, (6,))[2, 0].reshape(SIDE, SIDE)
    np.testing.assert_allclose(june[inside], pica[inside], rtol=1e-5)


def test_the_species_of_a_place_and_month_are_those_of_its_cell_likeliest_first(
    words: tuple[str, ...], ranges: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--place=-149.5,11.9", "--month", "7", "--min-suitability", "0")
    main(["species", *words, *at, "--out", str(tmp_path)])
    with (tmp_path / "species.csv").open() as file:
        rows = [(row["taxon"], float(row["relative_suitability"])) for row in csv.DictReader(file)]
    here = suitabilities(ranges, region, (7,))[:, 0, 0]
    assert dict(rows) == pytest.approx(dict(zip(TAXA, here, strict=True)), abs=1e-4)
    assert [p for _, p in rows] == sorted((p for _, p in rows), reverse=True)
    listed = json.loads((tmp_path / "species.json").read_text())
    assert listed["month"] == 7 and listed["expected_species"] == pytest.approx(here.sum(), rel=1e-5)
    assert "in July" in capsys.readouterr().out
    assert all(one["low"] <= one["relative_suitability"] <= one["high"] for one in listed["taxa"])


def test_what_a_model_falls_short_in_is_said_of_its_lists_and_gaps(
    ranges: Path, region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ranges, tmp_path / "short")
    facts = json.loads((tmp_path / "short" / "ranges.json").read_text())
    none = {**facts["taxon_evaluation"][2], "points": 0}  # of the last taxon, nothing was held out
    facts |= {"effort": "", "looked_taxa": 1, "taxon_evaluation": [*facts["taxon_evaluation"][:2], none]}
    (tmp_path / "short" / "ranges.json").write_text(json.dumps(facts))
    asked = (str(tmp_path / "short"), "--region", str(region))
    main(["species", *asked, "--place=-149.5,11.9", "--month", "7", "--min-suitability", "0", "--out", str(tmp_path)])
    said = " ".join(capsys.readouterr().err.split())
    cautions = json.loads((tmp_path / "species.json").read_text())["cautions"]
    assert f"{TAXA[2]}: calibrated with other taxa and not evaluated, for too few records" in cautions
    assert "observer bias not corrected: no records of other taxa say where else was looked" in cautions
    assert all(said.count(one) == 1 for one in cautions)
    main(["gaps", *asked, "--occurrences", str(records), "--out", str(tmp_path / "gaps.csv")])
    assert f"{TAXA[2]}: calibrated with other taxa and not evaluated" in " ".join(capsys.readouterr().err.split())


def test_without_a_month_the_species_of_a_place_are_a_calendar(
    words: tuple[str, ...], ranges: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["species", *words, "--place=-139,1", "--min-suitability", "0", "--out", str(tmp_path)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["calendar.csv", "calendar.json", "calendar.png"]
    taxa = json.loads((tmp_path / "calendar.json").read_text())["taxa"]
    here = suitabilities(ranges, region, tuple(range(1, 13)))[:, :, CELLS - 1]
    for row in taxa:
        np.testing.assert_allclose(row["relative_suitability"], here[TAXA.index(row["taxon"])], rtol=1e-5)
    assert len(taxa) == 3 and "suitability by month, per cent" in capsys.readouterr().out


def test_a_calendar_without_taxa_has_no_picture_and_says_so(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["species", *words, "--place=-139,1", "--min-suitability", "1", "--out", str(tmp_path)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["calendar.csv", "calendar.json"]
    assert "no taxon is as likely as 1" in capsys.readouterr().err


def test_places_without_an_answer_are_refused(
    run: Path, words: tuple[str, ...], ranges: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "40°N 50°E is outside" in failed(capsys, "species", *words, "--place=50,40")
    assert "not two numbers LON,LAT" in failed(capsys, "species", *words, "--place=here")
    assert "latitude 100.0 is outside" in failed(capsys, "species", *words, "--place=10,100")
    assert "min_suitability is 2" in failed(capsys, "species", *words, INSIDE, "--min-suitability", "2")
    assert "month is 13" in failed(capsys, "species", *words, INSIDE, "--month", "13")
    chips = ready_chips(tmp_path / "chips.parquet", [noise(i, 16) for i in range(3)])  # of four cells
    partly = str(tmp_path / "partly")
    main(["embed", str(run), partly, "--grid", "2", GRID_BOX, "--imagery", str(chips)])
    given = ("species", str(ranges), "--region", partly)
    assert "was not embedded" in failed(capsys, *given, "--place=13.5,40.5")
    main([*given, "--place=10.5,43.5"])


def test_gaps_are_the_unrecorded_cells_and_months_where_a_taxon_is_expected(
    words: tuple[str, ...],
    ranges: Path,
    region: Path,
    records: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "new" / "gaps.csv"
    at = ("--occurrences", str(records), "--months", "1", "6", "--threshold", "0.3", "--out", str(out))
    main(["gaps", *words, *at])
    with out.open() as file:
        found = {
            (row["taxon"], float(row["lon"]), float(row["lat"]), int(row["month"])): float(row["records_of_all_taxa"])
            for row in csv.DictReader(file)
        }
    model, opened = load_ranges(ranges), open_region(region)
    expected = {}
    for block in model.predict(iter_features(model, opened), TAXA, (1, 6)):
        for label, at_month, at_cell in np.argwhere(block.suitability >= 0.3):
            lon, lat = opened.grid.centres(block.cells[at_cell : at_cell + 1])[0].tolist()
            month = (1, 6)[at_month]
            where_recorded = {0: (NORTH,), 1: (NORTH, SOUTH), 2: (SOUTH,)}[int(label)]
            if block.inside[label, at_cell] and not (month == 1 and lat in where_recorded):
                looked = 2.0 if month == 1 and lat in (NORTH, SOUTH) else 0.0  # two taxa in each cell of the two rows
                expected[TAXA[label], lon, lat, month] = looked
    assert expected and found == expected
    assert "expected but unrecorded" in capsys.readouterr().out


def test_a_threshold_by_name_is_that_of_each_taxon(
    words: tuple[str, ...], ranges: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load_ranges(ranges)
    asked = GapsRequest(ranges=ranges, occurrences=records, threshold="maxSSS", out=tmp_path / "gaps.csv")
    found = find_gaps(asked).report
    own = [model.thresholds(taxon) for taxon in model.facts.taxa]
    assert found.threshold == "max_sss" and found.thresholds == pytest.approx(
        [one.max_sss for one in own if one is not None]
    )
    with pytest.raises(ConfigError, match="nearest: 'p10'"):
        find_gaps(replace(asked, threshold="p1", overwrite=True))
    facts = json.loads((ranges / "ranges.json").read_text())
    shutil.copytree(ranges, tmp_path / "none")
    (tmp_path / "none" / "ranges.json").write_text(json.dumps(facts | {"thresholds": []}))
    words = (str(tmp_path / "none"), *words[1:])
    given = ("gaps", *words, "--occurrences", str(records), "--threshold", "p10", "--out", str(tmp_path / "b.csv"))
    assert "nothing was held out to choose a threshold on" in failed(capsys, *given)
    main([*given[:-3], "prevalence", *given[-2:]])  # .5 whatever was held out


def test_cells_outside_the_area_of_applicability_are_not_gaps(
    words: tuple[str, ...], records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere_but_for(area: Applicability, inputs: Tensor, _: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        return np.array([[row == TAXA.index("Pica pica")] * len(inputs) for row in rows])

    monkeypatch.setattr(Applicability, "inside", nowhere_but_for)
    out = tmp_path / "gaps.csv"
    main(["gaps", *words, "--occurrences", str(records), "--threshold", "0.01", "--out", str(out)])
    with out.open() as file:
        assert {row["taxon"] for row in csv.DictReader(file)} == {"Pica pica"}


def test_taxa_that_the_tables_never_record_are_told(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("Pica pica", -149.0, 1.0, "2020-01-01"), ("Pica pica", 80.0, 40.5, "2020-01-01")]
    table = str(write_rows(tmp_path / "few.csv", rows))
    main(["gaps", *words, "--occurrences", table, "--max-gaps", "1", "--out", str(tmp_path / "gaps.csv")])
    told = capsys.readouterr().err
    assert "1 of 2 records lie outside" in told and "2 of 3 taxa are never recorded" in told
    assert len((tmp_path / "gaps.csv").read_text().splitlines()) <= 2


def test_bad_input_of_richness_and_gaps_is_refused_before_anything_is_written(
    words: tuple[str, ...], region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", str(tmp_path / "maps"))
    assert "Corvus corxa" in failed(capsys, "richness", *words, *out, "--taxa", "Corvus corxa")
    assert "named twice" in failed(capsys, "richness", *words, *out, "--taxa", "Pica pica", "Pica pica")
    assert "two months" in failed(capsys, "richness", *words, *out, "--also", "gif")
    none = (str(tmp_path), "--region", str(region))
    assert "is not a range model" in failed(capsys, "richness", *none, *out)
    elsewhere = str(write_rows(tmp_path / "far.csv", [("Pica pica", 80.0, 40.5, "2020-01-01")]))
    gaps = ("gaps", *words, "--out", str(tmp_path / "gaps.csv"))
    assert "none of the 1 records lies in" in failed(capsys, *gaps, "--occurrences", elsewhere)
    assert "threshold is 0" in failed(capsys, *gaps, "--occurrences", str(records), "--threshold", "0")
    named = ("gaps", *words, "--out", str(tmp_path / "gaps.xlsx"), "--occurrences", str(records))
    assert "does not end in .csv" in failed(capsys, *named)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["far.csv"]


def test_a_range_model_of_another_run_is_refused(
    ranges: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, cells = str(make_run(tmp_path / "other", seed=1)), str(tmp_path / "region")
    main(["embed", other, cells, "--grid", "2", GRID_BOX, "--imagery", "virtual:0"])
    given = (str(ranges), "--region", cells)
    assert "fitted on chip features of the run 'mine'" in failed(capsys, "species", *given, "--place=11,41")


def test_files_that_are_there_are_kept_unless_they_may_be_overwritten(
    words: tuple[str, ...], records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "gaps.csv")
    for given in (
        ("species", *words, INSIDE, "--month", "1", "--out", str(tmp_path)),
        ("richness", *words, "--out", str(tmp_path)),
        ("gaps", *words, "--occurrences", str(records), "--out", out),
    ):
        main(list(given))
        other = ("--months", "2") if given[0] == "richness" else ()  # the same map again is done
        assert "exists already" in failed(capsys, *given, *other)
        main([*given, "--overwrite"])


def test_a_range_model_remembers_its_region_also_when_both_are_moved(
    region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(region, tmp_path / "here" / "cells")
    small_fit(tables=str(records), region=str(tmp_path / "here" / "cells"), out=str(tmp_path / "here" / "fitted"))
    (tmp_path / "here").rename(tmp_path / "there")
    fitted = tmp_path / "there" / "fitted"
    given = ("species", str(fitted), INSIDE, "--month", "1")
    main(list(given))
    remembered = capsys.readouterr().out
    main([*given, "--region", str(region)])
    assert remembered == capsys.readouterr().out
    (tmp_path / "there" / "cells").rename(tmp_path / "elsewhere")
    said = failed(capsys, *given)
    assert "was fitted on" in said and "now gone" in said and "birdsat embed RUN OUT --grid" in said
    assert "(--region)" in said
    main([*given, "--region", str(tmp_path / "elsewhere")])


def test_a_range_model_of_before_regions_were_remembered_opens_and_asks_for_one(
    ranges: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ranges, tmp_path / "old")
    facts = json.loads((tmp_path / "old" / "ranges.json").read_text())
    assert facts.pop("region")
    (tmp_path / "old" / "ranges.json").write_text(json.dumps(facts))
    given = ("species", str(tmp_path / "old"), INSIDE, "--month", "1")
    assert "does not say which cells it was fitted on" in failed(capsys, *given)
    main([*given, "--region", str(region)])


def test_python_has_the_reports_and_the_files_of_each_verb(
    ranges: Path, region: Path, records: Path, tmp_path: Path
) -> None:
    listed = species_at(SpeciesRequest(ranges=str(ranges), place=(-139, 1), month=7, min_suitability=0))
    assert isinstance(listed.report, SpeciesList) and listed.files == ()
    assert listed.report.place == Place(-139, 1)
    assert sorted(taxon["taxon"] for taxon in listed.to_dict()["taxa"]) == sorted(TAXA)
    found = find_gaps(GapsRequest(ranges=ranges, occurrences=records, months=1, max_gaps=2, out=tmp_path / "gaps.csv"))
    assert set(found.report.month.tolist()) <= {1} and len(found.report.label) <= 2
    assert found.to_dict()["files"] == [str(tmp_path / "gaps.csv")]
    made = map_richness(RichnessRequest(ranges=ranges, region=region, taxa="Pica pica", out=str(tmp_path)))
    assert made.to_dict() == {
        "taxa": ["Pica pica"],
        "files": [str(tmp_path / f"richness{end}") for end in (".tif", ".png", "_effort.tif")],
    }
