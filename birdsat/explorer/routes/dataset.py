"""A dataset to look through: its card, rows, images, a scatter of its photos, and what is mistaken for what."""

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from birdsat.explorer.answers import NotFoundError, bytes_answer, json_answer
from birdsat.explorer.routes.examples import answers, bytes_of
from birdsat.explorer.routes.jobs import add_job
from birdsat.explorer.routes.models import Lat, Lon
from birdsat.explorer.scatter_files import ScatterFiles
from birdsat.explorer.state import State, state_of

if TYPE_CHECKING:
    from birdsat.explorer.dataset_rows import DatasetRows

router = APIRouter(prefix="/v1/dataset", tags=["dataset"])
of_places = APIRouter(tags=["dataset"])
Row = Annotated[int, Path(ge=0, lt=1 << 40)]
_KEPT = "public, max-age=3600"
_BEING_MADE: dict[int | str, dict[str, Any]] = {202: {"description": "It is being made: a job"}}


def _rows(state: State) -> "DatasetRows":
    folder = state.site.request.dataset
    if folder is None:
        raise NotFoundError("no dataset was named when the explorer was started.")
    from birdsat.explorer.dataset_rows import DatasetRows

    return state.kept("dataset", lambda: DatasetRows(FilePath(folder)))


@router.get("", responses=answers("dataset"))
def dataset(request: Request) -> Response:
    """What the dataset holds, with its card."""
    return json_answer(request, _rows(state_of(request)).about())


@router.get("/rows", responses=answers("rows"))
def rows(
    request: Request,
    taxon: Annotated[str, Query(max_length=200)] = "",
    split: Literal["", "train", "val", "test"] = "",
    month: Annotated[int | None, Query(ge=0, le=11)] = None,
    offset: Annotated[int, Query(ge=0, lt=1 << 40)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 60,
) -> Response:
    """Some of the rows that fit."""
    found = _rows(state_of(request)).rows(taxon=taxon, split=split, month=month, offset=offset, limit=limit)
    return json_answer(request, found)


@router.get("/photo/{row}.jpg", response_class=Response, responses=bytes_of("a photo", "image/jpeg"))
def photo(request: Request, row: Row) -> Response:
    """The photo of a row."""
    return _image(request, "photo", row)


@router.get("/chip/{row}.png", response_class=Response, responses=bytes_of("a picture", "image/png"))
def chip(request: Request, row: Row) -> Response:
    """The satellite picture of a row."""
    return _image(request, "chip", row)


@router.get("/scatter", responses={**answers("scatter"), **_BEING_MADE})
def scatter(request: Request) -> Response:
    """The photos of the dataset in two dimensions, those that look alike to the run near each other. Made when first
    asked for, which takes a while: the answer is then 202 and the job to follow."""
    state = state_of(request)
    found, made = _rows(state), _scatter(state)
    if not made.made:
        return _being_made(request, made)
    said = {
        "n": made.rows,
        "taxa": list(found.dataset.taxa),
        "families": found.families(),
        "points_url": "v1/dataset/scatter.bin",
        "explanation": "two directions in which the photos' embeddings differ most (principal components)",
    }
    return json_answer(request, said)


@router.get(
    "/scatter.bin",
    response_class=Response,
    responses=bytes_of("float32: x and y of n, then int32: rows of n, int32: taxa of n"),
)
def scatter_points(request: Request) -> Response:
    """The points."""
    made = _scatter(state_of(request))
    if not made.made:
        raise NotFoundError("it has not been made yet; ask for v1/dataset/scatter first.")
    return bytes_answer(request, made.points.read_bytes(), "application/octet-stream")


@of_places.get("/v1/place/photos", responses={**answers("place_photos"), **_BEING_MADE})
def place_photos(
    request: Request,
    lon: Lon,
    lat: Lat,
    month: Annotated[int | None, Query(ge=0, le=11, description="0 is January; the whole year without")] = None,
    most: Annotated[int, Query(ge=1, le=100)] = 12,
) -> Response:
    """The photos of the dataset that are most like a place, to the run. The first time the answer is 202 and the job
    to follow, as of the scatter."""
    state = state_of(request)
    asked, rows, made = state.site.request, _rows(state), _scatter(state)
    if not state.site.has_place_photos:
        raise NotFoundError(
            "neither imagery nor a region of the run was named when the explorer was started, by which places would be "
            "compared with photos."
        )
    if not made.made:
        return _being_made(request, made)
    from birdsat.explorer.place_photos import PlacePhotos

    region = None if asked.region is None else FilePath(asked.region)
    opened = state.kept(
        f"photos {made.folder.name}",
        lambda: PlacePhotos(FilePath(str(asked.run)), rows, made, region=region, imagery=asked.imagery),
    )
    return json_answer(request, opened.answer(lon, lat, month, most))


@router.get("/confusions", responses=answers("confusions"))
def confusions(request: Request) -> Response:
    """Which taxa the run mistakes for which."""
    from birdsat.explorer.dataset_rows import confusions_of

    run = state_of(request).site.request.run
    if run is None:
        raise NotFoundError("no run was named when the explorer was started.")
    return json_answer(request, {"rows": confusions_of(FilePath(run))})


def _scatter(state: State) -> ScatterFiles:
    asked = state.site.request
    if asked.run is None:
        raise NotFoundError("no run was named when the explorer was started, which the photos would be compared by.")
    from birdsat.explorer.site import mark_of

    mark = mark_of(FilePath(asked.run) / "model.safetensors", FilePath(str(asked.dataset)) / "manifest.json")
    return ScatterFiles(folder=state.site.store / "scatter" / mark)


def _being_made(request: Request, made: ScatterFiles) -> Response:
    """The job that makes it, begun where none is at work."""
    state = state_of(request)
    waiting = [job for job in state.jobs.all() if job.verb == "scatter" and job.state in ("queued", "running")]
    asked = {"run": str(state.site.request.run), "dataset": str(state.site.request.dataset), "out": str(made.folder)}
    job = waiting[0] if waiting else add_job(state, "scatter", asked)
    return json_answer(request, job.to_dict(), 202)


def _image(request: Request, name: str, row: int) -> Response:
    data = _rows(state_of(request)).image(name, row)
    kind = next((kind for start, kind in _KINDS if data.startswith(start)), "application/octet-stream")
    return bytes_answer(request, data, kind, cache=_KEPT)


_KINDS = ((b"\xff\xd8", "image/jpeg"), (b"\x89PNG", "image/png"), (b"RIFF", "image/webp"), (b"GIF8", "image/gif"))
