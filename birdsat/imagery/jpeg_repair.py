"""JPEGs whose pixels are all there, with bytes that do not belong between or around them.

Cameras, phones and transfers leave such bytes: a line end before the picture, padding before a marker, zeros in place
of the end. What is missing pixels is told from what is not: a strict decoder must be content with what is left.
"""

import re

import simplejpeg

_START = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_MOST_BEFORE = 64  # bytes before the picture; with more it is another file that holds a picture
_MOST_TRIES = 12  # strict decodings
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # sequential and progressive
_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
# In the data of a scan: a marker that is not a restart (D0 to D7), a stuffed FF (00), or padding (FF).
_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")


def mended_jpeg(data: bytes, *, most_pixels: int) -> bytes | None:
    """The JPEG without what does not belong in it; None for what needs none, lacks pixels, or is not a JPEG.

    What comes back decodes strictly. Pictures of more than `most_pixels` are left alone.
    """
    start = data.find(_START, 0, _MOST_BEFORE + len(_START))
    if start < 0:
        return None
    found = _segments(data[start:])
    if found is None:
        return None
    segments, scan_ends = found
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(segments)
        if height * width > most_pixels:
            return None
    except ValueError:
        return None
    mended = _without_padding(segments, scan_ends, _MOST_TRIES)
    return None if mended == data else mended


def _segments(data: bytes) -> tuple[bytes, list[int]] | None:
    """The picture from its first marker to its end, without what lies between markers; and where its scans end.

    None where it breaks off within a marker's bytes, or has no end and not all of its scans.
    """
    parts, at, scan_ends, size = [data[:2]], 2, [], 2
    missing: set[tuple[int, int]] = set()  # component and coefficient of which no scan has brought the last bit
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            if missing:
                return None
            break
        marker = data[at + 1]
        if marker in (0x00, 0xFF) or marker in _ALONE:  # padding, or what cannot stand here
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _END_OF_IMAGE:
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(data):
            return None
        if marker in _FRAMES:
            missing = {(component, i) for component in data[at + 10 : end : 3] for i in range(64)}
        if marker == _SCAN:
            missing -= _brought(data[at + 4 : end])
            behind = _AFTER_SCAN.search(data, end)
            end = behind.start() if behind else len(data)
            held = _without_zeros(data[at:end])
            scan_ends.append(size + len(held))
        else:
            held = data[at:end]
        parts.append(held)
        size += len(held)
        at = end
    return (b"".join([*parts, _END]), scan_ends) if scan_ends else None


def _without_zeros(scan: bytes) -> bytes:
    """Without the zeros at its end: a scan's own last byte is filled up with ones (ITU T.81, F.1.2.3), and zeros would
    be read as pixels that are not there."""
    left = scan.rstrip(b"\0")
    return left + b"\0" if left.endswith(b"\xff") and len(left) < len(scan) else left  # FF 00 is an FF


def _brought(scan: bytes) -> set[tuple[int, int]]:
    """Components and coefficients that a scan brings the last bit of (ITU T.81, B.2.3)."""
    if len(scan) < 4 or scan[-1] & 0x0F:
        return set()
    first, last = scan[-3], scan[-2]
    return {(component, i) for component in scan[1:-3:2] for i in range(first, last + 1)}


def _without_padding(data: bytes, scan_ends: list[int], tries: int) -> bytes | None:
    """Without the bytes that the decoder finds to spare at the ends of scans."""
    for _ in range(tries):
        spare = _EXTRANEOUS.search(said := _complaint(data))
        if not said:
            return data
        if spare is None:
            return None
        count, marker = int(spare[1]), int(spare[2], 16)
        at = next((end for end in scan_ends if data[end + 1] == marker), None)
        if at is None or count > at:
            return None
        data = data[: at - count] + data[at:]
        scan_ends = [end - count if end >= at else end for end in scan_ends]
    return None


def _complaint(data: bytes) -> str:
    """What a strict decoder has against the picture; "" for nothing."""
    try:
        simplejpeg.decode_jpeg(data, colorspace="GRAY", min_height=1, min_width=1, strict=True)
    except ValueError as error:
        return str(error) or "damaged"
    return ""
