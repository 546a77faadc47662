"""Soft cross-entropy against torch's, and weights of classes in closed form."""

import pytest
import torch
import torch.nn.functional as F

from birdsat.objectives.cross_entropy import class_weights, soft_cross_entropy, soft_targets

DRAW = torch.Generator().manual_seed(0)
LOGITS = torch.randn(6, 4, generator=DRAW)
LABEL = torch.tensor([0, 1, 2, 3, 1, 1])
ALL = torch.ones(6, dtype=torch.bool)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_it_is_torchs_cross_entropy_with_label_smoothing(smoothing: float) -> None:
    ours = soft_cross_entropy(LOGITS, soft_targets(LABEL, 4, smoothing), ALL)
    assert torch.allclose(ours, F.cross_entropy(LOGITS, LABEL, label_smoothing=smoothing))


def test_targets_may_be_mixed_and_taxa_weigh_differently() -> None:
    target = torch.rand(6, 4, generator=DRAW).softmax(dim=1)
    weight = torch.tensor([0.5, 1.0, 2.0, 0.1])
    ours = soft_cross_entropy(LOGITS, target, ALL, weight)
    assert torch.allclose(ours, F.cross_entropy(LOGITS, target, weight=weight))


def test_a_slow_loop_says_the_same_and_missing_rows_do_not_count() -> None:
    target, present = soft_targets(LABEL, 4, 0.1), torch.tensor([True, False, True, True, False, True])
    losses = [-sum(target[i, c] * LOGITS[i].log_softmax(dim=0)[c] for c in range(4)) for i in range(6) if present[i]]
    assert torch.allclose(soft_cross_entropy(LOGITS, target, present), torch.stack(losses).mean())


def test_a_batch_without_any_photo_costs_nothing_and_has_no_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = soft_cross_entropy(logits, soft_targets(LABEL, 4, 0.1), ~ALL)
    loss.backward()
    assert loss == 0 and logits.grad is not None and not logits.grad.any()


def test_renaming_the_taxa_changes_nothing() -> None:
    order = torch.tensor([2, 0, 3, 1])
    target, weight = soft_targets(LABEL, 4, 0.1), torch.tensor([0.5, 1.0, 2.0, 0.1])
    renamed = soft_cross_entropy(LOGITS[:, order], target[:, order], ALL, weight[order])
    assert torch.allclose(renamed, soft_cross_entropy(LOGITS, target, ALL, weight))


def test_targets_add_up_to_one() -> None:
    assert torch.allclose(soft_targets(LABEL, 4, 0.3).sum(dim=1), torch.ones(6))
    assert torch.equal(soft_targets(LABEL, 4, 0.0).argmax(dim=1), LABEL)


def test_class_weights_have_mean_one_over_the_rows_and_follow_their_rule() -> None:
    counts = (100, 25, 4, 0)
    rows = torch.tensor(counts, dtype=torch.float32)
    root, effective = class_weights(counts, "inverse_root"), class_weights(counts, "effective_number")
    assert root is not None and effective is not None and class_weights(counts, "none") is None
    for weight in (root, effective):
        assert (weight * rows).sum() / rows.sum() == pytest.approx(1)
        assert weight[3] == 0
    assert (root[1] / root[0], root[2] / root[0]) == (pytest.approx(2), pytest.approx(5))
    assert effective[2] / effective[0] == pytest.approx((1 - 0.999**100) / (1 - 0.999**4), rel=1e-4)
