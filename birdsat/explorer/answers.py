"""Answers: errors in our words with their status, arrays and JSON with a strong ETag."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from birdsat.errors import (
    BirdsatError,
    BusyError,
    CheckpointError,
    ConfigError,
    DatasetError,
    ImageError,
    InputError,
    PlaceError,
    UnknownTaxonError,
    WorkerError,
)
from birdsat.metrics import without_nan

JSON = "application/json"
BYTES = "application/octet-stream"
_REVALIDATE = "no-cache"  # kept by the browser, which asks whether it is still the same


class NotFoundError(BirdsatError):
    """An address of something that is not there."""


class TooLargeError(BirdsatError):
    """A request or a file above what is taken."""


class FullError(BirdsatError):
    """As many files as are kept, or as much as they may take together, is there: something has to go first."""


class OverloadError(BirdsatError):
    """Too much at once, or too often; to be asked again later."""

    def __init__(self, message: str, *, retry_after_s: int = 1, often: bool = False) -> None:
        """often: too many of one caller, not of all together."""
        super().__init__(message)
        self.retry_after_s, self.often = retry_after_s, often


class RefusedError(BirdsatError):
    """Who asks may not."""

    def __init__(self, message: str, *, knows_no_token: bool = False) -> None:
        """knows_no_token: it may with the token."""
        super().__init__(message)
        self.knows_no_token = knows_no_token


# The first class that an error is of.
STATUS: dict[type[BirdsatError], int] = {
    NotFoundError: 404,
    UnknownTaxonError: 404,
    TooLargeError: 413,
    FullError: 507,
    OverloadError: 503,  # 429 where one caller asks too often
    RefusedError: 403,  # 401 where a token would help
    ConfigError: 422,
    PlaceError: 422,
    ImageError: 422,
    InputError: 422,
    BusyError: 409,
    WorkerError: 503,
    CheckpointError: 500,  # a folder of ours is damaged, which whoever asks can do nothing about
    DatasetError: 500,
    BirdsatError: 500,
}


def status_of(error: BirdsatError) -> int:
    """The status that an error is answered with."""
    if isinstance(error, OverloadError) and error.often:
        return 429
    if isinstance(error, RefusedError) and error.knows_no_token:
        return 401
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def error_answer(error: BirdsatError) -> Response:
    """An error as JSON."""
    headers = {"cache-control": "no-store"}
    if isinstance(error, OverloadError):
        headers["retry-after"] = str(error.retry_after_s)
    body = error_body(type(error).__name__, str(error), error.settings)
    return Response(to_json(body), status_of(error), headers, JSON)


def error_body(kind: str, message: str, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    """What every error looks like."""
    return {"error": {"kind": kind, "message": message, "settings": list(settings)}}


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8. No tag begins in it, whoever takes it for a page: names are anybody's."""
    text = json.dumps(without_nan(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").encode("utf-8", "replace")  # half a pair of surrogates is not UTF-8


def json_answer(request: Request, value: Any, status: int = 200) -> Response:
    """JSON with an ETag; 304 where the caller has it."""
    return bytes_answer(request, to_json(value), JSON, status=status)


def bytes_answer(
    request: Request, data: bytes, media_type: str, *, status: int = 200, cache: str = _REVALIDATE
) -> Response:
    """Bytes with a strong ETag, compressed where the caller takes that and it is worth it."""
    if takes_gzip(request) and len(data) > 1000 and not media_type.startswith("image/"):
        return _tagged(request, gzip.compress(data, 5, mtime=0), media_type, status, cache, gzipped=True)
    return _tagged(request, data, media_type, status, cache)


def packed_answer(request: Request, packed: bytes, media_type: str = BYTES) -> Response:
    """Bytes that are compressed by gzip already; they are opened for a caller who cannot."""
    if takes_gzip(request):
        return _tagged(request, packed, media_type, 200, _REVALIDATE, gzipped=True)
    return _tagged(request, gzip.decompress(packed), media_type, 200, _REVALIDATE)


def file_answer(path: Path, media_type: str, name: str) -> Response:
    """A file to keep, under a name."""
    return FileResponse(path, media_type=media_type, filename=name, headers={"cache-control": _REVALIDATE})


def takes_gzip(request: Request) -> bool:
    """Whether the caller says that it can open gzip."""
    asked = request.headers.get("accept-encoding", "").lower()
    return any(
        part.split(";")[0].strip() == "gzip" and "q=0" not in part.replace("q=0.", "") for part in asked.split(",")
    )


def _tagged(
    request: Request, data: bytes, media_type: str, status: int, cache: str, *, gzipped: bool = False
) -> Response:
    # Of the bytes as they are sent: a strong tag differs between encodings.
    tag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": cache, "vary": "accept-encoding"}
    if status == 200 and tag in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["content-encoding"] = "gzip"
    return Response(data, status, headers, media_type)
