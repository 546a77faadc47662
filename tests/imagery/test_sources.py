"""Sources of chips: every ground size of a place, the one that it has in a dataset, and what tells sources apart."""

import datetime
import json
import os
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_bounds
from small_birds import encoded

from birdsat.dataset.collections.birdsat_release import ReleaseChips
from birdsat.dataset.random_places import NoPhotos
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, PlaceError
from birdsat.imagery.chips import RasterChips
from birdsat.imagery.ground_sizes import check_sizes, ground_sizes, sizes_text
from birdsat.imagery.open_imagery import open_imagery
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.imagery.sources import ChipSizes
from birdsat.virtual.world import VirtualWorld


class Level:
    """Chips as bright as their side in kilometres; those above 50 km reach beyond the imagery north of 80."""

    px = 8

    def __init__(self, km: float) -> None:
        self.ground_km = (km,)
        self.dates: list[datetime.date | None] = []

    @property
    def identity(self) -> dict[str, Any]:
        return {"class": "Level", "km": self.ground_km[0]}

    def chips(self, place: Place, *, date: datetime.date | None = None) -> tuple[np.ndarray, ...]:
        self.dates.append(date)
        if place.lat > 80 and self.ground_km[0] > 50:
            raise PlaceError("no imagery")
        return (np.full((8, 8, 3), int(self.ground_km[0]), dtype=np.uint8),)

    def encoded_chip(self, place: Place) -> bytes:
        return self.chips(place)[0].tobytes()


CHIPS = ChipSizes((100, 10, 40), Level)


def test_every_size_is_given_from_small_to_large() -> None:
    assert (CHIPS.ground_km, CHIPS.px) == ((10, 40, 100), 8)
    assert [chip[0, 0, 0] for chip in CHIPS.chips(Place(3, 4))] == [10, 40, 100]


def test_a_place_has_one_size_in_a_dataset_and_all_sizes_are_about_as_frequent() -> None:
    places = [Place(lon / 7, lat / 3) for lon in range(60) for lat in range(50)]
    drawn = [CHIPS.drawn(place) for place in places]
    again = [pickle.loads(pickle.dumps(CHIPS)).drawn(place) for place in reversed(places)]
    assert drawn == again[::-1]
    assert all(900 < rows < 1100 for rows in Counter(drawn).values())
    assert [CHIPS.encoded_chip(place)[0] for place in places] == [(10, 40, 100)[size] for size in drawn]


def test_the_draw_is_the_same_on_every_machine_and_does_not_see_a_tenth_of_a_metre() -> None:
    places = [Place(0, 0), Place(115.875, -32.125), Place(-70.5, 12.25), Place(179.999, 65)]
    assert [CHIPS.drawn(place) for place in places] == [2, 1, 0, 2]
    near = [Place(place.lon + 1e-8, place.lat - 1e-8) for place in places]
    assert [CHIPS.drawn(place) for place in near] == [2, 1, 0, 2]
    assert CHIPS.drawn(Place(-0.0, 0.0)) == CHIPS.drawn(Place(0.0, -0.0))


