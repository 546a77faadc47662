"""Maps on the built-in world: records and nothing else."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from made_records import write_records
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.cli import main
from birdsat.earth.land import on_land
from birdsat.errors import ConfigError, InputError
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.workflows import fit_ranges
from birdsat.workflows.gaps import find_gaps
from birdsat.workflows.map_taxon import map_taxon
from birdsat.workflows.requests.maps import GapsRequest, MapRequest, RichnessRequest, SpeciesRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.richness import map_richness
from birdsat.workflows.species import species_at

pytestmark = pytest.mark.usefixtures("small_fits", "small_world")

TAXON, OTHER = "Corvus corax", "Pica pica"


def places(west: float, south: float, east: float, north: float, count: int = 40) -> NDArray[np.float64]:
    """Places on land in a box, which may go on past 180."""
    generator = np.random.default_rng(0)
    lon, lat = generator.uniform(west, east, 50 * count), generator.uniform(south, north, 50 * count)
    lon = (lon + 180) % 360 - 180
    land = np.flatnonzero(on_land(lon, lat))[:count]
    return np.column_stack([lon[land], lat[land]])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two taxa in Europe."""
    return write_records(tmp_path / "t.csv", [(TAXON, places(0, 42, 20, 55)), (OTHER, places(10, 45, 30, 60))])


def test_records_and_nothing_else_give_a_map_of_where_they_lie(table: Path, tmp_path: Path) -> None:
    main(["map", TAXON, "--occurrences", str(table), "--out", str(tmp_path / "maps")])
    with rasterio.open(tmp_path / "maps" / "Corvus_corax.tif") as tiff:
        bounds, cells = tiff.bounds, tiff.read(1)
    assert bounds.left < -4 and 24 < bounds.right < 40 and bounds.bottom < 38 and 59 < bounds.top < 70
    assert 0.2 < np.isfinite(cells).mean() < 1  # land alone
    about = json.loads((tmp_path / "maps" / "Corvus_corax.json").read_text())
    assert "built-in world" in about["model"]
    assert about["sources"]["observer bias"] == "hardly corrected by the records of 2 taxa"
    assert (tmp_path / "maps" / "Corvus_corax.png").is_file()


def test_the_extent_is_of_the_taxa_asked_for_or_as_named(table: Path, tmp_path: Path) -> None:
    def box(**asked: Any) -> Any:
        out = tmp_path / "-".join(map(str, asked)) / "maps"
        made = map_taxon(MapRequest(taxon=OTHER, occurrences=table, out=out, **asked), RecordedProgress())
        with rasterio.open(made.files[0]) as tiff:
            return tuple(tiff.bounds)

    own = box()
    assert own[0] >= 0 and own[2] < 50
    assert box(box="-12,36,42,70") == (-12, 36, 42, 70)
    assert box(world=True) == (-180, -90, 180, 90)


def test_tables_to_draw_are_asked_for_what_a_common_name_means(table: Path, tmp_path: Path) -> None:
    head, *rows = table.read_text().splitlines()
    named = tmp_path / "named.csv"
    named.write_text("\n".join([f"{head},vernacularName", *(f"{row},Some bird of {row[:6]}" for row in rows)]))
    asked = MapRequest(taxon="Some bird of Corvus", occurrences=named, points=named, out=tmp_path / "maps")
    (made,) = map_taxon(asked, RecordedProgress()).maps
    assert made.taxon == TAXON and made.files[0].name == "Corvus_corax.tif"
    english = write_records(tmp_path / "english.csv", [("Some bird", places(0, 42, 20, 55))])
    with pytest.raises(InputError, match=r"english\.csv has no place of 'Corvus corax'"):
        map_taxon(MapRequest(taxon=TAXON, occurrences=named, points=english, out=tmp_path / "no"), RecordedProgress())


def test_polygons_are_the_extent_of_the_map_and_not_of_the_records(table: Path, tmp_path: Path) -> None:
    ring = [[10, 46], [18, 46], [18, 52], [10, 52], [10, 46]]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    asked = MapRequest(taxon=TAXON, occurrences=table, within=tmp_path / "a.geojson", out=tmp_path / "maps")
    made = map_taxon(asked, RecordedProgress())
    with rasterio.open(made.files[0]) as tiff:
        assert tuple(tiff.bounds) == (10, 46, 18, 52) and np.isfinite(tiff.read(1)).any()
    whole = map_taxon(MapRequest(taxon=TAXON, occurrences=table, out=tmp_path / "whole"), RecordedProgress())
    assert made.maps[0].evaluation == whole.maps[0].evaluation


