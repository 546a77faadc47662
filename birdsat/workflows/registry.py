"""Every verb: what it is asked with, and what does it. The command line, Python and HTTP make their faces of this."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from birdsat.progress import QUIET, Progress
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


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb by its request record and its function, which is imported when it is first asked for."""

    request: type[Request]
    function: str  # "module:function", a request and a progress object in, a result record out

    def __call__(self, request: Request, progress: Progress = QUIET) -> Any:
        """Do it."""
        module, name = self.function.split(":")
        return getattr(import_module(module), name)(request, progress)


# In the order of the help: from a first look to weights of others.
VERBS: dict[str, Verb] = {
    "demo": Verb(DemoRequest, "birdsat.workflows.demo.run:demo"),
    "explore": Verb(ExploreRequest, "birdsat.explorer.serve:explore"),
    "serve": Verb(ServeRequest, "birdsat.explorer.serve:serve"),
    "data build": Verb(BuildDatasetRequest, "birdsat.workflows.build_dataset:build_dataset"),
    "data info": Verb(DescribeDatasetRequest, "birdsat.workflows.describe_dataset:describe_dataset"),
    "data check": Verb(CheckDatasetRequest, "birdsat.workflows.check_dataset:check_dataset"),
    "data virtual": Verb(VirtualDatasetRequest, "birdsat.workflows.virtual_dataset:virtual_dataset"),
    "data chips": Verb(RandomChipsRequest, "birdsat.workflows.random_chips:random_chips"),
    "pretrain": Verb(PretrainRequest, "birdsat.workflows.pretrain:pretrain"),
    "replay": Verb(ReplayRequest, "birdsat.workflows.replay:replay"),
    "classify": Verb(ClassifyRequest, "birdsat.workflows.classify:classify"),
    "identify": Verb(IdentifyRequest, "birdsat.workflows.identify:identify"),
    "retrieve": Verb(RetrieveRequest, "birdsat.workflows.retrieve:retrieve"),
    "embed": Verb(EmbedRequest, "birdsat.workflows.embed:embed"),
    "records": Verb(RecordsRequest, "birdsat.workflows.clean_records:clean_records"),
    "fit": Verb(FitRequest, "birdsat.workflows.fit_ranges:fit_ranges"),
    "map": Verb(MapRequest, "birdsat.workflows.map_taxon:map_taxon"),
    "range": Verb(RangeRequest, "birdsat.workflows.range_products:make_ranges"),
    "report": Verb(ReportRequest, "birdsat.workflows.map_report:report_map"),
    "richness": Verb(RichnessRequest, "birdsat.workflows.richness:map_richness"),
    "species": Verb(SpeciesRequest, "birdsat.workflows.species:species_at"),
    "gaps": Verb(GapsRequest, "birdsat.workflows.gaps:find_gaps"),
    "locate": Verb(LocateRequest, "birdsat.workflows.locate:locate_photos"),
    "teach": Verb(TeachRequest, "birdsat.workflows.teach:teach"),
    "review": Verb(ReviewRequest, "birdsat.workflows.review:review"),
    "evaluate identify": Verb(EvaluateIdentifyRequest, "birdsat.workflows.evaluate_identify:evaluate_identify"),
    "evaluate ranges": Verb(EvaluateRangesRequest, "birdsat.workflows.evaluate_ranges:evaluate_ranges"),
    "evaluate disdat": Verb(EvaluateDisdatRequest, "birdsat.workflows.evaluate_disdat:evaluate_disdat"),
    "evaluate virtual": Verb(EvaluateVirtualRequest, "birdsat.workflows.evaluate_virtual:evaluate_virtual"),
    "compare": Verb(CompareRequest, "birdsat.workflows.compare:compare"),
    "recipes": Verb(RecipesRequest, "birdsat.workflows.recipes:recipes"),
    "taxa": Verb(TaxaRequest, "birdsat.workflows.taxa:taxa"),
    "taxa match": Verb(MatchTaxaRequest, "birdsat.workflows.match_taxa:match_taxa"),
    "export": Verb(ExportRequest, "birdsat.workflows.export:export"),
    "import": Verb(ImportRequest, "birdsat.workflows.import_weights:import_weights"),
}
