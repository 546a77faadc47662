"""A map on disk: a Cloud-Optimised GeoTIFF written by rows, with a JSON file beside it that says what it is."""

import datetime
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.cog import TILE, Cog, CogSink, create_cog
from birdsat.errors import ConfigError, InputError
from birdsat.files import atomic_path
from birdsat.locks import file_lock
from birdsat.maps.description import MapDescription, description_from, plain_figures

_BLOCK_BYTES = 64 << 20  # of the numbers that a reader holds at once


class MapSink:
    """Where a map's rows go; see `create_map`."""

    def __init__(self, description: MapDescription, cog: CogSink) -> None:
        self.description = description
        self.cells_with_value = 0  # in any month, of the rows so far
        self._cog = cog

    @property
    def next_row(self) -> int:
        """The row that must come next."""
        return self._cog.next_row

    def write(self, first_row: int, values: NDArray[np.float32]) -> None:
        """Write rows (bands, r, columns) of every band, in the order of `MapDescription.band_names`; NaN is nodata.

        first_row: position of the first in the grid; rows come in order from the north. Raises InputError when they
        do not, or do not fit, for numbers that are not finite, and when the disk refuses them.
        """
        if np.isinf(values).any():
            raise InputError(f"rows from {first_row} hold an infinite value; where there is none, write NaN.")
        self._cog.write(first_row, values)
        layers = values[: len(self.description.layers)]
        self.cells_with_value += int(np.count_nonzero(~np.isnan(layers).all(axis=0)))


