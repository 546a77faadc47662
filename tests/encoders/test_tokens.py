import torch

from birdsat.encoders.tokens import draw_visible, from_patches, hidden_mask, pool, to_patches


def test_patches_put_together_are_the_image() -> None:
    image = torch.rand(2, 3, 24, 16)
    assert torch.equal(from_patches(to_patches(image, 8), 8, rows=3, columns=2), image)


def test_a_patch_holds_the_pixels_of_its_square_in_row_column_band_order() -> None:
    image = torch.arange(3 * 4 * 4).float().view(1, 3, 4, 4)
    second = to_patches(image, 2)[0, 1].view(2, 2, 3)
    for row in range(2):
        for column in range(2):
            assert torch.equal(second[row, column], image[0, :, row, 2 + column])


def test_the_draw_is_seeded_ascending_and_of_the_asked_size() -> None:
    first = draw_visible(50, 64, 0.75, torch.Generator().manual_seed(1))
    assert first.shape == (50, 16)
    assert (first.diff(dim=1) > 0).all()
    assert torch.equal(first, draw_visible(50, 64, 0.75, torch.Generator().manual_seed(1)))
    assert not torch.equal(first, draw_visible(50, 64, 0.75, torch.Generator().manual_seed(2)))


def test_every_patch_is_as_likely_to_be_visible() -> None:
    visible = draw_visible(4000, 16, 0.5, torch.Generator().manual_seed(0))
    share = torch.bincount(visible.flatten(), minlength=16) / 4000
    assert (share - 0.5).abs().max() < 0.05


def test_one_patch_stays_visible_however_large_the_mask_ratio() -> None:
    assert draw_visible(3, 16, 0.999, torch.Generator()).shape == (3, 1)


def test_the_mask_is_one_exactly_where_hidden() -> None:
    assert hidden_mask(torch.tensor([[0, 2]]), 4).tolist() == [[0.0, 1.0, 0.0, 1.0]]


def test_pooling_takes_mean_and_spread_of_the_patches_and_leaves_the_class_token_out() -> None:
    tokens = torch.rand(2, 6, 4)
    pooled = pool(tokens, "mean and spread")
    assert torch.allclose(pooled[:, :4], tokens[:, 1:].mean(1))
    assert torch.allclose(pooled[:, 4:], tokens[:, 1:].std(1, correction=0), atol=1e-3)
    tokens[:, 0] += 9
    assert torch.equal(pool(tokens, "mean and spread"), pooled)


def test_pooling_tokens_that_are_all_alike_has_a_finite_gradient() -> None:
    tokens = torch.ones(1, 3, 4, requires_grad=True)
    pool(tokens, "mean and spread").sum().backward()
    assert tokens.grad is not None and tokens.grad.isfinite().all()


def test_the_class_token_can_stand_for_the_image() -> None:
    tokens = torch.rand(2, 6, 4)
    assert torch.equal(pool(tokens, "class token"), tokens[:, 0])
