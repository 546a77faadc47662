"""`birdsat retrieve`: what it writes, how it ranks again, and what it refuses."""

import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import torch
from made_runs import CROSS_VIEW, ENCODER, PHOTO, NoiseImages, make_dataset, make_run
from tiny_world import TinyWorld
from torch import Tensor

from birdsat.cli import main
from birdsat.encoders.place_time import PlaceTimeConfig
from birdsat.errors import ConfigError
from birdsat.methods.cve_mae import CveMae
from birdsat.methods.cvm_mae import CvmMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.pictures.neighbours import (
    HIT,
    MISS,
    OWN,
    Answered,
    Card,
    draw_neighbours,
    of_several_labels,
    where_and_when,
)
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows import retrieve as retrieval
from birdsat.workflows.requests.tasks import RetrieveRequest
from birdsat.workflows.retrieve import RetrieveResult, retrieve

MATCHING = CvmMaeConfig(
    images=replace(PHOTO, encoder=replace(ENCODER, views=2 * ENCODER.views)),
    place_time=PlaceTimeConfig(hidden_width=16),
)


class SameImage(CveMae):
    """Photo and chip belong together where they are the same image, as they are in these datasets."""

    matches_pairs = True

    def match(self, photo: Tensor, chip: Tensor, lon_lat: Tensor, year_fraction: Tensor) -> Tensor:
        return -(photo.float() - chip.float()).abs().mean(dim=(1, 2, 3))


def matching(run: Path) -> Run:
    loaded = load_run(run)
    method = SameImage(CROSS_VIEW)
    method.load_state_dict(loaded.method.state_dict())
    return replace(loaded, method=method.eval())


def found(run: Path, dataset: Path, **settings: Any) -> RetrieveResult:
    return retrieve(RetrieveRequest(run=run, dataset=dataset, **settings))


@pytest.fixture
def run(tiny_world: TinyWorld, tmp_path: Path) -> Path:
    """That of the tiny world, to write in."""
    return shutil.copytree(tiny_world.run, tmp_path / "mine")


def test_the_run_gets_figures_and_a_picture(run: Path, dataset: Path) -> None:
    main(["retrieve", str(run), str(dataset), "--queries", "1"])
    figures = json.loads((run / "retrieve.json").read_text())
    assert (figures["rows"], figures["queries"], figures["shortlist"], figures["reranked_by"]) == (2, 1, None, None)
    assert figures["protocol"] == "ours" and len(figures["results"]) == 4
    pixels = matplotlib.image.imread(run / "retrieve.png")
    assert pixels.shape[1] > pixels.shape[0] > 300 and pixels[..., :3].std() > 0.05


def test_the_papers_protocol_is_one_setting(run: Path, dataset: Path) -> None:
    report = found(run, dataset, protocol="paper").report
    assert [result.direction for result in report.results] == ["chip to photo"]
    assert json.loads((run / "retrieve.json").read_text())["protocol"] == "paper"


@pytest.mark.parametrize("same", [True, False])
def test_a_second_run_or_the_same_one_ranks_the_shortlist_again(
    same: bool, run: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = run if same else make_run(tmp_path / "other")
    loaded: list[Path] = []

    def load(folder: Path) -> Run:
        loaded.append(folder)
        return matching(folder) if folder == other else load_run(folder)

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(retrieval, "load_run", load)
    report = found(run, dataset, rerank=other, shortlist=2).report
    assert loaded == ([run] if same else [run, other])
    for direction in ("photo to chip", "chip to photo"):
        assert report.result(direction, with_metadata=True, reranked=True).pair.at[1] == 1
    figures = json.loads((run / "retrieve.json").read_text())
    assert (figures["shortlist"], figures["reranked_by"]) == (2, other.name)
    assert list(scratch.iterdir()) == []  # the decoded images are gone


@pytest.mark.parametrize("same", [True, False])
def test_a_run_of_cvm_mae_ranks_its_own_shortlist_or_that_of_another_run(
    same: bool, run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_run(tmp_path / "pairs", MATCHING)
    first = other if same else run
    main(["retrieve", str(first), str(dataset), "--rerank", str(other), "--protocol", "paper"])
    figures = json.loads((first / "retrieve.json").read_text())
    assert [result["reranked"] for result in figures["results"]] == [False, True]
    assert (figures["reranked_by"], figures["shortlist"]) == ("pairs", 2)
    assert "first 2" in " ".join(capsys.readouterr().out.split())


def test_what_cannot_rank_again_is_refused_before_anything_is_embedded(
    run: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "embed_split", lambda *_, **__: pytest.fail("embedded"))
    with pytest.raises(ConfigError, match=r"mine holds a CveMae, which matches no pairs.*cvm_mae"):
        found(run, dataset, rerank=run)
    with pytest.raises(ConfigError, match="a shortlist of 9 needs a run that ranks it again"):
        found(run, dataset, shortlist=9)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ConfigError, match=r"pip install 'birdsat\[faiss\]'"):
        found(run, dataset, search="faiss")
    monkeypatch.setattr(retrieval, "load_run", matching)
    with pytest.raises(ConfigError, match=r"5 km.*7\.5 km"):
        found(run, make_dataset(tmp_path / "wide", images=NoiseImages(7.5)).folder, rerank=run)
    assert not (run / "retrieve.json").exists() and not (run / "retrieve.png").exists()


def test_a_run_without_chips_is_refused(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blind = make_run(tmp_path / "blind", MaeConfig(image=PHOTO))
    with pytest.raises(SystemExit):
        main(["retrieve", str(blind), str(dataset)])
    assert "nothing can be retrieved" in capsys.readouterr().err


def card(taxon: str, row: int) -> Card:
    return Card(image=np.full((8, 8, 3), 90, np.uint8), taxon=taxon, where_and_when="", row=row)


def test_right_answers_are_framed_by_what_they_are() -> None:
    answered = Answered(query=card("a", 1), answers=(card("a", 1), card("a", 2), card("b", 3)))
    figure = draw_neighbours([("photo to chip", [answered])])
    (part,) = figure.subfigs
    frames = [matplotlib.colors.to_hex(axes.spines["top"].get_edgecolor()) for axes in part.axes]
    assert frames[1:] == [OWN, HIT, MISS]
    assert [axes.get_title() for axes in part.axes] == ["", "✓ own pair", "✓ same species", ""]


def test_where_and_when_leaves_out_what_is_not_known() -> None:
    assert where_and_when([-3.26, -10.0], 0.0) == "10.0°S 3.3°W, 1 Jan"
    assert where_and_when([float("nan"), float("nan")], 0.999999) == "31 Dec"
    assert where_and_when([7.0, 50.0], float("nan")) == "50.0°N 7.0°E"
    assert where_and_when([float("nan")] * 2, float("nan")) == ""


def test_queries_are_of_several_labels_where_there_are_so_many() -> None:
    labels = torch.tensor([0, 0, 1, 2, 2]).numpy()
    assert of_several_labels([1, 0, 4, 3, 2], labels, 2) == [1, 4]
    assert of_several_labels([1, 0], labels, 5) == [1]
