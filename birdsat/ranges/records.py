"""Records of taxa brought onto cells: checked, thinned, and with all that was recorded beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.land import near_land
from birdsat.earth.outline import EARTH, Land
from birdsat.embeddings.regions.region import Region
from birdsat.errors import InputError, some_of
from birdsat.observations.occurrence_checks import check_occurrences, few_records, much_elsewhere
from birdsat.observations.occurrence_grid import thin
from birdsat.observations.occurrences import Occurrences
from birdsat.observations.survey_records import SurveyRecords
from birdsat.progress import QUIET, Progress
from birdsat.ranges.effort import RelativeEffort, effort_of_records
from birdsat.ranges.survey_points import check_surveys


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """Occurrences on the cells of a grid: those of the taxa to fit, and all, which say how much was looked where."""

    taxa: Occurrences  # thinned, such as to one record a cell and month, all in cells with imagery
    everything: Occurrences  # of all taxa that say where was looked, as they were recorded
    thin_km: float | None = None  # squares that records are thinned to, kilometres; None: cells
    effort: RelativeEffort | None = None  # on the cells of the fit; None: by the records of everything
    surveys: SurveyRecords | None = None  # of those of the taxa that have absences, thinned likewise
    elsewhere: Mapping[str, int] = field(default_factory=dict)  # records of each taxon in no cell, as at sea; thinned

    def thinned_on(self, grid: AnyGrid) -> Occurrences:
        """Everything, thinned as the taxa to fit are."""
        return thin(self.everything, grid, self.thin_km)

    def effort_on(self, grid: AnyGrid, anywhere: NDArray[np.int64]) -> RelativeEffort | None:
        """How much was looked where, on the cells of the fit, anywhere (c,) of which a taxon may be; None where that is
        not known."""
        return self.effort or effort_of_records(self.everything, self.taxa, grid, anywhere, thin_km=self.thin_km)


def check_records(
    region: Region,
    everything: Occurrences,
    taxa: Sequence[str] = (),
    *,
    trust_places: bool = False,
    thin_km: float | None = None,
    progress: Progress = QUIET,
) -> Records:
    """Check and thin those of some taxa, or of all; what was dropped, and what is odd, is noted.

    thin_km: as of `thin_records`.
    Raises what `check_occurrences` raises, UnknownTaxonError for a taxon without records, and InputError when no
    record lies in a cell of the region that has imagery.
    """
    asked = everything
    if taxa:
        asked = everything.only_taxa([everything.named(taxon) for taxon in taxa])
    thinned = thin_records(
        asked, region.grid, region.imagery.land, trust_places=trust_places, thin_km=thin_km, progress=progress
    )
    found = region.at(thinned.lon_lat, columns=()).found
    of_land = region.imagery.is_of_land
    lost = np.bincount(thinned.label[~found], minlength=len(thinned.taxa)).tolist()
    elsewhere = {taxon: count for taxon, count in zip(thinned.taxa, lost, strict=True) if count}
    thinned = thinned.where(
        found, reason="in a cell without land, as at sea" if of_land else "in a cell without imagery"
    )
    for reason, count in thinned.dropped.items():
        progress.note(f"{count:,} {'record' if count == 1 else 'records'} dropped: {reason}")
    if len(thinned) == 0:
        where = "on or near the land" if of_land else "in a cell with imagery"
        raise InputError(
            f"no record of {'these taxa' if taxa else 'any taxon'} lies {where} of {region.name}; embed a region that "
            "holds them, from imagery."
        )
    if (few := few_records(thinned)) is not None:
        progress.note(few)
    kept = dict(zip(thinned.taxa, thinned.counts.tolist(), strict=True))
    if many := [taxon for taxon, count in elsewhere.items() if much_elsewhere(count, kept[taxon])]:
        where = "at sea" if of_land else "where there is no imagery"
        progress.note(
            f"more than a fifth of the records of {some_of(many)} lie {where}, where {region.name} has no cells: what "
            "is mapped is the rest of where they live. Embed cells that hold them, from imagery, with `birdsat embed`."
        )
    surveys = check_surveys(region, everything, thinned, progress)
    return Records(taxa=thinned, everything=everything, thin_km=thin_km, surveys=surveys, elsewhere=elsewhere)


def thin_records(
    asked: Occurrences,
    grid: AnyGrid,
    land: Land,
    *,
    trust_places: bool = False,
    thin_km: float | None = None,
    progress: Progress = QUIET,
) -> Occurrences:
    """Check records against the land of their planet, and keep one of each taxon, cell and month.

    thin_km: keep one in so many kilometres each way, in place of one in a cell of the grid.

    What is odd is noted. Raises what `check_occurrences` raises.
    """
    checked = check_occurrences(
        asked,
        on_land=land.contains,
        near_land=near_land if land is EARTH else None,
        box=grid.box,
        trust_places=trust_places,
    )
    for note in checked.notes:
        progress.note(note)
    return thin(checked.occurrences, grid, thin_km)
