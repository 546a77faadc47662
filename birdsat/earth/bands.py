"""Which bands of a raster are red, green and blue, and which values of theirs are black and white."""

import re
from collections.abc import Sequence
from pathlib import Path

import rasterio
from rasterio.enums import ColorInterp

from birdsat.errors import ConfigError, InputError

RGBBands = tuple[int, int, int]  # numbers, from 1, of what is shown as red, green and blue
Stretch = tuple[float, float]  # values that become 0 and 255

_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_WORDS = ("red", "green", "blue")
_SENTINEL_2 = ("b04", "b03", "b02")  # with their zeros no other satellite's; without, where there is a B8A
_OTHER_COLOURS = (ColorInterp.cyan, ColorInterp.hue, ColorInterp.Y)


def rgb_bands(path: Path, dataset: rasterio.DatasetReader, asked: RGBBands | None) -> tuple[RGBBands, bool]:
    """The bands to show, and whether the raster itself says so (or the user, by `asked`).

    Where it does not: the first three that are not transparency, or the first alone, as grey, where there are fewer.
    Raises InputError for a band that is not there, and for palettes and colours that are not red, green and blue.
    """
    meaning = dataset.colorinterp
    bands, is_said = (asked, True) if asked is not None else _found(path, dataset)
    absent = [band for band in bands if not 1 <= band <= dataset.count]
    if absent:
        raise InputError(f"{path} has no band {absent[0]}; allowed: 1 to {dataset.count}.", settings=("bands",))
    if ColorInterp.palette in (meaning[band - 1] for band in bands):
        raise InputError(f"{path} holds a palette; expand it with `gdal_translate -expand rgb`.")
    if asked is None and any(colour in meaning for colour in _OTHER_COLOURS):
        raise InputError(
            f"{path} holds the colours {', '.join(colour.name for colour in meaning)}; convert it to red, green and "
            "blue, or say which bands to show as these.",
            settings=("bands",),
        )
    return bands, is_said


def checked_stretch(path: Path, dtype: str, stretch: Stretch | None) -> Stretch | None:
    """The values (black, white) that become 0 and 255; None: they are 8-bit. Raises InputError where neither."""
    if stretch is None and dtype != "uint8":
        raise InputError(
            f"{path} holds {dtype} values of unknown range; give the stretch (black, white), "
            "for example (0, 3000) for Sentinel-2 reflectance."
        )
    if stretch is not None and not stretch[0] < stretch[1]:
        raise ConfigError(f"stretch is {stretch}; (black, white) with black < white is needed.")
    return stretch


def _found(path: Path, dataset: rasterio.DatasetReader) -> tuple[RGBBands, bool]:
    meaning = list(dataset.colorinterp)
    if all(colour in meaning for colour in _COLOURS):
        red, green, blue = (meaning.index(colour) + 1 for colour in _COLOURS)
        return (red, green, blue), True
    named = _named([name or "" for name in dataset.descriptions])
    if named is not None:
        return named, True
    colours = [number for number, band in enumerate(meaning, start=1) if band != ColorInterp.alpha]
    if not colours:
        raise InputError(f"{path} holds transparency only; give an image.")
    if len(colours) < 3:
        return (colours[0],) * 3, True
    return (colours[0], colours[1], colours[2]), False


def _named(descriptions: Sequence[str]) -> RGBBands | None:
    """The bands by their descriptions: "Red", "B4 (red)", or Sentinel-2's own names."""
    words = [re.findall(r"[a-z0-9]+", text.lower()) for text in descriptions]
    for wanted in (_WORDS, _SENTINEL_2):
        # A "red edge" is another band; two of one colour say nothing.
        at = [[i for i, some in enumerate(words, 1) if word in some and "edge" not in some] for word in wanted]
        if all(len(found) == 1 for found in at):
            return at[0][0], at[1][0], at[2][0]
    plain = [some[0] if len(some) == 1 else "" for some in words]
    if "b8a" in plain and all(name in plain for name in ("b4", "b3", "b2")):
        red, green, blue = (plain.index(name) + 1 for name in ("b4", "b3", "b2"))
        return red, green, blue
    return None
