"""Files that are sent: records and photos."""

import itertools
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from birdsat.errors import InputError
from birdsat.explorer.answers import JSON, NotFoundError, OverloadError, bytes_answer, json_answer
from birdsat.explorer.asked_jobs import check_asked
from birdsat.explorer.names import DROPPED_FILE, LOCATED_CELLS_FILE, LOCATED_FILE, POINTS_FILE, THUMB_FILE
from birdsat.explorer.routes.examples import answers, bytes_of
from birdsat.explorer.routes.jobs import add_job
from birdsat.explorer.state import state_of
from birdsat.explorer.table_answers import answered

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])
Id = Annotated[str, Path(max_length=40, description="Id of an upload", examples=["0123456789abcdef0123456789abcdef"])]
_NOT_CHECKED = "this table has not been checked yet; ask for the check first."
_READ_AS: dict[str, Any] = {
    "as it is": {"summary": "As it is", "value": {}},
    "columns": {
        "summary": "With columns of names of its own",
        "value": {"columns": {"taxon": "Art", "lon": "Rechtswert", "lat": "Hochwert"}, "crs": "EPSG:25832"},
    },
}
_PART = 1 << 18
_MOST_ARRIVING = 8  # files, each of which may take its room twice meanwhile
_arriving = 0
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.get("", responses=answers("uploads"))
def uploads(request: Request) -> Response:
    """All uploads, the newest first, and how much room they take."""
    kept = state_of(request).uploads
    said = {
        "uploads": [one.to_dict() for one in kept.all()],
        "bytes": kept.used_bytes(),
        "quota_bytes": kept.quota_bytes,
    }
    return json_answer(request, said)


@router.post("", status_code=201, responses=answers("upload", 201), openapi_extra=_FORM)
async def send(request: Request) -> Response:
    """Send a table of records (CSV, Parquet, a GBIF download) or a photo. It stays on this machine."""
    global _arriving
    if _arriving >= _MOST_ARRIVING:
        raise OverloadError("several files arrive already; send it in a few seconds.", retry_after_s=3)
    state_of(request).uploads.check_count()  # before a large file comes for nothing
    _arriving += 1
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise InputError(
                    "the form has no file called `file`; send one as multipart/form-data.", settings=("file",)
                )
            upload = await state_of(request).uploads.add(file.filename or "file", _parts(file))
    except HTTPException as error:  # of a body that is not a form
        raise InputError(f"{error.detail}; send one file as multipart/form-data.") from error
    finally:
        _arriving -= 1
    return json_answer(request, upload.to_dict(), 201)


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_PART):
        yield part


@router.delete("/{upload}", status_code=204, responses={204: {"description": "Gone"}, **answers("upload")})
def delete(request: Request, upload: Id) -> Response:
    """Remove an upload from the disk, with what was made of it but the models."""
    kept = state_of(request).uploads
    kept.delete(kept.get(upload))
    return Response(status_code=204)


@router.post("/{upload}/check", status_code=202, responses=answers("job", 202))
def check(
    request: Request, upload: Id, asked: Annotated[dict[str, Any] | None, Body(openapi_examples=_READ_AS)] = None
) -> Response:
    """Read a table, and say what becomes of each of its rows. Where its reader cannot tell, the body says which column
    holds what, and in which CRS places are; the error of the job lists the columns."""
    state, how = state_of(request), asked or {}
    found = state.uploads.get(upload)
    if found.kind != "records":
        raise InputError(f"{found.name} is a photo; records are checked.")
    check_asked(how, "a check", "columns", "crs")
    told = {
        "upload": found.id,
        "folder": str(state.uploads.folder(found)),
        "file": state.uploads.file(found),
        "name": found.name,
        **answered(how, ("columns", "crs")),
    }
    return json_answer(request, add_job(state, "check", told).to_dict(), 202)


@router.get("/{upload}/dropped.csv", response_class=Response, responses=bytes_of("a table", "text/csv"))
def dropped(request: Request, upload: Id, limit: Annotated[int, Query(ge=1, le=100_000)] = 1000) -> Response:
    """The rows that are not used, with the reasons; of a table that was checked."""
    state = state_of(request)
    path = state.uploads.folder(state.uploads.get(upload)) / DROPPED_FILE
    try:
        with path.open("rb") as file:
            data = b"".join(itertools.islice(file, limit + 1))
    except FileNotFoundError:
        raise NotFoundError(_NOT_CHECKED) from None
    return bytes_answer(request, data, "text/csv; charset=utf-8")


@router.get("/{upload}/records.json", responses=answers("records"))
def records(request: Request, upload: Id) -> Response:
    """Places and months of the rows that are used; of a table that was checked."""
    state = state_of(request)
    path = state.uploads.folder(state.uploads.get(upload)) / POINTS_FILE
    if not path.is_file():
        raise NotFoundError(_NOT_CHECKED)
    return bytes_answer(request, path.read_bytes(), JSON)


@router.get("/{upload}/thumb.jpg", response_class=Response, responses=bytes_of("a small picture", "image/jpeg"))
async def thumb(request: Request, upload: Id) -> Response:
    """A photo, small. It is decoded in a process of its own."""
    state = state_of(request)
    found = state.uploads.get(upload)
    if found.kind != "photo":
        raise NotFoundError(f"{found.name} is not a photo.")
    folder = state.uploads.folder(found)
    if not (folder / THUMB_FILE).is_file():
        asked = {"folder": str(folder), "file": state.uploads.file(found), "name": found.name}
        await run_in_threadpool(state.children.run, "thumb", asked)
    return bytes_answer(request, (folder / THUMB_FILE).read_bytes(), "image/jpeg")


@router.get("/{upload}/located.bin", response_class=Response, responses=bytes_of("uint8: n"))
def located(request: Request, upload: Id) -> Response:
    """Where a photo may have been taken: how likely each cell is."""
    return _located(request, upload, LOCATED_FILE)


@router.get(
    "/{upload}/located-cells.bin",
    response_class=Response,
    responses=bytes_of("int32: n, then positions of n cells, row by row"),
)
def located_cells(request: Request, upload: Id) -> Response:
    """Positions of these cells."""
    return _located(request, upload, LOCATED_CELLS_FILE)


def _located(request: Request, upload: str, name: str) -> Response:
    state = state_of(request)
    path = state.uploads.folder(state.uploads.get(upload)) / name
    if not path.is_file():
        raise NotFoundError("this photo has not been located yet; ask for the job `locate` first.")
    return bytes_answer(request, path.read_bytes(), "application/octet-stream")
