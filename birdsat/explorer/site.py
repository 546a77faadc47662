"""What an explorer serves: its models, and where it keeps what is its own."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from birdsat import config
from birdsat.errors import BirdsatError, ConfigError
from birdsat.explorer.answers import NotFoundError
from birdsat.explorer.common_names import CommonNames
from birdsat.explorer.listed import Served
from birdsat.explorer.names import (
    EXAMPLE_LISTED,
    EXAMPLE_VERSION,
    PROJECT_FILE,
    RECORDS_FILE,
    SETTINGS_FILE,
    WEIGHTS_FILE,
)
from birdsat.explorer.packed_example import unpack_example
from birdsat.files import write_atomic
from birdsat.workflows.requests.explorer import ServeRequest

if TYPE_CHECKING:  # they import torch, which takes seconds: the page is there before
    from birdsat.explorer.served_model import ServedModel

EXAMPLE = "example"
FORMAT = 1  # of the arrays that are kept; one more when they change
_MOST_OPEN = 8  # models
_TRUTH_KM = 60.0  # at most, from a cell to the place that says what is true of it


def default_store() -> Path:
    """Where a user's programs keep what can be made again, and under it a folder of ours."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "birdsat" / "explorer"


@dataclass(kw_only=True, slots=True)
class _Open:
    models: dict[str, "ServedModel"] = field(default_factory=dict)
    locks: dict[str, threading.Lock] = field(default_factory=dict)


