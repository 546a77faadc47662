"""A run as Python sees it: what goes in, what comes out, and what is refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from made_runs import CROSS_VIEW, KM, PHOTO, PX, TAXON, WIDTH, make_run
from PIL import Image
from recorded import RecordedProgress
from tiny_world import TinyWorld

import birdsat
from birdsat.api.model import Model
from birdsat.earth.place import Place
from birdsat.embeddings.inference import inference
from birdsat.embeddings.regions.cut_chips import CutCells
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.encoders.view_encoder import View, ViewEncoderConfig
from birdsat.errors import ConfigError, ImageError, InputError, PlaceError
from birdsat.imagery.open_imagery import open_imagery
from birdsat.imagery.photos import encode_jpeg
from birdsat.methods.classifier import ClassifierConfig
from birdsat.methods.cvm_mae import CvmMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig


@pytest.fixture(scope="session")
def run(tiny_world: TinyWorld) -> Path:
    return tiny_world.run


@pytest.fixture(scope="module")
def model(run: Path) -> Model:
    loaded = birdsat.load(run)
    assert isinstance(loaded, Model)
    return loaded


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "a.jpg"
    across = np.linspace(40, 220, 40)  # smooth: a file is decoded small, an array is made small
    path.write_bytes(encode_jpeg(np.stack(np.broadcast_arrays(across, across[:, None], 90.0), axis=2).astype(np.uint8)))
    return path


def chips(n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, PX, PX, 3), dtype=np.uint8)


def test_a_path_an_image_and_an_array_of_a_photo_give_the_same_unit_vector(model: Model, photo: Path) -> None:
    with Image.open(photo) as image:
        vectors = model.embed_photos([photo, str(photo), image, np.asarray(image.convert("RGB"))])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors, vectors[:1].repeat(4, axis=0), atol=2e-2)  # JPEGs are decoded small
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[2], vectors[3])


def test_the_same_photos_give_the_same_bits_at_every_call_and_in_any_company(model: Model, photo: Path) -> None:
    first = model.embed_photos([photo] * 3)
    np.testing.assert_array_equal(first, model.embed_photos([photo] * 3))
    np.testing.assert_allclose(first, model.embed_photos([photo] * 70)[:3], atol=1e-6)


def test_a_photo_that_cannot_be_read_is_named_or_left_out(model: Model, photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:100])
    with pytest.raises(ImageError, match=r"broken.jpg cannot be decoded.*Leave it out"):
        model.embed_photos([photo, broken])
    with pytest.raises(ImageError, match=r"absent.jpg cannot be read"):
        model.embed_photos([tmp_path / "absent.jpg"])
    progress = RecordedProgress()
    vectors = model.embed_photos([photo, broken, photo], unreadable="nan", progress=progress)
    assert np.isnan(vectors[1]).all() and np.isfinite(vectors[[0, 2]]).all()
    assert progress.notes == ["1 of 3 photos could not be read; their rows are NaN."]
    assert (progress.bars[0].done, progress.bars[0].total) == (3, 3)


@pytest.mark.parametrize("array", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)])
def test_an_array_that_is_not_a_photo_is_refused(model: Model, array: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"give uint8 \(h, w, 3\)"):
        model.embed_photos([array])


def test_one_photo_in_place_of_several_is_refused(model: Model, photo: Path) -> None:
    for one in (str(photo), photo):
        with pytest.raises(ImageError, match="put it into a list"):
            model.embed_photos(one)  # type: ignore[arg-type]


def test_no_photos_are_refused(model: Model) -> None:
    with pytest.raises(ImageError, match="no photo"):
        model.embed_photos([])


def test_places_seen_through_imagery_are_those_of_the_chips_cut_from_it(model: Model) -> None:
    places, dates = [(10.0, 42.0), (-70.0, 5.0)], ["2024-06-01", None]
    of_imagery = model.embed_places(places, dates, imagery="virtual:0")
    source = open_imagery("virtual:0").chips(ground_km=(KM,), px=PX)
    cut = np.stack([source.chips(Place(*place))[0] for place in places])
    np.testing.assert_array_equal(of_imagery, model.embed_places(places, dates, chips=cut))
    np.testing.assert_array_equal(of_imagery, model.embed_places(np.array(places), dates, chips=cut[:, None]))
    np.testing.assert_allclose(np.linalg.norm(of_imagery, axis=1), 1, atol=1e-5)


def test_chips_of_many_places_are_not_held_at_once(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    cut, embedded, most = 0, 0, 0
    features = model.run.method.encode_chip

    def cuts(places: np.ndarray, *_: object, **__: object) -> Iterator[CutCells]:
        nonlocal cut, most
        for row in range(len(places)):
            cut += 1
            most = max(most, cut - embedded)
            chip = None if row % 5 == 4 else chips(1)
            yield CutCells(np.array([row]), places[row : row + 1], (chip,))

    def encoded(images: torch.Tensor) -> torch.Tensor:
        nonlocal embedded
        embedded = cut
        return features(images)

    monkeypatch.setattr("birdsat.api.model.cut_places", cuts)
    monkeypatch.setattr(model.run.method, "encode_chip", encoded)
    vectors = model.embed_places([(10, 42)] * 400, imagery="virtual:0")
    assert cut == 400 and most < 100
    assert np.flatnonzero(np.isnan(vectors).any(axis=1)).tolist() == list(range(4, 400, 5))


def test_place_and_date_change_what_a_chip_says(model: Model) -> None:
    one = chips(1).repeat(3, axis=0)
    vectors = model.embed_places([(10, 42), (10, 42), (10, -42)], ["2024-06-01", "2024-12-01", "2024-06-01"], chips=one)
    assert not np.allclose(vectors[0], vectors[1]) and not np.allclose(vectors[0], vectors[2])


def test_places_need_one_source_and_rows_that_fit(model: Model) -> None:
    with pytest.raises(ConfigError, match="imagery or chips"):
        model.embed_places([(10, 42)])
    with pytest.raises(ConfigError, match="imagery or chips"):
        model.embed_places([(10, 42)], imagery="virtual:0", chips=chips(1))
    with pytest.raises(PlaceError, match="latitude 95"):
        model.embed_places([(10, 95)], imagery="virtual:0")
    with pytest.raises(InputError, match=r"uint8 \(1, px, px, 3\)"):
        model.embed_places([(10, 42)], chips=chips(2))
    with pytest.raises(InputError, match="2 dates were given for 1 rows"):
        model.embed_places([(10, 42)], ["2024-06-01", None], chips=chips(1))
    with pytest.raises(InputError, match="not one day of the calendar"):
        model.embed_places([(10, 42)], ["June"], chips=chips(1))


def test_a_place_that_is_not_known_is_none_or_nan_beside_chips_and_refused_beside_imagery(model: Model) -> None:
    given = chips(2)
    unknown = model.embed_places([None, (10, 42)], chips=given)
    np.testing.assert_array_equal(unknown, model.embed_places(np.array([(np.nan, np.nan), (10, 42)]), chips=given))
    known = model.embed_places([(10, 42)] * 2, chips=given)
    assert not np.allclose(unknown[0], known[0])
    np.testing.assert_allclose(unknown[1], known[1], atol=1e-6)
    with pytest.raises(PlaceError, match="not finite"):
        model.embed_places([None], imagery="virtual:0")


@pytest.mark.parametrize("places", [[(10, 42, 5), (1, 2, 3)], [(10, 42), (1,)], ["ab"], [10, 42, 5]])
def test_places_that_are_not_pairs_are_refused(model: Model, places: list[object]) -> None:
    with pytest.raises(InputError, match="not pairs of numbers"):
        model.embed_places(places, imagery="virtual:0")  # type: ignore[arg-type]


def test_a_run_without_a_classifier_names_by_likeness_to_mean_photos(model: Model, photo: Path) -> None:
    named = model.classify([photo, photo])
    assert (named.taxa, named.meaning, named.score.shape) == ((TAXON,), "cosine", (2, 1))
    mean = np.full(WIDTH, WIDTH**-0.5, dtype=np.float32)
    np.testing.assert_allclose(named.score[:, 0], model.embed_photos([photo, photo]) @ mean, atol=1e-6)
    assert named.top(3)[0] == [(TAXON, pytest.approx(float(named.score[0, 0])))]


def test_a_classifier_names_by_probability(photo: Path, tmp_path: Path) -> None:
    taxa = ("Corvus corax", "Pica pica", "Parus major")
    config = ClassifierConfig(backbone=CROSS_VIEW, taxa=taxa, inputs="photo_chip_place_date")
    classifier = birdsat.load(make_run(tmp_path / "classifier", config))
    assert isinstance(classifier, Model)
    named = classifier.classify([photo, tmp_path / "absent.jpg"], unreadable="nan", progress=RecordedProgress())
    assert (named.taxa, named.meaning) == (taxa, "probability")
    assert named.score[0].sum() == pytest.approx(1, abs=1e-5) and np.isnan(named.score[1]).all()
    order = [name for name, _ in named.top(2)[0]]
    assert order == [taxa[label] for label in np.argsort(-named.score[0])[:2]] and named.top(2)[1] == []
    frame = named.to_frame(2)
    assert list(frame.columns) == ["photo", "rank", "taxon", "score"] and frame["rank"].tolist() == [1, 2]


def test_pairs_are_matched_by_cosine_or_by_the_probability_of_a_method_that_matches(
    model: Model, photo: Path, tmp_path: Path
) -> None:
    cosine = model.match([photo] * 2, chips(2), [(10, 42)] * 2, ["2024-06-01"] * 2)
    places = model.embed_places([(10, 42)] * 2, ["2024-06-01"] * 2, chips=chips(2))
    np.testing.assert_allclose(cosine, (model.embed_photos([photo] * 2) * places).sum(axis=1), atol=1e-6)
    both = ViewEncoderConfig(views=(View(px=PX, patch_px=8),) * 2, width=WIDTH, depth=1, heads=2)
    images = MaskedConfig(encoder=both, decoder=PHOTO.decoder)
    config = CvmMaeConfig(images=images, place_time=PlaceTimeConfig(hidden_width=16))
    matching = birdsat.load(make_run(tmp_path / "matching", config))
    assert isinstance(matching, Model)
    probability = matching.match([photo] * 2, chips(2))
    assert ((probability > 0) & (probability < 1)).all() and probability.shape == (2,)


def test_a_pair_without_its_place_or_on_no_place_of_earth_is_refused(model: Model, photo: Path) -> None:
    with pytest.raises(InputError, match="2 places were given for 1 photos"):
        model.match([photo], chips(1), [(10, 42), (1, 2)])
    with pytest.raises(PlaceError, match="longitude 1000"):
        model.match([photo], chips(1), [(1000, 42)])


def test_vectors_that_do_not_fit_a_gallery_are_refused(model: Model) -> None:
    gallery = np.eye(4, WIDTH, dtype=np.float32)
    for queries in (gallery[0], gallery[:, :3]):
        with pytest.raises(InputError, match=r"\(q, d\) and \(g, d\) are needed"):
            model.retrieve(queries, gallery)


def test_the_nearest_rows_of_a_gallery_are_found(model: Model) -> None:
    gallery = np.eye(4, WIDTH, dtype=np.float32)
    found = model.retrieve(gallery[[2, 0]], gallery, top=2)
    assert found.index[:, 0].tolist() == [2, 0] and found.similarity[:, 0].tolist() == [1, 1]


def test_the_transform_and_the_encoder_are_the_run_s_own(model: Model, photo: Path) -> None:
    pixels = model.transform(photo)
    assert pixels.shape == (3, PX, PX) and pixels.dtype == torch.uint8
    with torch.no_grad():
        features = model.photo_encoder.eval()(pixels[None])
    with inference(model.run.method, "cpu"):
        np.testing.assert_array_equal(features.numpy(), model.run.method.photo_features(pixels[None]).numpy())
    assert {id(p) for p in model.photo_encoder.parameters()} == {id(p) for p in model.run.method.parameters()}


def test_a_run_of_chips_has_no_encoder_of_photos(tmp_path: Path) -> None:
    only_chips = birdsat.load(make_run(tmp_path / "chips", MaeConfig(image=PHOTO, of="chip")))
    assert isinstance(only_chips, Model)
    with pytest.raises(InputError, match="chips alone"):
        _ = only_chips.photo_encoder


def test_a_saved_model_says_the_same_and_is_not_written_over_another(model: Model, photo: Path, tmp_path: Path) -> None:
    copy = birdsat.load(model.save(str(tmp_path / "copy")))
    assert isinstance(copy, Model) and copy.taxa == model.taxa
    np.testing.assert_array_equal(copy.embed_photos([photo]), model.embed_photos([photo]))
    with pytest.raises(ConfigError, match="holds something already"):
        model.save(tmp_path / "copy")


def test_what_identify_and_teach_keep_in_a_run_is_saved_with_it(model: Model, tmp_path: Path) -> None:
    whole = shutil.copytree(model.run.path, tmp_path / "whole")
    kept = ("probe", "gallery", "taught", "identify")
    for name in (*(f"{one}.safetensors" for one in kept), "identify.json"):
        (whole / name).write_text(name)
    opened = birdsat.load(whole)
    assert isinstance(opened, Model)
    copied = opened.save(tmp_path / "copy")
    for name in (*(f"{one}.safetensors" for one in kept), "identify.json"):
        assert (copied / name).read_text() == name


def test_a_save_that_is_stopped_leaves_nothing_that_looks_whole(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:10])
        if source.name == "model.safetensors":
            raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copyfile", stopped)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "copy")
    assert not (tmp_path / "copy" / "model.safetensors").exists()
