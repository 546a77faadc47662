"""Covariates on one scale: each of one variance, tails pulled in, and what is missing beside a flag."""

import numpy as np
import pytest
from recorded import RecordedProgress

from birdsat.errors import InputError
from birdsat.ranges.covariates.facts import Covariate
from birdsat.ranges.covariates.scaling import CovariateScaling

GENERATOR = np.random.default_rng(0)
TEMPERATURE = GENERATOR.normal(10, 8, 4000)
RAIN = np.exp(GENERATOR.normal(6, 1, 4000))
SHARES = GENERATOR.dirichlet([1, 2, 3], 4000)
NUMBERS = np.column_stack([TEMPERATURE, RAIN, SHARES]).astype(np.float32)
COVARIATES = (
    Covariate(name="temperature"),
    Covariate(name="rain"),
    Covariate(name="cover", columns=("1", "2", "3"), categorical=True),
)


def test_every_covariate_has_the_same_variance_and_all_together_that_of_one() -> None:
    inputs = CovariateScaling.fit(NUMBERS, COVARIATES)(NUMBERS).numpy().astype(np.float64)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=2e-3)
    variance = inputs.var(axis=0)
    np.testing.assert_allclose([variance[0], variance[1], variance[2:].sum()], 1 / 3, rtol=0.01)


def test_what_is_even_goes_by_a_line_and_of_what_is_skewed_the_tail_is_pulled_in() -> None:
    inputs = CovariateScaling.fit(NUMBERS, COVARIATES)(NUMBERS).numpy()
    assert np.corrcoef(inputs[:, 0], TEMPERATURE)[0, 1] > 0.99999
    assert np.corrcoef(inputs[:, 1], RAIN)[0, 1] < 0.9
    middle, unit = np.median(RAIN), (np.percentile(RAIN, 75) - np.percentile(RAIN, 25)) / 1.349
    assert np.corrcoef(inputs[:, 1], np.arcsinh((RAIN - middle) / unit))[0, 1] > 0.999
    skewness = [float((((one - one.mean()) / one.std()) ** 3).mean()) for one in (RAIN, inputs[:, 1])]
    assert skewness[1] < skewness[0] / 3
    assert (np.diff(inputs[np.argsort(RAIN), 1]) >= 0).all()


def test_values_beyond_those_learned_from_are_beyond_them_as_inputs_too() -> None:
    scaling = CovariateScaling.fit(NUMBERS, COVARIATES)
    known = scaling(NUMBERS).numpy()
    beyond = np.concatenate([NUMBERS[:1], NUMBERS[:1]])
    beyond[:, 0] = NUMBERS[:, 0].min() - 50, NUMBERS[:, 0].max() + 50
    beyond[:, 1] = -1000, 2 * RAIN.max()
    found = scaling(beyond).numpy()
    assert (found[0, :2] < known.min(axis=0)[:2] - 0.5).all() and (found[1, :2] > known.max(axis=0)[:2] + 0.2).all()


def test_what_is_missing_is_the_mean_beside_a_flag_and_noted() -> None:
    numbers = NUMBERS.copy()
    numbers[:1000, 0] = np.nan
    progress = RecordedProgress()
    scaling = CovariateScaling.fit(numbers, COVARIATES, progress)
    inputs = scaling(numbers).numpy()
    assert inputs.shape == (4000, 6) and scaling.inputs == 6
    np.testing.assert_allclose(inputs[:1000, 0], 0, atol=1e-6)
    flag = inputs[:, -1]
    assert len(np.unique(flag)) == 2 and flag[:1000].min() > flag[1000:].max() and abs(flag.mean()) < 1e-3
    (note,) = progress.notes
    assert "'temperature' is missing in 25.0% of the background" in note
    assert not scaling.unforeseen(numbers).any()


def test_what_is_missing_where_it_never_was_is_told() -> None:
    scaling = CovariateScaling.fit(NUMBERS, COVARIATES)
    numbers = NUMBERS[:3].copy()
    numbers[1, 2:] = np.nan
    assert scaling.unforeseen(numbers).tolist() == [False, True, False]
    assert np.isfinite(scaling(numbers).numpy()).all()


def test_a_place_of_which_nothing_is_known_is_unforeseen_where_nothing_else_tells_of_it() -> None:
    gaps = NUMBERS.copy()
    gaps[::3] = np.nan
    scaling = CovariateScaling.fit(gaps, COVARIATES)
    numbers = NUMBERS[:3].copy()
    numbers[0] = np.nan
    numbers[1, 1:] = np.nan
    assert not scaling.unforeseen(numbers).any()
    assert scaling.unforeseen(numbers, alone=True).tolist() == [True, False, False]


@pytest.mark.parametrize("value", [0.0, 7.3, -1e6])
def test_a_constant_covariate_is_left_out_and_noted(value: float) -> None:
    numbers = NUMBERS.copy()
    numbers[:, 1] = value
    numbers[::7, 1] = np.nan
    progress = RecordedProgress()
    scaling = CovariateScaling.fit(numbers, COVARIATES, progress)
    assert scaling.inputs == 4 and progress.notes == ["left out, as they are the same everywhere: the covariates rain."]
    variance = scaling(numbers).double().var(dim=0, correction=0)
    assert float(variance.sum()) == pytest.approx(1, rel=0.01)
    assert not scaling.unforeseen(numbers).any()


def test_constant_covariates_alone_and_one_without_data_are_refused() -> None:
    same = np.ones((50, 1), np.float32)
    with pytest.raises(InputError, match="tell no place from another"):
        CovariateScaling.fit(same, COVARIATES[:1])
    with pytest.raises(InputError, match="'temperature' has no data"):
        CovariateScaling.fit(same * np.nan, COVARIATES[:1])


@pytest.mark.parametrize("values", [[0] * 90 + [1] * 10, [0] * 99 + [5], [0] * 60 + list(range(40)), [1e6, 1e6 + 1]])
def test_values_of_few_kinds_are_brought_to_one_variance_as_well(values: list[float]) -> None:
    numbers = np.array(values, np.float32)[:, None]
    inputs = CovariateScaling.fit(numbers, COVARIATES[:1])(numbers).numpy()
    assert inputs.var() == pytest.approx(1, rel=0.02) and abs(inputs.mean()) < 0.02
    order = np.argsort(numbers[:, 0], kind="stable")
    assert (np.diff(inputs[order, 0]) >= 0).all()


def test_numbers_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match="4 covariates of places, and the model has 5"):
        CovariateScaling.fit(NUMBERS, COVARIATES)(NUMBERS[:, 1:])
