"""Models on the hub and from it, against a stand-in of its HTTP API on this machine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from made_hub import Hub, hub_on_this_machine
from made_runs import make_run
from tiny_world import TinyWorld

import birdsat
from birdsat.api.model import Model
from birdsat.errors import CheckpointError, ConfigError, HubError, InputError
from birdsat.ranges.model import RangeModel
from birdsat.training.fingerprint import model_fingerprint


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_on_this_machine(monkeypatch, tmp_path / "home") as hub:
        yield hub


@pytest.fixture
def model(tiny_world: TinyWorld) -> Model:
    found = birdsat.load(tiny_world.run)
    assert isinstance(found, Model)
    return found


def test_a_model_that_was_pushed_is_loaded_with_the_same_weights(hub: Hub, model: Model, photo: Path) -> None:
    address = model.push_to_hub("anna/birds")
    assert address.startswith("hf://anna/birds@") and len(address.partition("@")[2]) == 40
    theirs = birdsat.load(address)
    assert isinstance(theirs, Model) and model_fingerprint(theirs.run) == model_fingerprint(model.run)
    assert theirs.classify([photo]).top(1) == model.classify([photo]).top(1)
    newest = birdsat.load("hf://anna/birds")
    assert isinstance(newest, Model) and newest.run.path == theirs.run.path


@pytest.fixture
def photo(tiny_world: TinyWorld) -> Path:
    return tiny_world.photo


def test_what_is_published_is_the_model_its_labels_its_card_and_their_checksums(hub: Hub, model: Model) -> None:
    model.push_to_hub("anna/birds", private=True)
    repository = hub.repositories["anna/birds"]
    files = repository.commits[repository.refs["main"]]
    assert repository.private
    assert set(files) == {
        ".gitattributes", "README.md", "config.json", "dataset.json", "hub.json", "labels.json", "model.safetensors",
        "taxa.parquet",
    }  # fmt: skip
    assert set(json.loads(files["hub.json"])["sha256"]) == set(files) - {".gitattributes", "hub.json"}
    labels = json.loads(files["labels.json"])
    assert [label["name"] for label in labels["labels"]] == list(model.taxa) and labels["taxonomy"] is None


def test_a_range_model_travels_as_well(hub: Hub, tiny_world: TinyWorld) -> None:
    address = birdsat.push_to_hub(tiny_world.ranges, "anna/ranges")
    ours, theirs = birdsat.load(tiny_world.ranges), birdsat.load(address)
    assert isinstance(ours, RangeModel) and isinstance(theirs, RangeModel)
    assert theirs.facts.taxa == ours.facts.taxa and theirs.trunk_fingerprint() == ours.trunk_fingerprint()
    again = birdsat.push_to_hub(theirs, "anna/copy", revision="second")
    files = hub.repositories["anna/copy"].files("second")
    assert files is not None and again.endswith(files[0]) and b"# Ranges of 3 taxa" in files[1]["README.md"]


def test_a_revision_is_a_branch_or_a_commit_and_each_opens_its_own_weights(
    hub: Hub, model: Model, tmp_path: Path
) -> None:
    first = model.push_to_hub("anna/birds")
    other = birdsat.push_to_hub(make_run(tmp_path / "other", seed=1), "anna/birds", revision="wide")
    opened = [birdsat.load(address) for address in (first, other, "hf://anna/birds@wide", "hf://anna/birds")]
    prints = [model_fingerprint(one.run) for one in opened if isinstance(one, Model)]
    assert prints[0] == prints[3] == model_fingerprint(model.run) and prints[1] == prints[2] != prints[0]


def test_a_repository_that_is_not_there_and_a_revision_that_is_not_are_told_apart(hub: Hub, model: Model) -> None:
    with pytest.raises(HubError, match=r"there is no model 'anna/bird' on the hub, or it is private"):
        birdsat.load("hf://anna/bird")
    model.push_to_hub("anna/birds")
    with pytest.raises(HubError, match=r"'anna/birds' has no revision 'v2'; give a branch, a tag or a commit"):
        birdsat.load("hf://anna/birds@v2")


def test_a_download_that_breaks_off_is_said_and_the_next_one_goes_on(hub: Hub, model: Model) -> None:
    model.push_to_hub("anna/birds")
    hub.truncated.add("model.safetensors")
    with pytest.raises(HubError, match=r"the download of hf://anna/birds broke off .*start it again"):
        birdsat.load("hf://anna/birds")
    hub.truncated.clear()
    theirs = birdsat.load("hf://anna/birds")
    assert isinstance(theirs, Model) and model_fingerprint(theirs.run) == model_fingerprint(model.run)
    assert hub.sent.count("config.json") == 1  # what came whole was kept


def test_weights_that_come_changed_are_fetched_again_and_refused_where_they_stay_so(hub: Hub, model: Model) -> None:
    model.push_to_hub("anna/birds")
    hub.garbled.add("model.safetensors")
    with pytest.raises(HubError, match=r"is damaged: model\.safetensors in .* are not as hub\.json says"):
        birdsat.load("hf://anna/birds")
    assert hub.sent.count("model.safetensors") == 2
    hub.garbled.clear()
    assert isinstance(birdsat.load("hf://anna/birds"), Model)  # the damaged one in the cache is replaced


def test_without_the_network_a_whole_copy_in_the_cache_is_used_and_no_part_of_one(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.push_to_hub("anna/birds")
    path = birdsat.load("hf://anna/birds").run.path  # type: ignore[union-attr]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.asked)
    again = birdsat.load("hf://anna/birds")
    assert isinstance(again, Model) and again.run.path == path and len(hub.asked) == asked
    (path / "model.safetensors").unlink()
    with pytest.raises(HubError, match=r"cannot be reached .*the cache does not hold all of hf://anna/birds"):
        birdsat.load("hf://anna/birds")


def test_without_the_network_a_model_that_was_never_fetched_is_asked_for_by_name(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match=r"cannot be reached .*hf://anna/birds; connect to the network"):
        birdsat.load("hf://anna/birds")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    with pytest.raises(HubError, match=r"cannot be reached .*hf://anna/birds; connect to the network"):
        birdsat.load("hf://anna/birds")


def test_who_may_not_write_is_told_to_log_in(hub: Hub, model: Model) -> None:
    hub.refuses_writes = True
    with pytest.raises(HubError, match=r"hf://anna/birds refuses \(403\): log in as one who may write to it"):
        model.push_to_hub("anna/birds")
    assert not hub.repositories


@pytest.mark.parametrize("text", ["hf://anna", "hf://", "hf://anna/birds/more", "hf://anna/birds@", "hf://anna/b irds"])
def test_an_address_that_is_none_is_refused_before_anything_is_asked(hub: Hub, text: str) -> None:
    with pytest.raises(InputError, match="is not a model on the hub; write hf://user/name"):
        birdsat.load(text)
    assert not hub.asked


def test_a_name_may_be_written_as_it_is_loaded_and_its_branch_is_the_one_that_is_pushed_to(
    hub: Hub, model: Model
) -> None:
    model.push_to_hub("hf://anna/birds@wide")
    model.push_to_hub("anna/birds@wide", revision="wide")
    repository = hub.repositories["anna/birds"]
    assert "config.json" in repository.commits[repository.refs["wide"]]
    assert "config.json" not in repository.commits.get(repository.refs.get("main", ""), {})
    assert isinstance(birdsat.load(Path("hf://anna/birds@wide")), Model)
    asked = len(hub.asked)
    with pytest.raises(InputError, match="has the revision 'wide', and 'narrow' is given"):
        model.push_to_hub("anna/birds@wide", revision="narrow")
    with pytest.raises(InputError, match="'birds' is not a name on the hub; write user/name"):
        model.push_to_hub("birds")
    with pytest.raises(InputError, match=r"anna/birds does not exist; .*a model on the hub as hf://user/name"):
        birdsat.load("anna/birds")
    assert len(hub.asked) == asked


def test_a_name_that_the_hub_does_not_allow_is_refused(hub: Hub) -> None:
    with pytest.raises(HubError, match="is not a name that the hub allows"):
        birdsat.load("hf://anna/birds--and--more")


def test_what_came_from_the_hub_is_published_from_its_cache_and_nothing_is_left_there(hub: Hub, model: Model) -> None:
    theirs = birdsat.load(model.push_to_hub("anna/birds"))
    assert isinstance(theirs, Model)
    before = sorted(theirs.run.path.parent.iterdir())
    again = birdsat.load(theirs.push_to_hub("ben/birds"))
    assert isinstance(again, Model) and model_fingerprint(again.run) == model_fingerprint(model.run)
    assert sorted(theirs.run.path.parent.iterdir()) == before


def test_sums_that_are_no_list_of_files_are_damage(hub: Hub, model: Model) -> None:
    model.push_to_hub("anna/birds")
    for damage in (b"[]", b"{", b'{"sha256": 3}', b'{"sha256": {"model.safetensors": null}}'):
        hub.repositories["anna/birds"].commit("main", {"hub.json": damage})
        with pytest.raises(HubError, match=r"hf://anna/birds is damaged: (hub\.json|model\.safetensors)"):
            birdsat.load("hf://anna/birds")


def test_an_unfinished_run_is_not_published(hub: Hub, tiny_world: TinyWorld, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_world.run, tmp_path / "run")
    (run / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is unfinished"):
        birdsat.push_to_hub(run, "anna/birds")
    assert not hub.asked


def test_a_repository_of_files_uploaded_by_hand_is_opened_and_one_of_something_else_refused(
    hub: Hub, model: Model
) -> None:
    model.push_to_hub("anna/birds")
    repository = hub.repositories["anna/birds"]
    files = dict(repository.commits[repository.refs["main"]])
    del files["hub.json"]
    repository.commits["a" * 40], repository.refs["by-hand"] = files, "a" * 40
    assert isinstance(birdsat.load("hf://anna/birds@by-hand"), Model)
    repository.commits["b" * 40], repository.refs["other"] = {"notes.txt": b"x", "config.json": b"{}"}, "b" * 40
    with pytest.raises(CheckpointError, match="is unfinished"):
        birdsat.load("hf://anna/birds@other")


def test_files_of_other_names_are_neither_fetched_nor_asked_for_by_the_checksums(hub: Hub, model: Model) -> None:
    model.push_to_hub("anna/birds")
    repository = hub.repositories["anna/birds"]
    sums = json.loads(repository.commits[repository.refs["main"]]["hub.json"])
    sums["sha256"] |= {"../../secret": "0" * 64, "large.bin": "0" * 64}
    repository.commit("main", {"large.bin": b"x" * 1000, "hub.json": json.dumps(sums).encode()})
    assert isinstance(birdsat.load("hf://anna/birds"), Model)
    assert "large.bin" not in hub.sent


def test_huggingface_hub_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tiny_world: TinyWorld) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match=r"need the package huggingface_hub.*`pip install 'birdsat\[hub\]'`"):
        birdsat.load("hf://anna/birds")
    with pytest.raises(ConfigError, match=r"`pip install 'birdsat\[hub\]'`"):
        birdsat.push_to_hub(tiny_world.run, "anna/birds")


def test_another_process_opens_it_by_the_hub_that_the_environment_names(hub: Hub, model: Model, tmp_path: Path) -> None:
    address = model.push_to_hub("anna/birds")
    script = f"import birdsat; model = birdsat.load({address!r}); print(len(model.taxa)); model.save('copy')"
    environment = os.environ | {"HF_HOME": str(tmp_path / "elsewhere")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == (f"{len(model.taxa)}\n", "")
    copy = birdsat.load(tmp_path / "copy")
    assert isinstance(copy, Model) and model_fingerprint(copy.run) == model_fingerprint(model.run)
