"""Regions: right cells and numbers, each chip encoded once, continued after a kill, and never another's."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from region_methods import Longitudes, MadeImagery, PhotosOnly, Seasons, Steady, run_of
from small_disk import SmallDisk

from birdsat.earth.box import Box
from birdsat.earth.date import mid_month
from birdsat.earth.grid import Grid
from birdsat.embeddings.regions import cut_chips as cut
from birdsat.embeddings.regions import manifest as region_files
from birdsat.embeddings.regions import write as write_region
from birdsat.embeddings.regions.embed_cells import embed_cells, year_basis
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.manifest import PLAN_FILE, REGION_FILE
from birdsat.embeddings.regions.region import Region
from birdsat.errors import BusyError, ConfigError, DatasetError, InputError
from birdsat.files import new_temporary
from birdsat.locks import folder_lock

GRID = Grid(Box(170, -20, -170, 0), 1.0)  # over the antimeridian, 20 x 20 cells


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_region, "PART_CELLS", 150)
    monkeypatch.setattr(region_files, "GROUP_ROWS", 40)
    monkeypatch.setattr(cut, "BLOCK_CELLS", 16)


def make(folder: Path, chips: Longitudes | None = None, run: object = None, **how: object) -> Region:
    settings = {"device": "cpu", "grid": GRID} | how
    imagery = MadeImagery(chips or Longitudes(-4), text=settings.pop("imagery", "red"))
    return write_region.write_region(folder, run or run_of(Seasons()), settings.pop("grid"), imagery, **settings)  # type: ignore[arg-type]


def test_the_basis_over_the_year_is_written_out() -> None:
    quarter = year_basis(np.array([0.25]), 2)
    np.testing.assert_allclose(quarter, [[1, 0, 1, -1, 0]], atol=1e-6)
    assert year_basis(np.array([0.1, 0.2]), 0).tolist() == [[1], [1]]


def missed(harmonics: int) -> np.ndarray:
    """(c, 12) how far the annual cycle is from each mid-month's embedding."""
    blocks = list(embed_cells(Seasons(), GRID, Longitudes(-4), harmonics=harmonics, device="cpu"))
    features = torch.from_numpy(np.concatenate([block.chip for block in blocks]))
    places = torch.from_numpy(np.concatenate([block.lon_lat for block in blocks])).float()
    year = np.concatenate([block.year for block in blocks])
    months = [mid_month(month) for month in range(1, 13)]
    exact = [Seasons().embed_chip(features, places, torch.full((len(places),), t)).numpy() for t in months]
    return np.linalg.norm(year_basis(np.array(months), harmonics) @ year - np.stack(exact, axis=1), axis=2)


def test_six_harmonics_pass_through_every_mid_month_and_fewer_come_closer_one_by_one() -> None:
    assert missed(6).max() < 1e-5
    assert missed(0).mean() > missed(1).mean() > missed(2).mean() > missed(4).mean() > 0.001


def test_cells_without_imagery_are_counted_with_the_blocks_that_have_some() -> None:
    blocks = list(embed_cells(Seasons(), GRID, Longitudes(-4), device="cpu"))
    assert sum(block.without_imagery for block in blocks) == 80 and all(len(block) for block in blocks)
    only = list(embed_cells(Seasons(), GRID, Longitudes(-90), device="cpu"))
    assert [(len(block), block.without_imagery) for block in only] == [(0, 400)]


def test_a_region_holds_the_cells_with_imagery_in_order_and_only_those(tmp_path: Path) -> None:
    chips = Longitudes(-4)
    region = make(tmp_path / "region", chips)
    cells = np.concatenate([block.cells for block in region.blocks()])
    assert cells.tolist() == list(range(80, 400))  # the four northern rows have no imagery
    assert (len(region), region.manifest.without_imagery, chips.cut) == (320, 80, 400)
    for block in region.blocks():
        np.testing.assert_array_equal(block.lon_lat, GRID.centres(block.cells))
        red = np.round((block.lon_lat[:, 0] - 90) % 360) / 255
        np.testing.assert_allclose(block.chip, np.stack([red, red**2], axis=1), rtol=1e-3)
    in_memory = list(embed_cells(Seasons(), GRID, Longitudes(-4), device="cpu"))
    kept = np.concatenate([block.year for block in region.blocks(("year",))])
    np.testing.assert_allclose(kept, np.concatenate([block.year for block in in_memory if len(block)]), atol=1e-3)


def test_a_column_that_is_not_asked_for_is_not_there(tmp_path: Path) -> None:
    region = make(tmp_path / "region")
    assert {block.year.shape[1:] for block in region.blocks(("chip",))} == {(7, 0)}
    assert {block.chip.shape[1:] for block in region.blocks(("year",))} == {(0,)}


