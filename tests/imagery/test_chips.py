import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from PIL import Image
from rasterio import Affine

from birdsat.earth.place import Place
from birdsat.errors import ConfigError, ImageError, InputError, PlaceError
from birdsat.imagery.chips import RasterChips, ReadyChips
from birdsat.imagery.photos import decode_rgb

PLACES = [(12.5, 41.9), (-0.1234567, 51.5), (180.0, -17.0), (-70.25, -54.8)]


def png(value: int, px: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (px, px), (value, value, value)).save(buffer, "PNG")
    return buffer.getvalue()


def table_of_bytes(path: Path, row_group_size: int = 2, **columns: object) -> Path:
    table = {"lon": [lon for lon, _ in PLACES], "lat": [lat for _, lat in PLACES]}
    table |= columns or {"jpeg": [png(10 * i) for i in range(len(PLACES))], "gsd_m": [1.0] * len(PLACES)}
    pq.write_table(pa.table(table), path, row_group_size=row_group_size)
    return path


def grey_world(path: Path, value: int = 77) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=1, height=90, width=180, crs="EPSG:4326",
        transform=Affine(2, 0, -180, 0, -2, 90),
    ) as dataset:  # fmt: skip
        dataset.write(np.full((1, 90, 180), value, np.uint8))
    return path


def test_each_place_gets_its_own_chip_whatever_the_order(tmp_path: Path) -> None:
    chips = ReadyChips(table_of_bytes(tmp_path / "chips.parquet"), ground_km=5)
    assert (chips.px, chips.ground_km) == (8, (5,))
    for i in (2, 0, 3, 1, 0):
        assert chips.encoded_chip(Place(*PLACES[i])) == png(10 * i)
        assert np.unique(chips.chip(Place(*PLACES[i]))).tolist() == [10 * i]


def test_a_place_is_matched_to_a_millionth_of_a_degree(tmp_path: Path) -> None:
    chips = ReadyChips(table_of_bytes(tmp_path / "chips.parquet"), ground_km=5)
    assert chips.encoded_chip(Place(-0.123457, 51.5)) == png(10)
    assert chips.encoded_chip(Place(-180, -17)) == png(20)
    for lon, lat in ((-0.123459, 51.5), (12.5, 41.90001), (0, 0), (179, 89)):
        with pytest.raises(PlaceError, match="no chip at"):
            chips.encoded_chip(Place(lon, lat))


def test_rows_without_a_place_are_passed_over_and_the_first_of_several_is_taken(tmp_path: Path) -> None:
    table = pa.table(
        {
            "lon": [None, float("nan"), 5.0, 5.0],
            "lat": [1.0, 1.0, 6.0, 6.0],
            "chip": [b"damaged", b"damaged", png(1), png(2)],
        }
    )
    pq.write_table(table, tmp_path / "chips.parquet")
    chips = ReadyChips(tmp_path / "chips.parquet", ground_km=5)
    assert chips.encoded_chip(Place(5, 6)) == png(1)


def test_paths_are_relative_to_the_table(tmp_path: Path) -> None:
    (tmp_path / "png").mkdir()
    for i in range(3):
        (tmp_path / "png" / f"{i}.png").write_bytes(png(i))
    rows = [f"{lon},{lat},png/{i}.png,note" for i, (lon, lat) in enumerate(PLACES)]
    (tmp_path / "chips.csv").write_text("\n".join(["lon,lat,path,remark", *rows]))
    chips = ReadyChips(tmp_path / "chips.csv", ground_km=5)
    assert [chips.encoded_chip(Place(*place)) for place in PLACES[:3]] == [png(0), png(1), png(2)]
    with pytest.raises(PlaceError, match=r"3\.png cannot be read"):
        chips.encoded_chip(Place(*PLACES[3]))


def test_a_hugging_face_image_column_is_read(tmp_path: Path) -> None:
    images = [{"bytes": png(i), "path": None} for i in range(4)]
    chips = ReadyChips(table_of_bytes(tmp_path / "chips.parquet", image=images, note=list("abcd")), ground_km=5)
    assert chips.encoded_chip(Place(*PLACES[3])) == png(3)


def test_of_two_image_columns_one_must_go(tmp_path: Path) -> None:
    columns = {"rgb": [png(1)] * 4, "nir": [png(2)] * 4}
    path = table_of_bytes(tmp_path / "chips.parquet", **columns)
    with pytest.raises(InputError, match=r"rgb, nir could all be.*Keep one"):
        ReadyChips(path, ground_km=5)


