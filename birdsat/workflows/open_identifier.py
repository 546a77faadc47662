"""A run and what says where and when its taxa are, opened together."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.places import embed_places
from birdsat.embeddings.taxa import load_taxon_means
from birdsat.errors import CheckpointError, PlaceError
from birdsat.imagery.open_imagery import open_imagery
from birdsat.tasks.identify.identifier import RunIdentifier, identified_taxa, open_identifier
from birdsat.tasks.identify.place_date import ChipPlaceDate, ListPlaceDate, PlaceDate, RangesPlaceDate
from birdsat.tasks.identify.taxon_groups import english_name
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.listed_names import listed_names
from birdsat.workflows.open_ranges import open_ranges
from birdsat.workflows.requests.identify_options import IdentifyOptions
from birdsat.workflows.requests.maps import RangesOptions

_OTHER_SCALE = 10.0  # inverse temperature of place against taxon, where a run has learned none; its weight is fitted


def open_run_identifier(options: IdentifyOptions) -> RunIdentifier:
    """Ready to name photos. Raises what opening the run, the range model, the region or the list raises."""
    run = load_run(Path(options.run))
    return identifier_of(run, options, open_place_date(run, options))


def identifier_of(run: Run, options: IdentifyOptions, place_date: PlaceDate | None) -> RunIdentifier:
    """Of parts that are open."""
    return open_identifier(
        run,
        scores=options.scores,
        place_date=place_date,
        coverage=options.coverage,
        sure=options.sure,
        gate=options.gate,
        taught=options.taught,
    )


def open_place_date(run: Run, options: IdentifyOptions) -> PlaceDate | None:
    """What is asked of place and date; None where that is nothing, or not wanted."""
    if not options.place_date:
        return None
    if options.ranges is None and options.region is None and options.imagery is None and options.expected is None:
        return None
    taxa = identified_taxa(run, options.scores, taught=options.taught)
    if options.ranges is not None:
        model, region = open_ranges(RangesOptions(ranges=options.ranges, region=options.region))
        return RangesPlaceDate(taxa, model, region)
    if options.expected is not None:
        return ListPlaceDate(taxa, listed_names(Path(options.expected)), _common_names(taxa))
    means, scale = load_taxon_means(run.path), run.method.similarity_scale() or _OTHER_SCALE
    if options.region is not None:
        region = open_region(Path(options.region), run)
        return ChipPlaceDate(taxa, means, scale, lambda lon_lat: region.at(lon_lat, ("year",)).year, region.identity)
    imagery = open_imagery(str(options.imagery))
    if not run.method.sees_chips:
        raise CheckpointError(f"{run.path} sees no chips, so imagery says nothing to it; give a range model.")
    chips = imagery.chips(ground_km=run.chip_ground_km, px=run.chip_px)

    def years(lon_lat: NDArray[np.float64]) -> NDArray[np.float32]:
        try:
            return embed_places(run, chips, lon_lat).year
        except PlaceError:  # none of them has imagery
            return np.full((len(lon_lat), 1, means.embedding.shape[1]), np.nan, np.float32)

    return ChipPlaceDate(taxa, means, scale, years, imagery.text)


def _common_names(taxa: tuple[str, ...]) -> dict[str, str]:
    return {taxon: name for taxon in taxa if (name := english_name(taxon))}
