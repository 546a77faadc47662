"""Conformal sets hold what they promise, by either rule."""

import numpy as np
import pytest

from birdsat.tasks.identify.conformal import (
    SET_RULES,
    SetRule,
    choose_rule,
    conformal_sets,
    nonconformity,
    own_nonconformity,
    set_limit,
)
from birdsat.tasks.identify.joined import softmax


def _made(seed: int, rows: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are too sure of themselves, and labels."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (rows, 8))
    labels = (softmax(logits).cumsum(axis=1) > random.random((rows, 1))).argmax(axis=1)
    return softmax(2.5 * logits), labels


@pytest.mark.parametrize("rule", SET_RULES)
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_sets_of_a_model_that_is_too_sure_hold_the_truth_at_the_rate_all_the_same(
    rule: SetRule, coverage: float
) -> None:
    learned, asked = _made(0), _made(1)
    limit = set_limit(own_nonconformity(*learned, rule), coverage)
    sets = conformal_sets(asked[0], rule, limit)
    held = np.take_along_axis(sets, asked[1][:, None], axis=1).mean()
    assert coverage - 0.02 < held < coverage + (0.12 if rule == "raps" else 0.03)
    assert sets[np.arange(len(sets)), asked[0].argmax(axis=1)].all()


def test_the_limit_is_that_of_a_hand_count_and_too_few_rows_give_every_taxon() -> None:
    own = np.array([0.4, 0.1, 0.3, 0.2])
    assert set_limit(own, 0.8) == 0.4  # ceil(5 x .8) = 4th
    assert set_limit(own, 0.6) == 0.3
    assert set_limit(own, 0.9) == np.inf
    assert conformal_sets(np.array([[0.9, 0.1]]), "lac", np.inf).all()


def test_nonconformity_of_a_row_by_hand() -> None:
    p = np.array([[0.5, 0.3, 0.15, 0.05]])
    np.testing.assert_allclose(nonconformity(p, "lac"), [[0.5, 0.7, 0.85, 0.95]])
    np.testing.assert_allclose(nonconformity(p, "raps"), [[0.5, 0.8, 0.95, 1.01]])
    drawn = (np.array([[0.5, 0.8, 0.95, 1.01]]) - nonconformity(p, "raps, drawn")) / p
    assert 0 <= drawn[0, 0] < 1
    np.testing.assert_allclose(drawn, drawn[0, 0])  # one draw for all taxa of a photo


def test_what_is_drawn_is_the_same_in_any_company_and_evenly_spread() -> None:
    probability, _ = _made(3)
    value = nonconformity(probability, "raps, drawn")
    np.testing.assert_array_equal(nonconformity(probability[7:9], "raps, drawn"), value[7:9])
    best = probability.max(axis=1)
    share = 1 - value[np.arange(len(value)), probability.argmax(axis=1)] / best
    assert np.histogram(share, bins=5, range=(0, 1))[0] / len(share) == pytest.approx([0.2] * 5, abs=0.03)


def test_unreadable_rows_have_no_set() -> None:
    sets = conformal_sets(np.array([[np.nan, np.nan], [0.9, 0.1]]), "lac", 0.5)
    assert sets.tolist() == [[False, False], [True, False]]


def test_the_rule_is_the_same_at_every_call() -> None:
    assert choose_rule(*_made(0)) == choose_rule(*_made(0))
    assert choose_rule(*(part[:5] for part in _made(0))) == "lac"
