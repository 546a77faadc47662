"""What users know of where and when was looked, from the request to the map of effort."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_embeddings import write_raster
from made_records import write_rows
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.cli import main
from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.earth.land import on_land
from birdsat.errors import ConfigError, InputError
from birdsat.maps.map_file import MapFile
from birdsat.ranges.points import Points
from birdsat.workflows import fit_ranges as workflow
from birdsat.workflows.effort_map import effort_on, known_effort
from birdsat.workflows.fit_ranges import FitResult, fit_ranges
from birdsat.workflows.gaps import find_gaps
from birdsat.workflows.map_result import MapResult
from birdsat.workflows.map_taxon import map_taxon
from birdsat.workflows.requests.maps import GapsRequest, MapRequest, RichnessRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.richness import map_richness
from birdsat.workflows.same_request import request_fingerprint

pytestmark = pytest.mark.usefixtures("small_fits", "small_world")

BOX = "0,42,30,60"
TAXA = ("Dendrocopos major", "Parus major", "Picus viridis")


class EveryCell:
    """What a map of effort asks of a region: its grid, all of whose cells it has."""

    def __init__(self, grid: Grid) -> None:
        self.grid, self.imagery = grid, SimpleNamespace(text="made")

    def cells(self) -> NDArray[np.int64]:
        return np.arange(self.grid.cells)


def places(count: int = 40, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    lon, lat = generator.uniform(2, 28, 20 * count), generator.uniform(44, 58, 20 * count)
    land = np.flatnonzero(on_land(lon, lat))[:count]
    return np.column_stack([lon[land], lat[land]])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three taxa, the first with half of its records in May 2015, all others in other months of 2018."""
    rows = [
        (taxon, lon, lat, "2015-05-04" if number == 0 and i % 2 else f"2018-{i % 4 + 6:02d}-01")
        for number, taxon in enumerate(TAXA)
        for i, (lon, lat) in enumerate(places(seed=number).tolist())
    ]
    return write_rows(tmp_path / "t.csv", rows)


def fitted(table: Path, out: Path, progress: RecordedProgress | None = None, **more: Any) -> FitResult:
    asked = {"taxa": TAXA[0], "box": BOX} | more
    return fit_ranges(FitRequest(tables=table, out=out, **asked), progress or RecordedProgress())


def mapped(table: Path, out: Path, **more: Any) -> MapResult:
    return map_taxon(MapRequest(taxon=TAXA[0], occurrences=table, box=BOX, out=out, **more), RecordedProgress())


def effort_in(path: Path) -> tuple[NDArray[np.float32], str]:
    """Numbers (rows, columns), and the source."""
    with MapFile(path) as found:
        return found.read().value[0], found.description.sources["effort"]


@pytest.mark.parametrize(
    ("names", "source", "bias"),
    [
        (("Picidae",), "the records of 2 taxa (Picidae)", "hardly corrected by"),
        (("parus", "Picus viridis"), "the records of 2 taxa (parus, Picus viridis)", "corrected by"),
        (("Parus major",), "the records of 1 taxon (Parus major)", "corrected by"),
    ],
)
def test_only_the_taxa_that_are_named_say_where_was_looked(
    names: tuple[str, ...], source: str, bias: str, table: Path, tmp_path: Path
) -> None:
    made = fitted(table, tmp_path / "m", target_group=names)
    assert made.model.facts.taxa == (TAXA[0],) and made.model.observer_bias == f"{bias} {source}"
    values, said = effort_in(tmp_path / "m" / "effort.tif")
    assert said == source and (values == 0).any() and np.nanmax(values) > 1


def test_the_records_of_the_taxon_itself_do_not_say_where_was_looked(table: Path, tmp_path: Path) -> None:
    progress = RecordedProgress()
    made = fitted(table, tmp_path / "m", progress, target_group=TAXA[0])
    assert made.model.observer_bias == "not corrected" and any("not corrected" in note for note in progress.notes)
    values, said = effort_in(tmp_path / "m" / "effort.tif")
    assert said == "not known" and (values[np.isfinite(values)] == 1).all()


