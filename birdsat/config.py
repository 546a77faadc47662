"""Frozen dataclasses to JSON and back; unknown settings are refused."""

import dataclasses
import importlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from birdsat.errors import ConfigError, InputError, NewerFormatError, nearest
from birdsat.files import write_atomic
from birdsat.reading import read_json

T = TypeVar("T")
KIND = "kind"  # names the class where a setting may hold one of several
KINDS = "KINDS"  # attribute of an abstract class: "module:class" of each that may stand in its place, by name
RENAMED = "RENAMED_SETTINGS"  # attribute of a config class: what settings were called in the release before this


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """In `Annotated[form, Reading(convert)]`: brings what was written in an earlier form into the form of today."""

    convert: Callable[[Any], Any]  # leaves what it does not know as it is, to be refused


def to_dict(config: Any) -> dict[str, Any]:
    """A config dataclass as plain JSON values. Every nested dataclass carries its class name under "kind"."""
    return {KIND: type(config).__name__} | {
        field.name: _encode(getattr(config, field.name)) for field in dataclasses.fields(config)
    }


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def from_dict(cls: type[T], data: dict[str, Any], where: str = "config") -> T:
    """Build `cls` from `to_dict`'s output.

    Raises NewerFormatError for a setting, kind or choice that `cls` does not have, ConfigError for a setting that it
    needs and did not get, or one of another type.
    """
    kind = data.get(KIND, cls.__name__)
    if kind != cls.__name__:
        raise ConfigError(f"{where} is a {kind}, not a {cls.__name__}.")
    renamed: dict[str, str] = getattr(cls, RENAMED, {})
    data = {renamed.get(name, name): value for name, value in data.items()}
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(fields) - {KIND})
    if unknown:
        several = f"settings {', '.join(unknown)}" if len(unknown) > 1 else f"setting {unknown[0]!r}"
        raise NewerFormatError(
            f"{where} has the unknown {several}{nearest(unknown[0], fields)}; {cls.__name__} has {', '.join(fields)}."
        )
    hints = typing.get_type_hints(cls, include_extras=True)
    values = {name: _decode(hints[name], data[name], f"{where}.{name}") for name in fields if name in data}
    try:
        return cls(**values)
    except (TypeError, ValueError, ArithmeticError) as error:  # what its class makes of values that are not possible
        raise ConfigError(f"{where} does not describe a {cls.__name__}: {error}.") from error


def _decode(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        for reading in arguments[1:]:
            value = reading.convert(value) if isinstance(reading, Reading) else value
        return _decode(arguments[0], value, where)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(arguments, value, where)
    if KINDS in getattr(hint, "__dict__", {}):  # not those who inherit it
        hint = _found_among(getattr(hint, KINDS), value, where)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} is {value!r}; a {hint.__name__} is needed.")  # type: ignore[union-attr]
        return from_dict(hint, value, where)  # type: ignore[arg-type]
    if origin is typing.Literal:
        if value not in arguments:
            raise NewerFormatError(f"{where} is {value!r}; allowed: {', '.join(map(repr, arguments))}.")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where} is {value!r}; a list is needed.")
        hints = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(hints) != len(value):
            raise ConfigError(f"{where} has {len(value)} entries; {len(hints)} are needed.")
        return tuple(
            _decode(item_hint, item, f"{where}[{i}]")
            for i, (item_hint, item) in enumerate(zip(hints, value, strict=True))
        )
    if hint is Path and isinstance(value, str | Path):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, str, bool, Path) and type(value) is not hint:
        raise ConfigError(f"{where} is {value!r}; a value of type {hint.__name__} is needed.")
    return value


def _found_among(kinds: Mapping[str, str], value: Any, where: str) -> type:
    """The class that `value` is of, imported when it is asked for."""
    kind = value.get(KIND) if isinstance(value, dict) else None
    places = {place.partition(":")[2]: place for place in kinds.values()}
    if not isinstance(kind, str) or kind not in places:
        given = f"of kind {kind!r}" if isinstance(value, dict) else repr(value)
        raise NewerFormatError(f"{where} is {given}; allowed: settings of kind {', '.join(sorted(places))}.")
    module, _, name = places[kind].partition(":")
    found: type = getattr(importlib.import_module(module), name)
    return found


def _decode_union(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    options = [option for option in arguments if option is not type(None)]
    if len(options) == 1:
        return _decode(options[0], value, where)
    if isinstance(value, dict):
        for option in options:
            if dataclasses.is_dataclass(option) and option.__name__ == value.get(KIND):  # type: ignore[union-attr]
                return from_dict(option, value, where)  # type: ignore[arg-type]
        names = ", ".join(getattr(option, "__name__", str(option)) for option in options)
        raise NewerFormatError(f"{where} is of kind {value.get(KIND)!r}; allowed: {names}.")
    errors = []
    for option in options:
        try:
            return _decode(option, value, where)
        except ConfigError as error:
            errors.append(str(error))
    raise ConfigError(errors[-1])


def save(config: Any, path: Path) -> None:
    """Write `config` as JSON, whole or not at all."""
    write_atomic(path, json.dumps(to_dict(config), indent=2) + "\n")


def load(cls: type[T], path: Path, *, schema: int | None = None) -> T:
    """Read what `save` wrote; schema: the latest that is known here, of files that say theirs.

    Raises ConfigError when the file is not JSON or does not describe a `cls`, and NewerFormatError when it is of a
    later schema or has what `cls` does not. What to do about it is the caller's to say.
    """
    try:
        data = read_json(path)
    except InputError as error:
        raise ConfigError(str(error)) from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path.name} does not hold a JSON object.")
    if schema is not None:
        _check_schema(data.get("schema_version"), schema, path.name)
    return from_dict(cls, data, path.name)


def _check_schema(written: object, known: int, where: str) -> None:
    if not isinstance(written, int):
        raise ConfigError(f"{where} is of schema {written!r}, which is not a number.")
    if written > known:
        raise NewerFormatError(f"{where} is of schema {written}, and this birdsat reads up to {known}.")
