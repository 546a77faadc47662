import math
from pathlib import Path

import pytest
import torch
from two_processes import check_two_processes_equal_one

from birdsat.objectives.match import draw_hard_negatives, match_loss

N = 4
EVERYTHING = torch.ones(N, N, dtype=torch.bool)


def test_negatives_are_drawn_in_proportion_to_the_exponential_of_similarity() -> None:
    similarity = torch.tensor([[9.0, 0.0, math.log(2), math.log(5)]]).expand(N, N)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([draw_hard_negatives(similarity, EVERYTHING, generator)[0] for _ in range(8000)])
    share = torch.bincount(drawn[:, 0], minlength=N) / len(drawn)
    assert torch.allclose(share, torch.tensor([0.0, 1, 2, 5]) / 8, atol=0.02)


def test_a_row_never_draws_its_own_pair_nor_one_that_is_not_allowed() -> None:
    allowed = EVERYTHING.clone()
    allowed[:, 2] = False
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        drawn, found = draw_hard_negatives(torch.eye(N) * 50, allowed, generator)
        assert (drawn != torch.arange(N)).all() and (drawn != 2).all() and found.all()


def test_a_row_with_nothing_to_draw_says_so() -> None:
    allowed = EVERYTHING.clone()
    allowed[1] = False
    assert draw_hard_negatives(torch.zeros(N, N), allowed, torch.Generator())[1].tolist() == [True, False, True, True]


def test_the_loss_is_the_mean_over_the_pairs_that_count() -> None:
    positive, negative = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.5, 0.7, -2.0])
    paired, unpaired = torch.tensor([True, False, True]), torch.tensor([True, True, False])
    slow = [-math.log(1 / (1 + math.exp(-z))) for z in (0.3, 2.0)] + [
        -math.log(1 / (1 + math.exp(z))) for z in (0.5, 0.7)
    ]
    assert match_loss(positive, negative, paired, unpaired).item() == pytest.approx(sum(slow) / 4, abs=1e-5)


def test_swapping_what_matches_and_what_does_not_turns_the_logits_round() -> None:
    one, other, both = torch.randn(3), torch.randn(3), torch.tensor([True, True, False])
    assert torch.allclose(match_loss(one, other, both, both), match_loss(-other, -one, both, both))


def test_no_pair_at_all_costs_nothing() -> None:
    none = torch.zeros(3, dtype=torch.bool)
    assert match_loss(torch.randn(3), torch.randn(3), none, none) == 0


def test_value_and_gradient_on_two_processes_equal_one_process(tmp_path: Path) -> None:
    given = {
        "positive": torch.randn(6),
        "negative": torch.randn(6),
        "paired": torch.tensor([True, False, False, True, True, True]),  # the processes have one pair and three
        "unpaired": torch.tensor([True, True, False, True, True, True]),
    }
    check_two_processes_equal_one(match_loss, given, tmp_path)
