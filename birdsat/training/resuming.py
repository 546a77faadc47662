"""Whether a run may go on with the settings at hand."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from birdsat import config as config_files
from birdsat.errors import ConfigError, InputError
from birdsat.reading import read_json

FREE = frozenset({"workers", "log_every", "val_every", "checkpoint_every"})  # settings that change no gradient


def saved_steps(path: Path) -> int:
    """The steps that a run's config.json asks for; 0 where it cannot be read."""
    with suppress(OSError, InputError, ValueError, KeyError, TypeError):
        return int(read_json(path)["steps"])
    return 0


def check_same(path: Path, wanted: Any) -> bool:
    """Whether the file's settings are those wanted, of which those in FREE may differ, and `steps` may have grown.

    Raises ConfigError where others differ, and when the file cannot be read.
    """
    try:
        saved = read_json(path)
    except (OSError, InputError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); train again in another folder.") from error
    with suppress(ConfigError):  # what an earlier version wrote in another form is the same
        saved = config_files.to_dict(config_files.load(type(wanted), path))
    # Through JSON, so that tuples and lists compare equal.
    saved, given = (json.loads(json.dumps(side)) for side in (saved, config_files.to_dict(wanted)))
    differing = dict(_differences(saved, given, ""))
    free = FREE | ({"steps"} if _has_grown(saved.get("steps"), given.get("steps")) else set())
    refused = [text for name, text in differing.items() if name not in free]
    if refused:
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        raise ConfigError(
            f"{path.parent} was trained with another {path.stem}, and cannot be resumed with this one: "
            f"{'; '.join(refused[:5])}{more}. Use what {path.name} says, or another folder."
        )
    return not differing


def _has_grown(before: object, now: object) -> bool:
    return isinstance(before, int) and isinstance(now, int) and now > before


def _differences(saved: object, wanted: object, name: str) -> list[tuple[str, str]]:
    """Dotted names of what differs, each with words on how."""
    if isinstance(saved, dict) and isinstance(wanted, dict):
        keys = [*saved, *(key for key in wanted if key not in saved)]
        return [
            difference
            for key in keys
            for difference in _differences(saved.get(key), wanted.get(key), f"{name}.{key}".strip("."))
        ]
    if saved == wanted:
        return []
    if isinstance(saved, list) and isinstance(wanted, list) and max(len(saved), len(wanted)) > 4:
        return [(name, f"{name} (differs)")]
    return [(name, f"{name} is {wanted!r}, was {saved!r}")]
