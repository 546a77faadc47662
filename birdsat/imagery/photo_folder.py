"""Photos that lie as files in a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from birdsat.errors import ImageError, InputError
from birdsat.imagery.sources import source_identity
from birdsat.observations.observation import Observation
from birdsat.reading import read_within


@dataclass(frozen=True, slots=True)
class FolderPhotos:
    """A photo source: an observation's photo is a path within the folder `root`."""

    root: Path

    @property
    def identity(self) -> dict[str, Any]:
        """The folder."""
        return source_identity("FolderPhotos", root=self.root)

    def photo(self, observation: Observation) -> bytes:
        """The file's bytes.

        Raises FileNotFoundError where there is no such file, ImageError where the path leaves the folder, by itself or
        over a link, so that a table from elsewhere cannot pull other files into a dataset, or where it is not a file
        that can be read.
        """
        if not observation.photo:
            raise FileNotFoundError(f"observation {observation.id!r} names no photo")
        try:
            try:
                return read_within(self.root, observation.photo)
            except FileNotFoundError:
                if "\\" not in observation.photo:
                    raise
                return read_within(self.root, observation.photo.replace("\\", "/"))  # a path as Windows writes it
        except InputError as error:
            raise ImageError(f"photo {error}") from error
