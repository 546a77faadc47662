"""Figures of classification against scikit-learn and slow loops, and what they say where something is unknown."""

import json
import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, top_k_accuracy_score

from birdsat.metrics import fit_temperature, reliability
from birdsat.observations.taxonomy import Taxon
from birdsat.tasks.classify_figures import (
    EXAMPLES,
    WORST_PAIRS,
    Figures,
    evaluate_scores,
    figures_dict,
    genus_of,
)

TAXA = (
    Taxon(name="Bubo bubo", family="Strigidae"),
    Taxon(name="Bubo scandiacus", family="Strigidae"),
    Taxon(name="Corvus corax", family="Corvidae"),
    Taxon(name="Corvus corone", family="Corvidae"),
    Taxon(name="Pica pica", family="Corvidae"),
    Taxon(name="Strix aluco", family="Strigidae"),
    Taxon(name="Sitta europaea"),
)
N = 400


def draw(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right in about half of the rows; taxa are not equally common."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(TAXA), N, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05])
    logits = 3 * (1.5 * np.eye(len(TAXA))[labels] + rng.normal(size=(N, len(TAXA))))
    return logits.astype(np.float32), labels


def evaluated(logits: np.ndarray, labels: np.ndarray, val: tuple[np.ndarray, np.ndarray] | None = None) -> Figures:
    return evaluate_scores(logits, labels, TAXA, rows=np.arange(len(labels)), val=val)


def test_shares_are_those_of_scikit_learn() -> None:
    logits, labels = draw()
    figures, named = evaluated(logits, labels), logits.argmax(axis=1)
    assert figures.top1 == pytest.approx(accuracy_score(labels, named))
    assert figures.top5 == pytest.approx(top_k_accuracy_score(labels, logits, k=5))
    assert figures.macro == pytest.approx(balanced_accuracy_score(labels, named))
    assert figures.right == tuple(np.diag(confusion_matrix(labels, named)).tolist())


def test_taxa_without_test_rows_do_not_count_in_the_macro_accuracy() -> None:
    logits, labels = draw()
    kept = labels < 3
    assert evaluated(logits[kept], labels[kept]).macro == pytest.approx(
        np.mean([(logits[labels == k].argmax(axis=1) == k).mean() for k in range(3)])
    )


def test_genus_and_family_are_right_when_the_named_taxon_lies_in_them() -> None:
    logits, labels = draw()
    figures, named = evaluated(logits, labels), logits.argmax(axis=1)
    genus = np.array([taxon.name.split()[0] for taxon in TAXA])
    assert figures.genus.accuracy == pytest.approx(accuracy_score(genus[labels], genus[named]))
    assert (figures.genus.groups, figures.genus.rows) == (5, N)
    family = np.array([taxon.family for taxon in TAXA])
    known = family[labels] != ""
    assert figures.family.accuracy == pytest.approx(accuracy_score(family[labels][known], family[named][known]))
    assert (figures.family.groups, figures.family.rows) == (2, known.sum()) and known.sum() < N
    assert figures.top1 < figures.genus.accuracy < 1


@pytest.mark.parametrize(
    ("taxon", "genus"),
    [
        (Taxon(name="Corvus corax"), "Corvus"),
        (Taxon(name="Corvus corone cornix"), "Corvus"),
        (Taxon(name="Fish Crow"), ""),
        (Taxon(name="Mallard"), ""),
        (Taxon(name="Black and white Warbler"), ""),
        (Taxon(name="Fish Crow", genus="Corvus"), "Corvus"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_first_word_of_a_common_name_is_not_a_genus(taxon: Taxon, genus: str) -> None:
    assert genus_of(taxon) == genus


def test_where_no_group_is_known_nothing_is_claimed() -> None:
    logits, labels = draw()
    common = [Taxon(name=f"Bird Number {letter}") for letter in "ABCDEFG"]
    figures = evaluate_scores(logits, labels, common, rows=np.arange(N))
    assert math.isnan(figures.genus.accuracy) and math.isnan(figures.family.accuracy)
    plain = json.loads(json.dumps(figures_dict(figures, [taxon.name for taxon in common]), allow_nan=False))
    assert plain["genus"] == plain["family"] == {"groups": 0, "rows": 0, "accuracy": None}


def test_the_calibration_error_is_the_gap_of_scikit_learn_s_calibration_curve() -> None:
    logits, labels = draw()
    sure, right = softmax(logits, axis=1).max(axis=1), logits.argmax(axis=1) == labels
    true, said = calibration_curve(right, sure, n_bins=15)
    rows = np.histogram(sure, bins=np.linspace(0, 1, 16))[0]
    expected = (rows[rows > 0] * np.abs(true - said)).sum() / N
    assert evaluated(logits, labels).calibration.error == pytest.approx(expected, abs=1e-6)


def test_who_is_as_often_right_as_sure_has_no_calibration_error() -> None:
    confidence = np.repeat([0.25, 0.75], 40)
    right = np.concatenate([np.arange(40) < 10, np.arange(40) < 30])
    assert reliability(confidence, right).error == pytest.approx(0)
    assert reliability(np.ones(10), np.zeros(10, dtype=bool)).error == 1


def test_the_temperature_has_the_lowest_cross_entropy_and_mends_the_calibration() -> None:
    logits, labels = draw()

    def entropy(log_temperature: float) -> float:
        scaled = log_softmax(logits.astype(np.float64) / np.exp(log_temperature), axis=1)
        return -scaled[np.arange(N), labels].mean()

    best = float(np.exp(minimize_scalar(entropy, bounds=(-5, 5), method="bounded", options={"xatol": 1e-8}).x))
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(best, rel=1e-4)
    sharp, other = logits * 5, draw(1)
    calibration = evaluated(sharp, labels, val=(other[0] * 5, other[1])).calibration
    assert calibration.scaled_error is not None and calibration.scaled_error < calibration.error / 2
    assert calibration.temperature == pytest.approx(5 * best, rel=0.3)


def test_without_val_there_is_no_temperature() -> None:
    calibration = evaluated(*draw()).calibration
    assert calibration.temperature is None and calibration.scaled_error is None and np.isfinite(calibration.error)


def test_taxa_never_in_the_running_leave_every_figure_finite() -> None:
    logits, labels = draw()
    logits[:, 2] = -np.inf
    figures = evaluated(logits, labels, val=(logits, labels))
    assert figures.right[2] == 0 and figures.top1 < evaluated(*draw()).top1
    assert np.isfinite([figures.macro, figures.calibration.error, figures.calibration.scaled_error or np.nan]).all()
    kept = labels != 2
    assert figures.calibration.temperature == pytest.approx(
        fit_temperature(logits[kept][:, [0, 1, 3, 4, 5, 6]], np.where(labels > 2, labels - 1, labels)[kept])
    )
    assert fit_temperature(logits[~kept], labels[~kept]) is None


def test_confusions_are_those_of_scikit_learn_s_matrix_worst_first() -> None:
    logits, labels = draw()
    matrix = confusion_matrix(labels, logits.argmax(axis=1))
    figures = evaluated(logits, labels)
    mistaken = [sum(pair.mistaken) for pair in figures.confusions]
    assert mistaken == sorted(mistaken, reverse=True)
    both = np.triu(matrix + matrix.T, 1)
    assert mistaken == sorted(both[both > 0].tolist(), reverse=True)[:WORST_PAIRS]
    for pair in figures.confusions:
        one, other = pair.taxa
        assert one < other and pair.mistaken == (matrix[one, other], matrix[other, one])
        assert pair.test_rows == (matrix[one].sum(), matrix[other].sum())


def test_examples_are_rows_of_the_taxon_with_the_mistaken_ones_first() -> None:
    logits, labels = draw()
    named = logits.argmax(axis=1)
    rows = np.arange(N) * 3
    for pair in evaluate_scores(logits, labels, TAXA, rows=rows).confusions:
        for side, (label, other) in enumerate((pair.taxa, pair.taxa[::-1])):
            examples = np.array(pair.examples[side]) // 3
            assert len(examples) == min(EXAMPLES, pair.test_rows[side]) and (labels[examples] == label).all()
            taken = named[examples] == other
            assert taken.sum() == min(EXAMPLES, pair.mistaken[side]) and (np.diff(taken.astype(int)) <= 0).all()


def test_who_makes_no_mistake_has_no_confusions() -> None:
    labels = np.arange(len(TAXA))
    figures = evaluated(np.eye(len(TAXA), dtype=np.float32), labels)
    assert figures.confusions == () and figures.top1 == figures.macro == 1.0


def test_a_tie_counts_against_the_right_taxon_in_every_figure() -> None:
    figures = evaluated(np.zeros((7, 7), dtype=np.float32), np.arange(7))
    assert figures.top1 == figures.macro == 0.0 and sum(figures.right) == 0
    assert sum(sum(pair.mistaken) for pair in figures.confusions) == 7
