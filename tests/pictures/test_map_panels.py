"""Panels beside the months of a map: what was asked for, in its place."""

from pathlib import Path

import numpy as np
import pytest
from small_maps import GRIDS, described, written

from birdsat.earth.cog import create_cog
from birdsat.earth.grid import Grid
from birdsat.errors import InputError
from birdsat.maps.effort import effort_path, read_effort
from birdsat.maps.map_file import MapFile
from birdsat.maps.panels import PANELS
from birdsat.pictures.colours import EFFORT_COLOURS
from birdsat.pictures.extra_panels import missing_panels, uncertainty
from birdsat.pictures.map_picture import draw_map_file


def test_panels_are_drawn_on_demand_where_the_map_has_them(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRIDS[0]))
    with MapFile(tmp_path / "map.tif") as map_file:
        figure = draw_map_file(map_file, panels=tuple(PANELS))
        assert missing_panels(map_file, tuple(PANELS)) == ["effort"]
    assert [axes.get_title() for axes in figure.axes if axes.get_visible() and axes.get_title()] == [
        "January",
        "July",
        "December",
        "uncertainty",
        "area of applicability",
    ]
    visits = np.arange(GRIDS[0].cells, dtype=np.float32).reshape(1, *GRIDS[0].shape)
    with create_cog(effort_path(tmp_path / "map.tif"), GRIDS[0], band_names=("visits",)) as cog:
        cog.write(0, visits)
    with MapFile(tmp_path / "map.tif") as map_file:
        figure = draw_map_file(map_file, panels=("effort",), width_px=600)
        np.testing.assert_array_equal((read_effort(map_file, 1000) or ("",))[0], visits[0])
    panel = next(axes for axes in figure.axes if axes.get_title() == "effort")
    drawn = next(image for image in panel.images if image.get_cmap() is EFFORT_COLOURS)
    assert drawn.get_clim() == (0, visits.max())
    assert figure.get_figwidth() * figure.dpi == 600


def test_uncertainty_is_the_width_of_the_intervals_or_the_standard_deviation_of_older_maps(tmp_path: Path) -> None:
    for name, changes, words in (
        ("new", {"std": False, "interval": 0.8}, "width of the 80% interval, mean over the months"),
        ("old", {}, "standard deviation over the members, mean over the months"),
    ):
        values = written(tmp_path / f"{name}.tif", described(GRIDS[0], **changes))
        width = values[6:9] - values[3:6] if name == "new" else values[3:6]
        with MapFile(tmp_path / f"{name}.tif") as map_file:
            panel = uncertainty(map_file, 1000)
        assert panel is not None and panel.label == words
        both = np.isfinite(width).all(axis=0)
        np.testing.assert_allclose(panel.value[both], width.mean(axis=0)[both], rtol=1e-5)
    written(tmp_path / "bare.tif", described(GRIDS[0], std=False))
    with MapFile(tmp_path / "bare.tif") as map_file:
        assert uncertainty(map_file, 1000) is None


def test_effort_on_other_cells_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRIDS[0]))
    other = Grid(GRIDS[0].box, 2)
    with create_cog(effort_path(tmp_path / "map.tif"), other, band_names=("visits",)) as cog:
        cog.write(0, np.zeros((1, *other.shape), np.float32))
    with MapFile(tmp_path / "map.tif") as map_file, pytest.raises(InputError, match="is not on the cells of"):
        draw_map_file(map_file, panels=("effort",))


def test_panels_beside_one_month_leave_no_paper_bare(tmp_path: Path) -> None:
    about = described(GRIDS[0], months=(6,))
    written(tmp_path / "map.tif", about)
    with create_cog(effort_path(tmp_path / "map.tif"), GRIDS[0], band_names=("visits",)) as cog:
        cog.write(0, np.ones((1, *GRIDS[0].shape), np.float32))
    with MapFile(tmp_path / "map.tif") as map_file:
        figure = draw_map_file(map_file, panels=tuple(PANELS))
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["June", "uncertainty", "area of applicability", "effort"]
    left, top = (np.array([getattr(axes.get_position(), name) for axes in panels]) for name in ("x0", "y1"))
    assert left[0] == pytest.approx(left[2], abs=0.02) and left[1] == pytest.approx(left[3], abs=0.02)
    assert top[0] == pytest.approx(top[1], abs=0.02) and top[2] < top[0]


def test_effort_that_is_not_known_has_no_panel_though_its_file_is_there(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRIDS[0]))
    tags = {"model": "not known"}
    with create_cog(effort_path(tmp_path / "map.tif"), GRIDS[0], band_names=("effort",), tags=tags) as cog:
        cog.write(0, np.ones((1, *GRIDS[0].shape), np.float32))
    with MapFile(tmp_path / "map.tif") as map_file:
        assert missing_panels(map_file, ("effort",)) == ["effort"]


def test_each_column_of_panels_has_its_degrees_below_the_last(tmp_path: Path) -> None:
    written(tmp_path / "map.tif", described(GRIDS[0], months=(1, 7)))
    with MapFile(tmp_path / "map.tif") as map_file:
        figure = draw_map_file(map_file, panels=("uncertainty",))
    labelled = {
        axes.get_title(): any(text.get_visible() and text.get_text() for text in axes.get_xticklabels())
        for axes in figure.axes
        if axes.get_title()
    }
    assert labelled == {"January": False, "July": True, "uncertainty": True}
