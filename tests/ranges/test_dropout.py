"""Dropout by random bytes against what it stands for."""

import pytest
import torch

from birdsat.ranges.dropout import Dropout


@pytest.mark.parametrize(("share", "dropped"), [(0.5, 0.5), (0.1, 26 / 256), (0.999, 255 / 256)])
def test_so_many_numbers_are_dropped_and_the_others_grow_to_keep_the_mean(share: float, dropped: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(7, 50_001, requires_grad=True)  # not a whole number of eights
    y = Dropout(share)(x)
    assert float((y == 0).float().mean()) == pytest.approx(dropped, abs=0.003)
    torch.testing.assert_close(y[y != 0], torch.full_like(y[y != 0], 1 / (1 - dropped)))
    y.sum().backward()
    torch.testing.assert_close(x.grad, y.detach())


def test_neighbours_and_rows_are_dropped_independently() -> None:
    torch.manual_seed(1)
    dropped = (Dropout(0.5)(torch.ones(64, 4096)) == 0).float()
    for lag in (1, 2, 7, 8, 16):  # the bytes of one number of 64 bits, and of the next
        both = (dropped[:, lag:] * dropped[:, :-lag]).mean()
        assert float(both) == pytest.approx(0.25, abs=0.005)
    assert dropped.mean(dim=0).std() == pytest.approx(0.5 / 64**0.5, rel=0.1)


def test_nothing_is_dropped_in_evaluation_or_at_a_share_of_none_and_a_seed_says_what_is() -> None:
    x = torch.randn(5, 9)
    assert Dropout(0.5).eval()(x) is x and Dropout(0.0)(x) is x
    torch.manual_seed(2)
    first = Dropout(0.5)(x)
    torch.manual_seed(2)
    torch.testing.assert_close(Dropout(0.5)(x), first)
