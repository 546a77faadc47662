"""Erased and mixed photos: what stays, what changes, and that the draw decides."""

import numpy as np
import pytest
import torch
from scipy import stats

from birdsat.methods.batch_mixing import _beta, erase, mix

N, PX = 64, 24
PHOTO = torch.randint(0, 256, (N, 3, PX, PX), generator=torch.Generator().manual_seed(5)).to(torch.uint8)
FLAT = (torch.arange(N, dtype=torch.float32) / N).view(N, 1, 1, 1).expand(N, 3, PX, PX)  # each of one grey of its own
PRESENT = torch.ones(N, dtype=torch.bool)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_a_chance_photos_stay_the_very_same() -> None:
    assert erase(PHOTO, generator(), 0.0) is PHOTO
    untouched = mix(PHOTO, PRESENT, generator(), mixup=0.0, cutmix=0.0)
    assert untouched.photo is PHOTO and (untouched.share == 1).all()
    assert torch.equal(untouched.blend(torch.eye(N)), torch.eye(N))


def test_erasing_changes_one_box_in_the_share_of_photos_asked_for() -> None:
    erased = erase(PHOTO, generator(), 0.5)
    changed = (erased != PHOTO.float() / 255).any(dim=1)  # (n, height, width)
    hit = changed.flatten(1).any(dim=1)
    assert 0.3 < hit.float().mean() < 0.7
    for mask in changed[hit]:
        rows, columns = mask.any(dim=1), mask.any(dim=0)
        assert mask.sum() >= 0.95 * rows.sum() * columns.sum()  # a box; noise may happen to be as the pixel was
        assert 0 < mask.float().mean() < 0.45
    assert erased.min() >= 0 and erased.max() <= 1


def test_what_is_drawn_depends_on_the_generator_alone() -> None:
    for made in (lambda g: erase(PHOTO, g, 0.7), lambda g: mix(PHOTO, PRESENT, g, mixup=0.8, cutmix=1.0).photo):
        torch.rand(3)
        assert torch.equal(made(generator(1)), made(generator(1)))
        assert not torch.equal(made(generator(1)), made(generator(2)))


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 0.0), (0.0, 1.0), (0.8, 1.0)])
def test_shares_say_how_much_of_the_photo_is_the_sample_s_own(mixup: float, cutmix: float) -> None:
    mixed = mix(FLAT, PRESENT, generator(), mixup=mixup, cutmix=cutmix)
    own, other = FLAT[:, 0, 0, 0], FLAT[mixed.partner, 0, 0, 0]
    assert torch.allclose(mixed.photo.mean(dim=(1, 2, 3)), mixed.share * own + (1 - mixed.share) * other, atol=1e-5)
    assert ((mixed.share >= 0) & (mixed.share <= 1)).all() and mixed.share.std() > 0.1
    assert torch.equal(mixed.partner.sort().values, torch.arange(N))
    assert torch.allclose(mixed.blend(torch.eye(N)).sum(dim=1), torch.ones(N), atol=1e-6)


def test_mixup_blends_every_pixel_and_cutmix_replaces_some() -> None:
    blended = mix(FLAT, PRESENT, generator(), mixup=0.8, cutmix=0.0).photo
    assert (blended.flatten(1).std(dim=1) < 1e-5).all()
    cut = mix(FLAT, PRESENT, generator(), mixup=0.0, cutmix=1.0)
    own, other = FLAT[:, :1, :1, :1], FLAT[cut.partner, :1, :1, :1]
    assert ((cut.photo == own) | (cut.photo == other)).all()
    assert (cut.photo.flatten(1).std(dim=1) > 0).float().mean() > 0.5


def test_with_both_about_half_of_the_samples_take_either() -> None:
    mixed = mix(FLAT, PRESENT, generator(), mixup=1.0, cutmix=1.0)
    own, other = FLAT[:, :1, :1, :1], FLAT[mixed.partner, :1, :1, :1]
    cut = ((mixed.photo == own) | (mixed.photo == other)).flatten(1).all(dim=1)
    assert 0.25 < cut.float().mean() < 0.75


def test_a_partner_without_a_photo_leaves_the_sample_as_it_is() -> None:
    present = PRESENT.clone()
    present[::2] = False
    mixed = mix(PHOTO, present, generator(), mixup=0.8, cutmix=1.0)
    alone = ~present[mixed.partner]
    assert alone.any() and (mixed.share[alone] == 1).all()
    assert torch.allclose(mixed.photo[alone], PHOTO[alone].float() / 255)
    assert (mixed.share[~alone] < 1).any()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_come_from_the_beta_distribution(alpha: float) -> None:
    drawn = _beta(20_000, alpha, generator()).numpy()
    at = np.linspace(0.05, 0.95, 19)
    assert np.isfinite(drawn).all()
    assert np.abs((drawn[:, None] < at).mean(axis=0) - stats.beta(alpha, alpha).cdf(at)).max() < 0.015
