"""Names are rolled up to what is sure enough."""

import numpy as np
import pytest

from birdsat.tasks.identify.roll_up import NEVER, RollUp, roll_up_threshold
from birdsat.tasks.identify.taxon_groups import taxon_groups

TAXA = ("Corvus corax", "Corvus corone", "Pica pica", "Parus major", "thing 7")
GROUPS = taxon_groups(TAXA)


def test_genus_and_family_come_from_the_name_and_an_unknown_one_stands_alone() -> None:
    assert GROUPS.genus == ("Corvus", "Corvus", "Pica", "Parus", "")
    assert GROUPS.family == ("Corvidae", "Corvidae", "Corvidae", "Paridae", "")
    assert taxon_groups(["American Crow"]).family == ("Corvidae",)


@pytest.mark.parametrize(
    ("probability", "rank", "name"),
    [
        ((0.95, 0.02, 0.01, 0.01, 0.01), "species", "Corvus corax"),
        ((0.5, 0.45, 0.03, 0.01, 0.01), "genus", "Corvus"),
        ((0.4, 0.25, 0.3, 0.04, 0.01), "family", "Corvidae"),
        ((0.3, 0.1, 0.1, 0.3, 0.2), "class", "Aves"),
        ((0.0, 0.0, 0.0, 0.04, 0.96), "species", "thing 7"),
        ((0.0, 0.0, 0.0, 0.3, 0.7), "class", "Aves"),
    ],
)
def test_the_finest_name_that_passes_is_given(probability: tuple[float, ...], rank: str, name: str) -> None:
    (found,) = RollUp(GROUPS).names(np.array([probability]), 0.9)
    assert (found.rank, found.name) == (rank, name)
    assert found.score >= 0.9


def test_names_above_the_threshold_are_right_as_often_as_promised_on_rows_it_was_not_chosen_on() -> None:
    random = np.random.default_rng(0)

    def made(rows: int) -> tuple[np.ndarray, np.ndarray]:
        sure = random.random(rows)
        score = np.stack([sure, np.maximum(sure, 0.5), np.maximum(sure, 0.6)], axis=1)
        return score, random.random((rows, 3)) < score**2  # right less often than is said

    score, right = made(5000)
    threshold = roll_up_threshold(score, right, 0.8)
    assert 0.77 < threshold < 0.9  # (1 - t**3) / (3 (1 - t)) is .8 at t = .78
    score, right = made(20_000)
    named = score[:, 0] >= threshold
    assert right[named, 0].mean() >= 0.8


def test_no_threshold_is_chosen_where_names_are_never_sure_or_too_few() -> None:
    score, wrong = np.full((200, 3), 0.9), np.zeros((200, 3), dtype=bool)
    assert roll_up_threshold(score, wrong, 0.9) == NEVER
    assert roll_up_threshold(score[:3], ~wrong[:3], 0.9) == NEVER
