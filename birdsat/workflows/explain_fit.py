"""What a fit says of its inputs, written beside the model: importance, responses, and fits without each kind."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from birdsat.files import write_atomic
from birdsat.pictures.map_picture import save_png
from birdsat.pictures.responses import draw_responses
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.ablation import Ablation, ablate
from birdsat.ranges.covariates.importance import Importances, permutation_importance
from birdsat.ranges.covariates.named import USUAL_INPUTS
from birdsat.ranges.covariates.responses import Response, response_curves
from birdsat.ranges.model import RangeModel
from birdsat.tables import Table, csv_text

IMPORTANCE, IMPORTANCE_CSV = "importance.json", "importance.csv"
RESPONSES_CSV, RESPONSES_PNG = "responses.csv", "responses.png"
ABLATION = "ablation.json"
_MOST_CURVES = 1000  # taxa
_FILES = (IMPORTANCE, IMPORTANCE_CSV, RESPONSES_CSV, RESPONSES_PNG, ABLATION)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What is known of a model's inputs; None for what was not asked for, or could not be told."""

    importance: Importances | None = None
    ablation: Ablation | None = None

    def tables(self) -> tuple[Table, ...]:
        """Those there are."""
        return tuple(one.table() for one in (self.importance, self.ablation) if one is not None)


def explain_fit(
    model: RangeModel,
    folder: Path,
    refit: Callable[[tuple[str, ...]], RangeModel] | None,
    *,
    inputs: Sequence[str] = USUAL_INPUTS,
    seed: int = 0,
    progress: Progress = QUIET,
) -> Explanation:
    """Of a model with covariates, importance and responses; and where `refit` is given, fits without each kind of
    the inputs that it might learn from.

    Written into its folder, in place of what is there. Where the fit held out nothing that records could be told from,
    nothing can be told of its inputs, which is noted.
    """
    forget_explanation(folder)
    if not model.facts.rasters and refit is None:
        return Explanation()
    importance = permutation_importance(model, seed=seed, progress=progress)
    if importance is None:
        progress.note(
            "nothing was held out of the fit that tells what its inputs are worth, as its records, or its background, "
            "lie in too few blocks."
        )
        return Explanation()
    write_atomic(folder / IMPORTANCE, json.dumps(importance.to_dict(), indent=2) + "\n")
    rows = [(one.name, one.auc_lost, one.low, one.high) for one in importance.groups]
    write_atomic(folder / IMPORTANCE_CSV, csv_text(("shuffled", "auc_lost", "low", "high"), rows))
    if responses := response_curves(model, seed=seed, progress=progress):
        most = np.argsort(-np.array(model.facts.points), kind="stable").tolist()
        if len(most) > _MOST_CURVES:
            progress.note(f"response curves are written of the {_MOST_CURVES:,} taxa with most records.")
        rows_of_taxa = _rows(responses, model.facts.taxa, sorted(most[:_MOST_CURVES]))
        write_atomic(
            folder / RESPONSES_CSV,
            csv_text(("taxon", "covariate", "value", "relative_suitability", "std"), rows_of_taxa),
        )
        save_png(draw_responses(responses, model.facts.taxa, most), folder / RESPONSES_PNG)
    ablation = None if refit is None else ablate(model, inputs, refit)
    if ablation is not None:
        write_atomic(folder / ABLATION, json.dumps(ablation.to_dict(), indent=2) + "\n")
    return Explanation(importance=importance, ablation=ablation)


def read_explanation(folder: Path) -> Explanation:
    """What `explain_fit` wrote, as far as it is there and whole."""
    importance, ablation = None, None
    with suppress(OSError, ValueError, LookupError, TypeError):
        importance = Importances.from_dict(json.loads((folder / IMPORTANCE).read_text(encoding="utf-8")))
    with suppress(OSError, ValueError, LookupError, TypeError):
        ablation = Ablation.from_dict(json.loads((folder / ABLATION).read_text(encoding="utf-8")))
    return Explanation(importance=importance, ablation=ablation)


def forget_explanation(folder: Path) -> None:
    """Remove what is said of a model that is replaced."""
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)


def explanation_files(folder: Path) -> tuple[Path, ...]:
    """Those that are there."""
    return tuple(folder / name for name in _FILES if (folder / name).is_file())


def _rows(responses: Sequence[Response], taxa: Sequence[str], labels: Sequence[int]) -> Iterator[tuple[object, ...]]:
    for label, taxon in ((label, taxa[label]) for label in labels):
        for one in responses:
            for place, value in enumerate(one.labels):
                yield taxon, one.name, value, f"{one.suitability[label, place]:.4f}", f"{one.std[label, place]:.4f}"
