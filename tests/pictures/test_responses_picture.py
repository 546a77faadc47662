"""Response curves as a picture: what is shown, and what is said not to be."""

import numpy as np
import pytest

from birdsat.errors import InputError
from birdsat.pictures.responses import MOST_COVARIATES, MOST_TAXA, draw_responses
from birdsat.ranges.covariates.responses import Response


def response(name: str, taxa: int, classes: int = 0) -> Response:
    count = classes or 9
    generator = np.random.default_rng(0)
    return Response(
        name=name,
        classes=tuple(str(one) for one in range(classes)),
        value=np.arange(count, dtype=np.float64),
        suitability=generator.random((taxa, count), np.float32),
        std=np.full((taxa, count), 0.1, np.float32),
    )


def test_each_taxon_has_a_panel_for_each_covariate() -> None:
    figure = draw_responses([response("rain_$x", 2), response("cover", 2, 40)], ("A a", "B_b $"), (1, 0))
    figure.canvas.draw()
    assert len(figure.axes) == 4
    assert [axes.get_title(loc="left") for axes in figure.axes[::2]] == ["B_b $", "A a"]
    assert len(figure.axes[1].patches) == 12  # of 40 classes
    said = figure.get_supxlabel()
    assert said == "band and whiskers: standard deviation over the members; not shown: 28 classes of cover"


def test_what_is_not_shown_is_said() -> None:
    some = [response(f"c{n}", 20) for n in range(MOST_COVARIATES + 2)]
    figure = draw_responses(some, tuple(f"T {n}" for n in range(20)), range(20))
    assert len(figure.axes) == MOST_TAXA * MOST_COVARIATES
    assert f"not shown: {20 - MOST_TAXA} taxa, 2 covariates" in figure.get_supxlabel()


def test_nothing_is_not_drawn() -> None:
    with pytest.raises(InputError, match="no response to draw"):
        draw_responses([], (), ())
