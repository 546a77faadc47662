"""Every verb: what it is asked with, and what does it. The command line, Python and HTTP make their faces of this."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from birdsat.progress import QUIET, Progress
from birdsat.workflows.requests.evaluation import EvaluateRangesRequest, EvaluateVirtualRequest
from birdsat.workflows.requests.maps import (
    GapsRequest,
    LocateRequest,
    MapRequest,
    RichnessRequest,
    SpeciesRequest,
)
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.regions import EmbedRequest
from birdsat.workflows.requests.request import Request


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb by its request record and its function, which is imported when it is first asked for."""

    request: type[Request]
    function: str  # "module:function", a request and a progress object in, a result record out

    def __call__(self, request: Request, progress: Progress = QUIET) -> Any:
        """Do it."""
        module, name = self.function.split(":")
        return getattr(import_module(module), name)(request, progress)


VERBS: dict[str, Verb] = {
    "fit": Verb(FitRequest, "birdsat.workflows.fit_ranges:fit_ranges"),
    "map": Verb(MapRequest, "birdsat.workflows.map_taxon:map_taxon"),
    "richness": Verb(RichnessRequest, "birdsat.workflows.richness:map_richness"),
    "species": Verb(SpeciesRequest, "birdsat.workflows.species:species_at"),
    "gaps": Verb(GapsRequest, "birdsat.workflows.gaps:find_gaps"),
    "locate": Verb(LocateRequest, "birdsat.workflows.locate:locate_photos"),
    "embed": Verb(EmbedRequest, "birdsat.workflows.embed:embed"),
    "evaluate ranges": Verb(EvaluateRangesRequest, "birdsat.workflows.evaluate_ranges:evaluate_ranges"),
    "evaluate virtual": Verb(EvaluateVirtualRequest, "birdsat.workflows.evaluate_virtual:evaluate_virtual"),
}
