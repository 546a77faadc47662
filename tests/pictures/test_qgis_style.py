"""A map's style for QGIS: the picture's colours at the picture's values."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from birdsat.maps.description import RICHNESS, SUITABILITY
from birdsat.pictures.colours import SCORE_COLOURS
from birdsat.pictures.qgis_style import style_path, write_effort_style, write_style


@pytest.mark.parametrize(("quantity", "low", "high"), [(SUITABILITY, 0.0, 0.85), (RICHNESS, 3.25, 41.5)])
def test_between_the_ends_of_the_picture_every_value_has_the_colour_of_the_picture(
    tmp_path: Path, quantity: object, low: float, high: float
) -> None:
    tiff = tmp_path / "Corvus_corax.tif"
    write_style(tiff, quantity, (low, high))  # type: ignore[arg-type]
    assert style_path(tiff) == tmp_path / "Corvus_corax.qml"
    root = ElementTree.parse(style_path(tiff)).getroot()
    renderer = root.find("pipe/rasterrenderer")
    assert root.tag == "qgis" and renderer is not None
    assert renderer.attrib["type"] == "singlebandpseudocolor" and renderer.attrib["band"] == "1"
    assert (float(renderer.attrib["classificationMin"]), float(renderer.attrib["classificationMax"])) == (low, high)
    assert renderer.attrib["nodataColor"] == "" and len(renderer.find("rasterTransparency") or ()) == 0
    shader = renderer.find("rastershader/colorrampshader")
    assert shader is not None and shader.attrib["colorRampType"] == "INTERPOLATED" and shader.attrib["clip"] == "0"
    items = shader.findall("item")
    at = np.array([float(item.attrib["value"]) for item in items])
    colours = np.array([to_rgb(item.attrib["color"]) for item in items])
    assert at[0] == low and at[-1] == high and (np.diff(at) > 0).all()
    assert {item.attrib["alpha"] for item in items} == {"255"}
    values = np.linspace(low, high, 1001)
    in_qgis = np.stack([np.interp(values, at, colours[:, channel]) for channel in range(3)], axis=1)
    in_picture = SCORE_COLOURS((values - low) / (high - low))[:, :3]
    assert np.abs(in_qgis - in_picture).max() < 1.5 / 255


def test_effort_is_styled_in_even_steps_of_its_logarithm_from_none(tmp_path: Path) -> None:
    write_effort_style(tmp_path / "a.tif", RICHNESS, 99.0)
    items = ElementTree.parse(tmp_path / "a.qml").getroot().iter("item")
    at = np.array([float(item.attrib["value"]) for item in items])
    assert at[0] == 0 and at[-1] == pytest.approx(99) and np.ptp(np.diff(np.log1p(at))) < 1e-9
