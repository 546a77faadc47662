"""Views: crops that stay inside, turns that are turns, colours that repeat."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from birdsat import config
from birdsat.dataset.batch import Batch
from birdsat.dataset.views import ColourJitter, ViewsConfig, crop_box, whole_view
from birdsat.errors import ConfigError, ImageError
from birdsat.imagery.photos import decode_rgb, encode_jpeg

PLAIN = ColourJitter(brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)


def texture(height: int, width: int) -> np.ndarray:
    """A smooth picture without any symmetry, which JPEG and resizing hardly change."""
    y, x = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1)
    return (255 * np.stack([x, y, (x + 2 * y) / 3], axis=-1)).astype(np.uint8)


def batch_of(image: torch.Tensor) -> Batch:
    n = len(image)
    return Batch(
        photos=(image,),
        chip=image,
        has_photo=torch.ones(n, dtype=torch.bool),
        has_chip=torch.ones(n, dtype=torch.bool),
        lon_lat=torch.zeros(n, 2),
        year_fraction=torch.zeros(n),
        label=torch.zeros(n, dtype=torch.int64),
        row=torch.arange(n),
    )


def random_images(n: int = 16, px: int = 12) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, px, px), generator=torch.Generator().manual_seed(5)).to(torch.uint8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_crop_boxes_lie_inside_the_image_and_keep_their_shape() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3000):
        width, height = (int(side) for side in np.exp(rng.uniform(0, 7, 2)))
        width, height = max(width, 1), max(height, 1)
        area, aspect = rng.uniform(0.01, 1), 2 ** rng.uniform(-1, 1)
        left, top = rng.choice([0.0, 1.0, rng.uniform()], 2)
        x0, y0, x1, y1 = crop_box(width, height, area=area, aspect=aspect, left=left, top=top)
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        assert (x1 - x0) / (y1 - y0) == pytest.approx(aspect)
        assert (x1 - x0) * (y1 - y0) <= area * width * height * (1 + 1e-9)


def test_a_crop_that_fits_has_the_area_asked_for() -> None:
    x0, y0, x1, y1 = crop_box(200, 100, area=0.25, aspect=1.25, left=0.0, top=1.0)
    assert (x1 - x0) * (y1 - y0) == pytest.approx(0.25 * 200 * 100)
    assert (x0, y1) == (0, 100)


@pytest.mark.parametrize("scale", [0.05, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("size", [(500, 375), (300, 900), (333, 333)])
def test_crops_are_decoded_with_at_least_the_pixels_they_need(
    size: tuple[int, int], scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops: list[tuple[int, int, tuple[float, ...]]] = []

    def spied(width: int, height: int, **crop: float) -> tuple[float, ...]:
        crops.append((width, height, crop_box(width, height, **crop)))
        return crops[-1][2]

    monkeypatch.setattr("birdsat.dataset.views.crop_box", spied)
    data, views = encode_jpeg(texture(*size)), ViewsConfig(photo_px=48, photo_crop_scale=scale)
    rng = np.random.default_rng(1)
    for _ in range(40):
        views.views_of_photo(data, rng)
        width, _, (x0, y0, x1, y1) = crops[-1]
        smaller = width < size[1]
        # 2%: the decoder rounds the longer side to whole pixels
        assert min(x1 - x0, y1 - y0) >= 48 * 0.98 or not smaller
    assert len(crops) == 40


def test_the_same_generator_gives_the_same_view_and_another_gives_another() -> None:
    data, views = encode_jpeg(texture(60, 80)), ViewsConfig(photo_px=24, chip_px=20, chip_crop_scale=0.5)
    for view in (views.views_of_photo, views.chip_view):
        one, same, other = (view(data, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)
    assert views.views_of_photo(data, np.random.default_rng(0)).shape == (1, 24, 24, 3)
    assert views.chip_view(data, np.random.default_rng(0)).shape == (20, 20, 3)


def test_photos_are_flipped_left_and_right_only_half_of_the_time() -> None:
    data = encode_jpeg(texture(64, 64))
    views = ViewsConfig(photo_px=32, photo_crop_scale=1.0)
    rng = np.random.default_rng(0)
    flipped = []
    for _ in range(200):
        photo = views.views_of_photo(data, rng)[0].astype(int)
        flipped.append(bool(photo[:, 0, 0].mean() > photo[:, -1, 0].mean()))
        assert photo[0, :, 1].mean() < photo[-1, :, 1].mean()  # upright
    assert 70 < sum(flipped) < 130


def test_switching_the_flip_off_changes_nothing_but_the_flip() -> None:
    data = encode_jpeg(texture(64, 64))
    for seed in range(20):
        free, fixed = (
            ViewsConfig(photo_px=32, photo_flip=flip).views_of_photo(data, np.random.default_rng(seed))[0]
            for flip in (True, False)
        )
        assert np.array_equal(fixed, free) or np.array_equal(fixed, free[:, ::-1])


def test_chips_come_in_all_eight_turns_and_in_one_when_switched_off() -> None:
    chip = texture(32, 32)
    data = encode_jpeg(chip, quality=100)
    stored = decode_rgb(data)
    turns = [np.rot90(mirror, quarters) for mirror in (stored, stored[:, ::-1]) for quarters in range(4)]
    rng = np.random.default_rng(0)
    views = ViewsConfig(chip_px=32)
    seen = [
        [np.array_equal(view, turn) for turn in turns].index(True)
        for view in (views.chip_view(data, rng) for _ in range(100))
    ]
    assert set(seen) == set(range(8))
    still = ViewsConfig(chip_px=32, chip_turns=False)
    assert all(np.array_equal(still.chip_view(data, rng), stored) for _ in range(10))


def test_without_chance_the_central_square_is_taken() -> None:
    picture = texture(40, 100) // 2
    picture[:, :30], picture[:, 70:] = 255, 255
    assert whole_view(encode_jpeg(picture, quality=100), 20).max() <= 140
    assert whole_view(encode_jpeg(picture), 80).shape == (80, 80, 3)  # enlarged when it is too small


def test_undecodable_bytes_are_an_image_error() -> None:
    with pytest.raises(ImageError):
        ViewsConfig().views_of_photo(b"no picture", np.random.default_rng(0))


def test_no_jitter_is_the_identity() -> None:
    assert torch.equal(PLAIN(random_images(), generator()), random_images())


def test_jitter_repeats_with_its_generator_and_differs_between_images() -> None:
    image = random_images()[:1].expand(16, -1, -1, -1)
    once, again, other = (ColourJitter()(image, generator(seed)) for seed in (0, 0, 1))
    assert once.dtype == torch.uint8 and once.shape == image.shape
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert len({tuple(one.flatten().tolist()) for one in once}) == 16


def test_jitter_leaves_black_images_black() -> None:
    black = torch.zeros(8, 3, 4, 4, dtype=torch.uint8)
    assert torch.equal(ColourJitter()(black, generator()), black)


def test_mixed_precision_does_not_touch_the_colours() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        mixed = ColourJitter()(random_images(), generator())
    assert torch.equal(mixed, ColourJitter()(random_images(), generator()))


def test_brightness_is_one_factor_an_image_within_its_range() -> None:
    grey = torch.full((500, 3, 2, 2), 100, dtype=torch.uint8)
    bright = ColourJitter(brightness=0.3, contrast=0.0, saturation=0.0, hue=0.0)(grey, generator()).float()
    assert (bright == bright[:, :1, :1, :1]).all()
    assert 70 <= bright.min() < 75 and 125 < bright.max() <= 130


def test_contrast_keeps_an_images_mean_grey() -> None:
    image = (random_images(200).float() / 4 + 90).to(torch.uint8)
    luminance = torch.tensor([0.213, 0.715, 0.072]).view(1, 3, 1, 1)
    before, after = ((x.float() * luminance).sum(1) for x in (
        image, ColourJitter(brightness=0.0, contrast=0.5, saturation=0.0, hue=0.0)(image, generator())
    ))  # fmt: skip
    assert (before.mean((1, 2)) - after.mean((1, 2))).abs().max() < 0.5
    spread = after.std((1, 2)) / before.std((1, 2))
    assert 0.48 < spread.min() < 0.55 and 1.45 < spread.max() < 1.52


@pytest.mark.parametrize("setting", ["saturation", "hue"])
def test_saturation_and_hue_keep_luminance_and_greys(setting: str) -> None:
    jitter = ColourJitter(**{"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0} | {setting: 0.4})
    luminance = torch.tensor([0.213, 0.715, 0.072]).view(1, 3, 1, 1)
    image = (random_images(64).float() / 8 + 110).to(torch.uint8)
    after = jitter(image, generator())
    assert (((after.float() - image.float()) * luminance).sum(1)).abs().max() < 1
    assert (after.float() - image.float()).abs().amax((1, 2, 3)).median() > 2
    grey = torch.arange(64, dtype=torch.uint8).view(64, 1, 1, 1).expand(64, 3, 2, 2)
    assert (jitter(grey, generator()).float() - grey.float()).abs().max() <= 1


def test_hue_turns_the_colour_wheel() -> None:
    red = torch.tensor([200, 40, 40], dtype=torch.uint8).view(1, 3, 1, 1).expand(400, 3, 1, 1)
    jitter = ColourJitter(brightness=0.0, contrast=0.0, saturation=0.0, hue=0.5)
    strongest = jitter(red, generator()).flatten(1).argmax(1)
    assert set(strongest.tolist()) == {0, 1, 2}


def test_a_recoloured_batch_keeps_everything_but_its_colours() -> None:
    batch = batch_of(random_images())
    recoloured = ViewsConfig().recolour(batch, generator())
    assert not torch.equal(recoloured.photo, batch.photo) and not torch.equal(recoloured.chip, batch.chip)
    assert torch.equal(recoloured.row, batch.row) and torch.equal(recoloured.lon_lat, batch.lon_lat)
    assert torch.equal(ViewsConfig(chip_colour=PLAIN).recolour(batch, generator()).chip, batch.chip)


def test_views_are_saved_and_loaded_as_json() -> None:
    views = ViewsConfig(photo_px=96, chip_colour=ColourJitter(hue=0.1))
    assert config.from_dict(ViewsConfig, config.to_dict(views)) == views


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (ViewsConfig, {"photo_px": 0}),
        (ViewsConfig, {"photo_crop_scale": 0.0}),
        (ViewsConfig, {"chip_crop_scale": 1.5}),
        (ColourJitter, {"hue": 0.6}),
        (ColourJitter, {"contrast": -0.1}),
    ],
)
def test_settings_out_of_range_are_refused(kind: type, setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        kind(**setting)


@pytest.mark.parametrize("count", [2, 5])
def test_views_of_a_photo_are_as_many_crops_of_it(count: int) -> None:
    data = encode_jpeg(texture(90, 120))
    views = ViewsConfig(photo_px=24, photo_views=count).views_of_photo(data, np.random.default_rng(3))
    assert views.shape == (count, 24, 24, 3)
    assert len({view.tobytes() for view in views}) == count


def test_every_view_of_a_photo_is_recoloured_on_its_own_and_the_first_as_if_it_were_alone() -> None:
    image = random_images()
    one = ViewsConfig().recolour(batch_of(image), torch.Generator().manual_seed(0))
    three = ViewsConfig().recolour(
        replace(batch_of(image), photos=(image, image, image)), torch.Generator().manual_seed(0)
    )
    assert torch.equal(one.photo, three.photo)
    assert len(three.photos) == 3 and len({view.numpy().tobytes() for view in three.photos}) == 3
