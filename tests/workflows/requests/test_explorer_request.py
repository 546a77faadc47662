"""What an explorer can be asked, and the command line that asks the same."""

import shlex

import pytest

from birdsat.cli.parse import parse
from birdsat.errors import ConfigError
from birdsat.workflows.requests.explorer import ExploreRequest


@pytest.mark.parametrize(
    "asked",
    [
        ExploreRequest(),
        ExploreRequest(browser=False, port=0),
        ExploreRequest(run="runs/mine", ranges=("a", "b"), truth="t.npz", host="0.0.0.0", token="x" * 16),
    ],
)
def test_the_command_of_an_explorer_asks_the_same(asked: ExploreRequest) -> None:
    words = shlex.split(asked.command("explore"))
    assert words[:2] == ["birdsat", "explore"] and "None" not in words and "False" not in words
    assert parse(ExploreRequest, words[2:], "birdsat explore") == asked


@pytest.mark.parametrize("host, local", [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True)])
def test_this_machine_is_known_by_any_of_its_names(host: str, local: bool) -> None:
    assert ExploreRequest(host=host).is_local is local
    assert not any(ExploreRequest(host=other).is_local for other in ("0.0.0.0", "::", "192.168.1.2", "example.org"))


@pytest.mark.parametrize("wrong", [{"port": 70000}, {"token": "short"}, {"upload_mb": 0}, {"quota_mb": float("nan")}])
def test_what_cannot_be_served_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as found:
        ExploreRequest(**wrong)  # type: ignore[arg-type]
    assert found.value.settings == tuple(wrong)
