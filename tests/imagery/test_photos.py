import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from birdsat.errors import ImageError
from birdsat.imagery.photos import MAX_PIXELS, decode_rgb, encode_jpeg, is_upright_colour_jpeg


def smooth_photo(height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """Red grows to the right, green downwards; blue is a blob off the centre."""
    y, x = np.mgrid[0:height, 0:width]
    blob = 255 * np.exp(-(((x - width * 0.3) / 20) ** 2) - ((y - height * 0.7) / 20) ** 2)
    return np.stack([x * 255 / width, y * 255 / height, blob], axis=-1).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_a_jpeg_comes_back_as_it_was_encoded() -> None:
    photo = smooth_photo()
    assert difference(decode_rgb(encode_jpeg(photo)), photo) < 1.5


def test_a_large_photo_is_shrunk_to_the_shorter_side_and_a_small_one_is_left() -> None:
    photo = smooth_photo(300, 450)
    small = decode_rgb(encode_jpeg(photo), shorter_px=40)
    assert small.shape == (40, 60, 3)
    assert difference(small, np.asarray(Image.fromarray(photo).resize((60, 40), Image.Resampling.BOX))) < 2
    assert decode_rgb(encode_jpeg(photo), shorter_px=301).shape == (300, 450, 3)
    assert decode_rgb(saved(Image.fromarray(photo), "PNG"), shorter_px=40).shape == (40, 60, 3)


def test_a_very_long_photo_is_shrunk_too() -> None:
    assert decode_rgb(encode_jpeg(smooth_photo(8, 2000)), shorter_px=1).shape == (1, 250, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_grey_becomes_three_equal_bands(kind: str) -> None:
    grey = smooth_photo()[:, :, 1]
    rgb = decode_rgb(saved(Image.fromarray(grey), kind))
    assert rgb.shape == (96, 128, 3)
    assert difference(rgb, np.repeat(grey[:, :, None], 3, axis=2)) < 2


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    photo = smooth_photo()
    rgb = decode_rgb(saved(Image.fromarray(photo).convert("CMYK"), "JPEG", quality=95))
    assert difference(rgb, photo) < 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_clipped(kind: str) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    rgb = decode_rgb(saved(Image.fromarray(ramp), kind))
    assert difference(rgb, np.repeat((ramp // 256).astype(np.uint8)[:, :, None], 3, axis=2)) == 0


def test_16_bit_colour_is_scaled_and_not_clipped() -> None:
    rgb = decode_rgb(png_of_16_bit_colour([[0, 0x8000, 0xFFFF], [0x1234, 0x4000, 0xC0FF]]))
    assert rgb.tolist() == [[[0, 0x80, 0xFF], [0x12, 0x40, 0xC0]]]


def test_an_image_of_floating_point_values_is_refused() -> None:
    with pytest.raises(ImageError, match="floating-point"):
        decode_rgb(saved(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"))


def test_32_bit_values_beyond_16_bits_are_refused() -> None:
    with pytest.raises(ImageError, match=r"0\.\.70000"):
        decode_rgb(saved(Image.fromarray(np.array([[0, 70000]], np.int32)), "TIFF"))


def test_transparency_is_laid_on_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0] = [200, 0, 0, 255]
    rgb = decode_rgb(saved(Image.fromarray(rgba), "PNG"))
    assert rgb[0].tolist() == [[200, 0, 0]] * 2
    assert rgb[1].tolist() == [[255, 255, 255]] * 2


def test_a_palette_is_looked_up_and_its_transparent_colour_is_white() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    assert decode_rgb(saved(image, "PNG")).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert decode_rgb(saved(image, "PNG", transparency=1)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_applied_once(kind: str, orientation: int) -> None:
    image = Image.fromarray(smooth_photo())
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(image, kind, exif=exif)
    with Image.open(io.BytesIO(data)) as again:
        upright = np.asarray(ImageOps.exif_transpose(again).convert("RGB"))
    assert difference(decode_rgb(data), upright) < 2
    assert decode_rgb(data, shorter_px=48).shape[:2] == tuple(side // 2 for side in upright.shape[:2])


def test_an_mpo_gives_its_first_picture() -> None:
    first, second = Image.fromarray(smooth_photo()), Image.new("RGB", (128, 96), "red")
    data = saved(first, "MPO", save_all=True, append_images=[second])
    assert difference(decode_rgb(data), smooth_photo()) < 3


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.4, 0.9, 0.99])
@pytest.mark.parametrize("shorter_px", [None, 24])
def test_a_truncated_jpeg_is_refused(progressive: bool, share: float, shorter_px: int | None) -> None:
    data = saved(Image.fromarray(smooth_photo()), "JPEG", quality=95, progressive=progressive)
    with pytest.raises(ImageError):
        decode_rgb(data[: int(len(data) * share)], shorter_px=shorter_px)


def test_a_truncated_cmyk_jpeg_is_refused() -> None:
    data = saved(Image.fromarray(smooth_photo()).convert("CMYK"), "JPEG")
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_rgb(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "GIF"])
def test_a_truncated_file_of_another_kind_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    with pytest.raises(ImageError):
        decode_rgb(data[: len(data) // 2])


def test_a_jpeg_with_a_hole_in_it_is_refused() -> None:
    data = bytearray(encode_jpeg(smooth_photo(), quality=95))
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff\xd9" * 20
    with pytest.raises(ImageError, match="truncated or corrupt"):
        decode_rgb(bytes(data))


@pytest.mark.parametrize(
    "data", [b"", b"hello, I am a text file\n", b"\xff\xd8\xff", bytes(1000), b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_bytes_that_are_not_an_image_are_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        decode_rgb(data)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 65_000])
def test_a_bomb_is_refused_from_its_header(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("the bomb was decoded")

    monkeypatch.setattr("simplejpeg.decode_jpeg", decoded)
    monkeypatch.setattr(Image.Image, "load", decoded)
    jpeg = bytearray(encode_jpeg(smooth_photo()))
    frame = jpeg.index(b"\xff\xc0")  # marker (2), length (2), precision (1), height (2), width (2)
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    for bomb in (bytes(jpeg), png(side, side, bit_depth=8, colour_type=2, rows=b"")):
        with pytest.raises(ImageError, match=f"allowed: {MAX_PIXELS:,}"):
            decode_rgb(bomb)


def test_a_jpeg_of_more_pixels_than_are_held_is_read_at_a_fraction_of_its_size_and_turned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo, exif = Image.fromarray(smooth_photo(300, 450)), Image.Exif()
    exif[0x0112] = 6
    data, progressive = (saved(photo, "JPEG", exif=exif, quality=95, progressive=way) for way in (False, True))
    expected = decode_rgb(data, shorter_px=40)
    monkeypatch.setattr("birdsat.imagery.photos.MAX_PIXELS", 300 * 450 // 2)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # as Pillow refuses the largest
    np.testing.assert_array_equal(decode_rgb(data, shorter_px=40), expected)
    for whole, px in ((data, None), (data, 200), (progressive, 40)):
        with pytest.raises(ImageError, match="too large"):
            decode_rgb(whole, shorter_px=px)
    monkeypatch.setattr("birdsat.imagery.photos.MAX_JPEG_PIXELS", 300 * 450 - 1)
    with pytest.raises(ImageError, match="too large"):
        decode_rgb(data, shorter_px=40)


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_an_array_that_is_not_a_picture_is_not_encoded(array: NDArray[np.uint8]) -> None:
    with pytest.raises(ImageError, match="is not a picture"):
        encode_jpeg(array)


def test_real_photos_decode_like_pillow(shared_data: Path) -> None:
    paths = sorted((shared_data / "CUB_200_2011_50" / "images").glob("*/*.jpg"))[::200]
    for path in paths:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            expected = np.asarray(image.convert("RGB"))
        assert difference(decode_rgb(data), expected) < 2


def png_of_16_bit_colour(pixels: list[list[int]]) -> bytes:
    """A PNG of one row; Pillow writes none with 16 bits a channel."""
    row = b"\x00" + b"".join(struct.pack(">3H", *pixel) for pixel in pixels)
    return png(len(pixels), 1, bit_depth=16, colour_type=2, rows=row)


def png(width: int, height: int, *, bit_depth: int, colour_type: int, rows: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_photo_decoded_inexactly_is_at_least_as_large_as_asked_and_not_enlarged():
    data = encode_jpeg(np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8))
    exact, loose = decode_rgb(data, shorter_px=40), decode_rgb(data, shorter_px=40, exact=False)
    assert min(exact.shape[:2]) == 40
    assert 40 <= min(loose.shape[:2]) < 90


def test_a_jpeg_that_every_reader_shows_alike_is_told_from_other_images() -> None:
    photo = Image.fromarray(smooth_photo())
    turned = Image.Exif()
    turned[0x0112] = 6
    assert is_upright_colour_jpeg(saved(photo, "JPEG"))
    assert is_upright_colour_jpeg(saved(photo, "JPEG"), shorter_px=96)
    assert not is_upright_colour_jpeg(saved(photo, "JPEG"), shorter_px=95)
    assert not is_upright_colour_jpeg(saved(photo, "JPEG", exif=turned))
    assert not is_upright_colour_jpeg(saved(photo.convert("L"), "JPEG"))
    assert not is_upright_colour_jpeg(saved(photo.convert("CMYK"), "JPEG"))
    assert not is_upright_colour_jpeg(saved(photo, "PNG"))
    assert not is_upright_colour_jpeg(b"")
