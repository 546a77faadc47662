"""A range model and the cells it is asked about, opened together."""

from collections.abc import Sequence
from pathlib import Path

from birdsat.embeddings.regions.region import Region, open_region
from birdsat.errors import ConfigError
from birdsat.progress import Progress
from birdsat.ranges.model import RangeModel, load_ranges
from birdsat.workflows.requests.maps import MAKE_REGION, RangesOptions


def open_ranges(options: RangesOptions) -> tuple[RangeModel, Region]:
    """The model, and the region named or else the one it was fitted on. Raises what its parts raise."""
    model = load_ranges(Path(options.ranges))
    region = open_region(Path(options.region)) if options.region is not None else region_of(model)
    check_ranges(model, region)
    return model, region


def region_of(model: RangeModel) -> Region:
    """The region that a model was fitted on. Raises ConfigError where it is not known, or not there any more."""
    folder = model.region
    if folder is None or not folder.is_dir():
        lost = "does not say which cells it was fitted on" if folder is None else f"was fitted on {folder}, now gone"
        raise ConfigError(
            f"{model.folder} {lost}; name a region that the run {model.facts.run!r} embedded ({MAKE_REGION}).",
            settings=("region",),
        )
    return open_region(folder)


def check_ranges(model: RangeModel, region: Region) -> None:
    """Raises ConfigError when a range model was fitted on chip features of another model than the region's."""
    if model.facts.model != region.manifest.settings.model:
        raise ConfigError(
            f"{model.folder} was fitted on chip features of the run {model.facts.run!r}, and {region.folder} was "
            f"embedded by {region.manifest.settings.run!r}; fit again on this region, or embed one by that run.",
            settings=("region",),
        )


def warn_if_undated(model: RangeModel, months: Sequence[int], progress: Progress) -> None:
    """Note that several months cannot differ, where they cannot."""
    if len(months) > 1 and not model.facts.dated and model.photos is None:
        progress.note("no record that the model was fitted to has a date, so all months are the same.")
