"""The learning rate, which weights decay, and their running mean."""

import copy
import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn

from birdsat.encoders.blocks import Block
from birdsat.encoders.encoder import View
from birdsat.encoders.view_encoder import ViewEncoder, ViewEncoderConfig
from birdsat.errors import ConfigError
from birdsat.training.config import RunConfig
from birdsat.training.ema import averaged_copy, follow
from birdsat.training.module import seeded_generator
from birdsat.training.optimiser import (
    OptimiserConfig,
    build_optimiser,
    clip_gradients,
    parameter_groups,
    rate,
)


def test_the_learning_rate_warms_up_linearly_and_falls_along_a_cosine_to_its_floor() -> None:
    config = OptimiserConfig(warmup=0.1, lr_floor=0.25)
    rates = [rate(config, step, 101) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx((1.0 + 0.25) / 2)
    assert rates[100] == pytest.approx(0.25)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


@pytest.mark.parametrize("steps", [1, 2])
def test_the_learning_rate_of_a_very_short_run_is_positive(steps: int) -> None:
    for warmup in (0.0, 0.5, 1.0):
        assert all(rate(OptimiserConfig(warmup=warmup), step, steps) > 0 for step in range(steps))


def test_only_matrices_and_kernels_decay(config: RunConfig) -> None:
    method = config.method.build()
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
        return torch.rand(4, generator=seeded_generator(*keys)).tolist()

    assert numbers(0, 1, 2, 3) == numbers(0, 1, 2, 3)
    others = [numbers(*keys) for keys in ((0, 1, 2, 3), (1, 1, 2, 3), (0, 0, 2, 3), (0, 1, 1, 3), (0, 1, 2, 4))]
    assert len({tuple(other) for other in others}) == 5


@pytest.mark.parametrize(
    "wrong", [{"lr": 0.0}, {"warmup": 1.5}, {"weight_decay": -1.0}, {"average_decay": 1.0}, {"betas": (0.9, 1.0)}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        OptimiserConfig(**wrong)  # type: ignore[arg-type]


MUON = OptimiserConfig(lr=1e-3, muon_lr=1e-2, weight_decay=0.1)


def stepped(module: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> None:
    for step in range(steps):
        optimiser.zero_grad()
        sum(((p - step) ** 2).sum() for p in module.parameters()).backward()
        optimiser.step()


def blocks() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 8), Block(8, 2))


def test_muon_takes_the_matrices_of_blocks_and_adamw_all_else() -> None:
    module = blocks()
    adamw, muon = build_optimiser(module, MUON).parts
    names = {id(p): name for name, p in module.named_parameters()}
    taken = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    rest = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    matrices = ("attention.query_key_value", "attention.out", "mlp.0", "mlp.2")
    assert taken == {f"1.{name}.weight" for name in matrices}
    assert taken | rest == set(names.values()) and not taken & rest


def test_a_step_of_muon_is_nearly_orthogonal_and_as_large_as_one_of_adamw() -> None:
    module = blocks()
    weight = module[1].attention.out.weight
    before = weight.detach().clone()
    stepped(module, build_optimiser(module, replace(MUON, weight_decay=0.0)), 1)
    step = weight.detach() - before
    singular = torch.linalg.svdvals(step)
    assert singular.max() / singular.min() < 3
    assert step.square().mean().sqrt() == pytest.approx(0.2 * MUON.muon_lr, rel=0.4)


def test_both_optimisers_saved_and_read_back_go_on_alike() -> None:
    one, other = blocks(), blocks()
    first = build_optimiser(one, MUON)
    stepped(one, first, 3)
    second = build_optimiser(other, MUON)
    other.load_state_dict(one.state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    stepped(one, first, 2)
    stepped(other, second, 2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_scheduler_s_rates_reach_both_optimisers_also_after_reading_their_state() -> None:
    optimiser = build_optimiser(blocks(), MUON)
    optimiser.load_state_dict(optimiser.state_dict())
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5)
    assert [group["lr"] for part in optimiser.parts for group in part.param_groups] == [5e-4, 5e-4, 5e-3]
    assert scheduler.get_last_lr() == [5e-4, 5e-4, 5e-3]


def test_a_cosine_with_restarts_begins_again_at_the_top() -> None:
    config = OptimiserConfig(warmup=0.0, lr_floor=0.0, restart_every=10)
    rates = [rate(config, step, 30) for step in range(30)]
    assert rates[:10] == rates[10:20] == rates[20:]
    assert rates[0] == 1.0 and rates[5] == pytest.approx(0.5) and 0 < rates[9] < 0.05


class OfTwoBlocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = ViewEncoder(ViewEncoderConfig(views=(View(px=8, patch_px=4),), width=8, depth=2, heads=2))
        self.head = nn.Linear(8, 3)


@pytest.mark.parametrize("muon_lr", [0.0, 1e-2])
def test_layer_decay_slows_blocks_the_more_the_earlier_they_are(muon_lr: float) -> None:
    module = OfTwoBlocks()
    optimiser = build_optimiser(module, OptimiserConfig(lr=1.0, muon_lr=muon_lr, layer_decay=0.5, head_rate=7.0))
    rates = {parameter: group["lr"] for group in optimiser.param_groups for parameter in group["params"]}
    assert rates.keys() == set(module.parameters())
    encoder = module.encoder
    expected = [(module.head, 7.0), (encoder.norm, 1.0), (encoder.blocks[1], 0.5), (encoder.blocks[0], 0.25)]
    for part, factor in [*expected, (encoder.stems, 0.125)]:
        for parameter in part.parameters():
            by_muon = muon_lr > 0 and parameter.ndim == 2 and part in list(encoder.blocks)
            assert rates[parameter] == pytest.approx(factor * (muon_lr if by_muon else 1.0))
    assert rates[encoder.class_token] == rates[encoder.view_tokens] == pytest.approx(0.125)
    decays = {p: group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    assert decays[module.head.bias] == 0 and decays[module.head.weight] > 0


def test_a_scheduler_scales_the_rate_of_every_layer_alike() -> None:
    optimiser = build_optimiser(OfTwoBlocks(), OptimiserConfig(lr=1.0, layer_decay=0.5))
    before = [group["lr"] for group in optimiser.param_groups]
    torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.1)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([0.1 * lr for lr in before])


@pytest.mark.parametrize("setting", [{"layer_decay": 0.0}, {"layer_decay": 1.5}, {"head_rate": 0.0}], ids=str)
def test_factors_on_rates_that_cannot_work_are_refused(setting: dict[str, float]) -> None:
    for name, value in setting.items():
        for wrong in (value, float("nan")):
            with pytest.raises(ConfigError, match=f"{name} is"):
                OptimiserConfig(**{name: wrong})
