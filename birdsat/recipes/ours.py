"""Training runs by name. Each function takes no arguments and returns a complete run; a variant replaces a part."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from birdsat.dataset.views import ViewsConfig
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.sizes import Size, decoder_of, encoder_of
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.cvm_mae import CvmMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.method import MethodSettings
from birdsat.methods.moco_geo import MocoGeoConfig
from birdsat.training.config import RunConfig
from birdsat.training.optimiser import OptimiserConfig


def cve_mae_tiny() -> RunConfig:
    """Photos and chips of 64 px on two CPU cores, with place and date; two views of each photo in a batch.

    `birdsat pretrain DATASET RUN --recipe cve_mae_tiny`: about eight minutes; docs/real-birds.md has its figures.
    """
    return RunConfig(
        method=_tiny_method(),
        views=ViewsConfig(photo_px=64, chip_px=64, photo_views=2),
        optimiser=OptimiserConfig(lr=2e-3, muon_lr=6e-3, weight_decay=0.05, clip_norm=3.0, average_decay=0.98),
        batch_size=128,
        steps=800,
        val_every=100,
        checkpoint_every=100,
    )


def cve_mae_tiny_without_metadata() -> RunConfig:
    """`cve_mae_tiny` that never sees place or date."""
    return without_metadata(cve_mae_tiny())


def mae_tiny() -> RunConfig:
    """Photos of 64 px alone, on two CPU cores."""
    return _tiny_run(MaeConfig(image=_tiny_method().photo))


def mae_chips_tiny() -> RunConfig:
    """Chips of 64 px alone, on two CPU cores: to start `cve_mae_tiny` from, frozen or not."""
    chips = MaskedConfig(encoder=encoder_of("tiny", px=64, patch_px=8), decoder=decoder_of("tiny"), mask_ratio=0.75)
    return _tiny_run(MaeConfig(image=chips, of="chip"))


def cvm_mae_tiny() -> RunConfig:
    """Photos and chips of 64 px in one encoder, with place and date, on two CPU cores."""
    encoder = encoder_of("tiny", px=64, patch_px=8)
    images = MaskedConfig(encoder=replace(encoder, views=encoder.views * 2), decoder=decoder_of("tiny"), mask_ratio=0.6)
    return _tiny_run(CvmMaeConfig(images=images, place_time=PlaceTimeConfig()))


def cvm_mae_tiny_without_metadata() -> RunConfig:
    """`cvm_mae_tiny` that never sees place or date."""
    return without_metadata(cvm_mae_tiny())


def moco_geo_tiny() -> RunConfig:
    """Photos of 64 px in two views, and the cluster of their place, on two CPU cores."""
    return replace(cve_mae_tiny(), method=MocoGeoConfig(encoder=encoder_of("tiny", px=64, patch_px=8)))


def moco_tiny() -> RunConfig:
    """`moco_geo_tiny` without places: for photos that have none, such as CUB's."""
    return without_metadata(moco_geo_tiny())


def demo_with_metadata() -> RunConfig:
    """The first run of `birdsat demo`: photos of 64 px and chips of 32 px of the virtual world, two CPU cores."""
    method = _cve_mae("tiny", photo_px=64, photo_patch_px=8, chip_px=32, chip_patch_px=8)
    photo = replace(method.photo, mask_ratio=0.6, decoder=replace(method.photo.decoder, depth=1))
    return RunConfig(
        method=replace(method, photo=photo, min_negative_km=50.0),
        views=ViewsConfig(photo_px=64, chip_px=32, photo_crop_scale=0.5),
        optimiser=OptimiserConfig(lr=2e-3, muon_lr=6e-3, clip_norm=3.0, average_decay=0.98),
        batch_size=128,
        steps=400,
        workers=1,
        log_every=20,
        val_every=100,
        checkpoint_every=100,
    )


def demo_without_metadata() -> RunConfig:
    """The second run of `birdsat demo`, which differs from the first in nothing but place and date."""
    return without_metadata(demo_with_metadata())


