"""Covariates bent at knots, the regression on them, and a network beside it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_points import PLACES, SMALL, draw_rows, habitat, points_at, presence
from sklearn.linear_model import LogisticRegression

from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.hinge_regression import fit_regressions
from birdsat.ranges.covariates.hinges import Hinges
from birdsat.ranges.covariates.scaling import CovariateScaling
from birdsat.ranges.fit_data import Data
from birdsat.ranges.network import RangeNetwork

FIELDS = habitat()
ROWS, TAXON = draw_rows(presence(FIELDS), 40)
INPUTS = torch.from_numpy(FIELDS.astype(np.float32))
CONFIG = replace(SMALL, inputs=3)


def test_the_columns_of_a_covariate_have_its_own_variance_together() -> None:
    table = torch.from_numpy(np.random.default_rng(0).exponential(1, (500, 3)).astype(np.float32))
    table[:, 0] /= table[:, 0].std()
    table[:, 1] = (table[:, 1] > 1) / 4
    table[:, 2] = 7.0

    def spread(columns: torch.Tensor) -> float:
        return float(Hinges.fit(columns)(columns).square().sum(dim=1).mean())

    assert spread(table[:, :1]) == pytest.approx(1, rel=0.01)
    own = float(table[:, 1].var())
    assert spread(table[:, :2]) == spread(table) == pytest.approx(1 + own, rel=0.01)
    assert Hinges.fit(table[:, 1:2]).outputs == 1  # of two values: as it is


def test_classes_that_say_nothing_do_not_crowd_out_a_number_that_does() -> None:
    generator = np.random.default_rng(0)
    number = generator.normal(0, 1, (2000, 1)).astype(np.float32)
    classes = tuple(map(str, range(28)))
    cover = [Covariate(name=name, columns=classes, categorical=True) for name in ("a", "b", "c")]
    shares = np.concatenate([np.eye(28)[generator.integers(28, size=2000)] for _ in cover], axis=1)
    scaling = CovariateScaling.fit(
        np.concatenate([number, shares.astype(np.float32)], axis=1), [Covariate(name="rain"), *cover]
    )
    inputs = scaling(np.concatenate([number, shares.astype(np.float32)], axis=1))
    seen = Hinges.fit(inputs)(inputs).numpy()
    wanted = np.maximum(number[:, 0], 0.3)
    seen = np.column_stack([seen, np.ones(len(seen))])
    left = wanted - seen @ np.linalg.lstsq(seen, wanted)[0]
    assert left.var() < 0.05 * wanted.var()


def test_nothing_is_carried_on_beyond_what_was_seen() -> None:
    table = torch.linspace(-1, 2, 50)[:, None]
    hinges = Hinges.fit(table)
    torch.testing.assert_close(hinges(torch.tensor([[99.0], [-99.0]])), hinges(torch.tensor([[2.0], [-1.0]])))
    assert torch.isfinite(hinges(torch.tensor([[1e30]]))).all()


def test_a_covariate_that_is_mostly_one_value_has_no_slope_of_no_width() -> None:
    table = torch.zeros(100, 1)
    table[90:, 0] = torch.linspace(1, 2, 10)
    assert torch.isfinite(Hinges.fit(table)(table)).all()


def test_of_many_covariates_each_has_fewer_knots() -> None:
    for covariates, knots in ((20, 10), (200, 5), (1001, 2)):
        table = torch.randn(60, covariates)
        hinges = Hinges.fit(table)
        assert hinges.knots.shape == (covariates, knots) and hinges(table).shape == (60, hinges.outputs)
        assert hinges.outputs <= 64


def test_the_unit_of_inputs_is_taken_out() -> None:
    hinges = Hinges.fit(INPUTS)
    torch.testing.assert_close(hinges.in_unit(3.0)(INPUTS * 3), hinges(INPUTS), atol=1e-5, rtol=1e-4)
    same = Hinges.fit(INPUTS * 3, 3.0)
    torch.testing.assert_close(same(INPUTS * 3).square().sum(1), hinges(INPUTS).square().sum(1), atol=1e-3, rtol=1e-3)


SCALING = CovariateScaling.fit(FIELDS.astype(np.float32), [Covariate(name=name) for name in "abc"])
SCALED = SCALING(FIELDS.astype(np.float32))


def test_the_regression_is_that_of_scikit_learn_on_the_same_columns() -> None:
    data = Data(points_at(ROWS, TAXON, 3), SCALED[ROWS], SCALED, CONFIG)
    for fit in fit_regressions(data, SCALING):
        x = fit.hinges(SCALED)
        for member, label in ((0, 0), (1, 2)):
            at = x[ROWS][(data.taxon == label) & ~data.out[0][member]]
            behind = x[~data.out[1][member]]
            weight = np.concatenate([np.ones(len(at)), np.full(len(behind), len(at) / len(behind))])
            theirs = LogisticRegression(C=fit.c, tol=1e-8, max_iter=1000).fit(
                torch.cat([at, behind]).numpy(), np.arange(len(weight)) < len(at), sample_weight=weight
            )
            ours = x @ fit.weight[member, :, label] + fit.bias[member, label]
            np.testing.assert_allclose(ours.numpy(), theirs.decision_function(x.numpy()), atol=0.05)


def test_a_taxon_without_points_has_no_regression_and_one_with_few_a_flat_one() -> None:
    few = np.concatenate([np.flatnonzero(TAXON == 0), np.flatnonzero(TAXON == 1)[:1]])
    data = Data(points_at(ROWS[few], TAXON[few], 3), SCALED[ROWS[few]], SCALED, CONFIG)
    for fit in fit_regressions(data, SCALING):
        assert (fit.weight[..., 2] == 0).all() and (fit.bias[:, 2] == 0).all()
        assert torch.isfinite(fit.weight).all()
        many, one = fit.weight.square().sum(dim=1).mean(dim=0)[:2]
        assert one < many / 4


@pytest.mark.parametrize("dated", [False, True])
def test_beside_a_regression_the_years_mean_is_shared_and_the_seasons_are_the_networks(dated: bool) -> None:
    network = RangeNetwork(CONFIG, inputs=3, taxa=4, dated=dated).eval().requires_grad_(False)
    network.heads.weight.normal_()
    network.heads.bias.normal_()
    hinges = Hinges.fit(INPUTS)
    weight, bias = torch.randn(CONFIG.members, hinges.outputs, 4), torch.randn(CONFIG.members, 4)
    both = network.beside(hinges, weight, bias, 0.25)
    year, june = np.full(len(PLACES), np.nan), np.full(len(PLACES), 0.45)
    own, shared = ([one.logits(one.hidden(INPUTS[None]), dates) for dates in (year, june)] for one in (network, both))
    linear = hinges(INPUTS) @ weight + bias[:, None]
    torch.testing.assert_close(shared[0], 0.25 * own[0] + 0.75 * linear, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(shared[1] - shared[0], own[1] - own[0], atol=1e-4, rtol=1e-4)
    assert both.hidden(INPUTS[None]).shape[0::2] == both.kept_shape
