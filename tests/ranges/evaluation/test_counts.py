"""Models of mean counts on later surveys of places that were held out, and the baselines they stand beside."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from made_points import PLACES, chips, habitat
from numpy.typing import NDArray
from scipy.stats import spearmanr

from birdsat.earth.place import distance_km
from birdsat.errors import ConfigError, InputError
from birdsat.ranges.evaluation.baselines.counted import CountRidge, CountTrees, SimilarCounts
from birdsat.ranges.evaluation.baselines.surveyed import SurveyLogistic, SurveyTrees
from birdsat.ranges.evaluation.counts import CountEvaluation, Counts, evaluate_counts
from birdsat.ranges.evaluation.evaluate import Ranges, evaluate_later_surveys
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.learning import CountModel, Scorer, none_elsewhere
from birdsat.ranges.evaluation.range_grid import RangeGrid
from birdsat.ranges.points import Cells

FIELDS = habitat()
CELLS = Cells(lon_lat=PLACES, columns={"chip": chips(FIELDS)})
MEAN = np.random.default_rng(0).poisson(np.exp(1.5 * FIELDS)).astype(np.float32)
NAMES = ("A a", "B b", "C c")
COUNTS = Counts(species=NAMES, mean=MEAN, cells=CELLS)
BLOCKS = HoldOut(degrees=20, folds=3)


@dataclass
class Spy:
    """Scores places by how far east they lie, and keeps what it was told."""

    told: list[tuple[Cells, NDArray[np.floating]]] = field(default_factory=list)
    name: str = "spy"
    probabilities: bool = False

    def fit(self, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
        self.told.append((cells, counts))
        return lambda asked: np.repeat(asked.lon_lat[:, :1].astype(np.float32), counts.shape[1], axis=1)


def evaluated(models: Sequence[CountModel], later: Counts = COUNTS) -> CountEvaluation:
    return evaluate_counts(COUNTS, later, models, hold_out=BLOCKS)


def test_every_place_is_scored_by_the_fold_that_did_not_see_its_block() -> None:
    spy = Spy()
    found = evaluated([spy])
    fold = BLOCKS.fold(np.concatenate([PLACES, PLACES]))[: len(PLACES)]
    for number, (cells, counts) in enumerate(spy.told):
        np.testing.assert_array_equal(cells.lon_lat, PLACES[fold != number])
        np.testing.assert_array_equal(counts, MEAN[fold != number])
    expected = [spearmanr(PLACES[:, 0], MEAN[:, label]).statistic for label in range(3)]
    assert [taxon for taxon, _ in found.models[0].spearman] == list(NAMES)
    np.testing.assert_allclose([value for _, value in found.models[0].spearman], expected)
    assert found.rows()[0]["taxa"] == 3 and found.rows()[0]["spearman"] == pytest.approx(np.mean(expected))
    assert found.to_dict()["models"][0]["taxa"][0] == {"taxon": "A a", "spearman": pytest.approx(expected[0])}
    assert "Spearman" in found.markdown() and len(list(found.table().rows)) == 1


def test_with_a_buffer_no_place_near_one_that_is_scored_is_learned_from() -> None:
    spy, halves = Spy(), HoldOut(by="regions", folds=2, buffer_km=1000)
    found = evaluate_counts(COUNTS, COUNTS, [spy], hold_out=halves)
    assert found.title == "mean counts, 2 whole regions, 1000 km apart"
    fold = halves.fold(np.concatenate([PLACES, PLACES]))[: len(PLACES)]
    for number, (cells, _) in enumerate(spy.told):
        tested = PLACES[fold == number]
        assert distance_km(*cells.lon_lat.T[:, :, None], *tested.T[:, None]).min() > 1000
        assert len(cells) < (fold != number).sum()


def test_species_that_do_not_vary_later_or_were_not_counted_before_are_not_evaluated() -> None:
    same = MEAN.copy()
    same[:, 1] = 2
    (figures,) = evaluated([Spy()], Counts(species=NAMES, mean=same, cells=CELLS)).models
    assert [taxon for taxon, _ in figures.spearman] == ["A a", "C c"]
    with pytest.raises(InputError, match="no species was counted before and in different numbers later"):
        evaluated([Spy()], Counts(species=NAMES, mean=np.ones_like(MEAN), cells=CELLS))
    with pytest.raises(InputError, match=r"mean counts are .*a row for each cell"):
        Counts(species=NAMES[:2], mean=MEAN, cells=CELLS)


@pytest.mark.parametrize("model", [CountRidge(), CountTrees(trees=20), SimilarCounts()], ids=lambda model: model.name)
def test_every_baseline_tells_places_of_many_from_places_of_few(model: CountModel) -> None:
    assert evaluated([model]).models[0].mean > 0.4


@pytest.mark.parametrize("model", [SurveyLogistic(), SurveyTrees(trees=20)], ids=lambda model: model.name)
def test_every_baseline_of_presence_and_absence_is_evaluated_on_later_years(
    model: SurveyLogistic | SurveyTrees,
) -> None:
    presence = np.column_stack([MEAN > 2, np.ones(len(PLACES), np.bool_), np.zeros(len(PLACES), np.bool_)])
    truth = RangeGrid(lon_lat=PLACES, species=(*NAMES, "D d", "E e"), presence=presence)
    later = RangeGrid(lon_lat=PLACES, species=truth.species, presence=np.roll(presence, 1, axis=0))
    found = evaluate_later_surveys(
        Ranges(truth=truth, cells=CELLS), Ranges(truth=later, cells=CELLS), [model], hold_out=BLOCKS
    )
    assert found.skipped == ("D d", "E e") and found.models[0].means.taxa == 3  # everywhere, and nowhere
    assert found.models[0].means.auc > 0.7 and 0 <= found.models[0].means.brier <= 1
    assert found.models[0].figures[0].points > 0


def test_places_where_none_is_expected_are_alike_and_the_others_keep_their_order() -> None:
    cells, places = CELLS.take(np.arange(100)), np.arange(100, dtype=np.float32)
    counts = np.zeros((100, 2))
    counts[:10, 0] = counts[:80, 1] = 3  # the second in more than half: some are expected everywhere
    score = none_elsewhere(lambda asked: np.stack([places, places], axis=1)[: len(asked)], cells, counts)(cells)
    assert (score[:80, 0] == 0).all() and (np.diff(score[80:, 0]) > 0).all()
    assert (np.diff(score[:, 1]) > 0).all()


def test_a_fold_that_could_learn_of_none_of_a_species_says_nothing_of_its_places() -> None:
    fold = BLOCKS.fold(np.concatenate([PLACES, PLACES]))[: len(PLACES)]
    mean = MEAN.copy()
    mean[fold != 1, 0] = 0  # counted in the places of one fold alone
    earlier = Counts(species=NAMES, mean=mean, cells=CELLS)
    (figures,) = evaluate_counts(earlier, COUNTS, [Spy()], hold_out=BLOCKS).models
    expected = spearmanr(PLACES[fold != 1, 0], MEAN[fold != 1, 0]).statistic
    assert dict(figures.spearman)["A a"] == pytest.approx(expected)
    (figures,) = evaluate_counts(
        earlier, earlier, [Spy()], hold_out=BLOCKS
    ).models  # which is nowhere else later either
    assert [taxon for taxon, _ in figures.spearman] == ["B b", "C c"]


@dataclass
class Endless(Spy):
    """Says that some place has no end of birds."""

    def fit(self, cells: Cells, counts: NDArray[np.floating]) -> Scorer:
        return lambda asked: np.full((len(asked), counts.shape[1]), np.inf, dtype=np.float32)


def test_two_models_of_one_name_and_one_without_a_finite_score_are_refused() -> None:
    with pytest.raises(ConfigError, match="two models are called 'spy'"):
        evaluated([Spy(), Spy()])
    with pytest.raises(InputError, match="spy gives infinite scores"):
        evaluated([Endless()])
