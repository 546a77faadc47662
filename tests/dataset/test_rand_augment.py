"""What RandAugment draws, how strong it is, and that each change does what its name says."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from birdsat.dataset.rand_augment import CHANGES, RandAugment
from birdsat.dataset.views import ViewsConfig
from birdsat.errors import ConfigError
from birdsat.imagery.photos import encode_jpeg

PX = 32
PHOTO = np.random.default_rng(0).integers(20, 200, (PX, PX, 3), dtype=np.uint8)
SIGNED = ("rotate", "colour", "contrast", "brightness", "sharpness", "shear x", "shear y", "translate x", "translate y")


def changed(name: str, strength: float, photo: np.ndarray = PHOTO) -> np.ndarray:
    return np.asarray(CHANGES[name](Image.fromarray(photo), strength)).astype(int)


@pytest.mark.parametrize("name", [name for name in CHANGES if name not in ("auto contrast", "equalize")])
def test_at_strength_0_a_photo_stays_as_it_is_and_at_1_it_does_not(name: str) -> None:
    assert np.array_equal(changed(name, 0.0), PHOTO)
    assert np.array_equal(changed(name, 1.0), PHOTO) == (name == "identity")


@pytest.mark.parametrize("name", SIGNED)
def test_the_sign_of_the_strength_matters(name: str) -> None:
    assert not np.array_equal(changed(name, 0.7), changed(name, -0.7))


def test_each_change_is_what_its_name_says() -> None:
    assert changed("brightness", 1.0).mean() > PHOTO.mean() > changed("brightness", -1.0).mean()
    assert changed("contrast", -1.0).std() < PHOTO.std() < changed("contrast", 1.0).std()
    dull, bright = (changed("colour", strength).std(axis=2).mean() for strength in (-1.0, 1.0))
    assert dull < PHOTO.std(axis=2).mean() < bright
    assert (changed("auto contrast", 0.3).min(), changed("auto contrast", 0.3).max()) == (0, 255)
    assert np.isin(changed("posterize", 1.0) % 16, 0).all()
    assert np.array_equal(changed("solarize", 1.0), 255 - PHOTO)
    half = changed("solarize", 0.5)
    assert np.array_equal(half, np.where(PHOTO < 128, PHOTO, 255 - PHOTO))


def test_a_shift_moves_the_photo_and_fills_with_grey() -> None:
    moved = changed("translate x", 0.5 * 331 / 150 / 4)  # an eighth of the side
    assert np.array_equal(moved[:, : PX - 4], PHOTO[:, 4:])
    assert (moved[:, PX - 4 :] == 128).all()
    down = changed("translate y", -0.5 * 331 / 150 / 4)
    assert np.array_equal(down[4:], PHOTO[: PX - 4])


def test_shears_keep_the_centre_and_lean_the_edges() -> None:
    stripe = np.zeros((PX, PX, 3), np.uint8)
    stripe[:, 15:17] = 255
    leaning = changed("shear x", 1.0, stripe)[..., 0]
    leaning[leaning <= 128] = 0  # the grey that came in at the sides
    across = (leaning * (np.arange(PX) + 0.5)).sum(axis=1) / leaning.sum(axis=1)
    assert across[15:17].mean() == pytest.approx(PX / 2, abs=0.2)
    assert across[0] - across[-1] == pytest.approx(0.3 * (PX - 1), abs=0.6)


def test_the_generator_alone_decides() -> None:
    augment = RandAugment(operations=2, magnitude=7)
    one, same, other = (augment(PHOTO, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.shape == PHOTO.shape and one.dtype == np.uint8


def test_every_change_is_drawn_equally_often_and_as_many_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def counted(name: str) -> object:
        return lambda image, strength: drawn.append(name) or image

    for name in CHANGES:
        monkeypatch.setitem(CHANGES, name, counted(name))
    rng = np.random.default_rng(0)
    for _ in range(700):
        RandAugment(operations=3)(PHOTO, rng)
    counts = np.array([drawn.count(name) for name in CHANGES])
    assert counts.sum() == 2100 and len(counts) == 14
    assert (abs(counts - 150) < 5 * np.sqrt(150)).all()


def test_a_stronger_magnitude_changes_more() -> None:
    def change(magnitude: float) -> float:
        augment, rng = RandAugment(magnitude=magnitude), np.random.default_rng(3)
        return float(np.mean([abs(augment(PHOTO, rng).astype(int) - PHOTO).mean() for _ in range(60)]))

    assert change(1) < change(5) < change(10)


def test_views_of_photos_are_changed_after_the_crop_that_they_had_without_it() -> None:
    data = encode_jpeg(np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    plain = ViewsConfig(photo_px=PX, photo_views=2)
    views = plain.views_of_photo(data, np.random.default_rng(5))
    augmented = replace(plain, photo_rand_augment=RandAugment(operations=1, magnitude=0)).views_of_photo
    same = [np.array_equal(augmented(data, np.random.default_rng(5))[i], views[i]) for i in range(2)]
    strong = replace(plain, photo_rand_augment=RandAugment(operations=3, magnitude=10))
    other = strong.views_of_photo(data, np.random.default_rng(5))
    assert any(same) and not np.array_equal(other, views) and other.shape == views.shape
    assert not np.array_equal(other[0], other[1])


@pytest.mark.parametrize("setting", [{"operations": 0}, {"magnitude": 11.0}, {"magnitude": float("nan")}])
def test_settings_that_cannot_work_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        RandAugment(**setting)
