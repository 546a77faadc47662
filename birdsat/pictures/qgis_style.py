"""How a map's GeoTIFF looks in QGIS: its layer style (.qml), which QGIS reads where it lies beside the file."""

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from birdsat.files import write_atomic
from birdsat.maps.description import Quantity
from birdsat.pictures.colours import EFFORT_RAMP, SCORE_RAMP


def style_path(tiff: Path) -> Path:
    """Where the style of a map lies."""
    return tiff.with_suffix(".qml")


def write_style(tiff: Path, quantity: Quantity, scale: tuple[float, float]) -> None:
    """Write the style beside the map: its first band in the picture's colours, between the picture's ends.

    Raises InputError when the disk refuses the file.
    """
    low, high = scale
    last = len(SCORE_RAMP) - 1
    _write(tiff, quantity, [(low + (high - low) * i / last, colour) for i, colour in enumerate(SCORE_RAMP)])


def write_effort_style(tiff: Path, quantity: Quantity, most: float) -> None:
    """The same for a map of effort, from none to the most, in even steps of its logarithm as in the picture's panel."""
    last = len(EFFORT_RAMP) - 1
    stops = [(math.expm1(math.log1p(max(1.0, most)) * i / last), colour) for i, colour in enumerate(EFFORT_RAMP)]
    _write(tiff, quantity, stops)


def _write(tiff: Path, quantity: Quantity, stops: Sequence[tuple[float, str]]) -> None:
    """stops: values, ascending, and their colours.

    Between them QGIS goes in straight lines through red, green and blue, as the picture does; what has no value is
    transparent.
    """
    low, high = stops[0][0], stops[-1][0]
    root = ElementTree.Element("qgis", version="3.28.0", styleCategories="Symbology")
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(
        pipe,
        "rasterrenderer",
        type="singlebandpseudocolor",
        band="1",
        opacity="1",
        alphaBand="-1",
        nodataColor="",
        classificationMin=repr(low),
        classificationMax=repr(high),
    )
    ElementTree.SubElement(renderer, "rasterTransparency")
    shader = ElementTree.SubElement(
        ElementTree.SubElement(renderer, "rastershader"),
        "colorrampshader",
        colorRampType="INTERPOLATED",
        classificationMode="1",
        clip="0",
        minimumValue=repr(low),
        maximumValue=repr(high),
        labelPrecision="2",
    )
    for value, colour in stops:
        label = f"{value:.3g}" + (f" {quantity.name}" if value == high else "")
        ElementTree.SubElement(shader, "item", value=repr(value), color=colour, alpha="255", label=label)
    ElementTree.SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    write_atomic(style_path(tiff), f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{text}\n")
