"""Covariates from the command line: fitted to, remembered, read again for maps, refused where they changed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_embeddings import write_raster
from made_records import write_records
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.cli import main
from birdsat.earth.crs import WGS84, read_crs, transformed
from birdsat.earth.land import on_land
from birdsat.errors import ConfigError, InputError
from birdsat.ranges.load import load_ranges
from birdsat.workflows.fit_ranges import fit_ranges
from birdsat.workflows.map_taxon import map_taxon
from birdsat.workflows.requests.maps import MapRequest, SpeciesRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.species import species_at

pytestmark = pytest.mark.usefixtures("small_fits", "small_world")

TAXON, OTHER = "Corvus corax", "Pica pica"
EUROPE = (-20.0, 30.0, 50.0, 70.0)


def places(west: float, south: float, east: float, north: float, count: int = 40) -> NDArray[np.float64]:
    generator = np.random.default_rng(0)
    lon, lat = generator.uniform(west, east, 50 * count), generator.uniform(south, north, 50 * count)
    land = np.flatnonzero(on_land(lon, lat))[:count]
    return np.column_stack([lon[land], lat[land]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Records of two taxa in Europe, and rasters of it: warmth, and classes in its western half."""
    write_records(tmp_path / "t.csv", [(TAXON, places(0, 42, 20, 55)), (OTHER, places(10, 45, 30, 60))])
    generator = np.random.default_rng(0)
    warmth = np.linspace(0, 20, 80)[:, None] + generator.normal(0, 1, (80, 140))
    write_raster(tmp_path / "warm.tif", warmth[None].astype(np.float32), EUROPE)
    classes = generator.choice(np.array([1, 2, 5], np.uint8), (1, 80, 70))
    write_raster(tmp_path / "cover.tif", classes, (-20, 30, 15, 70))
    return tmp_path


def options(folder: Path) -> list[str]:
    return ["--covariates", f"warm={folder / 'warm.tif'}", f"cover={folder / 'cover.tif'}:categorical"]


def fitted(folder: Path) -> Path:
    main(["fit", str(folder / "t.csv"), "--out", str(folder / "m"), "--box=0,40,32,60", *options(folder)])
    return folder / "m"


def mapped_alike_without_what_is_kept(folder: Path) -> None:
    main(["map", TAXON, "--ranges", str(folder / "m"), "--out", str(folder / "a")])
    for kept in (folder / "m").glob("cells-*"):
        kept.unlink()
    main(["map", TAXON, "--ranges", str(folder / "m"), "--out", str(folder / "b")])
    one, other = (rasterio.open(folder / name / "Corvus_corax.tif").read() for name in "ab")
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_model_remembers_its_covariates_and_maps_are_read_from_them(folder: Path) -> None:
    facts = load_ranges(fitted(folder)).facts
    assert facts.inputs == ("chip", "place", "covariates")
    assert [(one.name, one.file, one.classes) for one in facts.rasters] == [
        ("warm", "../warm.tif", ()),
        ("cover", "../cover.tif", (1, 2, 5)),
    ]
    mapped_alike_without_what_is_kept(folder)
    said = json.loads((folder / "a" / "Corvus_corax.json").read_text())
    assert "chip, place, warm (warm.tif), cover (cover.tif)" in json.dumps(said)


def test_a_raster_that_changed_is_refused_and_its_old_features_are_not_read(folder: Path) -> None:
    ranges = fitted(folder)
    write_raster(folder / "warm.tif", np.ones((1, 8, 8), np.float32), EUROPE)
    species = SpeciesRequest(ranges=ranges, place="10,50", month=6)
    with pytest.raises(InputError, match=r"'warm' was read from .*which has changed since"):
        species_at(species)
    with pytest.raises(InputError, match="which has changed since"):  # though what the model sees there is kept
        map_taxon(MapRequest(taxon=TAXON, ranges=ranges, out=folder / "maps"))
    (folder / "warm.tif").unlink()
    with pytest.raises(InputError, match="which is gone"):
        species_at(species)


def test_a_fit_with_another_raster_is_another_request(folder: Path) -> None:
    request = FitRequest(
        tables=folder / "t.csv", out=folder / "m", box="0,40,32,60", covariates=[f"warm={folder / 'warm.tif'}"]
    )
    first = fit_ranges(request).model.facts
    progress = RecordedProgress()
    assert fit_ranges(request, progress).model.facts == first
    assert any("holds the range model of this request already" in note for note in progress.notes)
    values = np.random.default_rng(5).random((1, 8, 8)).astype(np.float32)
    write_raster(folder / "warm.tif", values, EUROPE)
    assert fit_ranges(request).model.facts.rasters != first.rasters