def test_the_files_say_themselves_what_they_hold(tmp_path: Path) -> None:
    make(tmp_path / "region")
    table = pq.read_table(sorted((tmp_path / "region").glob("*.parquet"))[1])
    assert table.column_names == ["cell", "lon", "lat", "chip", "year"]
    said = table.schema.field("year").metadata
    assert said == {b"dtype": b"float16", b"byte_order": b"little", b"shape": b"[7, 4]"}
    numbers = np.frombuffer(table["chip"][0].as_py(), "<f2")
    red = round((table["lon"][0].as_py() - 90) % 360) / 255
    np.testing.assert_allclose(numbers, [red, red**2], rtol=1e-3)


@pytest.mark.parametrize("harmonics", [1, 3])
def test_what_the_season_lost_is_on_record(harmonics: int, tmp_path: Path) -> None:
    manifest, expected = make(tmp_path, harmonics=harmonics).manifest, missed(harmonics)
    assert manifest.season_missed_largest == pytest.approx(expected.max(), rel=1e-5)
    assert manifest.season_missed_rms == pytest.approx(np.sqrt(np.square(expected).mean()), rel=1e-5)


def test_a_method_without_dates_has_a_course_of_one_number(tmp_path: Path) -> None:
    region = make(tmp_path / "region", run=run_of(Steady()))
    assert (region.harmonics, region.manifest.season_missed_largest) == (0, 0)
    block = next(region.blocks())
    np.testing.assert_allclose(np.linalg.norm(block.year[:, 0], axis=1), 1, atol=1e-3)


def test_after_a_kill_nothing_is_embedded_twice(tmp_path: Path) -> None:
    class Killed(Longitudes):
        def chips(self, place):  # type: ignore[no-untyped-def]
            if self.cut == 330:
                raise KeyboardInterrupt
            return super().chips(place)

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "region", Killed(-4))
    assert sorted(file.name for file in (tmp_path / "region").iterdir()) == [
        "cells-000000.parquet",
        "cells-000001.parquet",
        PLAN_FILE,
    ]
    with pytest.raises(DatasetError, match="half embedded"):
        open_region(tmp_path / "region")
    chips = Longitudes(-4)
    region = make(tmp_path / "region", chips)
    assert chips.cut == 100  # the third part
    whole = make(tmp_path / "whole")
    assert [part.sha256 for part in region.manifest.parts] == [part.sha256 for part in whole.manifest.parts]
    assert region.manifest == whole.manifest
    assert not (tmp_path / "region" / PLAN_FILE).exists()


def test_a_finished_region_is_left_as_it_is(tmp_path: Path) -> None:
    before = make(tmp_path / "region").manifest
    chips = Longitudes(-4)
    assert make(tmp_path / "region", chips, run=run_of(Seasons(), "renamed")).manifest == before
    assert chips.cut == 0


def test_a_part_that_is_gone_or_cut_short_is_said_and_alone_made_anew(tmp_path: Path) -> None:
    region = make(tmp_path / "region")
    part = tmp_path / "region" / region.manifest.parts[1].file
    whole = part.read_bytes()
    for damage in (lambda: part.unlink(), lambda: part.write_bytes(whole[:-9])):
        damage()
        with pytest.raises(DatasetError, match=r"cells-000001.parquet (is missing|has [\d,]+ bytes)"):
            open_region(tmp_path / "region")
        chips = Longitudes(-4)
        make(tmp_path / "region", chips)
        assert chips.cut == 150
        assert part.read_bytes() == whole


def test_a_part_that_changed_is_found_by_its_hash(tmp_path: Path) -> None:
    region = make(tmp_path / "region")
    region.check_files()
    part = tmp_path / "region" / region.manifest.parts[1].file
    data = bytearray(part.read_bytes())
    data[2000] ^= 255
    part.write_bytes(data)
    with pytest.raises(DatasetError, match=r"cells-000001\.parquet is damaged: it changed"):
        open_region(tmp_path / "region").check_files()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"run": run_of(Seasons(2.0))}, "model is"),
        ({"grid": Grid(GRID.box, 2.0)}, "step is 2 degrees, was 1 degrees"),
        ({"imagery": "blue"}, "imagery is blue, was red"),
        ({"harmonics": 1}, "harmonics is 1, was 3"),
        ({"where": np.eye(20, dtype=bool)}, "mask is"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_region_of_other_settings_is_refused(
    how: dict[str, object], said: str, finished: bool, tmp_path: Path
) -> None:
    region = make(tmp_path / "region")
    if not finished:
        region_files.config.save(region.manifest.settings, tmp_path / "region" / PLAN_FILE)
        (tmp_path / "region" / REGION_FILE).unlink()
    with pytest.raises(ConfigError, match=f"made otherwise: {said}"):
        make(tmp_path / "region", **how)


def test_a_region_killed_before_its_settings_stood_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / "region").mkdir()
    new_temporary(tmp_path / "region" / PLAN_FILE)
    assert len(make(tmp_path / "region")) == len(make(tmp_path / "other"))


