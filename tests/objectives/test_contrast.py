import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from two_processes import check_two_processes_equal_one

from birdsat.objectives.contrast import contrast_loss

N, WIDTH = 6, 8


def inputs(dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    nan = math.nan
    return {
        "one": F.normalize(torch.randn(N, WIDTH, generator=generator, dtype=dtype), dim=1),
        "other": F.normalize(torch.randn(N, WIDTH, generator=generator, dtype=dtype), dim=1),
        "log_scale": torch.tensor(1.5, dtype=dtype),
        "paired": torch.tensor([True, True, True, False, True, True]),
        "lon_lat": torch.tensor([[0.0, 0.0], [0.5, 0.0], [90.0, 0.0], [9.0, 9.0], [179.9, 0.0], [nan, nan]]),
    }


def slow_contrast(one, other, log_scale, paired, lon_lat, min_negative_km):
    """The definition, pair by pair."""
    total, count = 0.0, 0
    for i in range(len(one)):
        if not paired[i]:
            continue
        for a, b in ((one, other), (other, one)):
            exponents = []
            for j in range(len(one)):
                near = False
                if i != j and not lon_lat[[i, j]].isnan().any():
                    lon1, lat1, lon2, lat2 = map(math.radians, (*lon_lat[i].tolist(), *lon_lat[j].tolist()))
                    cosine = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(lon1 - lon2)
                    near = 6371.0088 * math.acos(min(1.0, cosine)) < min_negative_km
                if paired[j] and not near:
                    exponents.append(log_scale.exp() * (a[i] @ b[j]))
            total = total + torch.logsumexp(torch.stack(exponents), 0) - log_scale.exp() * (a[i] @ b[i])
            count += 1
    return total / count


@pytest.mark.parametrize("min_negative_km", [0.0, 100.0, 25_000.0])
def test_it_is_the_definition_pair_by_pair(min_negative_km: float) -> None:
    given = inputs()
    assert torch.allclose(
        contrast_loss(**given, min_negative_km=min_negative_km),
        slow_contrast(**given, min_negative_km=min_negative_km),
        atol=1e-5,
    )


def test_equal_embeddings_cost_the_logarithm_of_the_batch() -> None:
    same = torch.full((4, 2), 0.5**0.5)
    nowhere = torch.full((4, 2), math.nan)
    loss = contrast_loss(same, same, torch.tensor(2.0), torch.ones(4, dtype=torch.bool), nowhere)
    assert loss.item() == pytest.approx(math.log(4), abs=1e-5)


def test_the_two_views_may_change_places() -> None:
    given = inputs()
    swapped = given | {"one": given["other"], "other": given["one"]}
    assert torch.allclose(contrast_loss(**given), contrast_loss(**swapped))


def test_a_batch_without_any_pair_costs_nothing_and_has_finite_gradients() -> None:
    given = inputs()
    given["paired"] = torch.zeros(N, dtype=torch.bool)
    one = given["one"].clone().requires_grad_()
    loss = contrast_loss(**given | {"one": one})
    loss.backward()
    assert loss.item() == 0 and one.grad is not None and one.grad.isfinite().all()


def test_the_learned_scale_has_a_gradient_and_is_capped_at_one_hundred() -> None:
    given = inputs()
    scale = torch.tensor(1.0, requires_grad=True)
    contrast_loss(**given | {"log_scale": scale}).backward()
    assert scale.grad is not None and scale.grad != 0
    capped = contrast_loss(**given | {"log_scale": torch.tensor(50.0)})
    assert torch.allclose(capped, contrast_loss(**given | {"log_scale": torch.tensor(math.log(100))}), atol=1e-3)


def test_value_and_gradient_on_two_processes_equal_one_process(tmp_path: Path) -> None:
    check_two_processes_equal_one(contrast_loss, inputs() | {"min_negative_km": 100.0}, tmp_path, whole=("log_scale",))


def test_logits_are_not_rounded_under_autocast() -> None:
    given = inputs() | {"log_scale": torch.tensor(4.6)}
    with torch.autocast("cpu", torch.bfloat16):
        rounded = contrast_loss(**given)
    assert torch.equal(rounded, contrast_loss(**given))
