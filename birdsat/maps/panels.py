"""The panels that a picture can have beside the map's own. A new one is a function of its own and a line here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PanelKind:
    """What makes a panel: from an open map file and the most cells along a side; None where the map lacks it."""

    function: str  # "module:function"
    needs: str  # what has to be there, for people


PANELS: dict[str, PanelKind] = {
    "uncertainty": PanelKind("birdsat.pictures.extra_panels:uncertainty", "intervals or standard deviations"),
    "applicability": PanelKind("birdsat.pictures.extra_panels:applicability", "an area of applicability"),
    "effort": PanelKind(
        "birdsat.pictures.extra_panels:effort", "effort that is known, in a file NAME_effort.tif beside it"
    ),
}
