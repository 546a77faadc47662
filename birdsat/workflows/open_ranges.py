"""A range model and the cells it is asked about, opened together."""

import calendar
from collections.abc import Sequence
from pathlib import Path

from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.regions.world import open_remembered
from birdsat.errors import ConfigError, some_of
from birdsat.maps.description import NONE_HELD_OUT
from birdsat.observations.readers.columns import TableColumns
from birdsat.progress import QUIET, Progress
from birdsat.ranges.covariates.cell_covariates import check_unchanged, read_facts
from birdsat.ranges.covariates.named import parse_covariates
from birdsat.ranges.covariates.region import CovariateRegion
from birdsat.ranges.effort import hardly_corrected
from birdsat.ranges.held_out_figures import TaxonFigures
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.workflows.requests.maps import MAKE_REGION, RangesOptions
from birdsat.workflows.requests.ranges import CovariateOptions


def note_cautions(found: Sequence[str], progress: Progress) -> None:
    """Note what `cautions`, or a part of them, says."""
    for caution in found:
        progress.note(f"{caution}.")


def cautions(model: RangeModel, taxa: Sequence[str], months: Sequence[int]) -> tuple[str, ...]:
    """For people: in what the numbers of some taxa of a model fall short; nothing where they do not. months: that are
    asked for; none, of a whole year."""
    return (*fit_cautions(model, taxa, months), *_not_evaluated(model, taxa), *bias_cautions(model))


def fit_cautions(model: RangeModel, taxa: Sequence[str], months: Sequence[int] | None) -> tuple[str, ...]:
    """As `cautions`, beside figures of each taxon and what reading the records said of effort. months: None of a model
    that is asked for none yet."""
    told = () if months is None else _of_months(model, months)
    return (*told, *_of_model(model), *model.facts.uneven_covariates, *_by_chance(model, taxa))


def bias_cautions(model: RangeModel) -> tuple[str, ...]:
    """That observer bias is not corrected, or hardly, where that is so; a fit says it as it reads its records."""
    if model.observer_bias == "not corrected":
        return ("observer bias not corrected: no records of other taxa say where else was looked",)
    hardly = hardly_corrected(model.facts.effort, model.facts.effort_share)
    return () if hardly is None else (hardly,)


def _of_model(model: RangeModel) -> tuple[str, ...]:
    """That its numbers were neither calibrated nor evaluated, where nothing could be held out; and that they were by
    narrow blocks, where records lie in a small region."""
    facts = model.facts
    lacks = [] if facts.calibration.fitted else ["not calibrated"]
    lacks += [] if facts.evaluated else ["not evaluated"]
    if lacks:
        why = facts.not_held_out or NONE_HELD_OUT
        return (f"{', '.join(lacks)}: {why}, so nothing tells how good that is; add records from other places",)
    if facts.network.regional:
        return (
            f"the records lie in a small region: held out were blocks of {facts.network.block_km:,.0f} km among them, "
            "so nothing tells how good that is elsewhere",
        )
    return ()


def _not_evaluated(model: RangeModel, taxa: Sequence[str]) -> tuple[str, ...]:
    """Which of some taxa were not evaluated where others were."""
    lacking = [taxon for taxon, figures in _figures(model, taxa) if not figures.points]
    if not model.facts.evaluated or not lacking:
        return ()
    return (f"{some_of(lacking)}: calibrated with other taxa and not evaluated, for too few records",)


def _by_chance(model: RangeModel, taxa: Sequence[str]) -> tuple[str, ...]:
    """Which of some taxa had records that could not be told from other places, where they were held out."""
    found = [taxon for taxon, figures in _figures(model, taxa) if figures.is_by_chance]
    return (f"on blocks held out, records of {some_of(found)} could not be told from other places",) if found else ()


def _figures(model: RangeModel, taxa: Sequence[str]) -> list[tuple[str, TaxonFigures]]:
    known = dict(zip(model.facts.taxa, model.facts.taxon_evaluation, strict=False))
    return [(taxon, known[taxon]) for taxon in model.named(taxa) if taxon in known]


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
    """The region with the covariates that a fit is asked for, if any. Raises InputError for one of no use."""
    if not options.covariates:
        return region
    sources = read_facts(
        parse_covariates(options.covariates),
        region.grid,
        columns=TableColumns.parse(tuple(options.columns)),
        crs=options.crs,
        progress=progress,
    )
    return CovariateRegion(region, sources, None, progress)


def with_covariates(model: RangeModel, region: Region, progress: Progress = QUIET) -> Region:
    """The region with the covariates that a model learned from, if any.

    Raises InputError for a file that is gone or changed, also where what the model sees in the cells is kept: a map
    is not of a file that was put in its place.
    """
    sources = model.facts.rasters
    if not sources:
        return region
    asked = CovariateRegion(
        region.inner if isinstance(region, CovariateRegion) else region, sources, model.folder, progress
    )
    if region.identity == asked.identity:
        return region  # just read
    check_unchanged(sources, model.folder)
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


def _of_months(model: RangeModel, months: Sequence[int]) -> tuple[str, ...]:
    """That months cannot differ, where they cannot, and in which nobody looked."""
    found: list[str] = []
    if not is_dated(model):
        what = "so all months are the same" if months else "so the map is of the whole year"
        found.append(f"{model.facts.why_undated}, {what}")
    if names := months_not_looked(model, months):
        found.append(f"hardly anything was recorded in {names}: what is said of that time is a guess from other months")
    return tuple(found)


def months_not_looked(model: RangeModel, months: Sequence[int]) -> str:
    """For people: those of months 1..12 in which hardly anybody looked, "" where there are none or it is not known."""
    looked = model.facts.looked_months
    if not (model.facts.dated and looked):
        return ""
    return ", ".join(calendar.month_name[month] for month in months if month not in looked)