def test_an_order_is_known_from_a_list_and_a_table_stands_beside_a_name(table: Path, tmp_path: Path) -> None:
    more = write_rows(tmp_path / "more.csv", [("Dryocopus martius", *place, "") for place in places(20, 9).tolist()])
    made = fitted(table, tmp_path / "m", target_group=("Piciformes", more), taxonomy="avilist")
    assert made.model.facts.effort == "the records of 3 taxa (Piciformes)" and made.model.facts.taxa == (TAXA[0],)


@pytest.mark.parametrize(("name", "near"), [("Picidea", "Picidae"), ("others.csv", ""), ("Parus mayor", "Parus major")])
def test_what_is_neither_a_file_nor_a_taxon_is_refused_with_both_readings(
    name: str, near: str, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"target group '{name}' is neither a table.*nor a species, genus.*{near}"):
        fitted(table, tmp_path / "m", target_group=name)
    assert not (tmp_path / "m" / "ranges.json").exists()


def test_a_background_is_drawn_from_alone(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Points] = []
    fit = workflow.fit_points
    monkeypatch.setattr(workflow, "fit_points", lambda points, *a, **b: taken.append(points) or fit(points, *a, **b))
    sites = tmp_path / "sites.csv"
    sites.write_text("lon,lat\n" + "\n".join(f"{lon},{lat}" for lon, lat in places(30, 5).tolist()))
    made = fitted(table, tmp_path / "m", background=sites)
    values, said = effort_in(tmp_path / "m" / "effort.tif")
    assert said == "the background of sites.csv, 30 places" and made.model.observer_bias == f"corrected by {said}"
    assert len(taken[0].background) == np.count_nonzero(values > 0)
    sites.write_text("lon,lat\n-40,30\n")
    with pytest.raises(InputError, match=r"cannot be the background: none of its 1 places lies on land"):
        fitted(table, tmp_path / "n", background=sites)


