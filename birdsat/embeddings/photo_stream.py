"""Thousands of photos as batches of views, decoded beside the computing, in their order, in flat memory."""

import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.dataset.views import central_view
from birdsat.errors import ConfigError, ImageError
from birdsat.imagery.photo_files import LEAST_SIDE_PX, read_photo
from birdsat.observations.photos.exif import ExifFacts, exif_facts

MOST_WORKERS = 4  # by default; each may hold a whole photo
_AHEAD = 2  # batches that are decoded before they are asked for


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoView:
    """One photo as a model sees it, and what its file says of it."""

    view: NDArray[np.uint8] | None  # (px, px, 3) RGB, its central square; None: it cannot be read
    exif: ExifFacts
    reason: str = ""  # why it cannot be read
    remark: str = ""  # what of the file was passed over


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoBatch:
    """Some photos, one behind the other."""

    photos: tuple[Path, ...]  # b
    views: NDArray[np.uint8]  # (b, px, px, 3), black where a photo cannot be read
    readable: NDArray[np.bool_]  # (b,)
    read: tuple[PhotoView, ...]  # b, without their views


def view_photo(path: Path, px: int) -> PhotoView:
    """Read one photo at `px` pixels; its reason says what is wrong with it, whatever that is."""
    try:
        photo = read_photo(path, shorter_px=px, exact=False, least_px=LEAST_SIDE_PX)
        view = central_view(photo.rgb, px)
    except ImageError as error:
        return PhotoView(view=None, exif=ExifFacts(), reason=str(error))
    except MemoryError:
        return PhotoView(view=None, exif=ExifFacts(), reason="it takes more memory than there is; shrink it.")
    except OSError as error:
        return PhotoView(view=None, exif=ExifFacts(), reason=f"it cannot be read ({error.strerror or error}).")
    return PhotoView(view=view, exif=exif_facts(photo.exif), remark=photo.remark)


def read_photos(
    photos: Sequence[Path], px: int, *, batch_size: int = 64, workers: int | None = None
) -> Generator[PhotoBatch, None, None]:
    """The photos in batches, in their order. A photo that cannot be read is black and says why; it ends nothing.

    workers: threads that decode; as many as there are processors, four at most, by default, and none with 0. Decoders
    work without Python's lock, so that threads are as fast as processes, and start at once. No more is held than three
    batches of views, and a whole photo for each thread. Raises ConfigError for fewer workers than 0.
    """
    count = min(MOST_WORKERS, os.cpu_count() or 1) if workers is None else workers
    if count < 0:
        raise ConfigError(f"workers is {count}; allowed: 0 (decode in the main thread) or more.", settings=("workers",))
    views = _in_threads(photos, px, count, _AHEAD * batch_size)
    rest = iter(photos)
    while some := tuple(islice(rest, batch_size)):
        read = list(islice(views, len(some)))
        batch = np.zeros((len(some), px, px, 3), np.uint8)
        for number, one in enumerate(read):
            if one.view is not None:
                batch[number] = one.view
        yield PhotoBatch(
            photos=some,
            views=batch,
            readable=np.array([one.view is not None for one in read]),
            read=tuple(PhotoView(view=None, exif=one.exif, reason=one.reason, remark=one.remark) for one in read),
        )


def _in_threads(photos: Sequence[Path], px: int, workers: int, ahead: int) -> Iterator[PhotoView]:
    if workers == 0:
        yield from (view_photo(photo, px) for photo in photos)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="photos")
    waiting: deque[Future[PhotoView]] = deque()
    try:
        for photo in photos:
            waiting.append(pool.submit(view_photo, photo, px))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
