"""What a range model sees in all cells of a region: computed once, kept in the model's folder, read by every map.

One .npy file a region, 1.5 KB a cell at the default size. Its name is a fingerprint of both, so that features of
another fit, or of a region embedded anew, are never read.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy

from birdsat.dataset.progress import row_progress
from birdsat.embeddings.region import Region
from birdsat.embeddings.region_files import REGION_FILE
from birdsat.errors import CheckpointError
from birdsat.files import output_file
from birdsat.maps.in_threads import in_threads
from birdsat.maps.ranges.model import RangeFeatures, RangeModel


def keep_features(model: RangeModel, region: Region, *, show_progress: bool = False) -> Path:
    """Compute the features of all cells and keep them beside a model that has a folder; the file, whole or not there.

    Memory holds a block of cells. Raises InputError when the disk refuses the file.
    """
    path, dtype = kept_file(model, region), _record(model)
    with output_file(path) as partial, partial.open("wb") as file, row_progress(show_progress, "cells") as bar:
        task = bar.add_task("looking at cells", total=len(region))
        header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (len(region),)}
        npy.write_array_header_1_0(file, header)
        for found in in_threads(model.features, region.blocks(("chip",))):
            records = np.zeros(len(found), dtype)
            records["inside"], records["hidden"] = found.inside, found.hidden.numpy()
            file.write(records.tobytes())
            bar.advance(task, len(found))
    return path


def features_over(model: RangeModel, region: Region) -> Iterator[RangeFeatures]:
    """What a model sees in all cells of a region, in their order: read where it is kept, or else computed.

    Raises CheckpointError for a kept file that is damaged.
    """
    if model.folder is None or not (path := kept_file(model, region)).is_file():
        yield from in_threads(model.features, region.blocks(model.columns))
        return
    columns = tuple(column for column in model.columns if column != "chip")
    dtype = _record(model)
    start = _check(path, dtype, len(region))
    for block in region.blocks(columns):
        # Mapped a block at a time: not copied, and no more of the file is counted as held. "c" as torch wants an array
        # that it may write to.
        records = np.memmap(path, dtype, "c", start, (len(block),))
        start += records.nbytes
        yield RangeFeatures(
            cells=block.cells,
            hidden=torch.from_numpy(records["hidden"]),
            inside=records["inside"].astype(np.bool_),
            year=block.year,
        )


def kept_file(model: RangeModel, region: Region) -> Path:
    """Where a model that has a folder keeps the features of a region's cells, or would."""
    assert model.folder is not None
    both = hashlib.sha256(model.trunk_fingerprint().encode())
    both.update((region.folder / REGION_FILE).read_bytes())
    return model.folder / f"cells-{both.hexdigest()[:16]}.npy"


def _record(model: RangeModel) -> np.dtype[np.void]:
    """Of one cell. `inside` takes two bytes so that the numbers behind it lie on even addresses."""
    network = model.facts.network
    return np.dtype([("inside", "<u2"), ("hidden", "<f2", (network.members, network.width))])


def _check(path: Path, dtype: np.dtype[np.void], cells: int) -> int:
    """Where the first record starts."""
    with path.open("rb") as file:
        try:
            npy.read_magic(file)
            shape, _, found = npy.read_array_header_1_0(file)
        except ValueError as error:
            raise _damaged(path, str(error)) from error
        start = file.tell()
    expected = start + cells * dtype.itemsize
    if (shape, found) != ((cells,), dtype) or path.stat().st_size != expected:
        raise _damaged(path, f"it has {path.stat().st_size:,} bytes in place of {expected:,}, or other columns")
    return start


def _damaged(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged: {what}. Delete it: maps are then made without, more slowly; `birdsat fit` makes it anew."
    )
