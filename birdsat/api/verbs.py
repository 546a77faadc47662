"""The verbs as functions: a request's fields as keywords, its result record back. Their types are the request's own."""

import dataclasses
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast

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
from birdsat.workflows.requests.evaluation import (
    EvaluateDisdatRequest,
    EvaluateRangesRequest,
    EvaluateVirtualRequest,
)
from birdsat.workflows.requests.explorer import ExploreRequest, ServeRequest
from birdsat.workflows.requests.export import ExportRequest
from birdsat.workflows.requests.identify import EvaluateIdentifyRequest, ReviewRequest, TeachRequest
from birdsat.workflows.requests.identify_photos import IdentifyRequest
from birdsat.workflows.requests.maps import (
    GapsRequest,
    LocateRequest,
    MapRequest,
    RichnessRequest,
    SpeciesRequest,
)
from birdsat.workflows.requests.products import RangeRequest, ReportRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.records import RecordsRequest
from birdsat.workflows.requests.regions import EmbedRequest
from birdsat.workflows.requests.request import Request
from birdsat.workflows.requests.tasks import (
    ClassifyRequest,
    CompareRequest,
    ImportRequest,
    RetrieveRequest,
    TaxaRequest,
)
from birdsat.workflows.requests.taxonomies import MatchTaxaRequest
from birdsat.workflows.requests.training import PretrainRequest, RecipesRequest, ReplayRequest

if TYPE_CHECKING:
    from birdsat.workflows.build_dataset import build_dataset as _build_dataset
    from birdsat.workflows.check_dataset import check_dataset as _check_dataset
    from birdsat.workflows.classify import classify as _classify
    from birdsat.workflows.clean_records import clean_records as _clean_records
    from birdsat.workflows.compare import compare as _compare
    from birdsat.workflows.demo.run import demo as _demo
    from birdsat.workflows.describe_dataset import describe_dataset as _describe_dataset
    from birdsat.workflows.embed import embed as _embed
    from birdsat.workflows.evaluate_disdat import evaluate_disdat as _evaluate_disdat
    from birdsat.workflows.evaluate_identify import evaluate_identify as _evaluate_identify
    from birdsat.workflows.evaluate_ranges import evaluate_ranges as _evaluate_ranges
    from birdsat.workflows.evaluate_virtual import evaluate_virtual as _evaluate_virtual
    from birdsat.workflows.export import export as _export
    from birdsat.workflows.fit_ranges import fit_ranges as _fit_ranges
    from birdsat.workflows.gaps import find_gaps as _find_gaps
    from birdsat.workflows.identify import identify as _identify
    from birdsat.workflows.import_weights import import_weights as _import_weights
    from birdsat.workflows.locate import locate_photos as _locate_photos
    from birdsat.workflows.map_report import report_map as _report_map
    from birdsat.workflows.map_taxon import map_taxon as _map_taxon
    from birdsat.workflows.match_taxa import match_taxa as _match_taxa
    from birdsat.workflows.pretrain import pretrain as _pretrain
    from birdsat.workflows.random_chips import random_chips as _random_chips
    from birdsat.workflows.range_products import make_ranges as _make_ranges
    from birdsat.workflows.recipes import recipes as _recipes
    from birdsat.workflows.replay import replay as _replay
    from birdsat.workflows.retrieve import retrieve as _retrieve
    from birdsat.workflows.review import review as _review
    from birdsat.workflows.richness import map_richness as _map_richness
    from birdsat.workflows.species import species_at as _species_at
    from birdsat.workflows.taxa import taxa as _taxa
    from birdsat.workflows.teach import teach as _teach
    from birdsat.workflows.virtual_dataset import virtual_dataset as _virtual_dataset

P = ParamSpec("P")
R = TypeVar("R")


class Served(Protocol):
    """What the explorer's verbs give. They lie above this layer, and are found by name alone."""

    address: str
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ...


def _served(request: Any, progress: Progress) -> Served:
    raise NotImplementedError  # never called: see `Function`


_COLUMNS = 100  # of the text of help()


