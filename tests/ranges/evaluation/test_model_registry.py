"""Models by name: each is made as its entry says, and what cannot be made is refused or noted."""

import sys
from importlib.util import find_spec

import pytest
from recorded import RecordedProgress

from birdsat.errors import ConfigError
from birdsat.ranges.evaluation.registry import MODELS, ModelSettings, make_models

RASTERS = ModelSettings(rasters=("climate", "colour"), seed=3)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_made_under_names_of_its_own_and_learns_as_its_entry_says(name: str) -> None:
    entry = MODELS[name]
    if name.startswith("maxent") and find_spec("elapid") is None:
        pytest.skip("elapid is not installed")
    made = make_models([name], entry.learns_from, RASTERS)
    assert list(made) == [name] and not make_models(
        [name], {"points": "surveys"}.get(entry.learns_from, "points"), RASTERS
    )  # type: ignore[arg-type]
    names = [model.name for model in made[name]]
    assert len(set(names)) == len(names) == (3 if "rasters" in name else 1)  # our own read all rasters together
    parameters = list(made[name][0].fit.__annotations__)  # type: ignore[attr-defined]
    assert parameters[0] == {"points": "points", "surveys": "cells", "counts": "cells"}[entry.learns_from]


def test_without_a_name_all_that_can_be_made_are_and_a_missing_package_is_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "elapid", None)
    progress = RecordedProgress()
    made = make_models((), "points", ModelSettings(), progress)
    assert list(made) == [
        "nearest",
        "logistic_coordinates",
        "logistic_chip",
        "coordinate_network",
        "place",
        "chip_place",
    ]
    assert any("maxent_coordinates is left out: MaxEnt needs elapid" in note for note in progress.notes)
    assert "logistic_rasters" in make_models((), "points", RASTERS, progress)
    surveyed = [name for name, entry in MODELS.items() if entry.learns_from == "surveys"]
    assert list(make_models((), "surveys", RASTERS)) == [name for name in surveyed if name != "boosted_chip_place"]
    assert list(make_models(["boosted_chip_place"], "surveys", ModelSettings())) == ["boosted_chip_place"]
    with pytest.raises(ConfigError, match=r"pip install birdsat\[elapid\]"):
        make_models(["maxent_coordinates"], "points", RASTERS)


def test_a_model_of_rasters_is_refused_without_any_and_has_one_for_each_name_and_one_for_all() -> None:
    with pytest.raises(ConfigError, match="logistic_rasters reads rasters, and none is given"):
        make_models(["logistic_rasters"], "points", ModelSettings())
    (models,) = make_models(["similar_rasters"], "surveys", RASTERS).values()
    assert [model.name for model in models] == [
        f"10 nearest neighbours on {columns}" for columns in ("climate", "colour", "coordinates + climate + colour")
    ]
