import pytest
from small_birds import encoded, picture

from birdsat.dataset.build import build_dataset
from birdsat.dataset.collections.image_folder import open_image_folder, read_image_folder
from birdsat.errors import InputError
from birdsat.observations.curation import Remark


def put(root, *names):
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(encoded(picture(number)))


def test_each_folder_is_a_species_and_folders_within_it_belong_to_it(tmp_path):
    put(tmp_path, "Parus_major/a.jpg", "Parus_major/2024/b.PNG", "012.Corvus corax/c.webp", "Parus_major/.hidden.jpg")
    assert [(row.id, row.taxon, row.photo, row.split) for row in read_image_folder(tmp_path)] == [
        ("012.Corvus corax/c.webp", "Corvus corax", "012.Corvus corax/c.webp", None),
        ("Parus_major/a.jpg", "Parus major", "Parus_major/a.jpg", None),
        ("Parus_major/2024/b.PNG", "Parus major", "Parus_major/2024/b.PNG", None),
    ]


def test_folders_of_splits_above_the_species_are_kept(tmp_path):
    put(tmp_path, "train/A b/1.jpg", "Validation/A b/2.jpg", "test/A b/1.jpg")
    rows = list(read_image_folder(tmp_path))
    assert sorted((row.id, row.taxon, row.split) for row in rows) == [
        ("Validation/A b/2.jpg", "A b", "val"),
        ("test/A b/1.jpg", "A b", "test"),
        ("train/A b/1.jpg", "A b", "train"),
    ]


def test_what_is_not_a_photo_or_has_no_species_is_counted(tmp_path):
    put(tmp_path, "train/A b/1.jpg", "train/A b/notes.txt", "train/lost.jpg", "lost.jpg")
    remarks = [(row.row, row.reason) for row in read_image_folder(tmp_path) if isinstance(row, Remark)]
    assert remarks == [
        ("lost.jpg", "in no species' folder"),
        ("train/lost.jpg", "in no species' folder"),
        ("train/A b/notes.txt", "no photo by its name"),
    ]


def test_it_builds(tmp_path):
    put(tmp_path / "photos", "train/A b/1.jpg", "test/A b/1.jpg", "test/C d/2.jpg")
    opened = open_image_folder(tmp_path / "photos")
    manifest = build_dataset(tmp_path / "out", opened.observations, photos=opened.photos, workers=0)
    assert (manifest.rows("train") + manifest.rows("val"), manifest.rows("test")) == (1, 2)
    assert [taxon.name for taxon in manifest.taxa] == ["A b", "C d"]
    assert manifest.completeness == ""


def test_a_folder_that_is_none_or_mixed_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        list(read_image_folder(tmp_path / "absent"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no folders"):
        list(read_image_folder(tmp_path / "empty"))
    put(tmp_path / "mixed", "train/A b/1.jpg", "C d/2.jpg")
    with pytest.raises(InputError, match="the splits train beside C d"):
        list(read_image_folder(tmp_path / "mixed"))


def test_folders_are_named_as_rows_of_tables_are(tmp_path):
    folders = ("Passerina_cyanea", "Passerina cyanea (Linnaeus, 1766)", "passerina_cyanea subsp. cyanea", "Larus_sp.")
    put(tmp_path, *(f"{name}/1.jpg" for name in folders), "Anas platyrhynchos x rubripes/1.jpg")
    rows = list(read_image_folder(tmp_path))
    assert {row.taxon for row in rows if not isinstance(row, Remark)} == {"Passerina cyanea"}
    assert [(row.row, row.reason) for row in rows if isinstance(row, Remark)] == [
        ("Anas platyrhynchos x rubripes/1.jpg", "not one species: hybrid"),
        ("Larus_sp./1.jpg", "not one species: a genus or higher"),
    ]


def test_english_names_of_folders_are_taken_as_they_are(tmp_path):
    names = ("Anhinga", "Black_footed_Albatross", "Great Tit", "Junco", "Mallard")
    put(tmp_path, *(f"{name}/1.jpg" for name in names))
    assert [row.taxon for row in read_image_folder(tmp_path)] == [name.replace("_", " ") for name in names]
