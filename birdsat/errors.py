"""One family of errors. Each says what was got, what is allowed, and what to do about it."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def some_of(names: Iterable[str], most: int = 5) -> str:
    """The first of many names, and how many more there are, for messages."""
    known = sorted(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f"{', '.join(known[:most])}{more}"


def nearest(name: str, known: Iterable[str], most: int = 3) -> str:
    """Words for a message on the names that a mistyped one may stand for; nothing where none is like it."""
    return listed_near(difflib.get_close_matches(name, list(known), n=most, cutoff=0.5))


def listed_near(names: Iterable[str]) -> str:
    """Words for a message on the names that are near another; nothing where there are none."""
    listed = ", ".join(map(repr, names))
    return f"; nearest: {listed}" if listed else ""


def not_a(kind: str, folder: Path, marker: str) -> str:
    """The message on a folder that is not of the kind that was asked for; marker: the file that such a one has."""
    return f"{folder} is not a {kind}: it {f'has no {marker}' if folder.exists() else 'does not exist'}."


def newer(what: object, why: object, remedy: str) -> str:
    """The message on a folder of a newer birdsat; why: a sentence; remedy: what this one can do instead."""
    return f"{what} is of a newer birdsat, or was changed by hand: {why} Update birdsat, or {remedy} with this one."


class BirdsatError(Exception):
    """Base of every error that birdsat raises on purpose; the command line prints it without a traceback."""

    def __init__(self, message: str, *, settings: Iterable[str] = ()) -> None:
        """settings: the fields of the request that it is about, so that the command line can name its options."""
        super().__init__(message)
        self.settings = tuple(settings)


class BirdsatWarning(UserWarning):
    """What the caller should know of the input or the result; where a progress object is given, it gets it instead."""


class ConfigError(BirdsatError):
    """A setting that does not exist, or a value it cannot take."""


class NewerFormatError(ConfigError):
    """A file of ours of a later schema, or with a setting, kind or choice that is not known here."""


@contextmanager
def about(*settings: str) -> Iterator[None]:
    """Errors about a value, from where its name is not known, say which settings it is of."""
    try:
        yield
    except BirdsatError as error:
        error.settings = error.settings or settings
        raise


class InputError(BirdsatError):
    """Input that cannot be used at all: an empty table, a missing column, an unknown file format."""


class ImageError(BirdsatError):
    """Image bytes that cannot be decoded into RGB."""


class PlaceError(BirdsatError):
    """A place that is not on Earth, or that the imagery at hand does not cover."""


class DatasetError(BirdsatError):
    """A dataset folder that is unfinished, damaged, or written by a newer birdsat."""


class CheckpointError(BirdsatError):
    """A run folder or model file that is unfinished, damaged, or holds another model."""


class TrainingError(BirdsatError):
    """Training cannot go on, for example because the loss is not finite."""


class BusyError(BirdsatError):
    """A folder or file that another process is writing."""


class HubError(BirdsatError):
    """The Hugging Face hub has not what was asked for, cannot be reached, or gave it damaged."""


class WorkerError(BirdsatError):
    """A worker process died."""


class UnknownTaxonError(BirdsatError):
    """A taxon that is not among the labels, or not in a table."""

    def __init__(
        self,
        taxon: str,
        labels: Iterable[str],
        *,
        listing: str | None = None,
        among: str = "labels",
        near: Iterable[str] | None = None,
    ) -> None:
        """listing: the command that prints all of them, in backquotes; among: what they are, for the message; near:
        names it may stand for, where they are found otherwise than among the labels."""
        known = list(labels)
        like = nearest(taxon, known) if near is None else listed_near(near)
        super().__init__(
            f"taxon {taxon!r} is not among the {len(known):,} {among}{like}. "
            + (f"List them with {listing}." if listing else "Write its scientific name as it is written there.")
        )
