import datetime
import json
import tracemalloc
from itertools import islice

import pytest
from small_inat import CATEGORIES, DAISY, GREAT_TIT, RAVEN, image, write_json, write_photo

from birdsat.dataset.build import build_dataset
from birdsat.dataset.collections.inat2021 import open_inat2021
from birdsat.dataset.description import Description
from birdsat.earth.place import Place
from birdsat.errors import ConfigError, InputError
from birdsat.observations.curation import Remark
from birdsat.observations.splits import SplitRule


@pytest.fixture
def inat(tmp_path):
    """Three birds and a daisy to learn from, one bird to test, one bird in the mini set."""
    root = tmp_path / "inat"
    train = [image(n) for n in range(4)]
    val = [image(10, "val")]
    mini = [image(2, "train_mini")]
    for photo in (*train, *val, *mini):
        write_photo(root, photo)
    write_json(root / "train.json", train, [RAVEN, DAISY, GREAT_TIT, RAVEN])
    write_json(root / "val.json", val, [GREAT_TIT])
    write_json(root / "train_mini.json", mini, [GREAT_TIT])
    return root


def read_one(root, max_uncertainty_km=10.0, label=RAVEN, **facts):
    """What comes of one photo to learn from: its observation (None: dropped), and the reasons of its remarks."""
    write_json(root / "train.json", [image(0, **facts)], [label])
    rows = list(open_inat2021(root, max_uncertainty_km=max_uncertainty_km).observations)
    remarks = [row for row in rows if isinstance(row, Remark)]
    birds = [row for row in rows if not isinstance(row, Remark) and row.split == "train"]
    assert len(birds) <= 1
    return (birds[0] if birds else None), [(remark.reason, remark.kept) for remark in remarks]


def test_birds_alone_come_with_all_that_is_known_of_them(inat):
    rows = list(open_inat2021(inat).observations)
    assert [(row.id, row.taxon, row.split, row.photo) for row in rows] == [
        ("train/0", "Corvus corax", "train", "train/0.jpg"),
        ("train/2", "Parus major", "train", "train/2.jpg"),
        ("train/3", "Corvus corax", "train", "train/3.jpg"),
        ("val/10", "Parus major", "test", "val/10.jpg"),
    ]
    first = rows[0]
    assert first.place == Place(-71.22231, 43.83486)
    assert first.date == datetime.date(2010, 7, 14)
    assert (first.licence, first.attribution) == ("Attribution License", "person 0")


def test_the_mini_set_takes_the_place_of_train(inat):
    rows = list(open_inat2021(inat, mini=True).observations)
    assert [(row.id, row.photo, row.split) for row in rows] == [
        ("train_mini/2", "train_mini/2.jpg", "train"),
        ("val/10", "val/10.jpg", "test"),
    ]


def test_it_builds_with_families_and_says_what_part_it_is(inat, tmp_path):
    opened = open_inat2021(inat)
    manifest = build_dataset(
        tmp_path / "out",
        opened.observations,
        photos=opened.photos,
        taxa=opened.taxa,
        description=Description(published=opened.published),
        splits=SplitRule(val_fraction=0.5),
        workers=0,
    )
    assert (manifest.rows(), manifest.rows("test"), manifest.split_counts("test").photos) == (4, 1, 1)
    assert [(taxon.name, taxon.family, taxon.order, taxon.common_name) for taxon in manifest.taxa] == [
        ("Corvus corax", "Corvidae", "Passeriformes", "Common Raven"),
        ("Parus major", "Paridae", "Passeriformes", "Great Tit"),
    ]
    assert manifest.completeness == (
        "A part of iNaturalist 2021's birds: 2 of 1,486 taxa, 3 of 414,847 photos to train on (val among them), "
        "1 of 14,860 to test."
    )
    assert manifest.completeness in (tmp_path / "out/README.md").read_text()
    assert manifest.dropped == ()


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_missing_places_uncertainties_and_dates_are_legal(inat, nothing):
    bird, reasons = read_one(inat, latitude=nothing, longitude=nothing, location_uncertainty=nothing, date=None)
    assert (bird.place, bird.date, reasons) == (None, None, [])
    bird, reasons = read_one(inat, location_uncertainty=nothing)
    assert bird.place is not None and reasons == []


