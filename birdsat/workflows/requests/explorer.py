"""Requests that serve: the explorer's page, and its API alone."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Positional, Request, Without

_LEAST_TOKEN = 16  # characters


@dataclass(frozen=True, kw_only=True)
class ServeRequest(Request):
    """Serve the explorer's API (/v1, described by /v1/openapi.json) without its page.

    On this machine alone, unless a host is named; then whoever asks needs the token.
    """

    run: Positional[AnyPath | None] = None
    """Folder of a run, to name photos by, and to find where they may have been taken."""
    ranges: Sequence[AnyPath] = ()
    """Folders of range models that `birdsat fit` made; without any, an example of invented birds."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made; by default those that each model was fitted on."""
    dataset: AnyPath | None = None
    """Folder of a dataset to look through."""
    truth: AnyPath | None = None
    """File of where taxa truly live, to lay beside their maps, as `birdsat evaluate ranges` takes it: .npz, .parquet or
    .csv of lat, lon, species and presence."""
    imagery: str | None = None
    """Raster that pictures of places are cut from, or virtual:SEED; without it, the small Blue Marble that comes with
    birdsat, sharp enough for squares of 400 km and more."""
    taxonomy: str | None = None
    """List of taxa, a file or a name such as avilist, whose common names are shown in the language of the browser,
    where it has them; without it, those that each model was fitted with, or English ones."""
    sensitive: AnyPath | None = None
    """File of taxa, scientific or English names, as `birdsat identify` takes it, whose records are shown in squares of
    half a degree, and not at all in a static site."""
    store: AnyPath | None = None
    """Folder for uploads, projects and what was computed; by default in the user's cache folder."""
    port: int = 8310
    """Where it listens; 0 takes any port that is free."""
    host: str = "127.0.0.1"
    """Address that it listens on. Any but this machine's own lets others in, who then need the token."""
    token: str | None = None
    """Secret of at least 16 letters that whoever asks must know; made up where others are let in and none is named."""
    upload_mb: float = 512.0
    """Largest file that is taken, megabytes."""
    quota_mb: float = 4096.0
    """Most that uploads and projects may take together, megabytes."""

    @property
    def is_local(self) -> bool:
        """Whether it can be reached from this machine alone."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Raise ConfigError for a port that is none, a short token, and sizes that are not above 0."""
        super().check()
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port is {self.port}; allowed: 0 to 65535.", settings=("port",))
        if self.token is not None and len(self.token) < _LEAST_TOKEN:
            raise ConfigError(
                f"the token has {len(self.token)} letters; take {_LEAST_TOKEN} or more, or leave it out to have one "
                "made.",
                settings=("token",),
            )
        for name in ("upload_mb", "quota_mb"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name):g}; allowed: above 0.", settings=(name,))


@dataclass(frozen=True, kw_only=True)
class ExploreRequest(ServeRequest):
    """Open the explorer: maps by month, your own records, places, photos and datasets, in the browser, offline.

    With nothing given it opens on the built-in world and invented birds.
    """

    browser: Annotated[bool, Without("Do not open the page in the browser.")] = True
    """Open the page in the browser."""
    export: AnyPath | None = None
    """Write a static site into this new folder and end: plain files, which any web server shows without birdsat."""

    def check(self) -> None:
        """Raise ConfigError for an export into a folder that holds something."""
        super().check()
        if self.export is not None and (out := Path(self.export)).exists() and (not out.is_dir() or any(out.iterdir())):
            raise ConfigError(f"{out} holds something already; name a new folder.", settings=("export",))
