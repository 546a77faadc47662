import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from small_birds import SPECIES, encoded, write_photos

import birdsat
from birdsat.dataset.build import build_dataset
from birdsat.dataset.description import Description
from birdsat.dataset.manifest import load_manifest
from birdsat.dataset.plan import Plan
from birdsat.errors import BusyError, DatasetError
from birdsat.imagery.chips import ReadyChips
from birdsat.imagery.photo_folder import FolderPhotos
from birdsat.locks import folder_lock
from birdsat.observations.observation import SPLITS
from birdsat.observations.taxonomy import Taxon, Taxonomy

SLOW_BUILD = """
import dataclasses, os, sys, time
from pathlib import Path
from birdsat.dataset.build import build_dataset
from birdsat.observations.observation import Observation

@dataclasses.dataclass(frozen=True)
class SlowPhotos:
    root: Path

    @property
    def identity(self):
        return {"class": "SlowPhotos", "root": str(self.root)}

    def photo(self, observation):
        time.sleep(float(os.environ["PAUSE"]))
        with (self.root / "asked.log").open("a") as log:
            log.write(observation.photo + "\\n")
        return (self.root / observation.photo).read_bytes()

if __name__ == "__main__":
    root, out = map(Path, sys.argv[1:])
    birds = [Observation(id=str(i), taxon="Apus apus", photo=f"{i}.jpg") for i in range(40)]
    build_dataset(out, birds, photos=SlowPhotos(root), shard_rows=4, workers=2)
"""


def start(script: Path, photos: Path, out: Path, pause: float) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PAUSE": str(pause), "PYTHONPATH": str(Path(birdsat.__file__).parents[1])}
    return subprocess.Popen([sys.executable, script, photos, out], env=environment)


