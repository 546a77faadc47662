"""Pictures and files of maps: the right colours in the right places."""

import io
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image
from small_maps import GRIDS, described, numbers, written

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.earth.land_cells import land_cells
from birdsat.earth.outline import EARTH, Land
from birdsat.errors import InputError
from birdsat.maps.description import RICHNESS, SCORE, SUITABILITY, Quantity
from birdsat.maps.map_file import MapFile
from birdsat.pictures.colours import NO_DATA, RANGE, SCORE_COLOURS, SCORE_RAMP, WATER
from birdsat.pictures.map_picture import draw_map, draw_map_file, picture_scale, png_bytes, save_png
from birdsat.pictures.panel import MapPoints

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
    assert share_of(draw_map(GRID, (3,), full, title="A b", quantity=SCORE), NO_DATA) < 0.001
    assert share_of(draw_map(GRID, (3,), holed, title="A b", quantity=SCORE), NO_DATA) > 0.1


def test_a_map_without_any_imagery_is_all_grey() -> None:
    assert share_of(draw_map(GRID, (3,), np.full_like(scores(), np.nan), title="A b", quantity=SCORE), NO_DATA) > 0.4


def test_the_true_range_and_the_water_are_drawn() -> None:
    land = Land(lambda lon, lat: (np.mod(lon, 360) > 176) | (lat > 100))
    truth = np.zeros((1, *GRID.shape), dtype=bool)
    truth[0, :, 5:] = True
    score = scores()
    score[:, :, :3] = np.nan
    figure = draw_map(GRID, (7,), score, title="A b", quantity=SCORE, truth=truth, land=land)
    assert share_of(figure, RANGE) > 0.05
    assert share_of(figure, WATER) > 0.05
    titles = [axes.get_title() for axes in figure.axes]
    assert "July: score" in titles and "July: true range" in titles


def test_points_east_of_the_antimeridian_land_on_the_map() -> None:
    points = MapPoints(lon=np.array([179.0, -175.0, 20.0]), lat=np.array([-5.0, -5.0, -5.0]), label="records")
    counts = MapPoints(lon=np.array([-171.0]), lat=np.array([-9.0]), label="counts", count=np.array([12.0]))
    figure = draw_map(GRID, (1,), scores(), title="A b", quantity=SCORE, points=(points, counts))
    marks = [np.asarray(drawn.get_offsets()) for drawn in figure.axes[0].collections]
    np.testing.assert_allclose(marks[0], [[179, -5], [185, -5]])  # 20 E is not in the box
    np.testing.assert_allclose(marks[1], [[189, -9]])


def test_dated_points_are_marked_on_their_own_month_only() -> None:
    points = MapPoints(lon=np.full(3, 175.0), lat=np.full(3, -5.0), label="records", month=np.array([1, 7, 7]))
    figure = draw_map(GRID, (1, 7), scores(2), title="A b", quantity=SCORE, points=(points,))
    marked = {axes.get_title(): len(axes.collections[0].get_offsets()) for axes in figure.axes if axes.get_title()}
    assert marked == {"January": 1, "July": 2}


@pytest.mark.parametrize("grid", [GRID, EqualAreaGrid(GRID.box, 100)], ids=["degrees", "equal area"])
def test_longitudes_past_180_are_labelled_west_where_they_lie(grid: AnyGrid) -> None:
    value = np.zeros((1, *grid.shape), np.float32)
    axes = draw_map(grid, (1,), value, title="A b", quantity=SCORE).axes[0]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    at = dict(zip(labels, grid.degrees(axes.get_xticks(), 0.0)[0], strict=True))
    assert labels == ["170°E", "175°E", "180°", "175°W", "170°W"][: len(labels)]
    assert at["175°E"] == pytest.approx(175) and at["175°W"] == pytest.approx(185)
    south = dict(zip((text.get_text() for text in axes.get_yticklabels()), axes.get_yticks(), strict=True))
    assert south["10°S"] == pytest.approx(float(grid.plane(0, -10)[1]))


