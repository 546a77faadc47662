"""From what a caller asks to what a child process is told: checked, and with our paths in place of its ids."""

import datetime
import secrets
from collections.abc import Mapping
from typing import Any

from birdsat.errors import ConfigError, InputError, nearest
from birdsat.explorer.state import State
from birdsat.explorer.table_answers import ANSWERS, answered

ASKABLE = ("fit", "identify", "locate")
MOST_TAXA, MOST_PHOTOS = 2000, 200
_LONGEST = 120  # of a name


def asked_job(state: State, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The verb, and what its child is told. Raises ConfigError for what cannot be asked, NotFoundError for an upload
    that is not there."""
    verb = asked.get("verb")
    if verb == "fit":
        return "fit", _fit(state, asked)
    if verb == "identify":
        return "identify", _identify(state, asked)
    if verb == "locate":
        return "locate", _locate(state, asked)
    raise ConfigError(
        f"verb is {str(verb)[:100]!r}{nearest(str(verb)[:100], ASKABLE)}; allowed: {', '.join(ASKABLE)}.",
        settings=("verb",),
    )


def _fit(state: State, asked: Mapping[str, Any]) -> dict[str, Any]:
    _only(asked, "verb", "upload", "taxa", "name", *ANSWERS)
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
        **answered(asked),
        "called": " ".join(str(asked.get("name") or upload.name).split())[:_LONGEST] or upload.name,
        "out": str(state.site.projects / secrets.token_hex(8)),
    }


def _photo(state: State, id: str) -> dict[str, Any]:
    upload = state.uploads.get(id)
    if upload.kind != "photo":
        raise InputError(f"{upload.name} is a table of records; photos are named and located.", settings=("uploads",))
    folder = str(state.uploads.folder(upload))
    return {"upload": upload.id, "folder": folder, "file": state.uploads.file(upload), "name": upload.name}


def _opened(state: State) -> dict[str, Any]:
    """What photos are compared with. Raises ConfigError without a run."""
    asked = state.site.request
    if asked.run is None:
        raise ConfigError(
            "no run was named when the explorer was started, by which photos are named; start it again with one, as in "
            "`birdsat explore RUN`.",
            settings=("run",),
        )
    return {
        "run": str(asked.run),
        "ranges": str(asked.ranges[0]) if asked.ranges else None,
        "region": None if asked.region is None else str(asked.region),
        "imagery": None if asked.ranges or asked.region else asked.imagery,
    }


def _identify(state: State, asked: Mapping[str, Any]) -> dict[str, Any]:
    _only(asked, "verb", "uploads", "place", "date")
    ids = _texts(asked, "uploads", MOST_PHOTOS)
    if not ids:
        raise ConfigError("uploads names no photo; name one or several.", settings=("uploads",))
    place, date = asked.get("place"), asked.get("date")
    if place is not None and not (
        isinstance(place, list)
        and len(place) == 2
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in place)
        and abs(place[0]) <= 180
        and abs(place[1]) <= 90
    ):
        raise ConfigError(
            f"place is {str(place)[:100]}; longitude and latitude in degrees are needed.", settings=("place",)
        )
    if date is not None:
        try:
            datetime.date.fromisoformat(str(date))
        except ValueError:
            said = f"date is {str(date)[:100]!r}; a day such as 2024-05-01 is needed."
            raise ConfigError(said, settings=("date",)) from None
    return {**_opened(state), "photos": [_photo(state, id) for id in ids], "place": place, "date": date}


def _locate(state: State, asked: Mapping[str, Any]) -> dict[str, Any]:
    _only(asked, "verb", "upload", "month")
    month = asked.get("month")
    if month is not None and not (isinstance(month, int) and not isinstance(month, bool) and 0 <= month <= 11):
        raise ConfigError(f"month is {str(month)[:100]}; allowed: 0 (January) to 11.", settings=("month",))
    opened = _opened(state)
    if opened["ranges"] is None and opened["region"] is None:
        raise ConfigError(
            "neither a range model nor a region was named when the explorer was started, by which photos are located; "
            "start it again with one that `birdsat fit` or `birdsat embed` made.",
            settings=("ranges", "region"),
        )
    return {
        **opened,
        **_photo(state, _text(asked, "upload")),
        "month": None if month is None else month + 1,
        "sharpest_km": state.site.sharpest_km,
    }


def _only(asked: Mapping[str, Any], *names: str) -> None:
    check_asked(asked, str(asked.get("verb")), *names)


def check_asked(asked: Mapping[str, Any], of: str, *names: str) -> None:
    """Raise ConfigError for what is not among the names."""
    if unknown := sorted(set(asked) - set(names)):
        raise ConfigError(
            f"{unknown[0][:100]!r} is not asked of {of}{nearest(unknown[0][:100], names)}; allowed: "
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
