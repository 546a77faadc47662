"""Requests for maps: what they take, and what they say is missing. None of the files that are named is there."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from birdsat.cli.parse import parse
from birdsat.errors import ConfigError
from birdsat.workflows.requests.datasets import VirtualDatasetRequest
from birdsat.workflows.requests.maps import GapsRequest, LocateRequest, MapRequest, RichnessRequest, SpeciesRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.regions import EmbedRequest
from birdsat.workflows.requests.tasks import CompareRequest

TAXON = "Corvus corax"
BOX: dict[str, Any] = {"box": (10, 40, 14, 44), "imagery": "mosaic.tif"}


@pytest.mark.parametrize(
    ("given", "missing", "settings"),
    [
        ({}, ["records to fit to", "birdsat fit", "a run with photos"], ["occurrences", "ranges", "run"]),
        ({"box": "1,2,3,4"}, ["records to fit to", "a run with photos"], ["occurrences", "ranges", "run"]),
        (
            {"run": "r"},
            ["cells that the run embedded: a region", "birdsat embed RUN OUT --grid"],
            ["region", "box", "imagery"],
        ),
        ({"run": "r", "box": "1,2,3,4"}, ["cells that the run embedded", "imagery"], ["region", "box", "imagery"]),
        ({"region": "g"}, ["records to fit to", "a run with photos"], ["run", "occurrences", "ranges"]),
        ({"occurrences": "t.csv", "imagery": "mosaic.tif"}, ["a box west,south,east,north"], ["box"]),
        ({"occurrences": "t.csv", "region": "g", "way": "both"}, ["a run, whose photos"], ["run"]),
        ({"occurrences": "t.csv", "run": "r", "way": "both"}, ["cells that the run embedded"], ["region", "imagery"]),
    ],
)
def test_all_that_a_map_lacks_is_named_at_once_and_nothing_else(
    given: dict[str, Any], missing: list[str], settings: list[str]
) -> None:
    with pytest.raises(ConfigError) as refused:
        MapRequest(taxon=TAXON, **given)
    said = str(refused.value)
    assert all(part in said for part in missing), said
    assert ("a run" in said) == any("a run" in part for part in missing), said
    assert ("a region" in said) == any("cells" in part for part in missing), said
    assert set(settings) <= set(refused.value.settings)
    assert "--run" not in said and "--region" not in said


@pytest.mark.parametrize(
    "given",
    [
        {"run": "r", "region": "g"},
        {"run": "r", **BOX},
        {"occurrences": "t.csv"},
        {"occurrences": "t.csv", "box": "1,2,3,4"},
        {"occurrences": "t.csv", "world": True, "target_group": "others.csv"},
        {"occurrences": "t.csv", "region": "g"},
        {"occurrences": "t.csv", **BOX},
        {"occurrences": "t.csv", "run": "r", **BOX},
        {"occurrences": "t.csv", "run": "r", "region": "g", "way": "both"},
        {"ranges": "m"},
        {"ranges": "m", "box": "1,2,3,4"},
        {"ranges": "m", "run": "r"},
        {"ranges": "m", "region": "g"},
        {"ranges": "m", "run": "r", **BOX},
    ],
)
def test_what_is_complete_is_taken(given: dict[str, Any]) -> None:
    MapRequest(taxon=TAXON, **given)


def test_text_paths_lists_and_single_values_are_taken_alike() -> None:
    asked = MapRequest(
        taxon=TAXON, occurrences=["a.csv", Path("b.csv")], run="r", box=[-100, 25.5, -65, 50], imagery="i", months=1
    )
    same = MapRequest(
        taxon=[TAXON],
        occurrences=(Path("a.csv"), Path("b.csv")),
        run=Path("r"),
        box="-100,25.5,-65,50",
        imagery="i",
        months=[1],
    )
    assert asked == same and hash(asked) == hash(same)
    assert asked.taxon == (TAXON,) and asked.months == (1,) and asked.box == "-100,25.5,-65,50"
    assert SpeciesRequest(ranges="m", place=(-84.5, 39.1)).place == "-84.5,39.1"


def test_the_command_of_a_request_asks_the_same() -> None:
    asked = MapRequest(
        taxon=(TAXON, "Pica pica"), run="r", box=(-1, 2, 3, 4), imagery="i", months=(1, 6), stretch=(0, 3000)
    )
    words = shlex.split(asked.command("map"))
    assert words[:4] == ["birdsat", "map", TAXON, "Pica pica"]
    assert parse(MapRequest, words[2:], "birdsat map") == asked


@pytest.mark.parametrize(
    ("make", "said", "setting"),
    [
        (lambda: MapRequest(taxon=TAXON, ranges="m", months=(6, 13)), "month is 13", "months"),
        (lambda: MapRequest(taxon=TAXON, ranges="m", months=(6, 6)), "each once", "months"),
        (lambda: GapsRequest(ranges="m", occurrences="t", months=()), "none", "months"),
        (lambda: MapRequest(taxon=TAXON, ranges="m", panels="effrt"), "nearest: 'effort'", "panels"),
        (lambda: MapRequest(taxon=TAXON, ranges="m", scale="fixed"), "scale is 'fixed'", "scale"),
        (lambda: MapRequest(taxon=(), ranges="m"), "no taxon is named", "taxon"),
        (lambda: MapRequest(taxon=TAXON, ranges="m", also="netcd"), "nearest: 'netcdf'", "also"),
        (lambda: MapRequest(taxon=TAXON, ranges="m", within_layer="a"), "with a file of polygons", "within_layer"),
        (lambda: MapRequest(taxon=TAXON, ranges="m", also="gif"), "at least two months", "months"),
        (lambda: RichnessRequest(ranges="m", also=("csv", "gif")), "at least two months", "also"),
        (lambda: SpeciesRequest(ranges="m", place="1,2", month=0), "month is 0", "month"),
        (lambda: SpeciesRequest(ranges="m", place="1,2", min_suitability=-0.1), "allowed: 0 to 1", "min_suitability"),
        (lambda: GapsRequest(ranges="m", occurrences="t", max_gaps=0), "max_gaps is 0", "max_gaps"),
        (lambda: GapsRequest(ranges="m", occurrences=()), "no table of records", "occurrences"),
        (lambda: LocateRequest(run="r", region="g", dataset="d", month=6), "month can be used with photos", "month"),
        (lambda: FitRequest(tables="t", region="g", out="m", way="both"), "needs a run", "run"),
        (lambda: CompareRequest(dataset="d", out="o", seeds=(1, 0, 1)), "give each once", "seeds"),
        (lambda: VirtualDatasetRequest(out="o", observations=0), "observations is 0", "observations"),
        (
            lambda: EmbedRequest(run="r", paths=("a", "b"), grid=1.0, imagery="i"),
            "a grid is given, and 3 paths",
            "paths",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_setting(make: Any, said: str, setting: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make()
    assert said in str(refused.value) and setting in refused.value.settings


def test_taxa_that_would_be_written_to_one_file_are_told() -> None:
    with pytest.raises(ConfigError, match=r"'morph 1/2' and 'morph 1 2' would all be written to morph_1_2\.tif"):
        MapRequest(taxon=("morph 1/2", "morph 1 2"), ranges="m", out="o")
