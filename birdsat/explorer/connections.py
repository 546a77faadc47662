"""Connections that end when nothing comes of them: of many that each send a letter now and then (slowloris), none would
be left for others."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

PATIENCE_S = 30.0  # between two looks; who is found without a whole request at both is left
_NEW, _AT_WORK = object(), object()


class Connection(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """Uvicorn's own, looked at now and then. A request that has come whole is the guard's to watch."""

    _timer: asyncio.TimerHandle | None = None
    _seen: Any = _NEW

    def connection_made(self, transport: Any) -> None:
        """Begin to look."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(PATIENCE_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """And end."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self._seen in (_NEW, self.cycle):
            self.transport.abort()
            return
        self._seen = self.cycle if waits else _AT_WORK
        self._timer = self.loop.call_later(PATIENCE_S, self._look)
