"""`birdsat import`, and every verb on what it made."""

import sys
import types
from pathlib import Path

import pytest
import torch

from birdsat.cli import main
from birdsat.dataset.build import build_dataset
from birdsat.errors import BusyError, CheckpointError
from birdsat.locks import folder_lock
from birdsat.methods.mae import MaeConfig
from birdsat.training.run_folder import load_run
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.import_weights import fingerprint, import_weights, timm_weights
from birdsat.workflows.requests.tasks import ImportRequest

HEADS = ["--heads", "4", "--decoder-heads", "4"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "world"
    world, chips = VirtualWorld(0, photo_px=64), VirtualChips(0, ground_km=2.56, px=32)
    build_dataset(folder, world.observations(120), photos=world, chips=chips, workers=0)
    return folder


@pytest.fixture(scope="module", params=["cve", "cvm"])
def run(
    request: pytest.FixtureRequest, shared_data: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    checkpoint = shared_data.parent / "parity" / f"{request.param}-mae-meta-small.ckpt"
    out = tmp_path_factory.mktemp("runs") / request.param
    main(["import", str(checkpoint), str(out), *HEADS, "--taxa-from", str(dataset)])
    return out


def test_an_imported_run_says_where_it_is_from_and_what_it_sees(run: Path) -> None:
    made = load_run(run)
    assert (made.photo_px, made.chip_px, made.chip_ground_km) == (96, 64, (2.56,))
    assert "meta-small.ckpt" in (run / "README.md").read_text()
    assert not made.method.training


def test_every_verb_takes_it(run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["taxa", str(run)])
    taxon = next(line.split("\t")[0] for line in capsys.readouterr().out.splitlines() if not line.endswith("\t0"))
    main(["classify", str(run), str(dataset)])
    main(["retrieve", str(run), str(dataset)])
    main(["embed", str(run), str(dataset), str(tmp_path / "embeddings.parquet")])
    arguments = ["--box=0,0,30,30", "--grid", "10", "--imagery", "virtual:0", "--workers", "0", "--out", str(tmp_path)]
    main(["map", taxon, "--run", str(run), *arguments])
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet", ".tif", ".json", ".qml", ".png"}


def test_an_import_into_a_folder_that_holds_something_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["import", "weights.ckpt", str(run)])
    assert "choose another folder" in capsys.readouterr().err


def test_one_import_at_a_time_writes_a_run(tmp_path: Path) -> None:
    asked = ImportRequest(source="weights.ckpt", run=tmp_path / "run")
    with folder_lock(tmp_path / "run"), pytest.raises(BusyError, match="is being written"):
        import_weights(asked)


def test_the_fingerprint_is_of_names_and_values() -> None:
    one = {"a": torch.zeros(2), "b": torch.ones(1)}
    assert fingerprint(one) == fingerprint(dict(reversed(one.items())))
    assert fingerprint(one) != fingerprint(one | {"a": torch.ones(2)}) != fingerprint({"b": torch.ones(1)})


def test_timm_that_does_not_import_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(CheckpointError, match=r"birdsat\[timm\].*torchvision"):
        timm_weights("vit_base_patch16_224")


def test_a_vit_of_timm_becomes_a_run(monkeypatch: pytest.MonkeyPatch, shared_data: Path, tmp_path: Path) -> None:
    encoder = torch.load(shared_data.parent / "parity" / "cvm-mae-meta-small.ckpt", weights_only=True)["state_dict"]
    kept = ("blocks", "norm", "cls_token")
    tensors = {name.removeprefix("model."): value for name, value in encoder.items() if name.startswith("model.")}
    tensors = {name: value for name, value in tensors.items() if name.startswith(kept)}
    tensors |= {f"patch_embed.proj.{part}": encoder[f"model.patch_embed1.proj.{part}"] for part in ("weight", "bias")}
    tensors["pos_embed"] = encoder["model.pos_embed"][:, :37]
    block = types.SimpleNamespace(attn=types.SimpleNamespace(num_heads=4))
    pixels = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
    model = types.SimpleNamespace(state_dict=lambda: tensors, blocks=[block], pretrained_cfg=pixels)
    timm = types.SimpleNamespace(create_model=lambda name, pretrained, num_classes: model)
    monkeypatch.setitem(sys.modules, "timm", timm)
    main(["import", "timm:vit_small", str(tmp_path / "run"), "--image", "chip"])
    made = load_run(tmp_path / "run")
    assert made.method.sees_chips and made.chip_px == 96
    assert isinstance(made.config.method, MaeConfig)
    assert made.config.method.chip_mean == pixels["mean"] and made.config.method.chip_std == pixels["std"]
