"""Models, maps, places and what they say, over HTTP."""

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_explorer import Opened
from starlette.testclient import TestClient
from tiny_world import TinyWorld

from birdsat import config
from birdsat.explorer.names import PROJECT_FILE, WEIGHTS_FILE
from birdsat.explorer.site import ProjectFacts
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.load import load_ranges
from birdsat.workflows.open_ranges import region_of


def _layer(client: TestClient, said: dict[str, Any]) -> Any:
    """(months, n) numbers of a layer as the page reads them."""
    values = np.frombuffer(client.get(f"/{said['url']}").content, np.uint8).reshape(said["months"], -1).astype(float)
    values[values == said["missing"]] = np.nan
    return said["scale"] * values ** said.get("power", 1)


def test_a_map_s_bytes_are_the_model_s_suitabilities(client: TestClient, base: str, tiny_world: TinyWorld) -> None:
    model = load_ranges(tiny_world.ranges)
    taxon = model.facts.taxa[0]
    said = client.get(f"{base}/maps/{taxon}").json()
    assert said["key"] in said["layers"]["suitability"]["url"]
    cells = np.frombuffer(client.get(f"{base}/cells.bin").content, "<i4")
    region = region_of(model)
    assert cells[0] == len(cells) - 1 and np.array_equal(cells[1:], region.cells())
    blocks = list(model.predict(iter_features(model, region), [taxon], range(1, 13)))
    for name, field in (("suitability", "suitability"), ("low", "low"), ("high", "high")):
        expected = np.concatenate([getattr(block, field)[0] for block in blocks], axis=1)
        found = _layer(client, said["layers"][name])
        assert np.abs(found - expected[: len(found)]).max() <= 0.5 / 254 + 1e-6
    inside = np.concatenate([block.inside[0] for block in blocks])
    assert np.array_equal(_layer(client, said["layers"]["applicable"])[0], inside)


def test_what_is_asked_twice_is_sent_once(client: TestClient, base: str) -> None:
    key = client.get(f"{base}/taxa").json()[0]["key"]
    for address in (f"{base}/maps/{key}", f"{base}/maps/{key}/suitability.bin", "/v1/models", "/v1/basemap.jpg"):
        first = client.get(address)
        tag = first.headers["etag"]
        assert first.status_code == 200 and not tag.startswith("W/")
        again = client.get(address, headers={"if-none-match": tag})
        assert again.status_code == 304 and not again.content and again.headers["etag"] == tag
        assert client.get(address, headers={"if-none-match": '"other"'}).status_code == 200


