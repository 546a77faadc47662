"""From what a caller asks to what a child process is told: checked, and with our paths in place of its ids."""

from collections.abc import Mapping
from typing import Any

from birdsat.errors import ConfigError, nearest
from birdsat.explorer.state import State

ASKABLE = ("fit", "identify", "locate")


def asked_job(state: State, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The verb, and what its child is told. Raises ConfigError for what cannot be asked, NotFoundError for an upload
    that is not there."""
    verb = asked.get("verb")
    raise ConfigError(
        f"verb is {str(verb)[:100]!r}{nearest(str(verb)[:100], ASKABLE)}; allowed: {', '.join(ASKABLE)}.",
        settings=("verb",),
    )
