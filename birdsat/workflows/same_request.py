"""Whether what is asked for was made already: a fingerprint of the request and its inputs is kept beside what it made.

So a verb that is started again over its finished output is done, also on a disk that may not be written.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from birdsat.dataset.shard import file_sha256
from birdsat.embeddings.regions.manifest import REGION_FILE
from birdsat.embeddings.regions.world import WORLD_FOLDER
from birdsat.embeddings.regions.world_files import WORLD_FILE
from birdsat.embeddings.taxa import TAXA_FILE
from birdsat.imagery.open_imagery import open_imagery
from birdsat.ranges.model import SETTINGS_FILE, WEIGHTS_FILE
from birdsat.training.run_folder import CONFIG_FILE, MODEL_FILE
from birdsat.workflows.requests.request import Request

# What changes no number: where files go, which of them, and by how many processes.
_WITHOUT_EFFECT = ("out", "overwrite", "workers", "also")
# What a folder of ours stands for: whoever replaces one of these makes another input of it.
_OF_A_FOLDER = (REGION_FILE, SETTINGS_FILE, WEIGHTS_FILE, CONFIG_FILE, MODEL_FILE, TAXA_FILE)


def request_fingerprint(request: Request, without: Collection[str] = ()) -> str:
    """Of the settings of a request and the content of the files it names; two of one fingerprint make the same.

    without: settings that have no part in it, beside those that change no number. Imagery is known by its name and
    size, as of a region; where no region is named, the built-in world is an input too. A file that is not there is not
    asked for here: what reads it says so.
    """
    settings = {
        field.name: _identity(field.name, getattr(request, field.name))
        for field in dataclasses.fields(request)
        if field.name not in (*_WITHOUT_EFFECT, *without)
    }
    if settings.get("region", "") is None:
        settings["region"] = _identity("region", WORLD_FOLDER / WORLD_FILE)
    digest = hashlib.sha256(json.dumps([type(request).__name__, settings], sort_keys=True).encode())
    return digest.hexdigest()[:32]


def _identity(name: str, value: object) -> object:
    """A setting as JSON: of a file or folder what it holds, not what it is called."""
    if isinstance(value, tuple | list):
        return [_identity(name, one) for one in value]
    if isinstance(value, Path):
        if value.is_dir():
            return {part.relative_to(value).as_posix(): file_sha256(part) for part in _parts(value)}
        return file_sha256(value) if value.is_file() else str(value)
    if name in ("taxonomy", "follows") and isinstance(value, str):
        file = next((path for path in (Path(value), Path(value.rpartition("@")[0])) if path.is_file()), None)
        return [value, None if file is None else file_sha256(file)]
    if name == "imagery" and isinstance(value, str):
        return [value, open_imagery(value).file_bytes]
    return value


def _parts(folder: Path) -> list[Path]:
    """The files that say what a folder holds: of one of ours a few, of any other, such as an unpacked archive, all."""
    ours = [folder / name for name in _OF_A_FOLDER if (folder / name).is_file()]
    return ours or sorted(path for path in folder.rglob("*") if path.is_file())
