"""How well maps agree with where the taxa truly are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError
from birdsat.metrics import map_scores
from birdsat.tables import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonMapScore:
    """One taxon's maps against the truth."""

    taxon: str
    present: int  # cells and months where the taxon truly is
    absent: int
    auc: float  # chance that a present cell scores above an absent one; 0.5 by chance
    average_precision: float  # by chance present / (present + absent)


@dataclass(frozen=True, kw_only=True, slots=True)
class MapReport:
    """Maps of several taxa against the truth."""

    taxa: tuple[TaxonMapScore, ...]  # those that could be evaluated
    skipped: tuple[str, ...]  # taxa that are present everywhere, or nowhere, among the cells evaluated

    @property
    def auc(self) -> float:
        """Mean over the taxa; NaN when none could be evaluated."""
        return _mean([taxon.auc for taxon in self.taxa])

    @property
    def average_precision(self) -> float:
        """Mean over the taxa; NaN when none could be evaluated."""
        return _mean([taxon.average_precision for taxon in self.taxa])

    @property
    def chance_average_precision(self) -> float:
        """Mean over the taxa of the share of cells where the taxon is."""
        return _mean([taxon.present / (taxon.present + taxon.absent) for taxon in self.taxa])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; None for what could not be evaluated."""
        evaluated = bool(self.taxa)
        return {
            "auc": self.auc if evaluated else None,
            "ap": self.average_precision if evaluated else None,
            "ap_chance": self.chance_average_precision if evaluated else None,
            "taxa": [
                {
                    "taxon": taxon.taxon,
                    "present": taxon.present,
                    "absent": taxon.absent,
                    "auc": taxon.auc,
                    "ap": taxon.average_precision,
                }
                for taxon in self.taxa
            ],
            "skipped": list(self.skipped),
        }

    def table(self) -> Table:
        """For the console."""
        table = Table(columns=["taxon"], title=f"maps of {len(self.taxa):,} taxa against the truth")
        for name in ("present", "absent", "AUC", "AP"):
            table.add_column(name)
        for taxon in self.taxa:
            figures = (f"{taxon.present:,}", f"{taxon.absent:,}", f"{taxon.auc:.3f}", f"{taxon.average_precision:.3f}")
            table.add_row(taxon.taxon, *figures)
        table.add_section()
        table.add_row("mean", "", "", f"{self.auc:.3f}", f"{self.average_precision:.3f}")
        table.add_row("chance", "", "", "0.500", f"{self.chance_average_precision:.3f}")
        if self.skipped:
            table.caption = f"{len(self.skipped):,} taxa skipped: present everywhere or nowhere"
        return table


def evaluate_maps(
    taxa: Sequence[str],
    score: NDArray[np.float32],
    truth: NDArray[np.bool_],
    mask: NDArray[np.bool_] | None = None,
) -> MapReport:
    """Evaluate each taxon over its months and cells together.

    score, truth (taxa, ...): same shape, such as (taxa, months, rows, columns). mask: cells to evaluate, broadcast
    against one taxon's maps; all when None. Cells without a score (NaN) are not evaluated. Raises InputError when the
    shapes differ.
    """
    if score.shape != truth.shape or len(taxa) != len(score):
        raise InputError(
            f"{len(taxa):,} taxa, scores of shape {score.shape} and truth of shape {truth.shape} do not match; "
            "evaluate all on the same grid and months."
        )
    if mask is not None and score.ndim > 1:
        try:
            np.broadcast_to(mask, score.shape[1:])
        except ValueError as error:
            raise InputError(
                f"the mask has shape {mask.shape}, one taxon's maps {score.shape[1:]}; make it on the same grid."
            ) from error
    evaluated, skipped = [], []
    for taxon, one_score, one_truth in zip(taxa, score, truth, strict=True):
        known = ~np.isnan(one_score)
        if mask is not None:
            known &= mask
        values, present = one_score[known], one_truth[known]
        if present.all() or not present.any():
            skipped.append(taxon)
            continue
        auc, average_precision = map_scores(values, present)
        evaluated.append(
            TaxonMapScore(
                taxon=taxon,
                present=int(present.sum()),
                absent=int((~present).sum()),
                auc=auc,
                average_precision=average_precision,
            )
        )
    return MapReport(taxa=tuple(evaluated), skipped=tuple(skipped))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
