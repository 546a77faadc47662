"""A dataset that an earlier release finished is recognised: the fingerprints are those that it computed."""

import platform
from pathlib import Path

import pytest

from birdsat.dataset.build import build_dataset
from birdsat.dataset.random_places import NoPhotos, random_places
from birdsat.earth.box import Box
from birdsat.imagery.open_imagery import open_imagery
from birdsat.virtual.world import VirtualWorld


# Of processors with AVX-512 and of those without: numpy computes exp, sin and their like by other instructions there,
# whose results differ in the last bit, and so does the made world.
@pytest.mark.parametrize(
    ("ground_km", "fingerprints"),
    [
        (
            (),
            (
                "e70ebbbe48151d15c7294cafd3e26aa1a62a1ac1d61e335e7bd6d44e255752ce",
                "4960e396cd677f5eae89d4394bfaf79ce4ac47d63d698d89f13db991a2453cfa",
            ),
        ),
        (
            (50.0,),
            (
                "576f534749ca0565d3efc1ef5cf36a454a19219456b97af506c55c7d81eedfad",
                "5e88985c32dcf4334c311e1621a1d8f2dced73be611562cbb07c3e408340720d",
            ),
        ),
        (
            (50.0, 400.0),
            (
                "fb9178f4b58bfaad15a495fab8a7f7afdaf39c45b240279ae014fe026b5bd0dd",
                "a26e642617f6afd91f1a544ff9c2bd2455d6daf201173f4083cde5404b7a414e",
            ),
        ),
    ],
    ids=["without chips", "of one size", "of two sizes"],
)
@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors differ in the last bit as well")
def test_the_virtual_world_of_version_0_1_is_recognised(
    tmp_path: Path, ground_km: tuple[float, ...], fingerprints: tuple[str, ...]
) -> None:
    world = VirtualWorld(3, photo_px=32)
    chips = open_imagery("virtual:3").chips(ground_km=ground_km, px=16) if ground_km else None
    manifest = build_dataset(tmp_path, world.observations(12, 3), photos=world, chips=chips, workers=0, seed=3)
    assert manifest.fingerprint in fingerprints
    assert manifest.chip_ground_km == ground_km


def test_chips_of_random_places_of_version_0_1_are_recognised(tmp_path: Path) -> None:
    chips = open_imagery("virtual:3").chips(ground_km=(50.0,), px=16)
    rows = random_places(6, Box(-180, -90, 180, 90), chips=chips)
    manifest = build_dataset(tmp_path, rows, photos=NoPhotos(), chips=chips, workers=0)
    assert manifest.fingerprint == "7993b80ab77b0bed5b79fc7e571a18903f4b9be5a6a5b46982fc958c7e04d885"
