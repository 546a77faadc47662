"""What every request record can do: it takes what callers have at hand, and refuses what it cannot mean.

A request is the one place where the settings of a verb stand: its fields, what they mean, their defaults and limits.
The command line makes its options of them, Python's functions take them as keywords, and the explorer's long work makes
the same record.
"""

import ast
import dataclasses
import inspect
import itertools
import shlex
import textwrap
import threading
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from birdsat.errors import ConfigError, nearest
from birdsat.fetch.hub import SCHEME

T = TypeVar("T")
_OF_FILES = frozenset(  # how files are called that verbs write, or that others of their kind do
    (
        *(".tif", ".tiff", ".nc", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".pdf", ".html", ".csv", ".tsv", ".txt"),
        *(".parquet", ".json", ".jsonl", ".md", ".gpkg", ".geojson", ".zip", ".onnx", ".pt", ".pth", ".safetensors"),
    )
)
_READING = threading.Lock()  # Python's reader of source fails where threads use it at once (CPython's issue 106905)


@dataclass(frozen=True, slots=True)
class PositionalMark:
    """In `Annotated`: the command line takes the field by its place, not by its name."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """In `Annotated[str, OneOf(names)]`: one of the names of a registry, which is where they are written."""

    names: Collection[str]
    or_file: str | None = None  # how the name of a file ends that stands for none of them, such as .json
    or_estimator: bool = False  # or a classifier: itself, or as text, see `is_estimator`

    def __repr__(self) -> str:
        return f"OneOf({', '.join(map(str, self.names))})"


@dataclass(frozen=True, slots=True)
class Called:
    """In `Annotated`: what the command line calls an option whose name is not the field's, as that is a word of Python
    or says more there."""

    name: str  # without dashes before it


@dataclass(frozen=True, slots=True)
class Without:
    """In `Annotated[bool, Without(text)]`: of what is done by default, what asking for `--no-NAME` does."""

    text: str  # for the command line's help, as Python's is of the field


@dataclass(frozen=True, slots=True)
class FolderMark:
    """In `Annotated`: a path of a folder to write into, which is not called as a file is."""


Positional = Annotated[T, PositionalMark()]
AnyPath = Path | str  # a request holds Paths, whichever was given
Folder = Annotated[T, FolderMark()]
Degrees = str | Sequence[float]  # a place LON,LAT or a box W,S,E,N; a request holds text, whichever was given


@dataclass(frozen=True, kw_only=True)
class Request:
    """A frozen record of settings. Text stands for a path, one value for several, a list for a tuple."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self), include_extras=True)
        for field in dataclasses.fields(self):
            value = _taken(hints[field.name], getattr(self, field.name), field.name)
            object.__setattr__(self, field.name, value)
        self.check()

    def check(self) -> None:
        """Raise ConfigError for values that are impossible, by themselves or together."""

    @classmethod
    def field_docs(cls) -> dict[str, str]:
        """What each field means, by name: the record's own fields first, then those it shares with others."""
        docs: dict[str, str] = {}
        for part in cls.__mro__:
            if dataclasses.is_dataclass(part) and part is not Request:
                docs |= {name: doc for name, doc in _attribute_docs(part).items() if name not in docs}
        return docs

    @classmethod
    def positional(cls) -> tuple[str, ...]:
        """The fields that the command line takes by their place, in order."""
        hints = typing.get_type_hints(cls, include_extras=True)
        marks = {name: getattr(hints[name], "__metadata__", ()) for name in cls.field_docs()}
        return tuple(name for name, some in marks.items() if any(isinstance(mark, PositionalMark) for mark in some))

    @classmethod
    def option(cls, name: str) -> str:
        """What a field is called on the command line."""
        if name in cls.positional():
            return name.upper()
        marks = getattr(typing.get_type_hints(cls, include_extras=True)[name], "__metadata__", ())
        called = [mark.name for mark in marks if isinstance(mark, Called)]
        negative = "no-" if any(isinstance(mark, Without) for mark in marks) else ""
        return f"--{negative}{called[0] if called else name.replace('_', '-')}"

    def command(self, verb: str) -> str:
        """The command line that asks the same; what is at its default is left out."""
        words = ["birdsat", *verb.split()]
        for name in self.positional():
            if (value := getattr(self, name)) is not None:
                words += _words(value)
        for name in self.given(*self.field_docs()):
            if name in self.positional():
                continue
            value = getattr(self, name)
            if isinstance(value, bool):  # not its default: what is done by default is called --no-...
                words.append(self.option(name))
            elif str(value).startswith("-"):  # as of a box, which would be taken for an option
                words.append(f"{self.option(name)}={value}")
            else:
                words += [self.option(name), *_words(value)]
        return shlex.join(words)

    def given(self, *names: str) -> tuple[str, ...]:
        """Those of some fields that are not at their defaults."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        return tuple(name for name in names if getattr(self, name) != defaults[name])

    def reject_unused(self, names: Iterable[str], needed: str) -> None:
        """Raise ConfigError for fields that would be passed over without a word; needed: what they are about."""
        if unused := self.given(*names):
            raise ConfigError(f"{' and '.join(unused)} can be used with {needed} only; leave it out.", settings=unused)


def _words(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple) else [str(value)]


@cache
def _attribute_docs(cls: type) -> Mapping[str, str]:
    """The string under each field of a class, from its source."""
    with _READING:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    docs = {}
    for node, below in itertools.pairwise(tree.body):
        match node, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                docs[name] = " ".join(doc.split())
    return docs


def _taken(hint: Any, value: Any, name: str) -> Any:
    """The value as its type wants it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        for mark in arguments[1:]:
            if isinstance(mark, OneOf):
                value = _chosen(value, mark, name)
        taken = _taken(arguments[0], value, name)
        if any(isinstance(mark, FolderMark) for mark in arguments[1:]):
            _check_folder(taken, name)
        return taken
    if origin in (typing.Union, types.UnionType):
        if value is None or not (kept := [one for one in arguments if one is not types.NoneType]):
            return value
        if Path in kept:
            return _path(value, name)
        if str in kept and isinstance(value, Iterable) and not isinstance(value, str):
            return ",".join(f"{number:.15g}" for number in value)
        return _taken(kept[0], value, name) if len(kept) == 1 else value
    if origin is typing.Literal:
        _check_choice(value, OneOf(arguments), name)
        return value
    if origin in (tuple, Sequence):
        several = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
        if origin is tuple and arguments[-1] is not Ellipsis:
            return several
        return tuple(_taken(arguments[0], one, name) for one in several)
    return _path(value, name) if hint is Path else value


