import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from birdsat.encoders.positions import grid_positions
from birdsat.errors import CheckpointError
from birdsat.methods.cve_mae import CveMaeConfig
from birdsat.methods.cvm_mae import CvmMaeConfig
from birdsat.methods.mae import MaeConfig
from birdsat.methods.published.weights import Wanted, _tokens_of_views, from_published, read_checkpoint

WANTED = Wanted(heads=2, decoder_heads=2)


def vit(
    prefix: str = "", *, side: int = 2, patch_px: int = 4, depth: int = 2, vitae: bool = False, decoder: bool = True
) -> dict[str, Tensor]:
    """Tensors of a small encoder and decoder as the published code names them."""
    torch.manual_seed(0)
    width, narrow, tokens = 8, 4, side**2
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 1 + tokens, width),
        "patch_embed.proj.weight": (width, 3, patch_px, patch_px),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    shapes |= blocks("blocks", width, depth, vitae)
    if decoder:
        shapes |= {
            "mask_token": (1, 1, narrow),
            "decoder_pos_embed": (1, 1 + tokens, narrow),
            "decoder_embed.weight": (narrow, width),
            "decoder_embed.bias": (narrow,),
            "decoder_norm.weight": (narrow,),
            "decoder_norm.bias": (narrow,),
            "decoder_pred.weight": (3 * patch_px**2, narrow),
            "decoder_pred.bias": (3 * patch_px**2,),
        }
        shapes |= blocks("decoder_blocks", narrow, 1, False)
    return {f"{prefix}{name}": torch.randn(shape) for name, shape in shapes.items()}


def blocks(name: str, width: int, depth: int, vitae: bool) -> dict[str, tuple[int, ...]]:
    one: dict[str, tuple[int, ...]] = {
        "norm1.weight": (width,),
        "norm1.bias": (width,),
        "attn.qkv.weight": (3 * width, width),
        "attn.proj.weight": (width, width),
        "attn.proj.bias": (width,),
        "norm2.weight": (width,),
        "norm2.bias": (width,),
        "mlp.fc1.weight": (4 * width, width),
        "mlp.fc1.bias": (4 * width,),
        "mlp.fc2.weight": (width, 4 * width),
        "mlp.fc2.bias": (width,),
    }
    if not vitae:
        one["attn.qkv.bias"] = (3 * width,)
    else:
        one |= {
            "attn.q_bias": (width,),
            "attn.v_bias": (width,),
            "PCM.0.weight": (4 * width, 4, 3, 3),
            "PCM.0.bias": (4 * width,),
            "PCM.1.weight": (4 * width,),
            "PCM.1.bias": (4 * width,),
            "PCM.1.running_mean": (4 * width,),
            "PCM.1.running_var": (4 * width,),
            "PCM.1.num_batches_tracked": (),
            "PCM.3.weight": (width, 16, 3, 3),
            "PCM.3.bias": (width,),
        }
    return {f"{name}.{i}.{part}": shape for i in range(depth) for part, shape in one.items()}


def cve(*, metadata: bool = False) -> dict[str, Tensor]:
    tensors = vit("ground_encoder.", vitae=True) | vit("sat_encoder.", vitae=True, side=4)
    if metadata:
        tensors |= {f"{name}_encode.weight": torch.randn(8, 4) for name in ("geo", "date")}
        tensors |= {f"{name}_encode.bias": torch.randn(8) for name in ("geo", "date")}
    return tensors


@pytest.mark.parametrize("metadata", [True, False])
def test_cve_with_and_without_metadata_is_filled_from_its_tensors(metadata: bool) -> None:
    found = from_published(cve(metadata=metadata), WANTED)
    assert isinstance(found.config, CveMaeConfig)
    assert (found.config.photo_px, found.config.chip_px) == (8, 16)
    assert found.method.uses_metadata == metadata and not found.method.training
    assert found.unused and all(name.startswith("sat_encoder.") for name in found.unused)
    assert not found.method.chip_encoder.class_token.requires_grad


@pytest.mark.parametrize("name", ["cve", "cvm"])
def test_every_tensor_of_a_full_size_checkpoint_has_its_place(name: str, shared_data: Path) -> None:
    keys = json.loads((shared_data.parent / "parity" / f"{name}_meta_keys.json").read_text())
    tensors = {key: torch.zeros(()).expand(shape) for key, shape in keys.items()}  # one number each in memory
    found = from_published(tensors)
    assert (found.config.photo_px, found.config.chip_px) == (384, 224)
    kind = {"cve": CveMaeConfig, "cvm": CvmMaeConfig}[name]
    assert isinstance(found.config, kind)
    assert all(name.startswith("sat_encoder.") for name in found.unused)


def test_meta_s_mae_with_and_without_its_decoder() -> None:
    whole, encoder = from_published(vit(), WANTED), from_published(vit(decoder=False), WANTED)
    assert isinstance(whole.config, MaeConfig) and whole.kind == "Meta's MAE" and encoder.kind == "a plain ViT"
    photo = torch.rand(2, 3, 8, 8)
    assert torch.equal(whole.method.embed_photo(photo), encoder.method.embed_photo(photo))


