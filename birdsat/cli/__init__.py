"""The command line: thin verbs. Heavy imports are inside the verbs, so that help answers at once."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import tyro

from birdsat.cli import comparing, data, verbs, weights
from birdsat.errors import BirdsatError
from birdsat.workflows.registry import VERBS as OF_REQUESTS


def data_help() -> None:
    """Build, describe and check datasets: see `birdsat data --help`."""


DATA_VERBS: dict[str, Callable[..., None]] = {
    "build": data.build,
    "info": data.info,
    "check": data.check,
    "virtual": data.virtual,
    "chips": data.chips,
}
VERBS: dict[str, Callable[..., None]] = {
    "data": data_help,
    "pretrain": verbs.pretrain,
    "classify": verbs.classify,
    "retrieve": verbs.retrieve,
    "labels": verbs.labels,
    "compare": comparing.compare,
    "import": weights.import_,
    "demo": verbs.demo,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb. An error of ours or of the system is printed in one line; its status is 1, that of Ctrl-C 130."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Threads that spin while they wait for each other take the processor from the one they wait for: beside another
    # busy process on two cores, a training step took 11 s so and 2 s with sleeping threads; alone both took 0.5 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from birdsat.cli.main import main as main_of_requests

    if given and (given[0] in OF_REQUESTS or " ".join(given[:2]) in OF_REQUESTS):
        main_of_requests(given)
        return
    before = data.words.set(tuple(given))
    try:
        _run(given)
    except BirdsatError as error:
        _end(str(error), getattr(error, "exit_code", 1))
    except OSError as error:
        _end(" ".join(str(error).split()), 1)
    except KeyboardInterrupt:
        _end("stopped by Ctrl-C.", 130)
    finally:
        data.words.reset(before)


def _run(words: list[str]) -> None:
    if words == ["--version"]:
        from importlib.metadata import version

        print(f"birdsat {version('birdsat')}")
    elif words[:1] == ["data"]:
        tyro.extras.subcommand_cli_from_dict(
            DATA_VERBS, prog="birdsat data", args=words[1:] or ["--help"], config=(tyro.conf.DisallowNone,)
        )
    else:
        tyro.extras.subcommand_cli_from_dict(
            VERBS,
            prog="birdsat",
            description="Bird species from photos, places and satellite images. --version prints the version. "
            f"{', '.join(OF_REQUESTS)}: each with a --help of its own.",
            args=words or ["--help"],
            config=(tyro.conf.DisallowNone,),
        )


def _end(message: str, status: int) -> NoReturn:
    print(f"birdsat: {message}", file=sys.stderr)
    raise SystemExit(status) from None
