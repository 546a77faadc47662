"""One observation and its two images, as a row of a shard."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ImageError, PlaceError
from birdsat.imagery.photos import decode_rgb, encode_jpeg, is_upright_colour_jpeg, mended, shrink
from birdsat.imagery.sources import ChipSource, ObservationChips, PhotoSource
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation

STATISTICS_PX = 64  # shorter side at which photos are decoded for mean and standard deviation


@dataclass(slots=True)
class BandSums:
    """Sums over pixels, as whole numbers: the same in whatever order they are added."""

    pixels: int = 0
    total: list[int] = field(default_factory=lambda: [0, 0, 0])  # of R, G, B in 0..255
    squares: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Add the pixels of one image: (h, w, 3)."""
        values = rgb.reshape(-1, 3).astype(np.int64)
        self.pixels += len(values)
        self.total = [a + int(b) for a, b in zip(self.total, values.sum(axis=0), strict=True)]
        self.squares = [a + int(b) for a, b in zip(self.squares, (values**2).sum(axis=0), strict=True)]

    def merge(self, other: "BandSums") -> None:
        """Add what another has seen."""
        self.pixels += other.pixels
        self.total = [a + b for a, b in zip(self.total, other.total, strict=True)]
        self.squares = [a + b for a, b in zip(self.squares, other.squares, strict=True)]

    def mean_std(self) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
        """Mean and standard deviation of R, G, B on a 0..1 scale; None where no pixel was seen."""
        if not self.pixels:
            return None
        mean = [total / self.pixels / 255 for total in self.total]
        power = [squares / self.pixels / 255**2 for squares in self.squares]
        std = [max(p - m * m, 0.0) ** 0.5 for p, m in zip(power, mean, strict=True)]
        return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of a shard, with both images decoded small for the statistics."""

    row: dict[str, Any]  # a value for each column of SHARD_SCHEMA
    photo: NDArray[np.uint8] | None  # (h, w, 3)
    chip: NDArray[np.uint8] | None


def make_sample(
    observation: Observation, photos: PhotoSource, chips: ChipSource | ObservationChips | None, photo_px: int | None
) -> Sample | Remark:
    """Fetch, check and, if need be, convert both images; a remark where one cannot be used."""

    def drop(reason: str, error: Exception | str) -> Remark:
        return Remark(row=observation.id, reason=reason, detail=str(error))

    photo = chip = small_photo = small_chip = None
    if observation.photo is not None:
        try:
            photo, small_photo = prepare_photo(photos.photo(observation), observation.photo_box, photo_px)
        except FileNotFoundError as error:
            return drop("photo missing", error)
        except ImageError as error:
            return drop("photo unusable", error)
    if chips is not None and observation.place is not None:
        try:
            if isinstance(chips, ObservationChips):
                chip = chips.observation_chip(observation)
            else:
                chip = chips.encoded_chip(observation.place)
            small_chip = decode_rgb(chip)
        except PlaceError as error:
            return drop("no chip for the place", error)
        except ImageError as error:
            return drop("chip unusable", error)
        if small_chip.shape != (chips.px, chips.px, 3):
            return drop("chip unusable", f"{small_chip.shape[:2]} pixels; the others have {chips.px} x {chips.px}")
    if photo is None and chip is None:
        return drop("neither photo nor chip", "the row names no photo, and no chip can be had for it")
    return Sample(_row(observation, photo, chip), small_photo, small_chip)


def prepare_photo(
    data: bytes, box: tuple[float, float, float, float] | None, photo_px: int | None
) -> tuple[bytes, NDArray[np.uint8]]:
    """A photo as the dataset stores it, and the same decoded small.

    box: x, y, width, height in pixels to crop to. An upright 8-bit RGB JPEG that needs neither crop nor shrinking
    keeps its bytes, but for those that do not belong in it; all else is decoded and written as JPEG. Raises ImageError
    for a photo that cannot be decoded or does not reach into its box.
    """
    if box is not None:
        rgb = shrink(_crop(decode_rgb(data), box), photo_px)
        return encode_jpeg(rgb), shrink(rgb, STATISTICS_PX)
    try:
        if is_upright_colour_jpeg(data, shorter_px=photo_px):
            return data, decode_rgb(data, shorter_px=STATISTICS_PX, mend=False)
        rgb = decode_rgb(data, shorter_px=photo_px, mend=False)
    except ImageError:
        sound = mended(data)
        if sound is None:
            raise
        return prepare_photo(sound, None, photo_px)  # stored as any reader reads it
    return encode_jpeg(rgb), shrink(rgb, STATISTICS_PX)


def _crop(rgb: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    x, y, box_width, box_height = box
    left, top = max(0, round(x)), max(0, round(y))
    right, bottom = min(width, round(x + box_width)), min(height, round(y + box_height))
    if left >= right or top >= bottom:
        raise ImageError(f"photo box {box} leaves nothing of a photo of {width} x {height} pixels; mend the box.")
    return np.ascontiguousarray(rgb[top:bottom, left:right])


def _row(observation: Observation, photo: bytes | None, chip: bytes | None) -> dict[str, Any]:
    place = observation.place
    return {
        "photo": None if photo is None else {"bytes": photo, "path": observation.photo},
        "chip": None if chip is None else {"bytes": chip, "path": None},
        "taxon": observation.taxon,
        "lon": None if place is None else place.lon,
        "lat": None if place is None else place.lat,
        "date": observation.date,
        "id": observation.id,
        "licence": observation.licence,
        "attribution": observation.attribution,
    }
