"""Maps from records, by the verbs map and fit: every way and output, and what is refused."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from failed_commands import failed
from made_records import IMAGERY, box_option, embed, land_places, write_records
from made_runs import OTHER, TAXON, make_run
from mapped import make_map
from PIL import Image
from recorded import RecordedProgress
from tiny_world import BOX, CELLS, SIDE, TAXA

from birdsat.cli import main
from birdsat.errors import ConfigError, InputError
from birdsat.maps.description import APPLICABILITY
from birdsat.ranges.load import load_ranges
from birdsat.workflows import fit_ranges as fits
from birdsat.workflows import map_taxon
from birdsat.workflows.embed_region import embed_region
from birdsat.workflows.requests.maps import MapRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.regions import EmbedRequest

pytestmark = pytest.mark.usefixtures("small_fits")

BOX_2: dict[str, Any] = {"box": str(BOX), "imagery": IMAGERY}


@pytest.mark.parametrize("way", ["occurrences", "both"])
def test_a_map_from_records_has_probabilities_their_intervals_and_an_area(
    way: str, run: Path, region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--region", region, "--occurrences", records, "--way", way, "--months", 1, 7)
    with make_map(run, tmp_path, *words) as tiff:
        assert tiff.descriptions == (
            *("January", "July", "January low", "July low", "January high", "July high"),
            APPLICABILITY,
        )
        cells = tiff.read()
        sources = json.loads(tiff.tags()["sources"])
    assert np.isfinite(cells).all() and cells[:2].min() >= 0 and cells[:2].max() <= 1
    assert cells[2:4].min() >= 0 and cells[4:6].max() <= 1
    assert (cells[2:4] <= cells[:2]).all() and (cells[:2] <= cells[4:6]).all()
    assert set(np.unique(cells[6]).tolist()) <= {0.0, 1.0} and cells[6].any()
    about = json.loads((tmp_path / "Corvus_corax.json").read_text())
    assert about["taxon"] == TAXON and about["cells_with_value"] == CELLS
    assert about["model"] == f"fit to {way} on mine"
    assert sources["way"] == way and sources["records"] == "records.csv" and sources["imagery"] == IMAGERY
    assert int(sources["records of the taxon"]) == 2 * SIDE
    printed = capsys.readouterr().out.splitlines()
    assert printed[-3:] == [str(tmp_path / f"Corvus_corax{ending}") for ending in (".tif", ".png", "_effort.tif")]


def test_a_fitted_model_gives_the_map_that_a_fit_on_the_way_gives(
    run: Path, region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = ("fit", records, "--run", run, "--region", region, "--out", tmp_path / "ranges", "--taxa", TAXON)
    main([*map(str, fit)])
    assert f"1 taxon, {load_ranges(tmp_path / 'ranges').facts.points[0]} records" in capsys.readouterr().out
    with make_map(run, tmp_path / "one", "--region", region, "--ranges", tmp_path / "ranges") as tiff:
        read, model = tiff.read(), tiff.tags()["model"]
    with make_map(run, tmp_path / "other", "--region", region, "--occurrences", records) as tiff:
        np.testing.assert_array_equal(read, tiff.read())
    assert model == "ranges on mine"


def test_all_taxa_of_the_tables_are_fitted_and_taxa_without_photos_can_be_mapped(
    run: Path, region: Path, records: Path, tmp_path: Path
) -> None:
    main([*map(str, ("fit", records, "--run", run, "--region", region, "--out", tmp_path / "ranges", "--way", "both"))])
    facts = load_ranges(tmp_path / "ranges").facts
    assert facts.taxa == TAXA and facts.tables == ("records.csv",) and facts.way == "both"
    with make_map(run, tmp_path, "--region", region, "--ranges", tmp_path / "ranges", taxon=OTHER) as tiff:
        assert np.isfinite(tiff.read()).all()


def test_several_taxa_share_one_fit_and_a_bad_name_does_not_stop_the_others(
    region: Path, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted: list[tuple[str, ...]] = []
    fit = fits.fit_points
    monkeypatch.setattr(fits, "fit_points", lambda *given, **named: (fitted.append(given[3]), fit(*given, **named))[1])
    words = ("map", TAXON, "Corvus corix", OTHER, "--region", region, "--occurrences", records, "--out", tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    printed = capsys.readouterr()
    assert ended.value.code == 1 and "Corvus corix is not mapped: taxon 'Corvus corix'" in printed.err
    assert fitted == [(TAXON, OTHER)]
    endings = (".tif", ".png", "_effort.tif")
    files = [str(tmp_path / f"{name}{ending}") for name in ("Corvus_corax", "Pica_pica") for ending in endings]
    assert printed.out.splitlines() == files


def test_several_taxa_in_one_pass_are_mapped_as_each_alone(
    region: Path, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = write_records(tmp_path / "more.csv", [("Sitta europaea", land_places(BOX, 20, 2))])
    taxa = (TAXON, OTHER, "Sitta europaea")
    tables, fitted = (records, more), tmp_path / "ranges"
    fits.fit_ranges(FitRequest(tables=tables, region=region, out=fitted))
    monkeypatch.setattr(map_taxon, "_TOGETHER", 2)
    asked: dict[str, Any] = {"ranges": fitted, "months": (1, 7), "points": tables}
    with pytest.raises(InputError, match="has no place of 'Sitta europaea'"):
        map_taxon.map_taxon(MapRequest(taxon="Sitta europaea", **(asked | {"points": records}), out=tmp_path / "no"))
    asked["points"] = ()
    together = map_taxon.map_taxon(MapRequest(taxon=taxa, **asked, out=tmp_path / "together"))
    assert [one.taxon for one in together.maps] == list(taxa) and not together.failed
    for one in together.maps:
        alone = map_taxon.map_taxon(MapRequest(taxon=one.taxon, **asked, out=str(tmp_path / "alone")))
        assert [file.name for file in alone.files] == [file.name for file in one.files]
        assert alone.maps[0].evaluation == one.evaluation and one.evaluation
        # Products of another shape round otherwise, in the last place of single precision.
        np.testing.assert_allclose(*(rasterio.open(made.files[0]).read() for made in (one, alone)), atol=2e-7, rtol=0)
    assert together.to_dict()["maps"][1] == {
        "taxon": OTHER,
        "files": [str(tmp_path / "together" / f"Pica_pica{end}") for end in (".tif", ".png", "_effort.tif")],
        "evaluation": dict(together.maps[1].evaluation),
    }


def test_of_several_taxa_only_those_that_can_be_mapped_are(run: Path, region: Path, tmp_path: Path) -> None:
    land = land_places(BOX, 12)
    table = write_records(tmp_path / "some.csv", [(TAXON, land), (OTHER, land + np.array([30, 0]))])
    (tmp_path / "Parus_major.tif").write_text("mine")
    asked: dict[str, Any] = {"region": region, "out": tmp_path, "trust_places": True, "occurrences": table}
    made = map_taxon.map_taxon(MapRequest(taxon=("Parus major", OTHER, TAXON), **asked))
    assert [one.taxon for one in made.maps] == [TAXON]
    assert "exists already" in made.failed["Parus major"] and "its records lie outside" in made.failed[OTHER]
    from_photos = map_taxon.map_taxon(MapRequest(taxon=(OTHER, TAXON), run=run, region=region, out=tmp_path / "photos"))
    assert list(from_photos.failed) == [OTHER] and [one.taxon for one in from_photos.maps] == [TAXON]
    nothing = map_taxon.map_taxon(MapRequest(taxon=(OTHER, "Parus major"), run=run, **BOX_2, out=tmp_path / "none"))
    assert nothing.maps == () and len(nothing.failed) == 2 and not (tmp_path / "none").exists()


def test_a_range_model_and_records_on_a_region_need_no_run(
    region: Path, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_taxon, "load_run", lambda _: pytest.fail("a run was opened"))
    monkeypatch.setattr(fits, "load_run", lambda _: pytest.fail("a run was opened"))
    fits.fit_ranges(FitRequest(tables=records, region=region, out=tmp_path / "ranges"))
    from_model = map_taxon.map_taxon(MapRequest(taxon=TAXON, ranges=tmp_path / "ranges", out=tmp_path / "one"))
    from_records = map_taxon.map_taxon(
        MapRequest(taxon=TAXON, occurrences=records, region=region, out=tmp_path / "other")
    )
    for made in (from_model, from_records):
        with rasterio.open(made.files[0]) as tiff:
            assert tiff.tags()["model"].endswith("on mine") and np.isfinite(tiff.read()).all()


def test_without_a_region_its_cells_are_embedded_beside_the_map(run: Path, records: Path, tmp_path: Path) -> None:
    words = (box_option(BOX), "--grid", 4, "--imagery", IMAGERY, "--workers", 0, "--occurrences", records)
    with make_map(run, tmp_path, *words) as tiff:
        assert tiff.shape == (3, 3)
    assert (tmp_path / "region" / "region.json").is_file()


def test_every_format_holds_the_same_cells(run: Path, region: Path, records: Path, tmp_path: Path) -> None:
    also = ("--also", "netcdf", "gif", "parquet", "csv")
    words = ("--region", region, "--occurrences", records, "--months", 3, 9, "--points", records)
    with make_map(run, tmp_path, *words, *also) as tiff:
        cells = tiff.read()
    kinds = (
        ".tif",
        ".json",
        ".qml",
        ".png",
        ".nc",
        ".gif",
        ".parquet",
        ".csv",
        "_effort.tif",
        "_effort.json",
        "_effort.qml",
    )
    assert {file.name for file in tmp_path.iterdir()} == {f"Corvus_corax{kind}" for kind in kinds}
    with Image.open(tmp_path / "Corvus_corax.gif") as gif:
        assert gif.n_frames == 2
    with Image.open(tmp_path / "Corvus_corax.png") as png:
        assert min(png.size) > 100
    with (tmp_path / "Corvus_corax.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "Corvus_corax.parquet")
    assert len(rows) == table.num_rows == CELLS
    for column, band in (("march", 0), ("september_low", 3), ("march_high", 4), ("applicability", 6)):
        np.testing.assert_array_equal(table[column].to_numpy(), cells[band].ravel())
        np.testing.assert_allclose([float(row[column]) for row in rows], cells[band].ravel(), atol=1e-5)


def test_files_that_are_there_are_kept_unless_they_may_be_overwritten(
    run: Path, region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("map", TAXON, "--run", run, "--region", region, "--occurrences", records, "--out", tmp_path)
    (tmp_path / "Corvus_corax.csv").write_text("mine")
    said = failed(capsys, *words, "--also", "csv")
    assert "Corvus_corax.csv exists already" in said and "(--overwrite, --out)" in said
    assert [file.name for file in tmp_path.iterdir()] == ["Corvus_corax.csv"]
    main([*map(str, words), "--also", "csv", "--overwrite"])
    assert (tmp_path / "Corvus_corax.csv").read_text() != "mine"


def test_what_cannot_be_is_refused_before_anything_is_written(
    run: Path, region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "maps"
    at = ("--run", run, "--region", region, "--out", out)
    words = ("map", TAXON, *at)
    said = failed(capsys, *words, "--also", "gif")
    assert "at least two months" in said and "(--months, --also)" in said
    said = failed(capsys, "map", "Corvus corix", *at, "--occurrences", records)
    assert "Corvus corix" in said and TAXON in said
    cells = (box_option(BOX), "--grid", 4, "--imagery", IMAGERY, "--workers", 0, "--occurrences", records)
    assert "Corvus corix" in failed(capsys, "map", "Corvus corix", "--run", run, *cells, "--out", out)
    assert "leave the records out" in failed(capsys, *words, "--occurrences", records, "--ranges", out)
    assert "way can be used with records to fit to only" in failed(capsys, *words, "--way", "both")
    assert "is not a range model" in failed(capsys, *words, "--ranges", tmp_path)
    assert "Corvus corax is named twice" in failed(capsys, "map", TAXON, TAXON, *at)
    assert not out.exists()


def test_a_range_model_of_another_run_is_refused(
    run: Path, region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = tmp_path / "ranges"
    main([*map(str, ("fit", records, "--run", run, "--region", region, "--out", fitted))])
    other = make_run(tmp_path / "other", seed=1)
    words = ("map", TAXON, "--run", other, "--ranges", fitted, "--out", tmp_path / "maps")
    assert "embedded by the run 'mine'" in failed(capsys, *words, "--region", region)
    own = embed(other, tmp_path / "region", BOX, step=6)
    assert "was fitted on chip features of the run 'mine'" in failed(capsys, *words, "--region", own)
    fit = ("fit", records, "--run", other, "--region", region, "--out", tmp_path / "new")
    assert "embedded by the run 'mine'" in failed(capsys, *fit)
    assert not (tmp_path / "maps").exists() and not (tmp_path / "new").exists()


def test_a_range_model_replaces_one_and_nothing_else(
    run: Path, region: Path, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = shutil.copytree(run, tmp_path / "mine")
    before = {file.name for file in mine.iterdir()}
    said = failed(capsys, "fit", records, "--region", region, "--out", mine)
    assert f"{mine} holds something that is not a range model; choose another folder. (--out)" in said
    assert {file.name for file in mine.iterdir()} == before
    for taxa in (TAXON, OTHER):
        main(["fit", str(records), "--region", str(region), "--out", str(tmp_path / "ranges"), "--taxa", taxa])
    assert load_ranges(tmp_path / "ranges").facts.taxa == (OTHER,)


def test_records_elsewhere_or_all_in_one_cell_are_refused(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    land = land_places(BOX, 12)
    far = write_records(tmp_path / "far.csv", [(TAXON, land + np.array([30, 0]))])
    one = write_records(tmp_path / "one.csv", [(TAXON, np.repeat(land[:1], 5, axis=0))], dated=True)
    words = ("--region", region, "--out", tmp_path / "ranges", "--trust-places")
    assert "none of 12 records lies in the region" in failed(capsys, "fit", far, *words)
    assert "one place does not tell" in failed(capsys, "fit", one, *words)
    assert not (tmp_path / "ranges").exists()


def test_records_that_are_dropped_are_counted_on_stderr(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    land = land_places(BOX, 12)
    table = write_records(
        tmp_path / "some.csv", [(TAXON, np.concatenate([land, land[:3] + np.array([30, 0]), land + 1e-3]))]
    )
    main([*map(str, ("fit", table, "--region", region, "--out", tmp_path / "ranges", "--trust-places"))])
    said = capsys.readouterr().err
    assert "3 records dropped: outside the region" in said
    assert "records dropped: another record of the same taxon in the same cell and month" in said


def test_taxa_without_a_record_in_the_cells_are_not_in_the_model(run: Path, tmp_path: Path) -> None:
    region, progress = tmp_path / "land", RecordedProgress()
    asked = EmbedRequest(run=run, paths=region, box=(36, 56, 40, 60), grid=2, imagery=IMAGERY, land_only=True)
    embed_region(asked)
    places = [(TAXON, np.array([(39.2, 57.2), (38.8, 56.8), (39.1, 59.1)]))]
    at_sea = [(OTHER, np.array([(36.5, 56.5), (37.5, 57.5)]))]
    tables = write_records(tmp_path / "records.csv", places + at_sea)
    fitted = fits.fit_ranges(
        FitRequest(tables=tables, region=region, out=tmp_path / "ranges", trust_places=True), progress
    )
    assert fitted.model.facts.taxa == (TAXON,) and min(fitted.model.facts.points) > 0
    assert f"1 taxa have no record in the region's cells and are not in the model: {OTHER}." in progress.notes


def test_a_table_with_columns_of_other_names_is_read_when_they_are_told(
    run: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_records(tmp_path / "usual.csv", [(TAXON, land_places(BOX, 15))])
    head, rows = table.read_text().split("\n", 1)
    own = tmp_path / "own.csv"
    own.write_text(f"{head.replace('taxon', 'bird').replace('lon', 'x').replace('lat', 'y')}\n{rows}")
    words = ("map", TAXON, "--run", run, "--region", region, "--out", tmp_path)
    assert "columns taxon=COLUMN" in failed(capsys, *words, "--occurrences", own)
    named = ("--columns", "taxon=bird", "lon=x", "lat=y")
    assert "columns can be used with records to fit to only" in failed(capsys, *words, *named)
    main([*map(str, words), "--occurrences", str(own), *named])
    assert (tmp_path / "Corvus_corax.tif").is_file()
    drawn = {"taxon": TAXON, "run": run, "region": region, "points": own, "out": tmp_path / "photos"}
    with pytest.raises(InputError, match="columns taxon=COLUMN"):
        map_taxon.map_taxon(MapRequest(**drawn))
    map_taxon.map_taxon(MapRequest(**drawn, columns=named[1:], crs="EPSG:4326"))  # of a map from photos, for its points
    with pytest.raises(InputError, match="no table to draw has a column 'birds'; nearest: 'bird'"):
        map_taxon.map_taxon(MapRequest(**(drawn | {"out": tmp_path / "no"}), columns=("taxon=birds", *named[2:])))


def test_undated_records_say_that_all_months_are_the_same(
    run: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_records(tmp_path / "undated.csv", [(TAXON, land_places(BOX, 15))])
    with make_map(run, tmp_path, "--region", region, "--occurrences", table, "--months", 1, 7) as tiff:
        np.testing.assert_array_equal(tiff.read(1), tiff.read(2))
    assert "so all months are the same" in capsys.readouterr().err


def test_a_map_from_both_needs_photos_of_a_taxon(
    run: Path, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_records(tmp_path / "other.csv", [(OTHER, land_places(BOX, 15))])
    words = ("map", OTHER, "--run", run, "--region", region, "--occurrences", table, "--way", "both")
    said = failed(capsys, *words, "--out", tmp_path / "maps")
    assert "has photos" in said and "fit from occurrences alone" in said


@pytest.mark.parametrize("verb", ["map", "fit"])
def test_help_tells_of_every_option(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert f"birdsat {verb}" in printed and "--out" in printed
    for option in {"map": ("--ranges", "--within"), "fit": ("--region", "--taxa")}[verb]:
        assert option in printed


def test_points_are_looked_at_before_the_fit(
    region: Path, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_taxon, "fit_records", lambda *given, **named: pytest.fail("it was fitted"))
    asked: dict[str, Any] = {"taxon": TAXON, "region": region, "occurrences": records, "out": tmp_path / "out"}
    elsewhere = write_records(tmp_path / "elsewhere.csv", [(TAXON, np.array([[170.0, -40.0]]))])
    with pytest.raises(InputError, match=r"elsewhere.csv has no place of 'Corvus corax' within"):
        map_taxon.map_taxon(MapRequest(**asked, points=elsewhere))
    another = write_records(tmp_path / "another.csv", [("Corvus cornix", np.array([[11.0, 41.0]]))])
    with pytest.raises(
        InputError, match=r"another.csv has no place of 'Corvus corax' to draw; nearest: 'Corvus cornix'"
    ):
        map_taxon.map_taxon(MapRequest(**asked, points=another))
    assert not (tmp_path / "out").exists()


def test_a_map_without_a_picture_holds_the_same_and_one_can_be_drawn_elsewhere(
    run: Path, region: Path, records: Path, tmp_path: Path
) -> None:
    words: dict[str, Any] = {"taxon": (TAXON,), "occurrences": (records,), "run": run, "region": region}
    bare = map_taxon.map_taxon(MapRequest(**words, out=tmp_path / "bare", picture=False)).maps[0].files
    whole = map_taxon.map_taxon(MapRequest(**words, out=tmp_path / "whole")).maps[0].files
    assert {file.suffix for file in whole} - {file.suffix for file in bare} == {".png"}
    with rasterio.open(bare[0]) as one, rasterio.open(whole[0]) as other:
        assert np.array_equal(one.read(), other.read(), equal_nan=True)
    with pytest.raises(ConfigError, match="panels"):
        MapRequest(**words, picture=False, panels=("uncertainty",))
