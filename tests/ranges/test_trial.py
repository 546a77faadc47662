"""What the steps of a fit are chosen by, against scikit-learn's ranks."""

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from birdsat.ranges.trial import Trial


def expected(points: np.ndarray, background: np.ndarray) -> float:
    """Of one taxon and member: log odds of points and of background, held out."""
    present = np.repeat([True, False], [len(points), len(background)])
    both = np.concatenate([points, background])
    weight = np.where(present, 1 / len(points), 10 / len(background))
    precision = average_precision_score(present, both, sample_weight=weight)
    return float(roc_auc_score(present, both) + precision) / 2


def test_ranks_are_the_mean_of_area_and_weighed_precision_over_members_and_taxa() -> None:
    random = np.random.default_rng(0)
    taxon = random.permutation(np.repeat([0, 1, 3], [7, 30, 12]))  # taxon 2 has no point
    there, elsewhere = random.normal(0.8, 1, (2, 49)), random.normal(0, 1, (2, 20, 4))
    out, row = random.random((2, 49)) < 0.6, random.permutation(20)[:15]
    out[0, taxon == 3] = False  # which member 0 holds none of
    held = random.random((2, 15)) < 0.7
    counts = np.stack([np.bincount(taxon[of], minlength=4) for of in out])
    weight = out / np.maximum(counts, 1)[:, taxon]
    trial = Trial(*(torch.from_numpy(one) for one in (out, held, weight, counts > 0)))
    ranks = trial.ranks(*(torch.from_numpy(one) for one in (there, elsewhere, row, taxon)))
    each = [
        expected(there[member, out[member] & (taxon == label)], elsewhere[member, row[held[member]], label])
        for member, label in zip(*np.nonzero(counts), strict=True)
    ]
    assert len(each) == 5 and (ranks.numpy()[counts == 0] == 0).all()
    np.testing.assert_allclose(ranks.numpy()[counts > 0], each, atol=1e-6)


def test_a_member_without_background_to_stand_above_counts_nothing() -> None:
    one = torch.ones(1, 1)
    trial = Trial(one.bool(), torch.zeros(1, 1, dtype=torch.bool), one, one.bool())
    assert trial.ranks(one, torch.zeros(1, 1, 1), torch.zeros(1).long(), torch.zeros(1).long()) == 0
