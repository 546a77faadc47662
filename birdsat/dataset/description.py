"""What is said of a dataset as a whole: nothing that its rows depend on."""

import dataclasses
from dataclasses import dataclass

from birdsat.dataset.collections.published_counts import PublishedCounts, completeness
from birdsat.dataset.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """The words of a dataset's manifest and card that its builder chooses."""

    title: str = "birdsat dataset"
    licence: str = ""  # of the dataset as a whole
    sources: tuple[str, ...] = ()  # tables, folders and imagery that it is made of
    command: str = ""  # that builds it
    published: PublishedCounts | None = None  # what the whole of the collection holds that the rows are of

    def put_into(self, manifest: Manifest, *, own_split: bool) -> Manifest:
        """The manifest with these words. own_split: whether the rows keep the split of their source."""
        return dataclasses.replace(
            manifest,
            title=self.title,
            licence=self.licence,
            sources=self.sources,
            command=self.command,
            completeness=completeness(manifest, self.published, own_split=own_split) if self.published else "",
        )
