"""The baselines that a table of figures shows beside a model, unless others are asked for."""

from collections.abc import Sequence

from birdsat.ranges.evaluation.baselines.coordinate_network import CoordinateNetwork
from birdsat.ranges.evaluation.baselines.logistic import QuadraticLogistic
from birdsat.ranges.evaluation.baselines.maxent import MaxEnt, has_elapid
from birdsat.ranges.evaluation.baselines.nearest import NearestPoints, SimilarCells
from birdsat.ranges.evaluation.learning import PresenceModel, SurveyModel
from birdsat.ranges.points import COORDINATES


def standard_models(columns: Sequence[str] = (), *, seed: int = 0) -> tuple[PresenceModel, ...]:
    """Baselines that learn from points: on coordinates, on each of `columns` (climate, colour), and on all together.

    MaxEnt is among them where elapid is installed.
    """
    sets = _sets(columns)
    return (
        NearestPoints(),
        *(QuadraticLogistic(columns=names) for names in sets),
        *(MaxEnt(columns=names) for names in sets if has_elapid()),
        CoordinateNetwork(seed=seed),
    )


def standard_survey_models(columns: Sequence[str] = ()) -> tuple[SurveyModel, ...]:
    """Baselines that learn from presence and absence: the ten nearest neighbours on the same sets of columns."""
    return tuple(SimilarCells(columns=names) for names in _sets(columns))


def _sets(columns: Sequence[str]) -> list[tuple[str, ...]]:
    together = [(COORDINATES, *columns)] if columns else []
    return [(COORDINATES,), *((name,) for name in columns), *together]
