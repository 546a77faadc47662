"""What each kind of input is worth: fits without it beside the fit with all, by what they held out."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from birdsat.ranges.held_out import auc_by_taxon
from birdsat.ranges.model import RangeModel
from birdsat.tables import Table

ALL = "all"
_SHOWN = 20  # taxa of a table


@dataclass(frozen=True, kw_only=True, slots=True)
class Ablation:
    """Held-out AUC of every taxon, by all inputs and without each kind; NaN where nothing of it was held out."""

    taxa: tuple[str, ...]
    points: tuple[int, ...]  # of each taxon
    auc: Mapping[str, tuple[float, ...]]  # "all", "without chip", ...: of each taxon

    def mean(self, inputs: str) -> float:
        """Over the taxa of which anything was held out."""
        known = [one for one in self.auc[inputs] if not math.isnan(one)]
        return sum(known) / len(known) if known else math.nan

    def table(self) -> Table:
        """A row a taxon, of those with most records, below the mean of all."""
        table = Table(title="held-out AUC, fitted without", columns=["taxon", "records", *self.auc])
        table.add_row("mean of all", f"{sum(self.points):,}", *(_figure(self.mean(name)) for name in self.auc))
        table.add_section()
        order = sorted(range(len(self.taxa)), key=lambda label: (-self.points[label], self.taxa[label]))
        for label in order[:_SHOWN]:
            figures = (_figure(of_taxa[label]) for of_taxa in self.auc.values())
            table.add_row(self.taxa[label], f"{self.points[label]:,}", *figures)
        if len(order) > _SHOWN:
            table.caption = f"{len(order) - _SHOWN:,} taxa with fewer records are not shown"
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; None for a taxon of which nothing was held out."""
        return {
            "mean_auc": {name: _plain(self.mean(name)) for name in self.auc},
            "taxa": [
                {
                    "taxon": taxon,
                    "points": self.points[label],
                    "auc": {name: _plain(of_taxa[label]) for name, of_taxa in self.auc.items()},
                }
                for label, taxon in enumerate(self.taxa)
            ],
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Ablation":
        """From what `to_dict` gave."""
        rows = plain["taxa"]
        return cls(
            taxa=tuple(row["taxon"] for row in rows),
            points=tuple(row["points"] for row in rows),
            auc={
                name: tuple(math.nan if row["auc"][name] is None else float(row["auc"][name]) for row in rows)
                for name in plain["mean_auc"]
            },
        )


def ablate(model: RangeModel, inputs: Sequence[str], refit: Callable[[tuple[str, ...]], RangeModel]) -> Ablation | None:
    """Fit again without each kind of input that a model might learn from; None where its fit held nothing out.

    inputs: these kinds. A model that chose fewer is a column of its own beside a fit by all. refit: a fit to the same
    points by some of them, with the same blocks held out. With one kind there is nothing to do without.
    """
    if model.held_out is None:
        return None
    inputs = tuple(inputs)
    auc = {ALL: _by_taxon(model)}
    if model.facts.inputs != inputs:
        auc = {ALL: _by_taxon(refit(inputs)), f"{' + '.join(model.facts.inputs)}, as chosen": _by_taxon(model)}
    for name in inputs if len(inputs) > 1 else ():
        auc[f"without {name}"] = _by_taxon(refit(tuple(one for one in inputs if one != name)))
    return Ablation(taxa=model.facts.taxa, points=model.facts.points, auc=auc)


def _by_taxon(model: RangeModel) -> tuple[float, ...]:
    taxa = len(model.facts.taxa)
    if model.held_out is None:
        return (math.nan,) * taxa
    return tuple(auc_by_taxon(model.held_out.said(), taxa).tolist())


def _figure(auc: float) -> str:
    return "" if math.isnan(auc) else f"{auc:.3f}"


def _plain(auc: float) -> float | None:
    return None if math.isnan(auc) else auc
