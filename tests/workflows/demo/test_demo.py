import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from birdsat.cli import show
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import BirdsatError, ConfigError
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.progress import QUIET, Quiet
from birdsat.recipes.ours import demo_with_metadata, demo_without_metadata
from birdsat.training.config import RunConfig
from birdsat.workflows.demo.run import DemoConfig, DemoResult, demo
from birdsat.workflows.demo.stages import Stages, state_of
from birdsat.workflows.requests.demo import DemoRequest


def small(run: RunConfig) -> RunConfig:
    method = run.method
    assert isinstance(method, CveMaeConfig)
    photo = dataclasses.replace(method.photo, encoder=narrow(method.photo.encoder))
    return dataclasses.replace(
        run,
        method=dataclasses.replace(method, photo=photo, chip_encoder=narrow(method.chip_encoder)),
        steps=4,
        batch_size=32,
        log_every=2,
        val_every=4,
        checkpoint_every=4,
        workers=0,
    )


def narrow(encoder: ViewEncoderConfig) -> ViewEncoderConfig:
    return dataclasses.replace(encoder, width=16, depth=1, heads=2)


MINIATURE = DemoConfig(
    observations=400,
    val_fraction=0.1,
    test_fraction=0.4,
    map_step_degrees=20.0,
    workers=0,
    with_metadata=small(demo_with_metadata()),
    without_metadata=small(demo_without_metadata()),
)


class Heard(Quiet):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, heard: Heard) -> DemoResult:
    return demo(DemoRequest(out=tmp_path_factory.mktemp("demo") / "out"), heard, config=MINIATURE)


class Page(HTMLParser):
    """Collects the figures, the tags, and every attribute that may name something elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.figures: list[tuple[str, str]] = []
        self.tags: set[str] = set()
        self.references: list[str] = []
        self._figure = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self._figure = found.get("data-figure") or ""
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data: str) -> None:
        if self._figure:
            self.figures.append((self._figure, data))
            self._figure = ""


def test_the_demo_writes_the_figures_that_were_promised(report: DemoResult) -> None:
    figures = json.loads(report.figures_file.read_text())
    for row in ("pretrained", "random", "chance"):
        assert {"top1", "top5"} <= figures["classify"][row].keys()
    for way in ("photo_to_chip", "chip_to_photo"):
        assert {"r1", "r1_chance", "r10", "r10_chance"} <= figures["retrieve"][way].keys()
    assert {"auc", "ap"} <= figures["map"].keys()
    assert {"with_metadata", "without_metadata"} <= figures["lookalikes"].keys()
    assert {"total", "pretrain"} <= figures["seconds"].keys()
    assert figures["seconds"]["total"] == pytest.approx(sum(figures["seconds"].values()) / 2)
    assert 1 <= figures["lookalikes"]["pairs"] <= 6
    assert 0.2 < figures["map"]["auc"] < 0.95


def test_every_figure_on_the_page_is_the_one_in_the_json(report: DemoResult) -> None:
    figures = json.loads(report.figures_file.read_text())
    shown = Page(report.page.read_text()).figures
    assert len(shown) > 60
    for path, text in shown:
        value = figures
        for name in path.split("."):
            value = value[int(name)] if isinstance(value, list) else value[name]
        form = "{:.1%}" if "%" in text else "{:.3f}" if "." in text else "{:,.0f}"
        assert text == form.format(value).replace("%", "\N{NO-BREAK SPACE}%"), path


def test_the_page_needs_no_other_file_and_no_network(report: DemoResult) -> None:
    text = report.page.read_text()
    page = Page(text)
    assert not page.tags & {"script", "link", "iframe", "object", "embed"}
    assert len(page.references) > 60
    assert all(re.match(r"data:image/(png|jpeg);base64,", reference) for reference in page.references)
    assert not re.search(r"url\(|@import|https?://", text)
    assert "$" not in re.sub(r"base64,[^\"]*", "", text)


def test_every_stage_is_said_in_its_order_with_the_seconds_it_took(report: DemoResult, heard: Heard) -> None:
    assert [text[:3] for text in heard.said[::2]] == [f"{number}/8" for number in range(1, 9)]
    assert heard.said[0] == "1/8 building the virtual world"
    assert all(re.fullmatch(r" +[\d,.]+ s", text) for text in heard.said[1::2])


def test_the_bars_say_of_each_figure_whether_it_is_met(report: DemoResult, capsys: pytest.CaptureFixture[str]) -> None:
    bars = report.figures["bars"]
    assert [row[0] for row in report.bars.rows] == [bar["figure"] for bar in bars]
    assert [row[-1] == "met" for row in report.bars.rows] == [bar["met"] for bar in bars]
    assert json.loads(json.dumps(report.to_dict()))["all_met"] is all(bar["met"] for bar in bars)
    show.demo(report)
    printed = capsys.readouterr().out
    assert "map.auc" in printed and f"The report is {report.page}" in printed


def test_a_second_demo_keeps_what_is_built_and_trained(report: DemoResult) -> None:
    out = report.page.parent
    made = [out / "dataset/manifest.json", out / "with-metadata/model.safetensors"]
    before = [path.stat().st_mtime_ns for path in made]
    again = demo(DemoRequest(out=out), config=MINIATURE)
    assert [path.stat().st_mtime_ns for path in made] == before
    for name in ("classify", "retrieve", "map", "lookalikes"):
        assert again.figures[name] == report.figures[name]
    assert again.figures["seconds"]["pretrain"] == report.figures["seconds"]["pretrain"]


def test_a_demo_of_another_seed_is_refused(report: DemoResult) -> None:
    with pytest.raises(BirdsatError, match="Remove the folder, or choose another"):
        demo(DemoRequest(out=report.page.parent, seed=1), config=MINIATURE)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").touch()
    with pytest.raises(ConfigError, match="choose a folder"):
        demo(DemoRequest(out=tmp_path / "demo"), config=MINIATURE)


def test_the_two_runs_see_images_alike() -> None:
    other = demo_without_metadata()
    views = dataclasses.replace(other.views, photo_crop_scale=0.9)
    with pytest.raises(ConfigError, match="same views"):
        DemoConfig(without_metadata=dataclasses.replace(other, views=views))


def test_continued_work_adds_to_its_seconds_and_finished_work_keeps_them(tmp_path: Path) -> None:
    file = tmp_path / "seconds.json"
    file.write_text('{"dataset": 100.0, "pretrain": 200.0}')
    stages = Stages(file, count=3, progress=QUIET)
    with stages.stage("dataset", "building", "finished"):
        pass
    with pytest.raises(RuntimeError), stages.stage("pretrain", "training", "continued"):
        raise RuntimeError
    with stages.stage("map", "mapping"):
        pass
    assert stages.seconds["dataset"] == 100.0
    assert 200.0 < stages.seconds["pretrain"] < 201.0
    assert stages.seconds["map"] < 1.0
    assert json.loads(file.read_text()) == stages.seconds


def test_the_state_of_a_stage_is_read_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert state_of(folder, "model") == "new"
    folder.mkdir()
    (folder / "config.json").touch()
    assert state_of(folder, "model") == "continued"
    (folder / "model").touch()
    assert state_of(folder, "model") == "finished"