def test_degrees_of_longitude_shrink_with_latitude() -> None:
    north = Grid(Box(0, 50, 20, 70), 2.0)
    axes = draw_map(north, (1,), scores()[:, :10, :10], title="A b", quantity=SCORE).axes[0]
    assert axes.get_aspect() == pytest.approx(2.0)  # 1 / cos 60


def test_twelve_months_share_one_colour_scale() -> None:
    figure = draw_map(GRID, range(1, 13), scores(12), title="A b", quantity=SCORE)
    scales = {axes.images[0].get_clim() for axes in figure.axes if axes.images and axes.get_title()}
    assert len(scales) == 1
    assert sum(bool(axes.get_title()) for axes in figure.axes) == 12


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_png(draw_map(GRID, (1,), scores(), title="A b", quantity=SCORE), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_dollars_in_any_text_are_drawn_as_they_are() -> None:
    points = MapPoints(lon=np.array([175.0]), lat=np.array([-5.0]), label=r"$x_1$ and $\frac$")
    figure = draw_map(
        GRID, (1,), scores(), title=r"A $b\c$", quantity=SCORE, subtitle="run $1 of $2^", points=(points,)
    )
    png_bytes(figure)  # a formula that cannot be read would raise ValueError here
    assert figure.get_suptitle() == r"A $b\c$"


def test_scores_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="a layer a month, then the grid's cells"):
        draw_map(GRID, (1, 2), scores(1), title="A b", quantity=SCORE)


def test_an_area_of_applicability_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="give both over the same cells"):
        draw_map(GRID, (1,), scores(), title="A b", quantity=SCORE, applicability=np.zeros((2, 2), np.float32))


def test_an_equal_area_map_keeps_the_aspect_of_its_plane() -> None:
    grid = EqualAreaGrid(Box(0, 50, 20, 70), 200)
    axes = draw_map(grid, (1,), np.zeros((1, *grid.shape), np.float32), title="A b", quantity=SCORE).axes[0]
    assert axes.get_aspect() == 1
    assert axes.get_xlim() + axes.get_ylim() == pytest.approx(grid.extent)


def test_suitability_is_coloured_from_0_and_other_quantities_over_their_values() -> None:
    low = scores() * np.float32(0.1)
    for quantity, ends in ((SUITABILITY, (0, 0.1)), (SCORE, tuple(np.percentile(low, (10, 99.5))))):
        figure = draw_map(GRID, (1,), low, title="A b", quantity=quantity)
        assert figure.axes[0].images[0].get_clim() == pytest.approx(ends)
        assert figure.axes[-1].get_xlabel().splitlines()[0] == quantity.name
    assert draw_map(GRID, (1,), low, title="A b", quantity=RICHNESS, scale=(0, 9)).axes[0].images[0].get_clim() == (
        0,
        9,
    )


def test_units_stand_on_the_colour_bar() -> None:
    figure = draw_map(GRID, (), scores(), title="Calls", quantity=Quantity("calls", "h-1"), is_taxon=False)
    assert figure.axes[-1].get_xlabel() == "calls (h-1)"
    assert figure.axes[0].get_title() == ""


def test_outside_its_area_of_applicability_a_map_is_faded_and_the_legend_says_why() -> None:
    full = np.ones_like(scores())
    inside = np.ones(GRID.shape, np.float32)
    inside[:, :6] = 0
    inside[0, :] = np.nan  # unknown is not outside
    dark = to_hex(SCORE_COLOURS(1.0))
    plain = draw_map(GRID, (1,), full, title="A b", quantity=SUITABILITY)
    faded = draw_map(GRID, (1,), full, title="A b", quantity=SUITABILITY, applicability=inside)
    share = share_of(faded, dark) / share_of(plain, dark)
    assert share == pytest.approx(0.46, abs=0.05)
    assert not plain.legends
    assert [text.get_text() for text in faded.legends[0].get_texts()] == ["outside the area of applicability"]


