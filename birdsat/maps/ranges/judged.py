"""The range network as one of the models that are judged side by side."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from birdsat.maps.learning import Cells, Points, Scorer
from birdsat.maps.ranges.fit_ranges import Embedded, Source, fit_ranges
from birdsat.maps.ranges.network import RangeNetworkConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeNetworkModel:
    """The range network as a `PresenceModel`, to be judged beside baselines."""

    columns: str | None = "chip"  # of chip features among the cells' columns; None: place alone
    settings: RangeNetworkConfig = field(default_factory=RangeNetworkConfig)
    label: str = "birdsat"
    probabilities: bool = True

    @property
    def name(self) -> str:
        what = "place" if self.columns is None else f"{self.columns} + place"
        return f"{self.label}: {what}"

    def fit(self, points: Points) -> Scorer:
        chip = self._chip(points.at), self._chip(points.background)
        at, behind = (Embedded(chip=one, year=np.empty((len(one), 1, 0), np.float32)) for one in chip)
        taxa = [str(label) for label in range(points.taxa)]
        model = fit_ranges(points, at, behind, taxa, Source(run="", model=""), settings=self.settings)
        learned = np.isin(np.arange(points.taxa), points.taxon)

        def score(cells: Cells) -> NDArray[np.float32]:
            return np.where(learned, model.year_mean(self._chip(cells), cells.lon_lat), np.float32(np.nan))

        return score

    def _chip(self, cells: Cells) -> NDArray[np.float32]:
        if self.columns is None:
            return np.empty((len(cells), 0), np.float32)
        return cells.table((self.columns,)).astype(np.float32)
