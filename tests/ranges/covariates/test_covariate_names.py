"""How covariates are written, and which inputs go together."""

from pathlib import Path

import pytest

from birdsat.errors import ConfigError
from birdsat.ranges.covariates.named import NamedCovariate, chosen_inputs, parse_covariates


@pytest.mark.parametrize(
    ("text", "name", "path", "categorical"),
    [
        ("rain=prec.tif", "rain", "prec.tif", False),
        ("land cover = a b/lc.tif:categorical", "land cover", "a b/lc.tif", True),
        (r"rain=C:\data\prec.tif", "rain", r"C:\data\prec.tif", False),
        ("a=b=c.tif", "a", "b=c.tif", False),
    ],
)
def test_a_covariate_is_a_name_and_a_file(text: str, name: str, path: str, categorical: bool) -> None:
    assert NamedCovariate.parse(text) == NamedCovariate(name=name, path=Path(path), categorical=categorical)


@pytest.mark.parametrize(
    ("text", "path", "column", "categorical"),
    [
        ("rain=sites.csv:prec", "sites.csv", "prec", False),
        ("rain=sites.CSV.gz", "sites.CSV.gz", "rain", False),
        (r"rain=C:\data\a.parquet:bio:12", r"C:\data\a.parquet", "bio:12", False),
        ("rain=a.csv.d/sites.txt:wet days:categorical", "a.csv.d/sites.txt", "wet days", True),
        ("rain=sites.zip:categorical", "sites.zip", "rain", True),
        ("rain=sites.tsv:categories", "sites.tsv", "categories", False),
        ("rain=sites.tsv:lc:category", "sites.tsv", "lc:category", False),
        ("rain=sites.xlsx:prec", "sites.xlsx", "prec", False),
        ("rain=prec.tif:1", "prec.tif:1", "", False),
    ],
)
def test_of_a_table_a_column_is_named_or_has_the_name_itself(
    text: str, path: str, column: str, categorical: bool
) -> None:
    asked = NamedCovariate.parse(text)
    assert asked == NamedCovariate(name="rain", path=Path(path), column=column, categorical=categorical)


@pytest.mark.parametrize("text", ["prec.tif", "=prec.tif", "rain=", "rain=:categorical", "chip=a.tif", "Place=a.tif"])
def test_what_has_no_name_of_its_own_or_no_file_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"choose another|NAME=RASTER") as error:
        parse_covariates([text])
    assert error.value.settings == ("covariates",)


def test_a_mistyped_ending_is_told() -> None:
    with pytest.raises(ConfigError, match="nearest: 'categorical'"):
        parse_covariates(["lc=lc.tif:categoric"])


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["a=1.tif", "a=2.tif"], "name a"),
        (["a=1.tif", "b=1.tif"], "source 1.tif"),
        (["a=t.csv", "b=t.csv:a"], "source t.csv:a"),
    ],
)
def test_two_covariates_of_one_name_or_source_are_refused(texts: list[str], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        parse_covariates(texts)


def test_columns_of_one_table_are_covariates_of_their_own() -> None:
    assert [one.column for one in parse_covariates(["a=t.csv", "b=t.csv"])] == ["a", "b"]


def test_all_there_are_are_learned_from_unless_some_are_named() -> None:
    assert chosen_inputs((), covariates=False) == ("chip", "place")
    assert chosen_inputs((), covariates=True) == ("chip", "place", "covariates")
    assert chosen_inputs(("covariates", "chip"), covariates=True) == ("chip", "covariates")


@pytest.mark.parametrize(
    ("inputs", "covariates"), [(("covariates",), False), (("chip", "place"), True), (("chip", "chip"), False)]
)
def test_inputs_that_do_not_go_with_the_covariates_are_refused(inputs: tuple[str, ...], covariates: bool) -> None:
    with pytest.raises(ConfigError):
        chosen_inputs(inputs, covariates)
