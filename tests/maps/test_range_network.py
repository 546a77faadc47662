"""The batched network against each member alone in plain torch, and its course over the year against its log odds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made_points import SMALL
from torch import Tensor

from birdsat.embeddings.region_block import year_basis
from birdsat.errors import ConfigError
from birdsat.maps.ranges.network import RangeNetwork, RangeNetworkConfig

INPUTS, TAXA = 5, 4


def network(waves: int = 5) -> RangeNetwork:
    """One whose last layer says something: it starts at zero."""
    torch.manual_seed(0)
    made = RangeNetwork(replace(SMALL, depth=2), inputs=INPUTS, taxa=TAXA, waves=waves)
    torch.nn.init.normal_(made.heads.weight)
    torch.nn.init.normal_(made.heads.bias)
    return made.eval()


def alone(net: RangeNetwork, member: int, x: Tensor) -> Tensor:
    """(n, taxa * waves) by one member, layer after layer."""

    def linear(layer: torch.nn.Module, x: Tensor) -> Tensor:
        return F.linear(x, layer.weight[member].T, layer.bias[member, 0])

    hidden = F.gelu(linear(net.start, x))
    for block in net.blocks:
        inner = F.gelu(linear(block.first, F.layer_norm(hidden, hidden.shape[-1:])))
        hidden = hidden + linear(block.second, inner)
    return linear(net.heads, F.layer_norm(hidden, hidden.shape[-1:]))


@pytest.mark.parametrize("waves", [1, 5])
@torch.inference_mode()
def test_each_member_of_the_batch_equals_the_same_network_by_itself(waves: int) -> None:
    net, x = network(waves), torch.randn(7, INPUTS)
    basis = torch.randn(7, waves) if waves > 1 else torch.ones(7, 1)
    together = net.logits(net.hidden(x[None]), basis)
    for member in range(SMALL.members):
        coefficients = alone(net, member, x).view(7, waves, TAXA)
        torch.testing.assert_close(together[member], torch.einsum("nk,nkt->nt", basis, coefficients))


@torch.inference_mode()
def test_members_given_places_of_their_own_answer_for_these() -> None:
    net, x = network(1), torch.randn(SMALL.members, 7, INPUTS)
    together = net.logits(net.hidden(x), torch.ones(7, 1))
    for member in range(SMALL.members):
        torch.testing.assert_close(together[member], alone(net, member, x[member]))


@pytest.mark.parametrize("harmonics", [0, 2])
@torch.inference_mode()
def test_the_course_over_the_year_gives_the_log_odds_of_every_date(harmonics: int) -> None:
    net, x = network(1 + 2 * harmonics), torch.randn(6, INPUTS)
    hidden, taxa = net.hidden(x[None]), [3, 1]
    courses = net.courses(hidden, taxa)
    assert courses.shape == (SMALL.members, 6, 2, 1 + 2 * harmonics)
    for date in (0.0, 0.3, 0.9):
        basis = torch.from_numpy(year_basis(np.full(6, date), harmonics))
        at_date = torch.einsum("mctk,ck->mct", courses, basis)
        torch.testing.assert_close(at_date, net.logits(hidden, basis)[..., taxa])


def test_gradients_reach_every_parameter() -> None:
    net = network().train()
    basis = torch.from_numpy(year_basis(np.linspace(0, 0.9, 9), 2))
    net.logits(net.hidden(torch.randn(1, 9, INPUTS)), basis).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_a_network_that_has_not_learned_gives_even_odds() -> None:
    made = RangeNetwork(SMALL, inputs=INPUTS, taxa=TAXA, waves=3)
    assert (made.logits(made.hidden(torch.randn(1, 4, INPUTS)), torch.randn(4, 3)) == 0).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"members": 1}, "members is 1.*uncertainty"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"noise": (0.0, 0.5)}, r"noise \(0.0, 0.5\)"),
        ({"block_km": 0.0}, "block_km 0.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RangeNetworkConfig(**settings)  # type: ignore[arg-type]
