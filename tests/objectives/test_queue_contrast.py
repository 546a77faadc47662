import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from two_processes import check_two_processes_equal_one

from birdsat.objectives.queue_contrast import queue_contrast_loss


def test_it_is_the_slow_loop() -> None:
    query, key, queue = (F.normalize(torch.randn(n, 6), dim=1) for n in (4, 4, 9))
    present = torch.tensor([True, False, True, True])
    slow = []
    for i in (0, 2, 3):
        own = math.exp(float(query[i] @ key[i]) / 0.2)
        others = sum(math.exp(float(query[i] @ other) / 0.2) for other in queue)
        slow.append(-math.log(own / (own + others)))
    assert queue_contrast_loss(query, key, queue, 0.2, present).item() == pytest.approx(sum(slow) / 3, abs=1e-5)


def test_a_queue_that_is_like_every_key_leaves_chance() -> None:
    same = F.normalize(torch.ones(3, 6), dim=1)
    loss = queue_contrast_loss(same, same, same[:1].expand(7, 6), 0.2, torch.tensor([True] * 3))
    assert loss.item() == pytest.approx(math.log(8), abs=1e-5)


def test_the_order_of_the_queue_does_not_matter_and_absent_photos_cost_nothing() -> None:
    query, key, queue = (F.normalize(torch.randn(n, 6), dim=1) for n in (4, 4, 9))
    there, nobody = torch.tensor([True] * 4), torch.tensor([False] * 4)
    turned = queue_contrast_loss(query, key, queue.flip(0), 0.2, there)
    assert torch.allclose(queue_contrast_loss(query, key, queue, 0.2, there), turned)
    assert queue_contrast_loss(query, key, queue, 0.2, nobody) == 0


def test_logits_are_not_rounded_under_autocast() -> None:
    query, key, queue = (F.normalize(torch.randn(n, 64), dim=1) for n in (8, 8, 100))
    present = torch.ones(8, dtype=torch.bool)
    whole = queue_contrast_loss(query, key, queue, 0.01, present)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(queue_contrast_loss(query, key, queue, 0.01, present), whole)


def test_value_and_gradient_on_two_processes_equal_one_process(tmp_path: Path) -> None:
    query, key, queue = (F.normalize(torch.randn(n, 6), dim=1) for n in (6, 6, 9))
    present = torch.tensor([True, False, False, True, True, True])  # the processes have one photo and three
    given = {"query": query, "key": key, "queue": queue, "temperature": 0.2, "present": present}
    check_two_processes_equal_one(queue_contrast_loss, given, tmp_path, whole=("queue",))