class Site:
    """Models by id, opened when they are asked for first."""

    def __init__(self, request: ServeRequest) -> None:
        """Raises ConfigError for a folder given that is not a range model, and for a list of taxa that is not there."""
        self.request = request = _absolute(request)
        self.store = Path(request.store) if request.store is not None else default_store()
        self.store.mkdir(parents=True, exist_ok=True)
        self._open, self._lock = _Open(), threading.Lock()
        self.sensitive = _names_in(request.sensitive)
        self._names = CommonNames(request.taxonomy)
        if self.uses_example and not (self.example_folder / "model" / SETTINGS_FILE).is_file():
            unpack_example(self.example_folder)
        self._listed: dict[str, Served] = {}
        for folder in map(Path, request.ranges):
            served = self._of_folder(folder)
            self._listed[served.id] = served
        self._truth_grid = _TruthGrid(Path(request.truth)) if request.truth is not None else None

    @property
    def uses_example(self) -> bool:
        """Whether the invented birds are shown."""
        return not self.request.ranges

    @property
    def example_folder(self) -> Path:
        """Where the invented birds' records and model lie."""
        return self.store / f"{EXAMPLE}-{EXAMPLE_VERSION}"

    @property
    def sharpest_km(self) -> float:
        """Side of the smallest square whose picture is sharp."""
        return 400 if self.request.imagery is None else 1

    @property
    def has_place_photos(self) -> bool:
        """Whether photos that are like a place can be told."""
        asked = self.request
        return None not in (asked.run, asked.dataset) and (asked.region is not None or asked.imagery is not None)

    @property
    def projects(self) -> Path:
        """Folder of the models that were fitted to uploads."""
        return self.store / "projects"

    def listed(self) -> Iterator[Served]:
        """Those that can be opened, the ones given first."""
        yield from self._listed.values()
        if self.uses_example:
            yield Served(
                id=EXAMPLE, name="Invented birds of North America", kind="example", folder=self.example_folder / "model"
            )
        if self.projects.is_dir():
            for folder in sorted(self.projects.iterdir()):
                if (folder / SETTINGS_FILE).is_file() and (folder / PROJECT_FILE).is_file():
                    with suppress(OSError, ConfigError):
                        about = config.load(ProjectFacts, folder / PROJECT_FILE)
                        yield Served(
                            id=folder.name, name=about.name, kind="project", folder=folder, created=about.created
                        )

    def model(self, id: str) -> "ServedModel":
        """One of them, opened. Raises NotFoundError, and what opening it raises."""
        served = next((one for one in self.listed() if one.id == id), None)
        if served is None:
            raise NotFoundError(f"there is no model {id[:100]!r}; /v1/models lists those there are.")
        if self.request.is_local:
            served = replace(served, shown=str(served.folder))
        with self._lock:
            lock = self._open.locks.setdefault(id, threading.Lock())
        with lock:
            if (found := self._open.models.get(id)) is None:
                found = self._opened(served)
                with self._lock:
                    while len(self._open.models) >= _MOST_OPEN:
                        self._open.models.pop(next(iter(self._open.models)))
                    self._open.models[id] = found
            return found

    def listing(self) -> list[Mapping[str, Any]]:
        """What is said of each; kept, so that it is known before a model is opened. A project that is damaged is not
        among them, so that the others can be seen; what is wrong with a model that was given is raised."""
        said = []
        for served in self.listed():
            try:
                said.append(self._listing(served))
            except BirdsatError:
                if served.kind != "project":
                    raise
        return said

    def _listing(self, served: Served) -> Mapping[str, Any]:
        kept = self._kept_listing(served)
        if served.id not in self._open.models:
            with suppress(OSError, ValueError):
                said: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
                return {**said, "name": served.name}
        found = self.model(served.id).listed
        if not kept.is_file():
            with suppress(OSError):
                kept.parent.mkdir(exist_ok=True)
                write_atomic(kept, json.dumps(dict(found)))
        return found

    def _kept_listing(self, served: Served) -> Path:
        asked = self.request
        if served.kind == "example" and asked.truth is None:
            return self.example_folder / EXAMPLE_LISTED  # which came with it
        files = [served.folder / SETTINGS_FILE, served.folder / WEIGHTS_FILE]
        files += [Path(one) for one in (asked.truth, asked.region) if one is not None]
        return self.store / "listed" / f"{served.id}-{mark_of(*files)}.json"

    def forget(self, id: str) -> None:
        """A model that is gone from the disk, or was made anew."""
        with self._lock:
            self._open.models.pop(id, None)

    def _opened(self, served: Served) -> "ServedModel":
        from birdsat.embeddings.regions.folder_region import open_region
        from birdsat.explorer.model_records import ModelRecords, remembered_tables
        from birdsat.explorer.served_model import ServedModel
        from birdsat.ranges.load import load_ranges
        from birdsat.workflows.identify_outputs.privacy import species_of
        from birdsat.workflows.open_ranges import check_ranges, region_of, with_covariates

        model = load_ranges(served.folder)
        own = served.kind == "ranges" and self.request.region is not None
        region = open_region(Path(str(self.request.region))) if own else region_of(model)
        check_ranges(model, region)
        region = with_covariates(model, region)
        if served.kind == "example":
            tables = [self.example_folder / name for name in model.facts.tables]
        elif served.kind == "project":
            tables = [served.folder / RECORDS_FILE]
        else:
            tables = remembered_tables(served.folder, model.facts.command, model.facts.tables)
        tables = [table for table in tables if table.is_file()]
        mark = hashlib.sha256(region.identity.encode())
        for path in (served.folder / SETTINGS_FILE, served.folder / WEIGHTS_FILE):
            mark.update(path.read_bytes())
        mark.update(str(FORMAT).encode())
        for path in (*tables, *([Path(self.request.truth)] if self.request.truth is not None else [])):
            facts = path.stat()
            mark.update(f"{path} {facts.st_size} {facts.st_mtime_ns}".encode())
        mark.update(" ".join(sorted(self.sensitive)).encode())
        hidden = [taxon for taxon in model.facts.taxa if self.sensitive and species_of(taxon) in self.sensitive]
        return ServedModel(
            served,
            model,
            region,
            (served.folder if served.kind == "project" else self.store) / "arrays" / mark.hexdigest()[:24],
            records=ModelRecords(tables, served.folder, region.grid, region.cells(), hidden),
            truth=self._truth,
            names=self._names,
        )

    def _truth(self, taxon: str, *, model: "ServedModel") -> NDArray[np.uint8] | None:
        """Bytes 0 and 1 of where a taxon truly lives, (n,) or (12, n), as far as that is known."""
        if self._truth_grid is not None:
            return self._truth_grid.of(taxon, model)
        from birdsat.workflows.explorer_example import BIRDS, true_range

        bird = next((bird for bird in BIRDS if bird.taxon == taxon), None)
        if model.served.kind == "example" and bird is not None:
            found: NDArray[np.uint8] = true_range(bird, model.region, model.cells).astype(np.uint8)
            return found
        world = model.region.imagery.virtual_world
        if world is not None and taxon in {one.name for one in world.species}:
            lon, lat = model.region.grid.centres(model.cells).T
            return np.stack([world.true_range(taxon, lon, lat, month) for month in model.months]).astype(np.uint8)
        return None

    def _of_folder(self, folder: Path) -> Served:
        if not (folder / SETTINGS_FILE).is_file():
            raise ConfigError(f"{folder} is not a range model: make one with `birdsat fit`.", settings=("ranges",))
        where = folder.resolve()
        mark = hashlib.sha256(str(where).encode()).hexdigest()[:6]
        plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in where.name)[:40].strip(
            "-"
        )
        return Served(id=f"{plain or 'model'}-{mark}", name=where.name, kind="ranges", folder=where)


