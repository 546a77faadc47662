"""What a taxon's log odds hang on: slopes along the inputs, for all taxa at once."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from birdsat.earth.date import mid_month
from birdsat.ranges import sensitivity as module
from birdsat.ranges.network import RangeNetwork, RangeNetworkConfig
from birdsat.ranges.sensitivity import sensitivity

CONFIG = RangeNetworkConfig(inputs=5, width=8, depth=1, members=2, harmonics=1)
IGNORED = 3
PLACES = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (20, 5)).astype(np.float32))


@pytest.fixture(params=[False, True], ids=["undated", "dated"])
def network(request: pytest.FixtureRequest) -> Iterator[RangeNetwork]:
    """Of four taxa; the last is the same everywhere, and nothing sees one of the inputs."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = RangeNetwork(CONFIG, inputs=5, taxa=4, dated=request.param).eval().requires_grad_(False)
        made.heads.weight.normal_()
        made.heads_by_term()[0][..., 3] = 0
        made.start.weight[:, IGNORED] = 0
        yield made


def slow(network: RangeNetwork) -> np.ndarray:
    dates = np.array([mid_month(month) for month in range(1, 13)])
    square = torch.zeros(4, 5)
    for place in PLACES:

        def log_odds(one: torch.Tensor) -> torch.Tensor:
            hidden = network.hidden(one.expand(1, 12, -1))
            return network.logits(hidden, dates)  # (members, months, taxa)

        slope = torch.autograd.functional.jacobian(log_odds, place)
        square += slope.square().mean(dim=(0, 1))
    found = square.numpy() / square.numpy().mean(axis=1, keepdims=True).clip(1e-30)
    return np.sqrt(found)


@pytest.mark.parametrize("numbers", [1 << 22, 1], ids=["at once", "a taxon at a time"])
def test_it_is_the_root_mean_square_of_slopes_over_places_members_and_months(
    network: RangeNetwork, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NUMBERS", numbers)
    found = sensitivity(network, PLACES).numpy()
    np.testing.assert_allclose(found, slow(network), atol=0.02)
    assert (found[:, IGNORED] < 1e-3).all() and (found[3] == 0).all()
    np.testing.assert_allclose(np.square(found[:3]).mean(axis=1), 1, rtol=1e-4)


def test_many_places_are_stood_for_by_some(network: RangeNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_PLACES", 4)
    few = sensitivity(network, PLACES)
    assert torch.equal(few, sensitivity(network, PLACES[[0, 6, 12, 19]]))
