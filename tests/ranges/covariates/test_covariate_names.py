"""How covariates are written, and which inputs go together."""

from pathlib import Path

import pytest

from birdsat.errors import ConfigError
from birdsat.ranges.covariates.named import NamedRaster, chosen_inputs, parse_covariates


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
    assert NamedRaster.parse(text) == NamedRaster(name=name, path=Path(path), categorical=categorical)


@pytest.mark.parametrize("text", ["prec.tif", "=prec.tif", "rain=", "rain=:categorical", "chip=a.tif", "Place=a.tif"])
def test_what_has_no_name_of_its_own_or_no_file_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"choose another|NAME=PATH") as error:
        parse_covariates([text])
    assert error.value.settings == ("covariates",)


def test_a_mistyped_ending_is_told() -> None:
    with pytest.raises(ConfigError, match="nearest: 'categorical'"):
        parse_covariates(["lc=lc.tif:categoric"])


@pytest.mark.parametrize(
    ("texts", "what"), [(["a=1.tif", "a=2.tif"], "name a"), (["a=1.tif", "b=1.tif"], "file 1.tif")]
)
def test_two_covariates_of_one_name_or_file_are_refused(texts: list[str], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        parse_covariates(texts)


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
