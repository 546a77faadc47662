"""Classifiers of scikit-learn, or made like those, written as text: their class and what they are made with.

The text is the call that makes the estimator, `sklearn.ensemble.RandomForestClassifier(n_estimators=300)`, in which
values are plain Python, and other estimators are written alike. Nothing in it is run but the making of estimators, so
that it can lie in a file, where a pickle would be a program of whoever wrote it.
"""

import ast
import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import BirdsatError, ConfigError, about, nearest

if TYPE_CHECKING:  # it takes a second to import, and most models are not of its kind
    from sklearn.base import BaseEstimator

TRUSTED = "BIRDSAT_TRUSTED_PACKAGES"  # environment variable: packages whose classes a file may name, beside sklearn
_Table = NDArray[np.floating]
_LEAST = 1e-6  # of probabilities, before their log odds are taken
_EXAMPLE = "sklearn.ensemble.RandomForestClassifier(n_estimators=300)"


@about("model", "models")
def parse_estimator(text: str, *, from_file: bool = False) -> "BaseEstimator":
    """The classifier that a text says: `module.Class`, `module:Class`, of scikit-learn `Class` alone, or a call of one
    with keywords.

    from_file: the text was read and not given by the user; then classes of scikit-learn alone are made, and of packages
    that the environment names in TRUSTED, since to import a module is to run it. Raises ConfigError for a text that is
    no such call, for a class that is not there or is not a classifier that tells probabilities, and for keywords that
    it does not take.
    """
    from sklearn.base import BaseEstimator

    try:
        call = ast.parse(text.strip().replace(":", ".", 1) if _colon(text) else text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ConfigError(f"estimator {text!r} cannot be read ({error.msg}); write it as {_EXAMPLE}.") from error
    made = _value(call if isinstance(call, ast.Call) else ast.Call(call, [], []), text, from_file)
    if not isinstance(made, BaseEstimator) or not callable(getattr(made, "fit", None)) or not _tells(made):
        raise ConfigError(
            f"{text} has no predict_proba, by which maps are made; take a classifier that has, such as {_EXAMPLE}"
            " (of one that has not, CalibratedClassifierCV(estimator=LinearSVC()) has)."
        )
    return made


def estimator_text(estimator: Any) -> str:
    """The text that `parse_estimator` reads as the same estimator, not fitted.

    Raises ConfigError for one with a parameter that no text can say, such as a function.
    """
    text = _text(estimator)
    parse_estimator(text)
    return text


def takes_weights(estimator: "BaseEstimator") -> bool:
    """Whether `fit` takes sample_weight. Of a pipeline, whose steps would each need it by name, it does not."""
    return "sample_weight" in inspect.signature(estimator.fit).parameters


def with_seed(estimator: "BaseEstimator", seed: int) -> "BaseEstimator":
    """The estimator and those in it, each with this seed where it takes one and has none: same seed, same map."""
    parameters = estimator.get_params(deep=True)
    unset = [name for name, value in parameters.items() if name.split("__")[-1] == "random_state" and value is None]
    return estimator.set_params(**dict.fromkeys(unset, seed))


def fit_one(
    estimator: "BaseEstimator", at: _Table, background: _Table, weight: NDArray[np.float64]
) -> Callable[[_Table], NDArray[np.float32]]:
    """A copy of a classifier that tells points from background, as what gives probabilities of inputs (n, f).

    Raises ConfigError where it cannot be fitted, or asked, as with settings that do not go with these rows.
    """
    from sklearn.base import clone

    x, y = np.concatenate([at, background]), np.repeat([1, 0], [len(at), len(background)])
    model = clone(estimator)
    with _in_words(estimator):
        if takes_weights(estimator):
            # As many in sum as there are rows, which is what penalties are set against.
            rows = np.concatenate([np.full(len(at), 1 / len(at)), weight / weight.sum()]) * len(x) / 2
            model.fit(x, y, sample_weight=rows)
        else:
            model.fit(x, y)
        present = int(np.flatnonzero(model.classes_ == 1)[0])

    def probability(asked: _Table) -> NDArray[np.float32]:
        with _in_words(estimator):
            return np.asarray(model.predict_proba(asked)[:, present], dtype=np.float32)

    return probability


@contextmanager
def _in_words(estimator: "BaseEstimator") -> Iterator[None]:
    """What a classifier raises as an error of ours; what will change in scikit-learn some day is not said."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    except BirdsatError:
        raise
    except Exception as error:  # others' classifiers raise whatever they like
        raise ConfigError(
            f"{short_text(_text(estimator))} cannot learn from these records: {str(error).strip() or repr(error)} "
            "Change its settings, or take another classifier.",
            settings=("model", "models"),
        ) from error


def log_odds(probability: _Table) -> NDArray[np.float64]:
    """Of probabilities of any shape; of 0 and 1, as of votes of a few trees, those of one in a million."""
    clipped = np.clip(probability.astype(np.float64), _LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return odds


def short_text(text: str) -> str:
    """The text of a classifier without its module, for tables."""
    head, opened, rest = text.replace(":", ".", 1).partition("(")
    inside = rest.rpartition(")")[0] if opened else ""
    return f"{head.rpartition('.')[2]}{f'({inside})' if inside else ''}"


def _tells(estimator: object) -> bool:
    try:
        return callable(getattr(estimator, "predict_proba", None))
    except AttributeError:  # as of an SVC without probabilities
        return False


def _colon(text: str) -> bool:
    """Whether the module is told from the class by a colon."""
    return ":" in text.split("(", 1)[0]


def _value(node: ast.expr, text: str, from_file: bool) -> Any:
    match node:
        case ast.Call(func=func, args=positional, keywords=keywords):
            cls = _class(ast.unparse(func), text, from_file)
            given = {word.arg: _value(word.value, text, from_file) for word in keywords if word.arg is not None}
            if positional or len(given) < len(keywords):
                raise ConfigError(f"{ast.unparse(func)} is made with keywords only; write it as {_EXAMPLE}.")
            known = [name for name in inspect.signature(cls).parameters if name != "self"]
            if from_file and "memory" in given:  # of a pipeline: a folder of pickles that it would read
                raise ConfigError(f"{cls.__name__} of {text!r} names a folder of pickles, which are not read.")
            if wrong := [name for name in given if name not in known]:
                raise ConfigError(
                    f"{cls.__name__} takes no {wrong[0]!r}{nearest(wrong[0], known)}; it takes {', '.join(known)}."
                )
            try:
                return cls(**given)
            except TypeError as error:
                raise ConfigError(f"{ast.unparse(node)} cannot be made: {error}.") from error
        case ast.List(elts=elements):
            return [_value(one, text, from_file) for one in elements]
        case ast.Tuple(elts=elements):
            return tuple(_value(one, text, from_file) for one in elements)
        case ast.Dict(keys=keys, values=values):
            return {
                ast.literal_eval(key): _value(value, text, from_file)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            }
        case ast.Name(id="nan" | "inf" as name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf")):
            return -math.inf
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise ConfigError(
            f"{ast.unparse(node)!r} of {text!r} is not plain: allowed are numbers, text, lists, and other estimators."
        ) from error


def _class(path: str, text: str, from_file: bool) -> Callable[..., "BaseEstimator"]:
    module, _, name = path.rpartition(".")
    if not module:
        return _of_sklearn(name)
    package = module.split(".")[0]
    if from_file and package not in ("sklearn", *os.environ.get(TRUSTED, "").replace(",", " ").split()):
        raise ConfigError(
            f"{path} is not of scikit-learn, and to import it runs what is in it; if you know the file and the "
            f"package, set the environment variable {TRUSTED}={package}."
        )
    try:
        found = import_module(module)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"module {module} of {text!r} cannot be imported ({error}); install it.") from error
    from sklearn.base import BaseEstimator

    cls = getattr(found, name, None)
    if not (inspect.isclass(cls) and issubclass(cls, BaseEstimator)):
        classes = [key for key, value in vars(found).items() if inspect.isclass(value)]
        raise ConfigError(f"{module} has no estimator {name!r}{nearest(name, classes)}.")
    return cls


def _of_sklearn(name: str) -> Callable[..., "BaseEstimator"]:
    """A class of scikit-learn by its name alone."""
    from sklearn.utils import all_estimators

    classes = dict(all_estimators())
    if name not in classes:
        raise ConfigError(
            f"scikit-learn has no estimator {name!r}{nearest(name, classes)}. One of another package is written with "
            f"its module, as {_EXAMPLE}."
        )
    cls: Callable[..., BaseEstimator] = classes[name]
    return cls


def _text(value: Any) -> str:
    from sklearn.base import BaseEstimator

    match value:
        case BaseEstimator():
            # As it was made: parameters at their defaults are left out.
            kind = type(value)
            usual = {name: one.default for name, one in inspect.signature(kind).parameters.items()}
            words = [f"{name}={_text(one)}" for name, one in _changed(value.get_params(deep=False), usual)]
            return f"{_public_module(kind)}.{kind.__name__}({', '.join(words)})"
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case tuple():
            return f"({''.join(f'{_text(one)}, ' for one in value)})"
        case dict():
            return f"{{{', '.join(f'{key!r}: {_text(one)}' for key, one in value.items())}}}"
        case np.generic():
            return _text(value.item())
        case None | bool() | int() | float() | str():
            return repr(value)
    raise ConfigError(
        f"{value!r} cannot be written as text, by which an estimator is kept; allowed are numbers, text, lists, and "
        "other estimators."
    )


def _changed(parameters: dict[str, Any], usual: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in parameters.items():
        default = usual.get(name)
        if type(value) is not type(default) or (value != default and not (value != value and default != default)):
            yield name, value


def _public_module(kind: type) -> str:
    """Without the parts that begin with an underscore, where the class is found there as well."""
    parts = kind.__module__.split(".")
    public = [part for part in parts if not part.startswith("_")]
    try:
        found = getattr(import_module(".".join(public)), kind.__name__, None)
    except ImportError:
        found = None
    return ".".join(public if found is kind else parts)
