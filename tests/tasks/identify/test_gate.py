"""The gate tells what is unlike the known taxa."""

import numpy as np

from birdsat.tasks.identify.gate import fit_gate, fit_shape, gate_threshold, separation
from birdsat.tasks.identify.seen import Seen
from birdsat.tasks.identify.strangers import make_strangers

CENTRES = np.random.default_rng(9).normal(0, 3, (3, 8))


def _photos(seed: int, per_taxon: int = 60) -> tuple[Seen, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), per_taxon)
    features = (CENTRES[labels] + random.normal(0, 1, (len(labels), 8))).astype(np.float32)
    return Seen(features=features, deep=features[:, ::-1].copy(), head=None), labels


def test_what_lies_far_from_all_taxa_is_turned_away_and_known_photos_pass_at_the_rate() -> None:
    (train, labels), (held_out, _), (test, _) = _photos(0), _photos(1), _photos(2)
    shape = fit_shape(train, labels, 3, 1.0)
    logits = np.zeros((180, 3))
    gate = fit_gate(shape, shape.parts(held_out, logits))
    threshold = gate_threshold(gate(held_out, logits), 0.95)
    passing = (gate(test, logits) >= threshold).mean()
    assert 0.87 < passing <= 1
    away = np.random.default_rng(3).normal(0, 8, (180, 8)).astype(np.float32)
    strange = gate(Seen(features=away, deep=away, head=None), logits)
    assert (strange >= threshold).mean() < 0.2
    one_way = gate(Seen(features=test.features, deep=away, head=None), logits)
    assert (one_way >= threshold).mean() < 0.2  # strange before the head alone


def test_energy_is_strange_to_either_side() -> None:
    train, labels = _photos(0)
    shape = fit_shape(train, labels, 3, 1.0)
    logits = np.random.default_rng(0).normal(0, 1, (180, 3))
    gate = fit_gate(shape, shape.parts(train, logits))
    assert gate(train, logits).mean() > max(gate(train, logits + 30).mean(), gate(train, logits - 30).mean())


def test_taught_photos_are_at_home_once_they_are_taught() -> None:
    (train, labels), away = _photos(0), np.full((4, 8), 20, np.float32)
    away += np.random.default_rng(1).normal(0, 0.1, away.shape).astype(np.float32)
    taught = Seen(features=away, deep=away, head=None)
    shape = fit_shape(train, labels, 3, 1.0)
    gate = fit_gate(shape, shape.parts(train, np.zeros((180, 3))))
    before = gate(taught, np.zeros((4, 3)))
    assert (gate.with_taught(taught, np.full(4, 3))(taught, np.zeros((4, 3))) > before).all()


def test_separation_by_hand() -> None:
    known, strange = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0])
    auc, passing = separation(known, strange)
    assert auc == (3 + 2.5) / 6 and passing == 0
    assert gate_threshold(known, 1.0) == -np.inf


def test_strangers_are_the_same_for_one_seed_and_of_every_kind_differ() -> None:
    one, again = make_strangers(2, 16, seed=1), make_strangers(2, 16, seed=1)
    assert len(one) == 7
    for name, views in one.items():
        assert views.shape == (2, 16, 16, 3) and views.dtype == np.uint8
        np.testing.assert_array_equal(views, again[name])
        assert (views[0] != views[1]).any()
