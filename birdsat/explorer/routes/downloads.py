"""Files of a map to keep: made in a process of its own when first asked for, and kept."""

import hashlib
import shutil
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from birdsat.explorer.answers import file_answer
from birdsat.explorer.folder_sizes import bytes_in, oldest_first
from birdsat.explorer.routes.examples import bytes_of
from birdsat.explorer.routes.models import Model, Taxon
from birdsat.explorer.state import State, state_of
from birdsat.files import write_atomic

if TYPE_CHECKING:  # it imports torch
    from birdsat.explorer.served_model import ServedModel

router = APIRouter(prefix="/v1", tags=["downloads"])
Ending = Literal["tif", "gpkg", "csv", "png", "html"]
_KINDS = {
    "tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    "gpkg": "application/geopackage+sqlite3",
    "csv": "text/csv; charset=utf-8",
    "png": "image/png",
    "html": "text/html; charset=utf-8",
}
_MOST_KEPT_BYTES = 2 << 30


@router.get(
    "/models/{model}/maps/{taxon}/download.{ending}", response_class=Response, responses=bytes_of("a file to keep")
)
async def download(
    request: Request,
    model: Model,
    taxon: Taxon,
    ending: Ending,
    threshold: Annotated[
        float | None, Query(gt=0, le=1, description="Of a GeoPackage or report; max_sss without")
    ] = None,
    month: Annotated[int | None, Query(ge=0, le=11, description="Of a picture; 0 is January")] = None,
) -> Response:
    """A taxon's map as GeoTIFF, ranges as GeoPackage, a table of cells, a picture or a report."""
    state = state_of(request)
    path, name = await run_in_threadpool(_made, state, model, taxon, ending, threshold, month)
    return file_answer(path, _KINDS[ending], name)


def _made(
    state: State, model: str, name: str, ending: Ending, threshold: float | None, month: int | None
) -> tuple[FilePath, str]:
    served = state.site.model(model)
    taxon = served.taxon(name)
    dated = len(served.months) > 1
    months = [month + 1] if month is not None and dated and ending == "png" else list(served.months) if dated else []
    out = _folder(state, served, taxon, months)
    asked = {
        "ranges": str(served.served.folder),
        "region": None
        if served.served.kind != "ranges" or state.site.request.region is None
        else str(state.site.request.region),
        "taxon": taxon,
        "months": months,
        "threshold": None if threshold is None or ending not in ("gpkg", "html") else f"{threshold:.4g}",
        "ending": ending,
        "out": str(out),
    }
    made = out / f"{ending}-{asked['threshold']}.made"
    with state.turn(str(out)):  # files of one map are made of each other
        if not made.is_file() or not (path := FilePath(made.read_text(encoding="utf-8"))).is_file():
            _make_room(out.parent)
            path = FilePath(str(state.children.run("download", asked)["file"]))
            write_atomic(made, str(path))
    return path, f"{served.key_of[taxon]}{f'_{months[0]:02d}' if len(months) == 1 else ''}.{ending}"


def _folder(state: State, served: "ServedModel", taxon: str, months: list[int]) -> FilePath:
    """Of a map, whatever is made of it."""
    mark = hashlib.sha256(f"{served.arrays.folder.name} {taxon} {months}".encode()).hexdigest()[:24]
    return state.site.store / "downloads" / mark


def _make_room(folder: FilePath) -> None:
    """The oldest go when all together take too much."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = oldest_first(folder)
    sizes = [bytes_in(one) for one in kept]
    total = sum(sizes)
    for one, size in zip(kept, sizes, strict=True):
        if total <= _MOST_KEPT_BYTES:
            return
        shutil.rmtree(one, ignore_errors=True)
        total -= size
