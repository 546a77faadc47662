"""What is said of a dataset as a whole: nothing that its rows depend on."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from birdsat.dataset.collections.published_counts import PublishedCounts, completeness
from birdsat.dataset.manifest import Manifest
from birdsat.observations.taxonomy import Taxon


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """The words of a dataset's manifest and card that its builder chooses."""

    title: str = "birdsat dataset"
    licence: str = ""  # of the dataset as a whole
    sources: tuple[str, ...] = ()  # tables, folders and imagery that it is made of
    command: str = ""  # that builds it
    named_by: str = ""  # the list that taxa are named by
    taxa: Mapping[str, Taxon] | None = None  # what it says of them, where the dataset's own list is silent
    published: PublishedCounts | None = None  # what the whole of the collection holds that the rows are of

    def put_into(self, manifest: Manifest, *, own_split: bool) -> Manifest:
        """The manifest with these words. own_split: whether the rows keep the split of their source."""
        return dataclasses.replace(
            manifest,
            named_by=self.named_by,
            taxa=tuple(_filled(taxon, (self.taxa or {}).get(taxon.name)) for taxon in manifest.taxa),
            title=self.title,
            licence=self.licence,
            sources=self.sources,
            command=self.command,
            completeness=completeness(manifest, self.published, own_split=own_split) if self.published else "",
        )


def _filled(taxon: Taxon, told: Taxon | None) -> Taxon:
    """The taxon with what is told of it where it says nothing itself."""
    if told is None:
        return taxon
    blank = [rank for rank in ("family", "order", "common_name") if not getattr(taxon, rank)]
    return dataclasses.replace(taxon, **{rank: getattr(told, rank) for rank in blank})
