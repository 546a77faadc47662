"""Photos as people have them, files, Pillow's images or arrays, to views of one size and to unit vectors."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from birdsat.dataset.views import central_view
from birdsat.embeddings.inference import inference
from birdsat.errors import ImageError
from birdsat.imagery.photo_files import read_photo
from birdsat.methods.method import Method
from birdsat.progress import QUIET, Progress

Photo = Path | str | Image.Image | NDArray[np.uint8]
Unreadable = Literal["raise", "nan"]
_BATCH = 64


def view_of(photo: Photo, px: int) -> NDArray[np.uint8]:
    """(px, px, 3) the photo's central square, RGB and upright: what a method sees when nothing is left to chance.

    photo: path of an image file, an image of Pillow, or an array (h, w, 3) of uint8, RGB. Raises ImageError for a file
    that is absent or cannot be decoded, and for an array of another form.
    """
    match photo:
        case np.ndarray():
            if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
                raise ImageError(f"an array of {photo.dtype} {photo.shape} is not a photo; give uint8 (h, w, 3), RGB.")
            return central_view(photo, px)
        case Image.Image():
            try:
                return central_view(np.asarray(ImageOps.exif_transpose(photo).convert("RGB")), px)
            except (OSError, ValueError) as error:  # opened, but not read yet
                raise ImageError(f"an image of Pillow cannot be decoded ({error}); open it again.") from error
        case _:
            if not Path(photo).exists():
                raise ImageError(f"{photo} cannot be read (No such file or directory).")
            try:
                return central_view(read_photo(Path(photo), shorter_px=px, exact=False).rgb, px)
            except ImageError as error:
                raise ImageError(f"{photo} cannot be decoded: {error}") from error


def photo_views(
    photos: Sequence[Photo], px: int, *, unreadable: Unreadable = "raise", progress: Progress = QUIET
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Batches (b, px, px, 3) of views in the order of the photos, and which of them (b,) could be read.

    unreadable: "raise" ImageError at the first that cannot be read, or leave it black and go on; these are noted.
    """
    missing = 0

    def views() -> Iterator[NDArray[np.uint8] | None]:
        nonlocal missing
        for photo in photos:
            try:
                yield view_of(photo, px)
            except ImageError as error:
                if unreadable == "raise":
                    raise ImageError(f"{error} Leave it out, or mend it.") from error
                missing += 1
                yield None

    every = views()
    while batch := list(islice(every, _BATCH)):
        readable = np.array([view is not None for view in batch])
        black = np.zeros((px, px, 3), np.uint8)
        yield np.stack([black if view is None else view for view in batch]), readable
    if missing:
        progress.note(f"{missing:,} of {len(photos):,} photos could not be read; their rows are NaN.")


def embed_photos(
    method: Method,
    photos: Sequence[Photo],
    px: int,
    *,
    unreadable: Unreadable = "raise",
    device: torch.device | str | None = None,
    progress: Progress = QUIET,
) -> NDArray[np.float32]:
    """(n, d) unit vectors of photos that the method sees at `px` pixels; NaN in rows that could not be read.

    Raises ImageError for one that cannot be read (see `photo_views`), InputError for a method that sees no photos.
    """
    vectors: list[NDArray[np.float32]] = []
    with progress.bar("embedding", len(photos), unit="photos") as bar:
        for views, readable in photo_views(photos, px, unreadable=unreadable, progress=progress):
            with inference(method, device) as where:
                pixels = torch.from_numpy(views).permute(0, 3, 1, 2).contiguous().to(where)
                embedded = method.embed_photo(pixels).float().cpu().numpy()
            embedded[~readable] = np.nan
            vectors.append(embedded)
            bar.advance(len(views))
    if not vectors:
        raise ImageError("there is no photo to embed; give one or more.")
    return np.concatenate(vectors)
