"""A few photos of a split by their row numbers, for pictures."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8

from birdsat.dataset.row_groups import FACTS, IMAGES, Dataset, RowGroupReader, damaged
from birdsat.dataset.views import whole_view
from birdsat.errors import DatasetError, ImageError
from birdsat.observations.observation import Split


def photos_of_rows(
    dataset: Dataset, split: Split, rows: Iterable[int], px: int
) -> dict[int, UInt8[np.ndarray, "px px 3"]]:
    """Central squares of the photos of `rows`, by row number; rows without a photo are left out.

    Reads the row groups that hold them, one at a time. Raises DatasetError for a row the split does not have.
    """
    reader = RowGroupReader(dataset, split, (*IMAGES, *FACTS))
    ends = np.cumsum(reader.group_rows)
    wanted = np.unique(np.fromiter(rows, np.int64))
    if len(wanted) and not 0 <= wanted[0] <= wanted[-1] < reader.rows:
        raise DatasetError(
            f"split {split!r} of {dataset.folder} has rows 0 to {reader.rows - 1:,}, not "
            f"{wanted[0] if wanted[0] < 0 else wanted[-1]:,}; it is another dataset than the rows are of."
        )
    photos = {}
    groups = np.searchsorted(ends, wanted, side="right")
    for number in np.unique(groups):
        group = reader.group(int(number))
        for row in wanted[groups == number].tolist():
            data = group.photo[row - group.first_row].as_py()
            if data is None:
                continue
            try:
                photos[row] = whole_view(data, px)
            except ImageError as error:
                where = f"{group.where}, row {row - group.first_row}"
                raise damaged(f"{where} holds an image that cannot be decoded ({error})") from error
    return photos
