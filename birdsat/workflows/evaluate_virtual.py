"""Range models judged on the virtual world, where the truth of every month is known."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.place import distance_km, unit_sphere
from birdsat.errors import ConfigError
from birdsat.files import write_atomic
from birdsat.imagery.open_imagery import open_imagery
from birdsat.observations.observation import Observation
from birdsat.observations.occurrence_grid import thin_to_grid
from birdsat.observations.occurrences import Occurrences
from birdsat.ranges.evaluation.map_figures import MapReport, evaluate_maps
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.records import Records
from birdsat.tables import Table
from birdsat.training.run_folder import load_run
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.embed_region import open_region_of
from birdsat.workflows.fit_ranges import fit_records
from birdsat.workflows.virtual_maps import MONTHS

JUDGED_VIRTUAL = "judged_virtual.json"
_MOST_DRAWN = 400  # observations for each that is wanted, before rare species are left with fewer
NEAR_KM = 500.0


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualJudgement:
    """Monthly maps of the virtual world's species against where they truly are, over the cells of a region."""

    residents: MapReport
    migrants: MapReport
    centre_km: dict[str, float]  # of each migrant, the mean over months: how far the map's centre is from the true one
    points: dict[str, int]  # of each species, after thinning

    @property
    def auc(self) -> float:
        """Mean over all species."""
        areas = [taxon.auc for taxon in (*self.residents.taxa, *self.migrants.taxa)]
        return float(np.mean(areas))

    def table(self) -> Table:
        """For the console."""
        table = Table(columns=["species"], title="monthly maps of the virtual world")
        for name in ("taxa", "AUC", "AP", "AP by chance"):
            table.add_column(name)
        for name, report in (("residents", self.residents), ("migrants", self.migrants)):
            figures = report.auc, report.average_precision, report.chance_average_precision
            table.add_row(name, str(len(report.taxa)), *(f"{figure:.3f}" for figure in figures))
        distances = list(self.centre_km.values())
        if distances:
            table.caption = (
                f"monthly centre of a migrant: {np.median(distances):,.0f} km from the true one (median), "
                f"{np.mean(np.array(distances) <= NEAR_KM):.0%} within {NEAR_KM:g} km; mean AUC of all {self.auc:.3f}"
            )
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "auc": self.auc,
            "residents": self.residents.to_dict(),
            "migrants": self.migrants.to_dict(),
            "centre_km": self.centre_km,
            "points": self.points,
        }


def judge_virtual(
    run_folder: Path, region_folder: Path, out: Path, *, points: int = 100, seed: int = 0
) -> VirtualJudgement:
    """Fit to `points` records of each species and judge every month; written to out/judged_virtual.json.

    The region says which virtual world it is. Observations are drawn anew with `seed`, near cities as always, until
    there are so many of each species in different cells or months. Raises
    ConfigError for a region of real imagery.
    """
    run = load_run(run_folder)
    region = open_region_of(run, region_folder)
    imagery = open_imagery(region.manifest.settings.imagery)
    world = imagery.virtual_world
    if world is None:
        raise ConfigError(f"{region_folder} is of {imagery.text}, whose true ranges are not known; take virtual:SEED.")
    drawn = _occurrences(list(_some_of_each(world, region.grid, points, seed)))
    thinned = thin_to_grid(drawn, region.grid)
    thinned = thinned.where(region.at(thinned.lon_lat, columns=()).found, reason="in a cell without imagery")
    records = Records(taxa=thinned, everything=drawn)
    model = fit_records(run, region, records, settings=RangeNetworkConfig(seed=seed), seed=seed)
    taxa = model.facts.taxa
    blocks = list(model.predict(iter_features(model, region), taxa, MONTHS))
    score = np.concatenate([block.probability for block in blocks], axis=2)  # (taxa, months, cells)
    lon_lat = region.grid.centres(np.concatenate([block.cells for block in blocks]))
    area = region.grid.cell_area(np.concatenate([block.cells for block in blocks]))
    truth = np.stack(
        [[world.true_range(taxon, lon_lat[:, 0], lon_lat[:, 1], month) for month in MONTHS] for taxon in taxa]
    )
    moves = np.isin(taxa, world.migrants)
    judged = VirtualJudgement(
        residents=_evaluate(taxa, score, truth, ~moves),
        migrants=_evaluate(taxa, score, truth, moves),
        centre_km={
            taxa[label]: _centre_km(score[label], truth[label], lon_lat, area) for label in np.flatnonzero(moves)
        },
        points=dict(zip(taxa, model.facts.points, strict=True)),
    )
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / JUDGED_VIRTUAL, json.dumps(judged.to_dict(), indent=2) + "\n")
    return judged


def _some_of_each(world: VirtualWorld, grid: AnyGrid, points: int, seed: int) -> Iterator[Observation]:
    """Until every species was seen in so many different cells or months; of rare ones there may be fewer."""
    seen: dict[str, set[tuple[int, int]]] = {taxon.name: set() for taxon in world.species}
    lacking = len(seen)
    # Another stream than any dataset's, whose seed is the world's.
    for observation in world.observations(_MOST_DRAWN * points, 1_000_003 + seed):
        place, date, there = observation.place, observation.date, seen[observation.taxon]
        if place is None or date is None or len(there) >= points:
            continue
        (cell,) = grid.cells_at(np.array([place.lon]), np.array([place.lat])).tolist()
        there.add((cell, date.month))
        yield observation
        lacking -= len(there) == points
        if not lacking:
            return


def _occurrences(observations: Sequence[Observation]) -> Occurrences:
    known = [(one.taxon, one.place, one.date) for one in observations if one.place is not None and one.date is not None]
    taxa = tuple(sorted({taxon for taxon, _, _ in known}))
    return Occurrences(
        taxa=taxa,
        label=np.array([taxa.index(taxon) for taxon, _, _ in known], dtype=np.int32),
        lon_lat=np.array([(place.lon, place.lat) for _, place, _ in known]),
        day=np.array([date.toordinal() for _, _, date in known], dtype=np.int32),
        rows=len(observations),
    )


def _evaluate(
    taxa: tuple[str, ...], score: NDArray[np.float32], truth: NDArray[np.bool_], some: NDArray[np.bool_]
) -> MapReport:
    return evaluate_maps([taxon for taxon, kept in zip(taxa, some, strict=True) if kept], score[some], truth[some])


def _centre_km(
    score: NDArray[np.float32], truth: NDArray[np.bool_], lon_lat: NDArray[np.float64], area: NDArray[np.float64]
) -> float:
    """Mean over the months of the distance between the centres of gravity of map and truth.

    The map's is that of as many of its likeliest square kilometres as the taxon truly has in that month.
    """
    sphere = unit_sphere(*lon_lat.T)
    far = []
    for likely, present in zip(score, truth, strict=True):
        if not present.any():
            continue
        order = np.argsort(-likely, kind="stable")
        kept = order[: int(np.searchsorted(np.cumsum(area[order]), area[present].sum())) + 1]
        ours, true = (_middle(sphere[rows], area[rows]) for rows in (kept, np.flatnonzero(present)))
        far.append(float(distance_km(*ours, *true)))
    return float(np.mean(far)) if far else float("nan")


def _middle(sphere: NDArray[np.float64], area: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y, z = (sphere * area[:, None]).sum(axis=0)
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
