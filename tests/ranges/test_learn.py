"""Of two fits the one that tells better what was held out, and figures in which that choice has no part."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from made_covariates import KNOWN, RASTERS, ROWS, TAXA, TAXON, embedded, fit
from made_points import PLACES, SMALL, SOURCE, made_rows, points_at

from birdsat.ranges import learn, train
from birdsat.ranges.beside import Beside, best_beside
from birdsat.ranges.covariates.facts import covariates_of
from birdsat.ranges.fit import fit_ranges
from birdsat.ranges.learn import Learned
from birdsat.ranges.network import RangeNetwork
from birdsat.ranges.points import SurveyRows
from birdsat.ranges.projection import InputProjection
from birdsat.ranges.train import Fitted

NETWORK = RangeNetwork(SMALL, inputs=3, taxa=1, dated=False)
PROJECTION = InputProjection.fit(np.empty((len(PLACES), 0), np.float32), PLACES, 3, 1.0)


def learned(name: str, means: tuple[float, ...], spread: float = 0.1) -> Learned:
    """With rows of its own for each half."""
    trials = tuple(mean + spread * torch.linspace(-1, 1, 9) for mean in means)
    rows = tuple(made_rows(np.zeros(4, np.int64), np.ones(4, bool)) for _ in trials[1:])
    fitted = Fitted(network=NETWORK, steps=1, held_out=None, by_half=rows, trials=trials)
    nothing = torch.empty(0, 3)
    return Learned(inputs=(name,), projection=PROJECTION, at_points=nothing, elsewhere=nothing, fitted=fitted)


@pytest.mark.parametrize("halves", [(0.2, 0.9), (0.9, 0.2), (0.2, 0.2), (0.9, 0.9)])
@pytest.mark.parametrize("whole", [0.2, 0.9])
def test_each_half_is_told_by_the_fit_that_the_other_chose_whatever_all_of_it_says(
    whole: float, halves: tuple[float, float]
) -> None:
    one, other = learned("chip", (0.5, 0.5, 0.5)), learned("covariates", (whole, *halves))
    best = one.or_better(other)
    assert best.inputs == (("covariates",) if whole > 0.5 else ("chip",))
    for half, value in enumerate(halves):
        assert best.fitted.by_half[half] is (other if value > 0.5 else one).fitted.by_half[half]


def test_what_may_be_chance_changes_nothing() -> None:
    one = learned("chip", (0.5, 0.5, 0.5))
    kept = one.or_better(learned("covariates", (0.51, 0.51, 0.51), spread=0.2))
    assert kept.inputs == ("chip",) and kept.fitted.by_half == one.fitted.by_half
    assert one.or_better(learned("covariates", (0.51, 0.51, 0.51))).inputs == ("covariates",)


def test_where_nothing_was_held_out_the_first_is_kept() -> None:
    one, other = learned("chip", ()), learned("covariates", (0.9, 0.9, 0.9))
    assert one.or_better(other) is one


def test_what_a_half_says_is_by_the_regression_that_it_would_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is chosen by a half, its own rows say nothing of: figures are of the other's."""
    asked: list[int | None] = []

    def counting(network: RangeNetwork, regressions: Any, data: Any, half: int | None) -> Beside:
        asked.append(half)
        found = best_beside(network, regressions, data, half)
        with torch.no_grad():
            found.network.heads.bias.fill_({None: 10.0, 0: 20.0, 1: 30.0}[half])
        return found

    fits: list[Fitted] = []
    fit_network = train.fit_network

    monkeypatch.setattr(train, "best_beside", counting)
    monkeypatch.setattr(
        "birdsat.ranges.learn.fit_network", lambda *a, **k: fits.append(fit_network(*a, **k)) or fits[-1]
    )
    fit(inputs=("covariates",))
    assert asked == [None, 0, 1]
    (fitted,) = fits
    assert fitted.held_out is not None
    for of, bias in ((fitted.held_out, 10), (fitted.by_half[0], 20), (fitted.by_half[1], 30)):
        assert abs(of.logit.mean() - bias) < 5


def test_a_second_fit_of_the_same_points_takes_the_regressions_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    fit_regressions = train.fit_regressions
    monkeypatch.setattr(train, "fit_regressions", lambda *a: made.append(a) or fit_regressions(*a))
    monkeypatch.setattr(learn, "_is_above", lambda *_: True)
    alone, chose = fit(inputs=("covariates",)), fit()
    assert len(made) == 2 and chose.facts.inputs == alone.facts.inputs == ("covariates",)
    assert chose.facts.regression == alone.facts.regression
    one, other = (model.year_mean(np.empty((len(PLACES), 0), np.float32), PLACES, KNOWN) for model in (chose, alone))
    np.testing.assert_allclose(one, other, atol=0.02)  # other background was drawn for the regressions


def test_surveys_and_classifiers_have_neither_a_regression_nor_a_choice_of_inputs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train, "fit_regressions", lambda *_: pytest.fail("a regression was fitted"))
    visits = points_at(ROWS[:60], TAXON[:60], 3).presences
    surveys = SurveyRows(
        visits=visits,
        year_fraction=np.full(60, np.nan),
        visit=np.arange(60),
        taxon=np.zeros(60, np.int64),
        present=np.arange(60) % 2 == 0,
        weight=np.ones(60),
    )
    points, at, behind = points_at(ROWS, TAXON, 3), embedded(KNOWN, ROWS), embedded(KNOWN)
    source, covariates = replace(SOURCE, rasters=RASTERS), covariates_of(RASTERS)
    surveyed = fit_ranges(
        replace(points, surveys=surveys), at, behind, TAXA, source,
        settings=SMALL, covariates=covariates, visits=embedded(KNOWN, ROWS[:60]),
    )  # fmt: skip
    trees = fit_ranges(
        points, at, behind, TAXA, source, settings=SMALL, covariates=covariates, estimator="DecisionTreeClassifier()"
    )
    for model in (surveyed, trees):
        assert model.facts.inputs == ("chip", "place", "covariates") and model.facts.regression is None


def test_where_too_little_is_held_out_to_choose_by_the_middle_regression_stands_beside_all_inputs() -> None:
    few = np.r_[np.flatnonzero(TAXON == 0)[:2], np.flatnonzero(TAXON == 1)[:2]]
    model = fit(rows=ROWS[few], taxon=TAXON[few])
    assert model.facts.inputs == ("chip", "place", "covariates")
    assert model.facts.regression is not None and (model.facts.regression.c, model.facts.regression.share) == (0.3, 0.5)
