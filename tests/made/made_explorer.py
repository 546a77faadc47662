"""What tests of the explorer take: something that opens one, and where it answers."""

from collections.abc import Callable

from starlette.testclient import TestClient

HERE = "http://127.0.0.1:8310"
Opened = Callable[..., TestClient]
