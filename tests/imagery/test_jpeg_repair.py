"""JPEGs with bytes that do not belong in them are read where all pixels are there, and only there."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from birdsat.dataset.sample import prepare_photo
from birdsat.errors import BirdsatError, ImageError
from birdsat.imagery.jpeg_repair import mended_jpeg
from birdsat.imagery.photos import MAX_PIXELS, decode_rgb, is_upright_colour_jpeg

SOUND = ["after_eoi", "between_markers", "junk_before_dqt", "leading_newline", "no_eoi", "zeros_before_eoi"]


def photo() -> Image.Image:
    draw = np.random.default_rng(0)
    return Image.fromarray(draw.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize(
        (64, 48), Image.Resampling.BICUBIC
    )


def jpeg(**options: object) -> bytes:
    out = io.BytesIO()
    photo().save(out, "JPEG", **options)
    return out.getvalue()


def pixels(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("name", SOUND)
def test_pictures_from_the_field_with_all_their_pixels_are_read(shared_cases: Path, name: str) -> None:
    folder = shared_cases / "18-jpeg-junk"
    data, clean = (folder / f"{name}.jpg").read_bytes(), (folder / "clean.jpg").read_bytes()
    np.testing.assert_array_equal(decode_rgb(data), decode_rgb(clean))
    stored, _ = prepare_photo(data, None, None)
    np.testing.assert_array_equal(pixels(stored), pixels(clean))  # by any reader


def test_a_picture_that_is_cut_in_half_is_refused(shared_cases: Path) -> None:
    data = (shared_cases / "18-jpeg-junk" / "half.jpg").read_bytes()
    for cut in (data, data + b"\xff\xd9", data + b"\0" * 5000, data + b"\0" * 5000 + b"\xff\xd9", b"\n" + data):
        with pytest.raises(ImageError, match=r"truncated or corrupt|is not an image"):
            decode_rgb(cut)


def at_marker(data: bytes, marker: int, junk: bytes) -> bytes:
    at = data.index(bytes([0xFF, marker]))
    return data[:at] + junk + data[at:]


SPOILT: list[Callable[[bytes], bytes]] = [
    lambda data: data + b"trailing notes \xff\xd8 and more",
    lambda data: data + data,
    lambda data: data[:-2],
    lambda data: data[:-1],
    lambda data: b"\r\n" + data,
    lambda data: b"\0" * 40 + data,
    lambda data: b"--boundary\r\n\r\n" + data,
    lambda data: data[:-2] + b"\0" * 300 + b"\xff\xd9",
    lambda data: data[:-2] + b"\xff" * 9 + b"\xff\xd9",
    lambda data: at_marker(data, 0xDB, b"\x01\x02"),
    lambda data: at_marker(data, 0xC4, b"\0" * 7),
    lambda data: at_marker(data, 0xDA, b"junk"),
    lambda data: at_marker(data, 0xDA, b"\xff" * 5),
    lambda data: at_marker(at_marker(data, 0xDB, b"\x03"), 0xC4, b"\x04\x05")[:-2],
    lambda data: b"\n" + at_marker(data, 0xDB, b"\x03")[:-2] + b"\0" * 12,
]
KINDS = [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 2}, {"optimize": True}]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("spoil", SPOILT)
def test_bytes_that_do_not_belong_change_no_pixel(kind: dict[str, object], spoil: Callable[[bytes], bytes]) -> None:
    clean = jpeg(**kind)
    np.testing.assert_array_equal(decode_rgb(spoil(clean)), decode_rgb(clean))
    assert decode_rgb(spoil(clean), shorter_px=16).shape[0] == 16


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_picture_is_refused_wherever_it_breaks_off(kind: dict[str, object]) -> None:
    clean = jpeg(**kind)
    for length in range(10, len(clean) - 12, 17):
        # Of a progressive one with an end of its own, scans that are left out altogether are details left out.
        for tail in (b"", b"\0" * 30, *([] if "progressive" in kind else [b"\xff\xd9"])):
            with pytest.raises(ImageError):
                decode_rgb(clean[:length] + tail)


def test_a_turned_photo_is_mended_and_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    clean = jpeg(exif=exif)
    assert decode_rgb(clean[:-2]).shape == (64, 48, 3)
    np.testing.assert_array_equal(decode_rgb(clean[:-2]), decode_rgb(clean))


def test_a_picture_within_another_file_is_not_taken_for_it() -> None:
    assert mended_jpeg(b"x" * 100 + jpeg(), most_pixels=MAX_PIXELS) is None
    with pytest.raises(ImageError, match="is not an image"):
        decode_rgb(b"\0\0\0 ftypheic" + b"x" * 100 + jpeg())


def test_a_mended_photo_is_stored_as_any_reader_reads_it_and_a_sound_one_as_it_is() -> None:
    clean = jpeg()
    assert prepare_photo(clean, None, None)[0] == clean
    stored, _ = prepare_photo(clean[:-2], None, None)
    assert stored == clean and is_upright_colour_jpeg(stored)


def test_web_pages_and_pointers_are_named() -> None:
    for data, words in ((b"<!doctype html>", "a web page"), (b"version https://git-lfs.github.com/spec/v1", "Git LFS")):
        with pytest.raises(ImageError, match=words):
            decode_rgb(data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_gives_pixels_of_the_same_size_or_an_error_of_ours(data: st.DataObject) -> None:
    changed = bytearray(jpeg(**data.draw(st.sampled_from(KINDS))))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                changed[at] = data.draw(st.integers(0, 255))
            case 1:
                del changed[at : at + data.draw(st.integers(1, 40))]
            case 2:
                changed[at:at] = data.draw(st.binary(max_size=20))
    for read in (decode_rgb, lambda some: prepare_photo(some, None, 16), lambda some: decode_rgb(some, shorter_px=8)):
        try:
            read(bytes(changed))
        except BirdsatError:
            continue
