"""What answers look like, for /v1/openapi.json."""

from typing import Any

from birdsat.explorer.answers import error_body

Responses = dict[int | str, dict[str, Any]]
_ERROR = error_body(
    "UnknownTaxonError", "taxon 'Fictavis boreals' is not among the 6 taxa of the range model; nearest: ..."
)
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "message", "settings"],
            "properties": {
                "kind": {"type": "string", "description": "class of the error, as in birdsat.errors"},
                "message": {"type": "string", "description": "what was got, what is allowed, what to do"},
                "settings": {"type": "array", "items": {"type": "string"}},
            },
        }
    },
}
_WHY = {
    400: "It cannot be read",
    401: "It needs the token",
    403: "Who asks may not",
    404: "It is not there",
    409: "Something else is at work on it",
    413: "It is too large",
    422: "A value that is not allowed",
    429: "Too often; see Retry-After",
    503: "Too much at once; see Retry-After",
    507: "As much as may be kept is there; delete something",
}
_LAYER = {
    "url": "v1/models/example/maps/Fictavis_borealis/suitability.bin",
    "dtype": "uint8",
    "scale": 0.003937,
    "missing": 255,
    "months": 12,
}
_JOB = {
    "id": "f3b1c2d4e5f60718",
    "verb": "fit",
    "state": "running",
    "done": 0.42,
    "doing": "fitting",
    "notes": [],
    "result": None,
    "error": None,
    "created": "2026-11-28T20:00:00+00:00",
    "upload": "0123456789abcdef",
    "model": None,
}
_UPLOAD = {
    "id": "0123456789abcdef",
    "name": "records.csv",
    "bytes": 52311,
    "kind": "records",
    "created": "2026-11-28T20:00:00+00:00",
}
_MODEL = {
    "id": "example",
    "name": "Invented birds of North America",
    "kind": "example",
    "taxa": 6,
    "months": 12,
    "calibrated": True,
    "evaluated": True,
    "cells": 26601,
    "authority": "",
    "records": 1500,
    "has_truth": True,
    "box": [-128, 14, -62, 56],
    "created": "",
}
EXAMPLES: dict[str, Any] = {
    "about": {"version": "0.1.0", "has": {"run": False}, "models": [_MODEL]},
    "models": [_MODEL],
    "taxa": [
        {
            "taxon": "Fictavis borealis",
            "key": "Fictavis_borealis",
            "common_name": "Invented Northern Thrush",
            "records": 250,
            "auc": 0.81,
            "auc_low": 0.77,
            "auc_high": 0.85,
            "auc_even": 0.84,
            "auc_even_low": 0.8,
            "auc_even_high": 0.88,
            "boyce": 0.93,
            "held_out": 250,
        }
    ],
    "grid": {
        "west": -128,
        "south": 14,
        "east": -62,
        "north": 56,
        "cell_deg": 0.25,
        "width": 264,
        "height": 168,
        "lat_edges": None,
        "cells": 26601,
        "cells_url": "v1/models/example/cells.bin",
        "place_block": 4096,
    },
    "map": {
        "taxon": "Fictavis borealis",
        "months": 12,
        "layers": {"suitability": _LAYER},
        "thresholds": [{"name": "max_sss", "value": 0.41}],
    },
    "records": {"lon": [-84.5], "lat": [39.1], "month": [6], "records": 1, "coarsened_deg": 0, "left_out": 0},
    "richness": {"title": "Species expected, of 6", "months": 12, "layers": {"richness": {**_LAYER, "scale": 0.02}}},
    "place": {
        "cell": {"index": 12000, "lon": -84.625, "lat": 39.125},
        "taxa": [{"taxon": "Fictavis borealis", "value": 0.61, "low": 0.5, "high": 0.7, "recorded": 2}],
        "unrecorded": [],
    },
    "places": {"block": 4096, "blocks": 7, "months": 12, "taxa": ["Fictavis_borealis"]},
    "upload": _UPLOAD,
    "uploads": {"uploads": [_UPLOAD], "bytes": 52311, "quota_bytes": 4096000000},
    "job": _JOB,
    "jobs": [_JOB],
    "dataset": {
        "name": "birds",
        "rows": 1000,
        "taxa": [{"taxon": "Turdus merula", "rows": 100}],
        "splits": {"train": 800},
    },
    "rows": {
        "total": 1,
        "rows": [{"row": 0, "taxon": "Turdus merula", "split": "train", "photo_url": "v1/dataset/photo/0.jpg"}],
    },
    "scatter": {"n": 1000, "taxa": ["Turdus merula"], "families": [""], "points_url": "v1/dataset/scatter.bin"},
    "place_photos": {
        "photos": [{"row": 0, "taxon": "Turdus merula", "photo_url": "v1/dataset/photo/0.jpg", "similarity": 0.41}],
        "explanation": "the photos whose embeddings lie nearest to that of the satellite picture of this place",
    },
    "confusions": {"rows": [{"taxon": "Turdus merula", "mistaken_for": "Turdus philomelos", "count": 3, "of": 20}]},
    "review": [
        {"upload": "0123456789abcdef", "taxon": "Turdus merula", "verdict": "accepted", "said": "Turdus merula"}
    ],
    "tiles": [{"name": "imagery", "title": "Satellite picture", "url": "v1/tiles/imagery/{z}/{x}/{y}.png"}],
}


def answers(name: str, status: int = 200) -> Responses:
    """What a route answers with, by an example; and its errors."""
    kind = "array" if isinstance(EXAMPLES[name], list) else "object"
    content = {"application/json": {"schema": {"type": kind}, "example": EXAMPLES[name]}}
    return {status: {"description": "Done", "content": content}, **errors()}


def bytes_of(what: str, media_type: str = "application/octet-stream") -> Responses:
    """What a route of bytes answers with."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": what, "content": content}, 304: {"description": "As it was"}, **errors()}


def errors() -> Responses:
    """Those of every route."""
    content = {"application/json": {"schema": ERROR_SCHEMA, "example": _ERROR}}
    return {status: {"description": why, "content": content} for status, why in _WHY.items()}
