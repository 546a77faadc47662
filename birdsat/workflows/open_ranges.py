"""A range model and the cells it is asked about, opened together."""

import calendar
from collections.abc import Sequence
from pathlib import Path

from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import open_remembered
from birdsat.errors import ConfigError
from birdsat.progress import Progress
from birdsat.ranges.model import RangeModel, load_ranges
from birdsat.workflows.requests.maps import MAKE_REGION, RangesOptions


def warn_if_not_held_out(model: RangeModel, progress: Progress) -> None:
    """Note that the model's numbers were neither calibrated nor evaluated, where nothing could be held out."""
    lacks = [] if model.facts.calibration.fitted else ["not calibrated"]
    lacks += [] if model.evaluation else ["not evaluated"]
    if lacks:
        progress.note(
            f"{', '.join(lacks)}: too few records to hold any out of the fit, so nothing tells how good the map is; "
            "add records from other places."
        )


def open_ranges(options: RangesOptions) -> tuple[RangeModel, Region]:
    """The model, and the region named or else the one it was fitted on. Raises what its parts raise."""
    model = load_ranges(Path(options.ranges))
    region = open_region(Path(options.region)) if options.region is not None else region_of(model)
    check_ranges(model, region)
    return model, region


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


def check_ranges(model: RangeModel, region: Region) -> None:
    """Raises ConfigError when a range model was fitted on chip features of another model than the region's."""
    if model.facts.model != region.model:
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
        progress.note(f"no record that the model was fitted to has a date, {what}.")
    looked = model.facts.looked_months
    if model.facts.dated and looked and (unknown := [month for month in months if month not in looked]):
        names = ", ".join(calendar.month_name[month] for month in unknown)
        progress.note(f"hardly anything was recorded in {names}: the map of {names} is a guess from other months.")
