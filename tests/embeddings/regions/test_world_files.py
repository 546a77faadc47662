"""How a world lies on disk."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.embeddings.regions.world_files import (
    World,
    WorldArrays,
    WorldMaking,
    WorldManifest,
    WorldProjection,
    WorldSource,
    quantisation_steps,
    read_world,
    world_features,
    write_world,
)
from birdsat.errors import DatasetError, InputError

CELLS, COMPONENTS, ENCODED = 300, 5, 12
GRID = Grid(Box(-180.0, -90.0, 180.0, 90.0), 5.0)


def _arrays(seed: int = 0) -> WorldArrays:
    random = np.random.default_rng(seed)
    return WorldArrays(
        cells=np.sort(random.choice(GRID.cells, CELLS, replace=False)).astype(np.int32),
        land=random.random(CELLS) < 0.8,
        components=(random.normal(size=(CELLS, COMPONENTS)) * np.linspace(1, 0.1, COMPONENTS)).astype(np.float16),
        elevation_m=random.integers(-400, 6000, CELLS).astype(np.int16),
        spread_m=random.integers(0, 900, CELLS).astype(np.int16),
    )


def _write(folder: Path, arrays: WorldArrays, step: float = 0.02) -> WorldManifest:
    encoder = folder.parent / "encoder run"
    encoder.mkdir(exist_ok=True)
    for name in ("README.md", "config.json", "dataset.json", "model.safetensors"):
        (encoder / name).write_text(f"{name} of a run")
    source = WorldSource(name="a.tif", credit="of nobody", sha256="0" * 64, size_bytes=1)
    random = np.random.default_rng(1)
    return write_world(
        folder,
        grid=GRID,
        arrays=arrays,
        steps=quantisation_steps(arrays.components, step),
        elevation_scale=0.4,
        spread_scale=0.2,
        projection=WorldProjection(
            centre=random.normal(size=ENCODED).astype(np.float32),
            directions=random.normal(size=(ENCODED, COMPONENTS)).astype(np.float32),
        ),
        encoder=encoder,
        card="# A world\n",
        making=WorldMaking(
            imagery=source,
            elevation=source,
            model="0123456789abcdef",
            chip_ground_km=(100.0, 400.0),
            chip_px=64,
            spacing_km=(40.0, 100.0),
            smooth_km=(0.0, 200.0),
            turned=(False, False),
            variance_kept=0.99,
            versions=("birdsat 0",),
        ),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write(tmp_path / "world", _arrays())
    return tmp_path / "world"


def test_what_is_written_is_read_back_within_half_a_step(folder: Path) -> None:
    arrays, world = _arrays(), read_world(folder)
    assert len(world) == CELLS
    np.testing.assert_array_equal(world.arrays.cells, arrays.cells)
    np.testing.assert_array_equal(world.arrays.land, arrays.land)
    assert world.manifest.land_cells == arrays.land.sum()
    np.testing.assert_array_equal(world.arrays.elevation_m, arrays.elevation_m)
    np.testing.assert_array_equal(world.arrays.spread_m, arrays.spread_m)
    off = np.abs(world.arrays.components.astype(np.float64) - arrays.components.astype(np.float64))
    half = np.array(world.manifest.steps) / 2
    assert (off <= half + 0.001 * np.abs(arrays.components)).all()  # float16 keeps 11 bits
    assert (off.max(axis=0) > half / 2).all()  # and they are whole steps indeed


def test_a_world_written_from_what_was_read_is_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    world = read_world(folder)
    write_world(
        again,
        grid=world.manifest.grid,
        arrays=world.arrays,
        steps=world.manifest.steps,
        elevation_scale=world.manifest.elevation_scale,
        spread_scale=world.manifest.spread_scale,
        projection=world.projection,
        encoder=world.encoder,
        card="# A world\n",
        making=world.manifest.making,
    )
    names = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert names == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    for name in names:
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_step_grows_where_eight_bits_would_not_hold_the_farthest_number() -> None:
    components = np.array([[0.5, 100.0], [-0.1, -3.0]], np.float32)
    assert quantisation_steps(components, 0.01) == pytest.approx((0.01, 100 / 127))


def test_features_are_the_components_and_elevation_on_one_scale(folder: Path) -> None:
    world = read_world(folder)
    features = world.features
    assert features.shape == (CELLS, COMPONENTS + 2) == (CELLS, world.manifest.width)
    np.testing.assert_array_equal(features[:, :-2], world.arrays.components)
    order = np.argsort(world.arrays.elevation_m)
    assert (np.diff(features[order, -2].astype(np.float32)) >= 0).all()  # higher is more
    sea_level = world_features(world.manifest, np.zeros((1, COMPONENTS)), np.array([0]), np.array([0]))
    assert (sea_level == 0).all()


def test_features_of_new_chips_come_to_the_components_of_the_world(folder: Path) -> None:
    projection = read_world(folder).projection
    features = np.random.default_rng(2).normal(size=(4, ENCODED))
    expected = (features - projection.centre) @ projection.directions
    np.testing.assert_allclose(projection(features), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "cells.zst",
        "components.zst",
        "elevation.zst",
        "projection.zst",
        "encoder/model.safetensors",
        "encoder/config.json",
        "world.json",
    ],
)
@pytest.mark.parametrize("harm", ["gone", "cut", "turned", "empty"])
def test_a_damaged_file_is_named_with_what_to_do(folder: Path, name: str, harm: str) -> None:
    path = folder / name
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "turned":
        path.write_bytes(bytes([data[0] ^ 0x80]) + data[1:])
    else:
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match=Path(name).name) as raised:
        read_world(folder)
    assert "nstall birdsat again" in str(raised.value)


def _changed(folder: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    path = folder / "world.json"
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda said: said.update(cells=CELLS + 1), id="more cells"),
        pytest.param(lambda said: said.update(cells=0), id="no cells"),
        pytest.param(lambda said: said.update(cells=10**12), id="more cells than memory"),
        pytest.param(lambda said: said.update(encoded=ENCODED - 1), id="a narrower encoder"),
        pytest.param(lambda said: said.update(steps=said["steps"][:-1]), id="fewer components"),
        pytest.param(lambda said: said.update(steps=[]), id="no components"),
        pytest.param(lambda said: said.update(steps=[-1.0] * COMPONENTS), id="a step below 0"),
        pytest.param(lambda said: said.update(steps=[float("nan")] * COMPONENTS), id="a step that is no number"),
        pytest.param(lambda said: said["files"].pop(1), id="a file not named"),
        pytest.param(lambda said: said["files"][0].update(file="../encoder run/config.json"), id="a file elsewhere"),
        pytest.param(lambda said: said["files"][0].update(file="/etc/hostname"), id="a file of the system"),
        pytest.param(lambda said: said["grid"].update(step_degrees=90.0), id="a grid without these cells"),
        pytest.param(lambda said: said.pop("making"), id="no making"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    _changed(folder, change)
    with pytest.raises(DatasetError, match=r"world\.json"):
        read_world(folder)


def test_a_newer_world_is_refused_as_such(folder: Path) -> None:
    _changed(folder, lambda said: said.update(schema_version=99))
    with pytest.raises(DatasetError, match="newer birdsat"):
        read_world(folder)


def test_a_folder_that_is_no_world_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"world\.json"):
        read_world(tmp_path)


def test_a_world_that_was_not_finished_is_none(folder: Path) -> None:
    bad = replace(_arrays(3), spread_m=np.zeros(3, np.int16))
    with pytest.raises(InputError, match="fit"):
        _write(folder, bad)
    assert isinstance(read_world(folder), World)  # refused before anything was touched
    shutil.rmtree(folder.parent / "encoder run")
    world = read_world(folder)
    with pytest.raises(FileNotFoundError):
        write_world(
            folder,
            grid=GRID,
            arrays=world.arrays,
            steps=world.manifest.steps,
            elevation_scale=1.0,
            spread_scale=1.0,
            projection=world.projection,
            encoder=folder.parent / "encoder run",
            card="",
            making=world.manifest.making,
        )
    with pytest.raises(DatasetError, match=r"world\.json"):
        read_world(folder)


@pytest.mark.parametrize("harm", ["nan", "too far", "unsorted", "outside"])
def test_numbers_that_cannot_be_kept_are_refused(tmp_path: Path, harm: str) -> None:
    arrays = _arrays()
    if harm == "nan":
        arrays.components[3, 2] = np.nan
    elif harm == "too far":
        steps = quantisation_steps(arrays.components, 0.02)
        arrays.components[3, 2] = 200 * steps[2]
    elif harm == "unsorted":
        arrays.cells[[3, 4]] = arrays.cells[[4, 3]]
    else:
        arrays.cells[-1] = GRID.cells
    with pytest.raises(InputError):
        _write(tmp_path / "world", arrays) if harm != "too far" else _write_with(tmp_path / "world", arrays, steps)
    assert not (tmp_path / "world" / "world.json").exists()


def _write_with(folder: Path, arrays: WorldArrays, steps: tuple[float, ...]) -> None:
    nothing = np.zeros(1, np.float32)
    source = WorldSource(name="", credit="", sha256="", size_bytes=0)
    write_world(
        folder,
        grid=GRID,
        arrays=arrays,
        steps=steps,
        elevation_scale=1.0,
        spread_scale=1.0,
        projection=WorldProjection(centre=nothing, directions=np.zeros((1, COMPONENTS), np.float32)),
        encoder=folder,
        card="",
        making=WorldMaking(
            imagery=source,
            elevation=source,
            model="",
            chip_ground_km=(),
            chip_px=64,
            spacing_km=(),
            smooth_km=(),
            turned=(),
            variance_kept=1.0,
            versions=(),
        ),
    )