def test_records_on_both_sides_of_the_antimeridian_are_one_map(tmp_path: Path) -> None:
    table = write_records(tmp_path / "t.csv", [(TAXON, places(170, 62, 200, 68)), (OTHER, places(165, 62, 195, 70))])
    made = map_taxon(MapRequest(taxon=TAXON, occurrences=table, out=tmp_path / "maps"), RecordedProgress())
    with rasterio.open(made.files[0]) as tiff:
        assert tiff.bounds.right > 180 and tiff.bounds.right - tiff.bounds.left < 90


def test_one_taxon_alone_is_mapped_and_everything_says_that_its_observers_bias_is_not_corrected(
    table: Path, tmp_path: Path
) -> None:
    alone = write_records(tmp_path / "alone.csv", [(TAXON, places(0, 42, 20, 55))])
    progress = RecordedProgress()
    made = map_taxon(MapRequest(taxon=TAXON, occurrences=alone, out=tmp_path / "a"), progress)
    assert any("observer bias not corrected" in note and "target group" in note for note in progress.notes)
    sources = json.loads(made.files[0].with_suffix(".json").read_text())["sources"]
    assert sources["observer bias"] == "not corrected"
    beside, progress = tmp_path / "b", RecordedProgress()
    made = map_taxon(MapRequest(taxon=TAXON, occurrences=alone, target_group=table, out=beside), progress)
    about = json.loads(made.files[0].with_suffix(".json").read_text())
    # Recorded nearly apart from each other, they tell little of each other, which is said too.
    hardly = "hardly corrected by the records of 2 taxa"
    assert about["sources"]["observer bias"] == hardly and f"observer bias {hardly}" in about["cautions"]
    assert any(note.startswith("observer bias hardly corrected: the records of 2") for note in progress.notes)
    assert not any("not corrected" in note for note in progress.notes)


def test_a_target_group_is_not_fitted_to_also_where_it_has_the_taxon(table: Path, tmp_path: Path) -> None:
    alone = write_records(tmp_path / "alone.csv", [(TAXON, places(0, 42, 10, 55))])
    beside = write_records(
        tmp_path / "b.csv",
        [(TAXON, places(12, 42, 20, 55)), (OTHER, places(0, 42, 20, 55)), (OTHER, np.array([[9, 200]]))],
    )
    progress = RecordedProgress()
    fit_ranges.fit_ranges(FitRequest(tables=alone, target_group=beside, out=tmp_path / "m"), progress)
    fit_ranges.fit_ranges(FitRequest(tables=alone, out=tmp_path / "own"), RecordedProgress())
    facts, own = load_ranges(tmp_path / "m").facts, load_ranges(tmp_path / "own").facts
    assert facts.taxa == (TAXON,) and facts.looked_taxa == 2
    assert facts.points == own.points and facts.region == own.region
    assert any("1 record dropped: coordinates" in note for note in progress.notes)  # rows of its tables are counted


def test_a_range_model_of_the_world_is_asked_by_every_verb_where_it_was_fitted(table: Path, tmp_path: Path) -> None:
    model = tmp_path / "m"
    fitted = fit_ranges.fit_ranges(FitRequest(tables=table, out=model), RecordedProgress())
    assert fitted.model.region is not None and fitted.model.region.startswith("world:")
    asked = fit_ranges.fit_ranges(FitRequest(tables=table, out=model), RecordedProgress())
    assert asked.to_dict() == fitted.to_dict()
    maps = map_taxon(MapRequest(taxon=(TAXON, OTHER), ranges=model, out=tmp_path / "maps"), RecordedProgress())
    assert len(maps.maps) == 2
    wide = MapRequest(taxon=TAXON, ranges=model, out=tmp_path / "wide", world=True)
    with rasterio.open(map_taxon(wide, RecordedProgress()).files[0]) as tiff:
        assert tiff.bounds.right == 180
    assert map_richness(RichnessRequest(ranges=model, out=tmp_path / "rich"), RecordedProgress()).files[0].is_file()
    listed = species_at(SpeciesRequest(ranges=model, place="10,50", month=6), RecordedProgress())
    assert "built-in world" in str(listed.to_dict()) or listed is not None
    gaps = GapsRequest(ranges=model, occurrences=table, out=tmp_path / "gaps.csv")
    assert find_gaps(gaps, RecordedProgress()).files[0].is_file()


