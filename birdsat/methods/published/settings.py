"""The settings of the published BirdSAT models: what their weights fit, and what `recipes.paper` trains."""

from typing import Any

from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PublishedPlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.cvm_mae import CvmMaeConfig
from birdsat.methods.masked import MaskedConfig

BASE = {"width": 768, "depth": 12, "heads": 12}  # ViT-B
DECODER = PixelDecoderConfig(width=512, depth=8, heads=16)


def published_encoder(**settings: Any) -> ViewEncoderConfig:
    """An encoder whose class token is the embedding; of vitae blocks, the visible tokens are packed."""
    return ViewEncoderConfig(pooling="class token", convolve="packed", **settings)


def published_masked(encoder: ViewEncoderConfig, decoder: PixelDecoderConfig = DECODER) -> MaskedConfig:
    """Three quarters of the patches hidden, and their pixels rebuilt as they are."""
    return MaskedConfig(encoder=encoder, decoder=decoder, mask_ratio=0.75, normalise_target=False)


def published_cve_mae(photo: MaskedConfig, chip_encoder: ViewEncoderConfig, *, metadata: bool) -> CveMaeConfig:
    """CVE-MAE, or with metadata CVE-MAE-Meta: a frozen chip encoder, contrast from a full pass without temperature."""
    return CveMaeConfig(
        photo=photo,
        chip_encoder=chip_encoder,
        place_time=PublishedPlaceTimeConfig() if metadata else None,
        heads=False,
        contrast_from="full",
        contrast_weight=0.3,
        temperature=1.0,
        learn_temperature=False,
        min_negative_km=0.0,
        chip_mask_ratio=0.0,
        chip_encoder_frozen=True,
    )


def published_cvm_mae(images: MaskedConfig, *, metadata: bool) -> CvmMaeConfig:
    """CVM-MAE, or with metadata CVM-MAE-Meta: one rolled negative a sample, and no contrast."""
    return CvmMaeConfig(
        images=images,
        place_time=PublishedPlaceTimeConfig() if metadata else None,
        heads=False,
        negatives="rolled",
        contrast_weight=0.0,
        min_negative_km=0.0,
    )
