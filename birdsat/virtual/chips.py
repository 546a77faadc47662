"""Satellite chips of the virtual planet: any place, any ground size, more detail the smaller it is."""

import datetime
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from birdsat.earth.place import EARTH_RADIUS_KM, Place
from birdsat.errors import ConfigError
from birdsat.virtual.biomes import ground_colour
from birdsat.virtual.cities import Cities
from birdsat.virtual.noise import Noise, fractal, ramp
from birdsat.virtual.planet import Land, Planet
from birdsat.virtual.survey import LandSurvey
from birdsat.virtual.window import Window

Plane = NDArray[np.float32]  # one value a pixel, (px * px,)

_RIVER_KM = (1100.0, 380.0, 130.0, 45.0, 15.0, 5.0)  # size of the loops of each order of rivers
_MEANDERS = (1.0, 2.7, 7.0)  # their bends are so many times smaller
_DETAIL_KM = tuple(12.0 / 2.03**octave for octave in range(11))
_FIELD_KM = 0.9
_CROPS = np.array(
    [(0.30, 0.42, 0.15), (0.62, 0.55, 0.31), (0.42, 0.33, 0.22), (0.18, 0.33, 0.13), (0.50, 0.52, 0.24)],
    dtype=np.float32,
)
_SNOW = (0.93, 0.95, 0.98)
_WATER = (0.09, 0.19, 0.24)
_RIPARIAN = (0.17, 0.30, 0.12)


