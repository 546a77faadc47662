"""The tool that makes the world, on a small raster."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine

TOOLS = Path(__file__).parents[2] / "tools"
SETTINGS = ("steps=2", "batch_size=16", "val_every=2", "checkpoint_every=2")


@pytest.fixture(scope="module", autouse=True)
def tools_can_be_imported() -> Iterator[None]:
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A mosaic of half-degree pixels, elevation of two degrees, and a map of two islands, one of which is a speck."""
    folder = tmp_path_factory.mktemp("sources")
    lon, lat = np.meshgrid(np.arange(-179.75, 180, 0.5), np.arange(89.75, -90, -0.5))
    red, green = 127 + 120 * np.sin(np.radians(lon * 3)), 127 + 120 * np.cos(np.radians(lat * 4 + lon))
    _write(folder / "mosaic.tif", np.stack([red, green, 127 + lat]).astype(np.uint8), 0.5)
    high = np.meshgrid(np.arange(180), np.arange(90))[1] * 40 - 500
    _write(folder / "elevation.tif", high[None].astype(np.int16), 2.0)
    square = [[0, 0], [200_000, 0], [0, 200_000], [-200_000, 0], [0, -200_000]]
    speck = [[800_000, 500_000], [1, 0], [0, 1], [-1, 0], [0, -1]]
    topology = {
        "transform": {"scale": [1e-4, 1e-4], "translate": [100, 0]},
        "arcs": [square, speck],
        "objects": {"land": {"geometries": [{"arcs": [[[0]], [[1]]]}]}},
    }
    (folder / "land.json").write_text(json.dumps(topology))
    return {name: folder / file for name, file in _FILES.items()}


_FILES = {"imagery": "mosaic.tif", "elevation": "elevation.tif", "land": "land.json"}


def _write(path: Path, values: np.ndarray, step: float) -> None:
    bands, rows, columns = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=values.dtype,
        count=bands,
        height=rows,
        width=columns,
        crs="EPSG:4326",
        transform=Affine(step, 0, -180, 0, -step, 90),
    ) as file:
        file.write(values)


def _settings(sources: dict[str, Path], work: Path):  # type: ignore[no-untyped-def]
    from make_world import WorldSettings
    from world_features import SizePlan

    return WorldSettings(
        **sources,
        work=work,
        step_degrees=5.0,
        sizes=(
            SizePlan(ground_km=500.0, spacing_km=1500.0, smooth_km=0.0, turned=True, weight=1.0),
            SizePlan(ground_km=2000.0, spacing_km=3000.0, smooth_km=4000.0, turned=False, weight=2.0),
        ),
        components=8,
        chips=48,
        set=SETTINGS,
    )


