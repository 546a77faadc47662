"""Imagery is opened by its name in one place, and passed on as a record."""

import pickle
import re
import sys
import types
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from small_birds import encoded

import birdsat
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, InputError
from birdsat.imagery import open_imagery as schemes
from birdsat.imagery.open_imagery import open_imagery
from birdsat.imagery.sources import ChipSizes
from birdsat.virtual.chips import VirtualChips


@pytest.mark.parametrize("seed", ["", "-1", "x", "\u00b2", "\u0663"])
def test_a_seed_that_is_not_a_whole_number_is_refused(seed):
    with pytest.raises(InputError, match="write virtual:0"):
        open_imagery(f"virtual:{seed}")


def test_the_case_of_a_suffix_does_not_matter(tmp_path):
    path = tmp_path / "CHIPS.PARQUET"
    chip = encoded(Image.new("RGB", (8, 8)), "PNG")
    pq.write_table(pa.table({"lon": [1.0], "lat": [2.0], "image": [chip]}), path)
    table = open_imagery(str(path))
    assert table.is_table and not open_imagery("mosaic.tif").is_table
    assert table.chips(ground_km=(1,), px=64).encoded_chip(Place(1, 2)) == chip


def test_an_unknown_ground_size_is_answered_with_the_setting_that_gives_it():
    with pytest.raises(ConfigError, match="virtual:0 is not known") as error:
        open_imagery("virtual:0").chips(ground_km=(), px=8)
    assert error.value.settings == ("chip_km",)


def test_several_sizes_are_given_from_small_to_large_and_one_as_ever():
    imagery, place = open_imagery("virtual:0"), Place(1, 2)
    chips = imagery.chips(ground_km=(400, 100), px=8)
    assert isinstance(chips, ChipSizes) and chips.ground_km == (100, 400)
    alone = imagery.chips(ground_km=(400,), px=8)
    assert isinstance(alone, VirtualChips) and alone.ground_km == (400,)
    wide = VirtualChips(0, ground_km=400, px=8).chip(place)
    assert (chips.chips(place)[1] == wide).all() and (chips.chips(place)[0] != wide).any()
    assert (alone.chips(place)[0] == wide).all() and len(alone.chips(place)) == 1


def test_ready_chips_are_of_one_size(tmp_path):
    (tmp_path / "chips.csv").touch()
    with pytest.raises(InputError, match="of one ground size, and 1 and 2 km are needed"):
        open_imagery(str(tmp_path / "chips.csv")).chips(ground_km=(1, 2), px=8)


@pytest.mark.parametrize("text", ["none.tif", "virtal:0", "Virtual:0", "gone.parquet"])
def test_absent_imagery_and_typos_are_answered_with_what_can_be_given(text):
    imagery = open_imagery(text)  # a region of imagery that is gone can still be read
    assert imagery.file_bytes is None
    with pytest.raises(InputError, match=f"{text} does not exist; give a raster, a table of chips, or virtual:SEED"):
        imagery.chips(ground_km=(1,), px=8)


def test_a_file_that_is_written_again_is_told_by_its_size(tmp_path):
    (tmp_path / "world.tif").write_bytes(b"1234567")
    assert open_imagery(str(tmp_path / "world.tif")).file_bytes == 7


def test_a_scheme_is_one_line_of_the_registry(monkeypatch):
    made = types.ModuleType("made_scheme")
    made.open_made = lambda text: ("made", text)
    monkeypatch.setitem(sys.modules, "made_scheme", made)
    monkeypatch.setitem(schemes.SCHEMES, "made:NAME", "made_scheme:open_made")
    assert open_imagery("made:a:b") == ("made", "made:a:b")
    with pytest.raises(InputError, match="or virtual:SEED or made:NAME"):
        open_imagery("mad:a").chips(ground_km=(1,), px=8)


def test_chips_of_a_scheme_may_be_sent_to_other_processes():
    chips = open_imagery("virtual:0").chips(ground_km=(100, 400), px=8)
    sent = pickle.loads(pickle.dumps(chips))
    assert sent.identity == chips.identity
    assert sent.encoded_chip(Place(1, 2)) == chips.encoded_chip(Place(1, 2))


def test_no_module_beside_imagery_and_the_virtual_planet_makes_or_reads_the_name_of_a_scheme():
    package = Path(birdsat.__file__).parent
    prefixes = "|".join(form[: form.index(":") + 1] for form in schemes.SCHEMES)
    own = re.compile(rf"""["'](?:{prefixes})["'{{\d]""")  # "virtual:", f"virtual:{seed}", "virtual:0"
    assert own.search((package / "imagery" / "virtual_imagery.py").read_text())
    files = [file.relative_to(package) for file in package.rglob("*.py")]
    others = [file for file in files if file.parts[0] not in ("imagery", "virtual")]
    assert len(others) > 100
    assert [str(file) for file in others if own.search((package / file).read_text())] == []
