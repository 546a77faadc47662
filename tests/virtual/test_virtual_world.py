"""Species, their true ranges, observations of them, and photos, from one seed."""

import hashlib
import io
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from birdsat.earth.place import EARTH_RADIUS_KM, unit_sphere
from birdsat.errors import ConfigError, ImageError, UnknownTaxonError
from birdsat.observations.observation import Observation
from birdsat.virtual.noise import random_stream
from birdsat.virtual.world import VirtualWorld

LON, LAT = np.meshgrid(np.arange(-179.0, 180, 2), np.arange(-89.0, 90, 2))
AREA = np.cos(np.radians(LAT))


@pytest.fixture(scope="module")
def world() -> VirtualWorld:
    return VirtualWorld(0)


@pytest.fixture(scope="module")
def observations(world: VirtualWorld) -> list[Observation]:
    return list(world.observations(2500, seed=7))


@pytest.fixture(scope="module")
def ranges(world: VirtualWorld) -> dict[str, np.ndarray]:
    """True ranges over a 2-degree grid: (12, rows, columns) by name."""
    return {
        species.name: np.stack([world.true_range(species.name, LON, LAT, month) for month in range(1, 13)])
        for species in world.species
    }


def test_the_tree_has_families_of_genera_of_species_with_unique_names(world: VirtualWorld) -> None:
    taxa = world.taxonomy.taxa
    assert len({taxon.name for taxon in taxa}) == len(world.species) == 48
    assert len({taxon.family for taxon in taxa}) == len({taxon.order for taxon in taxa}) == 6
    assert len({taxon.genus for taxon in taxa}) == 18
    assert len({taxon.common_name for taxon in taxa}) == 48


def test_a_quarter_of_the_species_migrate(world: VirtualWorld) -> None:
    assert len(world.migrants) == len(world.species) // 4


def test_lookalikes_share_body_and_plumage_and_no_other_species_do(world: VirtualWorld) -> None:
    by_looks: dict[tuple[object, object], list[str]] = {}
    for species in world.species:
        by_looks.setdefault((species.body, species.plumage), []).append(species.name)
    shared = {tuple(names) for names in by_looks.values() if len(names) > 1}
    assert shared == set(world.lookalike_pairs)
    assert len(shared) == 6


def test_lookalikes_are_of_one_genus_and_never_meet(world: VirtualWorld, ranges: dict[str, np.ndarray]) -> None:
    for first, second in world.lookalike_pairs:
        assert world.taxonomy[first].genus == world.taxonomy[second].genus
        assert not (ranges[first].any(axis=0) & ranges[second].any(axis=0)).any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_have_lookalikes_on_two_continents_too(seed: int) -> None:
    world = VirtualWorld(seed)
    species = {each.name: each for each in world.species}
    for first, second in world.lookalike_pairs:
        assert species[first].range.continent != species[second].range.continent


def test_every_range_is_of_a_decent_size_in_every_month(world: VirtualWorld, ranges: dict[str, np.ndarray]) -> None:
    land = (AREA * world.land(LON, LAT)).sum()
    for name, months in ranges.items():
        shares = (AREA * months).sum(axis=(1, 2)) / land
        assert (shares > 0.01).all(), name
        assert (shares < 0.15).all(), name


def test_residents_stay_and_migrants_winter_nearer_the_equator(
    world: VirtualWorld, ranges: dict[str, np.ndarray]
) -> None:
    for name, months in ranges.items():
        if name not in world.migrants:
            assert (months == months[0]).all()
            continue
        latitudes = [float((LAT * AREA * month).sum() / (AREA * month).sum()) for month in months]
        summer, winter = (6, 0) if latitudes[6] > 0 and latitudes[6] > latitudes[0] else (0, 6)
        assert abs(latitudes[summer]) > abs(latitudes[winter]) + 5, name
        between = latitudes[3]
        assert min(latitudes) - 1 < between < max(latitudes) + 1


def test_ranges_lie_on_land(world: VirtualWorld, ranges: dict[str, np.ndarray]) -> None:
    land = world.land(LON, LAT)
    assert all((months <= land).all() for months in ranges.values())


def test_every_observation_lies_within_the_true_range_of_its_month(
    world: VirtualWorld, observations: list[Observation]
) -> None:
    groups: dict[tuple[str, int], list[Observation]] = {}
    for observation in observations:
        assert observation.date
        groups.setdefault((observation.taxon, observation.date.month), []).append(observation)
    for (taxon, month), group in groups.items():
        lon = np.array([each.place.lon for each in group if each.place])
        lat = np.array([each.place.lat for each in group if each.place])
        assert world.true_range(taxon, lon, lat, month).all()
        assert world.land(lon, lat).all()