def _path(value: Any, name: str) -> Path:
    """Verbs read folders and write into them; what `birdsat.load` brings from the hub is another's, and in a cache."""
    path = Path(value)
    if path.parts[:1] == ("hf:",):
        address = SCHEME + "/".join(path.parts[1:])
        raise ConfigError(
            f"{name} is {address}, a model on the Hugging Face hub, and a folder is needed; fetch it first, in Python: "
            f"`birdsat.load({address!r}).save(FOLDER)`.",
            settings=(name,),
        )
    return path


def _check_folder(path: Path | None, name: str) -> None:
    if path is not None and path.suffix.lower() in _OF_FILES and not path.is_dir():
        raise ConfigError(
            f"{name} is {path}, which has the name of a file; a folder is needed, as several files are written. Name "
            f"one, such as {path.with_suffix('')}.",
            settings=(name,),
        )


def _chosen(value: Any, mark: OneOf, setting: str) -> Any:
    """The name or file, or several, each of which is checked; paths are text."""
    if value is None:
        return None
    if mark.or_estimator and hasattr(value, "get_params"):
        from birdsat.ranges.estimators import estimator_text  # imports scikit-learn

        return estimator_text(value)
    if not isinstance(value, str | Path):
        return tuple(_chosen(one, mark, setting) for one in value)
    if mark.or_estimator and is_estimator(str(value)):
        if str(value).isidentifier() and get_close_matches(str(value).lower(), list(mark.names), n=1, cutoff=0.8):
            _check_choice(str(value), mark, setting)  # a slip of one of ours
        return str(value)
    if mark.or_file is None or not str(value).endswith(mark.or_file):
        _check_choice(str(value), mark, setting)
    return str(value)


def is_estimator(text: str) -> bool:
    """Whether a text is of a classifier, as `birdsat.ranges.estimators` reads it, and not one of the names of ours,
    which have neither points nor colons nor capitals."""
    return "." in text or ":" in text or text[:1].isupper()


def _check_choice(value: object, mark: OneOf, setting: str) -> None:
    if value in mark.names:
        return
    among = ", ".join(map(repr, mark.names))
    among += f", or a file whose name ends in {mark.or_file}" if mark.or_file else ""
    among += ", or a classifier of scikit-learn's kind, such as 'RandomForestClassifier()'" if mark.or_estimator else ""
    near = nearest(str(value), map(str, mark.names))
    raise ConfigError(f"{setting} is {value!r}{near}; allowed: {among}.", settings=(setting,))