def test_the_sea_without_values_is_water_and_coasts_are_drawn_over_the_antimeridian() -> None:
    fiji = Grid(Box(176, -20, -178, -15), 0.1)
    empty = np.full((1, *fiji.shape), np.nan, np.float32)
    figure = draw_map(fiji, (1,), empty, title="A b", quantity=SUITABILITY, land=EARTH)
    assert share_of(figure, WATER) > 0.5 and 0.005 < share_of(figure, NO_DATA) < 0.1  # islands without imagery are grey
    lines = figure.axes[0].collections[0].get_segments()
    assert {bool(line[:, 0].min() < 180) for line in lines} == {True, False}
    assert min(line[:, 0].min() for line in lines if 176 < line[:, 0].mean() < 182) > 175
    along_180 = [edge for line in lines for edge in pairwise(line) if edge[0][0] == edge[1][0] == 180]
    assert along_180 == []


def test_coasts_of_a_planet_that_is_a_function_run_around_its_land() -> None:
    island = Land(lambda lon, lat: np.hypot(np.mod(lon, 360) - 180, lat + 10) < 5)
    figure = draw_map(GRID, (1,), scores() * np.nan, title="A b", quantity=SCORE, land=island)
    (line,) = figure.axes[0].collections[0].get_segments()
    np.testing.assert_allclose(np.hypot(line[:, 0] - 180, line[:, 1] + 10), 5, atol=0.1)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_a_map_on_disk_is_drawn_the_right_way_up(tmp_path: Path, grid: AnyGrid) -> None:
    written(tmp_path / "map.tif", described(grid, std=False))
    with MapFile(tmp_path / "map.tif") as map_file:
        figure = draw_map_file(map_file)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(panels) == ["January", "July", "December"]
    for layer, axes in enumerate(panels.values()):
        image = next(image for image in axes.images if image.get_cmap() is SCORE_COLOURS)
        assert image.get_extent() == pytest.approx(list(grid.extent)) and image.origin == "upper"
        shown, true = np.ma.filled(image.get_array(), np.nan), numbers(map_file.description)[layer]
        np.testing.assert_allclose(shown, true, atol=1e-6)  # small enough to be read as it is


def test_a_large_map_is_read_no_finer_than_it_is_drawn(tmp_path: Path) -> None:
    grid = Grid(Box(0, 0, 40, 20), 0.02)
    written(tmp_path / "map.tif", described(grid, months=(1,), std=False), block=500)
    with MapFile(tmp_path / "map.tif") as map_file:
        figure = draw_map_file(map_file)
    image = next(image for image in figure.axes[0].images if image.get_cmap() is SCORE_COLOURS)
    assert image.get_array().shape == (500, 1000)
    assert image.get_array()[0, 0] > 0.99 and image.get_array()[-1, -1] == pytest.approx(0.25, abs=0.01)


def pixels(figure: Figure) -> NDArray[np.int_]:
    return np.asarray(Image.open(io.BytesIO(png_bytes(figure))).convert("RGB")).astype(int)


def cell_pixels(figure: Figure, drawn: NDArray[np.int_], grid: AnyGrid, row: int, column: int) -> NDArray[np.int_]:
    """The pixels (h, w, 3) of a cell of the first panel, without a rim of two in which its neighbours have a part."""
    (west, _, _, north), step = grid.extent, grid.step
    ends = [(west + column * step, north - row * step), (west + (column + 1) * step, north - (row + 1) * step)]
    (left, top), (right, bottom) = figure.axes[0].transData.transform(ends)
    return drawn[round(len(drawn) - top) + 2 : round(len(drawn) - bottom) - 2, round(left) + 2 : round(right) - 2]


