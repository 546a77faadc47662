"""An explorer of the tiny world, asked over HTTP's own words without a socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_explorer import HERE, Opened
from starlette.testclient import TestClient
from tiny_world import TinyWorld

from birdsat.explorer.app import create_app
from birdsat.explorer.site import Site
from birdsat.explorer.state import State
from birdsat.workflows.requests.explorer import ServeRequest


@pytest.fixture(scope="module")
def opened(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Opens explorers of the tiny world's model, with more settings where they are named."""
    clients: list[TestClient] = []

    def open_one(token: str | None = None, **settings: Any) -> TestClient:
        store = tmp_path_factory.mktemp("store")
        request = ServeRequest(**{"ranges": tiny_world.ranges, "store": store, **settings})
        client = TestClient(
            create_app(State.of(Site(request)), token=token), base_url=HERE, raise_server_exceptions=False
        )
        clients.append(client)
        client.__enter__()
        return client

    yield open_one
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def client(opened: Opened, tiny_world: TinyWorld) -> TestClient:
    """One of everything."""
    imagery = "virtual:0"
    return opened(run=tiny_world.run, dataset=tiny_world.dataset, imagery=imagery)


@pytest.fixture(scope="module")
def base(client: TestClient) -> str:
    """Address of its model."""
    return f"/v1/models/{client.get('/v1/models').json()[0]['id']}"


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A small table with rows of every kind."""
    path = tmp_path / "records.csv"
    rows = [f"r{n},Turdus merula,{10 + n / 10},{50 + n / 10},2020-0{1 + n % 9}-10" for n in range(20)]
    rows += ["bad,Turdus merula,-999,50,2020-01-01", "=1+1,Turdus merula,,,2020-01-01"]
    path.write_text("\n".join(["occurrenceID,scientificName,decimalLongitude,decimalLatitude,eventDate", *rows]) + "\n")
    return path
