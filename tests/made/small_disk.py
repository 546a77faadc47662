"""A disk of its own, small or read-only, for tests of what is said when it is full."""

import subprocess
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory, mounted on a folder; whoever may not mount skips the test."""

    def __init__(self, folder: Path, kilobytes: int) -> None:
        self.folder = folder
        folder.mkdir()
        size = f"size={kilobytes}k"
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False
            )
        except FileNotFoundError:
            pytest.skip("there is no mount here")
        if done.returncode:
            pytest.skip("mounting needs root")

    def grow(self, kilobytes: int) -> None:
        """Make room."""
        self._remount(f"size={kilobytes}k")

    def refuse_writing(self) -> None:
        """Make it read-only."""
        self._remount("ro")

    def _remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", self.folder], check=True)
