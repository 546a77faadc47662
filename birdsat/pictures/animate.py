"""Maps that move: the months of a year, one after another and again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from birdsat.earth.outline import EARTH, Land
from birdsat.errors import InputError
from birdsat.files import output_file
from birdsat.maps.map_file import MapFile
from birdsat.pictures.map_picture import draw_map, subtitle_of
from birdsat.pictures.panel import MapPoints
from birdsat.pictures.scale import Scale, colour_scale

MONTH_MS = 700
_CELLS = 900  # most along a side that are read; enough for the frames' pixels
_DPI = 110


def animate_map(
    map_file: MapFile,
    path: Path,
    *,
    land: Land = EARTH,
    points: Sequence[MapPoints] = (),
    scale: Scale = "data",
    month_ms: int = MONTH_MS,
) -> None:
    """Write the map as an animated GIF, a frame a month in order of the year, without end.

    Frames are drawn as by `draw_map`, with one colour scale and one palette for all, so that nothing flickers. points
    are drawn in their months. Raises InputError for a map of fewer than two months,
    or when the disk refuses the file.
    """
    about = map_file.description
    if len(about.months) < 2:
        raise InputError(f"{map_file.path} has {len(about.months)} month; an animation needs at least two.")
    layers = map_file.decimated(_CELLS)
    ends = colour_scale(about.quantity, layers.value, layers.applicability, scale)
    frames = []
    for i in np.argsort(about.months):
        figure = draw_map(
            about.grid,
            about.months[i : i + 1],
            layers.value[i : i + 1],
            title=about.title,
            quantity=about.quantity,
            is_taxon=about.is_taxon,
            common_name=about.common_name,
            subtitle=subtitle_of(about),
            applicability=layers.applicability,
            land=land,
            points=points,
            scale=ends,
            among=layers.value,
            whole_year=not about.dated,
            of_land=about.of_land,
        )
        frames.append(_pixels(figure))
    frames = _of_one_size(frames)
    palette = _palette(frames)
    painted = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with output_file(path) as partial:
        painted[0].save(
            partial, format="GIF", save_all=True, append_images=painted[1:], duration=month_ms, loop=0, optimize=False
        )


def _pixels(figure: Figure) -> Image.Image:
    figure.set_dpi(_DPI)
    figure.set_facecolor("white")
    canvas = figure.canvas
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())  # type: ignore[attr-defined]


def _of_one_size(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """With white paper where a month has fewer words below its map."""
    width, height = (max(sides) for sides in zip(*(frame.size for frame in frames), strict=True))
    sheets = []
    for frame in frames:
        sheet = Image.new("RGB", (width, height), "white")
        sheet.paste(frame)
        sheets.append(sheet)
    return sheets


def _palette(frames: Sequence[Image.Image]) -> Image.Image:
    """The 255 colours that serve all frames best, and the white of the paper."""
    every = Image.new("RGB", (frames[0].width, frames[0].height * len(frames)))
    for i, frame in enumerate(frames):
        every.paste(frame, (0, i * frames[0].height))
    palette = every.quantize(colors=255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette.putpalette([*(palette.getpalette() or [])[: 3 * 255], 255, 255, 255])
    return palette
