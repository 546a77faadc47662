"""Fixtures for every test."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from small_disk import SmallDisk

if TYPE_CHECKING:
    from tiny_world import TinyWorld

# Before torch is imported, here and in child processes: models this small gain nothing from threads, and test processes
# side by side would only get into each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Sockets beyond this machine are refused: no test may depend on a network."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(_LOOPBACK):
            raise OSError(f"a test asked for {address}, beyond this machine")
        connect(self, address)

    socket.socket.connect = only_here  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photos, places and imagery that lies beside the repository, or a skip."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BIRDSAT_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set BIRDSAT_SHARED_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of inputs from the field with their right values, or a skip."""
    return _beside("cases")


@pytest.fixture(scope="session")
def shared_break() -> Path:
    """The folder of inputs that were made to harm a reader, or a skip."""
    return _beside("break")


def _beside(name: str) -> Path:
    folder = Path(__file__).parents[2] / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator["TinyWorld"]:
    """One of everything, built once for all tests of this process: read it, and write in a copy."""
    from tiny_world import build  # here, so that tests of other things start without torch

    world = build(tmp_path_factory.mktemp("tiny") / "world")
    before = _contents(world.folder)
    yield world
    changed = {path for path, _ in before.items() ^ _contents(world.folder).items()}
    assert not changed, f"a test wrote into the tiny world, which all share; let it copy: {sorted(changed)}"


@pytest.fixture(scope="session")
def small_world_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a small world, built once for all tests of this process."""
    from small_world import build_world

    return build_world(tmp_path_factory.mktemp("small") / "world")


@pytest.fixture
def small_world(small_world_folder: Path) -> Iterator[Path]:
    """A small world as the built-in one, for a test; its folder."""
    from small_world import in_package

    with in_package(small_world_folder) as folder:
        yield folder


def _contents(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of change of every file."""
    files = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (facts.st_size, facts.st_mtime_ns) for path, facts in files.items()}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], SmallDisk]]:
    """Makes a disk of so many kilobytes; a test that may not mount one is skipped."""
    disks: list[SmallDisk] = []

    def make(kilobytes: int) -> SmallDisk:
        disks.append(SmallDisk(tmp_path / f"disk{len(disks)}", kilobytes))
        return disks[-1]

    yield make
    for disk in disks:
        disk.unmount()
