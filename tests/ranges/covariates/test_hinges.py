"""Covariates bent at knots, the regression on them, and a network beside it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_points import PLACES, SMALL, draw_rows, habitat, points_at, presence
from sklearn.linear_model import LogisticRegression

from birdsat.ranges.covariates.hinge_regression import fit_regressions
from birdsat.ranges.covariates.hinges import Hinges
from birdsat.ranges.fit_data import Data
from birdsat.ranges.network import RangeNetwork

FIELDS = habitat()
ROWS, TAXON = draw_rows(presence(FIELDS), 40)
INPUTS = torch.from_numpy(FIELDS.astype(np.float32))
CONFIG = replace(SMALL, inputs=3)


def test_the_columns_of_a_covariate_have_the_variance_1_together() -> None:
    table = torch.from_numpy(np.random.default_rng(0).exponential(1, (500, 3)).astype(np.float32))
    table[:, 1] = table[:, 1] > 1
    table[:, 2] = 7.0
    for columns in (table[:, :1], table[:, 1:2]):
        bent = Hinges.fit(columns)(columns)
        assert float(bent.square().sum(dim=1).mean()) == pytest.approx(1, rel=1e-3)
    assert Hinges.fit(table[:, 1:2]).outputs == 1  # of two values: as it is
    assert float(Hinges.fit(table)(table).square().sum(dim=1).mean()) == pytest.approx(2, rel=1e-3)


def test_nothing_is_carried_on_beyond_what_was_seen() -> None:
    table = torch.linspace(-1, 2, 50)[:, None]
    hinges = Hinges.fit(table)
    torch.testing.assert_close(hinges(torch.tensor([[99.0], [-99.0]])), hinges(torch.tensor([[2.0], [-1.0]])))
    assert torch.isfinite(hinges(torch.tensor([[1e30]]))).all()


def test_a_covariate_that_is_mostly_one_value_has_no_slope_of_no_width() -> None:
    table = torch.zeros(100, 1)
    table[90:, 0] = torch.linspace(1, 2, 10)
    assert torch.isfinite(Hinges.fit(table)(table)).all()


def test_many_covariates_as_of_an_embedding_are_not_bent() -> None:
    table = torch.randn(300, 150)
    hinges = Hinges.fit(table)
    assert hinges.knots.shape == (150, 2) and hinges(table).shape == (300, hinges.outputs) and hinges.outputs <= 64


def test_the_regression_is_that_of_scikit_learn_on_the_same_columns() -> None:
    data = Data(points_at(ROWS, TAXON, 3), INPUTS[ROWS], INPUTS, CONFIG)
    for fit in fit_regressions(data, 3):
        x = fit.hinges(INPUTS)
        for member, label in ((0, 0), (1, 2)):
            at = x[ROWS][(data.taxon == label) & ~data.out[0][member]]
            behind = x[~data.out[1][member]]
            weight = np.concatenate([np.ones(len(at)), np.full(len(behind), len(at) / len(behind))])
            theirs = LogisticRegression(C=fit.penalty, tol=1e-8, max_iter=1000).fit(
                torch.cat([at, behind]).numpy(), np.arange(len(weight)) < len(at), sample_weight=weight
            )
            ours = x @ fit.weight[member, :, label] + fit.bias[member, label]
            np.testing.assert_allclose(ours.numpy(), theirs.decision_function(x.numpy()), atol=0.05)


def test_a_taxon_without_points_has_no_regression_and_one_with_few_a_flat_one() -> None:
    few = np.concatenate([np.flatnonzero(TAXON == 0), np.flatnonzero(TAXON == 1)[:1]])
    data = Data(points_at(ROWS[few], TAXON[few], 3), INPUTS[ROWS[few]], INPUTS, CONFIG)
    for fit in fit_regressions(data, 3):
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
