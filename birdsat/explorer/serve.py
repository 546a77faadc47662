"""`birdsat explore` and `birdsat serve`."""

import ctypes
import secrets
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.errors import ConfigError
from birdsat.locks import folder_lock
from birdsat.progress import QUIET, Progress
from birdsat.workflows.requests.explorer import ExploreRequest, ServeRequest

_M_ARENA_MAX, _ARENAS = -8, 2  # of glibc's malloc.h
_MISSING = "the explorer needs fastapi and uvicorn, which are not installed: pip install 'birdsat[explorer]'."


@dataclass(frozen=True, kw_only=True, slots=True)
class ExploreResult:
    """An explorer that ended, or a static site that was written."""

    address: str  # that it was at; of a static site "", before somebody serves it
    files: tuple[Path, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"address": self.address, "files": list(map(str, self.files))}


def explore(request: ExploreRequest, progress: Progress = QUIET) -> ExploreResult:
    """Serve the page until Ctrl-C, or write a static site.

    Raises ConfigError where the extra `explorer` is not installed, or the port is taken, BusyError where another
    explorer uses the store.
    """
    if request.export is not None:
        return _export(request, Path(request.export), progress)
    return _run(request, progress, with_page=True, browser=request.browser)


def serve(request: ServeRequest, progress: Progress = QUIET) -> ExploreResult:
    """Serve the API alone until Ctrl-C. Raises as `explore`."""
    return _run(request, progress, with_page=False, browser=False)


def _export(request: ExploreRequest, out: Path, progress: Progress) -> ExploreResult:
    try:
        from birdsat.explorer.export import export_site
    except ImportError as error:
        raise ConfigError(_MISSING) from error
    from birdsat.explorer.site import Site
    from birdsat.explorer.state import State

    site = Site(request)
    with folder_lock(site.store), folder_lock(out):
        state = State.of(site)
        try:
            return ExploreResult(address="", files=export_site(state, out, progress))
        finally:
            state.stop()


def _give_memory_back() -> None:
    """So that memory stays flat: by default each of many threads keeps an arena of its own of what it once held."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def _run(request: ServeRequest, progress: Progress, *, with_page: bool, browser: bool) -> ExploreResult:
    try:
        import uvicorn

        from birdsat.explorer.app import create_app
        from birdsat.explorer.connections import Connection
    except ImportError as error:
        raise ConfigError(_MISSING) from error
    from birdsat.explorer.site import Site
    from birdsat.explorer.state import State

    _give_memory_back()
    site = Site(request)
    with folder_lock(site.store):
        token = request.token or (None if request.is_local else secrets.token_urlsafe(24))
        with _listening(request) as listener:
            state = State.of(site)  # which the server closes
            port = listener.getsockname()[1]
            shown = "127.0.0.1" if request.host in ("0.0.0.0", "::", "localhost") else request.host
            shown = f"[{shown}]" if ":" in shown else shown
            address = f"http://{shown}:{port}/"
            opened = f"{address}?token={token}" if token else address
            progress.say(f"The explorer is at {opened if with_page else address + 'v1/openapi.json'}  (Ctrl-C ends it)")
            if token and not with_page:
                progress.say(f"Its token is {token}")
            if not request.is_local:
                progress.note(
                    "others on the network can reach it, and read what they send and get: HTTP is not encrypted."
                )
            config = uvicorn.Config(
                create_app(state, token=token, with_page=with_page),
                http=Connection,
                log_level="warning",
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=10,
                timeout_graceful_shutdown=3,
                limit_concurrency=512,
                h11_max_incomplete_event_size=32 << 10,
            )
            if browser:
                threading.Timer(0.6, webbrowser.open, [opened]).start()
            uvicorn.Server(config).run(sockets=[listener])
    return ExploreResult(address=address)


def _listening(request: ServeRequest) -> socket.socket:
    family = socket.AF_INET6 if ":" in request.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((request.host.strip("[]"), request.port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"nothing can listen at {request.host}, port {request.port} ({error.strerror}); name another port, or 0 "
            "for any that is free.",
            settings=("port", "host"),
        ) from error
    return listener
