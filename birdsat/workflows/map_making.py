"""What a map is told of its own making."""

from collections.abc import Sequence
from dataclasses import replace

from birdsat import config
from birdsat.maps.making import NOT_EVALUATED, Making, versions_here
from birdsat.maps.taxon_range import THRESHOLDS
from birdsat.ranges.covariates.named import USUAL_INPUTS
from birdsat.ranges.model import RangeModel
from birdsat.ranges.thresholds import Thresholds
from birdsat.workflows.requests.maps import MapRequest, RichnessRequest

_LONGEST = 10_000  # characters of a command; some name thousands of taxa


def making_of_photos(request: MapRequest, taxon: str) -> Making:
    """Of a map of scores, which have no thresholds: no record was held out."""
    return Making(
        thresholds_of="a score from photos alone, which nothing was held out of",
        versions=versions_here(),
        commands=(replace(request, taxon=(taxon,)).command("map"),),
    )


def making_of_ranges(request: MapRequest, model: RangeModel, taxon: str) -> Making:
    """Of a taxon's map by a range model."""
    commands = [request.command("map")]
    if request.ranges is not None:  # the taxa mapped beside this one have no part in it
        commands = [*filter(None, [model.facts.command]), replace(request, taxon=(taxon,)).command("map")]
    thresholds = model.thresholds(taxon)
    return replace(
        _making(model, commands),
        thresholds={} if thresholds is None else {name: getattr(thresholds, name) for name in THRESHOLDS},
        thresholds_of=NOT_EVALUATED if thresholds is None else _chosen_on(thresholds),
    )


def making_of_richness(request: RichnessRequest, model: RangeModel) -> Making:
    """Of a map of what all taxa of a range model give together."""
    return _making(model, [*filter(None, [model.facts.command]), request.command("richness")])


def _making(model: RangeModel, commands: Sequence[str]) -> Making:
    facts = model.facts
    settings = {name: value for name, value in config.to_dict(facts.network).items() if name != config.KIND}
    if facts.estimator:  # of the network, its settings of training are not its own
        settings = {name: settings[name] for name in ("inputs", "members", "block_km", "regional", "seed")}
    else:
        beside = {} if facts.regression is None else {"regression": str(facts.regression)}
        settings = {"steps taken": facts.steps, **beside, **settings}
        if not set(facts.inputs) & set(USUAL_INPUTS):
            del settings["inputs"]  # principal components of chip and place
    return Making(
        rows=facts.read.to_dict() if facts.read.rows else {},
        settings={"way": facts.way, "taxa fitted together": len(facts.taxa), **settings},
        versions=versions_here(),
        commands=tuple(map(_kept, commands)),
    )


def _kept(command: str) -> str:
    """The command, cut where it names more than every map can carry with it."""
    return command if len(command) <= _LONGEST else f"{command[:_LONGEST]} ... (cut: {len(command):,} characters)"


def _chosen_on(thresholds: Thresholds) -> str:
    if thresholds.pooled:
        return f"pooled: {thresholds.points:,} held-out points of all taxa, as fewer than 5 of this one were"
    return f"{thresholds.points:,} held-out points of the taxon"
