"""Make birdsat/explorer/example.zip, the explorer's example: records of invented birds and the model fitted to them.

python tools/make_example.py

It takes a minute. To be made again when the invented birds, the built-in world or the form of range models change, with
`EXAMPLE_VERSION` in birdsat/explorer/names.py one higher; tests/explorer/test_packed_example.py says when it is old.
"""

import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from birdsat.explorer.names import EXAMPLE_FILES, EXAMPLE_LISTED, EXAMPLE_WEIGHTS, SETTINGS_FILE, WEIGHTS_FILE
from birdsat.explorer.packed_example import AS_THEY_ARE, PACKED
from birdsat.explorer.site import EXAMPLE, Site
from birdsat.files import write_atomic
from birdsat.workflows.explorer_example import BOX, example_table
from birdsat.workflows.fit_ranges import fit_ranges
from birdsat.workflows.requests.explorer import ExploreRequest
from birdsat.workflows.requests.ranges import FitRequest

_DATE = (2026, 1, 1, 0, 0, 0)  # the same example gives the same file


def main() -> None:
    """Fit in a folder of its own, so that what the model remembers names no other."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        table = example_table(Path())
        box = f"{BOX.west:g},{BOX.south:g},{BOX.east:g},{BOX.north:g}"
        fit_ranges(FitRequest(tables=(table,), out="model", box=box))
        parts = {EXAMPLE_LISTED: b"", **_parts(table, Path("model"))}
        write_atomic(PACKED, _packed(parts))
        site = Site(ExploreRequest(store="store"))
        parts[EXAMPLE_LISTED] = json.dumps(dict(site.model(EXAMPLE).listed)).encode()
        write_atomic(PACKED, _packed(parts))
        os.chdir("/")
    print(f"{PACKED}: {PACKED.stat().st_size:,} bytes")


def _parts(table: Path, model: Path) -> dict[str, bytes]:
    halved = {
        name: tensor if name.startswith(AS_THEY_ARE) or tensor.dtype != np.float32 else tensor.astype(np.float16)
        for name, tensor in load_file(model / WEIGHTS_FILE).items()
    }
    weights = io.BytesIO()
    np.savez(weights, allow_pickle=False, **halved)
    parts = {table.name: table.read_bytes(), EXAMPLE_WEIGHTS: weights.getvalue()}
    return parts | {name: (model / name).read_bytes() for name in (*EXAMPLE_FILES, SETTINGS_FILE)}


def _packed(parts: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, data in parts.items():
            file.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


if __name__ == "__main__":
    main()
