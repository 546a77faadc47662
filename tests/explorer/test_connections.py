"""Connections of which nothing comes are left; those that ask are answered."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from birdsat.explorer import connections
from birdsat.explorer.connections import Connection


async def _hello(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(float(scope["path"].strip("/") or 0))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def _said(words: bytes, after: bytes = b"") -> tuple[bytes, float]:
    """What the server says to some words, and how long it held the connection."""
    config = uvicorn.Config(_hello, port=0, http=Connection, lifespan="off", log_level="error", timeout_keep_alive=60)
    server = uvicorn.Server(config)
    served = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = asyncio.get_running_loop().time()
    writer.write(words)
    got = await reader.readuntil(b"hello") if words.endswith(b"\r\n\r\n") else b""
    if after:
        writer.write(after)
    with suppress(ConnectionResetError):
        got += await asyncio.wait_for(reader.read(), 10)
    held = asyncio.get_running_loop().time() - begun
    writer.close()
    server.should_exit = True
    await served
    return got, held


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 0.2)


def test_a_request_that_never_ends_is_left() -> None:
    got, held = asyncio.run(_said(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: a"))
    assert got == b"" and held < 5


def test_one_that_begins_a_second_request_and_never_ends_it_is_left_after_the_first() -> None:
    got, held = asyncio.run(_said(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", after=b"GET / HTTP/1.1\r\nX-Slow: a"))
    assert got.endswith(b"hello") and held < 5


def test_a_request_that_takes_long_here_is_answered() -> None:
    got, _ = asyncio.run(_said(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"))
    assert got.endswith(b"hello")