def test_observations_cover_all_species_and_months_evenly(world: VirtualWorld, observations: list[Observation]) -> None:
    counts = Counter(observation.taxon for observation in observations)
    assert len(counts) == len(world.species)
    assert max(counts.values()) < 6 * min(counts.values())
    months = Counter(observation.date.month for observation in observations if observation.date)
    assert len(months) == 12
    assert min(months.values()) > 0.5 * len(observations) / 12


def test_lookalikes_are_as_common_as_other_species(world: VirtualWorld, observations: list[Observation]) -> None:
    counts = Counter(observation.taxon for observation in observations)
    alike = {name for pair in world.lookalike_pairs for name in pair}
    others = [count for name, count in counts.items() if name not in alike]
    assert np.mean([counts[name] for name in alike]) > np.mean(others)
    assert min(counts[name] for name in alike) > 0.6 * np.mean(others)


def test_observations_gather_near_cities(world: VirtualWorld, observations: list[Observation]) -> None:
    cities = world.cities.points
    places = np.array([(each.place.lon, each.place.lat) for each in observations if each.place])
    points = unit_sphere(places[:, 0], places[:, 1])
    inside = np.concatenate(
        [
            unit_sphere(LON[months[0]], LAT[months[0]])
            for months in (
                np.stack([world.true_range(species.name, LON, LAT, 1)]) for species in islice(world.species, 20)
            )
        ]
    )
    near, chance = ((np.arccos(np.clip(some @ cities.T, -1, 1)).min(axis=1) * EARTH_RADIUS_KM < 80).mean()
                    for some in (points, inside))  # fmt: skip
    assert near > 2 * chance


def test_ids_are_unique_and_a_longer_run_begins_like_a_shorter_one(
    world: VirtualWorld, observations: list[Observation]
) -> None:
    assert len({observation.id for observation in observations}) == len(observations)
    assert list(world.observations(700, seed=7)) == observations[:700]
    assert list(world.observations(700, seed=8))[5].place != observations[5].place


def test_observations_are_streamed(world: VirtualWorld) -> None:
    assert len(list(islice(world.observations(10**9), 3))) == 3


def test_another_process_draws_the_same_observations_and_photos(world: VirtualWorld) -> None:
    script = (
        "import hashlib\nfrom birdsat.virtual.world import VirtualWorld\nworld = VirtualWorld(0)\n"
        "o = list(world.observations(4, seed=7))[3]\n"
        "print(o.id, o.taxon, o.place, hashlib.sha256(world.photo(o)).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    observation = list(world.observations(4, seed=7))[3]
    digest = hashlib.sha256(world.photo(observation)).hexdigest()
    assert told.split() == f"{observation.id} {observation.taxon} {observation.place} {digest}".split()


def test_a_photo_is_a_jpeg_of_the_asked_size_and_can_be_drawn_alone(observations: list[Observation]) -> None:
    for px in (32, 64):
        world = VirtualWorld(0, photo_px=px)
        data = world.photo(observations[9])
        assert Image.open(io.BytesIO(data)).size == (px, px)
        assert world.photo(observations[9]) == data


def test_photos_of_one_species_vary_and_lookalikes_are_drawn_alike(
    world: VirtualWorld, observations: list[Observation]
) -> None:
    observation = observations[0]
    assert world.photo(observation) != world.photo(replace(observation, photo=observation.id + "1"))
    first, second = world.lookalike_pairs[0]
    seen = next(each for each in observations if each.taxon == first)
    assert world.photo(seen) == world.photo(replace(seen, taxon=second))


def test_photos_of_other_worlds_are_refused(world: VirtualWorld, observations: list[Observation]) -> None:
    with pytest.raises(ImageError, match="seed 1"):
        VirtualWorld(1).photo(observations[0])
    with pytest.raises(ImageError, match="no place or date"):
        world.photo(replace(observations[0], place=None))


def test_true_range_names_the_nearest_taxon_and_the_months(world: VirtualWorld) -> None:
    name = world.species[0].name
    with pytest.raises(UnknownTaxonError, match=name):
        world.true_range(name + "x", LON, LAT, 1)
    with pytest.raises(ConfigError, match="1 to 12"):
        world.true_range(name, LON, LAT, 13)


def test_random_streams_depend_on_the_whole_key() -> None:
    assert random_stream("a", 1).random() == random_stream("a", 1).random()
    assert random_stream("a", 1).random() != random_stream("a", 2).random()
