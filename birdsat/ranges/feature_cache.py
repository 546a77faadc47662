"""What a range model sees in all cells of a region: computed once, cached in the model's folder, read by every map.

One file a region: a record a cell, of 1.4 KB at the default size or 2.1 with covariates, and nothing else. Its name is
a fingerprint of model, region and record, so that features of another fit, or of a region embedded anew, are never
read.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from birdsat.embeddings.regions.region import Region
from birdsat.engine.threads import in_threads
from birdsat.errors import CheckpointError, InputError
from birdsat.files import output_file
from birdsat.progress import QUIET, Progress
from birdsat.ranges.facts import KEPT_FILES
from birdsat.ranges.model import RangeFeatures, RangeModel
from birdsat.reading import file_within


def cache_features(model: RangeModel, region: Region, *, progress: Progress = QUIET) -> Path:
    """Compute the features of all cells and keep them beside a model that has a folder; the file, whole or not there.

    Memory holds a few blocks of cells. Raises InputError when the disk refuses the file.
    """
    path, record = cache_file(model, region), _record(model)
    looking = progress.bar("looking at cells", len(region), unit="cells")
    with output_file(path) as partial, partial.open("wb") as file, looking as bar:
        for found in in_threads(model.features, region.blocks(("chip",))):
            records = np.empty(len(found), record)
            records["inputs"], records["hidden"] = found.inputs.numpy(), found.hidden.numpy()
            file.write(records.tobytes())
            bar.advance(len(found))
    return path


def iter_features(model: RangeModel, region: Region) -> Iterator[RangeFeatures]:
    """What a model sees in all cells of a region, in their order: read from the cache, or else computed.

    Raises CheckpointError for a cache file that is damaged.
    """
    try:
        # Opened once: deleted while it is read, as by another fit, it is still there for its reader.
        cache = None
        if model.folder is not None:
            cache = file_within(model.folder, cache_file(model, region).name).open("rb")
    except FileNotFoundError:
        pass
    except InputError as error:
        raise CheckpointError(f"{error} Delete it.") from error
    if cache is None:
        yield from in_threads(model.features, region.blocks(model.columns))
        return
    record, start = _record(model), 0
    with cache:
        _check_size(cache, len(region) * record.itemsize)
        for block in region.blocks(tuple(column for column in model.columns if column == "year")):
            # Mapped a block at a time: not copied, and no more of the file is counted as held. "c" as torch wants an
            # array that it may write to.
            records = np.memmap(cache, record, "c", start, (len(block),))
            start += records.nbytes
            yield RangeFeatures(
                cells=block.cells,
                lon_lat=block.lon_lat,
                hidden=torch.from_numpy(records["hidden"]),
                inputs=torch.from_numpy(records["inputs"]),
                year=block.year,
            )


def cache_file(model: RangeModel, region: Region) -> Path:
    """Where a model that has a folder keeps the features of a region's cells, or would."""
    assert model.folder is not None
    of = hashlib.sha256(f"{model.trunk_fingerprint()} {_record(model)}".encode())
    of.update(region.identity.encode())
    return model.folder / KEPT_FILES.replace("*", of.hexdigest()[:16])


def _record(model: RangeModel) -> np.dtype[np.void]:
    """Of one cell."""
    inputs = model.projection.inputs
    return np.dtype([("inputs", "<f2", (inputs,)), ("hidden", "<f2", model.network.kept_shape)])


def _check_size(cache: BinaryIO, expected: int) -> None:
    size = os.fstat(cache.fileno()).st_size
    if size != expected:
        raise CheckpointError(
            f"{cache.name} is damaged: it has {size:,} bytes in place of {expected:,}. Delete it: maps are then made "
            "without, more slowly; `birdsat fit` makes it anew."
        )
