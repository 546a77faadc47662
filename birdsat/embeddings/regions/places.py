"""Given places, embedded as the cells of a grid are."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.embeddings.regions.cut_chips import cut_places
from birdsat.embeddings.regions.embed_cells import HARMONICS, HalfOrFloat, check_method, embed_cut, kept_harmonics
from birdsat.errors import ConfigError, PlaceError
from birdsat.imagery.ground_sizes import sizes_text
from birdsat.imagery.sources import ChipSource
from birdsat.training.run_folder import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedPlaces:
    """What the chips of n places say."""

    found: NDArray[np.bool_]  # (n,) whether there is imagery, of every ground size
    chip: NDArray[np.float32]  # (n, f) as in `RegionBlock`; NaN where not found
    year: NDArray[np.float32]  # (n, 1 + 2 K, d) as in `RegionBlock`; NaN where not found


def embed_places(
    run: Run,
    chips: ChipSource,
    lon_lat: NDArray[np.float64],
    *,
    harmonics: int = HARMONICS,
    workers: int = 0,
    device: torch.device | str | None = None,
) -> EmbeddedPlaces:
    """Embed places (n, 2), in degrees, longitude first, by a run: to the numbers that cells centred on them get.

    chips: of the run's ground sizes, as `imagery.chips(ground_km=run.chip_ground_km, px=run.chip_px)` gives.
    harmonics, workers and device as in `embed_cells`.

    Raises InputError for a method that sees no chips, and for imagery that is damaged; ConfigError for a chip source of
    more or fewer ground sizes than the run's; PlaceError for a place that is not on Earth, and when none has imagery.
    """
    check_method(run.method)
    _check_chips(run, chips)
    kept = kept_harmonics(run.method, harmonics)
    cuts = cut_places(lon_lat, chips, px=run.chip_px, workers=workers)
    blocks = [block for block in (embed_cut(run.method, cut, kept, device)[0] for cut in cuts) if len(block)]
    if not blocks:
        raise PlaceError(f"none of the {len(lon_lat):,} places has imagery; give imagery that covers them.")
    rows = np.concatenate([block.cells for block in blocks])
    found = np.zeros(len(lon_lat), dtype=np.bool_)
    found[rows] = True

    def filled(values: list[HalfOrFloat]) -> NDArray[np.float32]:
        out = np.full((len(lon_lat), *values[0].shape[1:]), np.nan, dtype=np.float32)
        out[rows] = np.concatenate(values)
        return out

    return EmbeddedPlaces(
        found=found, chip=filled([block.chip for block in blocks]), year=filled([block.year for block in blocks])
    )


def _check_chips(run: Run, chips: ChipSource) -> None:
    """Raises ConfigError when the chip source does not give as many ground sizes as the run learned from."""
    given = len(chips.ground_km)
    if given != len(run.chip_ground_km):
        raise ConfigError(
            f"{run.path} learned from chips of {sizes_text(run.chip_ground_km)}, and the chips given are of {given} "
            "ground size(s); open them with the run's own."
        )
