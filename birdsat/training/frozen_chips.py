"""Chip features of a frozen encoder: computed once before training and kept in a file, not once a step."""

from pathlib import Path

import numpy as np
import torch

from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.observations.observation import Split
from birdsat.training.module import TrainingModule
from birdsat.training.stopping import StopRequest

CACHE_FOLDER = "cache"  # within the run's folder; gone once the run is finished


@torch.no_grad()
def encode_all_chips(module: TrainingModule, dataset: Dataset, split: Split, path: Path, *, stop: StopRequest) -> None:
    """Write what the method's `encode_chip` says of each row's chip as .npy, whole or not at all.

    Chips are seen whole and without augmentation. Each process encodes its share; all must see the same folder.
    Raises TrainingStopped when a stop is asked for meanwhile.
    """
    method, trainer, config = module.method, module.trainer, module.config
    px = config.views.chip_px
    partial = path.with_name(path.name + ".part")
    was_training = method.training
    method.eval()
    if trainer.is_global_zero:
        path.parent.mkdir(exist_ok=True)
        black = torch.zeros(1, 3, px, px, dtype=torch.uint8, device=module.device)
        shape = (dataset.rows(split), method.encode_chip(black).shape[1])
        np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape).flush()
    trainer.strategy.barrier("the file of chip features is there")
    features = np.load(partial, mmap_mode="r+")
    batches = read_split(
        dataset,
        split,
        batch_size=config.batch_size,
        photo_px=1,  # photos are not looked at; the smaller, the faster they decode
        chip_px=px,
        workers=config.workers,
    )
    for number, batch in enumerate(batches):
        if stop.signal is not None:
            raise stop.stopped("the features of the frozen chip encoder were not complete yet")
        if number % trainer.world_size == trainer.global_rank:
            with trainer.precision_plugin.forward_context():
                encoded = method.encode_chip(batch.chip.to(module.device))
            features[batch.row.numpy()] = encoded.float().cpu().numpy()
    features.flush()
    method.train(was_training)
    trainer.strategy.barrier("every process has written its chip features")
    if trainer.is_global_zero:
        partial.replace(path)
    trainer.strategy.barrier("the chip features are complete")
