"""What routes share: the site, its jobs and uploads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from birdsat.explorer.jobs import Database, Job, Jobs
from birdsat.explorer.runner import Runner
from birdsat.explorer.site import EXAMPLE, Site


@dataclass(kw_only=True)
class State:
    """All that a running explorer holds."""

    site: Site
    database: Database
    jobs: Jobs
    runner: Runner
    preparing: str | None = None  # the job that fits the example

    @classmethod
    def of(cls, site: Site) -> "State":
        """Open what the store holds. Nothing runs before `start`."""
        database = Database(site.store / "explorer.sqlite")
        jobs = Jobs(database)
        state = cls(site=site, database=database, jobs=jobs, runner=Runner(jobs, lambda job, result: result))
        state.runner = Runner(jobs, state.finish)
        return state

    def start(self) -> None:
        """Begin with the jobs; the first is the example, where it is shown and not fitted yet."""
        site = self.site
        if site.uses_example and not site.has_example:
            waiting = [
                job for job in self.jobs.all() if job.verb == "fit-example" and job.state in ("queued", "running")
            ]
            job = waiting[0] if waiting else self.jobs.add("fit-example", {"folder": str(site.example_folder)})
            self.preparing = job.id
        self.runner.start()

    def stop(self) -> None:
        """What runs begins again with the next start."""
        self.runner.stop()
        self.database.close()

    def finish(self, job: Job, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is done here when a child has come to its end."""
        if job.verb == "fit-example":
            self.site.forget(EXAMPLE)
            self.preparing = None
        return result


def state_of(request: Request) -> State:
    """Of the explorer that a request came to."""
    state: State = request.app.state.explorer
    return state