def test_a_model_of_another_edition_of_the_world_is_refused_with_the_fit_to_repeat(table: Path, tmp_path: Path) -> None:
    model = tmp_path / "m"
    fitted = fit_ranges.fit_ranges(FitRequest(tables=table, out=model), RecordedProgress()).model
    RangeModel(
        replace(fitted.facts, model="0" * 16, command="birdsat fit gbif.zip --out m"),
        fitted.network,
        fitted.projection,
        fitted.applicability,
    ).save(model, region=fitted.facts.region)
    with pytest.raises(ConfigError, match=r"another edition of the built-in world.* again: birdsat fit gbif\.zip"):
        map_taxon(MapRequest(taxon=TAXON, ranges=model, out=tmp_path / "maps"), RecordedProgress())


def test_records_at_sea_alone_are_refused_with_a_way_on(tmp_path: Path) -> None:
    lon = np.linspace(-40, -30, 20)
    table = write_records(tmp_path / "t.csv", [(TAXON, np.column_stack([lon, 30 + lon / 10]))])
    with pytest.raises(InputError, match=r"no record.*on or near the land of the built-in world"):
        map_taxon(MapRequest(taxon=TAXON, occurrences=table, out=tmp_path / "maps"), RecordedProgress())
    assert not (tmp_path / "maps").exists()


def test_other_cells_than_the_worlds_need_imagery(table: Path) -> None:
    with pytest.raises(ConfigError, match=r"grid can be used with imagery"):
        MapRequest(taxon=TAXON, occurrences=table, grid=0.1)


def test_imagery_without_a_run_is_embedded_by_the_built_in_encoder(tmp_path: Path, small_world: Path) -> None:
    main(["embed", str(tmp_path / "fine"), "--grid", "1", "--box=-150,0,-146,4", "--imagery", "virtual:0"])
    about = json.loads((tmp_path / "fine" / "region.json").read_text())
    assert about["settings"]["run"] == "the built-in encoder" and about["cells"] == 16


def test_records_too_few_to_leave_any_out_are_said_to_be_so_everywhere(tmp_path: Path) -> None:
    far = [[5.0, 45.0], [5.02, 45.02], [25.0, 55.0]]  # two cells: the first two records are thinned to one
    few = write_records(tmp_path / "few.csv", [(TAXON, np.array(far))])
    progress = RecordedProgress()
    made = map_taxon(MapRequest(taxon=TAXON, occurrences=few, out=tmp_path / "maps"), progress)
    assert any("not calibrated, not evaluated" in note for note in progress.notes)
    assert any(
        f"fewer than 10 records in different places or months, whose maps are uncertain: {TAXON} (2)" in note
        for note in progress.notes
    )
    about = json.loads(made.files[0].with_suffix(".json").read_text())
    assert about["calibrated"] is False and about["evaluated"] is False
    assert about["cautions"][0].startswith("not calibrated, not evaluated")
    assert "calibrated" not in about["quantity_explanation"] and about["quantity"] == "relative suitability"
    assert made.files[0].with_suffix(".qml").is_file()


def test_undated_records_make_one_map_of_the_year_unless_months_are_asked_for(tmp_path: Path) -> None:
    undated = write_records(tmp_path / "t.csv", [(TAXON, places(0, 42, 20, 55)), (OTHER, places(10, 45, 30, 60))])
    progress = RecordedProgress()
    asked: dict[str, Any] = {"taxon": TAXON, "occurrences": undated}
    made = map_taxon(MapRequest(**asked, also=("netcdf", "csv"), out=tmp_path / "a"), progress)
    assert any("so the map is of the whole year" in note for note in progress.notes)
    with rasterio.open(made.files[0]) as tiff:
        assert tiff.descriptions[:3] == ("year", "year low", "year high")
        year = tiff.read(1)
    about = json.loads(made.files[0].with_suffix(".json").read_text())
    assert about["months"] == [] and about["dated"] is False
    assert (tmp_path / "a" / "Corvus_corax.csv").read_text().startswith('"cell","lon","lat","year","year_low"')
    data = made.maps[0].to_xarray()
    assert "time" not in data.dims and data["relative_suitability"].attrs["long_name"] == "relative suitability"
    assert "undated" in data.attrs["comment"]
    progress = RecordedProgress()
    made = map_taxon(MapRequest(**asked, months=6, out=tmp_path / "b"), progress)
    assert any("so all months are the same" in note for note in progress.notes)
    with rasterio.open(made.files[0]) as tiff:
        assert tiff.descriptions[0] == "June"
        np.testing.assert_array_equal(tiff.read(1), year)
    assert json.loads(made.files[0].with_suffix(".json").read_text())["dated"] is False


