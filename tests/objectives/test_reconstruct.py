from pathlib import Path

import torch
from two_processes import check_two_processes_equal_one

from birdsat.objectives.reconstruct import denormalise_patches, normalise_patches, reconstruction_loss


def test_it_is_the_mean_over_hidden_patches_of_present_photos() -> None:
    predicted, target = torch.rand(3, 4, 12), torch.rand(3, 4, 12)
    hidden = torch.tensor([[1.0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0]])
    present = torch.tensor([True, False, True])
    slow = [
        ((predicted[i, j] - target[i, j]) ** 2).mean()
        for i in range(3)
        for j in range(4)
        if present[i] and hidden[i, j] == 1
    ]
    assert torch.allclose(reconstruction_loss([predicted], [target], [hidden], [present]), torch.stack(slow).mean())


def test_visible_patches_have_no_gradient() -> None:
    predicted = torch.rand(1, 3, 12, requires_grad=True)
    hidden = torch.tensor([[0.0, 1.0, 0.0]])
    reconstruction_loss([predicted], [torch.rand(1, 3, 12)], [hidden], [torch.tensor([True])]).backward()
    assert predicted.grad is not None
    assert predicted.grad[0, 1].abs().sum() > 0 and predicted.grad[0, [0, 2]].abs().sum() == 0


def test_no_photo_at_all_costs_nothing() -> None:
    patches = torch.rand(2, 3, 12)
    loss = reconstruction_loss([patches], [patches + 1], [torch.ones(2, 3)], [torch.tensor([False] * 2)])
    assert loss == 0


def test_normalised_patches_have_mean_zero_and_come_back_to_pixels() -> None:
    patches = torch.rand(2, 3, 12)
    normalised = normalise_patches(patches)
    assert normalised.mean(dim=2).abs().max() < 1e-5
    assert torch.allclose(denormalise_patches(normalised, patches), patches, atol=1e-5)


def test_a_flat_patch_normalises_to_zero_and_not_to_noise() -> None:
    assert normalise_patches(torch.full((1, 1, 12), 0.3)).abs().max() < 1e-4


def test_hidden_patches_of_all_views_weigh_the_same_whatever_their_size() -> None:
    one, other = torch.rand(1, 3, 12), torch.rand(1, 2, 27)
    hidden = [torch.tensor([[1.0, 0, 1]]), torch.tensor([[0.0, 1]])]
    present = [torch.tensor([True])] * 2
    loss = reconstruction_loss([one, other], [torch.zeros_like(one), torch.zeros_like(other)], hidden, present)
    errors = [one[0, 0], one[0, 2], other[0, 1]]
    assert torch.allclose(loss, torch.stack([error.square().mean() for error in errors]).mean())


def of_one_view(predicted: torch.Tensor, hidden: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    return reconstruction_loss([predicted], [torch.ones_like(predicted)], [hidden.float()], [present])


def test_value_and_gradient_on_two_processes_equal_one_process(tmp_path: Path) -> None:
    present = torch.tensor([True, False, True, True])  # the processes have one photo and two
    given = {"predicted": torch.randn(4, 3, 12), "hidden": torch.ones(4, 3).long(), "present": present}
    check_two_processes_equal_one(of_one_view, given, tmp_path)
