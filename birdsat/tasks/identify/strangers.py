"""Pictures of what is not a bird, made from a seed, to measure a gate on. None of them has a part in fitting it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.place import Place
from birdsat.virtual.backdrop import Scene, draw_backdrop
from birdsat.virtual.chips import VirtualChips

Views = NDArray[np.uint8]
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]  # a picture (px, px, 3) in 0..1

_STANCES = ("perch", "swim", "shore", "trunk")


def make_strangers(count: int, px: int, seed: int = 0) -> dict[str, Views]:
    """`count` pictures (count, px, px, 3) of each kind, by name."""
    made = {}
    for number, (name, draw) in enumerate(_KINDS.items()):
        random = np.random.default_rng([seed, number])
        made[name] = np.stack([_pixels(draw(random, px)) for _ in range(count)])
    made["satellite chips"] = _chips(count, px, seed)
    return made


def _noise(random: np.random.Generator, px: int) -> NDArray[np.float64]:
    return random.random((px, px, 3)) if random.random() < 0.5 else np.repeat(random.random((px, px, 1)), 3, axis=2)


def _texture(random: np.random.Generator, px: int) -> NDArray[np.float64]:
    """Smooth noise of some roughness, in two colours, stretched along one direction."""
    rate = np.fft.fftfreq(px)
    along, across = np.meshgrid(rate * random.uniform(0.3, 3), rate)
    size = np.sqrt(along**2 + across**2)
    size[0, 0] = 1
    spectrum = np.fft.fft2(random.standard_normal((px, px))) / size ** random.uniform(0.6, 2)
    field = np.real(np.fft.ifft2(spectrum))
    share = (field - field.min()) / max(float(np.ptp(field)), 1e-9)
    one, other = random.random(3), random.random(3)
    mixed: NDArray[np.float64] = share[..., None] * one + (1 - share[..., None]) * other
    return mixed


def _pattern(random: np.random.Generator, px: int) -> NDArray[np.float64]:
    """Stripes or checks."""
    row, column = np.mgrid[:px, :px] / px
    turn, rate = random.uniform(0, np.pi), random.uniform(2, 12)
    wave = np.sin(2 * np.pi * rate * (np.cos(turn) * row + np.sin(turn) * column))
    if random.random() < 0.5:
        wave = wave * np.sin(2 * np.pi * rate * (np.cos(turn) * column - np.sin(turn) * row))
    share = (wave > 0)[..., None]
    return np.where(share, random.random(3), random.random(3)) + 0.02 * random.standard_normal((px, px, 3))


def _sky(random: np.random.Generator, px: int) -> NDArray[np.float64]:
    """Nothing but sky, from blue to grey."""
    blue, grey = np.array([0.35, 0.6, 0.9]), np.array([0.8, 0.82, 0.85])
    share = random.random()
    top = (blue * share + grey * (1 - share)) * random.uniform(0.6, 1.1)
    down = np.linspace(0, random.uniform(0, 0.4), px)[:, None, None]
    return np.broadcast_to(top * (1 - down) + down, (px, px, 3)) + 0.01 * random.standard_normal((px, px, 3))


def _shapes(random: np.random.Generator, px: int) -> NDArray[np.float64]:
    """Discs and boxes of one colour each, as things drawn by a program."""
    row, column = np.mgrid[:px, :px] / px
    image = np.broadcast_to(random.random(3), (px, px, 3)).copy()
    for _ in range(random.integers(1, 7)):
        y, x, size, flat = random.random(), random.random(), random.uniform(0.05, 0.4), random.uniform(0.3, 1)
        if random.random() < 0.5:
            inside = ((row - y) / flat) ** 2 + (column - x) ** 2 < size**2
        else:
            inside = (abs(row - y) < size * flat) & (abs(column - x) < size)
        image[inside] = random.random(3)
    return image


def _place(random: np.random.Generator, px: int) -> NDArray[np.float64]:
    """The blurred habitat behind a bird that has left."""
    scene = Scene(
        temperature=float(random.uniform(-5, 28)),
        rainfall_mm=float(random.uniform(100, 2500)),
        snow=random.random() < 0.1,
    )
    stance = _STANCES[int(random.integers(len(_STANCES)))]
    return np.moveaxis(draw_backdrop(scene, stance, random, px).astype(np.float64), 0, 2)  # type: ignore[arg-type]


def _chips(count: int, px: int, seed: int) -> Views:
    chips = VirtualChips(seed, ground_km=20.0, px=px)
    random = np.random.default_rng([seed, 99])
    lat = np.degrees(np.arcsin(random.uniform(-0.9, 0.9, count)))
    places = [Place(lon, at) for lon, at in zip(random.uniform(-180, 180, count).tolist(), lat.tolist(), strict=True)]
    return np.stack([chips.chip(place) for place in places])


_KINDS: dict[str, Draw] = {
    "noise": _noise,
    "textures": _texture,
    "stripes and checks": _pattern,
    "blank sky": _sky,
    "drawn shapes": _shapes,
    "habitat without a bird": _place,
}


def _pixels(image: NDArray[np.float64]) -> Views:
    pixels: Views = (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    return pixels
