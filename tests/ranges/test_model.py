"""A range model in its folder: what is read back is what was written, and what is damaged is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_points import CHIP_YEAR, PLACES, SMALL, block, chips, draw_rows, fit, habitat, points_at, presence
from safetensors.torch import load_file, save_file

from birdsat.errors import CheckpointError, ConfigError, UnknownTaxonError
from birdsat.ranges.facts import SETTINGS_FILE, WEIGHTS_FILE
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel

FIELDS = habitat()
CHIP = chips(FIELDS)
TAXA = ("Taxon 0", "Taxon 1", "Taxon 2")


def made(*, photos: bool) -> RangeModel:
    rows, taxon = draw_rows(presence(FIELDS), 12)
    dates = np.random.default_rng(0).random(len(rows))
    points = points_at(rows, taxon, 3, dates)
    more = {"year": CHIP_YEAR, "photos": np.eye(3, CHIP_YEAR.shape[2], dtype=np.float32)} if photos else {}
    return fit(points, rows, CHIP, SMALL, **more)


@pytest.fixture(scope="module")
def model() -> RangeModel:
    return made(photos=True)


@pytest.fixture
def folder(model: RangeModel, tmp_path: Path) -> Path:
    model.save(tmp_path / "ranges")
    return tmp_path / "ranges"


def test_saving_and_loading_is_identity(model: RangeModel, folder: Path) -> None:
    read = load_ranges(folder)
    assert read.facts == model.facts and read.columns == ("chip", "year")
    assert read.evaluation == model.evaluation and len(model.evaluation) == 14
    for one, other in zip(
        *(m.predict([m.features(block(CHIP, CHIP_YEAR))], TAXA, (1, 7)) for m in (model, read)), strict=True
    ):
        for name in ("cells", "suitability", "low", "high", "inside"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_model_without_photos_reads_chip_features_alone(tmp_path: Path) -> None:
    own = made(photos=False)
    own.save(tmp_path)
    read = load_ranges(tmp_path)
    assert read.photos is None and read.columns == ("chip",)
    np.testing.assert_array_equal(read.year_mean(CHIP, PLACES), own.year_mean(CHIP, PLACES))


def test_saving_again_replaces_and_a_save_cut_short_is_not_a_model(
    model: RangeModel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.save(folder)
    assert load_ranges(folder).facts == model.facts
    monkeypatch.setattr("birdsat.ranges.model.save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        model.save(folder)
    with pytest.raises(CheckpointError, match=r"half written: it has no ranges\.json"):
        load_ranges(folder)


def test_taxa_come_in_the_order_asked_and_blocks_one_by_one(model: RangeModel) -> None:
    whole = block(CHIP, CHIP_YEAR)
    parts = [
        type(whole)(**{name: getattr(whole, name)[some] for name in ("cells", "lon_lat", "chip", "year")})
        for some in (slice(0, 7), slice(7, 7), slice(7, None))
    ]
    (all_at_once,) = model.predict([model.features(whole)], TAXA, (3, 6))
    found = list(model.predict(map(model.features, parts), ("Taxon 2", "Taxon 0"), (6,)))
    assert [len(one.cells) for one in found] == [7, len(PLACES) - 7]  # a block without cells gives nothing
    together = np.concatenate([one.suitability for one in found], axis=2)
    np.testing.assert_allclose(together, all_at_once.suitability[[2, 0]][:, [1]], atol=1e-5)
    inside = np.concatenate([one.inside for one in found], axis=1)
    np.testing.assert_array_equal(inside, all_at_once.inside[[2, 0]])
    lows = np.concatenate([one.low for one in found], axis=2)
    np.testing.assert_allclose(lows, all_at_once.low[[2, 0]][:, [1]], atol=1e-5)
    assert all_at_once.low.min() >= 0 and all_at_once.high.max() <= 1
    assert (all_at_once.low <= all_at_once.suitability).all() and (all_at_once.suitability <= all_at_once.high).all()


def test_areas_of_applicability_are_asked_where_they_are_wanted_alone(
    model: RangeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = model.features(block(CHIP, CHIP_YEAR))
    (found,) = model.predict([features], ("Taxon 2", "Taxon 0"), (1,))
    assert found.inside.shape == (2, len(PLACES)) and 0 < found.inside.mean() < 1
    together = model.inside_together(features)
    assert together.shape == (len(PLACES),) and 0 < together.mean() < 1
    monkeypatch.setattr(type(model.applicability), "_near", lambda *_: pytest.fail("compared with references"))
    (quick,) = model.predict([features], ("Taxon 2", "Taxon 0"), (1,), applicability=False)
    assert quick.inside.shape == (0, len(PLACES))
    np.testing.assert_array_equal(quick.suitability, found.suitability)


def test_taxa_and_months_that_are_not_there_are_refused(model: RangeModel) -> None:
    with pytest.raises(UnknownTaxonError, match=r"Taxon 3.*taxa of the range model.*Taxon"):
        next(model.predict([model.features(block(CHIP, CHIP_YEAR))], ("Taxon 3",), (1,)))
    with pytest.raises(ConfigError):
        next(model.predict([model.features(block(CHIP, CHIP_YEAR))], TAXA, (13,)))


def change(folder: Path, **settings: object) -> None:
    path = folder / SETTINGS_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def test_a_folder_that_holds_no_range_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="birdsat fit"):
        load_ranges(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (2, "by an earlier birdsat .schema 2, and this one reads 3.; fit it again with `birdsat fit`"),
        (4, "newer birdsat.*schema 4.*Update birdsat, or fit it again with this one"),
        ("one", "schema 'one', which is not a number.*fit it again"),
        (None, "schema None, which is not a number.*fit it again"),
    ],
)
def test_another_schema_is_refused_with_what_to_do(version: object, message: str, folder: Path) -> None:
    change(folder, schema_version=version)
    with pytest.raises(CheckpointError, match=message):
        load_ranges(folder)


def test_what_an_earlier_birdsat_wrote_is_told_as_such_whatever_it_knew(folder: Path) -> None:
    change(folder, schema_version=2, mean_distance=1.5, evaluation=[["left_out_auc", 0.9]])
    with pytest.raises(CheckpointError, match=r"by an earlier birdsat.*fit it again with `birdsat fit`"):
        load_ranges(folder)


@pytest.mark.parametrize("what", ["text", "list", "taxa", "cut", "missing", "tensor", "photo", "area"])
def test_damage_is_one_error_of_ours(what: str, folder: Path) -> None:
    settings, weights = folder / SETTINGS_FILE, folder / WEIGHTS_FILE
    match what:
        case "text":
            settings.write_text(settings.read_text()[:-20])
        case "list":
            settings.write_text("[1]")
        case "taxa":
            change(folder, taxa=["Taxon 0"])
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-100])
        case "missing":
            weights.unlink()
        case "tensor" | "photo" | "area":
            name = {"tensor": "network.heads.weight", "photo": "photos.mean", "area": "area.radius"}[what]
            save_file({key: value for key, value in load_file(weights).items() if key != name}, weights)
    with pytest.raises(CheckpointError, match=r"is damaged.*birdsat fit"):
        load_ranges(folder)
