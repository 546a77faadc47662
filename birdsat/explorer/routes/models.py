"""Models, their taxa, cells, maps, richness, records and places."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from birdsat.explorer.answers import NotFoundError, bytes_answer, json_answer, packed_answer
from birdsat.explorer.routes.examples import answers, bytes_of, errors
from birdsat.explorer.state import State, state_of

if TYPE_CHECKING:  # it imports torch, which takes seconds: the server listens before
    from birdsat.explorer.served_model import ServedModel

router = APIRouter(prefix="/v1", tags=["maps"])
Model = Annotated[str, Path(max_length=80, description="Id of a model, from /v1/models", examples=["example"])]
Taxon = Annotated[
    str, Path(max_length=200, description="Key or scientific name, from its taxa", examples=["Fictavis_borealis"])
]
Layer = Annotated[str, Path(max_length=20, description="Name of a layer, from the map", examples=["suitability"])]
Lon = Annotated[float, Query(ge=-180, le=180, description="Degrees east", examples=[-84.5])]
Lat = Annotated[float, Query(ge=-90, le=90, description="Degrees north", examples=[39.1])]
Month = Annotated[int, Query(ge=0, le=11, description="0 is January")]
Language = Annotated[
    str, Query(max_length=35, description="Of common names, where a list has it", examples=["de", "pt-BR"])
]
Most = Annotated[int, Query(ge=1, le=20_000, description="Taxa, at most")]


def _model(request: Request, id: str) -> "ServedModel":
    return state_of(request).site.model(id)


def models_of(state: State) -> list[Mapping[str, Any]]:
    """What is listed."""
    return state.site.listing()


@router.get("/models", responses=answers("models"))
def models(request: Request) -> Response:
    """The range models that are served."""
    return json_answer(request, models_of(state_of(request)))


@router.delete("/models/{model}", status_code=204, responses={204: {"description": "Gone"}, **errors()})
def forget(request: Request, model: Model) -> Response:
    """Forget a project: its model and its upload are removed from the disk."""
    state_of(request).forget_model(model)
    return Response(status_code=204)


@router.get("/models/{model}/taxa", responses=answers("taxa"))
def taxa(
    request: Request,
    model: Model,
    q: Annotated[str, Query(max_length=200, description="Part of a name")] = "",
    limit: Annotated[int, Query(ge=1, le=20_000)] = 50,
    language: Language = "",
) -> Response:
    """Taxa of a model with their figures."""
    return json_answer(request, _model(request, model).taxa(q, limit, language))


@router.get("/models/{model}/grid", responses=answers("grid"))
def grid(request: Request, model: Model) -> Response:
    """Where the cells of a model lie."""
    return json_answer(request, _model(request, model).grid())


@router.get(
    "/models/{model}/cells.bin",
    response_class=Response,
    responses=bytes_of("int32: n, then positions of n cells, row by row"),
)
def cells(request: Request, model: Model) -> Response:
    """Positions of the cells."""
    return packed_answer(request, _model(request, model).cells_bytes())


@router.get("/models/{model}/effort.bin", response_class=Response, responses=bytes_of("uint8: n"))
def effort(request: Request, model: Model) -> Response:
    """How much was looked in each cell."""
    return _layer(request, _model(request, model).effort_bytes(), "effort")


@router.get("/models/{model}/maps/{taxon}", responses=answers("map"))
def map_of(request: Request, model: Model, taxon: Taxon, language: Language = "") -> Response:
    """All that is said of a taxon's map, and where its layers are."""
    served = _model(request, model)
    return json_answer(request, served.map(served.taxon(taxon), language))


@router.get(
    "/models/{model}/maps/{taxon}/{layer}.bin",
    response_class=Response,
    responses=bytes_of("uint8: months x n, month by month"),
)
def layer(request: Request, model: Model, taxon: Taxon, layer: Layer) -> Response:
    """Values of all cells."""
    served = _model(request, model)
    return _layer(request, served.layer(served.taxon(taxon), layer), layer)


@router.get("/models/{model}/records/{taxon}", responses=answers("records"))
def records(request: Request, model: Model, taxon: Taxon) -> Response:
    """Places and months of a taxon's records."""
    served = _model(request, model)
    return json_answer(request, served.records.of(served.taxon(taxon)))


@router.get("/models/{model}/richness", responses=answers("richness"))
def richness(request: Request, model: Model) -> Response:
    """The expected number of species, and where species are expected that nobody recorded."""
    return json_answer(request, _model(request, model).richness)


@router.get(
    "/models/{model}/richness/{layer}.bin",
    response_class=Response,
    responses=bytes_of("uint8: months x n, month by month"),
)
def richness_layer(request: Request, model: Model, layer: Layer) -> Response:
    """Values of all cells."""
    return _layer(request, _model(request, model).richness_layer(layer), layer)


@router.get("/models/{model}/place", responses=answers("place"))
def place(
    request: Request, model: Model, lon: Lon, lat: Lat, month: Month = 5, most: Most = 200, language: Language = ""
) -> Response:
    """The species to expect at a place."""
    from birdsat.explorer.place import place_answer

    return json_answer(request, place_answer(_model(request, model), lon, lat, month, most, language))


@router.get("/models/{model}/place.csv", response_class=Response, responses=bytes_of("a table", "text/csv"))
def place_table(
    request: Request, model: Model, lon: Lon, lat: Lat, month: Month = 5, most: Most = 20_000, language: Language = ""
) -> Response:
    """The same as a table."""
    from birdsat.explorer.place import place_answer, place_csv

    table = place_csv(place_answer(_model(request, model), lon, lat, month, most, language))
    answer = bytes_answer(request, table, "text/csv; charset=utf-8")
    answer.headers["content-disposition"] = f'attachment; filename="species_{lon:.3f}_{lat:.3f}_{month + 1:02d}.csv"'
    return answer


@router.get("/models/{model}/places.json", responses=answers("places"))
def places(request: Request, model: Model) -> Response:
    """How the values of all taxa are cut into files."""
    return json_answer(request, places_of(_model(request, model)))


@router.get(
    "/models/{model}/places/{block}.bin",
    response_class=Response,
    responses=bytes_of("uint8: taxa x months x cells of the block"),
)
def place_block(request: Request, model: Model, block: Annotated[int, Path(ge=0, le=1 << 20)]) -> Response:
    """All taxa's values in some cells."""
    served = _model(request, model)
    if block >= served.place_blocks():
        raise NotFoundError(f"block {block:,} is not among the {served.place_blocks():,} of this model.")
    return packed_answer(request, served.place_block(block))


def places_of(served: "ServedModel") -> dict[str, Any]:
    """How the values of all taxa are cut into files."""
    return {
        "block": served.grid()["place_block"],
        "blocks": served.place_blocks(),
        "months": len(served.months),
        "taxa": served.names(served.facts.taxa),
    }


def _layer(request: Request, packed: bytes | None, name: str) -> Response:
    if packed is None:
        raise NotFoundError(f"this map has no layer {name[:40]!r}; its answer lists those it has.")
    return packed_answer(request, packed)
