"""Covariates of a benchmark's table: numbers, classes, and what is missing."""

import numpy as np
import pytest

from birdsat.errors import ConfigError, InputError
from birdsat.ranges.evaluation.presence_only.covariates import CovariateScale, looks_categorical


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([1, 2, 5, 3, 4], True),
        ([0, 1, 0, 1, 1], False),  # one column says as much
        ([1, 2, 5, 300], False),
        ([0.1, 1.0, 2.0, 3.0], False),
        ([10, 20, 30, 40, 50], False),
        (["clay", "sand"], True),
        ([1, 2, 3, np.nan], True),
        (list(range(13)), False),
    ],
)
def test_few_whole_numbers_near_each_other_look_like_classes(values: list[object], classes: bool) -> None:
    assert looks_categorical(np.array(values)) is classes


def test_numbers_are_standardised_classes_get_a_column_each_and_what_is_missing_is_the_mean_or_none() -> None:
    table = {"rain": np.array([1.0, 3.0, np.nan]), "soil": np.array(["a", "b", ""]), "same": np.array([2.0, 2, 2])}
    scale = CovariateScale.fit(table)
    assert scale.names == ("rain", "soil=a", "soil=b")
    np.testing.assert_array_equal(scale(table), [[-1, 1, 0], [1, 0, 1], [0, 0, 0]])
    elsewhere = {"rain": np.array([5.0]), "soil": np.array(["unseen"])}
    np.testing.assert_array_equal(scale(elsewhere), [[3, 0, 0]])


def test_whole_numbers_and_the_same_as_decimals_are_one_class() -> None:
    scale = CovariateScale.fit({"soil": np.array([1.0, 2, 3])})
    np.testing.assert_array_equal(scale({"soil": np.array(["2", "3"])}), [[0, 1, 0], [0, 0, 1]])


def test_rare_classes_beyond_the_most_common_are_of_none() -> None:
    codes = np.repeat([f"c{number:02d}" for number in range(40)], np.arange(40, 0, -1))
    assert len(CovariateScale.fit({"code": codes}).names) == 20


def test_what_cannot_be_scaled_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nearest: 'rain'"):
        CovariateScale.fit({"rain": np.array([1.0, 2.5])}, ["rane"])
    with pytest.raises(InputError, match="none of the covariates varies"):
        CovariateScale.fit({"rain": np.array([1.0, 1.0])})
    scale = CovariateScale.fit({"rain": np.array([1.0, 2.5])})
    with pytest.raises(InputError, match="of numbers where models learn and of text elsewhere"):
        scale({"rain": np.array(["much"])})
