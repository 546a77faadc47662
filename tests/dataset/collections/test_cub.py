from collections import Counter

import pytest
from small_birds import encoded, picture

from birdsat.dataset.build import build_dataset
from birdsat.dataset.collections.cub import open_cub, read_cub
from birdsat.errors import InputError
from birdsat.imagery.photos import decode_rgb
from birdsat.observations.curation import Remark


@pytest.fixture
def cub(tmp_path):
    """CUB-200-2011 in miniature: two classes, four photos, one of them grey."""
    root = tmp_path / "cub"
    names = [
        "001.Black_footed_Albatross/a.jpg",
        "001.Black_footed_Albatross/b.jpg",
        "002.Fish_Crow/c.jpg",
        "002.Fish_Crow/d.jpg",
    ]
    for number, name in enumerate(names):
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(number).convert("L" if number == 3 else "RGB")))
    write(root, "images", names)
    write(root, "image_class_labels", [1, 1, 2, 2])
    write(root, "train_test_split", [1, 0, 1, 0])
    write(root, "bounding_boxes", ["2.0 3.0 20.0 10.0"] * 4)
    write(root, "classes", ["001.Black_footed_Albatross", "002.Fish_Crow"])
    return root


def write(root, name, values):
    lines = [f"{number} {value}" for number, value in enumerate(values, start=1)]
    (root / f"{name}.txt").write_text("\n".join(lines) + "\n")


def test_observations_have_the_taxon_split_and_path_of_the_layout(cub):
    rows = list(read_cub(cub))
    assert [(row.id, row.taxon, row.split) for row in rows] == [
        ("1", "Black footed Albatross", "train"),
        ("2", "Black footed Albatross", "test"),
        ("3", "Fish Crow", "train"),
        ("4", "Fish Crow", "test"),
    ]
    assert rows[0].photo == "001.Black_footed_Albatross/a.jpg"
    assert {(row.place, row.date, row.photo_box) for row in rows} == {(None, None, None)}


def test_photos_are_cropped_to_their_boxes_when_asked(cub):
    assert {row.photo_box for row in read_cub(cub, crop=True)} == {(2, 3, 20, 10)}


def test_the_layout_builds_with_its_own_split_and_grey_photos_in_rgb(cub, tmp_path):
    (cub / "images/001.Black_footed_Albatross/b.jpg").unlink()
    rows = read_cub(cub, crop=True)
    manifest = build_dataset(tmp_path / "out", rows, photos=open_cub(cub).photos, workers=0)
    assert manifest.rows() == 3
    assert manifest.rows("test") == 1
    assert [(count.name, count.rows) for count in manifest.dropped] == [("photo missing", 1)]
    assert manifest.split_counts("test").photos == 1


def test_a_photo_absent_from_one_of_the_files_is_dropped_with_a_remark(cub):
    write(cub, "train_test_split", [1, 0, 1])
    (remark,) = [row for row in read_cub(cub) if isinstance(row, Remark)]
    assert (remark.row, remark.reason) == ("4", "incomplete in the collection's files")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("images.txt", "", "has no rows"),
        ("train_test_split.txt", "1 maybe\n", "line 1: '1 maybe' cannot be read"),
        ("bounding_boxes.txt", "1 2 3\n", "cannot be read"),
        ("classes.txt", "1 a\n1 b\n", "comes twice"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(cub, name, text, message):
    (cub / name).write_text(text)
    with pytest.raises(InputError, match=message):
        list(read_cub(cub, crop=True))


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"classes\.txt is absent"):
        list(read_cub(tmp_path))


def test_the_real_fifty_classes_read_whole(shared_data):
    folder = shared_data / "CUB_200_2011_50"
    rows = list(read_cub(folder, crop=True))
    assert Counter(row.split for row in rows) == {"train": 1500, "test": 1389}
    assert len({row.taxon for row in rows}) == 50
    assert decode_rgb(open_cub(folder).photos.photo(rows[0])).shape == (160, 239, 3)


def test_a_copy_with_a_byte_order_mark_and_line_ends_of_windows_loses_only_the_photo_that_is_lost(
    shared_cases, tmp_path
):
    opened = open_cub(shared_cases / "25-collections" / "CUB")
    manifest = build_dataset(tmp_path / "out", opened.observations, photos=opened.photos, workers=0)
    assert manifest.rows() == 5
    assert [(count.name, count.rows) for count in manifest.dropped] == [("photo missing", 1)]
    assert "001.Black_footed_Albatross_2.jpg" in (tmp_path / "out" / "dropped.csv").read_text()


@pytest.mark.parametrize("name", ["images", "image_class_labels", "train_test_split", "classes", "bounding_boxes"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", " \n\n"),
        lambda text: text.replace(" ", "\t", 1),
        lambda text: text.rstrip("\n"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n",
    ],
)
def test_marks_blanks_and_line_ends_lose_no_row(cub, name, spoil):
    path = cub / f"{name}.txt"
    expected = list(read_cub(cub, crop=True))
    path.write_bytes(spoil(path.read_text()).encode())
    assert list(read_cub(cub, crop=True)) == expected