def test_tables_to_draw_are_looked_into_before_the_fit(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("birdsat.workflows.map_taxon.fit_records", lambda *_, **__: pytest.fail("it was fitted"))
    other = write_records(tmp_path / "other.csv", [("Parus major", places(0, 42, 20, 55))])
    for points, said in ((tmp_path / "gone.csv", "is absent"), (other, "has no place of 'Corvus corax'")):
        with pytest.raises(InputError, match=said) as refused:
            map_taxon(MapRequest(taxon=TAXON, occurrences=table, points=points, out=tmp_path / "maps"))
        assert refused.value.settings == ("points",)


def test_tables_to_draw_are_read_by_the_columns_and_authors_of_the_records(table: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    rows = [f'"{TAXON} (Linnaeus, 1758)",{lon},{lat}' for lon, lat in places(0, 42, 20, 55)]
    own.write_text("\n".join(["bird,x,y", *rows]) + "\n")
    columns = ("taxon=bird", "lon=x", "lat=y")
    asked = MapRequest(taxon=TAXON, occurrences=own, points=(own, table), columns=columns, out=tmp_path / "maps")
    assert [one.taxon for one in map_taxon(asked, RecordedProgress()).maps] == [TAXON]


def test_a_bird_of_the_sea_is_said_to_be_mapped_on_land_alone(table: Path, tmp_path: Path) -> None:
    at_sea = np.column_stack([np.linspace(-40, -20, 40), np.linspace(30, 50, 40)])
    sea = write_records(tmp_path / "sea.csv", [(TAXON, np.concatenate([places(0, 42, 20, 55, 10), at_sea]))])
    progress = RecordedProgress()
    made = map_taxon(MapRequest(taxon=TAXON, occurrences=(sea, table), out=tmp_path / "few"), progress)
    assert sum("more than a fifth of the records of Corvus corax lie at sea" in note for note in progress.notes) == 1
    about = json.loads(made.files[0].with_suffix(".json").read_text())
    lost, kept = (int(about["sources"][name]) for name in ("records of it in no cell", "records of the taxon"))
    assert 10 < lost <= 40  # one a cell
    assert f"{lost} of {lost + kept} records lie in no cell of it, as at sea, and are not mapped" in about["cautions"]
    progress = RecordedProgress()
    made = map_taxon(MapRequest(taxon=OTHER, occurrences=(sea, table), out=tmp_path / "none"), progress)
    about = json.loads(made.files[0].with_suffix(".json").read_text())
    assert "records of it in no cell" not in about["sources"]
    assert not any("records lie in no cell" in caution for caution in about["cautions"])


def test_a_target_group_of_another_continent_corrects_nothing(tmp_path: Path) -> None:
    alone = write_records(tmp_path / "alone.csv", [(TAXON, places(0, 42, 20, 55))])
    far = write_records(
        tmp_path / "far.csv", [(OTHER, places(120, -30, 145, -20)), ("Parus major", places(0, 5, 9, 9))]
    )
    progress = RecordedProgress()
    made = map_taxon(MapRequest(taxon=TAXON, occurrences=alone, target_group=far, out=tmp_path / "a"), progress)
    assert any("observer bias not corrected" in note for note in progress.notes)
    assert json.loads(made.files[0].with_suffix(".json").read_text())["sources"]["observer bias"] == "not corrected"


def test_the_map_of_effort_lies_on_the_cells_of_a_map_within_polygons(table: Path, tmp_path: Path) -> None:
    ring = [[10, 46], [18, 46], [18, 52], [10, 52], [10, 46]]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    asked = MapRequest(
        taxon=TAXON, occurrences=table, within=tmp_path / "a.geojson", panels=("effort",), out=tmp_path / "maps"
    )
    progress = RecordedProgress()
    made = map_taxon(asked, progress)
    assert not any("no panel of effort" in note for note in progress.notes)
    with rasterio.open(made.files[0]) as tiff, rasterio.open(made.files[-1]) as effort:
        assert effort.bounds == tiff.bounds and effort.shape == tiff.shape
        looked, value = effort.read(1), tiff.read(1)
    assert (looked[np.isfinite(looked)] > 0).any()
    assert np.isnan(looked[np.isnan(value)]).all() and np.isfinite(looked[np.isfinite(value)]).all()


def test_points_beyond_the_records_are_refused_before_the_fit(
    table: Path, tmp_path: Path, small_fits: list[int]
) -> None:
    far = write_records(tmp_path / "far.csv", [(TAXON, places(120, -30, 145, -20))])
    with pytest.raises(InputError, match=r"far\.csv has no place of 'Corvus corax' within"):
        map_taxon(MapRequest(taxon=TAXON, occurrences=table, points=far, out=tmp_path / "maps"), RecordedProgress())
    assert not small_fits and not (tmp_path / "maps").exists()


def test_a_box_smaller_than_a_cell_is_widened_to_it(table: Path, tmp_path: Path) -> None:
    made = map_taxon(
        MapRequest(taxon=TAXON, occurrences=table, within=None, box="10,45,10.01,45.01", out=tmp_path / "maps"),
        RecordedProgress(),
    )
    with rasterio.open(made.files[0]) as tiff:
        assert tiff.shape == (1, 1)


def test_a_map_of_two_places_is_made_without_the_range_that_it_has_no_threshold_for(
    table: Path, tmp_path: Path, small_fits: list[int]
) -> None:
    few = write_records(tmp_path / "few.csv", [("Parus major", places(5, 45, 8, 50, 2))])
    asked = MapRequest(taxon="Parus major", occurrences=(few, table), out=tmp_path / "maps", also=("range", "csv"))
    progress = RecordedProgress()
    (made,) = map_taxon(asked, progress).maps
    assert any("no range of Parus major can be made" in note and "birdsat range" in note for note in progress.notes)
    assert [file.suffix for file in made.files] == [".tif", ".png", ".csv", ".tif"]
    assert all(file.is_file() for file in made.files) and not list((tmp_path / "maps").glob("*.gpkg"))
    assert map_taxon(asked, RecordedProgress()).maps == (made,) and len(small_fits) == 1


def test_a_map_that_is_nowhere_like_the_records_is_said_to_be_a_guess(table: Path, tmp_path: Path) -> None:
    said = "no cell of the map of Corvus corax is in its area of applicability"
    ring = [[46, 10], [52, 10], [52, 18], [46, 18], [46, 10]]  # latitude and longitude exchanged
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    far, near = RecordedProgress(), RecordedProgress()
    map_taxon(MapRequest(taxon=TAXON, occurrences=table, within=tmp_path / "a.geojson", out=tmp_path / "far"), far)
    map_taxon(MapRequest(taxon=TAXON, occurrences=table, out=tmp_path / "near"), near)
    assert any(said in note for note in far.notes) and not any(said in note for note in near.notes)


def test_months_in_which_nobody_looked_are_a_guess_in_the_picture_and_the_json_too(table: Path, tmp_path: Path) -> None:
    rows = [f"{line},2015-05-1{number % 9}" for number, line in enumerate(undated(table))]
    dated = tmp_path / "may.csv"
    dated.write_text("\n".join(["taxon,lon,lat,date", *rows]))
    model = fit_ranges.fit_ranges(FitRequest(tables=dated, out=tmp_path / "m"), RecordedProgress()).folder
    said = "hardly anything was recorded in January: what is said of that time is a guess from other months"
    map_taxon(MapRequest(taxon=TAXON, ranges=model, months=(1, 5), out=tmp_path / "a"), RecordedProgress())
    map_taxon(MapRequest(taxon=TAXON, ranges=model, months=(5,), out=tmp_path / "b"), RecordedProgress())
    map_richness(RichnessRequest(ranges=model, months=(1, 5), out=tmp_path / "c"), RecordedProgress())
    cautions = [
        json.loads((tmp_path / name).read_text())["cautions"]
        for name in ("a/Corvus_corax.json", "b/Corvus_corax.json", "c/richness.json")
    ]
    assert [said in some for some in cautions] == [True, False, True]
    drawn = [
        map_taxon(MapRequest(taxon=TAXON, ranges=model, out=tmp_path / "d"), RecordedProgress()).files[0],
        map_richness(RichnessRequest(ranges=model, out=tmp_path / "e"), RecordedProgress()).files[0],
    ]
    for path in drawn:  # of the month with records where none is asked for
        with rasterio.open(path) as tiff:
            assert tiff.descriptions[0] == "May"


def undated(table: Path) -> list[str]:
    """Taxon, longitude and latitude of every row."""
    with table.open() as file:
        return [",".join((row["taxon"], row["lon"], row["lat"])) for row in csv.DictReader(file)]


@pytest.mark.parametrize("lon_lat", [(-21.5, 63.9, -15.5, 65.8), (10.0, 48.0, 10.6, 48.4)], ids=["island", "block"])
def test_records_of_one_island_or_of_one_block_are_mapped_with_what_that_leaves_untold(
    lon_lat: tuple[float, float, float, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_records(tmp_path / "t.csv", [(TAXON, places(*lon_lat))])
    main(["map", TAXON, "--occurrences", str(table), "--out", str(tmp_path / "maps")])
    assert "not evaluated" in " ".join(capsys.readouterr().err.split())
    about = json.loads((tmp_path / "maps" / f"{TAXON.replace(' ', '_')}.json").read_text())
    assert "not evaluated" in about["cautions"][0] and about["cells_with_value"] > 0
