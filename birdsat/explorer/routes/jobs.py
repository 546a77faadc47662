"""Long work: asked for, followed, cancelled."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import Response, StreamingResponse

from birdsat.explorer.answers import OverloadError, json_answer, to_json
from birdsat.explorer.asked_jobs import asked_job
from birdsat.explorer.jobs import FINAL, Job
from birdsat.explorer.routes.examples import EXAMPLES, answers
from birdsat.explorer.runner import MOST_QUEUED
from birdsat.explorer.state import State, state_of

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
Id = Annotated[str, Path(max_length=40, description="Id of a job", examples=["f3b1c2d4e5f60718"])]
_LISTENERS = 64  # that follow jobs at once
_HEARTBEAT_S = 15.0
_listening = 0

_ASKED = {
    "fit": {
        "summary": "A map of your own records",
        "value": {"verb": "fit", "upload": "0123456789abcdef", "taxa": [], "name": "My birds"},
    },
    "fit, as it is to be read": {
        "summary": "A map of a table whose columns have names of their own, and whose places are to be believed",
        "value": {
            "verb": "fit",
            "upload": "0123456789abcdef",
            "taxa": [],
            "columns": {"taxon": "Art", "lon": "Rechtswert", "lat": "Hochwert"},
            "crs": "EPSG:25832",
            "trust_places": True,
        },
    },
    "identify": {
        "summary": "Names for photos",
        "value": {"verb": "identify", "uploads": ["0123456789abcdef"], "place": [-84.5, 39.1], "date": None},
    },
    "locate": {
        "summary": "Where a photo may have been taken",
        "value": {"verb": "locate", "upload": "0123456789abcdef"},
    },
}


@router.get("", responses=answers("jobs"))
def jobs(request: Request) -> Response:
    """All jobs, the newest first."""
    return json_answer(request, [job.to_dict() for job in state_of(request).jobs.all()])


@router.post("", status_code=202, responses=answers("job", 202))
def begin(request: Request, asked: Annotated[dict[str, Any], Body(openapi_examples=_ASKED)]) -> Response:
    """Ask for long work: fit, identify or locate."""
    state = state_of(request)
    verb, details = asked_job(state, asked)
    return json_answer(request, add_job(state, verb, details).to_dict(), 202)


def add_job(state: State, verb: str, asked: dict[str, Any]) -> Job:
    """Queue it. Raises OverloadError where too many wait."""
    if len(state.jobs.queued()) >= MOST_QUEUED:
        raise OverloadError(f"{MOST_QUEUED} jobs are waiting already; ask again when some are done.", retry_after_s=30)
    return state.jobs.add(verb, asked)


@router.get("/{job}", responses=answers("job"))
def job_of(request: Request, job: Id) -> Response:
    """How far a job is, or what came of it."""
    return json_answer(request, state_of(request).jobs.get(job).to_dict())


@router.delete("/{job}", responses=answers("job"))
def cancel(request: Request, job: Id) -> Response:
    """Stop a job. One that is over stays as it is."""
    return json_answer(request, state_of(request).runner.cancel(job).to_dict())


@router.get(
    "/{job}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": f"event: job\ndata: {json.dumps(EXAMPLES['job'])}\n\n",
                }
            },
        },
        **{key: value for key, value in answers("job").items() if key != 200},
    },
)
async def events(request: Request, job: Id) -> Response:
    """The job each time that it changes, until it is over."""
    state = state_of(request)
    first = await asyncio.to_thread(state.jobs.get, job)
    if _listening >= _LISTENERS:
        raise OverloadError("too many follow jobs at once; ask for the job itself now and then.", retry_after_s=5)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(request, state, first), media_type="text/event-stream", headers=headers)


async def _events(request: Request, state: State, job: Job) -> AsyncIterator[bytes]:
    global _listening
    _listening += 1
    try:
        quiet = 0.0
        yield _event(job)
        while job.state not in FINAL and not await request.is_disconnected():
            await asyncio.sleep(0.25)
            found = await asyncio.to_thread(state.jobs.get, job.id)
            quiet += 0.25
            if found != job:
                job, quiet = found, 0.0
                yield _event(job)
            elif quiet >= _HEARTBEAT_S:
                quiet = 0.0
                yield b": still there\n\n"
    finally:
        _listening -= 1


def _event(job: Job) -> bytes:
    return b"event: job\ndata: " + to_json(job.to_dict()) + b"\n\n"
