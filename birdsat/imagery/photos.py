"""Image bytes to upright 8-bit RGB, and back to JPEG."""

import io
import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from birdsat.errors import ImageError
from birdsat.imagery.jpeg_markers import is_sequential_jpeg, jpeg_exif
from birdsat.imagery.jpeg_repair import mended_jpeg
from birdsat.reading import kind_of

RGB = tuple[float, float, float]  # one number a band, 0..1

# A header may promise far more pixels than the file holds. Below the 89 million at which Pillow warns.
MAX_PIXELS = 80_000_000
# ... but a JPEG that is decoded at a fraction of its size takes the memory of that fraction. Phones make 200 million.
MAX_JPEG_PIXELS = 250_000_000
_MOST_SHRUNK = 8  # times a side, while decoding (libjpeg's scaling of an eighth)
# ... and one of a few kilobytes far more than a photo has in them: a flat JPEG has about 100 pixels a byte.
_MOST_PIXELS_A_BYTE = 1000
_FEW_PIXELS = 4_000_000  # of which any file may be

# What photos come in (MPO opens as JPEG). Among Pillow's other formats is EPS, which it hands to Ghostscript.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000")
_ORIENTATION = 0x0112  # EXIF tag


def decode_rgb(
    data: bytes, *, shorter_px: int | None = None, exact: bool = True, mend: bool = True
) -> NDArray[np.uint8]:
    """Decode a photo into upright RGB: (h, w, 3) uint8.

    With `shorter_px`, a photo whose shorter side is longer than that is shrunk to it; smaller photos keep their size.
    Without `exact`, a JPEG is shrunk only as far as its decoder does so for nothing, to a shorter side of `shorter_px`
    or somewhat more, for callers that resize in any case. Grey, CMYK, palette and 16-bit images are converted (16 bits
    by their high byte, not by clipping), transparency is laid on white, EXIF orientation is applied, and the first
    frame is taken.

    With `mend`, a JPEG with bytes that do not belong in it is read where all of its pixels are there.

    Raises ImageError for anything that cannot be decoded whole: no image, a truncated or corrupt one, or one
    of more than MAX_PIXELS pixels (told from the header, before decoding); a sequential JPEG with `shorter_px` may have
    MAX_JPEG_PIXELS.
    """
    try:
        return _decode(data, shorter_px, exact)
    except ImageError:
        sound = mended(data) if mend else None
        if sound is None:
            raise
        return _decode(sound, shorter_px, exact)


def mended(data: bytes) -> bytes | None:
    """A JPEG without bytes that do not belong in it; None for what needs no mending, or where none helps."""
    return mended_jpeg(data, most_pixels=MAX_PIXELS)


def _decode(data: bytes, shorter_px: int | None, exact: bool) -> NDArray[np.uint8]:
    if (plain := _decode_plain_jpeg(data, shorter_px)) is not None:
        return np.ascontiguousarray(shrink(plain, shorter_px) if exact else plain)
    if (large := _decode_large_jpeg(data, shorter_px)) is not None:
        return np.ascontiguousarray(_upright(shrink(large, shorter_px) if exact else large, _turned(jpeg_exif(data))))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _refuse_bomb(*image.size, len(data))
            if image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"):
                rgb, orientation = _decode_jpeg(data, image.size, shorter_px), _orientation(image)
            else:
                image.load()
                # Pillow itself turns TIFFs upright while loading, and then forgets their orientation.
                rgb, orientation = _to_rgb(image), _orientation(image)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{_describe(data)} is not an image; allowed: {', '.join(FORMATS)}.") from error
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))
        many = f"{int(found[0]):,}" if found is not None else "too many"
        raise ImageError(_too_large(f"{many} pixels")) from error
    except Exception as error:  # decoders answer damaged bytes with almost any exception
        raise ImageError(
            f"{_describe(data)} is a truncated or corrupt image ({error}); fetch or export the file again."
        ) from error
    return np.ascontiguousarray(_upright(shrink(rgb, shorter_px) if exact else rgb, orientation))


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = 92) -> bytes:
    """Encode (h, w, 3) uint8 RGB as JPEG, colour at full resolution. quality: 1..100.

    Raises ImageError for an array of another shape or type.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ImageError(f"array {rgb.shape} of {rgb.dtype} is not a picture; (h, w, 3) of uint8 is needed.")
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(rgb), quality=quality, colorspace="RGB", colorsubsampling="444"
    )
    return encoded


def is_upright_colour_jpeg(data: bytes, *, shorter_px: int | None = None) -> bool:
    """Whether the bytes are a JPEG that any reader shows as upright 8-bit RGB, its shorter side at most `shorter_px`.

    Told from the header alone: what comes after may be damaged.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            upright = _orientation(image) == 1
    except Exception:  # not a JPEG, or damaged: decode_rgb knows which
        return False
    return upright and colours in ("YCbCr", "RGB") and (shorter_px is None or min(height, width) <= shorter_px)


