"""The verbs as functions: a request's fields as keywords, its result record back. Their types are the request's own."""

import inspect
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar, cast

from birdsat.progress import QUIET, Progress
from birdsat.workflows.registry import VERBS
from birdsat.workflows.requests.datasets import (
    BuildDatasetRequest,
    CheckDatasetRequest,
    DescribeDatasetRequest,
    RandomChipsRequest,
    VirtualDatasetRequest,
)
from birdsat.workflows.requests.demo import DemoRequest
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
from birdsat.workflows.requests.request import Asks, Request
from birdsat.workflows.requests.tasks import (
    ClassifyRequest,
    CompareRequest,
    ImportRequest,
    RetrieveRequest,
    TaxaRequest,
)
from birdsat.workflows.requests.training import PretrainRequest, RecipesRequest

P = ParamSpec("P")
R = TypeVar("R")


class Function(Generic[P, R]):
    """A verb as a function. `with_progress` gives the same verb with bars and notes."""

    def __init__(self, verb: str, request: Callable[P, Asks[R]], progress: Progress = QUIET) -> None:
        self._verb, self._request, self._progress = verb, request, progress
        self.__name__ = verb.replace(" ", "_")
        self.__doc__ = _documented(VERBS[verb].request)
        self.__signature__ = inspect.signature(request)

    def __repr__(self) -> str:
        return f"<birdsat.{self.__name__}, see help(birdsat.{self.__name__})>"

    def __call__(self, *given: P.args, **fields: P.kwargs) -> R:
        request = cast(Request, self._request(*given, **fields))
        return cast(R, VERBS[self._verb](request, self._progress))

    def with_progress(self, progress: Progress) -> "Function[P, R]":
        """The verb whose work is told to `progress` while it goes on; by default notes are warnings."""
        return Function(self._verb, self._request, progress)


def _documented(request: type[Request]) -> str:
    fields = "\n".join(f"    {name}: {doc}" for name, doc in request.field_docs().items())
    return f"{inspect.getdoc(request)}\n\nArgs:\n{fields}\n"


build_dataset = Function("data build", BuildDatasetRequest)
describe_dataset = Function("data info", DescribeDatasetRequest)
check_dataset = Function("data check", CheckDatasetRequest)
virtual_dataset = Function("data virtual", VirtualDatasetRequest)
random_chips = Function("data chips", RandomChipsRequest)
list_recipes = Function("recipes", RecipesRequest)
pretrain = Function("pretrain", PretrainRequest)
import_weights = Function("import", ImportRequest)
taxa = Function("taxa", TaxaRequest)
classify = Function("classify", ClassifyRequest)
retrieve = Function("retrieve", RetrieveRequest)
compare = Function("compare", CompareRequest)
embed = Function("embed", EmbedRequest)
fit = Function("fit", FitRequest)
map = Function("map", MapRequest)
richness = Function("richness", RichnessRequest)
species = Function("species", SpeciesRequest)
gaps = Function("gaps", GapsRequest)
locate = Function("locate", LocateRequest)
evaluate_ranges = Function("evaluate ranges", EvaluateRangesRequest)
evaluate_virtual = Function("evaluate virtual", EvaluateVirtualRequest)
demo = Function("demo", DemoRequest)
