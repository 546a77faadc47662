"""From what a caller asks to what a child process is told: checked, and with our paths in place of its ids."""

import secrets
from collections.abc import Mapping
from typing import Any

from birdsat.errors import ConfigError, InputError, nearest
from birdsat.explorer.state import State

ASKABLE = ("fit", "identify", "locate")
MOST_TAXA, MOST_PHOTOS = 2000, 200
_LONGEST = 120  # of a name


def asked_job(state: State, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The verb, and what its child is told. Raises ConfigError for what cannot be asked, NotFoundError for an upload
    that is not there."""
    verb = asked.get("verb")
    if verb == "fit":
        return "fit", _fit(state, asked)
    raise ConfigError(
        f"verb is {str(verb)[:100]!r}{nearest(str(verb)[:100], ASKABLE)}; allowed: {', '.join(ASKABLE)}.",
        settings=("verb",),
    )


def _fit(state: State, asked: Mapping[str, Any]) -> dict[str, Any]:
    _only(asked, "verb", "upload", "taxa", "name")
    upload = state.uploads.get(_text(asked, "upload"))
    if upload.kind != "records":
        raise InputError(f"{upload.name} is a photo; a map is fitted to records.", settings=("upload",))
    taxa = _texts(asked, "taxa", MOST_TAXA)
    return {
        "upload": upload.id,
        "folder": str(state.uploads.folder(upload)),
        "file": state.uploads.file(upload),
        "name": upload.name,
        "taxa": taxa,
        "called": " ".join(str(asked.get("name") or upload.name).split())[:_LONGEST] or upload.name,
        "out": str(state.site.projects / secrets.token_hex(8)),
    }


def _only(asked: Mapping[str, Any], *names: str) -> None:
    if unknown := sorted(set(asked) - set(names)):
        raise ConfigError(
            f"{unknown[0][:100]!r} is not asked of {asked.get('verb')}{nearest(unknown[0][:100], names)}; allowed: "
            f"{', '.join(names)}.",
            settings=(unknown[0][:100],),
        )


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str):
        raise ConfigError(f"{name} is {str(value)[:100]!r}; a text is needed.", settings=(name,))
    return value


def _texts(asked: Mapping[str, Any], name: str, most: int) -> list[str]:
    values = asked.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) and len(value) <= 300 for value in values):
        raise ConfigError(f"{name} is not a list of texts.", settings=(name,))
    if len(values) > most:
        raise ConfigError(f"{name} names {len(values):,}; allowed: {most:,} at once.", settings=(name,))
    return list(dict.fromkeys(values))