class VirtualChips:
    """Chips of the virtual planet of one seed, without clouds, as in a mosaic of the year's clear days."""

    def __init__(self, seed: int, *, ground_km: float, px: int = 64) -> None:
        """ground_km: side of the ground under a chip. Raises ConfigError for sizes that make no chip."""
        if not 0 < ground_km <= 10_000:
            raise ConfigError(f"ground_km is {ground_km}; choose a side between 0 and 10,000 km.")
        if px < 8:
            raise ConfigError(f"px is {px}; choose at least 8 pixels a side.")
        self.seed = seed
        self.ground_km = (float(ground_km),)
        self.px = px
        self._planet = Planet(seed)
        survey = LandSurvey(self._planet)
        self._cities = Cities(seed, survey.points, survey.land)
        pixel_km = ground_km / px
        self._river_km = tuple(size for size in _RIVER_KM if _river_width_km(size) > 0.12 * pixel_km)
        self._noise = Noise(
            seed,
            {
                "rivers": tuple(size / bend for size in self._river_km for bend in _MEANDERS),
                "detail": _DETAIL_KM,
                "farms": (300.0, 110.0, 37.0, 12.0),
                "grain": (7.3 * pixel_km, 2.6 * pixel_km),
            },
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What the chips depend on; datasets are recognised by it."""
        settings = {"seed": self.seed, "ground_km": self.ground_km[0], "px": self.px, "_river_km": self._river_km}
        return {"class": "VirtualChips", **{name: str(value) for name, value in settings.items()}}

    def chip(self, place: Place) -> NDArray[np.uint8]:
        """The chip centred on a place, RGB, north up: (px, px, 3)."""
        window = Window(place, self.ground_km[0], self.px)
        land = self._planet.land(window)
        octaves = window.octaves(self._noise)
        rough = np.array(_DETAIL_KM, dtype=np.float32) @ self._noise.group(octaves, "detail")
        grain = self._noise.group(octaves, "grain").sum(axis=0)
        height = land.height + 0.0005 * rough
        bumps_km = (0.012 + 0.09 * land.ruggedness) * rough
        colour = self._ground(window, land, bumps_km, octaves)
        shore = np.clip(0.5 + height / (_steepness(height, self.px) + 1e-9), 0, 1)
        sea = _sea(height, land.mean_temperature, grain)
        colour = sea + shore * (colour - sea)
        seen = 0.03 + 0.95 * np.clip(colour, 0, 1) ** 0.9  # a little haze
        pixels = (seen * 255 + 0.5).astype(np.uint8).reshape(3, self.px, self.px)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def chips(self, place: Place, *, date: datetime.date | None = None) -> tuple[NDArray[np.uint8], ...]:
        """The chip alone, whatever the date."""
        return (self.chip(place),)

    def encoded_chip(self, place: Place) -> bytes:
        """The chip as a JPEG."""
        data: bytes = simplejpeg.encode_jpeg(self.chip(place), quality=92, colorsubsampling="444")
        return data

    def _ground(self, window: Window, land: Land, bumps_km: Plane, octaves: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colour of dry land and rivers: (3, px * px). bumps_km: relief too small for the planet's own."""
        grain = self._noise.group(octaves, "grain").sum(axis=0)
        patchy = 0.35 * grain
        cleared = fractal(self._noise.group(octaves, "farms"), 0.7)
        temperature = land.mean_temperature - 5.5 * bumps_km
        watered = ramp(np.log(land.rainfall_mm), 4.9, 6.6) * ramp(temperature, -14, -4)
        moist = 0.5 * patchy + 0.45 * cleared - 1.5 * bumps_km
        colour = ground_colour(temperature + 2.2 * patchy, land.rainfall_mm * np.exp(moist))
        colour *= 1 + 0.30 * patchy * ramp(temperature, -9, 2)
        self._farm(window, land, colour, patchy, cleared)
        self._irrigate(window, colour, self._noise.group(octaves, "rivers"), watered)
        _paint(colour, ramp(-temperature + 3.5 * patchy, 9.0, 14.0) * (0.85 + 0.1 * patchy), _SNOW)
        colour *= _shading(np.clip(land.elevation_km, 0, None) + bumps_km, self.px, window.pixel_km)
        self._build(window, colour, grain)
        return colour

    def _irrigate(self, window: Window, colour: NDArray[np.float32], rivers: NDArray[np.float32], wet: Plane) -> None:
        """Rivers where noise crosses zero, wider the larger its scale; green banks where the land is dry."""
        bends = rivers.reshape(len(self._river_km), len(_MEANDERS), self.px**2)
        courses = np.array([1, 0.34, 0.11], dtype=np.float32) @ bends
        for size_km, course in zip(self._river_km, courses, strict=True):
            width_px = _river_width_km(size_km) / window.pixel_km
            distance_px = np.abs(course) / (_steepness(course, self.px) + 1e-9)
            strength = wet * min(1.0, 1.6 * width_px)
            banks = np.clip(1 + 1.6 * width_px - distance_px, 0, 1) * strength
            _paint(colour, 0.35 * banks, _RIPARIAN)
            _paint(colour, np.clip(0.5 + 0.5 * max(width_px, 1.0) - distance_px, 0, 1) * strength, _WATER)

    def _farm(self, window: Window, land: Land, colour: NDArray[np.float32], patchy: Plane, cleared: Plane) -> None:
        """Fields on mild, flat, not too wet land; a mosaic of single fields where the pixels can show them."""
        wet = np.log(land.rainfall_mm)
        mild = ramp(land.mean_temperature, 2, 7) * ramp(-land.mean_temperature, -27, -22)
        suited = mild * ramp(wet, 5.7, 6.2) * ramp(-wet, -7.5, -6.9) * ramp(-land.ruggedness, -0.25, -0.08)
        share = suited * ramp(cleared + 0.3 * patchy, -0.15, 0.25) * 0.85
        if not share.any():
            return
        fields = self._fields(window)
        detail = float(np.clip(1.6 - 1.6 * window.pixel_km / _FIELD_KM, 0, 1))
        crops = _CROPS.mean(axis=0)[:, None] * (1 + 0.18 * patchy)
        if detail > 0:
            crops = crops + detail * (_CROPS.T[:, fields] - crops)
        colour += share * (crops - colour)

    def _fields(self, window: Window) -> NDArray[np.intp]:
        """The crop of each pixel; fields follow the street grid of the nearest city."""
        nearest = int(np.argmax(self._cities.points @ window.centre))
        along, across = self._grid_km(window, nearest)
        strip = np.floor(along / (2.2 * _FIELD_KM))
        lengthwise = _chance(strip, np.floor(across / (2.2 * _FIELD_KM)), 1) < 0.5
        wide, narrow = 1.1 * _FIELD_KM, 0.55 * _FIELD_KM
        row = np.floor(along / np.where(lengthwise, wide, narrow))
        column = np.floor(across / np.where(lengthwise, narrow, wide))
        return (_chance(row, column, 2) * len(_CROPS)).astype(np.intp)

    def _build(self, window: Window, colour: NDArray[np.float32], grain: Plane) -> None:
        """Built-up land of the cities in sight."""
        centre_km = EARTH_RADIUS_KM * np.arccos(np.clip(self._cities.points @ window.centre, -1, 1))
        for city in np.flatnonzero(centre_km < 0.75 * self.ground_km[0] + 40):
            radius_km = 7.0 * float(self._cities.size[city]) ** 0.5
            if radius_km < 0.5 * window.pixel_km:
                continue
            along, across = self._grid_km(window, int(city))
            distance = np.hypot(along, across).astype(np.float32) / radius_km
            built = ramp(-distance + 0.45 * grain, -1.25, -0.35)
            block = _chance(np.floor(along / 0.35), np.floor(across / 0.25), 3).astype(np.float32)
            street = (np.abs(along % 1.4 - 0.7) < 0.07) | (np.abs(across % 1.0 - 0.5) < 0.07)
            grey = np.where(street & (window.pixel_km < 0.4), 0.62, 0.36 + 0.26 * block)
            walls = np.stack([grey * 1.02, grey, grey * 0.96]).astype(np.float32)
            colour += 0.8 * built * (walls - colour)

    def _grid_km(self, window: Window, city: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        east, north = window.offsets_km(self._cities.points[city])
        turn = self._cities.turn[city]
        return east * np.cos(turn) + north * np.sin(turn), north * np.cos(turn) - east * np.sin(turn)


def _river_width_km(size_km: float) -> float:
    return float(0.006 * size_km**0.86)


def _sea(height: Plane, temperature: Plane, grain: Plane) -> NDArray[np.float32]:
    """Turquoise shallows, blue shelf, dark deep; ice where it is cold."""
    depth = np.clip(-height, 0, None)
    shallow, shelf = np.exp(-depth / 0.006), np.exp(-depth / 0.07)
    colour = np.empty((3, len(height)), dtype=np.float32)
    for channel, (deep, mid, bright) in enumerate(((0.015, 0.03, 0.16), (0.06, 0.16, 0.42), (0.17, 0.32, 0.46))):
        colour[channel] = deep + shelf * (mid - deep) + shallow * (bright - mid)
    colour *= 1 + 0.02 * grain
    _paint(colour, 0.9 * ramp(-temperature + 4 * grain, 9.5, 12.5), (0.83, 0.87, 0.91))
    return colour


def _shading(elevation: Plane, px: int, pixel_km: float) -> Plane:
    """Light from the north-west: about 1 on flat ground."""
    south, east = np.gradient(elevation.reshape(px, px))
    # Slopes flatten as pixels grow; the exponent keeps relief visible from 10 m to 100 km a pixel.
    lit = (south + east) * 4.2 * pixel_km**-0.65
    shading: Plane = 1 + 0.5 * np.tanh(lit).ravel()
    return shading


def _steepness(plane: Plane, px: int) -> Plane:
    """Change over one pixel."""
    south, east = np.gradient(plane.reshape(px, px))
    steepness: Plane = np.hypot(south, east).ravel()
    return steepness


def _paint(colour: NDArray[np.float32], share: Plane, over: tuple[float, float, float]) -> None:
    colour += share * (np.array(over, dtype=np.float32)[:, None] - colour)


def _chance(row: NDArray[np.float64], column: NDArray[np.float64], salt: int) -> NDArray[np.float64]:
    """A number in 0..1 for every cell of a grid."""
    mixed = (row.astype(np.int64) * 73856093) ^ (column.astype(np.int64) * 19349663) ^ (salt * 83492791)
    mixed = mixed.astype(np.uint32)
    mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    return (mixed >> np.uint32(8)) / 2.0**24
