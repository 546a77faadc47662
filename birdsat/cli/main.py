"""The command line: words in, one verb's request made of them, its result shown. Heavy imports come with the verb."""

import builtins
import difflib
import errno
import keyword
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

from birdsat.cli.console import ConsoleProgress
from birdsat.cli.parse import parse
from birdsat.errors import BirdsatError, BirdsatWarning
from birdsat.files import is_full_disk
from birdsat.workflows.registry import VERBS, Verb


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb. An error of ours or of the system is printed in one line; its status is 1, that of Ctrl-C 130.

    It is 1 as well where some of what was asked failed and the rest was done.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Threads that spin while they wait for each other take the processor from the one they wait for: beside another
    # busy process on two cores, a training step took 11 s so and 2 s with sleeping threads; alone both took 0.5 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    verb: Verb | None = None
    try:
        if words in ([], ["--help"], ["-h"]):
            _print_help("")
            return
        if words == ["--version"]:
            from importlib.metadata import version

            print(f"birdsat {version('birdsat')}")
            return
        name, rest = _split(words)
        if name not in VERBS:
            _print_help(name)
            return
        verb = VERBS[name]
        with _our_warnings_as_notes():
            result = verb(parse(verb.request, rest, f"birdsat {name}"), ConsoleProgress())
        _show_of(name)(result)
        if getattr(result, "failed", None):  # parts of what was asked, which have been shown
            raise SystemExit(1)
    except BirdsatError as error:
        known = () if verb is None else verb.request.field_docs()
        options = [verb.request.option(name) for name in error.settings if name in known] if verb else []
        _end(f"{error} ({', '.join(options)})" if options else str(error), getattr(error, "exit_code", 1))
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        _end(words_of(error), 1)
    except KeyboardInterrupt:
        _end("stopped by Ctrl-C.", 130)


@contextmanager
def _our_warnings_as_notes() -> Iterator[None]:
    """What is warned of where no progress is at hand reads like any other note, without a line of our code."""
    usual = warnings.formatwarning

    def written(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> str:
        ours = issubclass(category, BirdsatWarning)
        return f"birdsat: {message}\n" if ours else usual(message, category, *where, **more)

    warnings.formatwarning = written
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _show_of(name: str) -> Callable[[Any], None]:
    """What shows a verb's result; a verb that is a word of Python has an underscore behind it there."""
    shown = name.replace(" ", "_")
    shown += "_" if keyword.iskeyword(shown) or hasattr(builtins, shown) else ""
    show: Callable[[Any], None] = getattr(import_module("birdsat.cli.show"), shown)
    return show


def _split(words: list[str]) -> tuple[str, list[str]]:
    """The verb, of one word or two, and what follows it; a first word of verbs of two, where the second is none."""
    if " ".join(words[:2]) in VERBS:
        return " ".join(words[:2]), words[2:]
    if words[0] in VERBS:
        return words[0], words[1:]
    if any(name.startswith(f"{words[0]} ") for name in VERBS):
        if len(words) == 1 or words[1] in ("--help", "-h"):
            return words[0], []
        words = [" ".join(words[:2])]
    near = difflib.get_close_matches(words[0], VERBS, n=3, cutoff=0.5)
    nearest = f"; nearest: {', '.join(near)}" if near else ""
    _end(f"{words[0]!r} is not a verb{nearest}. `birdsat --help` lists them.", 2)


def _print_help(group: str) -> None:
    """The verbs, or those of a group such as data, each with the first line of what it is for."""
    shown = {name: verb for name, verb in VERBS.items() if name.startswith(f"{group} " if group else "")}
    width = max(map(len, shown))
    verbs = f"{group} VERB".lstrip()
    print(f"usage: birdsat {verbs} ...\n\nBird species from photos, places and satellite images.\n")
    for name, verb in shown.items():
        first = (verb.request.__doc__ or "").strip().splitlines()[0]
        indent, columns = f"  {name:<{width}}  ", shutil.get_terminal_size().columns
        print(textwrap.fill(first, columns, initial_indent=indent, subsequent_indent=" " * len(indent)))
    print(f"\n`birdsat {verbs} --help` explains one; `birdsat --version` prints the version.")


def words_of(error: OSError) -> str:
    """In one line; where nothing can be written, with what to do."""
    said = " ".join(str(error).split())
    if not is_full_disk(error):
        if error.filename is None or error.strerror is None:
            return said
        refused = isinstance(error, PermissionError) or error.errno == errno.EROFS
        remedy = "; name another place, or change who may read and write there" if refused else ""
        return f"{error.filename}: {error.strerror}{remedy}."
    return f"the disk is full ({said}). Free some space and run the same command again; what is finished is kept."


def _end(message: str, status: int) -> NoReturn:
    print(f"birdsat: {message}", file=sys.stderr)
    raise SystemExit(status) from None
