"""The models that maps are compared with, one by one and under one contract."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from birdsat.earth.place import distance_km
from birdsat.errors import ConfigError, InputError
from birdsat.metrics import map_scores
from birdsat.ranges.evaluation.baselines.coordinate_network import CoordinateNetwork, assume_negative_full
from birdsat.ranges.evaluation.baselines.logistic import QuadraticLogistic
from birdsat.ranges.evaluation.baselines.maxent import MaxEnt
from birdsat.ranges.evaluation.baselines.nearest import NearestPoints, SimilarCells
from birdsat.ranges.evaluation.learning import PresenceModel, ScaledColumns
from birdsat.ranges.points import Cells, Points

needs_elapid = pytest.mark.skipif(find_spec("elapid") is None, reason="elapid is not installed")
SMALL_NETWORK = CoordinateNetwork(width=32, depth=1, batch=128, steps=150, learning_rate=5e-3, dropout=0.1)
MODELS = [
    pytest.param(NearestPoints(), id="nearest"),
    pytest.param(NearestPoints(k=3), id="3 nearest"),
    pytest.param(QuadraticLogistic(), id="logistic"),
    pytest.param(QuadraticLogistic(columns=("coordinates", "climate")), id="logistic with climate"),
    pytest.param(
        QuadraticLogistic(columns=("chip", "coordinates"), components=4), id="logistic with chip's components"
    ),
    pytest.param(
        MaxEnt(columns=("chip", "coordinates"), components=2), id="maxent with chip's components", marks=needs_elapid
    ),
    pytest.param(MaxEnt(), id="maxent", marks=needs_elapid),
    pytest.param(SMALL_NETWORK, id="network"),
]


def cells(count: int = 300, seed: int = 0) -> Cells:
    generator = np.random.default_rng(seed)
    lon_lat = np.stack([generator.uniform(110, 150, count), generator.uniform(-40, -10, count)], axis=1)
    climate = np.stack([lon_lat[:, 1] * 0.5 + 30, generator.random(count)], axis=1)
    climate[::17, 0] = np.nan
    chip = lon_lat @ np.random.default_rng(9).normal(0, 1, (2, 20)) + generator.normal(0, 1, (count, 20))
    return Cells(lon_lat=lon_lat, columns={"climate": climate, "chip": chip})


def west_and_north(some: Cells) -> NDArray[np.bool_]:
    """True ranges of two taxa."""
    return np.stack([some.lon_lat[:, 0] < 125, some.lon_lat[:, 1] > -20], axis=1)


def points(background: Cells, each: int = 15) -> Points:
    """Of taxa 0 and 2; taxon 1 has none."""
    west, north = west_and_north(background).T
    rows = np.concatenate([np.flatnonzero(west)[:each], np.flatnonzero(north)[:each]])
    return Points(taxa=3, presences=background.take(rows), taxon=np.repeat([0, 2], each), background=background)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_finds_ranges_from_points_and_leaves_taxa_without_points_out(model: PresenceModel) -> None:
    score, asked = model.fit(points(cells())), cells(seed=1)
    scores, truth = score(asked), west_and_north(asked)
    assert scores.shape == (300, 3) and scores.dtype == np.float32
    assert np.isnan(scores[:, 1]).all() and np.isfinite(scores[:, [0, 2]]).all()
    assert map_scores(scores[:, 0], truth[:, 0])[0] > 0.9
    assert map_scores(scores[:, 2], truth[:, 1])[0] > 0.9
    if model.probabilities:
        assert np.nanmin(scores) >= 0 and np.nanmax(scores) <= 1


@pytest.mark.parametrize("model", MODELS)
def test_two_fits_agree_and_a_score_depends_on_its_cell_alone(model: PresenceModel) -> None:
    torch.manual_seed(5)
    asked, first = cells(seed=1), model.fit(points(cells()))
    torch.manual_seed(6)
    second = model.fit(points(cells()))
    assert np.array_equal(first(asked), second(asked), equal_nan=True)
    some = np.array([7, 3, 200])
    assert first(asked.take(some)) == pytest.approx(first(asked)[some], rel=1e-4, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("k", [1, 4, 99])
def test_nearest_points_are_so_many_kilometres_away_over_the_antimeridian_too(k: int) -> None:
    at = Cells(lon_lat=np.array([[179.0, 0], [-178, 2], [150, 60], [-170, -80]]), columns={})
    asked = Cells(lon_lat=np.array([[-179.5, 1], [10, 85], [179, 0]]), columns={})
    score = NearestPoints(k=k).fit(Points(taxa=1, presences=at, taxon=np.zeros(4, np.int64), background=asked))(asked)
    away = distance_km(*asked.lon_lat.T[:, :, None], *at.lon_lat.T[:, None, :])
    assert -score[:, 0] == pytest.approx(np.sort(away, axis=1)[:, :k].mean(axis=1), rel=1e-4, abs=0.01)


def test_the_logistic_regression_is_that_of_scikit_learn_on_squares_and_products() -> None:
    background = cells()
    given = points(background)
    scores = QuadraticLogistic().fit(given)(background)
    scaler = StandardScaler().fit(background.lon_lat)
    squares = PolynomialFeatures(2, include_bias=False)
    again = StandardScaler().fit(squares.fit_transform(scaler.transform(background.lon_lat)))
    at = given.presences.lon_lat[given.taxon == 2]
    x = again.transform(squares.transform(scaler.transform(np.concatenate([at, background.lon_lat]))))
    y = np.repeat([1, 0], [len(at), len(background)])
    model = LogisticRegression(class_weight="balanced", tol=1e-8, max_iter=10_000).fit(x, y)
    assert scores[:, 2] == pytest.approx(model.decision_function(x[len(at) :]), abs=1e-3)


def test_too_many_columns_are_not_multiplied_with_each_other_but_may_be_used_as_they_are() -> None:
    generator = np.random.default_rng(0)
    plain = cells(100)
    wide = Cells(lon_lat=plain.lon_lat, columns={"chip": generator.standard_normal((100, 120))})
    given = points(wide, each=5)
    with pytest.raises(ConfigError, match="120 columns; up to 50"):
        QuadraticLogistic(columns=("chip",)).fit(given)
    assert np.isfinite(QuadraticLogistic(columns=("chip",), quadratic=False).fit(given)(wide)[:, 0]).all()


def test_similar_cells_are_the_nearest_neighbours_of_scikit_learn() -> None:
    known, asked = cells(), cells(seed=1)
    presence = west_and_north(known)
    share = SimilarCells(k=7).fit(known, presence)(asked)
    scaler = StandardScaler().fit(known.lon_lat)
    slow = KNeighborsClassifier(7).fit(scaler.transform(known.lon_lat), presence[:, 0])
    assert share[:, 0] == pytest.approx(slow.predict_proba(scaler.transform(asked.lon_lat))[:, 1])


def test_fewer_cells_than_neighbours_are_refused() -> None:
    with pytest.raises(InputError, match="10 nearest neighbours cannot be found among 4"):
        SimilarCells().fit(cells(4), np.ones((4, 1), bool))
    with pytest.raises(ConfigError, match="1 or more"):
        NearestPoints(k=0)


def test_the_loss_assumes_every_taxon_absent_but_the_one_seen() -> None:
    generator = torch.Generator().manual_seed(0)
    present, absent = torch.randn(5, 4, generator=generator), torch.randn(5, 4, generator=generator)
    taxon = torch.tensor([0, 3, 3, 1, 2])
    seen, unseen = [], []
    for i in range(5):
        for j in range(4):
            p, b = float(present[i, j].sigmoid()), float(absent[i, j].sigmoid())
            seen.append(-7 * np.log(p + 1e-5) if taxon[i] == j else -np.log(1 - p + 1e-5))
            unseen.append(-np.log(1 - b + 1e-5))
    loss = assume_negative_full(present, taxon, absent, presence_weight=7)
    assert float(loss) == pytest.approx(np.mean(seen) + np.mean(unseen), rel=1e-5)


def test_a_network_of_no_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        CoordinateNetwork(steps=0)


def test_maxent_without_elapid_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "elapid", None)
    with pytest.raises(ConfigError, match=r"pip install birdsat\[elapid\]"):
        MaxEnt().fit(points(cells()))


def test_columns_are_standardised_over_the_training_cells_and_unknown_values_are_the_mean() -> None:
    known = cells()
    scaled = ScaledColumns.fit(known, ("climate", "coordinates"))(known)
    assert scaled.shape == (300, 4)
    assert scaled.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-9)
    assert (scaled[::17, 0] == 0).all()
    assert scaled[:, 1:].std(axis=0) == pytest.approx(np.ones(3))


def test_chip_features_come_as_their_principal_components_where_that_is_asked() -> None:
    known = cells()
    generator = np.random.default_rng(0)
    shown = generator.normal(0, 1, (len(known), 3)) @ generator.normal(0, 1, (3, 60))
    known = Cells(lon_lat=known.lon_lat, columns={"chip": shown + 5})
    scaled = ScaledColumns.fit(known, ("chip", "coordinates"), 3)(known)
    assert scaled.shape == (len(known), 5)
    np.testing.assert_allclose(scaled.std(axis=0), 1)
    np.testing.assert_allclose(np.corrcoef(scaled[:, :3].T), np.eye(3), atol=1e-9)
    back = np.linalg.lstsq(scaled[:, :3], shown - shown.mean(axis=0), rcond=None)[0]
    np.testing.assert_allclose(scaled[:, :3] @ back, shown - shown.mean(axis=0), atol=1e-9)
    assert ScaledColumns.fit(known, ("chip",))(known).shape == (len(known), 60)
    lost = Cells(lon_lat=known.lon_lat, columns={"chip": np.where(np.arange(len(known))[:, None] == 4, np.nan, shown)})
    assert (ScaledColumns.fit(lost, ("chip",), 3)(lost)[4] == 0).all()


def test_columns_that_are_not_there_or_not_known_are_refused() -> None:
    some = cells(10)
    with pytest.raises(InputError, match=r"no columns .soil.*climate, coordinates"):
        some.table(("soil",))
    empty = Cells(lon_lat=some.lon_lat, columns={"climate": np.full((10, 1), np.nan)})
    with pytest.raises(InputError, match="nothing is known of climate"):
        ScaledColumns.fit(empty, ("climate",))
    with pytest.raises(InputError, match="a row for each place"):
        Cells(lon_lat=some.lon_lat, columns={"climate": np.zeros((9, 1))})


def test_points_need_labels_and_background() -> None:
    some = cells(10)
    with pytest.raises(InputError, match="from 0 to 1"):
        Points(taxa=2, presences=some, taxon=np.full(10, 2), background=some)
    with pytest.raises(InputError, match="no background"):
        Points(taxa=2, presences=some, taxon=np.zeros(10, np.int64), background=some.take(np.zeros(0, np.int64)))
