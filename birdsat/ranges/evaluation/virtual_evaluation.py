"""Monthly maps of the virtual world's species against where they truly are."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.region import Region
from birdsat.ranges.evaluation.map_figures import MapReport, evaluate_maps
from birdsat.ranges.evaluation.range_centres import centre_distances
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.model import RangeModel
from birdsat.tables import Table
from birdsat.virtual.world import VirtualWorld

NEAR_KM = 500.0
_MONTHS = tuple(range(1, 13))


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualEvaluation:
    """Figures of monthly maps over the cells of a region, those of residents and migrants apart."""

    residents: MapReport
    migrants: MapReport
    centre_km: dict[str, float]  # of each migrant, the mean over months: how far the map's centre is from the true one
    passage_km: dict[str, float]  # the same over the months on passage; NaN of one that flies within a month
    near_months: float  # share of all migrants' months in which the map's centre is within NEAR_KM; NaN of none
    points: dict[str, int]  # of each species, after thinning

    @property
    def auc(self) -> float:
        """Mean over all species; NaN when none could be evaluated."""
        areas = [taxon.auc for taxon in (*self.residents.taxa, *self.migrants.taxa)]
        return float(np.mean(areas)) if areas else math.nan

    def table(self) -> Table:
        """A row for residents and one for migrants."""
        table = Table(
            title="monthly maps of the virtual world", columns=["species", "taxa", "AUC", "AP", "AP by chance"]
        )
        for name, report in (("residents", self.residents), ("migrants", self.migrants)):
            figures = report.auc, report.average_precision, report.chance_average_precision
            table.add_row(name, str(len(report.taxa)), *(f"{figure:.3f}" for figure in figures))
        distances = list(self.centre_km.values())
        if distances:
            on_passage = [km for km in self.passage_km.values() if not math.isnan(km)]
            near = np.count_nonzero(np.array(distances) <= NEAR_KM)
            table.caption = (
                "centre of a migrant's map from the true one, mean over its months: "
                f"{np.nanmean(distances):,.0f} km over all migrants, {np.nanmax(distances):,.0f} km at the farthest, "
                f"{near} of {len(distances)} within {NEAR_KM:g} km"
                + (f"; on passage {np.mean(on_passage):,.0f} km" if on_passage else "")
                + f"; {self.near_months:.0%} of single months within {NEAR_KM:g} km; mean AUC of all {self.auc:.3f}"
            )
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; None for what could not be evaluated."""
        return {
            "auc": None if math.isnan(self.auc) else self.auc,
            "residents": self.residents.to_dict(),
            "migrants": self.migrants.to_dict(),
            **{
                name: {taxon: None if math.isnan(km) else km for taxon, km in found.items()}
                for name, found in (("centre_km", self.centre_km), ("passage_km", self.passage_km))
            },
            "near_months": None if math.isnan(self.near_months) else self.near_months,
            "points": self.points,
        }


def evaluate_on_world(model: RangeModel, region: Region, world: VirtualWorld) -> VirtualEvaluation:
    """Every month of every taxon of a model, in all cells of a region of the world."""
    taxa = model.facts.taxa
    blocks = list(model.predict(iter_features(model, region), taxa, _MONTHS, applicability=False))
    score = np.concatenate([block.suitability for block in blocks], axis=2)  # (taxa, months, cells)
    cells = np.concatenate([block.cells for block in blocks])
    lon_lat, area = region.grid.centres(cells), region.grid.cell_area(cells)
    lon, lat = lon_lat.T
    truth = np.stack([[world.true_range(taxon, lon, lat, month) for month in _MONTHS] for taxon in taxa])
    moves = np.isin(taxa, world.migrants)
    centres = {
        taxa[label]: centre_distances(score[label], truth[label], lon_lat, area) for label in np.flatnonzero(moves)
    }
    monthly = np.concatenate([np.empty(0), *(found.km for found in centres.values())])
    return VirtualEvaluation(
        residents=_of_some(taxa, score, truth, ~moves),
        migrants=_of_some(taxa, score, truth, moves),
        centre_km={taxon: found.mean for taxon, found in centres.items()},
        passage_km={taxon: found.mean_on_passage for taxon, found in centres.items()},
        near_months=float(np.mean(monthly <= NEAR_KM)) if len(monthly) else math.nan,
        points=dict(zip(taxa, model.facts.points, strict=True)),
    )


def _of_some(
    taxa: tuple[str, ...], score: NDArray[np.float32], truth: NDArray[np.bool_], some: NDArray[np.bool_]
) -> MapReport:
    return evaluate_maps([taxon for taxon, kept in zip(taxa, some, strict=True) if kept], score[some], truth[some])
