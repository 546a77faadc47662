"""Rasters over cells: means, shares of classes, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_embeddings import write_raster
from numpy.typing import NDArray
from recorded import RecordedProgress

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import InputError
from birdsat.ranges.covariates.cell_covariates import (
    MOST_CLASSES,
    check_unchanged,
    read_cells,
    read_facts,
    remembered_from,
)
from birdsat.ranges.covariates.facts import CovariateSource, covariates_of
from birdsat.ranges.covariates.named import NamedCovariate, parse_covariates

GRID = Grid(Box(0, 40, 4, 44), 1.0)  # 4 x 4 cells
ALL = np.arange(16)


BOUNDS = (0.0, 40.0, 4.0, 44.0)  # west, south, east, north


def numbers_of(*texts: str, grid: Grid = GRID) -> tuple[tuple[CovariateSource, ...], NDArray[np.float32]]:
    facts = read_facts(parse_covariates(texts), grid)
    return facts, read_cells(facts, None, grid).of(np.arange(grid.cells))


def test_a_cell_has_the_mean_of_its_pixels_in_any_order(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(5, 1, (1, 40, 40)).astype(np.float32)
    path = write_raster(tmp_path / "a.tif", values, BOUNDS)
    facts, found = numbers_of(f"a={path}")
    expected = values[0].reshape(4, 10, 4, 10).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
    read = read_cells(facts, None, GRID)
    np.testing.assert_array_equal(read.of(np.array([7, -1, 3, 7]))[[0, 2, 3]], found[[7, 3, 7]])
    assert np.isnan(read.of(np.array([-1]))).all()


def test_rasters_of_two_systems_and_several_bands_stand_side_by_side(tmp_path: Path) -> None:
    degrees = write_raster(tmp_path / "a.tif", np.full((1, 8, 8), 3, np.int16), BOUNDS)
    metres = write_raster(
        tmp_path / "b.tif",
        np.stack([np.full((60, 60), 1.5), np.full((60, 60), 2.5)]).astype(np.float32),
        (100_000, 4_300_000, 900_000, 5_000_000),
        crs="EPSG:32631",
        names=("bio1", "bio12"),
    )
    facts, found = numbers_of(f"a={degrees}", f"b={metres}")
    assert [one.name for one in covariates_of(facts)] == ["a", "b bio1", "b bio12"]
    np.testing.assert_allclose(found, np.tile([3, 1.5, 2.5], (16, 1)))


@pytest.mark.parametrize("palette", [False, True])
def test_of_classes_a_cell_has_the_share_of_each(palette: bool, tmp_path: Path) -> None:
    values = np.random.default_rng(1).choice(np.array([10, 20, 50], np.uint8), (1, 40, 40), p=[0.5, 0.3, 0.2])
    values[0, :10, :10] = 255  # no data in the first cell
    path = write_raster(tmp_path / "lc.tif", values, BOUNDS, nodata=255)
    if palette:
        with rasterio.open(path, "r+") as file:
            file.write_colormap(1, {one: (one, 0, 0, 255) for one in range(256)})
    facts, found = numbers_of(f"lc={path}:categorical")
    assert facts[0].classes == (10, 20, 50) and not facts[0].pooled
    assert np.isnan(found[0]).all()
    for column, one in enumerate((10, 20, 50)):
        share = (values[0] == one).reshape(4, 10, 4, 10).mean(axis=(1, 3)).ravel()
        np.testing.assert_allclose(found[1:, column], share[1:], atol=1e-6)


def test_of_very_many_classes_the_rare_ones_are_pooled_and_noted(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    weight = 1 / np.arange(1, 501)
    values = generator.choice(500, (1, 200, 200), p=weight / weight.sum()).astype(np.int16)
    path = write_raster(tmp_path / "lc.tif", values, BOUNDS)
    progress = RecordedProgress()
    (facts,) = read_facts(parse_covariates([f"soil={path}:categorical"]), GRID, progress=progress)
    assert len(facts.classes) == MOST_CLASSES and facts.pooled and facts.width == MOST_CLASSES + 1
    (note,) = progress.notes
    assert f"{len(np.unique(values))} classes" in note and "are pooled" in note
    found = read_cells((facts,), None, GRID).of(ALL)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    rare = ~np.isin(values[0], np.array(facts.classes))
    np.testing.assert_allclose(found[:, -1], rare.reshape(4, 50, 4, 50).mean(axis=(1, 3)).ravel(), atol=1e-6)


def test_classes_are_not_read_from_overviews_that_hold_their_means(tmp_path: Path) -> None:
    values = np.random.default_rng(3).choice(np.array([0, 100], np.uint8), (1, 2400, 2400))
    path = write_raster(tmp_path / "lc.tif", values, (0, 40, 8, 48))
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4, 8], rasterio.enums.Resampling.average)
    coarse = Grid(Box(0, 40, 8, 48), 4.0)
    facts, found = numbers_of(f"lc={path}:categorical", grid=coarse)
    assert facts[0].classes == (0, 100)
    np.testing.assert_allclose(found, 0.5, atol=0.03)


def test_a_class_that_no_cell_of_the_fit_had_is_not_known_elsewhere(tmp_path: Path) -> None:
    values = np.repeat(np.array([1, 2, 3, 9], np.uint8), 4)[None, None].repeat(4, axis=1)
    path = write_raster(tmp_path / "lc.tif", values, (0, 40, 4, 44))
    facts = read_facts(parse_covariates([f"lc={path}:categorical"]), Grid(Box(0, 40, 3, 44), 1.0))
    assert facts[0].classes == (1, 2, 3)
    found = read_cells(facts, None, GRID).of(ALL).reshape(4, 4, 3)
    np.testing.assert_allclose(found[:, :3], np.tile(np.eye(3), (4, 1, 1)))
    assert np.isnan(found[:, 3]).all()


def test_numbers_that_stand_for_no_data_without_saying_so_are_not_counted(tmp_path: Path) -> None:
    values = np.ones((1, 8, 8), np.float32)
    values[0, :, 4:] = -3.4e38
    _, found = numbers_of(f"a={write_raster(tmp_path / 'a.tif', values, BOUNDS)}")
    np.testing.assert_allclose(found[:2, 0], 1)
    assert np.isnan(found[2:4]).all()


def test_a_raster_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((1, 8, 8), np.uint8), (100, 0, 104, 4))
    for text in (f"a={path}", f"a={path}:categorical"):
        with pytest.raises(InputError, match=r"'a' \(a.tif\) has no data in any cell of the box") as error:
            numbers_of(text)
        assert "covariates" in error.value.settings


def test_measurements_are_not_taken_for_classes_and_several_bands_neither(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.random.default_rng(0).random((1, 200, 200)), BOUNDS)
    with pytest.raises(InputError, match=r"more than 20,000 different values.*measurements"):
        numbers_of(f"a={path}:categorical")
    path = write_raster(tmp_path / "b.tif", np.ones((2, 4, 4), np.uint8), BOUNDS)
    with pytest.raises(InputError, match=r"has 2 bands.*one band"):
        numbers_of(f"a={path}:categorical")


def test_a_raster_that_is_gone_or_changed_is_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((1, 4, 4), np.uint8), BOUNDS)
    facts = read_facts([NamedCovariate(name="a", path=path)], GRID)
    check_unchanged(facts, None)
    write_raster(path, np.full((1, 4, 4), 2, np.uint8), BOUNDS)
    with pytest.raises(InputError, match=r"'a' was read from .*a.tif, which has changed since"):
        check_unchanged(facts, None)
    path.unlink()
    with pytest.raises(InputError, match=r"which is gone; put the file there again"):
        check_unchanged(facts, None)


def test_model_and_raster_are_moved_together(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    path = write_raster(tmp_path / "one" / "a.tif", np.ones((1, 4, 4), np.uint8), BOUNDS)
    facts = read_facts([NamedCovariate(name="a", path=path)], GRID)
    remembered = remembered_from(facts, tmp_path / "one" / "model", None)
    assert remembered == (replace(facts[0], file="../a.tif"),)
    (tmp_path / "one").rename(tmp_path / "two")
    np.testing.assert_allclose(read_cells(remembered, tmp_path / "two" / "model", GRID).of(ALL), 1)


def test_bands_of_one_name_are_told_apart_and_rasters_that_clash_are_refused(tmp_path: Path) -> None:
    bands = np.stack([np.full((8, 8), n) for n in (1.0, 2.0, 3.0)]).astype(np.float32)
    twice = write_raster(tmp_path / "a.tif", bands, BOUNDS, names=("bio", "rain", "bio"))
    facts, _ = numbers_of(f"a={twice}")
    assert [one.name for one in covariates_of(facts)] == ["a bio (band 1)", "a rain", "a bio (band 3)"]
    single = write_raster(tmp_path / "b.tif", bands[:1], BOUNDS)
    with pytest.raises(InputError, match="2 covariates would be called 'a rain'"):
        numbers_of(f"a={twice}", f"a rain={single}")
