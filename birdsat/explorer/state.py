"""What routes share: the site, its jobs and uploads."""

import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from starlette.requests import Request

from birdsat import config
from birdsat.errors import ConfigError
from birdsat.explorer.answers import NotFoundError
from birdsat.explorer.children import Children
from birdsat.explorer.jobs import Database, Job, Jobs
from birdsat.explorer.names import PROJECT_FILE
from birdsat.explorer.runner import Runner
from birdsat.explorer.site import ProjectFacts, Site
from birdsat.explorer.uploads import Uploads

T = TypeVar("T")
_MOST_OPENED, _MOST_TILES = 24, 2000


class Kept:
    """The last things asked for, by name. Each is made by one thread; others are made meanwhile."""

    def __init__(self, most: int = _MOST_OPENED) -> None:
        self._held: OrderedDict[str, Any] = OrderedDict()
        self._making: dict[str, threading.Lock] = {}
        self._most, self._lock = most, threading.Lock()

    def get(self, name: str, make: Callable[[], T]) -> T:
        """What is held under a name, or else is made."""
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                held: T = self._held[name]
                return held
            making = self._making.setdefault(name, threading.Lock())
        with making:
            with self._lock:
                if name in self._held:
                    held = self._held[name]
                    return held
            try:
                made = make()
                with self._lock:  # before others may begin to make it
                    self._held[name] = made
                    while len(self._held) > self._most:
                        self._held.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop(name, None)
            return made


@dataclass(kw_only=True)
class State:
    """All that a running explorer holds."""

    site: Site
    database: Database
    jobs: Jobs
    uploads: Uploads
    runner: Runner = field(init=False)
    children: Children = field(default_factory=Children)
    opened: Kept = field(default_factory=Kept)  # what is opened for tiles and the dataset, the last ones asked for
    tiles: Kept = field(default_factory=lambda: Kept(_MOST_TILES))  # encoded, of 1 to 100 KB
    _turns: WeakValueDictionary[str, threading.Lock] = field(default_factory=WeakValueDictionary)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.runner = Runner(self.jobs, self.finish)

    def turn(self, name: str) -> threading.Lock:
        """A lock that all who ask for this name share; forgotten when none of them has it any more."""
        with self._lock:
            return self._turns.setdefault(name, threading.Lock())

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What is open under a name, or is opened now."""
        return self.opened.get(name, make)

    @classmethod
    def of(cls, site: Site) -> "State":
        """Open what the store holds. Nothing runs before `start`."""
        database = Database(site.store / "explorer.sqlite")
        jobs = Jobs(database)
        uploads = Uploads(
            site.store / "uploads",
            database,
            most_bytes=int(site.request.upload_mb * 1e6),
            quota_bytes=int(site.request.quota_mb * 1e6),
            others=[site.projects],
        )
        return cls(site=site, database=database, jobs=jobs, uploads=uploads)

    def start(self) -> None:
        """Begin with the jobs."""
        self.runner.start()
        threading.Thread(target=self._open_first, daemon=True).start()

    def _open_first(self) -> None:
        """While the page is still being loaded. What is wrong with it is said to whoever asks for it."""
        with suppress(Exception):
            self.site.model(next(iter(self.site.listed())).id)

    def stop(self) -> None:
        """What runs begins again with the next start."""
        self.children.stop()
        self.runner.stop()
        self.database.close()

    def finish(self, job: Job, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is done here when a child has come to its end."""
        if job.verb == "fit":
            facts = ProjectFacts(
                name=job.asked["called"], upload=job.asked["upload"], table=job.asked["name"], created=job.created
            )
            config.save(facts, Path(job.asked["out"]) / PROJECT_FILE)  # from now on it is listed
            return {"model": Path(job.asked["out"]).name}
        return result

    def forget_model(self, id: str) -> None:
        """Remove a project's model from the disk, with its upload. Raises NotFoundError, ConfigError for others."""
        served = next((one for one in self.site.listed() if one.id == id), None)
        if served is None:
            raise NotFoundError(f"there is no model {id[:100]!r}; /v1/models lists those there are.")
        if served.kind != "project":
            raise ConfigError(f"{served.name} was given when the explorer was started; only projects are forgotten.")
        facts = config.load(ProjectFacts, served.folder / PROJECT_FILE)
        (served.folder / PROJECT_FILE).unlink(missing_ok=True)
        self.site.forget(id)
        shutil.rmtree(served.folder, ignore_errors=True)
        with suppress(NotFoundError):
            self.uploads.delete(self.uploads.get(facts.upload))


def state_of(request: Request) -> State:
    """Of the explorer that a request came to."""
    state: State = request.app.state.explorer
    return state