def test_callers_without_gzip_get_the_same_bytes_under_another_tag(client: TestClient, base: str) -> None:
    packed = client.get(f"{base}/cells.bin", headers={"accept-encoding": "gzip"})
    plain = client.get(f"{base}/cells.bin", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content and packed.headers["etag"] != plain.headers["etag"]
    refused = client.get(f"{base}/cells.bin", headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


def test_taxa_are_found_by_parts_of_names_and_near_ones(client: TestClient, base: str) -> None:
    taxa = [row["taxon"] for row in client.get(f"{base}/taxa").json()]
    assert [row["taxon"] for row in client.get(f"{base}/taxa", params={"q": taxa[0].upper()}).json()] == [taxa[0]]
    mistyped = taxa[0][:-2] + taxa[0][-1]
    near = client.get(f"{base}/taxa", params={"q": mistyped}).json()
    assert near[0]["taxon"] == taxa[0]
    answer = client.get(f"{base}/maps/{mistyped}")
    assert answer.status_code == 404 and taxa[0] in answer.json()["error"]["message"]


def test_a_place_lists_all_taxa_as_its_cell_has_them(client: TestClient, base: str) -> None:
    grid = client.get(f"{base}/grid").json()
    cells = np.frombuffer(client.get(f"{base}/cells.bin").content, "<i4")[1:]
    number = len(cells) // 2
    row, column = divmod(int(cells[number]), grid["width"])
    lon = (grid["west"] + (column + 0.4) * grid["cell_deg"] + 180) % 360 - 180
    lat = grid["north"] - (row + 0.6) * grid["cell_deg"]
    said = client.get(f"{base}/place", params={"lon": lon, "lat": lat, "month": 2}).json()
    assert said["cell"]["index"] == number
    of_all = client.get(f"{base}/richness").json()["notes"]
    assert of_all and set(of_all) <= set(said["notes"])
    values = [one["value"] for one in said["taxa"]]
    assert values == sorted(values, reverse=True) and len(values) == len(client.get(f"{base}/taxa").json())
    for one in said["taxa"]:
        layer = client.get(f"{base}/maps/{one['key']}").json()["layers"]["suitability"]
        at = min(2, layer["months"] - 1)
        assert abs(_layer(client, layer)[at, number] - one["value"]) < 3e-3
    rows = list(csv.DictReader(io.StringIO(client.get(f"{base}/place.csv", params={"lon": lon, "lat": lat}).text)))
    assert {row["taxon"] for row in rows} == {one["taxon"] for one in said["taxa"]}


@pytest.mark.parametrize("lon, lat", [(0, -90), (179.9, 89.9)])
def test_a_place_of_which_nothing_is_known_says_so(client: TestClient, base: str, lon: float, lat: float) -> None:
    answer = client.get(f"{base}/place", params={"lon": lon, "lat": lat})
    assert answer.status_code == 422 and answer.json()["error"]["kind"] == "PlaceError"


def test_blocks_of_places_hold_the_maps_of_all_taxa(client: TestClient, base: str) -> None:
    about = client.get(f"{base}/places.json").json()
    months, cells = about["months"], client.get(f"{base}/grid").json()["cells"]
    blocks = [
        np.frombuffer(client.get(f"{base}/places/{block}.bin").content, np.uint8).reshape(
            len(about["taxa"]), months, -1
        )
        for block in range(about["blocks"])
    ]
    together = np.concatenate(blocks, axis=2)
    assert together.shape[2] == cells
    layer = np.frombuffer(client.get(f"{base}/maps/{about['taxa'][1]}/suitability.bin").content, np.uint8)
    assert np.array_equal(together[1].reshape(-1), layer)
    assert client.get(f"{base}/places/{about['blocks']}.bin").status_code == 404


def test_richness_is_the_sum_of_all_taxa(client: TestClient, base: str) -> None:
    said = client.get(f"{base}/richness").json()
    found = _layer(client, said["layers"]["richness"])
    keys = [row["key"] for row in client.get(f"{base}/taxa").json()]
    total = sum(_layer(client, client.get(f"{base}/maps/{key}").json()["layers"]["suitability"]) for key in keys)
    assert np.abs(found - total).max() < 0.01 * max(1, found.max())


def test_tiles_show_the_bytes_of_the_cells(client: TestClient, base: str) -> None:
    from PIL import Image

    model, key = base.split("/")[-1], client.get(f"{base}/taxa").json()[0]["key"]
    tile = client.get(f"/v1/tiles/models/{model}/{key}/suitability/0/0/0/0.png")
    pixels = np.asarray(Image.open(io.BytesIO(tile.content)))
    values = np.frombuffer(client.get(f"{base}/maps/{key}/suitability.bin").content, np.uint8)
    assert pixels.shape == (256, 256) and (pixels == 255).any() and (pixels < 255).any()
    assert set(np.unique(pixels[pixels < 255])) <= set(np.unique(values))
    assert client.get(f"/v1/tiles/models/{model}/{key}/suitability/0/1/2/0.png").status_code == 422


def test_what_is_not_there_is_404_in_our_words(client: TestClient, base: str) -> None:
    for address in (
        "/v1/models/none/grid",
        "/v1/nothing",
        f"{base}/maps/x",
        "/v1/jobs/none",
        "/v1/uploads/" + "0" * 32,
    ):
        answer = client.get(address)
        assert answer.status_code == 404 or address.startswith("/v1/uploads"), address
        assert set(answer.json()["error"]) == {"kind", "message", "settings"}
    said = client.get(f"{base}/place", params={"lon": "x", "lat": 99}).json()["error"]
    assert said["kind"] == "ConfigError" and set(said["settings"]) == {"lon", "lat"}


def test_a_damaged_project_hides_no_other_model(opened: Opened, tiny_world: TinyWorld, tmp_path: Path) -> None:
    project = tmp_path / "projects" / "0123456789abcdef"
    shutil.copytree(tiny_world.ranges, project)
    (project / WEIGHTS_FILE).write_bytes(b"half")
    config.save(ProjectFacts(name="mine", upload="", table="", created=""), project / PROJECT_FILE)
    client = opened(store=tmp_path)
    assert [one["kind"] for one in client.get("/v1/models").json()] == ["ranges"]
    assert client.get(f"/v1/models/{project.name}/taxa").json()["error"]["kind"] == "CheckpointError"


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "....//etc/passwd", "%2e%2e/pyproject.toml", "a%00b"])
def test_no_name_of_a_request_reaches_the_file_system(client: TestClient, base: str, name: str) -> None:
    for address in (f"/{name}", f"/v1/models/{name}/grid", f"{base}/maps/{name}", f"/v1/uploads/{name}/dropped.csv"):
        answer = client.get(address)
        assert answer.status_code in (404, 422) and "root:" not in answer.text