@contextmanager
def create_map(path: Path, description: MapDescription) -> Iterator[MapSink]:
    """Write the map `path` (.tif) by rows, and `path` with .json, which tells people and programs what it is.

        with create_map(Path("maps/Corvus_corax.tif"), description) as sink:
            sink.write(0, values)  # (bands, r, columns) float32

    Both files appear when the block ends without an error and every row was written, and neither otherwise; one after
    the other, so a process that is killed in between leaves the JSON of the map before. Memory holds the rows at hand
    alone. Raises ConfigError for another ending, InputError when rows are missing, or when the disk refuses a file,
    BusyError when another process is writing the same map.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ConfigError(f"a map is a GeoTIFF, and {path} does not end in .tif; name it so.")
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    tags = description.tags(created)
    with (
        _claimed(path) as partial,
        create_cog(
            path,
            description.grid,
            band_names=description.band_names,
            long_names=description.band_meanings,
            tags=tags,
        ) as cog,
    ):
        sink = MapSink(description, cog)
        yield sink
        try:
            partial.write_text(json.dumps(_sidecar(sink, created), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error}); check the free disk space.") from error


@contextmanager
def _claimed(path: Path) -> Iterator[Path]:
    """Be the only one who writes a map; the path under which its JSON is written meanwhile."""
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(path))
            partial = stack.enter_context(atomic_path(sidecar_path(path)))
        except OSError as error:
            raise InputError(
                f"{path} cannot be written ({error}); check the folder and the free disk space."
            ) from error
        yield partial


def sidecar_path(path: Path) -> Path:
    """Where the JSON of a map lies."""
    return path.with_suffix(".json")


@dataclass(frozen=True, kw_only=True, slots=True)
class MapLayers:
    """Numbers of a map in some window of its grid, or over all of it on a coarser one."""

    value: NDArray[np.float32]  # (layers, h, w); NaN where there is none
    std: NDArray[np.float32] | None  # (layers, h, w) standard deviations over an ensemble; None: not in this map
    applicability: NDArray[np.float32] | None  # (h, w) 1 inside, 0 outside, NaN where unknown; None: not in this map
    low: NDArray[np.float32] | None = None  # (layers, h, w) bounds of intervals; None: not in this map
    high: NDArray[np.float32] | None = None
    first_row: int = 0  # of the window, in the grid
    first_column: int = 0

    @property
    def doubt(self) -> NDArray[np.float32] | None:
        """(layers, h, w) what `MapDescription.doubt` names."""
        if self.low is not None and self.high is not None:
            return self.high - self.low
        return self.std


class MapFile:
    """A map that `create_map` wrote, open for reading. Used by one thread.

    Raises InputError for a file that is not such a map.
    """

    def __init__(self, path: Path) -> None:
        self._cog = Cog(path)
        try:
            self.description = description_from(self._cog.tags, self._cog.band_names)
            grid = self.description.grid
            if (self._cog.epsg, self._cog.shape) != (grid.epsg, grid.shape) or not np.allclose(
                self._cog.affine, grid.affine, rtol=0, atol=1e-6 * grid.step
            ):
                raise InputError("its cells are not where its tags say; give the file as birdsat wrote it.")
        except InputError as error:
            self._cog.close()
            raise InputError(f"{path} is not a map of birdsat: {error}") from error
        self.path = path
        self.created = self._cog.tags.get("created", "")

    def close(self) -> None:
        self._cog.close()

    def __enter__(self) -> "MapFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def read(self, rows: slice = slice(None), columns: slice = slice(None)) -> MapLayers:
        """The numbers of some rows and columns."""
        bands = self._cog.read(range(len(self.description.band_names)), rows, columns)
        first_row, first_column = rows.indices(self._cog.shape[0])[0], columns.indices(self._cog.shape[1])[0]
        return self._layers(bands, first_row, first_column)

    def blocks(self) -> Iterator[MapLayers]:
        """All of the map in windows of whole tiles, from the north-west; memory does not grow with the map."""
        rows, columns = self._cog.shape
        tile_bytes = len(self.description.band_names) * TILE * TILE * np.dtype(np.float32).itemsize
        width = TILE * max(1, _BLOCK_BYTES // tile_bytes)
        for top in range(0, rows, TILE):
            for left in range(0, columns, width):
                yield self.read(slice(top, top + TILE), slice(left, left + width))

    def decimated(self, most: int) -> MapLayers:
        """The whole map, averaged so that neither side has more than `most` cells."""
        return self._layers(self._cog.decimated(range(len(self.description.band_names)), most), 0, 0)

    def _layers(self, bands: NDArray[np.float32], first_row: int, first_column: int) -> MapLayers:
        about = self.description
        count, end = len(about.layers), len(bands) - about.applicability
        return MapLayers(
            value=bands[:count],
            std=bands[count : 2 * count] if about.std else None,
            low=None if about.interval is None else bands[end - 2 * count : end - count],
            high=None if about.interval is None else bands[end - count : end],
            applicability=bands[-1] if about.applicability else None,
            first_row=first_row,
            first_column=first_column,
        )


def _sidecar(sink: MapSink, created: str) -> dict[str, object]:
    """What the JSON beside a map says."""
    about = sink.description
    grid = about.grid
    return {
        "taxon" if about.is_taxon else "title": about.title,
        **({"common_name": about.common_name} if about.common_name else {}),
        "quantity": about.quantity.name,
        "quantity_explanation": about.quantity.explanation,
        "units": about.quantity.units,
        "months": list(about.months),
        "dated": about.dated,
        "model": about.model,
        "created": created,
        "calibrated": about.calibrated,
        "evaluated": about.evaluated,
        "cautions": list(about.cautions),
        "evaluation": plain_figures(about.evaluation),
        "sources": dict(about.sources),
        **about.making.to_dict(),
        "grid": {
            "box": [grid.box.west, grid.box.south, grid.box.east, grid.box.north],
            "step": grid.step_text,
            "epsg": grid.epsg,
            "rows": grid.rows,
            "columns": grid.columns,
        },
        **({} if about.interval is None else {"interval": about.interval}),
        "bands": list(about.band_names),
        "cells_with_value": sink.cells_with_value,
        "cells_without_value": grid.rows * grid.columns - sink.cells_with_value,
    }
