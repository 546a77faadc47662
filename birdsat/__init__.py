"""birdsat: bird species from photos, places, dates and satellite images.

    import birdsat

    model = birdsat.load("runs/mine")                    # a run, a range model, a region or a dataset
    vectors = model.embed_photos(["a.jpg", "b.jpg"])     # (2, d) unit vectors
    maps = birdsat.map(taxon="Passerina cyanea", occurrences="gbif.zip", months=(1, 6))

Every verb of the command line is a function with the same settings; help(birdsat.map) lists them.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Read by torch when it is first imported: what Apple's GPUs cannot do runs on the CPU, and torch says so once.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

if TYPE_CHECKING:
    from birdsat.api.hub import push_to_hub as push_to_hub
    from birdsat.api.load import load as load
    from birdsat.api.load import open_map as open_map
    from birdsat.api.load import world as world
    from birdsat.api.model import Model as Model
    from birdsat.api.model import Named as Named
    from birdsat.api.verbs import build_dataset as build_dataset
    from birdsat.api.verbs import check_dataset as check_dataset
    from birdsat.api.verbs import classify as classify
    from birdsat.api.verbs import compare as compare
    from birdsat.api.verbs import demo as demo
    from birdsat.api.verbs import describe_dataset as describe_dataset
    from birdsat.api.verbs import embed as embed
    from birdsat.api.verbs import evaluate_disdat as evaluate_disdat
    from birdsat.api.verbs import evaluate_ranges as evaluate_ranges
    from birdsat.api.verbs import evaluate_virtual as evaluate_virtual
    from birdsat.api.verbs import export as export
    from birdsat.api.verbs import fit as fit
    from birdsat.api.verbs import gaps as gaps
    from birdsat.api.verbs import import_weights as import_weights
    from birdsat.api.verbs import list_recipes as list_recipes
    from birdsat.api.verbs import locate as locate
    from birdsat.api.verbs import map as map
    from birdsat.api.verbs import match_taxa as match_taxa
    from birdsat.api.verbs import pretrain as pretrain
    from birdsat.api.verbs import random_chips as random_chips
    from birdsat.api.verbs import range as range
    from birdsat.api.verbs import records as records
    from birdsat.api.verbs import replay as replay
    from birdsat.api.verbs import report as report
    from birdsat.api.verbs import retrieve as retrieve
    from birdsat.api.verbs import richness as richness
    from birdsat.api.verbs import species as species
    from birdsat.api.verbs import taxa as taxa
    from birdsat.api.verbs import virtual_dataset as virtual_dataset
    from birdsat.errors import BirdsatError as BirdsatError
    from birdsat.errors import BirdsatWarning as BirdsatWarning

_VERBS = (
    "build_dataset",
    "check_dataset",
    "classify",
    "compare",
    "demo",
    "describe_dataset",
    "embed",
    "evaluate_disdat",
    "evaluate_ranges",
    "evaluate_virtual",
    "export",
    "fit",
    "gaps",
    "import_weights",
    "list_recipes",
    "locate",
    "map",
    "match_taxa",
    "pretrain",
    "random_chips",
    "range",
    "records",
    "replay",
    "report",
    "retrieve",
    "richness",
    "species",
    "taxa",
    "virtual_dataset",
)
_HOMES = {
    "load": "birdsat.api.load",
    "push_to_hub": "birdsat.api.hub",
    "open_map": "birdsat.api.load",
    "world": "birdsat.api.load",
    "Model": "birdsat.api.model",
    "Named": "birdsat.api.model",
    "BirdsatError": "birdsat.errors",
    "BirdsatWarning": "birdsat.errors",
} | dict.fromkeys(_VERBS, "birdsat.api.verbs")

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import birdsat` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'birdsat' has no attribute {name!r}; it offers {', '.join(__all__)}.")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
