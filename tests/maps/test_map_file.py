"""A map on disk: valid, described, whole or absent, and read back as it was written."""

import json
import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from small_maps import GRIDS, described, numbers, written

from birdsat.earth.box import Box
from birdsat.earth.cog import create_cog
from birdsat.earth.grid import AnyGrid, Grid
from birdsat.errors import ConfigError, InputError
from birdsat.maps import map_file
from birdsat.maps.description import ELSEWHERE, RECORDS, RICHNESS, SCORE, SUITABILITY, MapDescription, description_from
from birdsat.maps.making import Making
from birdsat.maps.map_file import MapFile, create_map

GRID = GRIDS[0]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_a_map_is_a_valid_cog_with_named_bands_and_comes_back_with_its_description(
    tmp_path: Path, grid: AnyGrid
) -> None:
    path, description = tmp_path / "map.tif", described(grid)
    values = written(path, description)
    assert cog_validate(path)[0]
    with rasterio.open(path) as raster:
        assert raster.descriptions == (
            "January",
            "July",
            "December",
            "January std",
            "July std",
            "December std",
            "area of applicability",
        )
        assert raster.tags()["units"] == "1" and raster.tags()["model"] == "runs/demo"
        np.testing.assert_array_equal(raster.read(), values)
    with MapFile(path) as opened:
        found = opened.description
        assert found.evaluation["auc"] == 0.9 and math.isnan(found.evaluation["unknown"])
        assert replace(found, evaluation={}) == described(grid, evaluation={})
        layers = opened.read(slice(3, 9), slice(5, 12))
        np.testing.assert_array_equal(layers.value, values[:3, 3:9, 5:12])
        assert layers.std is not None and layers.applicability is not None
        np.testing.assert_array_equal(layers.std, values[3:6, 3:9, 5:12])
        np.testing.assert_array_equal(layers.applicability, values[6, 3:9, 5:12])
        assert (layers.first_row, layers.first_column) == (3, 5)


def test_lows_and_highs_of_an_interval_are_bands_and_come_back(tmp_path: Path) -> None:
    description = described(GRIDS[0], months=(1, 7), std=False, interval=0.8)
    values = written(tmp_path / "map.tif", description)
    with rasterio.open(tmp_path / "map.tif") as raster:
        of_months = ("January", "July", "January low", "July low", "January high", "July high")
        assert raster.descriptions == (*of_months, "area of applicability")
        name = description.quantity.name
        assert raster.tags(1)["long_name"] == f"{name}, January"
        assert raster.tags(4)["long_name"] == f"{name}, July: lower bound of the 80% interval"
        assert raster.tags(7)["long_name"] == "area of applicability: 1 inside, 0 outside"
    with MapFile(tmp_path / "map.tif") as opened:
        assert replace(opened.description, evaluation={}) == replace(description, evaluation={})
        layers = opened.read()
        assert layers.std is None and layers.low is not None and layers.high is not None
        np.testing.assert_array_equal(np.concatenate([layers.low, layers.high]), values[2:6])
        smaller = opened.decimated(10)
        assert smaller.low is not None and smaller.high is not None
        known = np.isfinite(smaller.value)
        assert (smaller.low[known] <= smaller.value[known]).all() and (
            smaller.value[known] <= smaller.high[known]
        ).all()
    assert json.loads((tmp_path / "map.json").read_text())["interval"] == 0.8


def test_lows_and_highs_without_an_area_of_applicability_come_back(tmp_path: Path) -> None:
    description = described(GRIDS[0], months=(), std=False, interval=0.8, applicability=False)
    values = written(tmp_path / "map.tif", description)
    with MapFile(tmp_path / "map.tif") as opened:
        layers = opened.read()
        assert layers.low is not None and layers.high is not None and layers.applicability is None
        np.testing.assert_array_equal(np.concatenate([layers.value, layers.low, layers.high]), values)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.8, math.nan])
def test_an_interval_that_holds_no_share_or_all_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"interval is .*above 0 and below 1"):
        described(GRIDS[0], interval=share)