def test_the_hatched_cells_are_exactly_those_outside_the_area_of_applicability() -> None:
    inside = np.random.default_rng(1).integers(0, 2, GRID.shape).astype(np.float32)
    full = np.ones((1, *GRID.shape), np.float32)
    figure = draw_map(GRID, (1,), full, title="A b", quantity=SUITABILITY, applicability=inside)
    drawn = pixels(figure)
    dark = np.round(np.array(SCORE_COLOURS(1.0)[:3]) * 255)
    for row, column in np.ndindex(*GRID.shape):
        cell = cell_pixels(figure, drawn, GRID, row, column)
        if inside[row, column]:
            assert np.abs(cell - dark).max() <= 1
        else:  # faded all over, and with lines across
            assert np.abs(cell - dark).max(axis=2).min() > 20 and len(np.unique(cell.reshape(-1, 3), axis=0)) > 1


ISLANDS = {
    "Viti Levu": (178.0, -17.8),
    "Mauritius": (57.6, -20.3),
    "Sao Miguel": (-25.5, 37.8),
    "Isabela": (-91.1, -0.8),
    "Hawaii": (-155.5, 19.6),
    "Saint Helena": (-5.7, -15.95),  # smaller than what cells are asked for land by
}


@pytest.mark.parametrize("width_px", [None, 600])
def test_every_island_has_the_colour_of_its_cells_on_a_map_of_the_world(width_px: int | None) -> None:
    grid = Grid(Box(-180, -90, 180, 90), 0.5)
    lon, lat = np.array(list(ISLANDS.values())).T
    cells = land_cells(grid, EARTH)
    cells.flat[grid.cells_at(lon, lat)] = True
    value = np.where(cells, np.float32(1), np.float32(np.nan))[None]
    figure = draw_map(grid, (1,), value, title="A b", quantity=SUITABILITY, land=EARTH, of_land=True, width_px=width_px)
    drawn = pixels(figure)
    dark = np.round(np.array(SCORE_COLOURS(1.0)[:3]) * 255)
    for name, x, y in zip(ISLANDS, *figure.axes[0].transData.transform(np.c_[lon, lat]).T, strict=True):
        around = drawn[round(len(drawn) - y) - 3 : round(len(drawn) - y) + 4, round(x) - 3 : round(x) + 4]
        assert np.abs(around - dark).max(axis=2).min() <= 8, name


def test_a_coast_has_no_grey_beside_its_cells_and_no_colour_at_sea() -> None:
    grid = Grid(Box(-10, 35, 5, 45), 0.25)
    value = np.where(land_cells(grid, EARTH), np.float32(1), np.float32(np.nan))[None]
    figure = draw_map(grid, (1,), value, title="A b", quantity=SUITABILITY, land=EARTH, of_land=True)
    assert share_of(figure, NO_DATA) < 1e-5
    dark = to_hex(SCORE_COLOURS(1.0))
    land = share_of(figure, dark)
    whole = share_of(draw_map(grid, (1,), value, title="A b", quantity=SUITABILITY, land=EARTH), dark)
    assert land < 0.97 * whole  # whole cells reach out to sea
    sea = draw_map(grid, (1,), np.ones_like(value), title="A b", quantity=SUITABILITY, land=EARTH, of_land=True)
    assert share_of(sea, dark) == pytest.approx(land, rel=0.01)  # what is said of the sea is not drawn
    assert share_of(sea, WATER) > 0.1


def test_land_without_a_value_is_told_from_a_value_of_0_and_named() -> None:
    grid = Grid(Box(-10, 35, 5, 45), 0.25)
    value = np.where(land_cells(grid, EARTH), np.float32(0), np.float32(np.nan))[None]
    value[:, :, 30:] = np.nan
    figure = draw_map(grid, (1,), value, title="A b", quantity=SUITABILITY, land=EARTH, of_land=True)
    assert share_of(figure, NO_DATA) > 0.05 and share_of(figure, to_hex(SCORE_COLOURS(0.0))) > 0.05
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no value"]


