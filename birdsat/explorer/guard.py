"""What keeps strangers out: hosts, origins, tokens, sizes, how often and how much at once; and headers that bind it.

One plain ASGI layer, outside of everything else."""

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from birdsat.errors import BirdsatError
from birdsat.explorer.answers import OverloadError, RefusedError, TooLargeError
from birdsat.explorer.error_page import said_to

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "birdsat_token"
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "connect-src 'self' blob: data:; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"  # of pages that are downloaded
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(self), camera=(), microphone=()",
}
_SMALL_BODY = 1 << 20  # of a request that is not an upload
_FORM_EXTRA = 1 << 16  # what a form has around a file
_AT_ONCE, _WAITING = 32, 64  # requests that are worked on, and that wait for a moment
_A_SECOND, _BURST = 200.0, 1000.0  # requests of one caller
_UPLOADS_A_SECOND, _UPLOAD_BURST = 0.5, 40.0
_CALLERS = 1024  # that are remembered
_PATIENCE_S, _SLOWEST = 30.0, 10_000.0  # with a body, or with who reads an answer; and bytes a second beyond that


class Guard:
    """Lets through what may pass. `hosts`: names that the server answers to; empty: any, as where a token is needed."""

    def __init__(self, app: App, *, hosts: frozenset[str], token: str | None, upload_bytes: int) -> None:
        self._app, self._hosts, self._token, self._upload_bytes = app, hosts, token, upload_bytes
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._rates: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        guarded = _with_headers(send, str(scope["path"]))
        try:
            self._check_host(headers)
            self._check_rate(scope)
            if await self._open_with_token(scope, headers, guarded):
                return
            self._check_origin(scope, headers)
            limit = self._check_size(scope, headers)
        except BirdsatError as error:
            await said_to(scope, error, _query(scope))(scope, receive, guarded)
            return
        await self._within(scope, _bounded(receive, limit), _in_time(guarded))

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["path"]).endswith("/events"):  # waits for long, and does nothing meanwhile
            await self._app(scope, receive, send)
            return
        if self._room.locked() and self._waiting >= _WAITING:
            busy = OverloadError("the explorer is busy with other requests; ask again in a second.")
            await said_to(scope, busy)(scope, receive, send)
            return
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._room.release()

    def _check_host(self, headers: dict[str, str]) -> None:
        """A page elsewhere whose name was made to point here (DNS rebinding) asks with that name."""
        host = _host_of(headers.get("host", ""))
        if self._hosts and host not in self._hosts:
            raise RefusedError(
                f"this explorer does not answer to the name {host[:100]!r}; open it by the address that "
                "`birdsat explore` printed."
            )

    async def _open_with_token(self, scope: Scope, headers: dict[str, str], send: Send) -> bool:
        """Whether the request was answered here: the opened address, which carries the token, becomes a cookie."""
        if self._token is None:
            return False
        query = _query(scope)
        given = [value for name, value in query if name == "token"]
        if given and scope["method"] == "GET" and not str(scope["path"]).startswith("/v1/"):
            self._compare(given[0])
            rest = urlencode([pair for pair in query if pair[0] != "token"])
            cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800"
            where = "/" + (f"?{rest}" if rest else "")
            fields = [(b"location", where.encode()), (b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 303, "headers": fields})
            await send({"type": "http.response.body", "body": b""})
            return True
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(headers.get("cookie", ""))
        except CookieError:
            jar.clear()
        kept = jar[COOKIE].value if COOKIE in jar else ""
        scheme, _, said = headers.get("authorization", "").partition(" ")
        self._compare(said.strip() if scheme.lower() == "bearer" else headers.get("x-birdsat-token", kept))
        return False

    def _compare(self, given: str) -> None:
        assert self._token is not None
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise RefusedError(
                "this explorer needs its token: open the address with ?token=... that it printed when it started, or "
                "send the header `Authorization: Bearer TOKEN`.",
                knows_no_token=True,
            )

    @staticmethod
    def _check_origin(scope: Scope, headers: dict[str, str]) -> None:
        """Pages of others may make the browser ask, and are told from our own by what it says of them."""
        if scope["method"] in _SAFE:
            return
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        if (origin is not None and _netloc(origin) != _netloc(f"//{headers.get('host', '')}")) or site not in (
            "same-origin",
            "none",
        ):
            raise RefusedError("a page of another site asked for a change; only the explorer's own page may.")

    def _check_size(self, scope: Scope, headers: dict[str, str]) -> int:
        limit = _SMALL_BODY
        if scope["method"] == "POST" and str(scope["path"]).rstrip("/") == "/v1/uploads":
            limit = self._upload_bytes + _FORM_EXTRA
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise too_large(int(length), limit)
        return limit

    def _check_rate(self, scope: Scope) -> None:
        caller = str((scope.get("client") or ("", 0))[0])
        self._spend(caller, "all", _A_SECOND, _BURST)
        if scope["method"] not in _SAFE:
            self._spend(caller, "changes", _UPLOADS_A_SECOND, _UPLOAD_BURST)

    def _spend(self, caller: str, kind: str, a_second: float, burst: float) -> None:
        now = time.monotonic()
        left, then = self._rates.pop((caller, kind), (burst, now))
        left = min(burst, left + (now - then) * a_second)
        self._rates[caller, kind] = (max(0.0, left - 1), now)
        while len(self._rates) > _CALLERS:
            self._rates.popitem(last=False)
        if left < 1:
            wait = max(1, round((1 - left) / a_second))
            raise OverloadError("too many requests in a short time; wait a little.", retry_after_s=wait, often=True)


def too_large(size: int, limit: int) -> TooLargeError:
    """The error of a body that is too large."""
    return TooLargeError(
        f"the request has {size / 1e6:,.1f} MB; allowed: {limit / 1e6:,.0f} MB. Send less, such as the records of "
        "fewer taxa, or start the explorer with a larger limit.",
        settings=("upload_mb",),
    )


def _in_time(send: Send) -> Send:
    """Ends the connection of a caller who reads too slowly: room for others is held meanwhile."""

    async def timed(message: MutableMapping[str, Any]) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            await send(message)

    return timed


def _bounded(receive: Receive, limit: int) -> Receive:
    """Ends a body that is longer than it said, or comes so slowly that others wait for it."""
    read, begun, whole = 0, time.monotonic(), False

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal read, whole
        if whole:  # what comes is that the caller left, at any time
            return await receive()
        left = begun + _PATIENCE_S + read / _SLOWEST - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(0.01, left))
        except TimeoutError:
            raise OverloadError("the request came too slowly; send it again.", often=True) from None
        whole = not message.get("more_body", False)
        read += len(message.get("body", b""))
        if read > limit:
            raise too_large(read, limit)
        return message

    return bounded


def _with_headers(send: Send, path: str) -> Send:
    own = dict(_HEADERS)
    if path.endswith("/download.html"):
        own["content-security-policy"] = _REPORT_POLICY
    added = [(name.encode(), value.encode()) for name, value in own.items()]

    async def guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            said = list(message.get("headers", []))
            named = {name for name, _ in said}  # an error that is a page binds itself more closely
            message = {**message, "headers": [*said, *(one for one in added if one[0] not in named)]}
        await send(message)

    return guarded


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    except ValueError:  # of more fields than any address of ours has
        return []


def _netloc(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None


def _host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""
