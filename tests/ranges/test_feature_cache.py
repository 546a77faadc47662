"""What a range model sees in a region's cells: kept by the fit, read by every map, and never another model's."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_world import CELLS, SETTINGS, TAXA, TinyWorld, small_fit

from birdsat.cli import main
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.errors import BirdsatWarning, CheckpointError
from birdsat.processes import machine
from birdsat.ranges.feature_cache import cache_file, iter_features
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel

MONTHS = (1, 7)


@pytest.fixture
def folder(tiny_world: TinyWorld, tmp_path: Path) -> Path:
    return tiny_world.copied(tmp_path / "made").folder


def refit(folder: Path, *taxa: str, region: str = "region") -> None:
    small_fit(tables=folder / "records.csv", region=folder / region, out=folder / "ranges", taxa=taxa)


def opened(folder: Path) -> tuple[RangeModel, Region, Path]:
    model, region = load_ranges(folder / "ranges"), open_region(folder / "region")
    return model, region, cache_file(model, region)


def maps(model: RangeModel, region: Region) -> np.ndarray:
    """(probability, bounds and area, ..., cells)."""
    found = list(model.predict(iter_features(model, region), model.facts.taxa, MONTHS))
    inside = np.concatenate([np.broadcast_to(block.inside[:, None], block.low.shape) for block in found], axis=2)
    names = ("suitability", "low", "high")
    return np.stack([*(np.concatenate([getattr(block, name) for block in found], axis=2) for name in names), inside])


def test_maps_of_kept_features_are_those_of_computed_ones_and_do_not_run_the_networks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, region, kept = opened(folder)
    assert kept.stat().st_size == CELLS * 2 * (SETTINGS.members * SETTINGS.width + SETTINGS.inputs)
    model.folder = None
    computed = maps(model, region)
    monkeypatch.setattr(RangeModel, "features", lambda *_: pytest.fail("the networks ran"))
    np.testing.assert_array_equal(maps(load_ranges(folder / "ranges"), region), computed)


def test_richness_and_a_map_say_the_same_with_and_without_them(folder: Path) -> None:
    def written(out: str) -> list[bytes]:
        where = ("--also", "csv", "--out", str(folder / out))
        main(["map", TAXA[0], "--ranges", str(folder / "ranges"), *where])
        main(["richness", str(folder / "ranges"), *where])
        return [(folder / out / f"{name}.csv").read_bytes() for name in (TAXA[0].replace(" ", "_"), "richness")]

    with_them = written("with")
    opened(folder)[2].unlink()
    assert written("without") == with_them


@pytest.mark.parametrize("change", [-10, 10])
def test_a_file_of_another_size_is_refused_and_says_what_to_do(change: int, folder: Path) -> None:
    model, region, kept = opened(folder)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:change] if change < 0 else whole + bytes(change))
    with pytest.raises(CheckpointError, match=r"is damaged.*Delete it.*birdsat fit"):
        maps(model, region)


def test_a_new_fit_leaves_none_of_the_old_and_another_region_has_its_own(folder: Path) -> None:
    before = opened(folder)[2]
    killed = f"{machine()}-{2**22 + 1}-1-00000000"  # no process has so high a number
    (folder / "ranges" / f".cells-0123.f16.{killed}.part").touch()
    east = ("--grid", "2", "--box=-148,0,-138,12", "--imagery", "virtual:0")
    main(["embed", str(folder / "mine"), str(folder / "east"), *east])
    refit(folder, TAXA[0], TAXA[1], region="east")
    model, region, kept = opened(folder)
    assert not before.exists() and not kept.exists() and len(list((folder / "ranges").glob("cells-*"))) == 1
    assert maps(model, region).shape == (4, 2, 2, CELLS)  # computed
    assert cache_file(model, open_region(folder / "east")).is_file()


def test_features_of_other_weights_are_not_read(folder: Path) -> None:
    model, region, kept = opened(folder)
    (folder / "ranges" / "ranges.safetensors").rename(folder / "old")
    model.network.start.bias.add_(1)
    model.save(folder / "elsewhere")
    shutil.copy(folder / "elsewhere" / "ranges.safetensors", folder / "ranges")
    changed = load_ranges(folder / "ranges")
    assert cache_file(changed, region) != kept
    model.folder = None
    np.testing.assert_array_equal(maps(changed, region), maps(model, region))


def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("birdsat.embeddings.regions.folder_region._BLOCK_NUMBERS", 4)
    model, region, kept = opened(folder)
    blocks = iter_features(model, region)
    first = next(blocks)
    kept.unlink()
    assert sum(map(len, blocks)) + len(first) == CELLS


def test_a_full_disk_leaves_a_model_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = RangeModel.features
    monkeypatch.setattr(RangeModel, "features", lambda *_: (_ for _ in ()).throw(OSError("No space left on device")))
    said = r"ranges is complete, but maps from it will take longer: .* cannot be written \(No space left on device\)"
    opened(folder)[2].unlink()
    with pytest.warns(BirdsatWarning, match=said):
        refit(folder)
    monkeypatch.setattr(RangeModel, "features", features)
    whole = ["effort.json", "effort.qml", "effort.tif", "ranges.json", "ranges.safetensors"]
    assert sorted(file.name for file in (folder / "ranges").iterdir()) == whole
    assert maps(*opened(folder)[:2]).shape == (4, 3, 2, CELLS)