@pytest.mark.parametrize(
    ("metres", "has_place", "reasons"),
    [
        (0, True, []),
        (10_000, True, []),
        (10_001, False, [("place too uncertain: left out", True)]),
        (106807033, False, [("place too uncertain: left out", True)]),
        (-80, True, [("negative location uncertainty: taken as not known", True)]),
    ],
)
def test_a_place_known_too_badly_is_left_out_and_counted_and_the_photo_kept(inat, metres, has_place, reasons):
    bird, found = read_one(inat, location_uncertainty=metres)
    assert (bird.place is not None) == has_place
    assert found == reasons


def test_how_well_places_must_be_known_is_a_setting(inat):
    assert read_one(inat, 0.05)[0].place is None
    assert read_one(inat, float("inf"), location_uncertainty=106807033)[0].place is not None
    for bad in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="above 0, or inf"):
            open_inat2021(inat, max_uncertainty_km=bad)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"latitude": None}, "one coordinate missing: place left out"),
        ({"latitude": 91.0}, "coordinates not on Earth: place left out"),
        ({"longitude": "west"}, "coordinates unreadable: place left out"),
        ({"date": "2010-02-30"}, "date not in the calendar: left out"),
        ({"date": "one day"}, "date unreadable: left out"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_a_remark(inat, facts, reason):
    bird, reasons = read_one(inat, **facts)
    assert bird is not None and reasons == [(reason, True)]
    assert (bird.date if "date" in facts else bird.place) is None


def test_a_photo_without_a_name_or_a_label_is_dropped_with_a_remark(inat):
    assert read_one(inat, file_name=None) == (None, [("no photo named", False)])
    write_json(inat / "train.json", [image(0)], [RAVEN], annotations=[])
    remark, _ = open_inat2021(inat).observations
    assert (remark.row, remark.reason, remark.kept) == ("train/0", "not labelled", False)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"annotations": [{"image_id": 0, "category_id": 0}] * 2}, "labels an image twice"),
        ({"annotations": [{"image_id": 0}]}, "annotation without category_id"),
        ({"images": [{"file_name": "a.jpg"}]}, "image without id"),
        ({"categories": {}}, "no list 'categories'"),
        ({"licenses": ["CC0"]}, "licence without id"),
    ],
)
def test_a_damaged_file_is_refused(inat, lists, message):
    write_json(inat / "train.json", [image(0)], [RAVEN], **lists)
    with pytest.raises(InputError, match=message):
        list(open_inat2021(inat).observations)


def test_a_file_without_birds_is_refused(inat):
    write_json(inat / "val.json", [image(0)], [DAISY], categories=CATEGORIES[1:2])
    with pytest.raises(InputError, match="no category of class Aves"):
        open_inat2021(inat)


def test_an_absent_file_is_named_and_the_mini_set_suggested(inat, tmp_path):
    (inat / "train.json").unlink()
    with pytest.raises(InputError, match=r"train\.json is absent.*train_mini\.json is there"):
        open_inat2021(inat)
    with pytest.raises(InputError, match=r"train\.json is absent"):
        open_inat2021(tmp_path)


def test_memory_does_not_grow_with_the_file(inat):
    count = 20_000
    images = [image(number) for number in range(count)]
    write_json(inat / "train.json", images, [RAVEN] * count)
    size = (inat / "train.json").stat().st_size
    assert size > 5_000_000
    rows = open_inat2021(inat).observations
    tracemalloc.start()
    try:
        assert sum(1 for _ in islice(rows, count)) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    whole = len(json.dumps(images))
    assert peak < whole / 2  # a chunk as it is read, joined and decoded; as Python objects the whole takes 5 times more
