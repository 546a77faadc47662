"""What inputs are worth, by what was held out: of taxa that live by covariates alone."""

from dataclasses import replace

import numpy as np
import pytest
from made_covariates import KNOWN, PRESENT, ROWS, TAXA, TAXON, fit
from made_points import PLACES, SMALL
from torch import Tensor

from birdsat.observations.blocks import blocks_by_km
from birdsat.ranges import learn
from birdsat.ranges.covariates.ablation import Ablation, ablate
from birdsat.ranges.covariates.facts import CovariateSource
from birdsat.ranges.covariates.importance import Importances, permutation_importance
from birdsat.ranges.covariates.named import INPUTS
from birdsat.ranges.covariates.responses import VALUES, response_curves
from birdsat.ranges.held_out import auc_by_taxon
from birdsat.ranges.held_out_rows import HeldOut
from birdsat.ranges.model import RangeModel


@pytest.fixture(scope="module")
def model() -> RangeModel:
    return fit(inputs=INPUTS)


@pytest.fixture(scope="module")
def of_one_block() -> RangeModel:
    """Nothing can be held out."""
    blocks = blocks_by_km(PLACES, SMALL.block_km)
    rows = np.flatnonzero(blocks == blocks[len(PLACES) // 2])[:6]
    return fit(rows=rows, taxon=np.arange(len(rows)) % 3)


def test_what_taxa_live_by_is_important_and_what_they_do_not_is_not(model: RangeModel) -> None:
    found = permutation_importance(model, repeats=3)
    assert found is not None and found.auc == pytest.approx(model.evaluation["held_out_auc"], abs=0.05)
    lost = {one.name: one.auc_lost for one in found.groups}
    assert set(lost) == {"chip", "place", "field 0", "field 1", "field 2"}
    assert min(lost[f"field {n}"] for n in range(3)) > 0.05
    assert max(abs(lost["chip"]), abs(lost["place"])) < 0.04
    assert [one.auc_lost for one in found.groups] == sorted(lost.values(), reverse=True)
    assert all(one.low <= one.auc_lost <= one.high for one in found.groups)


def test_the_same_seed_says_the_same_and_what_is_written_is_read(model: RangeModel) -> None:
    one, again = (permutation_importance(model, repeats=2, seed=3) for _ in range(2))
    assert one is not None and one == again
    assert Importances.from_dict(one.to_dict()) == one
    assert [row[0] for row in one.table().rows] == [group.name for group in one.groups]


def test_a_constant_covariate_has_no_importance_and_no_curve() -> None:
    numbers = KNOWN.copy()
    numbers[:, 1] = 5
    with pytest.warns(match="left out, as they are the same everywhere: the covariates field 1"):
        model = fit(numbers)
    found = permutation_importance(model, repeats=2)
    assert found is not None
    assert next(one for one in found.groups if one.name == "field 1").auc_lost == 0
    assert [one.name for one in response_curves(model)] == ["field 0", "field 2"]


def test_what_is_asked_again_of_the_same_places_is_what_was_held_out(model: RangeModel) -> None:
    assert model.held_out is not None
    one, again = model.held_out.said(), model.held_out.said()
    np.testing.assert_array_equal(one.logit, again.logit)
    assert np.sort(one.row[one.present]).tolist() == list(range(len(ROWS)))
    assert set(one.member.tolist()) == set(range(SMALL.members))
    shuffled = model.held_out.said("chip", None, np.arange(len(ROWS) + len(PLACES))[::-1].copy())
    np.testing.assert_array_equal(shuffled.row, one.row)
    assert np.abs(shuffled.logit - one.logit).max() > 0.01


def test_a_curve_rises_with_what_its_taxon_lives_by_and_not_with_what_others_do(model: RangeModel) -> None:
    curves = response_curves(model)
    assert [one.name for one in curves] == ["field 0", "field 1", "field 2"]
    for number, one in enumerate(curves):
        assert one.value.shape == (VALUES,) and one.suitability.shape == one.std.shape == (3, VALUES)
        known = KNOWN[:, number]
        np.testing.assert_allclose(one.value[[0, -1]], np.percentile(known, (2, 98)), atol=0.5)
        rise = one.suitability[:, -1] - one.suitability[:, 0]
        assert rise[number] > 0.25 and rise[number] == rise.max()
        assert (one.std > 0).all()


def test_of_classes_the_probability_is_of_a_cell_that_is_all_of_one() -> None:
    present = PRESENT[:, 0]
    generator = np.random.default_rng(0)
    share = np.where(present, 0.8, 0.1)
    rest = (1 - share) * generator.uniform(0.3, 0.7, len(PLACES))
    shares = np.column_stack([share, rest, 1 - share - rest]).astype(np.float32)
    cover = CovariateSource(name="cover", file="c.tif", sha256="", classes=(10, 20), pooled=True)
    model = fit(shares, INPUTS, rasters=(cover,))
    (curve,) = response_curves(model)
    assert curve.classes == ("10", "20", "other") == curve.labels
    assert curve.suitability[0, 0] > curve.suitability[0, 1:].max() + 0.2
    found = permutation_importance(model, repeats=2)
    assert found is not None and {one.name for one in found.groups} == {"chip", "place", "cover"}


def test_a_fit_without_what_taxa_live_by_is_worse_and_one_without_the_rest_is_not(model: RangeModel) -> None:
    asked: list[tuple[str, ...]] = []

    def refit(inputs: tuple[str, ...]) -> RangeModel:
        asked.append(inputs)
        return fit(inputs=inputs)

    found = ablate(model, INPUTS, refit)
    assert found is not None
    assert asked == [("place", "covariates"), ("chip", "covariates"), ("chip", "place")]
    assert found.mean("without covariates") < found.mean("all") - 0.15
    assert abs(found.mean("without chip") - found.mean("all")) < 0.08
    assert Ablation.from_dict(found.to_dict()) == found
    assert [row[0] for row in found.table().rows] == ["mean of all", *TAXA]


def test_a_model_that_chose_fewer_inputs_stands_beside_a_fit_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn, "_is_above", lambda *_: True)
    chose = fit()
    assert chose.facts.inputs == ("covariates",)
    found = ablate(chose, INPUTS, lambda inputs: fit(inputs=inputs))
    assert found is not None
    assert list(found.auc)[:2] == ["all", "covariates, as chosen"] and len(found.auc) == 5
    assert chose.held_out is not None
    said = chose.held_out.said()
    np.testing.assert_array_equal(found.auc["covariates, as chosen"], auc_by_taxon(said, 3))


def test_where_nothing_is_held_out_nothing_can_be_told(of_one_block: RangeModel) -> None:
    assert of_one_block.held_out is None
    assert permutation_importance(of_one_block) is None and response_curves(of_one_block) == ()
    assert ablate(of_one_block, INPUTS, lambda inputs: pytest.fail("it was fitted")) is None


def test_points_without_background_held_out_tell_nothing_either(
    model: RangeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = model.held_out
    assert places is not None

    def points_alone(there: Tensor, elsewhere: Tensor) -> HeldOut:
        out = places.again(there, elsewhere)
        return out.where(out.present)

    monkeypatch.setattr(model, "held_out", replace(places, again=points_alone))
    assert permutation_importance(model) is None


def test_a_taxon_of_which_nothing_is_held_out_has_no_figure(model: RangeModel) -> None:
    few = TAXON < 2
    found = ablate(fit(inputs=INPUTS, rows=ROWS[few], taxon=TAXON[few]), INPUTS, lambda inputs: model)
    assert found is not None and np.isnan(found.auc["all"][2]) and not np.isnan(found.mean("all"))
    assert found.to_dict()["taxa"][2]["auc"]["all"] is None
    read = Ablation.from_dict(found.to_dict())
    assert np.isnan(read.auc["all"][2]) and replace(read, auc={}) == replace(found, auc={})
