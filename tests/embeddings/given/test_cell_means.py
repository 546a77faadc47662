"""Means over cells of vectors that come in any order."""

from pathlib import Path

import numpy as np
import pytest

from birdsat.embeddings.given.cell_means import CellMeans
from birdsat.embeddings.given.scaling import ColumnFigures, Scaling

CELLS, WIDTH = 300, 5


def draw(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    vectors = generator.normal(3, 1, (rows, WIDTH))
    vectors[generator.random(vectors.shape) < 0.3] = np.nan
    vectors[0, 0] = np.inf
    return generator.integers(-1, CELLS, rows), vectors


@pytest.mark.parametrize("most", [1, 700, 1 << 20])
def test_means_are_those_of_a_loop_whatever_fits_into_memory(most: int, tmp_path: Path) -> None:
    cells, vectors = draw()
    means = CellMeans(WIDTH, tmp_path, most_numbers=most)
    assert means.is_empty
    for start in range(0, len(cells), 97):
        means.add(cells[start : start + 97], vectors[start : start + 97])
    assert not means.is_empty
    assert bool(list(tmp_path.iterdir())) == (most < 1000)
    asked = np.arange(10, CELLS, 3)
    expected = np.full((len(asked), WIDTH), np.nan)
    for row, cell in enumerate(asked):
        for column in range(WIDTH):
            some = vectors[cells == cell, column]
            if np.isfinite(some).any():
                expected[row, column] = some[np.isfinite(some)].mean()
    np.testing.assert_allclose(means.of(asked), expected, rtol=1e-12)
    assert means.of(np.empty(0, np.int64)).shape == (0, WIDTH)


def test_cells_of_which_nothing_came_are_not_known(tmp_path: Path) -> None:
    means = CellMeans(2, tmp_path)
    means.add(np.array([7, -1]), np.array([[1.0, np.nan], [5.0, 5.0]]))
    np.testing.assert_equal(means.of(np.array([6, 7, 8])), [[np.nan] * 2, [1.0, np.nan], [np.nan] * 2])


def test_figures_of_columns_are_those_of_all_rows_at_once() -> None:
    _, vectors = draw()
    vectors[~np.isfinite(vectors)] = np.nan
    figures = ColumnFigures(WIDTH)
    for some in np.array_split(vectors, 13):
        figures.add(some)
    filled = np.where(np.isnan(vectors), np.nanmean(vectors, axis=0), vectors)
    np.testing.assert_allclose(figures.mean, np.nanmean(vectors, axis=0), rtol=1e-12)
    np.testing.assert_allclose(figures.variance, filled.var(axis=0), rtol=1e-12)
    assert figures.missing == np.isnan(vectors).sum()


@pytest.mark.parametrize("is_vector", [False, True])
def test_a_source_has_a_variance_of_one_and_what_is_constant_says_nothing(is_vector: bool) -> None:
    values = np.random.default_rng(1).normal(0, 1, (500, 4)) * [1e6, 1, 1e-6, 0] + [5e6, 0, 3, 0.1]
    figures = ColumnFigures(4)
    figures.add(values)
    scaling = Scaling.of(figures, is_vector=is_vector)
    assert scaling.constant.tolist() == [False, False, False, True]
    alike = ColumnFigures(4)
    alike.add(np.random.default_rng(1).normal(0, 1, (500, 4)) * [9, 3, 2, 1])  # no unit of its own
    assert not Scaling.of(alike, is_vector=is_vector).own_units
    values[3, 1] = np.nan
    features = scaling(values)
    assert features[3, 1] == 0 and (features[:, 3] == 0).all()
    variance = features.var(axis=0)
    assert abs(variance.sum() - 1) < 0.01
    assert scaling.own_units != is_vector
    assert (variance[1] < 1e-9) == is_vector  # beside a million times the size, in the same units
