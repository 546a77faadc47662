"""Files that were dropped on the page: each in a folder of its own under a random name, listed, and gone when asked.

Nothing of a file's own name is used on the disk but which of a few endings it has.
"""

import re
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio

from birdsat.errors import InputError
from birdsat.explorer.answers import FullError, NotFoundError, TooLargeError
from birdsat.explorer.folder_sizes import bytes_in
from birdsat.explorer.jobs import Database, now
from birdsat.observations.readers.zipped import ANY_TABLE_SUFFIXES
from birdsat.reading import kind_of

UploadKind = Literal["records", "photo"]
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".bmp", ".gif")
_PICTURES = re.compile(r"picture|photo|image|JPEG|PNG|TIFF|WebP|HEI[CF]|AVIF|GIF", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{32}")
MOST_UPLOADS = 2000
_LOOK_EVERY = 8 << 20  # bytes that arrive between two looks at how much room there is


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file."""

    id: str
    name: str  # as it was called, for people
    bytes: int
    kind: UploadKind
    created: str

    def to_dict(self) -> dict[str, Any]:
        """As it is answered."""
        return {"id": self.id, "name": self.name, "bytes": self.bytes, "kind": self.kind, "created": self.created}


class Uploads:
    """All of them, in a folder."""

    def __init__(
        self, folder: Path, database: Database, *, most_bytes: int, quota_bytes: int, others: list[Path]
    ) -> None:
        """others: folders that count as well."""
        self._folder, self._database, self._others = folder, database, others
        self.most_bytes, self.quota_bytes = most_bytes, quota_bytes
        self._coming = 0  # files
        folder.mkdir(parents=True, exist_ok=True)
        known = {row["id"] for row in database.rows("select id from uploads")}
        for left in folder.iterdir():  # of uploads that were broken off
            if left.is_dir() and left.name not in known:
                shutil.rmtree(left, ignore_errors=True)

    def all(self) -> list[Upload]:
        """The newest first."""
        return [_upload(row) for row in self._database.rows("select * from uploads order by created desc, rowid desc")]

    def get(self, id: str) -> Upload:
        """Raises NotFoundError."""
        rows = self._database.rows("select * from uploads where id = ?", id) if _ID.fullmatch(id) else []
        if not rows:
            raise NotFoundError(f"there is no upload {id[:100]!r}; /v1/uploads lists those there are.")
        return _upload(rows[0])

    def folder(self, upload: Upload) -> Path:
        """Where it lies, with what was made of it."""
        return self._folder / upload.id

    def file(self, upload: Upload) -> str:
        """Name of the file in its folder."""
        found = next(iter(sorted(self.folder(upload).glob("file.*"))), None)
        if found is None:
            raise NotFoundError(f"the file of the upload {upload.name} is gone; send it again.")
        return found.name

    def used_bytes(self) -> int:
        """Of all uploads, what was made of them, and projects."""
        return sum(bytes_in(folder) for folder in (self._folder, *self._others))

    async def add(self, name: str, parts: AsyncIterator[bytes]) -> Upload:
        """Keep a file that arrives in parts.

        Raises TooLargeError, FullError where there is no room for it, and InputError for one of another kind.
        """
        self.check_count()
        self._coming += 1
        try:
            return await self._add(_shown(name), parts)
        finally:
            self._coming -= 1

    def check_count(self) -> None:
        """Raise FullError where there are as many files as may be kept, with those that are coming."""
        (row,) = self._database.rows("select count(*) as kept from uploads")
        if row["kept"] + self._coming >= MOST_UPLOADS:
            raise FullError(
                f"{MOST_UPLOADS:,} files are kept, which is all that is allowed; forget some of them: the list of "
                "uploads has their ids, each of which can be deleted."
            )

    async def _add(self, shown: str, parts: AsyncIterator[bytes]) -> Upload:
        id = secrets.token_hex(16)
        folder = self._folder / id
        folder.mkdir()
        try:
            room = 0
            size, start, path, looked = 0, b"", folder / "arriving", 0
            async with await anyio.open_file(path, "wb") as file:
                async for part in parts:
                    size += len(part)
                    start = start or part[:1024]
                    if size >= looked:  # now and then, as others may be arriving
                        room, looked = await anyio.to_thread.run_sync(self._room, path), size + _LOOK_EVERY
                    self._check(size, room)
                    await file.write(part)
                    await file.flush()
            if not size:
                raise InputError(f"{shown} is an empty file; send one with records or a photo.")
            kind, ending = _kind(shown, start)
            path.rename(folder / f"file{ending}")
            upload = Upload(id=id, name=shown, bytes=size, kind=kind, created=now())
            with self._database.transaction() as connection:
                connection.execute(
                    "insert into uploads values (?, ?, ?, ?, ?)",
                    (upload.id, upload.name, upload.bytes, upload.kind, upload.created),
                )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return upload

    def _room(self, arriving: Path) -> int:
        """Bytes that a file may have in all."""
        return self.quota_bytes - self.used_bytes() + (arriving.stat().st_size if arriving.exists() else 0)

    def delete(self, upload: Upload) -> None:
        """With all that was made of it but models."""
        with self._database.transaction() as connection:
            connection.execute("delete from uploads where id = ?", (upload.id,))
            connection.execute("delete from reviews where upload = ?", (upload.id,))
        shutil.rmtree(self.folder(upload), ignore_errors=True)

    def _check(self, size: int, room: int) -> None:
        if size > self.most_bytes:
            raise TooLargeError(
                f"the file is larger than {self.most_bytes / 1e6:,.0f} MB, which is allowed; send the records of fewer "
                "taxa or years, or start the explorer with a larger limit.",
                settings=("upload_mb",),
            )
        if size > room:
            raise FullError(
                f"uploads and projects take {self.quota_bytes / 1e6:,.0f} MB together, which is all that is allowed; "
                "forget some of them, or start the explorer with a larger quota.",
                settings=("quota_mb",),
            )


def _shown(name: str) -> str:
    """A name for people: its last part, without characters that show nothing."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(letter for letter in last if unicodedata.category(letter)[0] not in "CZ" or letter == " ")
    return " ".join(plain.split())[:120] or "file"


def _kind(name: str, start: bytes) -> tuple[UploadKind, str]:
    low = name.lower()
    found = kind_of(start) or ""
    table = next((ending for ending in sorted(ANY_TABLE_SUFFIXES, key=len, reverse=True) if low.endswith(ending)), None)
    if table is not None:
        return "records", table
    photo = next((ending for ending in _PHOTOS if low.endswith(ending)), None)
    if photo is not None or _PICTURES.search(found):
        return "photo", photo or ".jpg"
    raise InputError(
        f"{name} is neither a table of records nor a photo{f' ({found})' if found else ''}; allowed: a GBIF download "
        f"or Darwin Core Archive (.zip), {', '.join(sorted(set(ANY_TABLE_SUFFIXES) - {'.zip'}))}, or photos "
        f"({', '.join(_PHOTOS[:4])})."
    )


def _upload(row: Any) -> Upload:
    return Upload(id=row["id"], name=row["name"], bytes=row["bytes"], kind=row["kind"], created=row["created"])
