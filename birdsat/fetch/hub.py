"""Folders of models from the Hugging Face hub and to it."""

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.errors import ConfigError, HubError, InputError

SCHEME = "hf://"
_ADDRESS = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^@\s]+))?")
_INSTALL = "`pip install 'birdsat[hub]'`"


@dataclass(frozen=True, kw_only=True, slots=True)
class HubAddress:
    """A repository of a model, at a revision."""

    repo: str  # user/name
    revision: str | None = None  # a branch, tag or commit; None: the main branch

    def __str__(self) -> str:
        return f"{SCHEME}{self.repo}{f'@{self.revision}' if self.revision else ''}"

    @classmethod
    def parse(cls, text: str) -> "HubAddress":
        """Of hf://user/name or hf://user/name@revision. Raises InputError for any other text."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise InputError(f"{text!r} is not a model on the hub; write hf://user/name, or hf://user/name@revision.")
        return cls(repo=found["repo"], revision=found["revision"])


def download(address: HubAddress, names: Sequence[str], *, anew: bool = False) -> Path:
    """The folder of the files of these names, as far as the repository has them; from the cache where they are in it.

    anew: even what is in the cache. Raises HubError where there is no such repository or revision, where the hub cannot
    be reached and the cache does not hold all of the files, and where the download breaks off; ConfigError where
    huggingface_hub is missing.
    """
    hub = _hub()
    with _said(hub, address), _without_bars(hub):
        return Path(
            hub.snapshot_download(
                address.repo,
                revision=address.revision,
                allow_patterns=list(names),
                endpoint=_endpoint(),
                force_download=anew,
                library_name="birdsat",
            )
        )


def upload(
    folder: Path, address: HubAddress, *, private: bool = False, token: str | None = None, message: str = ""
) -> HubAddress:
    """Make the files of a folder the next commit of a repository, which is made where there is none; its address.

    address.revision: a branch, made where there is none. Raises HubError where the hub refuses or cannot be reached,
    ConfigError where huggingface_hub is missing.
    """
    hub = _hub()
    api = hub.HfApi(endpoint=_endpoint(), token=token, library_name="birdsat")
    with _said(hub, address, writes=True), _without_bars(hub):
        api.create_repo(address.repo, private=private or None, exist_ok=True)
        if address.revision is not None:
            api.create_branch(address.repo, branch=address.revision, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a table beside the weights (taxa.parquet) is meant
            commit = api.upload_folder(
                repo_id=address.repo,
                folder_path=folder,
                revision=address.revision,
                commit_message=message or "A model of birdsat",
            )
    return HubAddress(repo=address.repo, revision=str(commit.oid))


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError as error:
        raise ConfigError(
            f"models on the Hugging Face hub need the package huggingface_hub, which does not import ({error}); "
            f"{_INSTALL}, or download the folder yourself and give its path."
        ) from error
    return huggingface_hub


def _endpoint() -> str | None:
    """As the environment says now; huggingface_hub asks it once, when it is imported."""
    return os.environ.get("HF_ENDPOINT") or None


@contextmanager
def _said(hub: Any, address: HubAddress, *, writes: bool = False) -> Iterator[None]:
    """What the library raises, as HubError with what to do."""
    errors = hub.errors
    try:
        yield
    except errors.HFValidationError as error:
        raise HubError(f"{address} is not a name that the hub allows: {_first_line(error)}") from error
    except errors.GatedRepoError as error:
        raise HubError(f"{address} is open to those alone whom its owner admits; ask on its page.") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"there is no model {address.repo!r} on the hub, or it is private; mind the spelling, or log in with "
            "`hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(
            f"the model {address.repo!r} has no revision {address.revision or 'main'!r}; give a branch, a tag or a "
            "commit of it, or none for the newest."
        ) from error
    except (errors.LocalEntryNotFoundError, errors.IncompleteSnapshotError) as error:
        raise HubError(
            f"the hub cannot be reached ({_reason(error)}), and the cache does not hold all of {address}; connect to "
            "the network, or give the folder of a copy."
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            may = "write to it" if writes else "read it"
            raise HubError(f"{address} refuses ({status}): log in as one who may {may}, `hf auth login`.") from error
        raise HubError(f"the hub answers {address} with an error ({_first_line(error)}); try again later.") from error
    except (OSError, ValueError) as error:  # a body that is shorter than was said, too
        raise HubError(_broke_off(address, error, writes)) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("httpx", "httpx2", "httpcore", "httpcore2", "hf_xet"):
            raise
        raise HubError(_broke_off(address, error, writes)) from error


def _broke_off(address: HubAddress, error: Exception, writes: bool) -> str:
    if writes:
        return f"the upload to {address} broke off ({_first_line(error)}); nothing of it is shown. Start it again."
    return f"the download of {address} broke off ({_first_line(error)}); start it again: what came whole is kept."


def _reason(error: BaseException) -> str:
    """What kept the library from asking, as far as it says so."""
    cause = error.__cause__ or error.__context__
    return _first_line(error if cause is None else cause)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextmanager
def _without_bars(hub: Any) -> Iterator[None]:
    """Nothing below the command line prints."""
    shown = not hub.utils.are_progress_bars_disabled()
    if shown:
        hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            hub.utils.enable_progress_bars()
