"""Photos as people keep them: what files, folders and globs stand for, and what of each format is read."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from birdsat.errors import ImageError, InputError
from birdsat.imagery import camera_formats
from birdsat.imagery.photo_files import (
    distinct_names,
    find_photos,
    photo_exif,
    raw_twins_note,
    read_photo,
    same_names,
    without_raw_twins,
)

TAKEN = 0x9003


def picture(seed: int = 0, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Smooth, so that every format keeps it."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    return Image.fromarray((255 * np.stack([x, y, np.full_like(x, seed % 2)], axis=-1)).astype(np.uint8))


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made.get_ifd(0x8769)[TAKEN] = "2024:05:01 06:30:00"
    return made


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_a_folder_stands_for_the_photos_in_it_and_below_sorted_without_what_is_none(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("b.JPG", "a/z.heic", "a/y.NEF", "notes.txt", ".hidden.jpg", "._b.jpg")))
    touch(tmp_path / ".thumbnails/t.jpg", tmp_path / "a.xmp")
    (tmp_path / "a/round").symlink_to(tmp_path, target_is_directory=True)
    found = [str(path.relative_to(tmp_path)) for path in find_photos([tmp_path])]
    assert found == ["b.JPG", "a/y.NEF", "a/z.heic"]


def test_a_folder_that_links_lead_to_in_several_ways_is_one(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.jpg")
    (tmp_path / "a/again").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    assert len(find_photos([tmp_path / "a", tmp_path / "b", tmp_path / "**/*.jpg"])) == 1


def test_each_photo_counts_once_in_the_order_that_it_is_asked_for(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("a.jpg", "b.jpg", "c.txt", "odd [1].jpg")))
    asked = [tmp_path / "odd [1].jpg", tmp_path / "*.jpg", tmp_path, tmp_path / "c.txt", tmp_path / "gone.jpg"]
    names = [path.name for path in find_photos(asked)]
    assert names == ["odd [1].jpg", "a.jpg", "b.jpg", "c.txt", "gone.jpg"]


@pytest.mark.parametrize("asked", ["nowhere.jpg", "*.jpg", "."])
def test_no_photo_at_all_is_an_error(tmp_path: Path, asked: str) -> None:
    with pytest.raises(InputError, match="not a single photo") as error:
        find_photos([tmp_path / asked])
    assert error.value.settings == ("photos",)


def test_photos_of_one_name_in_two_folders_get_names_of_their_own() -> None:
    photos = [Path("trip/a/1.jpg"), Path("trip/b/1.jpg"), Path("trip/b/2.jpg"), Path("trip/b/2.png"), Path("x/b/1.JPG")]
    assert same_names(photos) == {"1.jpg"}
    names = distinct_names(photos)
    assert len({name.lower() for name in names}) == len(photos)
    assert names[0] == "a-1.jpg" and names[2] == "b-2.jpg"
    assert distinct_names([Path("a.jpg"), Path("b.jpg")]) == ["a", "b"]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_formats_are_read_upright_with_their_exif(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"p.{ending}"
    if ending == "tif":  # of which Pillow writes no blocks of an Exif
        tags = ImageFileDirectory_v2()
        tags[0x0112], tags[0x8769] = 6, {TAKEN: "2024:05:01 06:30:00"}
        picture().save(path, tiffinfo=tags)
    else:
        picture().save(path, exif=exif(6), quality=95)
    photo = read_photo(path)
    assert photo.rgb.shape == (40, 30, 3) and photo.remark == ""
    assert photo.exif.get_ifd(0x8769)[TAKEN] == photo_exif(path).get_ifd(0x8769)[TAKEN] == "2024:05:01 06:30:00"
    # Turned clockwise: what was on the left is above.
    assert photo.rgb[:5, :, 0].mean() < 60 and photo.rgb[-5:, :, 0].mean() > 190


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_of_an_animation_the_first_frame_is_taken_with_a_remark(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"p.{ending}"
    picture(0).save(path, save_all=True, append_images=[picture(1), picture(1, (40, 30)).rotate(180)])
    photo = read_photo(path)
    assert photo.remark == f"the first of 3 {'pages' if ending == 'tif' else 'frames'} was taken"
    assert photo.rgb[..., 2].mean() < 60


def test_heic_is_read_upright_with_its_exif_and_small_where_that_is_asked(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(picture(size=(80, 60))).save(tmp_path / "p.heic", exif=exif().tobytes(), quality=90)
    photo = read_photo(tmp_path / "p.heic")
    assert photo.rgb.shape == (60, 80, 3) and photo.rgb[:, -5:, 0].mean() > 190
    assert photo_exif(tmp_path / "p.heic").get_ifd(0x8769)[TAKEN] == "2024:05:01 06:30:00"
    assert read_photo(tmp_path / "p.heic", shorter_px=30).rgb.shape == (30, 40, 3)
    (tmp_path / "cut.heic").write_bytes((tmp_path / "p.heic").read_bytes()[:300])
    with pytest.raises(ImageError, match="corrupt HEIC"):
        read_photo(tmp_path / "cut.heic")


def test_without_the_extra_the_reason_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (tmp_path / "p.nef").write_bytes(b"II*\0" + bytes(100))
    for name in ("pillow_heif", "rawpy"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for name, library in (("p.heic", "pillow-heif"), ("p.nef", "rawpy")):
        with pytest.raises(ImageError, match=rf"{library}.*pip install 'birdsat\[photos\]'"):
            read_photo(tmp_path / name)


def dng(preview: bytes, orientation: int) -> bytes:
    """A small raw file as Adobe's DNG has it (1.4): 32 x 24 values of a Bayer sensor, and a preview as JPEG."""
    raw = np.linspace(0, 60000, 32 * 24).astype("<u2").tobytes()
    shapes = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 10: "ii"}

    def ifd(at: int, tags: list[tuple[int, int, list[int]]]) -> bytes:
        head, tail = struct.pack("<H", len(tags)), b""
        behind = at + 2 + 12 * len(tags) + 4
        for tag, kind, values in sorted(tags):
            packed = struct.pack("<" + shapes[kind][0] * len(values), *values)
            count = len(values) // (2 if kind in (5, 10) else 1)
            if len(packed) <= 4:
                head += struct.pack("<HHI", tag, kind, count) + packed.ljust(4, b"\0")
            else:
                head += struct.pack("<HHII", tag, kind, count, behind + len(tail))
                tail += packed
        return head + struct.pack("<I", 0) + tail

    def text(words: str) -> list[int]:
        return [*words.encode(), 0]

    matrix = [value for row in ((1, 0, 0), (0, 1, 0), (0, 0, 1)) for one in row for value in (one, 1)]
    start = 8
    sizes = [len(preview), len(raw)]

    def first(sub: int, exif_at: int, jpeg_at: int) -> bytes:
        return ifd(
            start,
            [
                (254, 4, [1]), (256, 4, [40]), (257, 4, [30]), (258, 3, [8, 8, 8]), (259, 3, [7]), (262, 3, [6]),
                (271, 2, text("Made")), (272, 2, text("Made Up")), (273, 4, [jpeg_at]), (274, 3, [orientation]),
                (277, 3, [3]), (278, 4, [30]), (279, 4, [sizes[0]]), (330, 4, [sub]), (34665, 4, [exif_at]),
                (50706, 1, [1, 4, 0, 0]), (50708, 2, text("Made Up")), (50721, 10, matrix), (50778, 3, [21]),
                (50728, 5, [1, 1, 1, 1, 1, 1]),
            ],
        )  # fmt: skip

    def second(raw_at: int) -> bytes:
        return ifd(
            second_at,
            [
                (254, 4, [0]), (256, 4, [32]), (257, 4, [24]), (258, 3, [16]), (259, 3, [1]), (262, 3, [32803]),
                (273, 4, [raw_at]), (277, 3, [1]), (278, 4, [24]), (279, 4, [sizes[1]]), (33421, 3, [2, 2]),
                (33422, 1, [0, 1, 1, 2]), (50717, 4, [65535]),
            ],
        )  # fmt: skip

    second_at = start + len(first(0, 0, 0))
    exif_at = second_at + len(second(0))
    block = ifd(exif_at, [(TAKEN, 2, text("2024:05:01 06:30:00"))])
    jpeg_at = exif_at + len(block)
    raw_at = jpeg_at + len(preview)
    return (
        b"II*\0"
        + struct.pack("<I", start)
        + first(second_at, exif_at, jpeg_at)
        + second(raw_at)
        + block
        + preview
        + raw
    )