def test_a_table_without_what_is_needed_is_refused_by_what_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"longitude": [1.0], "lat": [2.0], "jpeg": [png(1)]}), tmp_path / "no_lon.parquet")
    with pytest.raises(InputError, match="columns longitude, lat, jpeg; lon "):
        ReadyChips(tmp_path / "no_lon.parquet", ground_km=5)
    pq.write_table(pa.table({"lon": [1.0], "lat": [2.0], "gsd_m": [3.0]}), tmp_path / "no_image.parquet")
    with pytest.raises(InputError, match="columns lon, lat, gsd_m; none is the image column"):
        ReadyChips(tmp_path / "no_image.parquet", ground_km=5)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("empty.csv", "", "cannot be read"),
        ("header.csv", "lon,lat,path\n", "no row"),
        ("text.csv", "lon,lat,path\neast,north,a.png\n", "cannot be read"),
        ("swapped.csv", "lon,lat,path\n41.9,112.5,a.png\n", "swapped"),
        ("text.parquet", "lon,lat,path\n", "cannot be read"),
        ("absent.csv", None, "cannot be read"),
        ("absent.parquet", None, "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        ReadyChips(tmp_path / name, ground_km=5)


def test_a_chip_of_another_size_or_damaged_is_refused(tmp_path: Path) -> None:
    images = [png(1), png(1, px=9), png(1)[:40], None]
    chips = ReadyChips(table_of_bytes(tmp_path / "chips.parquet", chip=images), ground_km=5)
    with pytest.raises(ImageError, match="9 x 9 pixels"):
        chips.chip(Place(*PLACES[1]))
    with pytest.raises(ImageError):
        chips.chip(Place(*PLACES[2]))
    with pytest.raises(PlaceError, match="no image in row 4"):
        chips.chip(Place(*PLACES[3]))


def test_only_the_row_groups_in_use_are_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("birdsat.imagery.parquet_images._CACHE_BYTES", 1)
    rng = np.random.default_rng(0)
    lon = rng.uniform(-180, 180, 400)
    blobs = [png(7)] + [rng.bytes(10_000) for _ in range(399)]
    table = pa.table({"lon": lon, "lat": np.zeros(400), "chip": blobs})
    pq.write_table(table, tmp_path / "chips.parquet", row_group_size=10, use_dictionary=False)
    chips = ReadyChips(tmp_path / "chips.parquet", ground_km=5)
    before = pa.total_allocated_bytes()
    for row in rng.permutation(400):
        assert chips.encoded_chip(Place(lon[row], 0)) == blobs[row]
    assert pa.total_allocated_bytes() - before < 1_000_000


def test_chips_are_cut_from_a_raster_and_encoded(tmp_path: Path) -> None:
    chips = RasterChips(grey_world(tmp_path / "world.tif"), ground_km=40, px=16)
    assert (chips.ground_km, chips.px) == ((40,), 16)
    assert chips.chip(Place(0, 89.99)).shape == (16, 16, 3)
    assert np.unique(decode_rgb(chips.encoded_chip(Place(180, 0)))).tolist() == [77]


@pytest.mark.parametrize("ground_km, px", [(0, 16), (-3, 16), (40, 0)])
def test_impossible_chips_are_refused(tmp_path: Path, ground_km: float, px: int) -> None:
    with pytest.raises(ConfigError):
        RasterChips(grey_world(tmp_path / "world.tif"), ground_km=ground_km, px=px)
    with pytest.raises(ConfigError):
        ReadyChips(table_of_bytes(tmp_path / "chips.parquet"), ground_km=0)


def test_both_kinds_survive_pickling_and_threads(tmp_path: Path) -> None:
    cut = RasterChips(grey_world(tmp_path / "world.tif"), ground_km=40, px=16)
    ready = ReadyChips(table_of_bytes(tmp_path / "chips.parquet"), ground_km=5)
    for chips in (cut, ready):
        again = pickle.loads(pickle.dumps(chips))
        assert (again.px, again.ground_km) == (chips.px, chips.ground_km)
        places = [Place(*place) for place in PLACES * 10]
        alone = [chips.encoded_chip(place) for place in places]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(again.encoded_chip, places)) == alone


def test_real_ready_chips_look_like_chips_cut_from_the_same_imagery(shared_data: Path) -> None:
    table = shared_data / "earth" / "bluemarble_chips_64px.parquet"
    ready = ReadyChips(table, ground_km=30)
    assert ready.px == 64
    alike = []
    for row in pq.read_table(table, columns=["lon", "lat", "gsd_m"]).to_pylist()[::50]:
        place = Place(row["lon"], row["lat"])
        cut = RasterChips(
            shared_data / "earth" / "bluemarble_21600x10800_cog.tif", ground_km=64 * row["gsd_m"] / 1000, px=64
        )
        mine, given = cut.chip(place), ready.chip(place)
        if given.std() > 15:  # a plain sea or forest has no shape to compare
            alike.append(np.corrcoef(mine.ravel(), given.ravel())[0, 1])
    assert len(alike) > 10
    assert np.median(alike) > 0.9
    assert min(alike) > 0.7