def test_a_vit_can_become_the_encoder_of_chips() -> None:
    method = from_published(vit(decoder=False), Wanted(heads=2, image="chip")).method
    assert method.sees_chips and not method.sees_photos


def test_positions_are_interpolated_for_images_of_another_size() -> None:
    found = from_published(vit(), Wanted(heads=2, decoder_heads=2, photo_px=16))
    assert found.config.photo_px == 16
    assert found.method.embed_photo(torch.rand(1, 3, 16, 16)).isfinite().all()
    assert found.method.image.encoder.positions_0.shape == (16, 8)


def test_sine_cosine_positions_stay_fixed_and_others_are_learned() -> None:
    tensors = vit()
    tensors["pos_embed"][0, 1:] = grid_positions(2, 2, 8)
    config = from_published(tensors, WANTED).config
    assert isinstance(config, MaeConfig)
    assert (config.image.encoder.positions, config.image.decoder.positions) == ("fixed", "learned")


def test_missing_and_unknown_tensors_are_named() -> None:
    tensors = cve()
    del tensors["ground_encoder.blocks.1.mlp.fc1.bias"]
    tensors["ground_encoder.extra"] = torch.zeros(1)
    with pytest.raises(
        CheckpointError, match=r"lacks ground_encoder\.blocks\.1\.mlp\.fc1\.bias and has unknown .*extra"
    ):
        from_published(tensors, WANTED)


def test_a_tensor_of_a_wrong_size_is_named_with_both_sizes() -> None:
    tensors = vit()
    tensors["blocks.1.mlp.fc1.weight"] = torch.zeros(8, 8)
    with pytest.raises(CheckpointError, match=r"mlp\.0\.weight.*\(8, 8\).*\(32, 8\)"):
        from_published(tensors, WANTED)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("pos_embed", (1, 4, 8), "3 positions make no square"),
        ("decoder_pos_embed", (1, 4, 4), "3 positions make no square"),
        ("pos_embed", (5, 8), "3 axes"),
        ("cls_token", (), "3 axes"),
        ("patch_embed.proj.weight", (8, 48), "4 axes"),
    ],
)
def test_sizes_that_cannot_be_read_are_explained(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        from_published(vit() | {name: torch.zeros(shape)}, WANTED)


def test_heads_that_cannot_be_known_are_asked_for() -> None:
    with pytest.raises(CheckpointError, match=r"as heads"):
        from_published(vit())
    with pytest.raises(CheckpointError, match="as decoder_heads"):
        from_published(vit(), Wanted(heads=2))


def test_other_models_are_refused_by_the_names_of_their_tensors() -> None:
    with pytest.raises(CheckpointError, match=r"conv1\.weight"):
        from_published({"conv1.weight": torch.zeros(3)})


@pytest.mark.parametrize("key", ["state_dict", "model", None])
def test_lightning_meta_and_bare_files_are_read_with_all_else_left_out(key: str | None, tmp_path: Path) -> None:
    content: dict[str, Any] = {"a": torch.ones(2, dtype=torch.float16)}
    if key is not None:
        content = {key: content, "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}}], "epoch": 3}
    torch.save(content, tmp_path / "file.ckpt")
    tensors = read_checkpoint(tmp_path / "file.ckpt")
    assert list(tensors) == ["a"] and tensors["a"].dtype == torch.float32


def test_safetensors_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "file.safetensors")
    assert read_checkpoint(tmp_path / "file.safetensors")["a"].tolist() == [1.0, 1.0]
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "file.safetensors").read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="download it again"):
        read_checkpoint(tmp_path / "cut.safetensors")


class Trojan:
    def __init__(self, touches: Path) -> None:
        self.touches = touches

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.touches,)


def test_a_file_that_brings_code_is_refused_with_the_reason(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}, "args": Trojan(tmp_path / "made")}, tmp_path / "file.ckpt")
    with pytest.raises(CheckpointError, match=r"run code that it brings \(.*\).*no more than its tensors"):
        read_checkpoint(tmp_path / "file.ckpt")
    assert not (tmp_path / "made").exists()


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(100)}}, tmp_path / "cut.ckpt")
    cut = (tmp_path / "cut.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(cut[: len(cut) // 2])
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    (tmp_path / "old.ckpt").write_bytes(pickle.dumps({"a": 1}, protocol=2))  # which torch.load reads without a warning
    torch.save({"epoch": 3}, tmp_path / "empty.ckpt")
    for name in ("cut", "text", "old", "empty", "absent"):
        with pytest.raises(CheckpointError, match=name):
            read_checkpoint(tmp_path / f"{name}.ckpt")


def test_a_shared_table_of_positions_is_parted_in_the_proportion_of_the_published_images() -> None:
    assert _tokens_of_views(340, (32, 16), (None, None)) == (144, 196)
    assert _tokens_of_views(340, (32, 16), (448, 192)) == (196, 144)
    assert math.prod(_tokens_of_views(52, (16, 16), (None, None))) == 36 * 16
    with pytest.raises(CheckpointError, match="cannot be shared"):
        _tokens_of_views(3, (16, 16), (None, None))
