"""Photos of a dataset that are most like a place: the run's embedding of its satellite picture beside theirs."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.date import mid_month
from birdsat.embeddings.regions.cut_chips import cut_places
from birdsat.embeddings.regions.embed_cells import check_method, embed_cut, kept_harmonics, year_basis
from birdsat.embeddings.regions.folder_region import FolderRegion, open_region
from birdsat.embeddings.search import nearest
from birdsat.errors import PlaceError
from birdsat.explorer.dataset_rows import DatasetRows
from birdsat.explorer.scatter_files import ScatterFiles
from birdsat.imagery.open_imagery import Imagery, open_imagery
from birdsat.training.run_folder import load_run

_HARMONICS = 3
_EXPLANATION = (
    "the photos whose embeddings lie nearest to that of the satellite picture of this place (cosine), as the run has "
    "learned which birds are photographed where"
)


class PlacePhotos:
    """Places embedded by a run from imagery, or read from cells that it embedded; and the dataset's photos."""

    def __init__(self, run: Path, rows: DatasetRows, made: ScatterFiles, *, region: Path | None, imagery: str | None):
        """Raises CheckpointError for what is not a run, ConfigError for a region of another one, InputError for a run
        that sees no chips."""
        self._run, self._rows = load_run(run), rows
        check_method(self._run.method)
        self._photos, self._at = made.photos()
        self._imagery: Imagery | None = None if imagery is None else open_imagery(imagery)
        self._region: FolderRegion | None = None
        if imagery is None and region is not None:
            self._region = open_region(region, self._run)

    def answer(self, lon: float, lat: float, month: int | None, most: int) -> dict[str, Any]:
        """The rows of the most similar photos; month: 0..11. Raises PlaceError where there is no picture."""
        query = self._embedded(np.array([[lon, lat]]), month)
        found = nearest(query[None], self._photos, most)
        there = found.index[0] >= 0
        rows = self._rows.said(self._at[found.index[0][there]].tolist())
        likeness = np.round(found.similarity[0][there].astype(float), 4).tolist()
        photos = [{**row, "similarity": one} for row, one in zip(rows, likeness, strict=True)]
        return {"photos": photos, "explanation": _EXPLANATION}

    def _embedded(self, lon_lat: NDArray[np.float64], month: int | None) -> NDArray[np.float32]:
        """(d,) unit vector; the mean over the year where no month is asked."""
        cycle = self._of_region(lon_lat) if self._region is not None else self._of_imagery(lon_lat)
        times = np.array([mid_month(one) for one in (range(1, 13) if month is None else (month + 1,))])
        vector = (year_basis(times, (len(cycle) - 1) // 2) @ cycle).mean(axis=0)
        unit: NDArray[np.float32] = (vector / (np.linalg.norm(vector) or 1.0)).astype(np.float32)
        return unit

    def _of_region(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        assert self._region is not None
        found = self._region.at(lon_lat, ("year",))
        if not found.found[0]:
            raise _nothing(lon_lat, "the region")
        return np.asarray(found.year[0], np.float32)

    def _of_imagery(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        assert self._imagery is not None
        run = self._run
        source = self._imagery.chips(ground_km=run.chip_ground_km, px=run.chip_px)
        (cut,) = cut_places(lon_lat, source, px=run.chip_px)
        block, _ = embed_cut(run.method, cut, kept_harmonics(run.method, _HARMONICS))
        if not len(block):
            raise _nothing(lon_lat, "the imagery")
        return np.asarray(block.year[0], np.float32)


def _nothing(lon_lat: NDArray[np.float64], where: str) -> PlaceError:
    lon, lat = lon_lat[0].tolist()
    return PlaceError(
        f"{where} shows nothing at lon {lon:g}, lat {lat:g}; take a place that it covers.", settings=("lon", "lat")
    )