def test_a_finished_region_on_a_read_only_disk_is_opened(small_disk: Callable[[int], SmallDisk]) -> None:
    disk = small_disk(2000)
    manifest = make(disk.folder / "region").manifest
    disk.refuse_writing()
    assert make(disk.folder / "region").manifest == manifest


def test_two_who_write_one_region_are_refused_and_a_finished_one_may_be_asked_for_again(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "region"), pytest.raises(BusyError, match="region is being written by"):
        make(tmp_path / "region")
    written = make(tmp_path / "region").manifest
    assert make(tmp_path / "region").manifest == written


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(ConfigError, match="not a region"):
        make(tmp_path)
    with pytest.raises(ConfigError, match="is a file"):
        make(tmp_path / "thesis.doc")
    with pytest.raises(DatasetError, match="not a region"):
        open_region(tmp_path)


def test_a_region_of_a_newer_birdsat_or_a_damaged_manifest_is_said(tmp_path: Path) -> None:
    make(tmp_path)
    path = tmp_path / REGION_FILE
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"schema_version": 99}))
    with pytest.raises(DatasetError, match="schema 99"):
        open_region(tmp_path)
    for text in ("{", "[]", json.dumps(facts | {"cells": "many"})):
        path.write_text(text)
        with pytest.raises(DatasetError, match="damaged"):
            open_region(tmp_path)


def test_only_the_cells_of_the_mask_are_embedded_and_whole_parts_may_be_empty(tmp_path: Path) -> None:
    where = np.zeros(GRID.shape, dtype=bool)
    where[5, 3:6] = where[19, 19] = True  # the second part holds none
    chips = Longitudes()
    region = make(tmp_path / "region", chips, where=where)
    assert np.concatenate([block.cells for block in region.blocks()]).tolist() == [103, 104, 105, 399]
    assert (chips.cut, region.manifest.without_imagery) == (4, 0)
    with pytest.raises(InputError, match="mask"):
        make(tmp_path / "other", where=np.ones((2, 2), dtype=bool))


def test_a_grid_without_any_imagery_makes_no_region(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the 400 cells"):
        make(tmp_path / "region", Longitudes(-90))
    assert not (tmp_path / "region" / REGION_FILE).exists()


def test_places_find_their_cells_with_or_without_imagery_or_outside(tmp_path: Path) -> None:
    region = make(tmp_path / "region")
    places = np.array([[179.5, -10.5], [-170.2, -19.9], [175, -1], [0, 0], [np.nan, np.nan], [179.5, -10.5]])
    found = region.at(places, ("chip", "year"))
    assert found.cells.tolist() == [209, 399, 25, -1, -1, 209]
    assert found.found.tolist() == [True, True, False, False, False, True]
    every = {cell: row for block in region.blocks() for cell, row in zip(block.cells, block.chip, strict=True)}
    np.testing.assert_array_equal(found.chip[[0, 1, 5]], [every[209], every[399], every[209]])
    assert np.isnan(found.chip[2:5]).all() and np.isnan(found.year[2:5]).all()
    assert np.isfinite(found.year[:2]).all()
    assert region.at(places).year.shape == (6, 7, 0)


def test_a_region_is_only_for_the_model_that_made_it(tmp_path: Path) -> None:
    region = make(tmp_path / "region")
    region.check_model(run_of(Seasons(), "a copy"))
    with pytest.raises(ConfigError, match=r"embedded by the run 'mine'.*not by other"):
        region.check_model(run_of(Seasons(1.5), "other"))


def test_what_cannot_be_embedded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="photos only"):
        embed_cells(PhotosOnly(), GRID, Longitudes())
    with pytest.raises(InputError, match="photos only"):
        make(tmp_path / "region", run=run_of(PhotosOnly()))
    with pytest.raises(ConfigError, match="harmonics is 7"):
        embed_cells(Seasons(), GRID, Longitudes(), harmonics=7)
    with pytest.raises(DatasetError, match="largest of float16"):
        make(tmp_path / "region", run=run_of(Seasons(1e6)))
    assert not list((tmp_path / "region").glob("*.parquet*"))