class Function(Generic[P, R]):
    """A verb as a function. `with_progress` gives the same verb with bars and notes."""

    def __init__(
        self,
        verb: str,
        request: Callable[P, Request],
        work: Callable[[], Callable[[Any, Progress], R]],
        progress: Progress = QUIET,
    ) -> None:
        """work: what the registry names, for the eyes of type checkers; it is never called, so nothing is imported."""
        self._verb, self._request, self._work, self._progress = verb, request, work, progress
        self.__name__ = verb.replace(" ", "_")
        self.__doc__ = _documented(VERBS[verb].request)
        self.__signature__ = inspect.signature(request)

    def __repr__(self) -> str:
        return f"<birdsat.{self.__name__}, see help(birdsat.{self.__name__})>"

    def __call__(self, *given: P.args, **fields: P.kwargs) -> R:
        if given:
            first = next(iter(VERBS[self._verb].request.field_docs()))
            raise TypeError(f"birdsat.{self.__name__} takes its settings by name, such as {first}=...")
        return cast(R, VERBS[self._verb](self._request(*given, **fields), self._progress))

    def with_progress(self, progress: Progress) -> "Function[P, R]":
        """The verb, which tells `progress` of its work while it goes on; by default notes are warnings."""
        return Function(self._verb, self._request, self._work, progress)


def _documented(request: type[Request]) -> str:
    fields = []
    for name, doc in request.field_docs().items():
        default = getattr(request, name, dataclasses.MISSING)
        if isinstance(default, Path):
            default = str(default)
        said = f"{name}: {doc}" if default is dataclasses.MISSING else f"{name}: {doc} Default: {default!r}."
        fields.append(
            textwrap.fill(said, _COLUMNS, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False)
        )
    listed = "\n".join(fields)
    return f"{inspect.getdoc(request)}\n\nArgs:\n{listed}\n"


build_dataset = Function("data build", BuildDatasetRequest, lambda: _build_dataset)
describe_dataset = Function("data info", DescribeDatasetRequest, lambda: _describe_dataset)
check_dataset = Function("data check", CheckDatasetRequest, lambda: _check_dataset)
virtual_dataset = Function("data virtual", VirtualDatasetRequest, lambda: _virtual_dataset)
random_chips = Function("data chips", RandomChipsRequest, lambda: _random_chips)
list_recipes = Function("recipes", RecipesRequest, lambda: _recipes)
pretrain = Function("pretrain", PretrainRequest, lambda: _pretrain)
replay = Function("replay", ReplayRequest, lambda: _replay)
export = Function("export", ExportRequest, lambda: _export)
import_weights = Function("import", ImportRequest, lambda: _import_weights)
taxa = Function("taxa", TaxaRequest, lambda: _taxa)
match_taxa = Function("taxa match", MatchTaxaRequest, lambda: _match_taxa)
classify = Function("classify", ClassifyRequest, lambda: _classify)
identify = Function("identify", IdentifyRequest, lambda: _identify)
retrieve = Function("retrieve", RetrieveRequest, lambda: _retrieve)
compare = Function("compare", CompareRequest, lambda: _compare)
embed = Function("embed", EmbedRequest, lambda: _embed)
records = Function("records", RecordsRequest, lambda: _clean_records)
fit = Function("fit", FitRequest, lambda: _fit_ranges)
map = Function("map", MapRequest, lambda: _map_taxon)
range = Function("range", RangeRequest, lambda: _make_ranges)
report = Function("report", ReportRequest, lambda: _report_map)
richness = Function("richness", RichnessRequest, lambda: _map_richness)
species = Function("species", SpeciesRequest, lambda: _species_at)
gaps = Function("gaps", GapsRequest, lambda: _find_gaps)
locate = Function("locate", LocateRequest, lambda: _locate_photos)
teach = Function("teach", TeachRequest, lambda: _teach)
review = Function("review", ReviewRequest, lambda: _review)
evaluate_identify = Function("evaluate identify", EvaluateIdentifyRequest, lambda: _evaluate_identify)
evaluate_ranges = Function("evaluate ranges", EvaluateRangesRequest, lambda: _evaluate_ranges)
evaluate_disdat = Function("evaluate disdat", EvaluateDisdatRequest, lambda: _evaluate_disdat)
evaluate_virtual = Function("evaluate virtual", EvaluateVirtualRequest, lambda: _evaluate_virtual)
demo = Function("demo", DemoRequest, lambda: _demo)
explore = Function("explore", ExploreRequest, lambda: _served)
serve = Function("serve", ServeRequest, lambda: _served)
