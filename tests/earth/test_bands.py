"""Which bands of a raster are shown as red, green and blue."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine
from rasterio.enums import ColorInterp

from birdsat.earth.place import Place
from birdsat.earth.raster import Raster
from birdsat.errors import BirdsatWarning, InputError
from birdsat.imagery.chips import RasterChips
from birdsat.imagery.open_imagery import open_imagery

RED_GREEN_BLUE = [200, 100, 50]
C = ColorInterp


def write(path: Path, values: list[int], meaning: list[ColorInterp] | None = None, names: tuple[str, ...] = ()) -> Path:
    bands = len(values)
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=bands, height=20, width=20, crs="EPSG:4326",
        transform=Affine(0.5, 0, 0, 0, -0.5, 10), photometric="MINISBLACK",
    ) as raster:  # fmt: skip
        raster.write(np.stack([np.full((20, 20), value, np.uint8) for value in values]))
        if meaning is not None:
            raster.colorinterp = meaning
        if names:
            raster.descriptions = names
    return path


def colour(path: Path, bands: tuple[int, int, int] | None = None) -> list[int]:
    with Raster(path, bands=bands) as raster:
        return [int(value) for value in raster.cut(Place(5, 5), 100, 4)[2, 2]]


@pytest.mark.parametrize("name", ["rgb", "bgr_told", "bgrn_told", "alpha_first"])
def test_a_raster_that_says_which_band_is_red_is_shown_so(shared_cases: Path, name: str) -> None:
    path = shared_cases / "21-band-order" / f"{name}.tif"
    assert colour(path) == RED_GREEN_BLUE
    with Raster(path) as raster:
        assert raster.says_bands


@pytest.mark.parametrize(
    "values, meaning, names",
    [
        ([50, 100, 200], [C.blue, C.green, C.red], ()),
        ([7, 50, 100, 200], [C.undefined, C.blue, C.green, C.red], ()),
        ([255, 50, 7, 100, 200], [C.alpha, C.blue, C.undefined, C.green, C.red], ()),
        ([200, 9, 100, 9, 50], [C.red, C.undefined, C.green, C.undefined, C.blue], ()),
        ([50, 100, 200, 7], None, ("blue", "green", "red", "nir")),
        ([50, 100, 200, 7], None, ("Blue band", "Green band", "Red band", "Red edge 1")),
        ([9, 50, 100, 200, 7], None, ("B01", "B02", "B03", "B04", "B05")),
        ([9, 50, 100, 200, 7], None, ("B1", "B2", "B3", "B4", "B8A")),
        ([200, 100, 50, 7], None, ("Red", "GREEN", "Blue (2)", "")),
        ([7, 50, 100, 200], None, ("B8 (nir)", "B2 (blue)", "B3 (green)", "B4 (red)")),
    ],
)
def test_meanings_and_names_of_bands_are_followed(
    tmp_path: Path, values: list[int], meaning: list[ColorInterp] | None, names: tuple[str, ...]
) -> None:
    path = write(tmp_path / "told.tif", values, meaning, names)
    assert colour(path) == RED_GREEN_BLUE
    assert colour(path, (1, 1, 1)) == [values[0]] * 3  # what is asked for goes before what is said


def test_where_nothing_is_said_the_first_three_are_taken_with_a_warning_and_bands_decides(tmp_path: Path) -> None:
    path = write(tmp_path / "untold.tif", [7, 50, 100, 200], [C.gray, C.undefined, C.undefined, C.undefined])
    assert colour(path) == [7, 50, 100]
    with pytest.warns(BirdsatWarning, match="does not say which of its bands are red, green and blue"):
        RasterChips(path, ground_km=100, px=4)
    chips = open_imagery(str(path)).chips(ground_km=[100], px=4, bands=(4, 3, 2))
    assert chips.chips(Place(5, 5))[0][2, 2].tolist() == RED_GREEN_BLUE


def test_landsat_numbers_are_not_taken_for_sentinel_2(tmp_path: Path) -> None:
    path = write(tmp_path / "tm.tif", [1, 2, 3, 4, 5, 7], None, ("B1", "B2", "B3", "B4", "B5", "B7"))
    with Raster(path) as raster:
        assert not raster.says_bands


def test_grey_stays_grey_and_its_transparency_is_not_a_colour(tmp_path: Path) -> None:
    assert colour(write(tmp_path / "grey.tif", [90], [C.gray])) == [90, 90, 90]
    assert colour(write(tmp_path / "grey_alpha.tif", [255, 90], [C.alpha, C.gray])) == [90, 90, 90]


def test_bands_that_are_not_there_and_other_colours_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "four.tif", [1, 2, 3, 4], [C.cyan, C.magenta, C.yellow, C.black])
    with pytest.raises(InputError, match="holds the colours cyan, magenta") as caught:
        colour(path)
    assert caught.value.settings == ("bands",)
    assert colour(path, (1, 2, 3)) == [1, 2, 3]
    with pytest.raises(InputError, match="no band 5; allowed: 1 to 4"):
        colour(path, (5, 2, 3))


@pytest.mark.parametrize("imagery", ["virtual:0"])
def test_bands_of_what_has_none_are_refused(imagery: str) -> None:
    with pytest.raises(Exception, match="no bands to choose from") as caught:
        open_imagery(imagery).chips(ground_km=[50], px=8, bands=(3, 2, 1))
    assert caught.value.settings == ("bands",)