def test_the_same_raster_elsewhere_is_read_from_there(folder: Path) -> None:
    asked = FitRequest(
        tables=folder / "t.csv", out=folder / "m", box="0,40,32,60", covariates=[f"warm={folder / 'warm.tif'}"]
    )
    fit_ranges(asked)
    (folder / "rasters").mkdir()
    (folder / "warm.tif").rename(folder / "rasters" / "warm.tif")
    progress = RecordedProgress()
    model = fit_ranges(replace(asked, covariates=[f"warm={folder / 'rasters' / 'warm.tif'}"]), progress).model
    assert not any("already" in note for note in progress.notes)
    assert model.facts.rasters[0].file == "../rasters/warm.tif"
    map_taxon(MapRequest(taxon=TAXON, ranges=folder / "m", out=folder / "maps"))


def write_column(path: Path, lon_lat: NDArray[np.float64]) -> Path:
    rows = "".join(f"{lon},{lat},{70 - lat}\n" for lon, lat in lon_lat.tolist())
    path.write_text(f"decimalLongitude,decimalLatitude,warm\n{rows}")
    return path


def test_columns_of_a_table_of_places_are_covariates_too(folder: Path) -> None:
    lon, lat = np.meshgrid(np.arange(-0.5, 33, 0.2), np.arange(39.5, 61, 0.2))
    table = write_column(folder / "env.csv", np.column_stack([lon.ravel(), lat.ravel()]))
    given = ["--covariates", f"warm={table}:warm"]
    main(["fit", str(folder / "t.csv"), "--out", str(folder / "m"), "--box=0,40,32,60", *given])
    (warm,) = load_ranges(folder / "m").facts.rasters
    assert (warm.file, warm.column, warm.bands) == ("../env.csv", "warm", ("",))
    mapped_alike_without_what_is_kept(folder)
    assert "warm (env.csv:warm)" in (folder / "a" / "Corvus_corax.json").read_text()


def test_tables_of_covariates_are_read_by_the_crs_and_columns_of_the_records(folder: Path) -> None:
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.arange(-0.5, 33, 0.2), np.arange(39.5, 61, 0.2)))
    crs, own = read_crs("EPSG:3035"), np.random.default_rng(0).choice(["bare", "wood"], len(lon))

    def write(
        name: str, lon: NDArray[np.float64], lat: NDArray[np.float64], words: NDArray[np.str_], head: str
    ) -> None:
        rows = zip(*(axis.tolist() for axis in (*transformed(WGS84, crs, lon, lat), words)), strict=True)
        (folder / name).write_text("\n".join([f"rw,hw,{head}", *(",".join(map(str, row)) for row in rows)]))

    recorded = places(0, 42, 20, 55)
    write("t.csv", *recorded.T, np.full(len(recorded), TAXON), "species")
    write("env.csv", lon, lat, own, "cover")
    given = ["--crs", "EPSG:3035", "--columns", "lon=rw", "lat=hw"]
    covariates = ["--covariates", f"cover={folder / 'env.csv'}:cover:categorical"]
    main(["fit", str(folder / "t.csv"), "--out", str(folder / "m"), "--box=0,40,32,60", *given, *covariates])
    model = load_ranges(folder / "m")
    (cover,) = model.facts.rasters
    assert (cover.lon, cover.lat, cover.crs, cover.words) == ("rw", "hw", "EPSG:3035", ("bare", "wood"))
    mapped_alike_without_what_is_kept(folder)


def test_a_column_that_was_measured_with_the_records_alone_is_refused_and_at_a_background_is_not(folder: Path) -> None:
    there = places(6, 45, 13, 49)
    write_records(folder / "t.csv", [(TAXON, there[:20]), (OTHER, there[20:])])
    own = write_column(folder / "own.csv", there)
    asked = FitRequest(tables=folder / "t.csv", out=folder / "m", box="0,40,32,60", covariates=[f"warm={own}"])
    with pytest.raises(InputError, match=r"'warm' is known at 100% of the places of records.*as background"):
        fit_ranges(asked)
    sites = write_column(folder / "sites.csv", np.concatenate([there, places(4, 44, 15, 50, 60)]))
    progress = RecordedProgress()
    fit_ranges(replace(asked, background=sites, covariates=[f"warm={sites}"], inputs=["covariates"]), progress)
    assert any("elsewhere a map is a guess" in note for note in progress.notes)


def test_a_model_of_covariates_alone_is_asked_by_every_verb_with_what_it_sees_kept_or_not(folder: Path) -> None:
    chosen = [*options(folder)[:2], "--inputs", "covariates"]
    main(["fit", str(folder / "t.csv"), "--out", str(folder / "m"), "--box=0,40,32,60", *chosen])
    place = SpeciesRequest(ranges=folder / "m", place="10,50", month=6, min_suitability=0)
    listed = species_at(place).to_dict()["taxa"]
    mapped_alike_without_what_is_kept(folder)
    again = species_at(place).to_dict()["taxa"]
    for mine, theirs in zip(listed, again, strict=True):
        assert mine["relative_suitability"] == pytest.approx(theirs["relative_suitability"], abs=2e-3)
    from_records = ["map", TAXON, "--occurrences", str(folder / "t.csv"), "--box=0,40,32,60", *chosen]
    main([*from_records, "--out", str(folder / "c")])
    main(["richness", str(folder / "m"), "--out", str(folder / "d")])


