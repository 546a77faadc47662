"""Pictures and files of maps: the right colours in the right places."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.errors import InputError
from birdsat.maps.draw import NO_DATA, RANGE, WATER, MapPoints, draw_map, png_bytes, save_png

GRID = Grid(Box(170, -20, -170, 0), 2.0)


def scores(months: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((months, *GRID.shape)).astype(np.float32)


def share_of(figure: Figure, colour: str) -> float:
    """Share of the picture's pixels that have this colour."""
    pixels = np.asarray(Image.open(io.BytesIO(png_bytes(figure))).convert("RGB")).astype(int)
    wanted = np.round(np.array(to_rgb(colour)) * 255)
    return float((np.abs(pixels - wanted).max(axis=2) <= 1).mean())


def test_cells_without_a_score_are_grey_and_never_a_score() -> None:
    full, holed = scores(), scores()
    holed[0, 2:8, 2:8] = np.nan
    assert share_of(draw_map(GRID, (3,), full, taxon="A b"), NO_DATA) < 0.001
    assert share_of(draw_map(GRID, (3,), holed, taxon="A b"), NO_DATA) > 0.1


def test_a_map_without_any_imagery_is_all_grey() -> None:
    assert share_of(draw_map(GRID, (3,), np.full_like(scores(), np.nan), taxon="A b"), NO_DATA) > 0.4


def test_the_true_range_and_the_water_are_drawn() -> None:
    land = np.zeros(GRID.shape, dtype=bool)
    land[:, 3:] = True
    truth = np.zeros((1, *GRID.shape), dtype=bool)
    truth[0, :, 5:] = True
    figure = draw_map(GRID, (7,), scores(), taxon="A b", truth=truth, land=land)
    assert share_of(figure, RANGE) > 0.05
    assert share_of(figure, WATER) > 0.05
    titles = [axes.get_title() for axes in figure.axes]
    assert "July: score" in titles and "July: true range" in titles


def test_points_east_of_the_antimeridian_land_on_the_map() -> None:
    points = MapPoints(lon=np.array([179.0, -175.0, 20.0]), lat=np.array([-5.0, -5.0, -5.0]), label="records")
    counts = MapPoints(lon=np.array([-171.0]), lat=np.array([-9.0]), label="counts", count=np.array([12.0]))
    figure = draw_map(GRID, (1,), scores(), taxon="A b", points=(points, counts))
    marks = [np.asarray(drawn.get_offsets()) for drawn in figure.axes[0].collections]
    np.testing.assert_allclose(marks[0], [[179, -5], [185, -5]])  # 20 E is not in the box
    np.testing.assert_allclose(marks[1], [[189, -9]])


def test_dated_points_are_marked_on_their_own_month_only() -> None:
    points = MapPoints(lon=np.full(3, 175.0), lat=np.full(3, -5.0), label="records", month=np.array([1, 7, 7]))
    figure = draw_map(GRID, (1, 7), scores(2), taxon="A b", points=(points,))
    marked = {axes.get_title(): len(axes.collections[0].get_offsets()) for axes in figure.axes if axes.get_title()}
    assert marked == {"January": 1, "July": 2}


def test_longitudes_past_180_are_labelled_west() -> None:
    axes = draw_map(GRID, (1,), scores(), taxon="A b").axes[0]
    label = axes.xaxis.get_major_formatter()
    assert [label(lon) for lon in (175, 180, 185)] == ["175°E", "180°", "175°W"]


def test_degrees_of_longitude_shrink_with_latitude() -> None:
    north = Grid(Box(0, 50, 20, 70), 2.0)
    axes = draw_map(north, (1,), scores()[:, :10, :10], taxon="A b").axes[0]
    assert axes.get_aspect() == pytest.approx(2.0)  # 1 / cos 60


def test_twelve_months_share_one_colour_scale() -> None:
    figure = draw_map(GRID, range(1, 13), scores(12), taxon="A b")
    scales = {axes.images[0].get_clim() for axes in figure.axes if axes.images and axes.get_title()}
    assert len(scales) == 1
    assert sum(bool(axes.get_title()) for axes in figure.axes) == 12


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_png(draw_map(GRID, (1,), scores(), taxon="A b"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_dollars_in_any_text_are_drawn_as_they_are() -> None:
    points = MapPoints(lon=np.array([175.0]), lat=np.array([-5.0]), label=r"$x_1$ and $\frac$")
    figure = draw_map(GRID, (1,), scores(), taxon=r"A $b\c$", subtitle="run $1 of $2^", points=(points,))
    png_bytes(figure)  # a formula that cannot be read would raise ValueError here
    assert figure.get_suptitle() == r"A $b\c$"


def test_scores_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="months, then the grid's cells"):
        draw_map(GRID, (1, 2), scores(1), taxon="A b")