def cve_mae_small() -> RunConfig:
    """A small transformer (384 wide, 12 blocks) for one GPU: photos of 224 px, chips of 128 px."""
    return RunConfig(
        method=_cve_mae("small", photo_px=224, photo_patch_px=16, chip_px=128, chip_patch_px=16),
        views=ViewsConfig(photo_px=224, chip_px=128),
        optimiser=OptimiserConfig(lr=5e-4, average_decay=0.999),
        batch_size=512,
        steps=100_000,
        workers=8,
        val_every=2_000,
        checkpoint_every=2_000,
    )


def cve_mae_base() -> RunConfig:
    """ViT-B for photos of 224 px and chips of 224 px, for several GPUs; the batch size is of each."""
    return _large_run("base")


def cve_mae_large() -> RunConfig:
    """ViT-L for photos of 224 px and chips of 224 px, for several GPUs; the batch size is of each."""
    return _large_run("large")


def mae_tiny_with_metadata() -> RunConfig:
    """`mae_tiny` whose decoder is given place and date."""
    return _tiny_run(MaeConfig(image=_tiny_method().photo, place_time=PlaceTimeConfig()))


def mae_base() -> RunConfig:
    """ViT-B on photos of 224 px alone."""
    return replace(cve_mae_base(), method=MaeConfig(image=_large_method("base").photo))


def without_metadata(run: RunConfig) -> RunConfig:
    """The same run with place and date left out of the model."""
    return replace(run, method=run.method.without_metadata())


def with_frozen_chips(run: RunConfig) -> RunConfig:
    """The same run with a chip encoder that is not trained. Raises ConfigError for a method without one."""
    return replace(run, method=run.method.with_frozen_chips())


def changed(
    run: RunConfig,
    *,
    lr: float | None = None,
    **settings: int | tuple[Path, ...] | Literal["auto", "32", "bf16"] | None,
) -> RunConfig:
    """The run with some settings of RunConfig replaced; None leaves one as it is. lr: Muon's changes in proportion."""
    optimiser = run.optimiser
    if lr is not None:
        optimiser = replace(optimiser, lr=lr, muon_lr=optimiser.muon_lr * lr / optimiser.lr)
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    return replace(run, optimiser=optimiser, **given)


def _tiny_run(method: MethodSettings) -> RunConfig:
    """As `cve_mae_tiny`, of one view of each photo."""
    run = cve_mae_tiny()
    return replace(run, method=method, views=replace(run.views, photo_views=1))


def _tiny_method() -> CveMaeConfig:
    method = _cve_mae("tiny", photo_px=64, photo_patch_px=8, chip_px=64, chip_patch_px=8)
    return replace(method, photo=replace(method.photo, mask_ratio=0.6), chip_mask_ratio=0.75, second_view_weight=1.0)


def _large_run(size: Size) -> RunConfig:
    return RunConfig(
        method=_large_method(size),
        views=ViewsConfig(photo_px=224, chip_px=224),
        optimiser=OptimiserConfig(lr=3e-4, average_decay=0.999),
        batch_size=256,
        steps=200_000,
        workers=12,
        val_every=5_000,
        checkpoint_every=2_000,
        compile=True,
    )


def _large_method(size: Size) -> CveMaeConfig:
    method = _cve_mae(size, photo_px=224, photo_patch_px=16, chip_px=224, chip_patch_px=16)
    # He et al. 2022, figure 5: at this many patches a quarter is enough.
    return replace(method, photo=replace(method.photo, mask_ratio=0.75))


def _cve_mae(size: Size, *, photo_px: int, photo_patch_px: int, chip_px: int, chip_patch_px: int) -> CveMaeConfig:
    photo = MaskedConfig(encoder=encoder_of(size, px=photo_px, patch_px=photo_patch_px), decoder=decoder_of(size))
    chip = encoder_of(size, px=chip_px, patch_px=chip_patch_px)
    return CveMaeConfig(photo=photo, chip_encoder=chip, place_time=PlaceTimeConfig())
