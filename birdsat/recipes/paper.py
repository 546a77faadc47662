"""The paper's own settings, from its section 5.1 and the published code. docs/methods.md says how ours differ, and why.

Full size, for several GPUs; `birdsat pretrain DATASET RUN --recipe NAME`. The chip encoder of cve_mae is meant to start
from `mae_chips_paper` on satellite images and to stay frozen: `--start-from CHIP_RUN`.
"""

from dataclasses import replace

from birdsat.dataset.views import ViewsConfig
from birdsat.encoders.encoder import View
from birdsat.encoders.sizes import decoder_of
from birdsat.methods.mae import MaeConfig
from birdsat.methods.method import MethodSettings
from birdsat.methods.moco_geo import MocoGeoConfig
from birdsat.methods.published.settings import (
    BASE,
    published_cve_mae,
    published_cvm_mae,
    published_encoder,
    published_masked,
)
from birdsat.recipes.ours import cve_mae_tiny, without_metadata
from birdsat.training.config import RunConfig
from birdsat.training.optimiser import OptimiserConfig

PHOTO, CHIP = View(px=384, patch_px=32), View(px=224, patch_px=16)
BATCH, GPUS, PHOTOS = 77, 4, 414_847  # samples on each GPU; GPUs; training photos of iNat-2021 birds
EPOCH_STEPS = PHOTOS // (BATCH * GPUS)

TINY = {"width": 128, "depth": 4, "heads": 4}
_TINY_VIEW = View(px=64, patch_px=8)

_PHOTO_ENCODER = published_encoder(views=(PHOTO,), block="vitae", **BASE)
_CHIP_ENCODER = published_encoder(views=(CHIP,), block="vitae", **BASE)
_MOCO_ENCODER = published_encoder(views=(PHOTO,), **BASE)  # batch norm would tell queries which keys are theirs
_BOTH_ENCODER = published_encoder(views=(PHOTO, CHIP), **BASE)


def cve_mae_paper() -> RunConfig:
    """CVE-MAE-Meta: ViTAE-B/32 on photos and a frozen ViTAE-B/16 on chips."""
    return _run(published_cve_mae(published_masked(_PHOTO_ENCODER), _CHIP_ENCODER, metadata=True))


def cve_mae_paper_without_metadata() -> RunConfig:
    """CVE-MAE: `cve_mae_paper` that never sees place or date."""
    return without_metadata(cve_mae_paper())


def cvm_mae_paper() -> RunConfig:
    """CVM-MAE-Meta: one ViT-B over photo and chip."""
    return _run(published_cvm_mae(published_masked(_BOTH_ENCODER), metadata=True))


def cvm_mae_paper_without_metadata() -> RunConfig:
    """CVM-MAE: `cvm_mae_paper` that never sees place or date."""
    return without_metadata(cvm_mae_paper())


def mae_paper() -> RunConfig:
    """MAE on photos: the baseline."""
    return _run(MaeConfig(image=published_masked(_PHOTO_ENCODER)))


def mae_chips_paper() -> RunConfig:
    """MAE on satellite images: the start of the frozen chip encoder (the paper's was trained on MillionAID)."""
    return _run(MaeConfig(image=published_masked(_CHIP_ENCODER), of="chip"))


def moco_geo_paper() -> RunConfig:
    """MoCo-v2-Geo: the baseline, on a ViT-B/32 in place of a ResNet-50."""
    return _run(MocoGeoConfig(encoder=_MOCO_ENCODER, queue=65_536, momentum=0.999, temperature=0.2))


def cve_mae_paper_tiny() -> RunConfig:
    """The paper's objective on the encoders and data of `cve_mae_tiny`, to be compared with it on two CPU cores.

    The chip encoder is trained, for want of one that was pretrained on satellite images, and AdamW has the rate that
    is best for ours: at the paper's 1e-4 a short run learns nothing.
    """
    photo = published_encoder(views=(_TINY_VIEW,), **TINY)
    method = published_cve_mae(published_masked(photo, decoder_of("tiny")), photo, metadata=True)
    return _tiny(replace(method, chip_encoder_frozen=False))


def cvm_mae_paper_tiny() -> RunConfig:
    """The paper's matching objective on the encoder and data of `cvm_mae_tiny`, to be compared with it."""
    both = published_encoder(views=(_TINY_VIEW, _TINY_VIEW), **TINY)
    return _tiny(published_cvm_mae(published_masked(both, decoder_of("tiny")), metadata=True))


def _tiny(method: MethodSettings) -> RunConfig:
    run = cve_mae_tiny()
    return replace(
        run,
        method=method,
        views=replace(run.views, photo_views=1),
        optimiser=OptimiserConfig(lr=1e-3, weight_decay=0.01, betas=(0.9, 0.999)),
    )


def _run(method: MethodSettings) -> RunConfig:
    return RunConfig(
        method=method,
        views=ViewsConfig(photo_px=PHOTO.px, chip_px=CHIP.px, photo_views=method.photo_views),
        optimiser=OptimiserConfig(
            lr=1e-4,
            lr_floor=0.0,
            warmup=0.0,
            restart_every=40 * EPOCH_STEPS,
            weight_decay=0.01,
            betas=(0.9, 0.999),
            clip_norm=0.0,
        ),
        batch_size=BATCH,
        steps=100 * EPOCH_STEPS,
        workers=8,
        log_every=50,
        val_every=EPOCH_STEPS,
        checkpoint_every=EPOCH_STEPS,
    )
