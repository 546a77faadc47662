"""`birdsat report`: one file that says all that is known of a map, and what is not."""

import base64
import html
import json
import re
from pathlib import Path

import pytest
from recorded import RecordedProgress
from season_maps import THRESHOLDS, write_map
from tiny_world import TAXA

from birdsat.cli import main
from birdsat.errors import ConfigError, InputError
from birdsat.maps.description import RICHNESS, SCORE
from birdsat.maps.making import NOT_EVALUATED, Making
from birdsat.workflows.effort_map import EFFORT
from birdsat.workflows.map_report import report_map
from birdsat.workflows.range_products import make_ranges
from birdsat.workflows.report_parts import plain_words
from birdsat.workflows.requests.products import RangeRequest, ReportRequest

MAKING = Making(
    thresholds=THRESHOLDS,
    thresholds_of="50 held-out points of the taxon",
    rows={
        "rows": 9876,
        "repeats": 3,
        "records": 5432,
        "used": 321,
        "dropped": {"place 0,0": 77},
        "noted": {"date <odd>": 5},
    },
    settings={"way": "occurrences", "members": 5, "block_km": 500.0, "noise": [0.1, 1.2], "learning_rate": 0.002},
    versions={"birdsat": "0.1.0"},
    commands=("birdsat map 'Passerina cyanea' --occurrences gbif.zip",),
)
SOURCES = {
    "imagery": "mosaic.tif",
    "records": "gbif.zip",
    "records of the taxon": "321",
    "way": "occurrences",
    "observer bias": "not corrected",
}
ODMAP = ("Overview", "Data", "Model", "Assessment", "Prediction", "Limits", "What to cite, and licences")


PNG = (Path(__file__).parents[2] / "docs" / "compare.png").read_bytes()


def full_map(path: Path, **changes: object) -> Path:
    """A map of which all is known, with a picture beside it; without standard deviations, which take long to draw."""
    path.with_suffix(".png").write_bytes(PNG)
    fields = {
        "std": False,
        "making": MAKING,
        "sources": SOURCES,
        "evaluation": {"held_out_auc": 0.876, "held_out_boyce": float("nan"), "held_out_taxa": 1.0, "own_figure": 2.5},
    }
    return write_map(path, **(fields | changes))  # type: ignore[arg-type]


def report_of(path: Path, **fields: object) -> str:
    return report_map(ReportRequest(map=path, overwrite=True, **fields)).file.read_text()  # type: ignore[arg-type]


def words(page: str) -> str:
    """What a reader sees."""
    shown = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def test_the_report_says_what_is_known_in_the_order_of_odmap(tmp_path: Path) -> None:
    path = full_map(tmp_path / "a.tif", common_name="Indigo Bunting", std=True)
    make_ranges(RangeRequest(maps=[path], out=tmp_path / "range.gpkg"))
    page = report_of(path)
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[: len(ODMAP)] == list(ODMAP)
    said = words(page)
    for fact in (
        "Indigo Bunting ( Passerina cyanea )",
        "9,876",
        "dropped: place 0,0 77",
        "5,432",
        "used, but: date <odd> 5",
        "Observer bias was not corrected",
        "mosaic.tif",
        "0.1 to 1.2",
        "learning_rate 0.002",
        "0.876",
        "own figure 2.500",
        "held out taxa taxa that the figures are a mean of 1 ",
        "held out boyce continuous Boyce index: do records come more often, the higher the value; 0 by chance, "
        "1 best –",
        "max_sss sensitivity and specificity",
        "Chosen on 50 held-out points of the taxon.",
        "breeding May-Aug",
        "No area of occupancy: cells of 1 degree are larger",
        "Zurell and others (2020)",
        "IUCN Standards and Petitions Committee (2022)",
        "birdsat map 'Passerina cyanea' --occurrences gbif.zip birdsat range",
        "with birdsat 0.1.0.",
    ):
        assert fact in said, fact
    assert page.count("<img ") == 3


def test_a_report_does_not_give_the_figures_of_other_taxa_for_those_of_its_own(tmp_path: Path) -> None:
    others = {"held_out_auc": 0.876, "held_out_taxa": 4.0}
    fields = {"calibrated": True, "not_held_out": "too few of its records could be held out"}
    said = words(report_of(full_map(tmp_path / "a.tif", evaluation=others, **fields)))
    assert said.count("This taxon was not evaluated: too few of its records could be held out.") == 2
    assert "AUC on blocks held out" not in said and "0.88" not in said and "Calibrated with other taxa" not in said
    own = others | {"taxon_held_out_auc": 0.654, "taxon_held_out_points": 9.0, "taxon_held_out_auc_low": 0.48}
    said = words(report_of(full_map(tmp_path / "b.tif", evaluation=own, calibrated=True)))
    assert "0.65 AUC on blocks held out 0.5 by chance" in said and "not evaluated" not in said
    assert "On blocks held out, records could not be told from other places (AUC 0.65, by chance 0.5)." in said


