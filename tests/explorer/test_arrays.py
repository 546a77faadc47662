"""Arrays that are made once and kept."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.explorer.arrays import PackedArrays


def test_what_is_asked_for_is_given_where_neither_disk_nor_memory_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder can be made here")
    arrays = PackedArrays(tmp_path / "file" / "arrays", memory_bytes=1)

    def make() -> dict[str, NDArray[np.uint8]]:
        return {"first": np.arange(5, dtype=np.uint8), "second": np.zeros(5, np.uint8)}

    assert arrays.array("first", make).tolist() == [0, 1, 2, 3, 4]
