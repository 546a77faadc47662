"""Names of photos, accepted or corrected."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response

from birdsat.explorer.answers import bytes_answer, json_answer
from birdsat.explorer.reviews import Reviews
from birdsat.explorer.routes.examples import answers, bytes_of, errors
from birdsat.explorer.state import state_of

router = APIRouter(prefix="/v1", tags=["photos"])
_EXAMPLE: Any = {
    "accepted": {
        "value": {"upload": "0123456789abcdef0123456789abcdef", "taxon": "Turdus merula", "verdict": "accepted"}
    }
}


def _reviews(request: Request) -> Reviews:
    state = state_of(request)
    return Reviews(state.database, state.jobs, state.uploads)


@router.post("/review", status_code=204, responses={204: {"description": "Kept"}, **errors()})
def review(request: Request, asked: Annotated[dict[str, Any], Body(openapi_examples=_EXAMPLE)]) -> Response:
    """Accept or correct the name of a photo."""
    _reviews(request).add(asked)
    return Response(status_code=204)


@router.get("/review", responses=answers("review"))
def reviewed(request: Request) -> Response:
    """All that was said."""
    return json_answer(request, _reviews(request).all())


@router.get("/review.csv", response_class=Response, responses=bytes_of("a table", "text/csv"))
def review_table(request: Request) -> Response:
    """The same as a table."""
    return _file(bytes_answer(request, _reviews(request).csv(), "text/csv; charset=utf-8"), "reviewed.csv")


@router.get("/review.dwc.csv", response_class=Response, responses=bytes_of("Darwin Core occurrences", "text/csv"))
def review_darwin_core(request: Request) -> Response:
    """The same as occurrences of Darwin Core."""
    return _file(bytes_answer(request, _reviews(request).darwin_core(), "text/csv; charset=utf-8"), "reviewed.dwc.csv")


def _file(answer: Response, name: str) -> Response:
    answer.headers["content-disposition"] = f'attachment; filename="{name}"'
    return answer
