"""Models on the Hugging Face hub: published from here, and what is opened as hf://user/name."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from birdsat.errors import InputError
from birdsat.fetch.hub import SCHEME, HubAddress
from birdsat.ranges.model import RangeModel

if TYPE_CHECKING:
    from birdsat.api.model import Model


def push_to_hub(
    model: "Model | RangeModel | str | Path",
    name: str,
    *,
    revision: str | None = None,
    private: bool = False,
    token: str | None = None,
    message: str = "",
) -> str:
    """Publish a run, a classifier or a range model on the Hugging Face hub; the address that opens just this commit.

    model: as `birdsat.load` gives it, or its folder. name: user/name, or user/name@branch; it is made where there is
    none. revision: a branch, made where there is none. token: of the hub; by default the one that `hf auth login`
    keeps. What is published: weights as safetensors, settings, how it was made, labels with the list that they are of,
    and a card with data, licences, figures, intended use and limits. Paths of this machine are cut to their last part.

    Raises InputError for a name that is not of this form, HubError where the hub refuses or cannot be reached,
    ConfigError where huggingface_hub is missing or the model learned from covariates, CheckpointError for a folder that
    is not a finished model.
    """
    from birdsat.workflows.publish import publish

    if isinstance(model, RangeModel):
        if model.folder is None:
            raise InputError("the range model lies in no folder; save it first.")
        folder = model.folder
    else:
        folder = Path(model) if isinstance(model, str | Path) else model.run.path
    return str(publish(folder, _address(name, revision), private=private, token=token, message=message))


def _address(name: str, revision: str | None) -> HubAddress:
    """Of user/name, or of what `birdsat.load` takes."""
    try:
        named = HubAddress.parse(name if name.startswith(SCHEME) else SCHEME + name)
    except InputError as error:
        raise InputError(f"{name!r} is not a name on the hub; write user/name.") from error
    if named.revision is not None and revision not in (None, named.revision):
        raise InputError(f"{name!r} has the revision {named.revision!r}, and {revision!r} is given; leave one out.")
    return replace(named, revision=named.revision or revision)


def fetch(address: str) -> Path:
    """The folder of a model on the hub, hf://user/name or hf://user/name@revision: whole, or HubError."""
    from birdsat.workflows.publish import fetch_published

    return fetch_published(HubAddress.parse(address))
