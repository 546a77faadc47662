"""What `birdsat fit --covariates` makes, on the tables of a benchmark."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from birdsat.progress import QUIET, WithoutNotes
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.named import CHIP, COVARIATES
from birdsat.ranges.evaluation.learning import Scorer
from birdsat.ranges.fit import Source, fit_ranges
from birdsat.ranges.learn import Embedded
from birdsat.ranges.model import RangeModel
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Cells, Points


@dataclass(frozen=True, kw_only=True, slots=True)
class CovariateFit:
    """A fit on covariates, with chip and place beside them, or with whatever of these a fit chooses."""

    inputs: tuple[str, ...] = ()  # of chip, place and covariates; none: as the fit chooses
    settings: RangeNetworkConfig = field(default_factory=RangeNetworkConfig)
    label: str = ""
    probabilities: bool = True

    @property
    def name(self) -> str:
        return self.label or f"birdsat: {' + '.join(self.inputs) or 'inputs as chosen'}"

    def fit(self, points: Points) -> Scorer:
        width = points.background.columns[COVARIATES].shape[1]
        model = fit_ranges(
            points,
            self._embedded(points.presences),
            self._embedded(points.background),
            [str(label) for label in range(points.taxa)],
            Source(run="", model=""),
            settings=self.settings,
            covariates=[Covariate(name=str(number)) for number in range(width)],
            inputs_of=self.inputs,
            progress=WithoutNotes(QUIET),  # what was chosen is said
        )
        return _Fitted(model, self._embedded)

    def _embedded(self, cells: Cells) -> Embedded:
        reads_chips = not self.inputs or CHIP in self.inputs
        chip = cells.columns[CHIP] if reads_chips else np.empty((len(cells), 0))
        return Embedded(
            chip=chip.astype(np.float32),
            year=np.empty((len(cells), 1, 0), np.float32),
            covariates=cells.columns[COVARIATES].astype(np.float32),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A `Scorer`."""

    model: RangeModel
    embedded: Callable[[Cells], Embedded]

    def __call__(self, cells: Cells) -> NDArray[np.float32]:
        seen = self.embedded(cells)
        return self.model.year_mean(seen.chip, cells.lon_lat, seen.covariates)

    @property
    def said(self) -> str:
        """What the fit chose."""
        facts = self.model.facts
        beside = "no regression" if facts.regression is None else str(facts.regression)
        return f"{' + '.join(facts.inputs)}; {facts.steps} steps; {beside}"
