import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from small_birds import encoded

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.imagery.chip_sizes import ChipSizes
from birdsat.imagery.open_imagery import open_chips
from birdsat.virtual.chips import VirtualChips


@pytest.mark.parametrize("seed", ["", "-1", "x", "\u00b2", "\u0663"])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(InputError, match="write virtual:0"):
        open_chips(f"virtual:{seed}", ground_km=10, px=8)


def test_the_case_of_a_suffix_does_not_matter(tmp_path):
    path = tmp_path / "CHIPS.PARQUET"
    chip = encoded(Image.new("RGB", (8, 8)), "PNG")
    pq.write_table(pa.table({"lon": [1.0], "lat": [2.0], "image": [chip]}), path)
    assert open_chips(str(path), ground_km=1, px=64).encoded_chip(Place(1, 2)) == chip


def test_an_unknown_ground_size_is_answered_with_the_option_that_gives_it():
    with pytest.raises(InputError, match="--chip-km"):
        open_chips("virtual:0", ground_km=None, px=8)


def test_several_sizes_are_given_from_small_to_large_and_one_as_ever():
    chips = open_chips("virtual:0", ground_km=(400, 100), px=8)
    assert isinstance(chips, ChipSizes) and chips.ground_km == (100, 400)
    assert isinstance(open_chips("virtual:0", ground_km=(400,), px=8), VirtualChips)
    wide = VirtualChips(0, ground_km=400, px=8).chip(Place(1, 2))
    assert (chips.chips(Place(1, 2))[1] == wide).all() and (chips.chips(Place(1, 2))[0] != wide).any()


def test_ready_chips_are_of_one_size(tmp_path):
    (tmp_path / "chips.csv").touch()
    with pytest.raises(InputError, match="of one ground size, and 1 and 2 km are needed"):
        open_chips(str(tmp_path / "chips.csv"), ground_km=(1, 2), px=8)


def test_absent_imagery_is_answered_with_what_can_be_given(tmp_path):
    with pytest.raises(InputError, match="a raster, a table of chips, or virtual:SEED"):
        open_chips(str(tmp_path / "none.tif"), ground_km=1, px=8)
