"""How a map's GeoTIFF looks in QGIS: its layer style (.qml), which QGIS reads where it lies beside the file."""

from pathlib import Path
from xml.etree import ElementTree

from birdsat.files import write_atomic
from birdsat.maps.description import Quantity
from birdsat.pictures.colours import SCORE_RAMP


def style_path(tiff: Path) -> Path:
    """Where the style of a map lies."""
    return tiff.with_suffix(".qml")


def write_style(tiff: Path, quantity: Quantity, scale: tuple[float, float]) -> None:
    """Write the style beside the map: its first band in the picture's colours, between the picture's ends.

    Between the ramp's colours QGIS goes in straight lines through red, green and blue, as the picture does; what has no
    value is transparent. Raises InputError when the disk refuses the file.
    """
    low, high = scale
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
    last = len(SCORE_RAMP) - 1
    for i, colour in enumerate(SCORE_RAMP):
        value = low + (high - low) * i / last
        label = f"{value:.3g}" + (f" {quantity.name}" if i == last else "")
        ElementTree.SubElement(shader, "item", value=repr(value), color=colour, alpha="255", label=label)
    ElementTree.SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    write_atomic(style_path(tiff), f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{text}\n")
