"""What the head of a JPEG says, without opening it: its EXIF, and how it is coded."""

from collections.abc import Iterator

from PIL import Image

_START = b"\xff\xd8"
_EXIF = b"Exif\x00\x00"
_APP1, _SCAN, _END = 0xE1, 0xDA, 0xD9
_SEQUENTIAL = frozenset({0xC0, 0xC1})  # frames that are decoded from top to bottom in little memory (ITU T.81, B.1.1.3)
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length


def jpeg_exif(data: bytes) -> Image.Exif:
    """The EXIF of a JPEG of any size; empty where it has none that can be read."""
    exif = Image.Exif()
    for marker, body in _head(data):
        if marker == _APP1 and body.startswith(_EXIF):
            try:
                exif.load(body)
            except Exception:  # a damaged EXIF block does not make the picture unusable
                return Image.Exif()
            return exif
    return exif


def is_sequential_jpeg(data: bytes) -> bool:
    """Whether a JPEG is decoded row by row; of others a decoder holds all coefficients, twice the pixels in bytes."""
    return any(marker in _SEQUENTIAL for marker, _ in _head(data))


def _head(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and what they hold, up to the first scan (ITU T.81, B.1.1)."""
    if not data.startswith(_START):
        return
    at = len(_START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _ALONE:  # padding, or a marker by itself
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (_SCAN, _END):
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            return
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length
