"""A collection that was opened: all that a build needs of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from birdsat.dataset.collections.published_counts import PublishedCounts
from birdsat.imagery.sources import ObservationChips, PhotoSource
from birdsat.observations.curation import Remark
from birdsat.observations.observation import Observation
from birdsat.observations.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """What others published in a layout of their own, as observations and their images."""

    observations: Iterable[Observation | Remark]  # read once, in a stream
    photos: PhotoSource
    chips: ObservationChips | None = None  # those that the collection brings with it
    taxa: Taxonomy | None = None  # where it says more of its taxa than their names
    published: PublishedCounts | None = None  # what the whole of it holds
    licence: str = ""  # of the collection as a whole
