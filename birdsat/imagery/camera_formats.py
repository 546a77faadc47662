"""What phones and cameras write that Pillow does not read: HEIC, and the previews in RAW files."""

import io
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birdsat.errors import ImageError
from birdsat.imagery.photos import MAX_PIXELS, encode_jpeg, shrink

_RAW = "3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f"
RAW_SUFFIXES = frozenset(f".{ending}" for ending in _RAW.split())
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TIFF_STARTS = (b"II*\0", b"MM\0*")
_ORIENTATION = 0x0112  # EXIF tag
_ORIENTATION_OF_FLIP = {3: 3, 5: 8, 6: 6}  # LibRaw's flip: half a turn, a quarter to the left, a quarter to the right
_EXTRA = "pip install 'birdsat[photos]'"


def is_heif(data: bytes) -> bool:
    """Whether bytes are of a HEIC or HEIF file, by the brand at its start (ISO 14496-12, ftyp)."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def decode_heif(data: bytes, *, shorter_px: int | None = None) -> tuple[NDArray[np.uint8], Image.Exif]:
    """(h, w, 3) upright RGB of a HEIC file's main picture, and its EXIF. Raises ImageError."""
    heif = _imported("pillow_heif", "HEIC photos are read by pillow-heif")
    try:
        file = heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        width, height = file.size
        if width * height > MAX_PIXELS:
            raise ImageError(f"image of {width} x {height} pixels is too large; allowed: {MAX_PIXELS:,} pixels.")
        picture = file.to_pillow()
        exif = Image.Exif()
        if block := file.info.get("exif"):
            exif.load(block)
        if picture.has_transparency_data:
            rgba = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        # libheif turns the picture as its own properties say, which take the place of EXIF's orientation.
        return np.ascontiguousarray(shrink(np.asarray(picture.convert("RGB")), shorter_px)), exif
    except ImageError:
        raise
    except Exception as error:  # a damaged file gives almost any
        raise ImageError(f"a truncated or corrupt HEIC file ({error}); fetch or export it again.") from error


def heif_exif(data: bytes) -> Image.Exif:
    """The EXIF of a HEIC file, without decoding it. Raises ImageError."""
    heif = _imported("pillow_heif", "HEIC photos are read by pillow-heif")
    exif = Image.Exif()
    try:
        if block := heif.open_heif(io.BytesIO(data)).info.get("exif"):
            exif.load(block)
    except Exception as error:  # a damaged file gives almost any
        raise ImageError(f"a truncated or corrupt HEIC file ({error}); fetch or export it again.") from error
    return exif


def raw_preview(data: bytes) -> tuple[bytes, Image.Exif | None]:
    """The picture that a camera put into its RAW file, as the bytes of a JPEG that stands upright when its EXIF is
    followed, and the EXIF of the RAW file itself; None where that of the preview is all there is.

    Raises ImageError where there is none, or the file cannot be read.
    """
    rawpy = _imported("rawpy", "previews in RAW files are read by rawpy")
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            flip = int(raw.sizes.flip)
            preview = raw.extract_thumb()
    except Exception as error:  # LibRaw's, and what damaged files give
        raise ImageError(
            f"a RAW file without a preview that can be read ({error}); export the photo as JPEG."
        ) from error
    as_jpeg = preview.format == rawpy.ThumbFormat.JPEG
    jpeg = bytes(preview.data) if as_jpeg else encode_jpeg(np.ascontiguousarray(preview.data))
    turned = _ORIENTATION_OF_FLIP.get(flip, 1)
    if turned != 1 and b"Exif\x00\x00" not in jpeg[:4096]:
        jpeg = _with_orientation(jpeg, turned)
    own = Image.Exif()
    if data.startswith(_TIFF_STARTS):
        try:
            own.load(data)
        except Exception:  # some makers' TIFF is their own
            own = Image.Exif()
    return jpeg, own if len(own) else None


def _with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with a block of EXIF that says how it is to be turned, its pixels as they were."""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    block = exif.tobytes()
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def _imported(name: str, what: str) -> ModuleType:
    try:
        return __import__(name)
    except ImportError as error:
        raise ImageError(
            f"{what}, which is not installed; install it by `{_EXTRA}`, or export the photo as JPEG."
        ) from error
