"""The collections by name. What opens one is imported when it is asked for."""

import inspect
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birdsat.errors import ConfigError

if TYPE_CHECKING:
    from birdsat.dataset.collections.collection import Collection

# "module:function", the folder of a collection in, a Collection out; its keyword-only parameters are the settings that
# the collection has of its own.
COLLECTIONS: dict[str, str] = {
    "birdsat_release": "birdsat.dataset.collections.birdsat_release:open_birdsat_release",
    "cub": "birdsat.dataset.collections.cub:open_cub",
    "image_folder": "birdsat.dataset.collections.image_folder:open_image_folder",
    "inat2021": "birdsat.dataset.collections.inat2021:open_inat2021",
    "nabirds": "birdsat.dataset.collections.nabirds:open_nabirds",
}


def open_collection(name: str, folder: Path, **settings: Any) -> "Collection":
    """Open a collection with settings of its own.

    Raises ConfigError for an unknown name, and for a setting that the collection does not have.
    """
    if name not in COLLECTIONS:
        raise ConfigError(f"there is no collection {name!r}; allowed: {', '.join(COLLECTIONS)}.")
    having = collections_by_setting()
    for setting in settings:
        if name not in having.get(setting, ()):
            of = f"the collection {' or '.join(having[setting])}" if setting in having else "none of the collections"
            raise ConfigError(f"{setting} is a setting of {of}, not of {name}; leave it out.", settings=(setting,))
    opened: Collection = pkgutil.resolve_name(COLLECTIONS[name])(folder, **settings)
    return opened


def collections_by_setting() -> dict[str, tuple[str, ...]]:
    """Each setting that some collections have of their own, and which these are."""
    having: dict[str, tuple[str, ...]] = {}
    for name, opener in COLLECTIONS.items():
        for setting, parameter in inspect.signature(pkgutil.resolve_name(opener)).parameters.items():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                having[setting] = (*having.get(setting, ()), name)
    return having
