"""Models on the Hugging Face hub: published from here, and what is opened as hf://user/name."""

from pathlib import Path
from typing import TYPE_CHECKING

from birdsat.errors import InputError
from birdsat.fetch.hub import HubAddress
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

    model: as `birdsat.load` gives it, or its folder. name: user/name; it is made where there is none. revision: a
    branch, made where there is none. token: of the hub; by default the one that `hf auth login` keeps. What is
    published: weights as safetensors, settings, how it was made, labels with the list that they are of, and a card with
    data, licences, figures, intended use and limits. Paths of this machine are cut to their last part.

    Raises HubError where the hub refuses or cannot be reached, ConfigError where huggingface_hub is missing or the
    model learned from rasters, CheckpointError for a folder that is not a finished model.
    """
    from birdsat.workflows.publish import publish

    if isinstance(model, RangeModel):
        if model.folder is None:
            raise InputError("the range model lies in no folder; save it first.")
        folder = model.folder
    else:
        folder = Path(model) if isinstance(model, str | Path) else model.run.path
    address = HubAddress(repo=HubAddress.parse(f"hf://{name}").repo, revision=revision)
    return str(publish(folder, address, private=private, token=token, message=message))


def fetch(address: str) -> Path:
    """The folder of a model on the hub, hf://user/name or hf://user/name@revision: whole, or HubError."""
    from birdsat.workflows.publish import fetch_published

    return fetch_published(HubAddress.parse(address))