@pytest.fixture(scope="module")
def made(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from make_world import make_world

    folder = tmp_path_factory.mktemp("made")
    make_world(folder / "world", _settings(sources, folder / "work"))
    return folder


def test_a_world_is_made_from_a_mosaic_and_can_be_read(made: Path) -> None:
    from birdsat.embeddings.regions.world_files import read_world
    from birdsat.training.fingerprint import model_fingerprint
    from birdsat.training.run_folder import load_run

    world = read_world(made / "world")
    assert world.manifest.components == 8
    assert 0.5 < world.manifest.making.variance_kept <= 1
    assert np.isfinite(world.features).all()
    assert model_fingerprint(load_run(world.encoder)) == world.manifest.making.model
    assert world.manifest.making.turned == (True, False)


def test_started_again_it_makes_the_same_bytes_from_what_is_there(made: Path, sources: dict[str, Path]) -> None:
    from make_world import make_world

    settings = _settings(sources, made / "work")
    parts = sorted((made / "work").rglob("*km/*.npy"))
    assert parts
    parts[0].unlink()
    kept = {path: path.stat().st_mtime_ns for path in parts[1:]}
    make_world(made / "again", settings)
    assert {path: path.stat().st_mtime_ns for path in parts[1:]} == kept  # not made a second time
    for path in (made / "world").rglob("*"):
        if path.is_file():
            assert (made / "again" / path.relative_to(made / "world")).read_bytes() == path.read_bytes(), path


def test_what_a_chip_shows_is_alike_however_it_is_laid_down(made: Path) -> None:
    import torch
    from world_features import _mean_of_views

    from birdsat.embeddings.inference import inference
    from birdsat.training.run_folder import load_run

    run = load_run(made / "world" / "encoder")
    shape = 3, 3, run.chip_px, run.chip_px
    chips = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    turned = torch.rot90(chips, 1, (2, 3)).flip(2)
    with inference(run.method, "cpu"):
        alike = [_mean_of_views(run, some, turned=True).astype(np.float32) for some in (chips, turned)]
        as_they_are = [_mean_of_views(run, some, turned=False).astype(np.float32) for some in (chips, turned)]
    assert np.allclose(*alike, atol=2e-3)
    assert not np.allclose(*as_they_are, atol=2e-3)


def test_a_speck_of_an_island_is_a_cell_with_land(sources: dict[str, Path]) -> None:
    from world_land import cells_with_land

    from birdsat.earth.box import Box
    from birdsat.earth.grid import Grid

    grid = Grid(Box(-180.0, -90.0, 180.0, 90.0), 0.25)
    cells = set(cells_with_land(grid, sources["land"]).tolist())
    inside, coast, speck, sea = grid.cells_at(
        np.array([110.1, 100.0, 180.0, 150.0]), np.array([10.1, 5.0, 50.0, -50.0])
    )
    assert {int(inside), int(coast), int(speck)} <= cells
    assert int(sea) not in cells


def test_a_lattice_gives_back_what_is_linear_between_its_parallels_and_meridians() -> None:
    from world_lattice import Lattice

    random = np.random.default_rng(0)
    places = np.stack([random.uniform(-180, 180, 500), random.uniform(-80, 80, 500)], axis=1)
    for spacing_km in (300.0, 1000.0):
        lattice = Lattice(spacing_km)
        around, weights = lattice.around(places)
        np.testing.assert_allclose(weights.sum(axis=1), 1)
        at = lattice.places(around.reshape(-1)).reshape(500, 4, 2)
        np.testing.assert_allclose((weights * at[:, :, 1]).sum(axis=1), places[:, 1], atol=1e-5)
        off = (at[:, :, 0] - places[:, :1] + 180) % 360 - 180  # east of the place, around the antimeridian too
        # Each parallel has places of its own, so the four are two pairs, each around the place's meridian.
        np.testing.assert_allclose((weights * off).sum(axis=1), 0, atol=1e-5)


def test_the_places_of_a_lattice_are_about_its_spacing_apart_at_every_latitude() -> None:
    from world_lattice import Lattice

    from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere

    lattice = Lattice(200.0)
    places = lattice.places(np.arange(lattice.columns.sum()))
    per_place = 4 * np.pi * EARTH_RADIUS_KM**2 / len(places)
    assert np.sqrt(per_place) == pytest.approx(200, rel=0.02)
    points = unit_sphere(*places.T)
    some = np.random.default_rng(0).choice(len(points), 200, replace=False)
    chords = np.linalg.norm(points[some, None] - points[None], axis=2)
    chords[chords < 1e-9] = np.inf
    nearest_km = 2 * EARTH_RADIUS_KM * np.arcsin(chords.min(axis=1) / 2)
    assert nearest_km.min() > 80  # around the poles, where parallels are short
    assert np.median(nearest_km) == pytest.approx(200, rel=0.05)


def test_a_quarter_of_a_degree_is_interpolated_along_its_own_parallel_alone() -> None:
    from world_lattice import Lattice

    from birdsat.earth.place import EARTH_RADIUS_KM

    lattice = Lattice(EARTH_RADIUS_KM * np.pi / 180 / 4)
    around, weights = lattice.around(np.array([[0.125, 0.125], [10.125, 60.125]]))
    np.testing.assert_array_equal((weights > 0).sum(axis=1), [1, 2])
    assert lattice.places(around[weights > 0])[:, 1] == pytest.approx([0.125, 60.125, 60.125])


def test_elevation_is_interpolated_and_goes_around_the_antimeridian(sources: dict[str, Path]) -> None:
    from world_elevation import elevation_and_spread

    # 40 m a row of two degrees, from -500 m at 89 degrees north.
    places = np.array([[0.0, 89.0], [180.0, 88.0], [-180.0, 0.0], [33.0, -89.0], [5.0, 90.0]])
    elevation, spread = elevation_and_spread(sources["elevation"], places)
    np.testing.assert_array_equal(elevation, [-500, -480, 1280, 3060, -500])
    assert spread[2] == pytest.approx(40 * np.sqrt(2 / 3), abs=0.5)


def test_a_raster_of_part_of_the_world_gives_no_elevation(sources: dict[str, Path], tmp_path: Path) -> None:
    from world_elevation import elevation_and_spread

    from birdsat.errors import InputError

    _write(tmp_path / "part.tif", np.zeros((1, 10, 10), np.int16), 1.0)
    with pytest.raises(InputError, match="world"):
        elevation_and_spread(tmp_path / "part.tif", np.zeros((1, 2)))


def test_components_do_not_depend_on_the_order_or_sign_that_linear_algebra_gives() -> None:
    from world_features import SizeFeatures, principal_components
    from world_lattice import Lattice

    random = np.random.default_rng(0)
    lattice = Lattice(2000.0)
    numbers = np.arange(lattice.columns.sum())
    mixed = random.normal(size=(len(numbers), 3)) * [3, 2, 1] @ random.normal(size=(3, 6))
    sizes = [SizeFeatures(lattice, numbers, mixed.astype(np.float16))]
    places = lattice.places(numbers)
    found = principal_components(sizes, [1.0], places, np.ones(len(places)), 3)
    assert found.variance_kept == pytest.approx(1, abs=1e-3)
    assert np.square(found.numbers).sum(axis=1).mean() == pytest.approx(1, abs=1e-2)
    variances = found.numbers.var(axis=0)
    assert (np.diff(variances) < 0).all()
    largest = np.abs(found.projection.directions * mixed.std(axis=0)[:, None]).argmax(axis=0)
    assert (found.projection.directions[largest, [0, 1, 2]] > 0).all()


def test_smoothing_is_the_mean_over_all_places_that_are_near() -> None:
    from world_features import SizeFeatures
    from world_lattice import Lattice

    from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere

    lattice = Lattice(1500.0)
    numbers = np.arange(0, lattice.columns.sum(), 2)
    values = np.random.default_rng(0).normal(size=(len(numbers), 3)).astype(np.float16)
    found = SizeFeatures(lattice, numbers, values).smoothed(2500.0)
    points = unit_sphere(*lattice.places(numbers).T)
    for i, point in enumerate(points):
        near = np.arccos(np.clip(points @ point, -1, 1)) * EARTH_RADIUS_KM <= 2500
        np.testing.assert_allclose(found.features[i], values[near].astype(np.float32).mean(axis=0), atol=1e-5)
    assert SizeFeatures(lattice, numbers, values).smoothed(0).features is values
