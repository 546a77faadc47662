"""A range model and the cells it is asked about, opened together."""

import calendar
from collections.abc import Sequence
from pathlib import Path

from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import open_remembered
from birdsat.errors import ConfigError, some_of
from birdsat.maps.description import NONE_HELD_OUT
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.named import parse_covariates
from birdsat.ranges.covariates.rasters import check_unchanged, read_rasters
from birdsat.ranges.covariates.region import CovariateRegion
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.workflows.requests.maps import MAKE_REGION, RangesOptions
from birdsat.workflows.requests.ranges import CovariateOptions


def warn_if_not_held_out(model: RangeModel, progress: Progress) -> None:
    """Note that the model's numbers were neither calibrated nor evaluated, where nothing could be held out; and that
    they were by narrow blocks, where records lie in a small region."""
    lacks = [] if model.facts.calibration.fitted else ["not calibrated"]
    lacks += [] if model.facts.evaluated else ["not evaluated"]
    if lacks:
        why = model.facts.not_held_out or NONE_HELD_OUT
        progress.note(
            f"{', '.join(lacks)}: {why}, so nothing tells how good the map is; add records from other places."
        )
    elif model.facts.network.regional:
        progress.note(
            f"the records lie in a small region: held out were blocks of {model.facts.network.block_km:,.0f} km among "
            "them, so nothing tells how good the map is elsewhere."
        )


def warn_if_by_chance(model: RangeModel, taxa: Sequence[str], progress: Progress) -> None:
    """Note which of some taxa of the model had records that could not be told from other places, where they were
    held out."""
    figures = dict(zip(model.facts.taxa, model.facts.taxon_evaluation, strict=False))
    some = [taxon for taxon in taxa if taxon in figures and figures[taxon].is_by_chance]
    if some:
        progress.note(f"on blocks held out, records of {some_of(some)} could not be told from other places.")


def why_not_held_out(model: RangeModel, taxon: str) -> str:
    """For people: why there are no figures of a taxon; "" where there are some, or that is not known."""
    facts = model.facts
    if facts.not_held_out or not facts.taxon_evaluation or model.evaluation_of(taxon):
        return facts.not_held_out
    return "too few of its records could be held out; the figures are of other taxa of the model"


def open_ranges(options: RangesOptions) -> tuple[RangeModel, Region]:
    """The model, and the region named or else the one it was fitted on. Raises what its parts raise."""
    model = load_ranges(Path(options.ranges))
    region = open_region(Path(options.region)) if options.region is not None else region_of(model)
    check_ranges(model, region)
    return model, with_covariates(model, region)


def region_of(model: RangeModel) -> Region:
    """The region that a model was fitted on. Raises ConfigError where it is not known, or not there any more."""
    assert model.folder is not None
    if model.region is None:
        lost = "does not say which cells it was fitted on"
    elif (region := open_remembered(model.region, model.folder)) is not None:
        return region
    else:
        lost = f"was fitted on {(model.folder.resolve() / model.region).resolve()}, now gone"
    raise ConfigError(
        f"{model.folder} {lost}; name a region that the run {model.facts.run!r} embedded ({MAKE_REGION}).",
        settings=("region",),
    )


def beside_covariates(region: Region, options: CovariateOptions, progress: Progress = QUIET) -> Region:
    """The region with the covariates that a fit is asked for, if any. Raises InputError for a raster of no use."""
    if not options.covariates:
        return region
    rasters = read_rasters(parse_covariates(options.covariates), region.grid, progress)
    return CovariateRegion(region, rasters, None, progress)


def with_covariates(model: RangeModel, region: Region, progress: Progress = QUIET) -> Region:
    """The region with the covariates that a model learned from, if any.

    Raises InputError for a raster that is gone or changed, also where what the model sees in the cells is kept: a map
    is not of a file that was put in its place.
    """
    rasters = model.facts.rasters
    if not rasters:
        return region
    asked = CovariateRegion(
        region.inner if isinstance(region, CovariateRegion) else region, rasters, model.folder, progress
    )
    if region.identity == asked.identity:
        return region  # just read
    check_unchanged(rasters, model.folder)
    return asked


def check_ranges(model: RangeModel, region: Region) -> None:
    """Raises ConfigError when a range model was fitted on chip features of another model than the region's."""
    if model.facts.model == region.model:
        return
    if model.facts.run == region.run:
        raise ConfigError(
            f"{model.folder} was fitted on another edition of {region.run} (of another birdsat, or before it was "
            "trained again), whose features mean something else; fit it again: "
            f"{model.facts.command or 'birdsat fit'}",
            settings=("ranges",),
        )
    raise ConfigError(
        f"{model.folder} was fitted on chip features of the run {model.facts.run!r}, and {region.name} was "
        f"embedded by {region.run!r}; fit again on this region, or embed one by that run.",
        settings=("region",),
    )


def is_dated(model: RangeModel) -> bool:
    """Whether anything in the model tells months apart."""
    return model.facts.dated or model.photos is not None


def warn_if_undated(model: RangeModel, months: Sequence[int], progress: Progress) -> None:
    """Note that months cannot differ, where they cannot, and in which nobody looked. months: none, of a whole year."""
    if not is_dated(model):
        what = "so all months are the same" if months else "so the map is of the whole year"
        progress.note(f"{model.facts.why_undated}, {what}.")
    if names := months_not_looked(model, months):
        progress.note(f"hardly anything was recorded in {names}: the map of {names} is a guess from other months.")


def months_not_looked(model: RangeModel, months: Sequence[int]) -> str:
    """For people: those of months 1..12 in which hardly anybody looked, "" where there are none or it is not known."""
    looked = model.facts.looked_months
    if not (model.facts.dated and looked):
        return ""
    return ", ".join(calendar.month_name[month] for month in months if month not in looked)
