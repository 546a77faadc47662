"""The server: routes, errors in our words, and the guard around all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from birdsat.errors import BirdsatError, ConfigError
from birdsat.explorer.answers import error_answer, error_body, to_json
from birdsat.explorer.error_page import said_to
from birdsat.explorer.guard import LOCAL, App, Guard
from birdsat.explorer.routes import dataset, downloads, jobs, models, review, site, tiles, uploads
from birdsat.explorer.state import State

_ABOUT = (
    "Maps of where birds live, by month; one's own records; places, photos and datasets. Errors are "
    '{"error": {"kind", "message", "settings"}}. Arrays are raw little-endian bytes.'
)


def create_app(state: State, *, token: str | None = None, with_page: bool = True) -> App:
    """The whole, guarded. Its lifespan starts and stops the jobs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state.start()
        try:
            yield
        finally:
            state.stop()

    app = FastAPI(
        title="birdsat explorer",
        version=version("birdsat"),
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # they ask others' servers for their scripts
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.explorer = state
    app.add_exception_handler(BirdsatError, _birdsat)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)
    for router in routers(with_page):
        app.include_router(router)
    asked = state.site.request
    hosts = LOCAL if asked.is_local else frozenset[str]()  # others need the token, which other names do not have
    return Guard(app, hosts=hosts, token=token, upload_bytes=int(asked.upload_mb * 1e6))


def routers(with_page: bool) -> list[Any]:
    """Those of the API, and last the page, which answers to every other address."""
    return [
        downloads.router,
        models.router,
        uploads.router,
        jobs.router,
        tiles.router,
        dataset.router,
        dataset.of_places,
        review.router,
        site.api,
        *([site.router] if with_page else []),
    ]


async def _birdsat(request: Request, error: Exception) -> Response:
    assert isinstance(error, BirdsatError)
    return said_to(request.scope, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return error_answer(ConfigError("the body cannot be read as JSON. See /v1/openapi.json for what is asked."))
    said = [(".".join(map(str, one["loc"][1:])) or "the body", one["msg"], one.get("input")) for one in error.errors()]
    words = "; ".join(f"{name} is {str(got)[:100]!r}: {what}" for name, what, got in said)
    return error_answer(ConfigError(f"{words}. See /v1/openapi.json.", settings=[name for name, _, _ in said]))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{error.detail}. See /v1/openapi.json for what there is."
    body = to_json(error_body("NotFoundError" if error.status_code == 404 else "RequestError", message))
    return Response(body, error.status_code, error.headers, "application/json")


async def _fault(request: Request, error: Exception) -> Response:
    message = f"something went wrong here ({type(error).__name__}); the explorer goes on."
    return Response(to_json(error_body("Error", message)), 500, media_type="application/json")
