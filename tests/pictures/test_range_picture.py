"""The picture of a range: each season in its colour, where its cells are, and the picture of the spread."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch
from season_maps import GRID, write_map

from birdsat.earth.box import Box
from birdsat.earth.grid import AnyGrid, EqualAreaGrid, Grid
from birdsat.maps.map_file import MapFile
from birdsat.maps.taxon_range import find_threshold, taxon_range
from birdsat.pictures.map_picture import png_bytes
from birdsat.pictures.range_picture import SEASON_COLOURS, draw_doubt, draw_range


@pytest.mark.parametrize(
    "grid",
    [GRID, Grid(Box(170, 10, -170, 50), 1), EqualAreaGrid(Box(170, 10, -170, 50), 100)],
    ids=str,
)
def test_every_season_is_drawn_where_its_cells_are_over_the_antimeridian_as_well(tmp_path: Path, grid: AnyGrid) -> None:
    with MapFile(write_map(tmp_path / "a.tif", grid=grid)) as map_file:
        about = map_file.description
        found = taxon_range(map_file, find_threshold(about, "max_sss"))
    polygons = [(part.season, part.geometry) for part in found.parts]
    figure = draw_range(about, polygons, None)
    drawn: dict[str, list[np.ndarray]] = {}
    for patch in figure.axes[0].patches:
        assert isinstance(patch, PathPatch)
        drawn.setdefault(to_hex(patch.get_facecolor()), []).append(patch.get_path().vertices)
    assert set(drawn) == {SEASON_COLOURS[season] for season, _ in polygons}
    # The last column of cells lies in the range, and the first two do not.
    for outlines in drawn.values():
        together = np.concatenate(outlines)
        assert together[:, 0].min() == pytest.approx(grid.extent[0] + 2 * grid.step, abs=1e-6 * grid.step)
        assert together[:, 0].max() == pytest.approx(grid.extent[1], abs=1e-6 * grid.step)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [season for season, _ in polygons]


def test_an_empty_range_is_a_picture_without_a_legend(tmp_path: Path) -> None:
    with MapFile(write_map(tmp_path / "a.tif")) as map_file:
        figure = draw_range(map_file.description, [], None)
    assert not figure.axes[0].patches and png_bytes(figure)


def test_the_uncertainty_is_drawn_where_a_map_has_one(tmp_path: Path) -> None:
    with MapFile(write_map(tmp_path / "a.tif", months=(6,))) as map_file:
        figure = draw_doubt(map_file, None)
    assert figure is not None
    image = figure.axes[0].images[0].get_array()
    assert float(np.nanmax(image)) == pytest.approx(0.4) and float(np.nanmin(image)) == pytest.approx(0.01)
    with MapFile(write_map(tmp_path / "c.tif", months=(6,), std=False, interval=0.8)) as map_file:
        figure = draw_doubt(map_file, None)
    assert figure is not None
    image = figure.axes[0].images[0].get_array()
    assert float(np.nanmax(image)) == pytest.approx(0.8) and float(np.nanmin(image)) == pytest.approx(0.02)
    with MapFile(write_map(tmp_path / "b.tif", std=False)) as map_file:
        assert draw_doubt(map_file, None) is None


def test_the_legend_of_a_tall_map_is_within_it(tmp_path: Path) -> None:
    with MapFile(write_map(tmp_path / "a.tif", grid=Grid(Box(5, -35, 40, 63), 1))) as map_file:
        about = map_file.description
        (part, *_) = taxon_range(map_file, find_threshold(about, "max_sss")).parts
    figure = draw_range(about, [(season, part.geometry) for season in SEASON_COLOURS], None)
    figure.canvas.draw()
    legend, whole = figure.legends[0].get_window_extent(), figure.bbox
    assert legend.x0 >= 0 and legend.x1 <= whole.x1 and legend.y0 >= 0