def test_a_place_without_imagery_of_some_size_has_no_chips_of_all_sizes() -> None:
    with pytest.raises(PlaceError, match="no imagery"):
        CHIPS.chips(Place(0, 85))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ((5.0,), "two or more, or a source of one"),
        ((5.0, 0.0), "5 and 0 km are not possible"),
        ((5.0, float("nan")), "not possible"),
        ((5.0, 20.0, 5.0), "5, 20 and 5 km were asked for, one of them twice"),
    ],
)
def test_impossible_sizes_are_refused(sizes: tuple[float, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ChipSizes(sizes, Level)


def test_sizes_are_read_in_the_forms_of_earlier_versions_and_told_in_words() -> None:
    assert [ground_sizes(value) for value in (None, 5, 2.5, (1.0, 2.0), "5")] == [(), (5.0,), (2.5,), (1.0, 2.0), "5"]
    assert ground_sizes(True) is True  # to be refused
    assert check_sizes([]) == () and check_sizes([3, 1]) == (1.0, 3.0)
    assert [sizes_text(sizes) for sizes in ((2.56,), (1, 2), (1, 2, 3))] == ["2.56 km", "1 and 2 km", "1, 2 and 3 km"]


def test_the_date_reaches_the_source_of_every_size() -> None:
    chips = ChipSizes((10, 40), Level)
    chips.chips(Place(3, 4), date=datetime.date(2020, 5, 1))
    assert [source.dates for source in chips.sources] == [[datetime.date(2020, 5, 1)]] * 2  # type: ignore[attr-defined]


WRITTEN_NS = 10**18


@pytest.fixture
def imagery(tmp_path: Path) -> Path:
    """A folder with a 16-bit raster and a table of chips, both written at WRITTEN_NS."""
    world = {"driver": "GTiff", "width": 36, "height": 18, "count": 3, "dtype": "uint16", "crs": "EPSG:4326"}
    with rasterio.open(tmp_path / "world.tif", "w", transform=from_bounds(-180, -90, 180, 90, 36, 18), **world) as file:
        file.write(np.ones((3, 18, 36), np.uint16))
    chip = encoded(Image.new("RGB", (8, 8)), "PNG")
    pq.write_table(pa.table({"lon": [1.0], "lat": [2.0], "image": [chip]}), tmp_path / "chips.parquet")
    for name in ("world.tif", "chips.parquet"):
        os.utime(tmp_path / name, ns=(WRITTEN_NS, WRITTEN_NS))
    return tmp_path


def test_every_source_is_told_as_by_the_release_before(imagery: Path) -> None:
    """By these words the fingerprints of finished datasets were made; see also tests/dataset/test_fingerprint.py."""
    raster, table = (imagery / name for name in ("world.tif", "chips.parquet"))
    stretched = {"px": 16, "stretch": (0.0, 3000.0)}
    facts = {file: [str(file.resolve()), file.stat().st_size, WRITTEN_NS] for file in (raster, table)}
    cut = {"class": "RasterChips", "px": "16", "_stretch": "(0.0, 3000.0)", "path": facts[raster]}
    drawn = {"class": "VirtualChips", "seed": "7", "px": "16"}
    rivers = "(1100.0, 380.0, 130.0, 45.0, 15.0, 5.0)"
    for source, told in (
        (FolderPhotos(imagery), {"class": "FolderPhotos", "root": [str(imagery.resolve())]}),
        (NoPhotos(), {"class": "NoPhotos"}),
        (
            ReleaseChips(imagery, ground_km=(2.56,), px=256),
            {"class": "ReleaseChips", "ground_km": "2.56", "px": "256", "root": [str(imagery.resolve())]},
        ),
        (open_imagery(str(raster)).chips(ground_km=(40.5,), **stretched), cut | {"ground_km": "40.5"}),
        (
            open_imagery(str(raster)).chips(ground_km=(40.5, 20), **stretched),
            {"class": "ChipSizes", "sizes": [cut | {"ground_km": "20.0"}, cut | {"ground_km": "40.5"}]},
        ),
        (
            RasterChips(raster, ground_km=40, px=16, bands=(3, 2, 1), stretch=(0, 3000)),
            cut | {"ground_km": "40", "_bands": "(3, 2, 1)", "_stretch": "(0, 3000)"},
        ),
        (
            open_imagery(str(table)).chips(ground_km=(40.5,), px=16),
            {"class": "ReadyChips", "ground_km": "40.5", "px": "8", "path": facts[table]},
        ),
        (
            open_imagery("virtual:7").chips(ground_km=(50,), px=16),
            drawn | {"ground_km": "50.0", "_river_km": "(1100.0, 380.0, 130.0)"},
        ),
        (
            open_imagery("virtual:7").chips(ground_km=(2.5, 400), px=16),
            {
                "class": "ChipSizes",
                "sizes": [
                    drawn | {"ground_km": "2.5", "_river_km": rivers},
                    drawn | {"ground_km": "400.0", "_river_km": "()"},
                ],
            },
        ),
    ):
        assert json.loads(json.dumps(source.identity)) == told


def test_a_raster_that_was_written_again_is_another(imagery: Path) -> None:
    before = open_imagery(str(imagery / "world.tif")).chips(ground_km=(40,), px=16, stretch=(0, 1)).identity
    os.utime(imagery / "world.tif", ns=(WRITTEN_NS + 1, WRITTEN_NS + 1))
    assert open_imagery(str(imagery / "world.tif")).chips(ground_km=(40,), px=16, stretch=(0, 1)).identity != before


def test_a_virtual_world_is_the_same_source_before_and_after_it_was_asked_for_its_land() -> None:
    world = VirtualWorld(3, photo_px=32)
    before = world.identity
    world.land(np.array([1.0]), np.array([2.0]))
    assert world.identity == before
    assert VirtualWorld(4, photo_px=32).identity != before != VirtualWorld(3, photo_px=64).identity