def test_a_map_of_the_release_before_whose_standard_deviations_were_called_spreads_is_read(tmp_path: Path) -> None:
    description = described(GRIDS[0])
    values = written(tmp_path / "map.tif", description)
    with rasterio.open(tmp_path / "map.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.descriptions = [(name or "").replace(" std", " spread") for name in raster.descriptions]
    with MapFile(tmp_path / "map.tif") as opened:
        assert opened.description.band_names == description.band_names
        np.testing.assert_array_equal(opened.read().std, values[3:6])


def test_a_map_of_the_release_before_that_was_called_a_probability_is_read(tmp_path: Path) -> None:
    values = written(tmp_path / "map.tif", described(GRIDS[0]))
    new = ("quantity_meaning", "quantity_std", "quantity_std_explanation", "calibrated", "dated", "of_land")
    with rasterio.open(tmp_path / "map.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        tags = {name: text for name, text in raster.tags().items() if name not in new}
        raster.update_tags(ns="", **dict.fromkeys(raster.tags(), ""))
        raster.update_tags(**tags | {"quantity": "probability of occurrence"})
    with MapFile(tmp_path / "map.tif") as opened:
        about = opened.description
        assert about.quantity.name == "probability of occurrence" and about.dated and about.calibrated is None
        assert about.quantity.std == SUITABILITY.std and about.quantity.std_explanation == SUITABILITY.std_explanation
        np.testing.assert_array_equal(opened.read().value, values[:3])


def test_the_file_beside_it_says_what_could_not_be_calibrated_and_evaluated(tmp_path: Path) -> None:
    sources = {"observer bias": "not corrected"}
    for changes, said in (
        ({"calibrated": True}, ()),
        ({"calibrated": None, "evaluation": {}}, ()),  # of a kind that is not
        (
            {"calibrated": True, "evaluation": {}},
            ("not evaluated: too few records, or in too few places, to hold any out",),
        ),
        (
            {"calibrated": True, "evaluation": {}, "not_held_out": "records lie along a line"},
            ("not evaluated: records lie along a line",),
        ),
        ({"calibrated": True, "evaluation": {"held_out_block_km": 500.0}}, ()),
        ({"calibrated": True, "sources": {RECORDS: "40", ELSEWHERE: "10"}}, ()),
        (
            {"calibrated": True, "sources": {RECORDS: "7", ELSEWHERE: "1055"}},
            ("1,055 of 1,062 records lie in no cell of it, as at sea, and are not mapped",),
        ),
        (
            {"calibrated": True, "evaluation": {"held_out_block_km": 61.0}},
            ("evaluated on blocks of 61 km among the records: nothing tells how good it is elsewhere",),
        ),
        (
            {"calibrated": False, "evaluation": {}, "sources": sources, "dated": False, "months": ()},
            (
                "not calibrated, not evaluated: too few records, or in too few places, to hold any out",
                "observer bias not corrected",
                "undated: the same in all months",
            ),
        ),
    ):
        written(tmp_path / "map.tif", described(GRID, **changes))
        beside = json.loads((tmp_path / "map.json").read_text())
        assert beside["calibrated"] is changes["calibrated"]
        assert beside["evaluated"] is (changes.get("evaluation") != {})
        assert tuple(beside["cautions"]) == said
        with MapFile(tmp_path / "map.tif") as opened:
            assert opened.description.cautions == said
    assert beside["dated"] is False and beside["bands"] == ["year", "year std", "area of applicability"]


@pytest.mark.parametrize(
    "changes",
    [
        {"months": ()},
        {"months": (), "std": False, "applicability": False, "quantity": RICHNESS},
        {"std": False},
        {"months": (), "dated": False, "calibrated": False, "of_land": True},
        {"dated": False, "calibrated": True},
        {"applicability": False, "quantity": SCORE, "title": "Ünïcode ✓, with \"quotes\" & 'more'", "sources": {}},
    ],
)
def test_every_kind_of_map_comes_back_as_it_was_described(tmp_path: Path, changes: dict[str, Any]) -> None:
    description = described(GRID, evaluation={}, **changes)
    values = written(tmp_path / "map.tif", description)
    with MapFile(tmp_path / "map.tif") as opened:
        assert opened.description == description
        layers = opened.read()
    assert (layers.std is not None, layers.applicability is not None) == (
        description.std,
        description.applicability,
    )
    np.testing.assert_array_equal(layers.value, values[: len(description.layers)])


def test_the_file_beside_it_tells_what_the_map_is_and_how_much_of_it_has_values(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRID))
    beside = json.loads((tmp_path / "map.json").read_text())
    assert beside["taxon"] == "Corvus corax" and beside["model"] == "runs/demo" and beside["months"] == [1, 7, 12]
    assert beside["quantity"] == "relative suitability" and beside["units"] == "1"
    assert beside["evaluation"] == {"auc": 0.9, "unknown": None} and beside["sources"] == {"imagery": "mosaic.tif"}
    assert beside["grid"]["step"] == "1 degree" and beside["grid"]["epsg"] == 4326
    assert (beside["cells_with_value"], beside["cells_without_value"]) == (GRID.rows * GRID.columns - 9, 9)
    assert datetime.fromisoformat(beside["created"]).tzinfo is not None
    with MapFile(tmp_path / "map.tif") as opened:
        assert opened.created == beside["created"]


def test_blocks_cover_the_map_once_in_whole_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(Box(0, 0, 60, 60), 0.1)
    description = described(grid, months=(1,), std=False)
    values = written(tmp_path / "map.tif", description, block=200)
    monkeypatch.setattr(map_file, "_BLOCK_BYTES", 1)  # as of a grid that is much wider: one tile at a time
    joined, windows = np.full((1, *grid.shape), -1, np.float32), 0
    with MapFile(tmp_path / "map.tif") as opened:
        for block in opened.blocks():
            _, rows, columns = block.value.shape
            assert rows <= 256 and columns <= 256
            part = joined[
                :, block.first_row : block.first_row + rows, block.first_column : block.first_column + columns
            ]
            assert (part == -1).all()
            part[:] = block.value
            windows += 1
        small = opened.decimated(150)
    assert windows == 9
    np.testing.assert_array_equal(joined, values[:1])
    assert small.value.shape == (1, 150, 150)
    assert small.value[0, 0, 0] == pytest.approx(1, abs=0.01) and small.value[0, -1, -1] == pytest.approx(
        0.25, abs=0.01
    )


@pytest.mark.parametrize("rows", [0, 1, 33])
def test_missing_rows_leave_neither_file(tmp_path: Path, rows: int) -> None:
    with (
        pytest.raises(InputError, match=f"ends at row {rows}"),
        create_map(tmp_path / "map.tif", described(GRID)) as sink,
    ):
        if rows:
            sink.write(0, numbers(described(GRID))[:, :rows])
    assert list(tmp_path.iterdir()) == []


def test_an_error_on_the_way_leaves_the_old_map_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    written(path, described(GRID))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(KeyboardInterrupt), create_map(path, described(GRID, title="Pica pica")) as sink:
        sink.write(0, numbers(described(GRID)))
        raise KeyboardInterrupt
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_infinite_values_and_rows_that_do_not_fit_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    values = numbers(described(GRID))
    infinite = values.copy()
    infinite[0, 0, 0] = np.inf
    wrong = {
        "infinite": infinite,
        "of float32 is needed": values[:-1],
        "of float64; .* of float32": values.astype(float),
    }
    for words, rows in wrong.items():
        with pytest.raises(InputError, match=words), create_map(tmp_path / "map.tif", described(GRID)) as sink:
            sink.write(0, rows)
        assert list(tmp_path.iterdir()) == []


def test_another_ending_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not end in \.tif"), create_map(tmp_path / "map.json", described(GRID)):
        pass
    with pytest.raises(InputError, match="cannot be written"), create_map(tmp_path / "a" / "map.tif", described(GRID)):
        pass


@pytest.mark.parametrize("months", [(0,), (13,), (1, 1)])
def test_impossible_months_are_refused(months: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="month"):
        described(GRID, months=months)


def test_rasters_that_are_not_a_map_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    tags = described(GRID).tags("2026-01-01T00:00:00+00:00")
    moved = Grid(Box(112, -44, 153, -10), 1)
    for grid, wrong, names, words in (
        (GRID, {}, described(GRID).band_names, "its tags are not those of a map"),
        (GRID, tags | {"months": "1,x"}, described(GRID).band_names, "its tags are not those of a map"),
        (GRID, tags, described(GRID).band_names[1:], "its bands are"),
        (moved, tags, described(GRID).band_names, "its cells are not where its tags say"),
    ):
        with create_cog(path, grid, band_names=names, tags=wrong) as sink:
            sink.write(0, np.zeros((len(names), *grid.shape), np.float32))
        with pytest.raises(InputError, match=f"is not a map of birdsat: {words}"):
            MapFile(path)


def test_a_description_names_layers_by_month_or_by_quantity() -> None:
    assert described(GRID, months=(), applicability=False).band_names == (
        "relative suitability",
        "relative suitability std",
    )
    assert MapDescription(title="a", grid=GRID, months=(2,), quantity=SCORE, model="b").band_names == ("February",)


@pytest.mark.parametrize(
    "making",
    [
        "[]",
        "5",
        "{",
        '{"thresholds": {"p10": "nan"}}',
        '{"thresholds": {"p10": 7}}',
        '{"thresholds": [1]}',
        '{"rows": 5}',
        '{"rows": {"dropped": []}}',
        '{"versions": {"a"}}',
    ],
)
def test_what_somebody_wrote_of_the_making_of_a_map_is_refused_in_one_sentence(tmp_path: Path, making: str) -> None:
    written(tmp_path / "map.tif", described(GRID))
    with rasterio.open(tmp_path / "map.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.update_tags(making=making)
    with pytest.raises(InputError, match="its tags are not those of a map"):
        MapFile(tmp_path / "map.tif")


def test_a_map_of_an_earlier_release_is_read_and_says_nothing_of_its_making(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRID, making=Making(thresholds={"p10": 0.3}, rows={"rows": 3})))
    with MapFile(tmp_path / "map.tif") as opened:
        assert opened.description.making.thresholds == {"p10": 0.3} and opened.description.making.rows == {"rows": 3}
    tags = {name: text for name, text in described(GRID).tags("").items() if name != "making"}
    assert description_from(tags, described(GRID).band_names).making == Making()


def test_the_standard_deviation_of_a_richness_of_an_earlier_release_is_not_that_of_members() -> None:
    richness = described(GRID, quantity=RICHNESS, is_taxon=False)
    tags = {name: text for name, text in richness.tags("").items() if not name.startswith("quantity_std")}
    assert description_from(tags, richness.band_names).quantity == richness.quantity


def test_a_taxon_without_figures_of_its_own_is_not_evaluated_by_those_of_others() -> None:
    figures = {"held_out_taxa": 4.0, "held_out_auc": 0.9}
    others = described(GRID, calibrated=True, evaluation=figures, not_held_out="too few of its records")
    assert not others.evaluated
    assert others.cautions == ("calibrated with other taxa, not evaluated: too few of its records",)
    own = described(GRID, calibrated=True, evaluation=figures | {"taxon_held_out_points": 9.0})
    assert own.evaluated and not own.cautions
    by_chance = {"taxon_held_out_auc": 0.52, "taxon_held_out_auc_low": 0.44}
    noise = described(GRID, calibrated=True, evaluation={**own.evaluation, **by_chance})
    assert noise.evaluated
    assert noise.cautions == (
        "on blocks held out, records could not be told from other places (AUC 0.52, by chance 0.5)",
    )
    before = described(GRID, calibrated=True, evaluation=figures)  # of a release that did not keep it
    assert before.evaluated and not before.cautions