def test_a_killed_build_continues_and_builds_nothing_twice(tmp_path):
    script, photos, out = tmp_path / "slow_build.py", tmp_path / "photos", tmp_path / "out"
    script.write_text(SLOW_BUILD)
    write_photos(photos, 40)
    (photos / "7.jpg").write_bytes(b"not a photo")
    process = start(script, photos, out, pause=0.03)
    deadline = time.monotonic() + 30
    while len(list(out.glob("*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.2)  # its workers notice, and end
    finished = {path: path.stat() for path in out.glob("*.parquet")}
    assert 3 <= len(finished) < 12
    with pytest.raises(DatasetError, match="half built"):
        load_manifest(out)
    (photos / "asked.log").unlink()

    assert start(script, photos, out, pause=0).wait() == 0
    for path, before in finished.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    manifest = load_manifest(out)
    asked_again = (photos / "asked.log").read_text().split()
    rows_finished = sum(shard.rows for shard in manifest.shards if out / shard.file in finished)
    assert len(asked_again) in (40 - rows_finished, 39 - rows_finished)  # 7.jpg may be in either half
    assert manifest.rows() == 39
    assert [(count.name, count.rows) for count in manifest.dropped] == [("photo unusable", 1)]
    assert not list(out.glob("*.part"))

    assert start(script, photos, tmp_path / "whole", pause=0).wait() == 0
    assert load_manifest(tmp_path / "whole") == manifest


def tree(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def build(out, rows, photos, **settings):
    return build_dataset(out, rows, photos=FolderPhotos(photos), workers=0, shard_rows=4, **settings)


def stop_after(monkeypatch, shards):
    finish, left = Plan.finish, [shards]

    def finish_and_stop(self, *facts):
        finish(self, *facts)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Plan, "finish", finish_and_stop)


def test_a_shard_that_was_noted_but_has_no_file_is_written_again_and_counted_once(tmp_path, monkeypatch):
    rows = write_photos(tmp_path / "photos", 8)
    (tmp_path / "photos" / "5.jpg").write_bytes(b"not a photo")
    whole = build(tmp_path / "whole", rows, tmp_path / "photos")
    stop_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "out", rows, tmp_path / "photos")
    monkeypatch.undo()
    assert len(list((tmp_path / "out").glob("*.parquet"))) == 1  # of two that were noted
    assert build(tmp_path / "out", rows, tmp_path / "photos") == whole
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_finished_dataset_is_returned_where_nothing_can_be_written(tmp_path, monkeypatch):
    rows = write_photos(tmp_path / "photos", 8)
    manifest = build(tmp_path / "out", rows, tmp_path / "photos")
    before = tree(tmp_path / "out")

    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    in_folder = str(tmp_path / "out")
    usual_open, usual_unlink, usual_access = os.open, Path.unlink, os.access

    def open_to_read(path, flags, *rest, **more):
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return (refuse if writes and in_folder in str(path) else usual_open)(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", open_to_read)
    monkeypatch.setattr(Path, "unlink", lambda p, **k: (refuse if in_folder in str(p) else usual_unlink)(p, **k))
    monkeypatch.setattr(os, "access", lambda p, mode: in_folder not in str(p) and usual_access(p, mode))
    assert build(tmp_path / "out", rows, tmp_path / "photos") == manifest
    monkeypatch.undo()
    assert tree(tmp_path / "out") == before


def test_a_complete_dataset_is_returned_as_it_is(tmp_path):
    rows = write_photos(tmp_path / "photos", 8)
    manifest = build(tmp_path / "out", rows, tmp_path / "photos")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert build(tmp_path / "out", reversed(rows), tmp_path / "photos") == manifest
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before


def test_a_complete_dataset_takes_a_new_title_and_licence_and_keeps_its_shards(tmp_path):
    rows = write_photos(tmp_path / "photos", 8)
    build(tmp_path / "out", rows, tmp_path / "photos", description=Description(title="old"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.parquet")}
    manifest = build(tmp_path / "out", rows, tmp_path / "photos", description=Description(title="new", licence="CC0"))
    assert (manifest.title, manifest.licence) == ("new", "CC0")
    assert load_manifest(tmp_path / "out") == manifest
    assert "# new" in (tmp_path / "out" / "README.md").read_text()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_other_facts_of_the_same_taxa_are_refused(tmp_path):
    rows = write_photos(tmp_path / "photos", 8)
    build(tmp_path / "out", rows, tmp_path / "photos", taxa=Taxonomy(Taxon(name=name) for name in SPECIES))
    with pytest.raises(DatasetError, match="other rows, taxa, imagery or settings"):
        build(tmp_path / "out", rows, tmp_path / "photos", taxa=Taxonomy(Taxon(name=n, order="x") for n in SPECIES))


def test_imagery_that_was_replaced_is_refused(tmp_path):
    rows = write_photos(tmp_path / "photos", 1)
    table = tmp_path / "chips.parquet"

    def write_chips(level):
        chip = encoded(Image.new("RGB", (8, 8), (level, level, level)), "PNG")
        pq.write_table(pa.table({"lon": [rows[0].place.lon], "lat": [rows[0].place.lat], "image": [chip]}), table)
        return ReadyChips(table, ground_km=1)

    build(tmp_path / "out", rows, tmp_path / "photos", chips=write_chips(3))
    build(tmp_path / "out", rows, tmp_path / "photos", chips=ReadyChips(table, ground_km=1))
    with pytest.raises(DatasetError, match="imagery that was written again counts as other"):
        build(tmp_path / "out", rows, tmp_path / "photos", chips=write_chips(200))


@pytest.mark.parametrize("complete", [True, False])
def test_other_inputs_are_refused_and_harm_nothing(tmp_path, monkeypatch, complete):
    rows = write_photos(tmp_path / "photos", 8)
    if complete:
        build(tmp_path / "out", rows, tmp_path / "photos")
    else:
        stop_after(monkeypatch, 1)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path / "out", rows, tmp_path / "photos")
    before = sorted((tmp_path / "out").iterdir())
    for other in ({"rows": rows[:-1]}, {"rows": rows, "seed": 1}, {"rows": rows, "photo_px": 16}):
        with pytest.raises(DatasetError, match="Remove the folder, or choose another"):
            build(tmp_path / "out", photos=tmp_path / "photos", **other)
    assert sorted((tmp_path / "out").iterdir()) == before


def test_two_builds_of_one_folder_at_once_are_refused(tmp_path):
    rows = write_photos(tmp_path / "photos", 8)
    with folder_lock(tmp_path / "out"), pytest.raises(BusyError, match="is being written by"):
        build(tmp_path / "out", rows, tmp_path / "photos")
    assert build(tmp_path / "out", rows, tmp_path / "photos").rows() == 8


def ids_by_split(out):
    return {
        split: {id for path in out.glob(f"{split}-*.parquet") for id in pq.read_table(path)["id"].to_pylist()}
        for split in SPLITS
    }


def test_a_bird_keeps_its_split_when_others_are_added(tmp_path):
    rows = write_photos(tmp_path / "photos", 30)
    build(tmp_path / "few", rows[:20], tmp_path / "photos")
    build(tmp_path / "more", rows, tmp_path / "photos")
    few, more = ids_by_split(tmp_path / "few"), ids_by_split(tmp_path / "more")
    assert all(few[split] <= more[split] for split in SPLITS)
    assert sum(map(len, few.values())) == 20
