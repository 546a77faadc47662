"""`birdsat export`: files that say the same as the model in other readers, and what it refuses."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from made_exports import drawn, listed, said_by_file, said_by_module
from made_runs import CROSS_VIEW, make_run
from PIL import Image
from small_methods import METHODS, batch

from birdsat.api.load import load
from birdsat.api.model import Model
from birdsat.cli.main import main
from birdsat.dataset.views import ViewsConfig
from birdsat.errors import BirdsatWarning, CheckpointError, ConfigError
from birdsat.methods.classifier import ClassifierConfig
from birdsat.ranges.load import load_ranges
from birdsat.tasks.export.range_part import range_part
from birdsat.tasks.export.run_parts import run_parts
from birdsat.tasks.export.write import write_part
from birdsat.training.config import RunConfig
from birdsat.training.run_folder import MODEL_FILE, load_run, replace_weights
from birdsat.workflows import export as workflow
from birdsat.workflows.export import export
from birdsat.workflows.requests.export import ExportRequest

TAXA = ("Corvus corax", "Pica pica", "Parus major", "Cyanistes caeruleus")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of photo, chip, place and date; its weights are random."""
    config = ClassifierConfig(backbone=CROSS_VIEW, taxa=TAXA, inputs="photo_chip_place_date", class_counts=(1, 1, 1, 1))
    return make_run(tmp_path_factory.mktemp("runs") / "classifier", config)