def test_of_a_raw_file_the_preview_is_taken_upright_with_the_file_s_exif(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    picture().save(tmp_path / "preview.jpg", quality=95)
    preview = (tmp_path / "preview.jpg").read_bytes()
    (tmp_path / "p.dng").write_bytes(dng(preview, 1))
    (tmp_path / "turned.DNG").write_bytes(dng(preview, 6))
    photo = read_photo(tmp_path / "p.dng")
    assert photo.rgb.shape == (30, 40, 3) and photo.rgb[:, -5:, 0].mean() > 190
    assert photo.exif.get_ifd(0x8769)[TAKEN] == "2024:05:01 06:30:00"
    turned = read_photo(tmp_path / "turned.DNG").rgb
    assert turned.shape == (40, 30, 3) and turned[-5:, :, 0].mean() > 190
    (tmp_path / "bad.cr2").write_bytes(b"II*\0" + bytes(200))
    with pytest.raises(ImageError, match="RAW file without a preview"):
        read_photo(tmp_path / "bad.cr2")


def test_a_raw_file_beside_its_jpeg_is_the_same_picture(tmp_path: Path) -> None:
    names = ["a/1.JPG", "a/1.NEF", "a/2.nef", "b/1.nef", "b/3.HEIC", "b/3.dng"]
    photos, twins = without_raw_twins([tmp_path / name for name in names])
    assert [str(path.relative_to(tmp_path)) for path in photos] == ["a/1.JPG", "a/2.nef", "b/1.nef", "b/3.HEIC"]
    assert [path.name for path in twins] == ["1.NEF", "3.dng"]
    assert "2 RAW files are of the same picture" in raw_twins_note(twins)


def test_what_is_not_a_photo_says_why(tmp_path: Path) -> None:
    cases = {
        "gone.jpg": (None, "no such file"),
        "empty.jpg": (b"", "empty file"),
        "page.jpg": (b"<html>not found</html>", "a web page"),
        "text.png": (b"hello", "not an image"),
    }
    for name, (data, reason) in cases.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=reason):
            read_photo(tmp_path / name)
    picture().save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:400])
    picture(size=(1, 1)).save(tmp_path / "dot.png")
    Image.new("L", (20_000, 20_000)).save(tmp_path / "huge.png")
    with pytest.raises(ImageError, match="corrupt"):
        read_photo(tmp_path / "cut.jpg")
    with pytest.raises(ImageError, match="1 x 1 pixels are too few"):
        read_photo(tmp_path / "dot.png", least_px=16)
    with pytest.raises(ImageError, match="image of 400,000,000 pixels is too large"):
        read_photo(tmp_path / "huge.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="not a file"):
        read_photo(tmp_path / "pipe.jpg")


def test_every_raw_ending_is_one_of_photos() -> None:
    assert {".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf"} <= camera_formats.RAW_SUFFIXES
