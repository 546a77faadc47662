"""Every method in a size for tests, and a batch with a photo, a chip, a place and a date missing."""

import math
from dataclasses import replace

import torch

from birdsat.dataset.batch import Batch
from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PlaceTimeConfig, PublishedPlaceTimeConfig
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.cvm_mae import CvmMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.method import MethodSettings
from birdsat.methods.moco_geo import MocoGeoConfig

ENCODER = ViewEncoderConfig(views=(View(px=16, patch_px=4),), width=16, depth=1, heads=2)
PHOTO = MaskedConfig(encoder=ENCODER, decoder=PixelDecoderConfig(width=8, depth=1, heads=2))
CHIP = replace(ENCODER, views=(View(px=8, patch_px=4),), width=24)
CVE = CveMaeConfig(photo=PHOTO, chip_encoder=CHIP)
META = replace(CVE, place_time=PlaceTimeConfig())
VITAE = replace(CHIP, width=16, block="vitae", convolve="packed", pooling="class token")
CVM = CvmMaeConfig(images=replace(PHOTO, encoder=replace(ENCODER, views=(*ENCODER.views, *CHIP.views))))

METHODS: dict[str, MethodSettings] = {
    "mae": MaeConfig(image=PHOTO),
    "mae with metadata": MaeConfig(image=PHOTO, place_time=PlaceTimeConfig()),
    "cve_mae": CVE,
    "cve_mae with metadata": META,
    "cve_mae from a full pass": replace(META, contrast_from="full"),
    "cve_mae with a frozen chip encoder": replace(META, chip_encoder_frozen=True),
    "cve_mae leaving near pairs out": replace(META, min_negative_km=50.0),
    "cve_mae with twin photos": replace(META, second_view_weight=1.0),
    "cve_mae as published": replace(
        CVE,
        photo=replace(PHOTO, encoder=replace(VITAE, views=ENCODER.views), mask_ratio=0.75),
        chip_encoder=VITAE,
        place_time=PublishedPlaceTimeConfig(),
        heads=False,
        contrast_from="full",
        chip_encoder_frozen=True,
        learn_temperature=False,
    ),
    "cvm_mae": CVM,
    "cvm_mae with metadata": replace(CVM, place_time=PlaceTimeConfig()),
    "cvm_mae with rolled negatives": replace(CVM, place_time=PlaceTimeConfig(), negatives="rolled"),
    "cvm_mae as published": replace(
        CVM,
        images=replace(CVM.images, encoder=replace(CVM.images.encoder, pooling="class token", positions="learned")),
        place_time=PublishedPlaceTimeConfig(),
        heads=False,
        negatives="rolled",
        contrast_weight=0.0,
    ),
    "cvm_mae with heads and no contrast": replace(CVM, negatives="rolled", contrast_weight=0.0),
    "moco_geo": MocoGeoConfig(encoder=ENCODER, queue=7, centres=((0.0, 0.0), (30.0, 30.0), (60.0, 60.0))),
}
MAE_OF_CHIPS = MaeConfig(of="chip", image=replace(PHOTO, encoder=CHIP))


def batch(n: int = 5) -> Batch:
    generator = torch.Generator().manual_seed(0)
    lon_lat = torch.rand(n, 2, generator=generator) * 60
    year_fraction = torch.rand(n, generator=generator)
    lon_lat[1], year_fraction[2] = math.nan, math.nan
    has_photo, has_chip = torch.ones(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool)
    has_photo[3], has_chip[4] = False, False
    return Batch(
        photos=tuple(torch.randint(0, 256, (n, 3, 16, 16), generator=generator, dtype=torch.uint8) for _ in range(2)),
        chip=torch.randint(0, 256, (n, 3, 8, 8), generator=generator, dtype=torch.uint8),
        has_photo=has_photo,
        has_chip=has_chip,
        lon_lat=lon_lat,
        year_fraction=year_fraction,
        label=torch.arange(n),
        row=torch.arange(n),
    )


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
