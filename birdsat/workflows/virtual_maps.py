"""Maps of the virtual world's species beside where they truly are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.box import Box
from birdsat.earth.grid import Grid
from birdsat.embeddings.taxa import TaxonMeans
from birdsat.imagery.sources import ChipSource
from birdsat.maps.photo_scores import MapScores, predict_maps
from birdsat.methods.method import Method
from birdsat.progress import QUIET, Progress
from birdsat.ranges.evaluation.map_figures import MapReport, evaluate_maps
from birdsat.virtual.world import VirtualWorld

MONTHS = tuple(range(1, 13))


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualMaps:
    """Every species that has training photos, in every month, over all land."""

    taxa: tuple[str, ...]
    maps: MapScores
    truth: NDArray[np.bool_]  # (taxa, months, rows, columns)
    land: NDArray[np.bool_]  # (rows, columns)
    report: MapReport


def map_virtual_world(
    method: Method,
    means: TaxonMeans,
    world: VirtualWorld,
    chips: ChipSource,
    *,
    step: float,
    workers: int = 0,
    progress: Progress = QUIET,
) -> VirtualMaps:
    """Map the world in cells of `step` degrees, and evaluate the maps."""
    grid = Grid(Box(-180, -90, 180, 90), step)
    taxa = tuple(taxon for taxon, photos in zip(means.taxa, means.photos, strict=True) if photos > 0)
    lon, lat = (grid.lon[None, :] + 180) % 360 - 180, grid.lat[:, None]
    land = world.land(lon, lat)
    maps = predict_maps(
        method, means.vectors(taxa), grid, MONTHS, chips, where=land, workers=workers, progress=progress
    )
    truth = np.stack([[world.true_range(taxon, lon, lat, month) for month in MONTHS] for taxon in taxa])
    return VirtualMaps(
        taxa=taxa, maps=maps, truth=truth, land=land, report=evaluate_maps(taxa, maps.score, truth, land)
    )
