"""Animated maps: the months in order, in one palette, without end."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_maps import GRIDS, described, written

from birdsat.earth.grid import AnyGrid
from birdsat.errors import InputError
from birdsat.maps.map_file import MapFile
from birdsat.pictures.animate import animate_map


def animated(folder: Path, grid: AnyGrid, **changes: object) -> Path:
    written(folder / "map.tif", described(grid, **changes))
    with MapFile(folder / "map.tif") as map_file:
        animate_map(map_file, folder / "map.gif")
    return folder / "map.gif"


@pytest.mark.parametrize("grid", GRIDS[1:3], ids=str)
def test_there_is_a_frame_a_month_and_only_the_map_changes(tmp_path: Path, grid: AnyGrid) -> None:
    path = animated(tmp_path, grid)
    with Image.open(path) as gif:
        assert gif.n_frames == 3 and gif.info["loop"] == 0 and gif.info["duration"] == 700
        frames = []
        for number in range(3):
            gif.seek(number)
            frames.append(np.asarray(gif.convert("RGB")).astype(int))
    height, width = frames[0].shape[:2]
    middle = np.s_[height // 3 : 2 * height // 3, width // 4 : width // 2]
    # Values fall from month to month, and a low value is nearly the colour of bare land.
    brightness = [frame[middle].mean() for frame in frames]
    assert brightness[0] < brightness[1] < brightness[2]
    for frame in frames[1:]:
        edge = np.s_[round(0.83 * height) :]  # the colour bar and the words below it
        np.testing.assert_array_equal(frame[edge], frames[0][edge])
    assert (frames[0][0, 0] == 255).all()
    assert path.stat().st_size < 400_000


def test_months_run_in_the_order_of_the_year(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = animated(tmp_path / "a", GRIDS[0], months=(1, 7), std=False)
    other = animated(tmp_path / "b", GRIDS[0], months=(7, 1), std=False)
    with Image.open(one) as a, Image.open(other) as b:
        a.seek(1)  # July of the first holds the second layer of its map, January of the other its second
        assert not np.array_equal(np.asarray(a.convert("RGB")), np.asarray(b.convert("RGB")))
        first = np.asarray(b.convert("RGB")).astype(int)
        b.seek(1)
        second = np.asarray(b.convert("RGB")).astype(int)
    middle = np.s_[first.shape[0] // 3 : -first.shape[0] // 3, first.shape[1] // 4 : first.shape[1] // 2]
    assert first[middle].mean() > second[middle].mean()  # January, the lower layer, comes first


@pytest.mark.parametrize("months", [(), (4,)])
def test_a_map_of_one_layer_is_not_animated(tmp_path: Path, months: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="at least two"):
        animated(tmp_path, GRIDS[0], months=months)
    assert not (tmp_path / "map.gif").exists()
