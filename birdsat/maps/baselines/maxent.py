"""MaxEnt (Phillips, Anderson and Schapire 2006), as elapid fits it."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import ConfigError
from birdsat.maps.learning import COORDINATES, Cells, Points, ScaledColumns, Scorer, one_by_one


@dataclass(frozen=True, kw_only=True, slots=True)
class MaxEnt:
    """MaxEnt of each taxon with elapid's own settings: linear, hinge and product features, complementary log-log.

    Where glmnet is not installed, elapid fits by scikit-learn's logistic regression with an L1 penalty. Raises
    ConfigError, when it is fitted, where elapid is not installed.
    """

    columns: tuple[str, ...] = (COORDINATES,)
    label: str = ""  # in tables; the columns where empty
    probabilities: bool = True

    @property
    def name(self) -> str:
        return f"MaxEnt on {self.label or ' + '.join(self.columns)}"

    def fit(self, points: Points) -> Scorer:
        elapid = _elapid()
        scaled = ScaledColumns.fit(points.background, self.columns)
        background, at = scaled(points.background), scaled(points.at)

        def fit_one(rows: NDArray[np.int64]) -> Scorer:
            model = elapid.MaxentModel(n_cpus=1, random_state=0)
            x = np.concatenate([at[rows], background])
            model.fit(x, np.repeat([1, 0], [len(rows), len(background)]))

            def score(cells: Cells) -> NDArray[np.float32]:
                value: NDArray[np.float32] = np.asarray(model.predict(scaled(cells)), dtype=np.float32)
                return value

            return score

        return one_by_one(points, fit_one)


def has_elapid() -> bool:
    """Whether MaxEnt can be fitted here."""
    try:
        _elapid()
    except ConfigError:
        return False
    return True


def _elapid() -> ModuleType:
    try:
        import elapid
    except ImportError as error:
        raise ConfigError(
            f"MaxEnt needs elapid, which cannot be imported ({error}); install it with "
            "`pip install birdsat[elapid]`, or leave MaxEnt out."
        ) from error
    return elapid  # type: ignore[no-any-return]