def shrink(rgb: NDArray[np.uint8], shorter_px: int | None) -> NDArray[np.uint8]:
    """Shrink (h, w, 3) uint8 so that the shorter side is `shorter_px`; what is not larger, or None, stays as it is."""
    height, width = rgb.shape[:2]
    shorter = min(height, width)
    if shorter_px is None or shorter <= shorter_px:
        return rgb
    size = round(width * shorter_px / shorter), round(height * shorter_px / shorter)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def _too_large(size: str) -> str:
    return (
        f"image of {size} is too large; allowed: {MAX_PIXELS:,} pixels, and {MAX_JPEG_PIXELS:,} in a JPEG that is not "
        "progressive. Shrink it."
    )


def _refuse_bomb(width: int, height: int, size: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(f"{width} x {height} pixels"))
    if width * height > max(_FEW_PIXELS, _MOST_PIXELS_A_BYTE * size):
        raise ImageError(
            f"image of {width} x {height} pixels in {size:,} bytes is not a photo; it is damaged, or "
            "was made to fill memory."
        )


def _decode_plain_jpeg(data: bytes, shorter_px: int | None) -> NDArray[np.uint8] | None:
    """The usual case without Pillow, whose header parsing takes longer than decoding a small photo. None: not usual."""
    if not data.startswith(b"\xff\xd8") or b"Exif\x00\x00" in data:  # an EXIF block may turn the photo
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in ("YCbCr", "Gray") or width * height > MAX_PIXELS:
            return None
        return _decode_jpeg(data, (width, height), shorter_px)
    except ValueError:  # damaged: the long way finds out how
        return None


def _decode_large_jpeg(data: bytes, shorter_px: int | None) -> NDArray[np.uint8] | None:
    """A JPEG of more than MAX_PIXELS, at a size of fewer. Without Pillow, which opens none of twice as many. None: not
    of such a size, or not to be had so; the long way tells what is wrong."""
    if shorter_px is None or not data.startswith(b"\xff\xd8"):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        pixels = width * height
        shrunk = min(_MOST_SHRUNK, max(1, min(width, height) // max(shorter_px, 1)))
        if not MAX_PIXELS < pixels <= MAX_JPEG_PIXELS or pixels > _MOST_PIXELS_A_BYTE * len(data):
            return None
        if colours not in ("YCbCr", "Gray", "RGB") or pixels > MAX_PIXELS * shrunk**2 or not is_sequential_jpeg(data):
            return None
        return _decode_jpeg(data, (width, height), shorter_px)
    except ValueError:
        return None


def _decode_jpeg(data: bytes, size: tuple[int, int], shorter_px: int | None) -> NDArray[np.uint8]:
    least = 0 if shorter_px is None else min(shorter_px, *size)
    rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data, colorspace="RGB", min_height=least, min_width=least, strict=True
    )
    return rgb


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):
        return _rgb_of_16_bit(np.asarray(image))
    if image.mode == "F":
        raise ImageError("image holds floating-point values of unknown range; convert it to 8 or 16 bits.")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(image.convert("RGB"))


def _rgb_of_16_bit(grey: NDArray[np.integer]) -> NDArray[np.uint8]:
    low, high = int(grey.min()), int(grey.max())
    if low < 0 or high > 0xFFFF:
        raise ImageError(f"image holds values {low}..{high}; allowed: 8 or 16 bits, unsigned. Convert it.")
    return np.repeat((grey.astype(np.uint16) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)


def _orientation(image: Image.Image) -> int:
    try:
        return _turned(image.getexif())
    except Exception:  # a damaged EXIF block does not make the picture unusable
        return 1


def _turned(exif: Image.Exif) -> int:
    try:
        return int(exif.get(_ORIENTATION, 1))
    except (TypeError, ValueError):
        return 1


def _upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation (1..8; Exif 2.32, tag 0x0112); other values mean upright."""
    match orientation:
        case 2:
            return rgb[:, ::-1]
        case 3:
            return rgb[::-1, ::-1]
        case 4:
            return rgb[::-1]
        case 5:
            return rgb.transpose(1, 0, 2)
        case 6:
            return np.rot90(rgb, -1)
        case 7:
            return rgb[::-1, ::-1].transpose(1, 0, 2)
        case 8:
            return np.rot90(rgb)
        case _:
            return rgb


def _describe(data: bytes) -> str:
    if not data:
        return "an empty file (0 bytes)"
    found = kind_of(data[:1024])
    known = f" ({found})" if found is not None and "picture" not in found else ""
    return f"{len(data):,} bytes beginning {bytes(data[:8])!r}{known}"
