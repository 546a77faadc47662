import numpy as np
import pytest

from birdsat.earth.clusters import cluster_places
from birdsat.errors import InputError


def blobs(*centres: tuple[float, float]) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.concatenate([np.array(centre) + random.normal(size=(50, 2)) for centre in centres])


def test_well_parted_places_fall_into_their_own_clusters() -> None:
    wanted = [(-60.0, -20.0), (0.0, 50.0), (120.0, 10.0)]
    found = sorted(map(tuple, cluster_places(blobs(*wanted), 3)))
    assert np.allclose(found, wanted, atol=1.0)


def test_a_cluster_can_lie_across_the_antimeridian() -> None:
    places = blobs((180.0, 0.0), (0.0, 0.0))
    places[:, 0] = (places[:, 0] + 180) % 360 - 180
    longitudes = sorted(np.abs(cluster_places(places, 2)[:, 0]))
    assert longitudes == pytest.approx([0.0, 180.0], abs=1.0)


def test_fewer_places_than_clusters_give_as_many_clusters_and_missing_places_are_left_out() -> None:
    places = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 0.0], [np.nan, 5.0]])
    assert sorted(cluster_places(places, 9)[:, 0].round(6)) == [0.0, 10.0]


def test_the_same_places_and_seed_give_the_same_clusters() -> None:
    places = blobs((0.0, 0.0))
    assert np.array_equal(cluster_places(places, 5, seed=3), cluster_places(places, 5, seed=3))


def test_no_place_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="no training photo has a place"):
        cluster_places(np.full((4, 2), np.nan), 3)