def test_the_report_needs_no_other_file_and_no_network(tmp_path: Path) -> None:
    page = report_of(full_map(tmp_path / "a.tif"))
    assert not re.search(r"<(script|link|iframe|object|embed|a) ", page)
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert addresses and all(address.startswith("data:image/png;base64,") for address in addresses)
    assert "@import" not in page and "url(" not in page


def test_names_from_tables_are_text_and_not_html(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script> & $style"
    making = Making(rows={"rows": 1, "dropped": {evil: 2}}, settings={evil: evil}, versions={evil: evil})
    page = report_of(
        full_map(tmp_path / "a.tif", taxon=evil, common_name=evil, making=making, sources={**SOURCES, "records": evil})
    )
    assert "<script" not in page
    assert words(page).count("<script>alert('x')</script> & $style") >= 6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"making": Making()}, "What became of their rows is not known"),
        ({"making": Making(), "sources": {}, "quantity": SCORE}, "A score ranks cells of one taxon"),
        ({"making": Making(thresholds_of=NOT_EVALUATED), "evaluation": {}}, f"None: {NOT_EVALUATED}."),
        ({"evaluation": {}}, "neither calibrated nor evaluated"),
        ({"evaluation": {}, "calibrated": True, "not_held_out": "few"}, "The map is not evaluated: few."),
        (
            {"evaluation": {"taxon_held_out_auc_even": 0.5}},
            "this taxon alone: the AUC against background even by area",
        ),
        ({"std": False}, "the map has neither intervals nor standard deviations"),
        ({"applicability": False}, "the map does not say where its model may be asked"),
        ({"months": (6,)}, "lives in June"),
        ({"months": ()}, "the whole year at once"),
        ({"title": "Species expected, of 7", "is_taxon": False}, "subject Species expected, of 7"),
    ],
)
def test_what_is_not_known_is_said_to_be_so(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    assert said in words(report_of(full_map(tmp_path / "a.tif", **changes)))


@pytest.mark.parametrize(
    ("sources", "said", "not_said"),
    [
        ({}, "What satellite chips around it show, from mosaic.tif, and where it lies. ", "rasters"),
        ({"inputs": "place"}, "Where it lies. ", "satellite chips"),
        (
            {"inputs": "chip, rain (a.tif), t (b, c.tif)"},
            "and what rasters or tables say there: rain (a.tif), t (b, c.tif).",
            "it lies.",
        ),
        ({"classifier": "sklearn.svm.SVC(C=2)"}, "Classifiers of each taxon, sklearn.svm.SVC(C=2), side", "Networks"),
    ],
)
def test_what_was_learned_from_and_by_what_is_said_as_it_was(
    tmp_path: Path, sources: dict[str, str], said: str, not_said: str
) -> None:
    page = words(report_of(full_map(tmp_path / "a.tif", sources={**SOURCES, **sources})))
    assert said in page and not_said not in page


def test_ranges_of_another_map_are_left_out_or_refused_where_they_are_named(tmp_path: Path) -> None:
    path, other = full_map(tmp_path / "a.tif"), full_map(tmp_path / "b.tif", taxon="Pica pica")
    make_ranges(RangeRequest(maps=[other], out=tmp_path / "range.gpkg"))
    progress = RecordedProgress()
    report_map(ReportRequest(map=path, overwrite=True), progress)
    assert any("holds no range of Passerina cyanea" in note for note in progress.notes)
    with pytest.raises(InputError, match="make it of this map with `birdsat range`"):
        report_of(path, ranges=tmp_path / "range.gpkg")
    assert "breeding May-Aug" in words(report_of(other))
    (tmp_path / "range_areas.json").write_text("[]")
    with pytest.raises(InputError, match="is not a JSON of ranges"):
        report_of(other, ranges=tmp_path / "range.gpkg")
    assert "breeding May-Aug" not in words(report_of(other))  # it only happens to lie there
    with pytest.raises(InputError, match="is not a JSON of ranges"):
        report_of(other, ranges=tmp_path / "absent.gpkg")


@pytest.mark.parametrize(
    "change",
    [
        {"ranges": [{"season": "spring", "months": [5], "area_km2": 1, "area_low_km2": 1, "area_high_km2": 1}]},
        {"ranges": [{"season": "passage", "months": [13], "area_km2": 1, "area_low_km2": 1, "area_high_km2": 1}]},
        {"ranges": [{"season": "passage", "months": [5], "area_km2": "1", "area_low_km2": 1, "area_high_km2": 1}]},
        {"ranges": {"a": 1}},
        {"extents": [{"of": "map"}]},
        {"threshold": {"name": "p10", "value": "high"}},
        {"seasons": []},
    ],
)
def test_areas_that_somebody_changed_are_refused_in_one_sentence(tmp_path: Path, change: dict[str, object]) -> None:
    path = full_map(tmp_path / "a.tif")
    make_ranges(RangeRequest(maps=[path], out=tmp_path / "range.gpkg"))
    written = json.loads((tmp_path / "range_areas.json").read_text())
    written["taxa"][0] |= change
    (tmp_path / "range_areas.json").write_text(json.dumps(written))
    with pytest.raises(InputError, match="is not a JSON of ranges"):
        report_of(path, ranges=tmp_path / "range.gpkg")


def test_the_picture_beside_the_map_is_taken_and_one_that_is_none_is_drawn_anew(tmp_path: Path) -> None:
    path = full_map(tmp_path / "a.tif", months=(6,))
    address = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert address in report_of(path)
    (tmp_path / "a.png").write_text("<html>")
    anew = report_of(path)
    (tmp_path / "a.png").unlink()
    assert address not in anew and report_of(path) == anew and "<img " in anew


def test_a_report_is_not_replaced_without_leave_and_other_files_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = full_map(tmp_path / "a.tif")
    (tmp_path / "a.html").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        report_map(ReportRequest(map=path))
    with pytest.raises(ConfigError, match=r"does not end in \.html"):
        ReportRequest(map=path, out=tmp_path / "a.pdf")
    for name, content in (("page.tif", "<html>"), ("a.json", "{}")):
        (tmp_path / name).write_text(content)
        with pytest.raises(SystemExit):
            main(["report", str(tmp_path / name), "--out", str(tmp_path / "other.html")])
        assert name in capsys.readouterr().err
    assert not (tmp_path / "other.html").exists() and (tmp_path / "a.html").read_text() == "mine"


def test_a_map_of_the_verb_has_a_report_with_its_rows_and_both_commands(
    ranges: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = TAXA[1].replace(" ", "_")
    asked = ("map", TAXA[1], "--ranges", str(ranges), "--region", str(region), "--months", "1", "7", "--also", "range")
    main([*asked, "--out", str(tmp_path)])
    main(["report", str(tmp_path / f"{name}.tif")])
    assert capsys.readouterr().out.endswith(f"{name}.html\n")
    said = words((tmp_path / f"{name}.html").read_text())
    assert "rows of records.csv 48" in said and "birdsat fit" in said and "birdsat map" in said
    assert "a map of 2 months does not tell seasons" in said


def test_a_map_of_effort_has_no_report_and_one_of_richness_no_range(tmp_path: Path) -> None:
    effort = full_map(tmp_path / "a_effort.tif", quantity=EFFORT, is_taxon=False)
    with pytest.raises(InputError, match="is a map of effort; a report is made of the map beside which it lies"):
        report_map(ReportRequest(map=effort))
    about = {"title": "Species expected, of 7", "is_taxon": False, "quantity": RICHNESS, "std": True}
    page = words(report_of(full_map(tmp_path / "richness.tif", **about)))
    assert "birdsat range` makes one" not in page and "over the members" not in page
    assert "of a sum of taxa that come and go independently" in page


def test_what_is_cited_and_credited_is_what_the_map_was_made_from(tmp_path: Path) -> None:
    usual = words(report_of(full_map(tmp_path / "a.tif", calibrated=True, sources=SOURCES)))
    assert "Spatial Implicit Neural" in usual and "Fithian" not in usual and "Covariates:" not in usual
    rasters = {"inputs": "place, bio1 (temperature.tif)", "classifier": "sklearn.X()", "absences of the taxon": "0"}
    own = words(report_of(full_map(tmp_path / "b.tif", calibrated=True, sources=SOURCES | rasters)))
    assert "Spatial Implicit Neural" not in own and "Fithian" in own
    assert "Covariates: bio1 (temperature.tif), on the terms" in own and "Imagery:" not in own
    assert "Phillips and Dudik" not in own and "imagery is of 2004" not in own
    beside = Making(settings={"regression": "a hinge regression (C 0.3), for 50% of the year's log odds"})
    page = words(report_of(full_map(tmp_path / "c.tif", calibrated=True, sources=SOURCES | rasters, making=beside)))
    assert "Phillips and Dudik" in page and "beside the networks, of each taxon a hinge regression (C 0.3)" in page


def test_what_is_said_of_members_and_observers_is_so_of_this_map(tmp_path: Path) -> None:
    by_effort = {"observer bias": "hardly corrected by the records of 10 taxa", "background drawn by effort": "1%"}
    page = words(report_of(full_map(tmp_path / "a.tif", calibrated=False, sources=SOURCES | by_effort)))
    assert "each was fitted to all records, as none could be held out" in page
    assert "hardly any bias is corrected" in page and "because observers go there" not in page
    assert "Observer bias is hardly corrected by the records of 10 taxa." in page
    cut = SOURCES | {
        "observer bias": "corrected by the records of 10 taxa",
        "background drawn by effort": "93%",
        "mapped within the polygons of": "park.geojson",
    }
    page = words(report_of(full_map(tmp_path / "b.tif", calibrated=True, sources=cut)))
    assert "without one part of the blocks" in page and "because observers go there" in page
    assert "The map holds what lies within the polygons of park.geojson alone" in page


@pytest.mark.parametrize(
    ("value", "said"),
    [(True, "yes"), (5, "5"), (500.0, "500"), (1500.0, "1,500"), (0.002, "0.002"), ([0.1, 0.48160512], "0.1 to 0.482")],
)
def test_settings_are_said_as_people_say_them(value: object, said: str) -> None:
    assert plain_words(value) == said
