"""Many small files at once: as many as may be kept, and an answer that says what to do for each of the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from made_explorer import Opened

from birdsat.explorer import guard, uploads
from birdsat.explorer.answers import FullError
from birdsat.explorer.folder_sizes import oldest_first
from birdsat.explorer.jobs import Database
from birdsat.explorer.uploads import Upload, Uploads

TABLE = b"species,lon,lat\nTurdus merula,10,50\n"


async def _parts() -> AsyncIterator[bytes]:
    for letter in TABLE:
        await asyncio.sleep(0)
        yield bytes([letter])


def test_files_that_come_at_once_are_counted_before_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_UPLOADS", 5)
    kept = Uploads(tmp_path / "uploads", Database(tmp_path / "db"), most_bytes=1000, quota_bytes=10_000, others=[])

    async def send_all() -> list[Upload | BaseException]:
        return await asyncio.gather(*(kept.add(f"{n}.csv", _parts()) for n in range(12)), return_exceptions=True)

    found = asyncio.run(send_all())
    assert Counter(type(one) for one in found) == {Upload: 5, FullError: 7}
    assert len(kept.all()) == 5 and len(list((tmp_path / "uploads").iterdir())) == 5
    kept.delete(kept.all()[0])
    assert isinstance(asyncio.run(send_all())[0], Upload)  # there is room for one again


@pytest.mark.parametrize("look", [1, 2, 3])
def test_room_is_reckoned_while_files_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: int) -> None:
    """One that has arrived gets its name between two looks at it."""
    kept = Uploads(tmp_path / "uploads", Database(tmp_path / "db"), most_bytes=1000, quota_bytes=10_000, others=[])
    for folder in ("a", "b"):
        (tmp_path / "uploads" / folder).mkdir()
        (tmp_path / "uploads" / folder / "arriving").write_bytes(b"xyz")
    looked = 0
    stat = Path.stat

    def stat_late(path: Path, **settings: Any) -> Any:
        nonlocal looked
        if path.name == "arriving" and path.parent.name == "a":
            looked += 1
            if looked == look:
                path.rename(path.with_name("file.csv"))
        return stat(path, **settings)

    monkeypatch.setattr(Path, "stat", stat_late)
    assert kept.used_bytes() in (3, 6)
    monkeypatch.setattr(Path, "stat", stat)
    assert kept.used_bytes() == 6 and len(oldest_first(tmp_path / "uploads")) == 2


def test_each_of_many_is_kept_or_told_what_to_do(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_UPLOADS", 6)
    monkeypatch.setattr(guard, "_UPLOAD_BURST", 12.0)
    client = opened(quota_mb=1)
    found = [client.post("/v1/uploads", files={"file": (f"{n}.csv", TABLE)}) for n in range(30)]
    assert Counter(one.status_code for one in found) == {201: 6, 507: 6, 429: 18}
    full, often = found[6], found[-1]
    assert "forget some of them" in full.json()["error"]["message"]
    assert "wait" in often.json()["error"]["message"] and int(often.headers["retry-after"]) >= 1
    listed = client.get("/v1/uploads").json()
    assert len(listed["uploads"]) == 6 and listed["bytes"] == 6 * len(TABLE)


def test_a_full_explorer_refuses_before_the_file_is_read(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    client = opened()
    monkeypatch.setattr(uploads, "MOST_UPLOADS", 0)
    read: list[Any] = []
    monkeypatch.setattr("starlette.requests.Request.form", lambda *_, **__: read.append(1))
    assert client.post("/v1/uploads", files={"file": ("a.csv", TABLE)}).status_code == 507 and not read