def test_one_that_is_the_same_everywhere_is_no_part_of_what_was_learned_from(folder: Path) -> None:
    write_raster(folder / "flat.tif", np.ones((1, 8, 8), np.float32), EUROPE)
    flat = f"flat={folder / 'flat.tif'}"
    given = ["--covariates", flat, *options(folder)[1:]]
    main(["fit", str(folder / "t.csv"), "--out", str(folder / "m"), "--box=0,40,32,60", *given])
    model = load_ranges(folder / "m")
    assert [one.name for one in model.facts.rasters] == ["flat", "warm", "cover"]
    assert model.inputs_text == "chip, place, warm (warm.tif), cover (cover.tif)"


def test_what_is_missing_in_a_half_is_noted(folder: Path) -> None:
    progress = RecordedProgress()
    request = FitRequest(
        tables=folder / "t.csv",
        out=folder / "m",
        box="0,40,32,60",
        covariates=[f"cover={folder / 'cover.tif'}:categorical"],
        inputs=["covariates"],
    )
    model = fit_ranges(request, progress).model
    assert model.facts.inputs == ("covariates",)
    assert any("'cover' is missing in" in note for note in progress.notes)


def test_a_map_from_records_is_fitted_with_covariates_and_where_it_is_drawn_they_are_read(folder: Path) -> None:
    outline = {
        "type": "Polygon",
        "coordinates": [[[2, 44], [12, 44], [12, 52], [2, 52], [2, 44]]],
    }
    (folder / "within.json").write_text(json.dumps(outline))
    request = MapRequest(
        taxon=TAXON,
        occurrences=folder / "t.csv",
        out=folder / "maps",
        within=folder / "within.json",
        covariates=[f"warm={folder / 'warm.tif'}"],
    )
    (made,) = map_taxon(request).maps
    with rasterio.open(made.files[0]) as tiff:
        assert np.isfinite(tiff.read(1)).any()


def test_a_raster_that_misses_the_box_is_refused_with_its_option(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_raster(folder / "far.tif", np.ones((1, 8, 8), np.uint8), (100, 0, 104, 4))
    command = ["fit", str(folder / "t.csv"), "--out", str(folder / "m"), "--covariates", f"far={folder / 'far.tif'}"]
    with pytest.raises(SystemExit):
        main(command)
    said = capsys.readouterr().err
    assert "'far' (far.tif) has no data in any cell of the box" in said and "--covariates" in said
    assert not (folder / "m" / "ranges.json").exists()


def test_covariates_belong_to_a_fit_and_not_to_a_model_that_is_there() -> None:
    with pytest.raises(ConfigError, match="covariates can be used with records to fit to only"):
        MapRequest(taxon=TAXON, ranges="m", covariates="a=b.tif")


def test_what_inputs_are_worth_lies_beside_the_model_and_is_shown_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", str(folder / "t.csv"), "--out", str(folder / "m"), "--box=0,40,32,60", *options(folder)]
    main([*command, "--ablate"])
    said = capsys.readouterr()
    assert "importance" in said.out and "without" in said.out
    assert said.err.count("'cover' is missing in") == 1  # not of every fit again
    own = folder / "m"
    rows = (own / "responses.csv").read_text().splitlines()
    assert rows[0] == "taxon,covariate,value,relative_suitability,std" and len(rows) == 1 + 2 * (33 + 3)
    assert (own / "responses.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((own / "ablation.json").read_text())["mean_auc"].keys() == {
        "all",
        "without chip",
        "without place",
        "without covariates",
    }
    main([*command, "--ablate"])
    assert capsys.readouterr().out == said.out


def test_a_fit_without_covariates_has_none_of_these_and_takes_those_of_another_away(folder: Path) -> None:
    ranges = fitted(folder)
    assert (ranges / "importance.json").is_file() and not (ranges / "ablation.json").exists()
    result = fit_ranges(FitRequest(tables=folder / "t.csv", out=ranges, box="0,40,32,60"))
    assert not list(ranges.glob("importance.*")) and not list(ranges.glob("responses.*"))
    assert result.explanation.tables() == () and "importance" not in result.to_dict()


def test_records_of_one_block_tell_nothing_of_inputs_which_is_noted(folder: Path) -> None:
    write_records(folder / "t.csv", [(TAXON, places(10, 50, 10.5, 50.5, 5))])
    progress = RecordedProgress()
    request = FitRequest(
        tables=folder / "t.csv", out=folder / "m", covariates=[f"warm={folder / 'warm.tif'}"], ablate=True
    )
    assert fit_ranges(request, progress).explanation.tables() == ()
    assert any("nothing was held out of the fit" in note for note in progress.notes)