def test_files_of_effort_that_cannot_be_read_are_refused_before_cells_are_embedded(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("birdsat.workflows.map_taxon.embed_grid", lambda *_, **__: pytest.fail("embedded"))
    asked: dict[str, Any] = {"imagery": "virtual:0", "grid": 2}
    for name, value, said in (
        ("bias", table, "cannot be opened as a raster"),
        ("bias", write_raster(tmp_path / "rgb.tif", np.ones((3, 4, 4)), (0, 0, 4, 4)), "has 3 bands"),
        ("background", tmp_path / "none.csv", "none.csv"),
        ("target_group", "Picidea", "neither a table"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            mapped(table, tmp_path / "maps", **asked, **{name: value})
        assert refused.value.settings == (name,)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_background_of_few_places_is_fitted_to(count: int, table: Path, tmp_path: Path) -> None:
    sites = tmp_path / "sites.csv"
    sites.write_text("lon,lat\n" + "\n".join(f"{lon},{lat}" for lon, lat in places(count, 5).tolist()))
    assert fitted(table, tmp_path / "m", background=sites).model.facts.taxa == (TAXA[0],)


def test_a_raster_of_effort_weighs_the_background(table: Path, tmp_path: Path) -> None:
    values = np.ones((1, 18, 30), np.float32)
    values[0, :, 15:] = 3
    bias = write_raster(tmp_path / "bias.tif", values, (0, 42, 30, 60))
    made = mapped(table, tmp_path / "maps", bias=bias, months=(5, 6))
    assert [file.name for file in made.files][-1] == "Dendrocopos_major_effort.tif"
    sources = json.loads(made.files[0].with_suffix(".json").read_text())["sources"]
    assert sources["effort"] == "bias.tif" and sources["observer bias"] == "corrected by bias.tif"
    effort, said = effort_in(made.files[-1])
    assert said == "bias.tif"
    west, east = effort[:, :7], effort[:, 8:]
    assert np.nanmean(east) == pytest.approx(3 * np.nanmean(west), rel=1e-5) and np.ptp(west[np.isfinite(west)]) < 1e-5
    about = json.loads((tmp_path / "maps" / "Dendrocopos_major_effort.json").read_text())
    assert about["quantity"] == "relative effort" and about["sources"]["effort"] == "bias.tif"
    with pytest.raises(InputError, match="is 0 in all cells that it covers"):
        mapped(table, tmp_path / "zeros", bias=write_raster(tmp_path / "zeros.tif", values * 0, (0, 42, 30, 60)))
    assert not (tmp_path / "zeros").exists()


def test_maps_of_one_fit_have_its_effort_each_and_one_that_is_missing_is_made(table: Path, tmp_path: Path) -> None:
    asked = MapRequest(taxon=TAXA[:2], occurrences=table, box=BOX, out=tmp_path / "maps")
    first = map_taxon(asked, RecordedProgress())
    one, other = (tmp_path / "maps" / f"{name}_effort.tif" for name in ("Dendrocopos_major", "Parus_major"))
    np.testing.assert_array_equal(effort_in(one)[0], effort_in(other)[0])
    assert effort_in(one)[1] == "the records of 3 taxa"
    assert map_taxon(asked, RecordedProgress()).files == first.files
    (tmp_path / "maps" / "Parus_major.tif").unlink()
    (tmp_path / "maps" / "Parus_major.json").unlink()
    (tmp_path / "maps" / "Parus_major.png").unlink()
    assert map_taxon(asked, RecordedProgress()).files == first.files


def test_a_file_of_the_name_of_a_map_of_effort_is_kept(table: Path, tmp_path: Path) -> None:
    (tmp_path / "Dendrocopos_major_effort.tif").write_text("mine")
    with pytest.raises(ConfigError, match=r"Dendrocopos_major_effort\.tif exists already"):
        mapped(table, tmp_path)
    assert (tmp_path / "Dendrocopos_major_effort.tif").read_text() == "mine"
    assert mapped(table, tmp_path, overwrite=True).files[-1].stat().st_size > 1000


def test_the_map_of_effort_of_a_model_is_made_where_it_is_missing(
    table: Path, tmp_path: Path, small_fits: list[int]
) -> None:
    made = fitted(table, tmp_path / "m")
    effort = tmp_path / "m" / "effort.tif"
    assert effort in made.files and effort.with_suffix(".json") in made.files
    before, _ = effort_in(effort)
    effort.unlink()
    fitted(table, tmp_path / "m")
    np.testing.assert_array_equal(effort_in(effort)[0], before)
    assert len(small_fits) == 1


def test_the_map_of_effort_of_the_model_before_is_not_taken_for_that_of_its_successor(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(table, tmp_path / "m")

    def full(*_: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr(workflow, "write_effort_map", full)
    fitted(table, tmp_path / "m", seed=1)
    assert not list((tmp_path / "m").glob("effort.*"))


def test_records_are_thinned_by_kilometres(table: Path, tmp_path: Path) -> None:
    by_cell, by_km = (fitted(table, tmp_path / str(km), thin_km=km).model.facts.points[0] for km in (None, 800))
    fine = fitted(table, tmp_path / "fine", thin_km=1).model.facts.points[0]
    assert by_km < by_cell <= fine == 40


def test_records_of_some_dates_are_fitted_to_and_the_others_counted(table: Path, tmp_path: Path) -> None:
    progress = RecordedProgress()
    made = fitted(table, tmp_path / "m", progress, from_date="2015", to_date="2015-05", record_months=5)
    assert made.model.facts.points[0] <= 20 and made.model.facts.looked_months == (5,)
    assert any("100 records dropped: after the last date asked for" in note for note in progress.notes)
    with pytest.raises(InputError, match=r"There are dates from 2015-05-04 to 2018-09-01, in months 5, 6, 7, 8, 9"):
        fitted(table, tmp_path / "n", from_date="2019")
    gaps = GapsRequest(ranges=tmp_path / "m", occurrences=table, out=tmp_path / "gaps.csv", to_date="2014")
    with pytest.raises(InputError, match="dates asked for"):
        find_gaps(gaps, RecordedProgress())


def test_a_taxon_whose_records_are_of_other_dates_is_not_called_unknown(table: Path, tmp_path: Path) -> None:
    said = r"has no record of the dates asked for: its records with a date are from 2018-06-01 to 2018-09-01"
    asked: dict[str, Any] = {"occurrences": table, "box": BOX, "to_date": "2016"}
    for taxon, more in (("Picus viridis", {}), (TAXA[0], {"target_group": "Picus viridis"})):
        with pytest.raises(InputError, match=said):
            map_taxon(MapRequest(taxon=taxon, out=tmp_path / "maps", **asked, **more), RecordedProgress())


def test_records_are_cleaned_by_their_dates(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--out",
        str(tmp_path / "c.csv"),
        "--dropped",
        str(tmp_path / "d.csv"),
        "--from",
        "2018-07",
        "--to",
        "2018-08",
    ]
    main(["records", str(table), *words])
    kept = (tmp_path / "c.csv").read_text()
    assert "2018-07-01" in kept and "2018-06-01" not in kept and "2018-09-01" not in kept
    dropped = (tmp_path / "d.csv").read_text()
    assert "before the first date asked for,2015-05-04" in dropped and "after the last date asked for" in dropped
    with pytest.raises(SystemExit):
        main(["records", str(table), "--out", str(tmp_path / "e.csv"), "--from", "2030"])
    said = capsys.readouterr().err
    assert "There are dates from 2015-05-04 to 2018-09-01" in said and "(--from, --to, --record-months)" in said
    assert not (tmp_path / "e.csv").exists()


@pytest.mark.parametrize("name", ["background", "bias", "target_group"])
def test_what_files_of_effort_hold_is_part_of_a_request(name: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("1")
    asked = FitRequest(tables="t.csv", out="m", **{name: tmp_path / "f"})
    before = request_fingerprint(asked)
    (tmp_path / "f").write_text("2")
    assert request_fingerprint(asked) != before != request_fingerprint(FitRequest(tables="t.csv", out="m"))


@pytest.mark.parametrize(
    "given", [{"target_group": "Picidae"}, {"thin_km": 5}, {"from_date": "2015"}, {"record_months": 5}]
)
def test_what_is_known_of_effort_is_part_of_a_request(given: dict[str, Any]) -> None:
    plain = FitRequest(tables="t.csv", out="m")
    assert request_fingerprint(FitRequest(tables="t.csv", out="m", **given)) != request_fingerprint(plain)


def test_a_map_of_a_model_has_its_effort_beside_it_on_the_cells_of_the_map(table: Path, tmp_path: Path) -> None:
    fitted(table, tmp_path / "m")
    asked = {"taxon": TAXA[0], "ranges": tmp_path / "m", "box": "6,46,20,56"}
    made = map_taxon(MapRequest(out=tmp_path / "maps", **asked), RecordedProgress())
    shown, said = effort_in(made.maps[0].files[-1])
    of_model = MapFile(tmp_path / "m" / "effort.tif")
    with of_model, MapFile(made.maps[0].files[0]) as found:
        grid, whole = found.description.grid, of_model.description.grid
        there = whole.cells_at(*grid.centres(np.arange(grid.cells)).T)
        expected = of_model.read().value[0].reshape(-1)[there].reshape(grid.shape)
    known = np.isfinite(expected) & np.isfinite(shown)
    assert said == "the records of 3 taxa" and known.sum() > 20
    ratio = shown[known & (expected > 0)] / expected[known & (expected > 0)]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)  # 1 is the mean of the cells that are shown
    assert ((shown == 0) == (expected == 0))[known].all()


def test_a_map_is_made_without_the_effort_of_a_model_whose_map_of_it_is_damaged(table: Path, tmp_path: Path) -> None:
    fitted(table, tmp_path / "m")
    whole = (tmp_path / "m" / "effort.tif").read_bytes()
    (tmp_path / "m" / "effort.tif").write_bytes(whole[: len(whole) // 2])
    progress = RecordedProgress()
    made = map_taxon(MapRequest(taxon=TAXA[0], ranges=tmp_path / "m", out=tmp_path / "maps"), progress)
    assert [file.suffix for file in made.files] == [".tif", ".png"]
    assert any("without the effort of the fit, as its map is damaged" in note for note in progress.notes)


def test_a_map_of_richness_has_the_effort_of_its_model_beside_it(table: Path, tmp_path: Path) -> None:
    fitted(table, tmp_path / "m")
    beside = tmp_path / "maps" / "richness_effort.tif"
    assert beside in map_richness(RichnessRequest(ranges=tmp_path / "m", out=tmp_path / "maps")).files
    for overwrite in (True, False):  # the second time, all of it is there
        asked = RichnessRequest(ranges=tmp_path / "m", out=tmp_path / "maps", panels=("effort",), overwrite=overwrite)
        assert beside in map_richness(asked).files
    (shown, said), (of_model, source) = effort_in(beside), effort_in(tmp_path / "m" / "effort.tif")
    np.testing.assert_allclose(shown, of_model, rtol=1e-5)
    assert said == source


def test_a_map_without_known_effort_says_that_it_has_no_panel_of_it(table: Path, tmp_path: Path) -> None:
    alone = write_rows(tmp_path / "alone.csv", [(TAXA[0], lon, lat, "2018-06-01") for lon, lat in places().tolist()])
    progress = RecordedProgress()
    map_taxon(MapRequest(taxon=TAXA[0], occurrences=alone, box=BOX, out=tmp_path / "maps", panels="effort"), progress)
    assert any("no panel of effort" in note and "effort that is known" in note for note in progress.notes)


@pytest.mark.parametrize(("step", "region"), [(5, None), (0.5, None), (2, "elsewhere")])
def test_the_effort_of_a_model_on_cells_of_other_sizes_and_places(
    table: Path, tmp_path: Path, step: float, region: str | None
) -> None:
    fitted(table, tmp_path / "m")
    west = 30 if region else 5
    cells = Grid(Box(west, 45, west + 10, 55), step)
    of_model = known_effort(tmp_path / "m", RecordedProgress())
    assert of_model is not None
    found = effort_on(of_model, EveryCell(cells))  # type: ignore[arg-type]
    assert found.source == ("not known" if region else "the records of 3 taxa")
    assert np.array_equal(found.cells, np.arange(cells.cells))
    shown = found.density.reshape(cells.shape)
    if region:
        assert np.isnan(shown).all()  # nothing is known there, which is not the same as nobody
    else:
        known = np.isfinite(shown)
        assert (shown[known] > 0).any()
        area = cells.cell_area(np.arange(cells.cells)).reshape(cells.shape)
        assert (shown * area)[known].sum() / area[known].sum() == pytest.approx(1, rel=1e-5)


def test_a_target_group_that_is_the_taxon_itself_is_said_to_be_so(table: Path, tmp_path: Path) -> None:
    progress = RecordedProgress()
    fitted(table, tmp_path / "m", progress, target_group=TAXA[0])
    assert any(f"not corrected: {TAXA[0]} has no records of other taxa in these cells" in one for one in progress.notes)


def test_gaps_of_months_in_which_nobody_looked_are_refused_or_noted(table: Path, tmp_path: Path) -> None:
    fitted(table, tmp_path / "m")
    asked: dict[str, Any] = {"ranges": tmp_path / "m", "occurrences": table, "out": tmp_path / "gaps.csv"}
    with pytest.raises(InputError, match=r"nothing was recorded in January, .* somebody looked: 5, 6, 7, 8, 9"):
        find_gaps(GapsRequest(**asked, months=1))
    progress = RecordedProgress()
    find_gaps(GapsRequest(**asked, months=(1, 6)), progress)
    assert any("nothing was recorded in January: every cell" in note for note in progress.notes)


def test_a_background_is_taken_whatever_its_dates_which_is_said(table: Path, tmp_path: Path) -> None:
    progress = RecordedProgress()
    fitted(table, tmp_path / "m", progress, background=table, from_date="2018")
    assert "t.csv is the background whatever its dates; records alone are chosen by date." in progress.notes


def test_dates_that_are_lost_are_said(tmp_path: Path) -> None:
    rows = [
        (TAXA[0], lon, lat, f"{i % 12 + 1:02d}/0{i % 9 + 1}/2018") for i, (lon, lat) in enumerate(places().tolist())
    ]
    progress = RecordedProgress()
    fitted(write_rows(tmp_path / "t.csv", rows), tmp_path / "m", progress)
    assert any("rows kept: day and month of the date cannot be told apart" in note for note in progress.notes)
