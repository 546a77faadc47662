"""The range network and the most similar places, evaluated as any other model."""

from dataclasses import replace

import numpy as np
import pytest
from made_points import PLACES, SMALL, chips, draw_rows, habitat, presence
from sklearn.metrics import roc_auc_score

from birdsat.earth.place import unit_sphere
from birdsat.errors import InputError
from birdsat.ranges import learn
from birdsat.ranges.evaluation.evaluate import Ranges, evaluate_points
from birdsat.ranges.evaluation.hold_out import HoldOut
from birdsat.ranges.evaluation.our_models import CountNetwork, RangeNetworkModel, SimilarPlaces, SurveyNetwork
from birdsat.ranges.evaluation.range_grid import RangeGrid
from birdsat.ranges.points import Cells, Points

FIELDS = habitat()
PRESENT = presence(FIELDS)
CELLS = Cells(lon_lat=PLACES, columns={"chip": chips(FIELDS)})
ROWS, TAXON = draw_rows(PRESENT, 25)
SETTINGS = replace(SMALL, steps=40)


def test_a_taxon_without_points_has_no_score_and_the_others_rank_their_cells_first() -> None:
    points = Points(taxa=4, presences=CELLS.take(ROWS), taxon=TAXON, background=CELLS)
    score = RangeNetworkModel(settings=SETTINGS).fit(points)(CELLS)
    assert score.shape == (len(PLACES), 4) and np.isnan(score[:, 3]).all()
    assert ((score[:, :3] >= 0) & (score[:, :3] <= 1)).all()
    assert min(roc_auc_score(PRESENT[:, label], score[:, label]) for label in range(3)) > 0.9


def test_place_alone_reads_no_chip_features() -> None:
    points = Points(taxa=3, presences=CELLS.take(ROWS), taxon=TAXON, background=CELLS)
    bare = Cells(lon_lat=PLACES, columns={})
    model = RangeNetworkModel(columns=None, settings=SETTINGS)
    of_bare = model.fit(replace(points, presences=bare.take(ROWS), background=bare))(bare)
    np.testing.assert_array_equal(model.fit(points)(CELLS), of_bare)
    with pytest.raises(InputError, match="no columns 'chip'"):
        RangeNetworkModel(settings=SETTINGS).fit(replace(points, presences=bare.take(ROWS), background=bare))


def test_columns_of_rasters_are_covariates_alone_or_beside_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taxa live by fields that chips and places know nothing of, and that are unknown of some cells."""
    fields = np.random.default_rng(0).normal(0, 1, FIELDS.shape)
    present = presence(fields)
    rows, taxon = draw_rows(present, 40)
    climate = fields.copy()
    climate[::15, 1] = np.nan
    cells = Cells(lon_lat=PLACES, columns={"chip": chips(FIELDS), "climate": climate})
    points = Points(taxa=3, presences=cells.take(rows), taxon=taxon, background=cells)
    alone = RangeNetworkModel(columns=None, place=False, covariates=("climate",), settings=SETTINGS)
    beside = RangeNetworkModel(covariates=("climate",), settings=SETTINGS)
    assert (alone.name, beside.name) == ("birdsat: covariates", "birdsat: chip + place + covariates")
    for model in (alone, beside):
        score = model.fit(points)(cells)
        assert np.mean([roc_auc_score(present[:, label], score[:, label]) for label in range(3)]) > 0.85
    chosen = RangeNetworkModel(covariates=("climate",), chooses=True, settings=SETTINGS)
    assert chosen.name == "birdsat: chip + place + covariates, as chosen"
    for is_better, other in ((False, beside), (True, alone)):
        monkeypatch.setattr(learn, "_is_above", lambda *_, is_better=is_better: is_better)
        np.testing.assert_allclose(chosen.fit(points)(cells), other.fit(points)(cells), atol=0.02)
    moved = Cells(lon_lat=PLACES[::-1], columns={"climate": climate})
    np.testing.assert_array_equal(alone.fit(points)(moved), alone.fit(points)(cells))


def test_it_is_evaluated_beside_itself_under_names_of_their_own() -> None:
    truth = RangeGrid(lon_lat=PLACES, species=("a", "b", "c"), presence=PRESENT)
    models = [RangeNetworkModel(settings=SETTINGS), RangeNetworkModel(columns=None, settings=SETTINGS)]
    evaluated = evaluate_points(
        Ranges(truth=truth, cells=CELLS), models, points=10, hold_out=HoldOut(degrees=20, folds=2)
    )
    assert [model.model for model in evaluated.models] == ["birdsat: chip + place", "birdsat: place"]
    chip, place = (np.mean([one.auc for one in model.figures]) for model in evaluated.models)
    assert chip > 0.85 and chip > place


@pytest.mark.parametrize("place", [False, True])
def test_the_most_similar_places_equal_a_slow_search(place: bool) -> None:
    known, asked = CELLS.take(np.arange(0, len(PLACES), 2)), CELLS.take(np.arange(1, 40, 2))
    score = SimilarPlaces(place=place, k=4).fit(known, PRESENT[::2])(asked)
    own = known.table(("chip",))
    share = 0.25 if place else 0.0
    sphere = unit_sphere(*known.lon_lat.T)
    size = [
        np.sqrt(part / np.square(table - table.mean(axis=0)).sum(axis=1).mean())
        for part, table in ((1 - share, own), (share, sphere))
    ]
    tables = [
        np.concatenate([cells.table(("chip",)) * size[0], unit_sphere(*cells.lon_lat.T) * size[1]], axis=1)
        for cells in (known, asked)
    ]
    for row, one in enumerate(tables[1]):
        nearest = np.argsort(np.linalg.norm(tables[0] - one, axis=1))[:4]
        np.testing.assert_allclose(score[row], PRESENT[::2][nearest].mean(axis=0))
    assert SimilarPlaces(place=place, k=4).name.endswith("+ place") == place


def test_presence_and_absence_in_every_cell_are_learned_as_surveys_and_a_taxon_of_one_kind_has_no_absences() -> None:
    presence = np.column_stack([PRESENT, np.ones(len(PLACES), np.bool_), np.zeros(len(PLACES), np.bool_)])
    score = SurveyNetwork(settings=SETTINGS).fit(CELLS, presence)(CELLS)
    assert min(roc_auc_score(PRESENT[:, label], score[:, label]) for label in range(3)) > 0.9
    assert np.isfinite(score[:, 3]).all() and np.isnan(score[:, 4]).all()  # everywhere; nowhere
    everywhere = SurveyNetwork(settings=SETTINGS).fit(CELLS, presence[:, 3:4])(CELLS)
    assert np.isfinite(everywhere).all()


def test_presences_of_high_counts_draw_the_scores_more_than_those_of_low_ones() -> None:
    presence = np.ones((len(PLACES), 1), np.bool_)
    presence[::5] = False
    west = (PLACES[:, :1] < 10) & presence
    counts = np.where(presence, np.where(west, 200.0, 1.0), 0.0)
    score = CountNetwork(settings=SETTINGS).fit(CELLS, counts)(CELLS)[:, 0]
    alike = SurveyNetwork(settings=SETTINGS).fit(CELLS, presence)(CELLS)[:, 0]
    assert roc_auc_score(west[:, 0], score) > roc_auc_score(west[:, 0], alike) + 0.1
