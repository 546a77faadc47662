import dataclasses
from pathlib import Path

import pytest

from birdsat.dataset.collections.registry import COLLECTIONS, collections_by_setting, open_collection
from birdsat.errors import ConfigError
from birdsat.workflows.requests.datasets import BuildDatasetRequest


def test_the_collections_say_what_settings_they_have():
    assert collections_by_setting() == {
        "max_uncertainty_km": ("birdsat_release", "inat2021"),
        "chip_km": ("birdsat_release",),
        "crop": ("cub", "nabirds"),
        "mini": ("inat2021",),
        "level": ("nabirds",),
    }


def test_every_setting_of_a_collection_can_be_asked_for():
    asked = {field.name for field in dataclasses.fields(BuildDatasetRequest)}
    assert set(collections_by_setting()) <= asked


def test_every_collection_can_be_asked_for_by_its_name_and_no_other():
    for name in COLLECTIONS:
        assert BuildDatasetRequest(out="out", collection=name, folder="f").collection == name
    with pytest.raises(ConfigError, match=r"collection is 'cubs'; nearest: 'cub'.*allowed: 'birdsat_release'"):
        BuildDatasetRequest(out="out", collection="cubs", folder="f")


def test_a_setting_of_another_collection_is_refused():
    with pytest.raises(ConfigError, match="crop is a setting of the collection cub or nabirds, not of image_folder"):
        open_collection("image_folder", Path("f"), crop=True)
    with pytest.raises(ConfigError, match="colour is a setting of none of the collections, not of cub"):
        open_collection("cub", Path("f"), colour=True)
    with pytest.raises(ConfigError, match="there is no collection 'cubs'; allowed: birdsat_release, cub"):
        open_collection("cubs", Path("f"))
