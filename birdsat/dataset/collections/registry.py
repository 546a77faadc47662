"""The collections by name."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from birdsat.dataset.collections.birdsat_release import open_birdsat_release
from birdsat.dataset.collections.collection import Collection
from birdsat.dataset.collections.cub import open_cub
from birdsat.dataset.collections.image_folder import open_image_folder
from birdsat.dataset.collections.inat2021 import open_inat2021
from birdsat.dataset.collections.nabirds import open_nabirds
from birdsat.errors import ConfigError

COLLECTIONS: dict[str, Callable[..., Collection]] = {
    "birdsat_release": open_birdsat_release,
    "cub": open_cub,
    "image_folder": open_image_folder,
    "inat2021": open_inat2021,
    "nabirds": open_nabirds,
}


def open_collection(name: str, folder: Path, **settings: Any) -> Collection:
    """Open a collection. settings: its own; one that is None or False counts as not given.

    Raises ConfigError for an unknown name, and for a setting that the collection does not have.
    """
    if name not in COLLECTIONS:
        raise ConfigError(f"there is no collection {name!r}; allowed: {', '.join(COLLECTIONS)}.")
    given = {setting: value for setting, value in settings.items() if value is not None and value is not False}
    for setting in given:
        having = [other for other, opener in COLLECTIONS.items() if setting in inspect.signature(opener).parameters]
        if name not in having:
            option = f"--{setting.replace('_', '-')}"
            raise ConfigError(f"{option} can be used with --collection {' or '.join(having)} only, not with {name}.")
    return COLLECTIONS[name](folder, **given)
