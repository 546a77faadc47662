"""The example, fitted beforehand: one small file that comes with birdsat, and is opened into the store at first start.

`tools/make_example.py` makes it. Its weights are in half precision, to be small. Light: the page waits for it.
"""

import io
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from birdsat.explorer.names import (
    EXAMPLE_FILES,
    EXAMPLE_LISTED,
    EXAMPLE_TABLE,
    EXAMPLE_WEIGHTS,
    SETTINGS_FILE,
    WEIGHTS_FILE,
)
from birdsat.files import write_atomic

PACKED = Path(str(files("birdsat.explorer"))) / "example.zip"
# Tensors that stay as they are: a model wants these in single precision, and has those in half itself.
AS_THEY_ARE = ("projection.", "area.")


def unpack_example(folder: Path) -> None:
    """Write table and model into a folder; the settings last, by which a model is known to be whole."""
    model = folder / "model"
    model.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(PACKED) as file:
        for name in (EXAMPLE_TABLE, EXAMPLE_LISTED):
            write_atomic(folder / name, file.read(name))
        with np.load(io.BytesIO(file.read(EXAMPLE_WEIGHTS)), allow_pickle=False) as packed:
            save_file({name: _opened(name, packed[name]) for name in packed.files}, model / WEIGHTS_FILE)
        for name in (*EXAMPLE_FILES, SETTINGS_FILE):
            write_atomic(model / name, file.read(name))


def _opened(name: str, tensor: NDArray[Any]) -> NDArray[Any]:
    return tensor if name.startswith(AS_THEY_ARE) else tensor.astype(np.float32)
