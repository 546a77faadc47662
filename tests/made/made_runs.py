"""Runs that were never trained."""

from pathlib import Path

import numpy as np
import torch

from birdsat.dataset.views import ViewsConfig
from birdsat.embeddings.taxa import TaxonMeans, save_taxon_means
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import View, ViewEncoderConfig
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.registry import MethodConfig, build_method
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import MODEL_FILE, DatasetFacts, prepare_folder, save_weights

PX, KM, WIDTH = 16, 5.0, 16
TAXON = "Corvus corax"
ENCODER = ViewEncoderConfig(views=(View(px=PX, patch_px=8),), width=WIDTH, depth=1, heads=2)
PHOTO = MaskedConfig(encoder=ENCODER, decoder=PixelDecoderConfig(width=16, depth=1, heads=2))
CROSS_VIEW = CveMaeConfig(photo=PHOTO, chip_encoder=ENCODER, place_time=PlaceTimeConfig(hidden_width=16))


def make_run(folder: Path, method: MethodConfig = CROSS_VIEW, *, seed: int = 0) -> Path:
    config = RunConfig(method=method, views=ViewsConfig(photo_px=PX, chip_px=PX), batch_size=2, steps=1)
    facts = DatasetFacts(
        title="none",
        licence="",
        fingerprint="",
        train_rows=0,
        val_rows=0,
        taxa=(TAXON,),
        photo_mean=None,
        photo_std=None,
        chip_mean=None,
        chip_std=None,
        chip_px=PX,
        chip_ground_km=(KM,),
    )
    prepare_folder(folder, config, facts, resume=False)
    torch.manual_seed(seed)
    save_weights(build_method(method), folder / MODEL_FILE, {})
    vector = np.full((1, WIDTH), WIDTH**-0.5, dtype=np.float32)
    save_taxon_means(TaxonMeans(taxa=(TAXON,), photos=np.array([3]), embedding=vector), folder)
    return folder