@dataclass(frozen=True, kw_only=True)
class ProjectFacts:
    """What is remembered of a model that was fitted to an upload."""

    name: str
    upload: str  # id of the upload
    table: str  # as it was called
    created: str  # ISO 8601


def mark_of(*files: Path) -> str:
    """What tells files from others, by where they are, their sizes and when they were written."""
    mark = hashlib.sha256()
    for path in files:
        facts = path.stat() if path.is_file() else None
        mark.update(f"{path.resolve()} {facts and facts.st_size} {facts and facts.st_mtime_ns}".encode())
    return mark.hexdigest()[:24]


class _TruthGrid:
    """A range grid on other cells."""

    def __init__(self, path: Path) -> None:
        from birdsat.ranges.evaluation.range_grid import read_range_grid

        try:
            self._grid = read_range_grid(path)
        except BirdsatError as error:
            error.settings = error.settings or ("truth",)
            raise

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        from birdsat.earth.place import unit_sphere

        return cKDTree(unit_sphere(*self._grid.lon_lat.T))

    def of(self, taxon: str, model: "ServedModel") -> NDArray[np.uint8] | None:
        from birdsat.earth.place import EARTH_RADIUS_KM, KM_PER_DEGREE, unit_sphere
        from birdsat.explorer.arrays import MISSING

        if taxon not in self._grid.species:
            return None
        step = self._grid.step_degrees
        most = _TRUTH_KM if step is None else KM_PER_DEGREE * step
        distance, at = self._tree.query(unit_sphere(*model.region.grid.centres(model.cells).T))
        present = self._grid.presence[at, self._grid.species.index(taxon)].astype(np.uint8)
        return np.where(distance * EARTH_RADIUS_KM <= most, present, MISSING).astype(np.uint8)


def _absolute(request: ServeRequest) -> ServeRequest:
    """With paths that mean the same in a child, which works in another folder."""

    def found(path: Path | str | None) -> Path | None:
        return None if path is None else Path(path).absolute()

    imagery, taxonomy = request.imagery, request.taxonomy
    return replace(
        request,
        taxonomy=str(Path(taxonomy).absolute()) if taxonomy is not None and Path(taxonomy).exists() else taxonomy,
        ranges=tuple(Path(folder).absolute() for folder in request.ranges),
        imagery=str(Path(imagery).absolute()) if imagery is not None and Path(imagery).exists() else imagery,
        run=found(request.run),
        region=found(request.region),
        dataset=found(request.dataset),
        truth=found(request.truth),
        sensitive=found(request.sensitive),
        store=found(request.store),
    )


def _names_in(path: Path | str | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    from birdsat.workflows.identify_outputs.privacy import read_sensitive

    return read_sensitive(Path(path))
