"""Background where people looked, settings chosen on blocks, and several models as one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from made_points import PLACES, chips, draw_rows, habitat, presence
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from birdsat.ranges.evaluation import chosen as module
from birdsat.ranges.evaluation.baselines.boosted import BoostedTrees
from birdsat.ranges.evaluation.baselines.estimator import EstimatorModel
from birdsat.ranges.evaluation.baselines.forest import DownSampledForest
from birdsat.ranges.evaluation.baselines.logistic import QuadraticLogistic
from birdsat.ranges.evaluation.chosen import Chosen, ChosenOnBlocks, block_auc, block_side_km, held_out_blocks
from birdsat.ranges.evaluation.ensemble import Ensemble
from birdsat.ranges.evaluation.learning import PresenceModel, Scorer
from birdsat.ranges.evaluation.target_group import TargetGroup, target_group
from birdsat.ranges.points import Cells, Points

FIELDS = habitat()
PRESENT = presence(FIELDS)
CELLS = Cells(lon_lat=PLACES, columns={"chip": chips(FIELDS)})
ROWS, TAXON = draw_rows(PRESENT, 25)
POINTS = Points(taxa=4, presences=CELLS.take(ROWS), taxon=TAXON, background=CELLS)
TREE = "sklearn.tree.DecisionTreeClassifier(min_samples_leaf=5)"


@dataclass(frozen=True, kw_only=True)
class Constant:
    """Says of every taxon what a field says, or the reverse."""

    sign: float = 1.0
    name: str = "constant"
    probabilities: bool = False

    def fit(self, points: Points) -> Scorer:
        def score(cells: Cells) -> NDArray[np.float32]:
            near = np.square(cells.lon_lat[:, None] - PLACES[None]).sum(axis=2).argmin(axis=1)
            found = np.pad(self.sign * PRESENT[near].astype(np.float32), ((0, 0), (0, points.taxa - PRESENT.shape[1])))
            return found

        return score


@pytest.mark.parametrize(
    "model",
    [
        DownSampledForest(columns=("chip",), trees=30),
        BoostedTrees(columns=("chip",), trees=30),
        QuadraticLogistic(columns=("chip",), c=1.0),
        EstimatorModel(text=TREE, chip="chip"),
        TargetGroup(model=QuadraticLogistic(columns=("chip",), c=1.0)),
    ],
    ids=lambda model: model.name,
)
def test_each_model_finds_its_taxa_again_twice_alike_and_gives_the_unlearned_no_score(model: PresenceModel) -> None:
    score = model.fit(POINTS)(CELLS)
    assert np.isnan(score[:, 3]).all()
    assert min(roc_auc_score(PRESENT[:, label], score[:, label]) for label in range(3)) > 0.7
    np.testing.assert_array_equal(model.fit(POINTS)(CELLS), score)


def test_weights_of_the_background_count_in_every_model_that_knows_them() -> None:
    half = POINTS.background.lon_lat[:, 0] > np.median(PLACES[:, 0])
    weighted = replace(POINTS, background_weight=np.where(half, 1.0, 1e-9))
    only = POINTS.with_background(half)
    trees = BoostedTrees(columns=("chip",), trees=30)
    near, far = (np.abs(trees.fit(weighted)(CELLS) - trees.fit(of)(CELLS))[:, :3] for of in (only, POINTS))
    assert near.mean() < far.mean() / 2


def test_target_group_background_is_every_place_with_a_presence_once() -> None:
    found = target_group(POINTS)
    assert len(found.background) == len(np.unique(CELLS.lon_lat[ROWS], axis=0)) and np.ptp(found.background_weight) == 0
    one = replace(POINTS, taxon=np.zeros_like(TAXON))
    assert target_group(one) is one


def test_blocks_hold_out_every_point_once_and_nothing_of_them_is_learned() -> None:
    parts = list(held_out_blocks(POINTS, folds=4))
    assert sum(part.present.sum() for part in parts) == len(np.unique(np.column_stack([ROWS, TAXON]), axis=0))
    for part in parts:
        learned = {tuple(place) for place in part.learned.presences.lon_lat.tolist()}
        learned |= {tuple(place) for place in part.learned.background.lon_lat.tolist()}
        assert not learned & {tuple(place) for place in part.places.lon_lat.tolist()}


def test_the_candidate_that_tells_held_out_places_apart_is_chosen_whatever_its_order() -> None:
    good, bad = Constant(name="good"), Constant(name="bad", sign=-1.0)
    for candidates in ((good, bad), (bad, good)):
        chosen = ChosenOnBlocks(candidates=candidates, label="either").fit(POINTS)
        assert isinstance(chosen, Chosen) and chosen.name == "good" and dict(chosen.tried)["good"] > 0.8
    assert block_auc(bad, list(held_out_blocks(POINTS))) < 0.2


def test_points_in_one_spot_leave_nothing_to_choose_by_and_the_one_in_the_middle_is_taken() -> None:
    spot = replace(POINTS, presences=CELLS.take(np.zeros(len(ROWS), np.int64)))
    candidates = tuple(Constant(name=name) for name in ("least", "middle", "most"))
    chosen = ChosenOnBlocks(candidates=candidates, label="any").fit(spot)
    assert isinstance(chosen, Chosen) and chosen.name == "middle" and "too few blocks" in chosen.said
    with pytest.MonkeyPatch.context() as patch:  # blocks of which none tells anything
        patch.setattr(module, "block_auc", lambda *_: np.nan)
        chosen = ChosenOnBlocks(candidates=candidates, label="any").fit(POINTS)
    assert isinstance(chosen, Chosen) and chosen.name == "middle" and "nan" not in chosen.said
    assert block_side_km(spot.presences.lon_lat) == 1.0


def test_an_ensemble_is_the_mean_the_median_or_the_votes_of_its_members() -> None:
    members = (Constant(name="a"), Constant(name="b"), Constant(name="c", sign=-1.0))
    mean, median, votes = (
        Ensemble(members=members, by=by).fit(POINTS)(CELLS) for by in ("mean", "median", "committee")
    )
    one = Ensemble(members=members[:1]).fit(POINTS)(CELLS)
    np.testing.assert_allclose(mean, one / 3, atol=1e-6)
    np.testing.assert_allclose(median, one, atol=1e-6)
    np.testing.assert_allclose(votes[:, :3] * 3, np.round(votes[:, :3] * 3), atol=1e-6)
    assert votes[PRESENT[:, 0], 0].mean() > votes[~PRESENT[:, 0], 0].mean()
