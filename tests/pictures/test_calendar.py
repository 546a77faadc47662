import io

import numpy as np
import pytest
from PIL import Image

from birdsat.earth.place import Place
from birdsat.errors import InputError
from birdsat.maps.species_list import AtPlace, place_calendar
from birdsat.pictures.calendar import MOST_ROWS, draw_calendar
from birdsat.pictures.colours import SCORE_COLOURS
from birdsat.pictures.map_picture import png_bytes


def calendar_of(count, **settings):
    names = [f"Genus species{i:03d}" for i in range(count)]
    suitability = (np.linspace(1, 0.1, count)[:, None] * np.linspace(0.2, 1, 12)).astype(np.float32)
    inside = np.arange(count) != 2
    found = AtPlace(suitability=suitability, low=suitability / 2, high=suitability, applicable=inside)
    return place_calendar(names, found, Place(9.5, 47.2), **settings)


def test_each_cell_has_the_colour_of_its_suitability():
    year = calendar_of(3)
    figure = draw_calendar(year)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), year.found.suitability)
    assert axes.images[0].get_clim() == (0, 1)
    drawn = np.asarray(Image.open(io.BytesIO(png_bytes(figure))).convert("RGB")).astype(int)
    for row, month in ((0, 11), (2, 0)):  # the likeliest and the least likely, each within its cell
        x, y = axes.transData.transform((month + 0.3, row + 0.3))
        wanted = np.array(SCORE_COLOURS(year.found.suitability[row, month])[:3]) * 255
        assert np.abs(drawn[drawn.shape[0] - 1 - int(y), int(x)] - wanted).max() <= 2


def test_names_and_expected_numbers_are_written():
    figure = draw_calendar(calendar_of(3, common_names={"Genus species001": "Costs $5 and $6"}), subtitle="of $RUN$")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "Genus species000",
        "Costs $5 and $6 (Genus species001)",
        "Genus species002 *",
    ]
    assert "* outside the taxon's area of applicability" in figure._supxlabel.get_text()
    assert axes.get_xticklabels()[11].get_text() == "Dec\n1.6"
    png_bytes(figure)  # $ starts no formula


def test_what_whoever_reads_it_must_know_is_written_below():
    figure = draw_calendar(calendar_of(2, cautions=("not calibrated, not evaluated: " + "too few records " * 9,)))
    said = figure._supxlabel.get_text()
    assert said.startswith("not calibrated, not evaluated") and "\n" in said


def test_taxa_beyond_the_most_that_one_picture_holds_are_counted():
    figure = draw_calendar(calendar_of(MOST_ROWS + 4))
    assert len(figure.axes[0].get_yticks()) == MOST_ROWS
    assert "4 less likely taxa not shown" in figure.axes[0].get_xlabel()


def test_the_same_calendar_gives_the_same_bytes():
    assert png_bytes(draw_calendar(calendar_of(2))) == png_bytes(draw_calendar(calendar_of(2)))


def test_a_calendar_without_taxa_is_refused():
    with pytest.raises(InputError, match="no taxon to draw"):
        draw_calendar(calendar_of(3, min_suitability=1.1))
