"""The learning rate, which weights decay, and their running mean."""

import itertools

import pytest
import torch
from torch import nn

from birdsat.errors import ConfigError
from birdsat.methods.registry import build_method
from birdsat.training.average import averaged_copy, follow
from birdsat.training.config import RunConfig
from birdsat.training.module import seeded_draw
from birdsat.training.optimiser import (
    OptimiserConfig,
    build_optimiser,
    clip_gradients,
    learning_rate,
    parameter_groups,
)


def test_the_learning_rate_warms_up_linearly_and_falls_along_a_cosine_to_its_floor() -> None:
    config = OptimiserConfig(lr=2.0, warmup=0.1, lr_floor=0.25)
    rates = [learning_rate(config, step, 101) for step in range(101)]
    assert rates[:10] == pytest.approx([0.2 * k for k in range(1, 11)])
    assert rates[10] == pytest.approx(2.0)
    assert rates[55] == pytest.approx((2.0 + 0.5) / 2)
    assert rates[100] == pytest.approx(0.5)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


@pytest.mark.parametrize("steps", [1, 2])
def test_the_learning_rate_of_a_very_short_run_is_positive(steps: int) -> None:
    for warmup in (0.0, 0.5, 1.0):
        assert all(learning_rate(OptimiserConfig(warmup=warmup), step, steps) > 0 for step in range(steps))


def test_only_matrices_and_kernels_decay(config: RunConfig) -> None:
    method = build_method(config.method)
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    decayed, plain = ({names[id(p)] for p in g["params"]} for g in parameter_groups(method, 0.1))
    assert decayed | plain == set(names.values())
    assert all(method.get_parameter(name).ndim >= 2 and name.endswith("weight") for name in decayed)
    assert "log_scale" in plain
    assert all("token" not in name and "position" not in name and "unknown" not in name for name in decayed)


def test_frozen_parameters_are_left_out() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[0].requires_grad_(False)
    optimiser = build_optimiser(module, OptimiserConfig())
    assert sum(len(group["params"]) for group in optimiser.param_groups) == 2
    with pytest.raises(ConfigError, match="no trainable parameter"):
        build_optimiser(module.requires_grad_(False), OptimiserConfig())


@pytest.mark.parametrize(("most", "left"), [(1.0, 1.0), (10.0, 5.0), (0.0, 5.0)])
def test_gradients_longer_than_the_limit_are_shortened_to_it(most: float, left: float) -> None:
    module = nn.Linear(2, 1, bias=False)
    module.weight.grad = torch.tensor([[3.0, 4.0]])
    assert clip_gradients(module, most) == pytest.approx(5.0)
    assert module.weight.grad.norm() == pytest.approx(left, abs=1e-4)


def test_the_running_mean_follows_with_a_decay_that_grows() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 0.0)
    average = averaged_copy(module)
    nn.init.constant_(module.weight, 1.0)
    follow(average, module, decay=0.9, step=0)
    assert average.weight.item() == pytest.approx(0.9)  # decay 1 / 10
    nn.init.constant_(module.weight, 2.0)
    follow(average, module, decay=0.9, step=10_000)
    assert average.weight.item() == pytest.approx(0.9 * 0.9 + 0.1 * 2.0)
    assert not average.weight.requires_grad


def test_draws_depend_on_every_key_and_on_nothing_else() -> None:
    def numbers(*keys: int) -> list[float]:
        return torch.rand(4, generator=seeded_draw(*keys)).tolist()

    assert numbers(0, 1, 2, 3) == numbers(0, 1, 2, 3)
    others = [numbers(*keys) for keys in ((0, 1, 2, 3), (1, 1, 2, 3), (0, 0, 2, 3), (0, 1, 1, 3), (0, 1, 2, 4))]
    assert len({tuple(other) for other in others}) == 5


@pytest.mark.parametrize(
    "wrong", [{"lr": 0.0}, {"warmup": 1.5}, {"weight_decay": -1.0}, {"average_decay": 1.0}, {"betas": (0.9, 1.0)}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        OptimiserConfig(**wrong)  # type: ignore[arg-type]
