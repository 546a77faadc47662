"""Chip features of a frozen encoder: computed once before training and kept in a file, not once a step."""

import io
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.dataset.read import read_split
from birdsat.dataset.row_groups import Dataset
from birdsat.observations.observation import Split
from birdsat.training.module import TrainingModule
from birdsat.training.shared_files import shared_temporary
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
    was_training = method.training
    method.eval()
    if trainer.is_global_zero:
        path.parent.mkdir(exist_ok=True)
    batches = read_split(
        dataset,
        split,
        batch_size=config.batch_size,
        photo_px=1,  # photos are not looked at; the smaller, the faster they decode
        chip_px=px,
        workers=config.workers,
    )
    with shared_temporary(trainer, path) as partial, _Rows(partial, dataset.rows(split)) as features:
        for number, batch in enumerate(batches):
            if stop.signal is not None:
                raise stop.stopped("the features of the frozen chip encoder were not complete yet")
            if number % trainer.world_size == trainer.global_rank:
                with trainer.precision_plugin.forward_context():
                    encoded = method.encode_chip(batch.chip.to(module.device))
                features.write(int(batch.row[0]), encoded.half().cpu().numpy())
    method.train(was_training)


class _Rows:
    """A .npy file of float16 that several processes write to, each some stretches of rows.

    Not through a map of the file into memory: where the disk is full, that ends the process without a word.
    """

    def __init__(self, path: Path, rows: int) -> None:
        self._file, self._rows, self._start = path.open("r+b", buffering=0), rows, 0

    def write(self, first: int, values: NDArray[np.float16]) -> None:
        """Rows (r, width) from `first` on."""
        if self._start == 0:  # each process writes the same header
            head = io.BytesIO()
            form = {"descr": "<f2", "fortran_order": False, "shape": (self._rows, values.shape[1])}
            np.lib.format.write_array_header_1_0(head, form)
            self._start = head.tell()
            self._write(0, head.getvalue())
        self._write(self._start + first * values[0].nbytes, values.astype("<f2").tobytes())

    def _write(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def __enter__(self) -> "_Rows":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
