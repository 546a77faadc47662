"""Photos, chips and observations of a few pixels, for the tests of this folder."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from birdsat.earth.place import Place
from birdsat.errors import PlaceError
from birdsat.imagery.sources import source_identity
from birdsat.observations.observation import Observation

SPECIES = ("Apus apus", "Corvus corax", "Parus major")


def picture(number: int, height: int = 24, width: int = 32) -> Image.Image:
    noise = np.random.default_rng(number).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str = "JPEG", **settings: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **settings)
    return file.getvalue()


def bird(number: int, **facts: object) -> Observation:
    return Observation(**{"id": f"bird {number}", "taxon": SPECIES[number % 3], "photo": f"{number}.jpg"} | facts)


def write_photos(folder: Path, count: int) -> list[Observation]:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(encoded(picture(number)))
    return [bird(number, place=Place(number % 360 - 180, 10)) for number in range(count)]


@dataclass(frozen=True)
class LevelChips:
    """A grey chip that is brighter in the east; none south of the equator."""

    px: int = 8
    ground_km: tuple[float, ...] = (4.0,)

    @property
    def identity(self) -> dict[str, object]:
        return source_identity(type(self).__name__, px=self.px, ground_km=self.ground_km)

    def encoded_chip(self, place: Place) -> bytes:
        if place.lat < 0:
            raise PlaceError(f"latitude {place.lat} is outside the imagery")
        level = int((place.lon + 180) / 360 * 255)
        return encoded(Image.new("RGB", (self.px, self.px), (level, level, level)))
