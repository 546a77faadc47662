"""Image, place and date joined: weights are found again, and nothing is ruled out."""

import numpy as np
import pytest

from birdsat.tasks.identify.joined import Joining, fit_joining, softmax


def test_temperature_and_weight_that_made_the_labels_are_found_again() -> None:
    random = np.random.default_rng(0)
    logits, density = random.normal(0, 3, (6000, 6)), random.normal(0, 1.5, (6000, 6))
    true = Joining(temperature=2.0, weight=0.8, floor=0.01)
    p = true(logits, density)
    labels = (p.cumsum(axis=1) > random.random((6000, 1))).argmax(axis=1)
    found = fit_joining(logits, labels, density)
    assert found.temperature == pytest.approx(2.0, rel=0.12)
    assert found.weight == pytest.approx(0.8, abs=0.12)
    assert fit_joining(logits, labels).weight == 0


def test_place_and_date_that_say_nothing_true_get_no_weight() -> None:
    random = np.random.default_rng(1)
    logits, density = random.normal(0, 3, (3000, 5)), random.normal(0, 3, (3000, 5))
    labels = (softmax(logits).cumsum(axis=1) > random.random((3000, 1))).argmax(axis=1)
    assert fit_joining(logits, labels, density).weight < 0.1


def test_a_rare_visitor_stays_possible_and_a_sure_image_wins() -> None:
    joining = Joining(temperature=1.0, weight=1.0, floor=0.05)
    density = np.array([[0.0, 0.0, -1e6]])
    assert joining.share(density)[0, 2] == pytest.approx(0.05 / 3)
    assert joining(np.array([[0.0, 0.0, 12.0]]), density).argmax() == 2


def test_rows_of_unknown_places_are_by_the_image_alone() -> None:
    logits = np.array([[0.0, 1.0], [0.0, 1.0]])
    density = np.array([[np.nan, np.nan], [5.0, 0.0]])
    joining = Joining(temperature=1.0, weight=1.0, floor=0.01)
    found = joining(logits, density)
    np.testing.assert_allclose(found[0], softmax(logits)[0])
    assert found[1, 0] > found[0, 0]
