import numpy as np
import pytest

from birdsat.errors import InputError
from birdsat.maps.richness import RichnessSum, SuitabilityBlock, richness


def block(taxa=5, months=2, cells=7, seed=0):
    random = np.random.default_rng(seed)
    return SuitabilityBlock(
        cells=np.arange(cells) + 100, suitability=random.random((taxa, months, cells)).astype(np.float32)
    )


def test_richness_is_the_mean_and_the_standard_deviation_of_the_number_of_taxa_drawn():
    one = block()
    (found,) = richness([one])
    draws = np.random.default_rng(1).random((20_000, *one.suitability.shape)) < one.suitability
    number = draws.sum(axis=1)
    np.testing.assert_allclose(found.expected, number.mean(axis=0), atol=0.05)
    np.testing.assert_allclose(found.std, number.std(axis=0), atol=0.05)
    assert found.cells.tolist() == one.cells.tolist()


def test_taxa_added_in_groups_give_what_all_at_once_give():
    one = block(taxa=9)
    total = RichnessSum(one.cells, 2)
    for start in (0, 4, 8):
        total.add(SuitabilityBlock(cells=one.cells, suitability=one.suitability[start : start + 4]))
    (at_once,) = richness([one])
    assert (total.total().expected == at_once.expected).all()
    assert (total.total().std == at_once.std).all()


def test_cells_without_imagery_have_no_richness():
    one = block()
    one.suitability[:, :, 3] = np.nan
    (found,) = richness([one])
    assert np.isnan(found.expected[:, 3]).all() and np.isnan(found.std[:, 3]).all()
    assert np.isfinite(np.delete(found.expected, 3, axis=1)).all()


def test_blocks_stream():
    asked = []

    def blocks():
        for seed in range(3):
            asked.append(seed)
            yield block(seed=seed)

    stream = richness(blocks())
    next(stream)
    assert asked == [0]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.inf])
def test_scores_are_not_taken_for_suitabilities(wrong):
    suitability = np.full((1, 1, 2), 0.5, np.float32)
    suitability[0, 0, 0] = wrong
    with pytest.raises(InputError, match="are not suitabilities"):
        SuitabilityBlock(cells=np.arange(2), suitability=suitability)


def test_blocks_of_other_cells_or_shapes_are_refused():
    with pytest.raises(InputError, match="cells"):
        SuitabilityBlock(cells=np.arange(3), suitability=np.zeros((1, 1, 2), np.float32))
    total = RichnessSum(np.arange(2), 1)
    for cells, months in (([0, 1], 2), ([0, 2], 1)):
        with pytest.raises(InputError, match="add up the same cells"):
            total.add(SuitabilityBlock(cells=np.array(cells), suitability=np.zeros((1, months, 2), np.float32)))
