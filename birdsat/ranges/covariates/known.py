"""Whether a covariate is known where records are and where none are alike: else a fit learns where it was measured."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.facts import Covariate, column_spans

_MUCH_LESS = 0.2  # of the share at the other places
_LESS = 0.75
MOST_CELLS = 20_000  # that are looked at for their share

_Values = NDArray[np.float32]  # (n, k); NaN where not known


def check_known(
    covariates: Sequence[Covariate],
    at_records: _Values,
    in_background: _Values,
    background_weight: NDArray[np.float64],
    in_cells: _Values,
    progress: Progress = QUIET,
) -> None:
    """Note where a covariate is known at far fewer of one kind of places than of another.

    background_weight: (n,) how often each place of the background is drawn. in_cells: of the region, or of some.
    Raises InputError where so few that the fit would tell places by that alone: a column that was measured with the
    records and at hardly any of the background, or the other way round. A covariate that is known in all of the
    background has no such trace, in however few cells it is known.
    """
    if not (len(at_records) and len(in_background)):
        return
    for one, span in zip(covariates, column_spans(covariates), strict=True):
        known = [np.isfinite(values[:, span]).all(axis=1) for values in (at_records, in_background, in_cells)]
        records, cells = float(known[0].mean()), float(known[2].mean())
        background = float(np.average(known[1], weights=background_weight))
        elsewhere = background if known[1].all() else min(background, cells)
        where = (
            f"at {_share(records)} of the places of records, at {_share(background)} of those of the background and "
            f"in {_share(cells)} of the cells"
        )
        if min(records, elsewhere) < _MUCH_LESS * max(records, elsewhere):
            raise InputError(
                f"the covariate {one.name!r} is known {where}, so that a fit would learn where it was measured; give "
                "a raster or a table of the cells between the records as well, or by --background the places alone "
                "at which it was measured.",
                settings=("covariates",),
            )
        if min(records, elsewhere) < _LESS * max(records, elsewhere):
            progress.note(
                f"the covariate {one.name!r} is known {where}: the fit can tell them by that; a --box of what it "
                "covers leaves that out."
            )
        elif cells < _MUCH_LESS * background:
            progress.note(
                f"the covariate {one.name!r} is known {where}: a map says where else it is a guess, by its area of "
                "applicability."
            )


def _share(share: float) -> str:
    return f"{share:.0%}" if share == 0 or share >= 0.005 else "less than 1%"
