"""What is published of a model: its card, its labels, and no path of this machine."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_covariates import fit as fit_with_covariates
from made_runs import CROSS_VIEW, PX, make_dataset, make_run
from tiny_world import TinyWorld

from birdsat import config
from birdsat.cli.main import main
from birdsat.dataset.row_groups import Dataset
from birdsat.dataset.views import ViewsConfig
from birdsat.errors import ConfigError
from birdsat.fetch.hub import HubAddress
from birdsat.observations.taxonomy import Taxon
from birdsat.training.config import RunConfig
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.manifest import RUN_FILE, Asked, RunManifest, learned_from, load_run_manifest, this_session
from birdsat.training.pretrain import pretrain
from birdsat.training.run_folder import load_run
from birdsat.workflows.publish import make_publication, without_folders

ADDRESS = HubAddress(repo="anna/birds")
CONFIG = RunConfig(method=CROSS_VIEW, views=ViewsConfig(photo_px=PX, chip_px=PX), batch_size=4, steps=1, workers=0)


@pytest.fixture(scope="module")
def published(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that was trained, with figures beside it, and what is published of it."""
    folder = tmp_path_factory.mktemp("publish")
    run, out = folder / "run", folder / "out"
    command = f"birdsat pretrain {tiny_world.dataset} {run} --recipe=/home/anna/mine.json"
    pretrain(CONFIG, Dataset(tiny_world.dataset), run, asked=Asked(command=command, recipe="/home/anna/mine.json"))
    scores = [{"classifier": "probe", "inputs": "photo", "top1": 0.5, "top5": 0.875, "macro": 0.25}]
    scores += [{"classifier": "20-NN", "inputs": "photo", "top1": 0.625, "top5": 0.875, "macro": 0.25}]
    scores += [{"classifier": "probe", "inputs": "photo_chip", "top1": 0.75, "top5": 1.0, "macro": 0.5}]
    (run / "classify.json").write_text(json.dumps({"scores": scores}))
    found = {"direction": "photo to chip", "with_metadata": True, "species": {"r1": 0.125, "r5": 0.25, "r10": None}}
    (run / "retrieve.json").write_text(json.dumps({"results": [found]}))
    out.mkdir()
    make_publication(run, out, ADDRESS)
    return run, out


def test_the_card_says_what_it_is_for_what_it_learned_from_how_good_it_is_and_what_it_cannot(
    published: tuple[Path, Path],
) -> None:
    card = (published[1] / "README.md").read_text()
    sections = re.findall(r"^## (.*)$", card, re.MULTILINE)
    wanted = ["Use", "Intended use", "Data", "Licences", "Labels", "Figures", "Limits", "How it was made"]
    assert sections == wanted
    assert "birdsat.load('hf://anna/birds')" in card
    fingerprint = load_run_manifest(published[0]).dataset.fingerprint
    assert f"Fingerprint `{fingerprint}`" in card and "40 rows to learn from, 10 to choose by, 2 taxa" in card
    assert "| probe | photo | 0.500 | 0.875 | 0.250 |" in card and "by which the weights of step 1 were chosen" in card
    assert "| photo to chip | yes | 0.125 | 0.250 |  |" in card
    assert "| not stated | 52 |" in card  # licences of the photos, row by row


def test_the_head_of_the_card_is_yaml_that_the_hub_reads(published: tuple[Path, Path]) -> None:
    yaml = pytest.importorskip("yaml")
    head = yaml.safe_load((published[1] / "README.md").read_text().split("---\n")[1])
    assert head["library_name"] == "birdsat" and head["pipeline_tag"] == "image-feature-extraction"
    assert head["license"] == "other" and head["license_name"] == "not stated" and "birds" in head["tags"]
    (entry,) = head["model-index"]
    assert entry["name"] == "birds" and entry["results"][0]["metrics"] == [{"type": "accuracy", "value": 0.5}]


def test_what_is_published_has_the_same_weights_and_says_how_it_was_made_without_paths_of_this_machine(
    published: tuple[Path, Path],
) -> None:
    run, out = published
    assert model_fingerprint(load_run(out)) == model_fingerprint(load_run(run))
    manifest = load_run_manifest(out)
    assert manifest.sessions[0].command == "birdsat pretrain data run --recipe=mine.json"
    assert (manifest.recipe, manifest.dataset.folder) == ("mine.json", "data")
    for path in out.glob("*.json"):
        assert str(run.parent) not in path.read_text() and "/home/anna" not in path.read_text(), path
    assert str(run.parent) not in (out / "README.md").read_text()


def test_labels_go_with_the_authority_and_version_that_named_them_and_their_common_names(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    dataset = make_dataset(tmp_path / "data")
    learned = replace(
        learned_from(dataset),
        named_by="avilist 2025, from ebird 2021",
        taxa=(Taxon(name="Corvus corax", family="Corvidae", common_name="Common Raven"),),
    )
    session = this_session(Asked(), CONFIG, resumed=False)
    config.save(RunManifest(recipe="", sessions=(session,), dataset=learned), run / RUN_FILE)
    (tmp_path / "out").mkdir()
    make_publication(run, tmp_path / "out", ADDRESS)
    labels = json.loads((tmp_path / "out" / "labels.json").read_text())
    assert labels["taxonomy"] == {"authority": "avilist", "version": "2025", "from": "ebird 2021"}
    assert labels["labels"][0]["common_name"] == "Common Raven" and labels["labels"][0]["family"] == "Corvidae"
    assert "Named by avilist 2025, from ebird 2021." in (tmp_path / "out" / "README.md").read_text()


def test_a_run_of_an_earlier_birdsat_is_published_with_what_is_known_of_it(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    make_publication(make_run(tmp_path / "run"), tmp_path / "out", ADDRESS)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "By an earlier birdsat, which did not say." in card and "None were measured." in card


def test_a_range_model_of_rasters_is_refused(tmp_path: Path) -> None:
    fit_with_covariates().save(tmp_path / "ranges")
    with pytest.raises(ConfigError, match=r"learned from covariates \(field 0, .*which are not published"):
        make_publication(tmp_path / "ranges", tmp_path, ADDRESS)


def test_a_damaged_figures_file_leaves_the_card_without_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "classify.json").write_text('{"scores": [3, {"top1": "high"}]')
    (tmp_path / "out").mkdir()
    make_publication(run, tmp_path / "out", ADDRESS)
    assert "None were measured." in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("/home/anna/birds", "birds"),
        ("birds/2024", "birds/2024"),
        ("C:\\Users\\anna\\birds", "birds"),
        ("~/birds/", "birds"),
        ("birdsat fit --out=/home/anna/r /data/t.csv --box=-5,0,5,10", "birdsat fit --out=r t.csv --box=-5,0,5,10"),
        ("birdsat fit 'an unclosed", "birdsat fit 'an unclosed"),
        (["/a/b", {"x": "/c/d"}, 3, None], ["b", {"x": "d"}, 3, None]),
    ],
)
def test_paths_from_the_root_are_cut_to_their_last_part(written: object, published: object) -> None:
    assert without_folders(written) == published


@given(st.lists(st.text("abc/~.-_= ", min_size=1, max_size=20), max_size=4))
def test_cutting_paths_twice_is_cutting_them_once(words: list[str]) -> None:
    once = without_folders(words)
    assert without_folders(once) == once


def test_the_verbs_help_names_its_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "{onnx,torch}" in said and "range-model" in said
