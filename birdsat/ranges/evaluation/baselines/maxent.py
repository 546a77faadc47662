"""MaxEnt (Phillips, Anderson and Schapire 2006), as elapid fits it."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError
from birdsat.ranges.covariates.named import CHIP
from birdsat.ranges.evaluation.learning import CHIP_COMPONENTS, ScaledColumns, Scorer, one_by_one, raster_sets
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.points import COORDINATES, Points


@dataclass(frozen=True, kw_only=True, slots=True)
class MaxEnt:
    """MaxEnt of each taxon with elapid's own settings but for the features: complementary log-log.

    Where glmnet is not installed, elapid fits by scikit-learn's logistic regression with an L1 penalty. Raises
    ConfigError, when it is fitted, where elapid is not installed.
    """

    columns: tuple[str, ...] = (COORDINATES,)
    features: tuple[str, ...] = ("linear", "hinge", "product")  # elapid's own
    components: int | None = None  # that chip features are brought down to; None: as they are
    label: str = ""  # in tables; the columns where empty
    probabilities: bool = True

    @property
    def name(self) -> str:
        return f"MaxEnt on {self.label or ' + '.join(self.columns)}"

    def fit(self, points: Points) -> Scorer:
        elapid = require_elapid()

        def fit_one(
            at: NDArray[np.float64], background: NDArray[np.float64]
        ) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
            model = elapid.MaxentModel(feature_types=list(self.features), n_cpus=1, random_state=0)
            model.fit(np.concatenate([at, background]), np.repeat([1, 0], [len(at), len(background)]))
            return lambda asked: np.asarray(model.predict(asked), dtype=np.float32)

        return one_by_one(points, ScaledColumns.fit(points.background, self.columns, self.components), fit_one)


def maxent_coordinates(settings: ModelSettings) -> tuple[MaxEnt, ...]:
    """On coordinates. Raises ConfigError where elapid is not installed."""
    require_elapid()
    return (MaxEnt(),)


def maxent_chip(settings: ModelSettings) -> tuple[MaxEnt, ...]:
    """On chip features and coordinates, as the range network. Raises ConfigError where elapid is not installed."""
    require_elapid()
    return (MaxEnt(columns=(CHIP, COORDINATES), components=CHIP_COMPONENTS),)


def maxent_rasters(settings: ModelSettings) -> tuple[MaxEnt, ...]:
    """On each set of columns. Raises ConfigError where elapid is not installed."""
    require_elapid()
    return tuple(MaxEnt(columns=names) for names in raster_sets(settings.rasters))


def require_elapid() -> ModuleType:
    """The module. Raises ConfigError where it is not installed."""
    try:
        import elapid
    except ImportError as error:
        raise ConfigError(
            f"MaxEnt needs elapid, which cannot be imported ({error}); install it with "
            "`pip install birdsat[elapid]`, or leave MaxEnt out."
        ) from error
    return elapid  # type: ignore[no-any-return]
