"""Requests that say where was looked, and of which dates records are taken."""

import datetime
from typing import Any

import pytest

from birdsat.cli.parse import parse
from birdsat.errors import ConfigError
from birdsat.workflows.requests.evaluation import EvaluateRangesRequest
from birdsat.workflows.requests.maps import GapsRequest, MapRequest
from birdsat.workflows.requests.ranges import FitRequest
from birdsat.workflows.requests.records import RecordsRequest

FIT: dict[str, Any] = {"tables": "t.csv", "out": "m"}


@pytest.mark.parametrize(
    ("given", "said", "settings"),
    [
        ({"background": "b.csv", "bias": "b.tif"}, "background and bias each say where was looked", {"bias"}),
        ({"target_group": "Picidae", "bias": "b.tif"}, "target_group and bias each say", {"target_group"}),
        ({"target_group": "o.csv", "background": "b.csv"}, "exclude each other", {"background"}),
        ({"thin_km": 0}, "thin_km is 0; allowed: above 0", {"thin_km"}),
        ({"thin_km": float("nan")}, "thin_km is nan", {"thin_km"}),
        ({"thin_km": float("inf")}, "thin_km is inf", {"thin_km"}),
        ({"from_date": "june"}, "date 'june' cannot be read as one", {"from_date"}),
        ({"to_date": "3/7/2010"}, "cannot be read as one", {"to_date"}),
        ({"from_date": "2016", "to_date": "2015-12"}, "ends before it begins", {"from_date", "to_date"}),
        ({"record_months": (0,)}, "month", {"record_months"}),
        ({"record_months": (5, 5)}, "each once", {"record_months"}),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], said: str, settings: set[str]) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        FitRequest(**FIT, **given)
    assert settings <= set(refused.value.settings) and "--" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"bias": "b.tif", "thin_km": 5},
        {"background": "b.csv", "thin_km": 0.5, "from_date": "2015", "to_date": "2015"},
        {"target_group": ("Picidae", "others.csv"), "record_months": (4, 5)},
        {"from_date": datetime.date(2015, 6, 1), "to_date": 2016},
    ],
)
def test_what_can_be_together_is_taken_by_fit_and_map(given: dict[str, Any]) -> None:
    FitRequest(**FIT, **given)
    MapRequest(taxon="Pica pica", occurrences="t.csv", months=(1, 2), **given)


def test_dates_are_asked_for_by_the_words_from_and_to_and_in_python_by_names() -> None:
    words = ["t.csv", "--out", "m", "--from", "2015-06", "--to", "2016", "--record-months", "4", "5"]
    asked = parse(FitRequest, words, "birdsat fit")
    assert (asked.from_date, asked.to_date, asked.record_months) == ("2015-06", "2016", (4, 5))
    assert asked == FitRequest(**FIT, from_date="2015-06", to_date=2016, record_months=(4, 5))
    assert asked.command("fit") == f"birdsat fit {' '.join(words)}"
    assert FitRequest(**FIT, from_date=datetime.date(2015, 6, 1)).from_date == "2015-06-01"
    assert FitRequest.option("from_date") == "--from" and FitRequest.option("record_months") == "--record-months"


def test_every_verb_that_reads_records_takes_their_dates() -> None:
    dates: dict[str, Any] = {"from_date": "2015", "to_date": "2016", "record_months": (6,)}
    RecordsRequest(tables="t.csv", out="c.csv", **dates)
    assert GapsRequest(ranges="m", occurrences="t.csv", **dates).months == tuple(range(1, 13))
    EvaluateRangesRequest(grid="g.npz", out="o", occurrences="t.csv", **dates)


@pytest.mark.parametrize(
    "given",
    [{"bias": "b.tif"}, {"background": "b.csv"}, {"thin_km": 5}, {"from_date": "2015"}, {"record_months": (1,)}],
)
def test_what_is_about_records_is_refused_without_any(given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(ConfigError, match=f"{name} can be used with records to fit to only"):
        MapRequest(taxon="Pica pica", ranges="m", **given)
    with pytest.raises(ConfigError, match=f"{name} can be used with occurrences only"):
        EvaluateRangesRequest(grid="g.npz", out="o", **given)
