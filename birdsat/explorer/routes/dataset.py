"""A dataset to look through: its card, rows, images, a scatter of its photos, and what is mistaken for what."""

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from birdsat.explorer.answers import NotFoundError, bytes_answer, json_answer
from birdsat.explorer.names import SCATTER_FILE
from birdsat.explorer.routes.examples import answers, bytes_of
from birdsat.explorer.routes.jobs import add_job
from birdsat.explorer.state import State, state_of

if TYPE_CHECKING:
    from birdsat.explorer.dataset_rows import DatasetRows

router = APIRouter(prefix="/v1/dataset", tags=["dataset"])
Row = Annotated[int, Path(ge=0, lt=1 << 40)]
_KEPT = "public, max-age=3600"


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


@router.get("/scatter", responses={**answers("scatter"), 202: {"description": "It is being made: a job"}})
def scatter(request: Request) -> Response:
    """The photos of the dataset in two dimensions, those that look alike to the run near each other. Made when first
    asked for, which takes a while: the answer is then 202 and the job to follow."""
    state = state_of(request)
    found = _rows(state)
    path = _scatter_file(state)
    if path.is_file():
        n = path.stat().st_size // 16
        said = {
            "n": n,
            "taxa": list(found.dataset.taxa),
            "families": found.families(),
            "points_url": "v1/dataset/scatter.bin",
            "explanation": "two directions in which the photos' embeddings differ most (principal components)",
        }
        return json_answer(request, said)
    waiting = [job for job in state.jobs.all() if job.verb == "scatter" and job.state in ("queued", "running")]
    asked = {"run": str(state.site.request.run), "dataset": str(state.site.request.dataset), "out": str(path)}
    job = waiting[0] if waiting else add_job(state, "scatter", asked)
    return json_answer(request, job.to_dict(), 202)


@router.get(
    "/scatter.bin",
    response_class=Response,
    responses=bytes_of("float32: x and y of n, then int32: rows of n, int32: taxa of n"),
)
def scatter_points(request: Request) -> Response:
    """The points."""
    path = _scatter_file(state_of(request))
    if not path.is_file():
        raise NotFoundError("it has not been made yet; ask for v1/dataset/scatter first.")
    return bytes_answer(request, path.read_bytes(), "application/octet-stream")


@router.get("/confusions", responses=answers("confusions"))
def confusions(request: Request) -> Response:
    """Which taxa the run mistakes for which."""
    from birdsat.explorer.dataset_rows import confusions_of

    run = state_of(request).site.request.run
    if run is None:
        raise NotFoundError("no run was named when the explorer was started.")
    return json_answer(request, {"rows": confusions_of(FilePath(run))})


def _scatter_file(state: State) -> FilePath:
    asked = state.site.request
    if asked.run is None:
        raise NotFoundError("no run was named when the explorer was started, which the photos would be compared by.")
    from birdsat.explorer.site import mark_of

    mark = mark_of(FilePath(asked.run) / "model.safetensors", FilePath(str(asked.dataset)) / "manifest.json")
    return state.site.store / "scatter" / mark / SCATTER_FILE


def _image(request: Request, name: str, row: int) -> Response:
    data = _rows(state_of(request)).image(name, row)
    kind = next((kind for start, kind in _KINDS if data.startswith(start)), "application/octet-stream")
    return bytes_answer(request, data, kind, cache=_KEPT)


_KINDS = ((b"\xff\xd8", "image/jpeg"), (b"\x89PNG", "image/png"), (b"RIFF", "image/webp"), (b"GIF8", "image/gif"))