def test_records_of_sensitive_taxa_lie_in_the_middle_of_squares(
    opened: Opened, tiny_world: TinyWorld, tmp_path: Path
) -> None:
    taxon = load_ranges(tiny_world.ranges).facts.taxa[0]
    (tmp_path / "sensitive.txt").write_text(f"common_name;taxon\nwhatever;{taxon.upper()}  # its nests\n")
    client = opened(sensitive=tmp_path / "sensitive.txt")
    base = f"/v1/models/{client.get('/v1/models').json()[0]['id']}"
    said = client.get(f"{base}/records/{taxon}").json()
    other = client.get(f"{base}/records/{load_ranges(tiny_world.ranges).facts.taxa[1]}").json()
    assert said["coarsened_deg"] == 0.5 and other["coarsened_deg"] == 0
    for value in (*said["lon"], *said["lat"]):
        assert (value * 4) % 2 == pytest.approx(1)
    lon, lat = other["lon"][0], other["lat"][0]
    rows = client.get(f"{base}/place", params={"lon": lon, "lat": lat}).json()["taxa"]
    assert said["lon"] and {one["taxon"]: one["recorded"] is None for one in rows}[taxon]
    assert [one for one in rows if one["recorded"]]


def test_the_api_describes_itself_with_examples(client: TestClient) -> None:
    said = client.get("/v1/openapi.json").json()
    assert said["openapi"].startswith("3.") and "/v1/models/{model}/maps/{taxon}" in said["paths"]
    for path, methods in said["paths"].items():
        for method, about in methods.items():
            assert about["description"], (path, method)
            done = next(
                about["responses"][status] for status in ("200", "201", "202", "204") if status in about["responses"]
            )
            media = done.get("content", {}).get("application/json")
            assert media is None or "example" in media, (path, method)
            assert "422" in about["responses"] and "429" in about["responses"]


def test_pictures_of_places_are_squares(client: TestClient, opened: Opened) -> None:
    from PIL import Image

    for one in (client, opened()):
        answer = one.get("/v1/chip.png", params={"lon": 10, "lat": 50, "km": 400, "px": 64})
        assert Image.open(io.BytesIO(answer.content)).size == (64, 64)
    poles = opened().get("/v1/chip.png", params={"lon": 180, "lat": 90, "km": 3000, "px": 64})
    assert poles.status_code == 200


def test_the_truth_that_is_given_lies_beside_the_maps(opened: Opened, tiny_world: TinyWorld, tmp_path: Path) -> None:
    model = load_ranges(tiny_world.ranges)
    region, taxon = region_of(model), model.facts.taxa[0]
    centres = region.grid.centres(region.cells())
    lives = centres[:, 1] > np.median(centres[:, 1])
    some = np.arange(len(centres)) % 3 > 0  # the others are not known
    np.savez(
        tmp_path / "truth.npz",
        lon=centres[some, 0],
        lat=centres[some, 1],
        species=np.array([taxon]),
        presence=lives[some, None].astype(np.uint8),
    )
    client = opened(truth=tmp_path / "truth.npz")
    base = f"/v1/models/{client.get('/v1/models').json()[0]['id']}"
    layer = client.get(f"{base}/maps/{taxon}").json()["layers"]["truth"]
    assert layer["months"] == 1
    found = np.frombuffer(client.get(f"/{layer['url']}").content, np.uint8)
    assert np.array_equal(found[some], lives[some]) and set(np.unique(found)) <= {0, 1, 255}
    assert client.get(f"{base}/maps/{model.facts.taxa[1]}").json()["layers"]["truth"] is None


def test_where_the_model_lies_is_said_on_this_machine_alone(opened: Opened, tiny_world: TinyWorld) -> None:
    token = "a-token-of-some-length"
    others = opened(host="0.0.0.0", token=token)
    asked = {"authorization": f"Bearer {token}"}
    for client, headers, knows in ((opened(), {}, True), (others, asked, False)):
        base = f"/v1/models/{client.get('/v1/models', headers=headers).json()[0]['id']}"
        key = client.get(f"{base}/taxa", headers=headers).json()[0]["key"]
        said = client.get(f"{base}/maps/{key}", headers=headers).text + client.get("/v1/about", headers=headers).text
        assert (str(tiny_world.ranges) in said) is knows
