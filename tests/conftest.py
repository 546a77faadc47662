"""Fixtures for every test."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_disk import SmallDisk

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
