"""Photos that lie as files in a folder."""

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from birdsat.errors import ImageError
from birdsat.imagery.sources import source_identity
from birdsat.observations.observation import Observation


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

        Raises FileNotFoundError where there is no such file, ImageError where the path leaves the folder, so that a
        table from elsewhere cannot pull other files into a dataset, or where the file cannot be read.
        """
        if not observation.photo:
            raise FileNotFoundError(f"observation {observation.id!r} names no photo")
        relative = PurePath(observation.photo)
        if relative.is_absolute() or ".." in relative.parts:  # links within the folder are the user's own
            raise ImageError(f"photo {observation.photo!r} lies outside {self.root}; give a path within that folder.")
        try:
            return (self.root / relative).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(f"no file {observation.photo!r} in {self.root}") from error
        except ValueError as error:
            raise ImageError(f"photo {observation.photo!r} is not a path ({error}); mend the table.") from error
        except OSError as error:
            raise ImageError(f"photo {observation.photo!r} cannot be read ({error}); mend its permissions.") from error
