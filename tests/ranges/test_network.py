"""The batched network against each member alone in plain torch, and its annual cycles against its log odds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made_points import SMALL
from torch import Tensor

from birdsat.embeddings.regions.embed_cells import year_basis
from birdsat.errors import ConfigError
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig

INPUTS, TAXA = 5, 4


DATES = np.array([0.0, 0.3, np.nan, 0.9, 0.55, 0.1, 0.75])


def network(dated: bool = True) -> RangeNetwork:
    """One whose last layer says something, and whose seasonal basis is not harmonics: it starts with neither."""
    torch.manual_seed(0)
    made = RangeNetwork(replace(SMALL, depth=2), inputs=INPUTS, taxa=TAXA, dated=dated)
    for parameter in (made.heads.weight, made.heads.bias, made.seasonal_basis):
        torch.nn.init.normal_(parameter)
    return made.eval()


def alone(net: RangeNetwork, member: int, x: Tensor) -> Tensor:
    """(n, taxa * terms) by one member, layer after layer."""

    def linear(layer: torch.nn.Module, x: Tensor) -> Tensor:
        return F.linear(x, layer.weight[member].T, layer.bias[member, 0])

    hidden = F.gelu(linear(net.start, x))
    for block in net.blocks:
        inner = F.gelu(linear(block.first, F.layer_norm(hidden, hidden.shape[-1:])))
        hidden = hidden + linear(block.second, inner)
    return linear(net.heads, F.layer_norm(hidden, hidden.shape[-1:]))


@pytest.mark.parametrize("dated", [False, True])
@torch.inference_mode()
def test_each_member_of_the_batch_equals_the_same_network_by_itself(dated: bool) -> None:
    net, x = network(dated), torch.randn(len(DATES), INPUTS)
    together = net.logits(net.hidden(x[None]), DATES)
    for member in range(SMALL.members):
        coefficients = alone(net, member, x).view(len(DATES), net.terms, TAXA)
        basis = torch.ones(len(DATES), net.terms)
        if dated:
            harmonics = torch.from_numpy(year_basis(np.nan_to_num(DATES), SMALL.basis_harmonics)[:, 1:])
            basis[:, 1:] = harmonics @ net.seasonal_basis[member].T
            basis[np.isnan(DATES), 1:] = 0
        torch.testing.assert_close(together[member], torch.einsum("nk,nkt->nt", basis, coefficients))


@torch.inference_mode()
def test_members_given_places_of_their_own_answer_for_these() -> None:
    net, x = network(dated=False), torch.randn(SMALL.members, 7, INPUTS)
    together = net.logits(net.hidden(x), np.full(7, np.nan))
    for member in range(SMALL.members):
        torch.testing.assert_close(together[member], alone(net, member, x[member]))


@pytest.mark.parametrize("dated", [False, True])
@torch.inference_mode()
def test_the_annual_cycle_gives_the_log_odds_of_every_date(dated: bool) -> None:
    net, x = network(dated), torch.randn(6, INPUTS)
    hidden, taxa = net.hidden(x[None]), [3, 1]
    cycles = net.annual_cycles(hidden, taxa)
    assert cycles.shape == (SMALL.members, 2, 1 + (2 * SMALL.harmonics if dated else 0), 6)
    for date in (0.0, 0.3, 0.9, np.nan):
        dates = np.full(6, date)
        at_date = torch.einsum("mtkc,mck->mct", cycles, net.basis_at(dates))
        torch.testing.assert_close(at_date, net.logits(hidden, dates)[..., taxa])


def test_gradients_reach_every_parameter() -> None:
    net = network().train()
    net.logits(net.hidden(torch.randn(1, 9, INPUTS)), np.linspace(0, 0.9, 9)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_a_network_that_has_not_learned_gives_even_odds() -> None:
    made = RangeNetwork(SMALL, inputs=INPUTS, taxa=TAXA, dated=True)
    assert (made.logits(made.hidden(torch.randn(1, 4, INPUTS)), np.linspace(0, 0.9, 4)) == 0).all()


def test_the_seasonal_basis_starts_as_harmonics_of_the_year() -> None:
    made = RangeNetwork(SMALL, inputs=INPUTS, taxa=TAXA, dated=True)
    plain = torch.from_numpy(year_basis(np.linspace(0, 0.9, 8), SMALL.harmonics))
    torch.testing.assert_close(made.basis_at(np.linspace(0, 0.9, 8)), plain.expand(SMALL.members, -1, -1))


def test_the_seasonal_basis_starts_as_it_is_told_in_every_member() -> None:
    made, rows = RangeNetwork(SMALL, inputs=INPUTS, taxa=TAXA, dated=True), np.eye(4, 10, 3, dtype=np.float32)
    made.start_seasons(rows)
    at = np.linspace(0, 0.9, 8)
    waves = torch.from_numpy(year_basis(at, SMALL.basis_harmonics)[:, 4:8])
    torch.testing.assert_close(made.basis_at(at)[:, :, 1:], waves.expand(SMALL.members, -1, -1))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"members": 1}, "members is 1.*uncertainty"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"noise": (0.0, 0.5)}, r"noise \(0.0, 0.5\)"),
        ({"block_km": 0.0}, "block_km 0.0"),
        ({"harmonics": 6}, "harmonics 6, basis_harmonics 5"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RangeNetworkConfig(**settings)  # type: ignore[arg-type]
