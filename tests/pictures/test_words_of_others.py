"""Names that others gave are drawn as they are: a dollar sign begins no formula."""

import numpy as np
from matplotlib.figure import Figure

from birdsat.pictures.comparison import draw_comparison
from birdsat.pictures.neighbours import Answered, Card, draw_neighbours

NAME = r"A $\frac$ b"


def drawn(figure: Figure) -> list[str]:
    figure.canvas.draw()  # which reads formulas
    return [text.get_text() for text in figure.findobj(match=lambda one: hasattr(one, "get_parse_math"))]


def test_recipes_beside_each_other() -> None:
    assert NAME in drawn(draw_comparison([NAME, "c"], {"x, y": [[1.0, 2.0], [2.0, 3.0]]}))


def test_photos_and_their_neighbours() -> None:
    card = Card(image=np.zeros((8, 8, 3), np.uint8), taxon=NAME, where_and_when=NAME, row=0)
    panels = [("photo to chip", [Answered(query=card, answers=(card,))])]
    words = drawn(draw_neighbours(panels, subtitle=NAME))  # type: ignore[arg-type]
    assert words.count(NAME) == 5
