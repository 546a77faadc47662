"""Photos read beside the computing: in their order, whole batches, and none of them ends the others."""

import threading
from pathlib import Path

import numpy as np
import pytest
from made_photos import save_photo

from birdsat.embeddings import photo_stream
from birdsat.embeddings.photo_files import view_of
from birdsat.embeddings.photo_stream import PhotoView, read_photos
from birdsat.errors import ConfigError
from birdsat.observations.photos.exif import ExifFacts


@pytest.mark.parametrize("workers", [0, 3])
def test_photos_come_in_order_with_what_is_wrong_with_some(tmp_path: Path, workers: int) -> None:
    photos = [save_photo(tmp_path / f"{n}.jpg", 20 * n, taken=f"2024:05:{n + 1:02} 06:30:00") for n in range(7)]
    photos[3].write_bytes(b"")
    photos.insert(5, tmp_path / "gone.jpg")
    save_photo(tmp_path / "dot.png", size=(5, 3))
    batches = list(read_photos([*photos, tmp_path / "dot.png"], 24, batch_size=4, workers=workers))
    assert [len(batch.photos) for batch in batches] == [4, 4, 1]
    assert [path for batch in batches for path in batch.photos] == [*photos, tmp_path / "dot.png"]
    readable = np.concatenate([batch.readable for batch in batches])
    assert np.flatnonzero(~readable).tolist() == [3, 5, 8]
    reasons = [one.reason for batch in batches for one in batch.read]
    assert "empty file" in reasons[3] and "no such file" in reasons[5] and "5 x 3 pixels" in reasons[8]
    views = np.concatenate([batch.views for batch in batches])
    assert (views[~readable] == 0).all() and np.array_equal(views[6], view_of(photos[6], 24))
    taken = batches[1].read[3].exif.taken
    assert taken is not None and taken.day == 7


def test_no_more_is_read_than_is_asked_for_and_a_few_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    read, lock = [], threading.Lock()

    def view_photo(path: Path, px: int) -> PhotoView:
        with lock:
            read.append(path)
        return PhotoView(view=np.zeros((px, px, 3), np.uint8), exif=ExifFacts())

    monkeypatch.setattr(photo_stream, "view_photo", view_photo)
    batches = read_photos([Path(str(n)) for n in range(1000)], 8, batch_size=10, workers=2)
    next(batches)
    assert len(read) <= 40
    batches.close()
    assert len(read) <= 40


def test_memory_that_does_not_suffice_for_one_photo_is_its_own_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(photo_stream, "read_photo", too_much)
    (batch,) = read_photos([tmp_path / "a.jpg"], 8, workers=0)
    assert "more memory" in batch.read[0].reason


def test_fewer_workers_than_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="workers is -1"):
        next(read_photos([Path("a.jpg")], 8, workers=-1))
