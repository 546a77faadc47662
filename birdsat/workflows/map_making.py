"""What a map is told of its own making."""

from birdsat import config
from birdsat.maps.making import NOT_EVALUATED, Making, versions_here
from birdsat.ranges.model import RangeModel
from birdsat.ranges.thresholds import Thresholds
from birdsat.workflows.requests.maps import MapRequest

THRESHOLDS = ("p10", "max_sss", "equal", "prevalence")


def making_of_photos(request: MapRequest) -> Making:
    """Of a map of scores, which have no thresholds: no record was held out."""
    return Making(
        thresholds_of="a score from photos alone, which nothing was held out of",
        versions=versions_here(),
        commands=(request.command("map"),),
    )


def making_of_ranges(request: MapRequest, model: RangeModel, taxon: str) -> Making:
    """Of a taxon's map by a range model."""
    facts, thresholds = model.facts, model.thresholds(taxon)
    settings = {name: value for name, value in config.to_dict(facts.network).items() if name != config.KIND}
    fitted = () if request.ranges is None or not facts.command else (facts.command,)
    return Making(
        thresholds={} if thresholds is None else {name: getattr(thresholds, name) for name in THRESHOLDS},
        thresholds_of=NOT_EVALUATED if thresholds is None else _chosen_on(thresholds),
        dated=facts.dated,
        rows=facts.read.to_dict() if facts.read.rows else {},
        settings={"way": facts.way, "taxa fitted together": len(facts.taxa), "steps taken": facts.steps, **settings},
        versions=versions_here(),
        commands=(*fitted, request.command("map")),
    )


def _chosen_on(thresholds: Thresholds) -> str:
    if thresholds.pooled:
        return f"pooled: {thresholds.points:,} held-out points of all taxa, as fewer than 5 of this one were"
    return f"{thresholds.points:,} held-out points of the taxon"
