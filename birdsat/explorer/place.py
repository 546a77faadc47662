"""What is to be expected at a place: all taxa of a model in the cell that it lies in, over the year."""

from typing import Any

import numpy as np

from birdsat.embeddings.regions.embed_cells import RegionBlock
from birdsat.errors import PlaceError
from birdsat.explorer.served_model import ServedModel
from birdsat.tables import csv_text
from birdsat.workflows.open_ranges import cautions
from birdsat.workflows.requests.maps import YEAR

EXPECTED = 0.5  # from which suitability on a taxon that nobody recorded is called unrecorded
_COLUMNS = ("taxon", "common_name", "value", "low", "high", "applicable", "recorded")


def place_answer(
    served: ServedModel, lon: float, lat: float, month: int, most: int, language: str = ""
) -> dict[str, Any]:
    """The taxa by their values in a month (0..11), the highest first.

    Raises PlaceError where no cell is known there.
    """
    model, region, grid = served.model, served.region, served.region.grid
    points = region.at(np.array([[lon, lat]]), model.columns)
    cell = int(points.cells[0])
    index = int(np.searchsorted(served.cells, cell))
    if cell < 0 or not points.found[0] or index >= len(served.cells) or served.cells[index] != cell:
        raise PlaceError(
            f"nothing is known of the place lon {lon:g}, lat {lat:g}: it lies at sea, or outside {served.served.name}. "
            "Take a place on land that the map shows.",
            settings=("lon", "lat"),
        )
    centre = grid.centres(points.cells)
    block = RegionBlock(
        cells=points.cells, lon_lat=centre, chip=points.chip, year=points.year, covariates=points.covariates
    )
    seen = model.features(block)
    (found,) = model.predict([seen], served.facts.taxa, served.months)
    at = month if len(served.months) > 1 else 0
    value, low, high = (values[:, :, 0] for values in (found.suitability, found.low, found.high))
    order = np.argsort(-value[:, at], kind="stable")
    records = served.records
    recorded = {taxon: _recorded(served, taxon, cell) for taxon in served.facts.taxa} if records.known else {}
    common = served.common_names(language)
    rows = [
        {
            "taxon": (taxon := served.facts.taxa[label]),
            "key": served.key_of[taxon],
            "common_name": common.get(taxon, ""),
            "value": round(float(value[label, at]), 4),
            "low": round(float(low[label, at]), 4),
            "high": round(float(high[label, at]), 4),
            "year": np.round(value[label].astype(float), 3).tolist(),
            "applicable": bool(found.inside[label, 0]),
            "recorded": recorded.get(taxon),
        }
        for label in order.tolist()
    ]
    lon_edges, lat_edges = grid.edges()
    row, column = divmod(cell, grid.columns)
    effort = records.effort
    inside = bool(model.inside_together(seen)[0])
    said = cautions(model, [row["taxon"] for row in rows[:most]], YEAR)
    unlike = "this place is unlike all places with records, of whatever taxon: what is said of it is a guess."
    return {
        "cell": {
            "index": index,
            "row": row,
            "lon": float(centre[0, 0]),
            "lat": float(centre[0, 1]),
            "west": float(lon_edges[column]),
            "south": float(lat_edges[row + 1]),
            "east": float(lon_edges[column + 1]),
            "north": float(lat_edges[row]),
        },
        "month": at,
        "effort": None if effort is None else float(effort[index]),
        "richness": np.round(value.sum(axis=0).astype(float), 2).tolist(),
        "applicable": inside,
        "taxa": rows[:most],
        "unrecorded": [
            row["key"] for row in rows if row["recorded"] == 0 and row["value"] >= EXPECTED and row["applicable"]
        ],
        "notes": [*(() if inside else (unlike,)), *(f"{one}." for one in said)],
    }


def _recorded(served: ServedModel, taxon: str, cell: int) -> int | None:
    """Records of a taxon in a cell; None of one whose places are not shown."""
    if served.records.is_sensitive(taxon):
        return None
    return int(served.records.counts(taxon, served.region.grid, np.array([cell]))[0])


def place_csv(answer: dict[str, Any]) -> bytes:
    """The list as a table that a person may open: no cell is a formula."""
    months = len(answer["taxa"][0]["year"]) if answer["taxa"] else 0
    head = [*_COLUMNS, *(f"month_{month + 1}" for month in range(months))]
    rows = (
        [*(row[name] if row[name] is not None else "" for name in _COLUMNS), *row["year"]] for row in answer["taxa"]
    )
    return csv_text(head, rows).encode("utf-8")
