"""Single settings of a frozen config dataclass by dotted paths: `optimiser.lr=1e-3`, `method.photo.mask_ratio=0.7`.

Values are text, read by the type of the field: numbers and words as they are, true and false, none, tuples as 0.9,0.95
or as JSON, whole parts as JSON with their "kind".
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from birdsat import config as configs
from birdsat.errors import ConfigError, nearest

T = TypeVar("T")


def as_words(settings: Mapping[str, Any] | Iterable[str] | str) -> tuple[str, ...]:
    """Settings as PATH=VALUE, from such words or from values by path: {"optimiser.lr": 1e-3, "compile": False}."""
    if isinstance(settings, Mapping):
        return tuple(f"{path}={_as_text(value)}" for path, value in settings.items())
    return (settings,) if isinstance(settings, str) else tuple(settings)


def path_of(word: str) -> str:
    """What stands before the = of PATH=VALUE. Raises ConfigError where there is none."""
    path, equals, _ = word.partition("=")
    if not equals or not path.strip():
        raise ConfigError(f"{word!r} is not a setting; write PATH=VALUE, such as optimiser.lr=1e-3.")
    return path.strip()


def replaced(config: T, settings: Mapping[str, Any] | Iterable[str]) -> T:
    """The config with these settings in place of its own, all at once: what one class checks is checked of the result.

    Raises ConfigError for a path that there is not, with the nearest ones; for a value of another type or one that its
    class refuses; and for a setting that is given twice, or beside a part of itself.
    """
    words = as_words(settings)
    paths = [path_of(word) for word in words]
    for path in paths:
        if paths.count(path) > 1:
            raise ConfigError(f"{path} is set twice; leave one of the two out.")
        if inside := [other for other in paths if other.startswith(f"{path}.")]:
            raise ConfigError(f"{path} is set as a whole, and {inside[0]} beside it; write the value into the whole.")
    data = configs.to_dict(config)
    for path, word in zip(paths, words, strict=True):
        _replace(config, data, path, word.partition("=")[2].strip())
    return configs.from_dict(type(config), data)


def _as_text(value: Any) -> str:
    if isinstance(value, str | Path):
        return str(value)
    return json.dumps(value, default=_as_json)


def _as_json(value: Any) -> Any:
    return configs.to_dict(value) if dataclasses.is_dataclass(value) else str(value)


def _replace(config: Any, data: dict[str, Any], path: str, text: str) -> None:
    """Put the value into `data`, the config as JSON values, which is walked beside it to know the types."""
    *before, last = path.split(".")
    holder: Any = config
    place: Any = data
    for number, part in enumerate(before):
        key = _key(config, holder, part, path)
        holder, place = (holder[key], place[key]) if isinstance(key, int) else (getattr(holder, key), place[key])
        if not isinstance(holder, tuple) and not dataclasses.is_dataclass(holder):
            above = ".".join(before[: number + 1])
            shown = "none" if holder is None else repr(holder)
            raise ConfigError(f"{above} is {shown}, which has no {last!r} in it; set {above} as a whole.")
    key = _key(config, holder, last, path)
    place[key] = _read(_hint(holder, key), text, path)


def _key(config: Any, holder: Any, part: str, path: str) -> str | int:
    """The field of a dataclass, or the place in a tuple, that a part of a path names."""
    if isinstance(holder, tuple):
        if part.isdecimal() and int(part) < len(holder):
            return int(part)
        raise ConfigError(f"there is no setting {path!r}: {part!r} is not one of the places 0 to {len(holder) - 1}.")
    if part in (field.name for field in dataclasses.fields(holder)):
        return part
    every = list(_paths(config))
    same_end = [known for known in every if known.split(".")[-1] == path.split(".")[-1]]
    near = f"; nearest: {', '.join(map(repr, same_end[:3]))}" if same_end else nearest(path, every)
    raise ConfigError(
        f"there is no setting {path!r}: {type(holder).__name__} has no {part!r}{near}. "
        "`birdsat recipes NAME` shows all."
    )


def _paths(config: Any, before: str = "") -> Iterator[str]:
    """Every path within a config."""
    for field in dataclasses.fields(config):
        yield f"{before}{field.name}"
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _paths(value, f"{before}{field.name}.")


def _hint(holder: Any, key: str | int) -> Any:
    if isinstance(key, str):
        return typing.get_type_hints(type(holder))[key]
    return type(holder[key])


def _read(hint: Any, text: str, path: str) -> Any:
    """JSON values from text, as the type wants them; the codec of configs checks what it cannot say of them."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _read(arguments[0], text, path)
    if origin in (typing.Union, types.UnionType):
        return _read_union(arguments, text, path)
    if origin is typing.Literal:
        for choice in arguments:
            if text == str(choice):
                return choice
        raise ConfigError(
            f"{path} is {text!r}{nearest(text, map(str, arguments))}; allowed: {', '.join(map(str, arguments))}."
        )
    if origin is tuple or hint is tuple:
        return _read_tuple(arguments, text, path)
    if dataclasses.is_dataclass(hint) or hasattr(hint, configs.KINDS):
        return _json(text, path, f"a {hint.__name__} as JSON")
    if hint is bool:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{path} is {text!r}; allowed: true, false.")
        return text.lower() == "true"
    if hint in (int, float):
        return _number(hint, text, path)
    return text


def _read_union(arguments: tuple[Any, ...], text: str, path: str) -> Any:
    if type(None) in arguments and text.lower() in ("none", "null"):
        return None
    options = [option for option in arguments if option is not type(None)]
    if all(dataclasses.is_dataclass(option) for option in options):
        names = " or ".join(option.__name__ for option in options)
        part = _json(text, path, f'a {names} as JSON, with its "kind"')
        return {configs.KIND: options[0].__name__} | part if len(options) == 1 else part
    errors = []
    for option in options:
        try:
            return _read(option, text, path)
        except ConfigError as error:
            errors.append(error)
    raise errors[-1]


def _read_tuple(arguments: tuple[Any, ...], text: str, path: str) -> list[Any]:
    if text.startswith("["):
        several: list[Any] = _json(text, path, "a list as JSON, or values with commas between them,", list)
        return several
    parts = [part.strip() for part in text.split(",")] if text else []
    many = [arguments[0]] * len(parts) if arguments[-1] is Ellipsis else list(arguments)
    if len(many) != len(parts):
        raise ConfigError(f"{path} is {text!r}; {len(many)} values are needed, with commas between them.")
    return [_read(hint, part, f"{path}.{i}") for i, (hint, part) in enumerate(zip(many, parts, strict=True))]


def _number(kind: type, text: str, path: str) -> float:
    """A whole number may be written as 1e5."""
    try:
        if kind is int and text.lstrip("+-").isdecimal():
            return int(text)
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (kind is int and not value.is_integer()):
        needed = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{path} is {text!r}; {needed} is needed.")
    return int(value) if kind is int else value


def _json(text: str, path: str, needed: str, kind: type = dict) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, kind):
        raise ConfigError(f"{path} is {text!r}; {needed} is needed.")
    return value
