"""Contact sheets: a page holds its cards whatever their names."""

import io
import warnings

import numpy as np
from PIL import Image

from birdsat.pictures.contact_sheet import COLUMNS, PhotoCard, contact_sheet


def card(**given: object) -> PhotoCard:
    facts = {"photo": np.full((20, 40, 3), 90, np.uint8), "file": "a.jpg", "verdict": "named", "name": "Corvus corax"}
    return PhotoCard(**(facts | given))  # type: ignore[arg-type]


def pixels(*cards: PhotoCard) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return np.asarray(Image.open(io.BytesIO(contact_sheet(cards, title="$x^2$ photos"))).convert("RGB"))


def test_a_page_grows_by_lines_of_cards() -> None:
    few, line, page = (pixels(*[card()] * count) for count in (1, COLUMNS + 1, 6 * COLUMNS))
    assert few.shape[1] == line.shape[1] == page.shape[1]
    assert few.shape[0] < line.shape[0] < page.shape[0]


def test_the_photo_is_drawn_and_one_that_cannot_be_read_has_an_empty_card() -> None:
    assert (pixels(card()) == 90).all(axis=-1).sum() > 10_000
    assert (pixels(card(photo=None, verdict="unreadable")) == 90).all(axis=-1).sum() == 0


def test_names_are_not_formulas_and_letters_that_the_font_has_not_are_no_warning() -> None:
    pixels(card(name="$\\frac{", file="鳥.jpg", common_name="a" * 500, mark="unexpected here"))
