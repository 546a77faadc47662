"""A small region of the benchmark of presence-only models: places of a wet, a dry and an upland species."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

SPECIES = ("xyz01", "xyz02", "xyz03")
_BOX = (145.0, -18.0, 146.0, -17.0)


def write_region(folder: Path, name: str = "xyz", *, sites: int = 150, groups: bool = False) -> None:
    """Its three files. Observers go to the west. groups: the last species is of a group of its own, with its own
    surveys."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    west, south, east, north = _BOX

    def places(count: int, biased: bool = False) -> NDArray[np.float64]:
        across = random.beta(1, 3, count) if biased else random.random(count)
        return np.stack([west + across * (east - west), south + random.random(count) * (north - south)], axis=1)

    looked = places(300, biased=True)
    rows, species = [], []
    for at, there in enumerate(_presence(looked).T):
        found = np.flatnonzero(there)[:60]
        rows.append(found)
        species += [SPECIES[at]] * len(found)
    of = ["bat" if groups and one == SPECIES[-1] else "bird" for one in species]
    at = looked[np.concatenate(rows)]
    _write(folder / f"{name}_train_presences.parquet", at, spid=species, occ=[1] * len(at), group=of)
    anywhere = places(400)
    none = pa.nulls(len(anywhere), pa.bool_())
    _write(folder / f"{name}_background.parquet", anywhere, spid=["pseudo1"] * len(anywhere), occ=[0] * 400, group=none)
    surveyed = places(sites)
    presence = _presence(surveyed).astype(int)
    if not groups:
        own = {one: presence[:, at] for at, one in enumerate(SPECIES)}
        _write(folder / f"{name}_test.parquet", surveyed, group=["bird"] * sites, **own)
        return
    for group, some in (("bird", (0, 1)), ("bat", (2,))):
        own = {SPECIES[at]: presence[:, at] for at in some}
        _write(folder / f"{name}_test_{group}.parquet", surveyed, group=[group] * sites, **own)


def _covariates(lon_lat: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    x, y = lon_lat[:, 0] - _BOX[0], lon_lat[:, 1] - _BOX[1]
    return {
        "rain": 1000 + 800 * np.sin(7 * x) * np.cos(5 * y),
        "height": (500 * (1 + np.cos(9 * y + 2 * x))).astype(np.int32),
        "soil": (1 + np.floor(3.999 * (0.5 + 0.5 * np.sin(11 * y)))).astype(np.int32),
    }


def _presence(lon_lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    values = _covariates(lon_lat)
    wet, high = values["rain"] > 1200, values["height"].astype(float) > 600
    return np.stack([wet, ~wet, high], axis=1)


def _write(path: Path, lon_lat: NDArray[np.float64], **columns: object) -> None:
    table = {"siteid": np.arange(len(lon_lat)), **columns, **_covariates(lon_lat)}
    pq.write_table(pa.table({**table, "lon": lon_lat[:, 0], "lat": lon_lat[:, 1]}), path)