def test_every_month_has_one_scale_by_the_data_or_a_full_one(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRIDS[1]))
    ends = {}
    for scale in ("data", "full"):
        with MapFile(tmp_path / "map.tif") as map_file:
            figure = draw_map_file(map_file, scale=scale)
            ends[scale] = picture_scale(map_file, scale)
        panels = [axes for axes in figure.axes if axes.get_title()]
        images = [image for axes in panels for image in axes.images if image.get_cmap() is SCORE_COLOURS]
        assert {image.get_clim() for image in images} == {ends[scale]} and len(panels) == 3
    assert ends["full"] == (0, 1) and ends["data"] == (0, pytest.approx(0.7))  # inside, the largest is below 0.75


def test_a_common_name_stands_upright_before_the_scientific_name_in_italics() -> None:
    figure = draw_map(GRID, (1,), scores(), title="Parus major", common_name="Some $ bird", quantity=SCORE)
    assert figure.get_suptitle() == "Some $ bird (Parus major)"
    texts = {text.get_text(): text.get_fontstyle() for text in figure.findobj(Text) if text.get_alpha() != 0}
    assert texts["Some $ bird ("] == "normal" and texts["Parus major"] == "italic"
    png_bytes(figure)


@pytest.mark.parametrize(
    "title, style", [("Passerina cyanea", "italic"), ("Passerina", "italic"), ("Northern Cardinal", "normal")]
)
def test_names_that_are_not_scientific_stand_upright(title: str, style: str) -> None:
    figure = draw_map(GRID, (1,), scores(), title=title, quantity=SUITABILITY)
    assert figure.get_suptitle() == title and figure._suptitle.get_style() == style  # type: ignore[attr-defined]


def test_below_a_map_stands_what_is_to_be_known_of_it(tmp_path: Path) -> None:
    changes = {"calibrated": False, "evaluation": {}, "dated": False, "months": ()}
    written(tmp_path / "map.tif", described(GRIDS[0], **changes, sources={"observer bias": "not corrected"}))
    with MapFile(tmp_path / "map.tif") as map_file:
        figure = draw_map_file(map_file)
    words = figure.legends[0].get_title().get_text().replace("\n", " ")
    assert (
        "not calibrated, not evaluated: too few records, or in too few places, to hold any out; observer bias not"
        in words
    )
    assert figure.axes[0].get_title() == "all months" and "undated" in words
    bar = next(axes.get_xlabel() for axes in figure.axes if axes.get_xlabel())
    assert bar.startswith("relative suitability\n0.5: ")


def test_the_colours_get_darker_in_even_steps_so_that_no_kind_of_sight_needs_their_hue() -> None:
    linear = np.array([to_rgb(colour) for colour in SCORE_RAMP]) ** 2.2
    lightness = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16
    steps = -np.diff(lightness)
    assert steps.min() > 5 and lightness[0] > 90 and lightness[-1] < 15


@pytest.mark.parametrize(
    "cells",
    [
        Grid(Box(-180, -76.5, 180, -76.25), 0.25),
        Grid(Box(-4, 20, -3.75, 60), 0.25),
        EqualAreaGrid(Box(-180, 0, 180, 0.5), 50),
    ],
)
def test_a_single_row_or_column_of_cells_is_a_picture_all_the_same(cells: AnyGrid) -> None:
    value = np.random.default_rng(0).random((1, *cells.shape)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as of axes without any size
        figure = draw_map(cells, (6,), value, title="Corvus corax", quantity=SUITABILITY, land=EARTH)
    panel = figure.axes[0].get_position()
    width, height = panel.width * figure.get_figwidth(), panel.height * figure.get_figheight()
    assert min(width, height) > 0.3 and max(width / height, height / width) < 20
    heading = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_text() == "Corvus corax")[0]
    assert heading.get_window_extent().y0 > figure.axes[0].title.get_window_extent().y1 - 1
