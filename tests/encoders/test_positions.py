import pytest
import torch
from torch import nn

from birdsat.encoders.positions import add_positions, grid_positions, resized_positions
from birdsat.errors import ConfigError


def test_positions_differ_between_all_patches() -> None:
    positions = grid_positions(5, 7, 32)
    assert torch.cdist(positions, positions).add(torch.eye(35) * 9).min() > 0.1


def test_positions_of_a_width_not_divisible_by_four_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 4"):
        grid_positions(2, 2, 6)


def test_learned_positions_start_as_the_fixed_ones_and_are_saved() -> None:
    module = nn.Module()
    add_positions(module, 0, 3, 8, "fixed")
    add_positions(module, 1, 3, 8, "learned")
    assert torch.equal(module.positions_0, module.positions_1)
    assert list(module.state_dict()) == ["positions_1"]


def test_positions_of_the_same_grid_stay_as_they_are() -> None:
    table = torch.rand(16, 4)
    assert torch.equal(resized_positions(table, 16), table)


def test_resized_positions_keep_what_is_linear_along_the_grid() -> None:
    across = torch.arange(8.0)[None].expand(8, 8).reshape(64, 1)
    resized = resized_positions(across, 16 * 16).view(16, 16)
    assert torch.allclose(resized[4, 4:12].diff(), torch.full((7,), 0.5), atol=0.1)
    assert torch.allclose(resized[0], resized[15], atol=1e-5)
