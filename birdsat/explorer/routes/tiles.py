"""Squares of maps, for rasters that are too large to be sent whole: satellite imagery, and models of many cells."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from numpy.typing import NDArray
from PIL import Image

from birdsat.earth.raster_tiles import TILE_PX, RasterTiles, check_tile, tile_lon_lat
from birdsat.explorer.answers import NotFoundError, bytes_answer, json_answer
from birdsat.explorer.arrays import MISSING
from birdsat.explorer.routes.examples import answers, bytes_of
from birdsat.explorer.routes.models import Layer, Model, Taxon
from birdsat.explorer.state import state_of

if TYPE_CHECKING:  # it imports torch
    from birdsat.explorer.served_model import ServedModel

router = APIRouter(prefix="/v1/tiles", tags=["tiles"])
Z = Annotated[int, Path(ge=0, le=22)]
XY = Annotated[int, Path(ge=0, lt=1 << 22)]
_OPEN = 4  # readers of one raster


class TilePool:
    """A raster opened a few times: a reader serves one thread at a time."""

    def __init__(self, path: FilePath) -> None:
        self._path, self._free, self._lock = path, [RasterTiles(path)], threading.Lock()
        self._room = threading.Semaphore(_OPEN)

    @contextmanager
    def reader(self) -> Iterator[RasterTiles]:
        with self._room:
            with self._lock:
                found = self._free.pop() if self._free else None
            found = found or RasterTiles(self._path)
            try:
                yield found
            finally:
                with self._lock:
                    self._free.append(found)


class CellTiles:
    """Where the pixels of tiles lie among a model's cells."""

    def __init__(self, served: "ServedModel") -> None:
        self._served = served

    @cached_property
    def _index(self) -> NDArray[np.int32]:
        index = np.full(self._served.region.grid.cells, -1, np.int32)
        index[self._served.cells] = np.arange(len(self._served.cells), dtype=np.int32)
        return index

    def tile(self, values: NDArray[np.uint8], z: int, x: int, y: int) -> NDArray[np.uint8]:
        """(256, 256) of values (n,); MISSING where there is no cell."""
        grid = self._served.region.grid
        lon, lat = tile_lon_lat(z, x, y)
        column = grid.cells_at(lon, np.full(TILE_PX, grid.lat[0])) % grid.columns
        outside = grid.cells_at(lon, np.full(TILE_PX, grid.lat[0])) < 0
        rows = grid.cells_at(np.full(TILE_PX, grid.lon[0]), lat)
        first = np.where(rows < 0, -1, rows // grid.columns)
        cells = first[:, None] * grid.columns + column[None]
        at = np.where((first < 0)[:, None] | outside[None], -1, self._index[np.maximum(cells, 0)])
        return np.where(at >= 0, values[np.maximum(at, 0)], MISSING).astype(np.uint8)


@router.get("", responses=answers("tiles"))
def tiles(request: Request) -> Response:
    """Which tiles there are beside those of the models."""
    return json_answer(request, tiles_of(state_of(request).site.request.imagery))


def tiles_of(imagery: str | None) -> list[dict[str, Any]]:
    """Those of imagery that is a file."""
    if imagery is None or not FilePath(imagery).is_file():
        return []
    url = "v1/tiles/imagery/{z}/{x}/{y}.png"
    return [
        {
            "name": "imagery",
            "title": f"Satellite picture ({FilePath(imagery).name})",
            "url": url,
            "minzoom": 0,
            "maxzoom": 14,
            "bounds": [-180, -85.06, 180, 85.06],
            "legend": None,
        }
    ]


@router.get("/imagery/{z}/{x}/{y}.png", response_class=Response, responses=bytes_of("256 pixels", "image/png"))
def imagery(request: Request, z: Z, x: XY, y: XY) -> Response:
    """A square of the imagery."""
    state = state_of(request)
    name = state.site.request.imagery
    if not tiles_of(name):
        raise NotFoundError("no imagery was named when the explorer was started.")
    assert name is not None
    pool = state.kept("imagery tiles", lambda: TilePool(FilePath(name)))
    check_tile(z, x, y)

    def made() -> bytes:
        with pool.reader() as reader:
            return _png(reader.tile(z, x, y))

    tile = state.tiles.get(f"imagery {z}/{x}/{y}", made)
    return bytes_answer(request, tile, "image/png", cache="public, max-age=3600")


@router.get(
    "/models/{model}/{taxon}/{layer}/{month}/{z}/{x}/{y}.png",
    response_class=Response,
    responses=bytes_of("256 pixels of grey: the bytes of the layer", "image/png"),
)
def model_tile(
    request: Request,
    model: Model,
    taxon: Taxon,
    layer: Layer,
    month: Annotated[int, Path(ge=0, le=11)],
    z: Z,
    x: XY,
    y: XY,
) -> Response:
    """A square of a layer of a taxon's map: its bytes as grey, 255 where nothing is known."""
    check_tile(z, x, y)
    state = state_of(request)
    served = state.site.model(model)
    key = served.key_of[served.taxon(taxon)]

    def opened() -> NDArray[np.uint8]:
        values = served.layer_array(served.taxon(taxon), layer)
        if values is None:
            raise NotFoundError(f"this map has no layer {layer[:40]!r}.")
        return values

    def made() -> bytes:
        values = state.kept(f"{served.arrays.folder} {key} {layer}", opened)
        of = state.kept(f"{served.arrays.folder} cells", lambda: CellTiles(served))
        return _png(of.tile(values[min(month, len(values) - 1)], z, x, y))

    tile = state.tiles.get(f"{served.arrays.folder} {key} {layer} {month} {z}/{x}/{y}", made)
    return bytes_answer(request, tile, "image/png")


def _png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