@pytest.fixture(scope="module")
def exported(classifier: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the classifier can give, by the command line."""
    out = tmp_path_factory.mktemp("exports") / "onnx"
    main(["export", str(classifier), "--out", str(out), "--int8"])
    return out


def test_every_part_of_a_run_says_the_same_in_onnxruntime_of_any_number_of_samples(
    exported: Path, classifier: Path
) -> None:
    parts, files = run_parts(load_run(classifier))[0], listed(exported)
    assert {one["part"] for one in files.values()} == set(parts) == {"photo-encoder", "place-encoder", "classifier"}
    for file, one in files.items():
        for n in () if one["int8"] else (1, 2, 7):
            inputs = drawn(one["inputs"], n, seed=n)
            for said, expected in zip(
                said_by_file(exported / file, inputs), said_by_module(parts[one["part"]], inputs), strict=True
            ):
                assert np.isfinite(said).all()
                np.testing.assert_allclose(said, expected, atol=1e-4)


def test_eight_bits_name_nearly_always_the_same_and_are_smaller(exported: Path) -> None:
    files = listed(exported)
    inputs = drawn(files["classifier.onnx"]["inputs"], 64)
    whole, small = (said_by_file(exported / name, inputs)[0] for name in ("classifier.onnx", "classifier-int8.onnx"))
    np.testing.assert_allclose(whole, small, atol=0.02)
    np.testing.assert_allclose(small.sum(axis=1), 1, atol=1e-5)
    assert np.abs(whole - small).max() > 0
    assert files["classifier-int8.onnx"]["bytes"] < files["classifier.onnx"]["bytes"]


def test_the_manifest_says_what_goes_in_and_comes_out_and_of_which_weights(exported: Path, classifier: Path) -> None:
    written = json.loads((exported / "export.json").read_text())
    run = load_run(classifier)
    assert written["labels"] == list(TAXA) and written["temperature"] == 1.0 and written["format"] == "onnx"
    assert written["photo"]["px"] == run.photo_px and written["photo"]["crop"] == "central square"
    assert tuple(written["photo"]["mean"]) == CROSS_VIEW.photo_mean and written["chip"]["ground_km"] == [5.0]
    for one in written["files"]:
        data = (exported / one["file"]).read_bytes()
        assert one["bytes"] == len(data) and one["sha256"] == hashlib.sha256(data).hexdigest()
        model = onnx.load_from_string(data)
        assert [port["name"] for port in one["inputs"]] == [value.name for value in model.graph.input]
        assert [port["name"] for port in one["outputs"]] == [value.name for value in model.graph.output]
        facts = {fact.key: fact.value for fact in model.metadata_props}
        assert facts["fingerprint"] == written["fingerprint"]
    assert sorted(path.name for path in exported.iterdir()) == sorted([*listed(exported), "export.json"])


def test_no_file_says_where_on_this_machine_it_was_made(exported: Path) -> None:
    here = [str(Path(__file__).parents[2]), sys.prefix, str(Path(torch.__file__).parents[1])]
    for path in exported.iterdir():
        assert not any(place.encode() in path.read_bytes() for place in here), path


def test_the_same_run_gives_the_same_bytes(exported: Path, classifier: Path, tmp_path: Path) -> None:
    export(ExportRequest(run=classifier, out=tmp_path / "again", part="photo-encoder"))
    name = "photo-encoder.onnx"
    assert (tmp_path / "again" / name).read_bytes() == (exported / name).read_bytes()


def test_a_range_model_says_the_same_in_onnxruntime(ranges: Path, tmp_path: Path) -> None:
    result = export(ExportRequest(run=ranges, out=tmp_path / "out"))
    model = load_ranges(ranges)
    assert [path.name for path in result.files] == ["range-model.onnx", "export.json"]
    assert result.manifest.labels == model.facts.taxa and result.manifest.model == "range model"
    (one,) = listed(tmp_path / "out").values()
    for n in (1, 9):
        inputs = drawn(one["inputs"], n)
        inputs["lon_lat"] = np.nan_to_num(inputs["lon_lat"])  # a place is always known
        for said, expected in zip(
            said_by_file(result.files[0], inputs), said_by_module(range_part(model), inputs), strict=True
        ):
            np.testing.assert_allclose(said, expected, atol=1e-4)


def test_torch_reads_its_own_format_back(classifier: Path, tmp_path: Path) -> None:
    export(ExportRequest(run=classifier, out=tmp_path / "out", format="torch", part=["classifier"]))
    parts = run_parts(load_run(classifier))[0]
    (one,) = listed(tmp_path / "out").values()
    assert one["file"] == "classifier.pt2"
    for n in (1, 5):
        inputs = drawn(one["inputs"], n)
        said = said_by_file(tmp_path / "out" / "classifier.pt2", inputs)
        for got, expected in zip(said, said_by_module(parts["classifier"], inputs), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_exported(name: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    torch.manual_seed(0)
    method = METHODS[name].build().eval()
    config = RunConfig(
        method=METHODS[name], views=ViewsConfig(photo_px=16, chip_px=8, photo_views=METHODS[name].photo_views)
    )
    parts = run_parts(replace(load_run(run), config=config, method=method))[0]
    some = batch()
    given = {"photo": some.photo, "chip": some.chip, "lon_lat": some.lon_lat, "year_fraction": some.year_fraction}
    assert parts
    for part in parts.values():
        path = tmp_path / f"{part.name}.onnx"
        write_part(part, path, "onnx", {})
        inputs = {port.name: given[port.name].numpy() for port in part.inputs}
        for said, expected in zip(said_by_file(path, inputs), said_by_module(part, inputs), strict=True):
            np.testing.assert_allclose(said, expected, atol=1e-4)


def test_the_python_example_names_a_photo_as_the_model_does(tmp_path: Path) -> None:
    photo = tmp_path / "bird.png"  # decoded alike by whatever reads it, as a JPEG is not
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)).save(photo)
    run = make_run(tmp_path / "run", ClassifierConfig(backbone=METHODS["mae"], taxa=TAXA, class_counts=(1, 1, 1, 1)))
    method = load_run(run).method
    with torch.no_grad():
        method.head.taxa.weight.mul_(200)  # type: ignore[union-attr, operator]  # else all taxa are about as likely
    replace_weights(method, run / MODEL_FILE)
    export(ExportRequest(run=run, out=tmp_path / "out", part="classifier"))
    example = Path(__file__).parents[2] / "examples" / "name_photos.py"
    assert len(example.read_text().splitlines()) <= 32
    done = subprocess.run(
        [sys.executable, example, tmp_path / "out", photo], capture_output=True, text=True, check=True
    )
    model = load(run)
    assert isinstance(model, Model)
    (best,) = model.classify([photo]).top(3)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[2] for line in lines] == [taxon for taxon, _ in best]
    assert [float(line[1]) for line in lines] == pytest.approx([score for _, score in best], abs=0.02)


# What is refused


@pytest.mark.parametrize(
    ("asked", "said", "settings"),
    [
        ({"part": "classifier"}, "is not a classifier; train one from it: mode finetune", ("part",)),
        ({"part": "range-model"}, "is a run, not a range model", ("part",)),
        ({"int8": True}, "there is no classifier to bring to int8", ("int8",)),
    ],
)
def test_a_part_that_a_run_cannot_give_is_refused_with_those_it_can(
    run: Path, tmp_path: Path, asked: dict[str, Any], said: str, settings: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        export(ExportRequest(run=run, out=tmp_path / "out", **asked))
    assert refused.value.settings == settings and not (tmp_path / "out").exists()


def test_a_photo_encoder_of_a_range_model_and_of_a_run_of_chips_is_refused(ranges: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a range model; give the run of the images.*can give range-model"):
        export(ExportRequest(run=ranges, out=tmp_path / "out", part="photo-encoder"))


@pytest.mark.parametrize(
    "asked", [{"format": "torch", "int8": True}, {"part": ["photo-encoder"], "int8": True}, {"format": "onxx"},
              {"part": "photo_encoder"}]
)  # fmt: skip
def test_settings_that_do_not_go_together_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"int8 is of|allowed: 'onnx', 'torch'|'photo-encoder'"):
        ExportRequest(run="run", out="out", **asked)


def test_a_folder_that_holds_something_is_left_as_it_is(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds something already; choose an empty folder"):
        export(ExportRequest(run=run, out=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_an_export_left_that_was_killed_while_moving_its_files_is_written_anew(
    ranges: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo-encoder.pt2").write_text("of another part")
    (tmp_path / "range-model.onnx").write_text("half of it")
    with pytest.warns(BirdsatWarning, match=r"holds 2 file\(s\) of an export that was stopped; they are written again"):
        export(ExportRequest(run=ranges, out=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.json", "range-model.onnx"]
    (one,) = listed(tmp_path).values()
    assert one["sha256"] == hashlib.sha256((tmp_path / "range-model.onnx").read_bytes()).hexdigest()
    with pytest.raises(ConfigError, match="holds something already"):  # it is whole, and is not written over
        export(ExportRequest(run=ranges, out=tmp_path))


def test_a_file_of_one_s_own_beside_parts_keeps_all_of_them(run: Path, tmp_path: Path) -> None:
    for name in ("classifier.onnx", "notes.md"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match="holds something already"):
        export(ExportRequest(run=run, out=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classifier.onnx", "notes.md"]


def test_an_unfinished_run_and_a_folder_of_something_else_are_refused(run: Path, tmp_path: Path) -> None:
    unfinished = shutil.copytree(run, tmp_path / "run")
    (unfinished / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is unfinished"):
        export(ExportRequest(run=unfinished, out=tmp_path / "out"))
    with pytest.raises(CheckpointError, match=r"is not a training run: it has no config\.json"):
        export(ExportRequest(run=tmp_path, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_a_package_that_is_missing_is_named_before_anything_is_read(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"needs the package {missing}, .*`pip install 'birdsat\[export\]'`"):
        export(ExportRequest(run="nowhere", out=tmp_path / "out"))


def test_importing_the_verb_imports_none_of_its_packages() -> None:
    script = (
        "import sys, birdsat.workflows.export\n"
        "assert not {'onnx', 'onnxruntime', 'onnxscript', 'huggingface_hub'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_nothing_is_left_of_an_export_that_fails(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_the_second(part: Any, path: Path, *given: Any) -> None:
        if part.name != "photo-encoder":
            raise OSError("the disk is full")
        path.write_bytes(b"a file")

    monkeypatch.setattr(workflow, "write_part", fail_at_the_second)
    with pytest.raises(OSError, match="the disk is full"):
        export(ExportRequest(run=run, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()
