"""Learning from surveys beside points: what absences teach, and what is said of those held out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_points import PLACES, SMALL, SOURCE, WIDTH, chips, draw_rows, embedded, habitat, points_at, presence
from sklearn.metrics import roc_auc_score

from birdsat.errors import InputError
from birdsat.observations.blocks import blocks_by_km
from birdsat.ranges.fit import fit_ranges
from birdsat.ranges.fit_data import Data
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.ranges.network import RangeNetwork
from birdsat.ranges.points import Cells, Points, SurveyRows
from birdsat.ranges.survey_term import HeldOutSurveys, SurveyTerm, areas_by_taxon, survey_figures

FIELDS = habitat()
PRESENT = presence(FIELDS)
# Of which the habitat is not easily read.
CHIP = (chips(FIELDS) + np.random.default_rng(3).normal(0, 1.5, (len(PLACES), WIDTH))).astype(np.float32)


def surveys(visits: np.ndarray, taxa: tuple[int, ...] = (0, 1, 2)) -> SurveyRows:
    """All of some taxa looked for at places with these rows."""
    visit, label = np.repeat(np.arange(len(visits)), len(taxa)), np.tile(taxa, len(visits))
    return SurveyRows(
        visits=Cells(lon_lat=PLACES[visits], columns={}),
        year_fraction=np.full(len(visits), np.nan),
        visit=visit,
        taxon=label,
        present=PRESENT[visits[visit], label],
    )


def fitted(points: Points, rows: np.ndarray, visits: np.ndarray | None = None) -> RangeModel:
    taxa = [f"Taxon {label}" for label in range(points.taxa)]
    of_visits = None if visits is None else embedded(CHIP[visits])
    return fit_ranges(points, embedded(CHIP[rows]), embedded(CHIP), taxa, SOURCE, settings=SMALL, visits=of_visits)


def biased() -> tuple[Points, np.ndarray]:
    """A few points of three taxa, those of the first from the west alone, where somebody looked."""
    rows, taxon = draw_rows(PRESENT, 8)
    west = np.flatnonzero(PRESENT[:, 0] & (PLACES[:, 0] < 5))[:8]
    rows = np.concatenate([west, rows[taxon > 0]])
    taxon = np.concatenate([np.zeros(len(west), np.int64), taxon[taxon > 0]])
    return points_at(rows, taxon, 3), rows


def test_absences_and_presences_of_a_survey_mend_a_map_from_biased_points(tmp_path) -> None:
    points, rows = biased()
    alone = fitted(points, rows)
    visits = np.arange(0, len(PLACES), 2)
    together = fitted(replace(points, surveys=surveys(visits)), rows, visits)
    unseen = np.arange(1, len(PLACES), 2)
    areas = [roc_auc_score(PRESENT[unseen], one.year_mean(CHIP, PLACES)[unseen]) for one in (alone, together)]
    assert areas[1] > areas[0] + 0.03 and areas[1] > 0.95
    facts = together.facts
    assert facts.absences == tuple((~PRESENT[visits]).sum(axis=0)) and alone.facts.absences == ()
    assert facts.points == alone.facts.points  # an absence is not a point
    assert together.evaluation["held_out_survey_taxa"] == 3 and together.evaluation["held_out_survey_auc"] > 0.85
    assert 0.5 < together.evaluation["held_out_survey_average_precision"] <= 1
    assert not any(name.startswith("held_out_survey") for name in alone.evaluation)
    together.save(tmp_path / "model")
    assert load_ranges(tmp_path / "model").facts == together.facts


def test_the_same_surveys_give_the_same_model() -> None:
    points, rows = biased()
    visits = np.arange(0, len(PLACES), 5)
    one, other = (fitted(replace(points, surveys=surveys(visits)), rows, visits) for _ in range(2))
    np.testing.assert_array_equal(one.year_mean(CHIP, PLACES), other.year_mean(CHIP, PLACES))
    assert one.facts == other.facts


def test_no_member_learns_from_visits_that_it_holds_out_and_each_row_is_held_out_once() -> None:
    visits = np.arange(len(PLACES))
    out = torch.from_numpy(np.arange(SMALL.members)[:, None] == np.repeat(visits, 3) % (SMALL.members + 1))
    half = torch.from_numpy(visits % 2)
    term = SurveyTerm(surveys(visits), torch.zeros(len(visits), 4), out, half, SMALL, np.full(3, 10))
    assert not (term.weight * out).any() and term.known.all()
    sums = torch.zeros(SMALL.members, 3).index_add_(1, term.taxon, term.weight)
    assert torch.allclose(sums[:, :1], sums)  # taxa with as many rows and points weigh alike
    one_kind = replace(surveys(visits), present=np.zeros(3 * len(visits), np.bool_))
    nothing = SurveyTerm(one_kind, term.inputs, out, half, SMALL, np.full(3, 10))
    assert not nothing.weight.any() and (nothing.of_points == 1).all()  # all is left for points


def test_a_member_that_holds_out_no_points_of_a_taxon_holds_out_no_surveys_of_it() -> None:
    """Those found there are points: of noise, figures of what was learned by heart would be near 1."""
    block = blocks_by_km(PLACES, 900)
    crowded = np.flatnonzero(block == np.bincount(block).argmax())[:8]
    rows, taxon = draw_rows(PRESENT, 20)
    rows, taxon = np.concatenate([crowded, rows[taxon > 0]]), np.concatenate([np.zeros(8, np.int64), taxon[taxon > 0]])
    visits = np.arange(len(PLACES))
    looked = surveys(visits)
    found = np.where(looked.taxon == 0, np.isin(looked.visit, crowded), looked.present)
    points = replace(points_at(rows, taxon, 3), surveys=replace(looked, present=found))
    inputs = torch.from_numpy(CHIP)
    data = Data(points, inputs[rows], inputs, replace(SMALL, block_km=900), inputs)
    assert data.surveys is not None and not data.out[0][:, data.taxon == 0].any()
    of_it = data.surveys.taxon == 0
    in_block = torch.from_numpy(np.isin(looked.visit, crowded))
    assert not data.surveys.out[:, of_it & in_block].any()
    assert data.surveys.out[:, ~of_it & in_block].any() and data.surveys.known[:, 0].all()


@pytest.mark.parametrize("taxa", [(0, 1, 2), (0,)])
def test_surveys_take_from_a_taxon_what_points_leave_however_many_were_not_surveyed(taxa: tuple[int, ...]) -> None:
    rows, taxon = draw_rows(PRESENT, 20)
    visits, inputs = np.arange(0, len(PLACES), 2), torch.from_numpy(CHIP)
    points = replace(points_at(rows, taxon, 3), surveys=surveys(visits, taxa))
    data = Data(points, inputs[rows], inputs, SMALL, inputs[visits])
    knows_nothing = RangeNetwork(replace(SMALL, inputs=WIDTH), inputs=WIDTH, taxa=3, dated=False)
    # One part each of points and of background, or of surveys: the same whoever has it.
    assert data.loss(knows_nothing).item() == pytest.approx(2 * np.log(2), rel=1e-5)


def test_the_area_of_each_taxon_is_that_of_scikit_learn_ties_and_all() -> None:
    random = np.random.default_rng(0)
    taxon = random.integers(0, 5, 400)
    present = (random.random(400) < 0.3) & (taxon != 3)  # of one taxon there are no presences
    score = np.round(random.normal(0, 1, 400) + present, 1)
    expected = [roc_auc_score(present[taxon == t], score[taxon == t]) for t in (0, 1, 2, 4)]
    np.testing.assert_allclose(areas_by_taxon(score, taxon, present), expected)
    assert len(areas_by_taxon(score[:0], taxon[:0], present[:0])) == 0


def test_figures_of_fewer_than_five_held_out_presences_are_not_given() -> None:
    taxon, present = np.zeros(20, np.int64), np.arange(20) < 4
    few = HeldOutSurveys(logit=np.zeros(20, np.float32), taxon=taxon, present=present, half=taxon)
    assert survey_figures(few) == {}
    assert survey_figures(replace(few, present=np.arange(20) < 5))["held_out_survey_auc"] == 0.5


def test_surveys_of_a_taxon_without_points_and_of_visits_that_are_not_there_are_refused() -> None:
    points, _ = biased()
    with pytest.raises(InputError, match="no point; leave out taxa of which only absences are known"):
        replace(points, taxa=4, surveys=replace(surveys(np.arange(4)), taxon=np.full(12, 3)))
    with pytest.raises(InputError, match="survey rows need a visit of 4"):
        replace(surveys(np.arange(4)), visit=np.full(12, 4))


def test_figures_of_surveys_do_not_depend_on_the_scales_of_the_two_halves() -> None:
    random = np.random.default_rng(0)
    taxon, half, present = random.integers(0, 3, 600), random.integers(0, 2, 600), random.random(600) < 0.3
    logit = (present + random.normal(0, 1, 600)).astype(np.float32)
    held = HeldOutSurveys(logit=logit, taxon=taxon, present=present, half=half)
    found = survey_figures(held)
    areas = [
        np.average(
            [roc_auc_score(present[rows], logit[rows]) for rows in parts],
            weights=[present[rows].sum() for rows in parts],
        )
        for parts in ([(taxon == one) & (half == other) for other in (0, 1)] for one in range(3))
    ]
    assert found["held_out_survey_auc"] == pytest.approx(np.mean(areas)) and found["held_out_survey_taxa"] == 3
    assert survey_figures(replace(held, logit=np.where(half == 1, 3 * logit + 5, logit))) == pytest.approx(found)
