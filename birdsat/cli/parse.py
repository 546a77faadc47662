"""From the words of a command line to a request record: the only place that knows tyro."""

import dataclasses
import functools
import inspect
import operator
import types
import typing
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import Called, OneOf, PositionalMark, Request, Without

R = TypeVar("R", bound=Request)


def parse(request: type[R], words: Sequence[str], prog: str) -> R:
    """The request that the words make. Ends the process with a usage message where they make none.

    Raises ConfigError for an option of several values that is there twice.
    """
    _check_once(request, words)
    config = (tyro.conf.DisallowNone, tyro.conf.FlagCreatePairsOff)
    asked = tyro.cli(
        _for_tyro(request), prog=prog, description=inspect.getdoc(request), args=list(words), config=config
    )
    return request(**vars(asked))


def _check_once(request: type[Request], words: Sequence[str]) -> None:
    """Of `--set a=1 --set b=2` tyro takes the last alone, and the rest would be lost without a word."""
    given = Counter(word.partition("=")[0].replace("_", "-") for word in words if word.startswith("--"))
    hints = typing.get_type_hints(request)
    for name in request.field_docs():
        several = {typing.get_origin(hints[name]), *map(typing.get_origin, typing.get_args(hints[name]))}
        if given[option := request.option(name)] > 1 and several & {tuple, Sequence}:
            raise ConfigError(
                f"{option} is there {given[option]} times, and the last alone would count; write it once, with all "
                f"values after it: {option} FIRST SECOND."
            )


def _for_tyro(request: type[Request]) -> type[Any]:
    """A dataclass of the same fields with tyro's marks in place of ours, which checks nothing."""
    hints = typing.get_type_hints(request, include_extras=True)
    defaults = {field.name: field.default for field in dataclasses.fields(request)}
    return dataclasses.make_dataclass(
        request.__name__,
        [
            (name, _hint_for_tyro(hints[name], name, doc, defaults[name]), dataclasses.field(default=defaults[name]))
            for name, doc in request.field_docs().items()
        ],
        kw_only=True,
    )


def _hint_for_tyro(hint: Any, name: str, doc: str, default: Any) -> Any:
    inner, *marks = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    inner = _one_form(inner)
    several = "..." if typing.get_origin(inner) in (tuple, Sequence) else ""
    metavar, called, marked = None, None, []
    for mark in marks:
        match mark:
            case OneOf(or_file=str(ending)):  # the request checks the names, here and below, and knows the nearest
                metavar = f"NAME|FILE{ending}{several}"
            case OneOf(or_estimator=True, names=names):
                choices = f"{{{','.join(names)},CLASSIFIER(...)}}"
                metavar = f"[{choices} [...]]" if several else choices
            case OneOf(names=names):
                choices = f"{{{','.join(names)}}}"
                metavar = f"[{choices} [...]]" if several else choices
            case Called(name=option):
                called = option
            case Without(text=text):
                doc = text
            case PositionalMark():
                metavar = f"[{name.upper()}]" if default is None else f"{name.upper()}{several}"
                marked.append(tyro.conf.Positional)
    quiet = default is None or isinstance(default, bool) or default == ()  # nothing that help need say
    quiet |= bool(marked and several)
    hint_behind = "" if quiet else None
    return Annotated[
        inner, *marked, tyro.conf.arg(name=called, help=doc, metavar=metavar, help_behavior_hint=hint_behind)
    ]


def _one_form(hint: Any) -> Any:
    """The hint with Path for what may be a path or text, text for what may be text or numbers, and no mappings."""
    arguments = tuple(one for one in typing.get_args(hint) if typing.get_origin(one) is not Mapping)  # of Python alone
    if Path in arguments:
        rest = [one for one in arguments if one not in (Path, str)]
        return functools.reduce(operator.or_, rest, Path)
    if (
        typing.get_origin(hint) in (types.UnionType, typing.Union) and str in arguments
    ):  # numbers that may be given as text are, as in --box=W,S,E,N
        return functools.reduce(operator.or_, [one for one in arguments if one in (str, types.NoneType)])
    return _with_arguments(hint, tuple(map(_one_form, arguments)))


def _with_arguments(hint: Any, arguments: tuple[Any, ...]) -> Any:
    origin = typing.get_origin(hint)
    if not arguments or origin is Literal:
        return hint
    return functools.reduce(operator.or_, arguments) if origin in (types.UnionType, typing.Union) else origin[arguments]
