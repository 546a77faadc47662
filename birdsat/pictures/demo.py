"""The pictures of the demo's page, each as a data address that stands in the page itself."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from birdsat.methods.method import Reconstruction
from birdsat.pictures.colours import INK, LAND, WATER
from birdsat.pictures.map_picture import png_bytes
from birdsat.training.metrics import Record

WITH, WITHOUT = "#a8327d", "#3d7ea6"  # colours of the runs with and without metadata, and of two ranges
_FAINT = "#d9dbde"
_ENLARGED_PX = 160  # photos and chips are stored at least this large, so that no browser has to guess
_LOSS_NAMES = {"contrast": "photo against chip", "reconstruct": "rebuilding hidden patches"}


def figure_address(figure: Figure) -> str:
    """A matplotlib figure as PNG."""
    return png_address(png_bytes(figure))


def png_address(data: bytes) -> str:
    """A PNG as it is."""
    return _address("png", data)


def image_address(rgb: NDArray[np.uint8]) -> str:
    """A photo or chip (h, w, 3), enlarged, as JPEG."""
    image = Image.fromarray(rgb)
    times = max(1, -(-_ENLARGED_PX // min(image.size)))
    large = image.resize((image.width * times, image.height * times), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    large.save(buffer, format="JPEG", quality=88, subsampling=0)
    return _address("jpeg", buffer.getvalue())


def _address(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def learning_curves(with_metadata: Sequence[Record], without_metadata: Sequence[Record]) -> str:
    """The named losses of both runs over the steps, train as a line and val as dots."""
    runs = (("with place and date", WITH, with_metadata), ("without", WITHOUT, without_metadata))
    names = [name for name in _LOSS_NAMES if any(name in record["losses"] for record in with_metadata)]
    figure = Figure(figsize=(4.6 * len(names), 3.1), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(np.atleast_1d(np.asarray(figure.subplots(1, len(names)))), names, strict=True):
        for label, colour, records in runs:
            for split, style in (("train", {"lw": 1.4}), ("val", {"lw": 0, "marker": "o", "ms": 4.5})):
                points = [(r["step"], r["losses"][name]) for r in records if r["split"] == split]
                if points:
                    axes.plot(*zip(*points, strict=True), color=colour, label=f"{label}, {split}", **style)
        axes.set_title(_LOSS_NAMES[name], fontsize=10.5, color=INK, loc="left")
        axes.set_xlabel("step", fontsize=9, color=INK)
        axes.grid(axis="y", color=_FAINT, lw=0.6)
        axes.tick_params(labelsize=8, colors=INK, length=0)
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color("#8a8d92")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    return figure_address(figure)


def reconstruction_rows(pictures: Reconstruction) -> list[list[str]]:
    """For each photo: as it is, with its hidden patches grey, and rebuilt."""

    def image(pixels: NDArray[np.float32]) -> str:
        return image_address((pixels.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))

    photo, hidden, rebuilt = (part.numpy() for part in (pictures.image, pictures.hidden, pictures.rebuilt))
    masked = np.where(hidden > 0, np.float32(0.82), photo)
    return [[image(column[i]) for column in (photo, masked, rebuilt)] for i in range(len(photo))]


def two_ranges(land: NDArray[np.bool_], one: NDArray[np.bool_], other: NDArray[np.bool_]) -> str:
    """Two ranges on a map of the world, all (rows, columns) from the north-west."""
    colours = np.empty((*land.shape, 3))
    for colour, cells in ((WATER, ~land), (LAND, land), (WITH, one), (WITHOUT, other)):
        colours[cells] = to_rgb(colour)
    pixels = (colours * 255 + 0.5).astype(np.uint8)
    times = max(1, 720 // pixels.shape[1])
    buffer = io.BytesIO()
    large = Image.fromarray(pixels).resize((pixels.shape[1] * times, pixels.shape[0] * times), Image.Resampling.NEAREST)
    large.save(buffer, format="PNG", optimize=True)
    return _address("png", buffer.getvalue())
