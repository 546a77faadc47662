import pytest
from small_birds import bird, write_photos

from birdsat.errors import ImageError
from birdsat.imagery.photo_folder import FolderPhotos


@pytest.mark.parametrize("photo", ["../secret.jpg", "a/../../secret.jpg", "/etc/hostname"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, photo):
    with pytest.raises(ImageError, match="give a path within that folder"):
        FolderPhotos(tmp_path).photo(bird(0, photo=photo))


def test_a_photo_that_is_a_link_within_the_folder_is_read_and_one_that_leads_out_of_it_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    write_photos(tmp_path / "photos" / "there", 1)
    write_photos(tmp_path / "elsewhere", 1)
    (tmp_path / "photos" / "a.jpg").symlink_to(tmp_path / "photos" / "there" / "0.jpg")
    (tmp_path / "photos" / "b.jpg").symlink_to(tmp_path / "elsewhere" / "0.jpg")
    (tmp_path / "photos" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    for root in (tmp_path / "photos", tmp_path / "link"):  # the folder itself may be one
        data = FolderPhotos(root).photo(bird(0, photo="a.jpg"))
        assert data == (tmp_path / "photos" / "there" / "0.jpg").read_bytes()
        for photo in ("b.jpg", "more/0.jpg"):
            with pytest.raises(ImageError, match="is a link that leads out of"):
                FolderPhotos(root).photo(bird(0, photo=photo))


@pytest.mark.parametrize("photo", ["a\0b.jpg", "\udcff.jpg\0"])
def test_a_path_that_no_file_can_have_is_an_error_of_that_photo(tmp_path, photo):
    with pytest.raises(ImageError, match="is not a path"):
        FolderPhotos(tmp_path).photo(bird(0, photo=photo))


def test_an_absent_photo_is_told_from_an_unusable_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file '0\.jpg'"):
        FolderPhotos(tmp_path).photo(bird(0))


def test_a_path_as_windows_writes_it_is_read_and_does_not_leave_the_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    write_photos(tmp_path / "photos" / "a", 1)
    (tmp_path / "secret.jpg").write_bytes(b"x")
    there = (tmp_path / "photos" / "a" / "0.jpg").read_bytes()
    assert FolderPhotos(tmp_path / "photos").photo(bird(0, photo="a\\0.jpg")) == there
    with pytest.raises(ImageError, match="give a path within that folder"):
        FolderPhotos(tmp_path / "photos").photo(bird(0, photo="..\\secret.jpg"))
    with pytest.raises(FileNotFoundError):
        FolderPhotos(tmp_path / "photos").photo(bird(0, photo="a\\1.jpg"))
