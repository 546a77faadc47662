"""Tensors of published checkpoints under our names: what lies where, and what was missing or left over."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.positions import Positions, grid_positions, resized_positions
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import CheckpointError, some_of

State = dict[str, Tensor]  # under our names

_BLOCK = {
    "attention_norm.weight": "norm1.weight",
    "attention_norm.bias": "norm1.bias",
    "attention.query_key_value.weight": "attn.qkv.weight",
    "attention.out.weight": "attn.proj.weight",
    "attention.out.bias": "attn.proj.bias",
    "mlp_norm.weight": "norm2.weight",
    "mlp_norm.bias": "norm2.bias",
    "mlp.0.weight": "mlp.fc1.weight",
    "mlp.0.bias": "mlp.fc1.bias",
    "mlp.2.weight": "mlp.fc2.weight",
    "mlp.2.bias": "mlp.fc2.bias",
}
_CONVOLUTION = {
    f"convolution.{ours}": f"PCM.{theirs}"
    for ours, theirs in {
        "widen.weight": "0.weight",
        "widen.bias": "0.bias",
        "norm.weight": "1.weight",
        "norm.bias": "1.bias",
        "norm.running_mean": "1.running_mean",
        "norm.running_var": "1.running_var",
        "norm.num_batches_tracked": "1.num_batches_tracked",
        "narrow.weight": "3.weight",
        "narrow.bias": "3.bias",
    }.items()
}


class PublishedTensors:
    """A checkpoint's tensors, each taken once; what was not there and what is left can be asked for at the end."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._left = dict(tensors)
        self._missing: list[str] = []

    def has(self, start: str) -> bool:
        """Whether a name that starts so is left."""
        return any(name.startswith(start) for name in self._left)

    def drop(self, *starts: str) -> tuple[str, ...]:
        """Leave out what the method has no use for: all names that start so."""
        gone = tuple(name for name in self._left if name.startswith(starts))
        for name in gone:
            del self._left[name]
        return gone

    def check(self, kind: str) -> None:
        """Raises CheckpointError when a tensor was missing, or one is left over."""
        wrong = [f"lacks {some_of(self._missing)}"] if self._missing else []
        wrong += [f"has unknown {some_of(list(self._left))}"] if self._left else []
        if wrong:
            raise CheckpointError(f"the checkpoint was taken for {kind}, but {' and '.join(wrong)}.")

    def take(self, names: Mapping[str, str]) -> State:
        """Tensors under new names, {new: published}; those that are missing are noted."""
        self._missing += [theirs for theirs in names.values() if theirs not in self._left]
        return {ours: self._left.pop(theirs) for ours, theirs in names.items() if theirs in self._left}

    def linear(self, theirs: str, ours: str) -> State:
        """A linear layer."""
        return self.take({f"{ours}.{part}": f"{theirs}.{part}" for part in ("weight", "bias")})

    def width(self, token: str) -> int:
        """Of a learned token (1, 1, width). Raises CheckpointError when it is missing or has another form."""
        return int(self._shape(token, axes=3)[-1])

    def patch_px(self, stem: str) -> int:
        """Side of a patch. Raises CheckpointError when the stem is missing or no convolution."""
        return int(self._shape(f"{stem}.proj.weight", axes=4)[-1])

    def positions(self, name: str) -> int:
        """Patches that have a position, the class token left out. Raises CheckpointError as `width` does."""
        return int(self._shape(name, axes=3)[-2]) - 1

    def depth(self, blocks: str) -> int:
        """How many blocks there are under a name that ends in a dot."""
        numbers = {name.removeprefix(blocks).split(".")[0] for name in self._left if name.startswith(blocks)}
        return max((int(number) + 1 for number in numbers if number.isdigit()), default=0)

    def has_convolutions(self, prefix: str) -> bool:
        """Whether the blocks of an encoder are those of ViTAE."""
        return self.has(f"{prefix}blocks.0.PCM.")

    def encoder(self, prefix: str, stems: Sequence[str], encoder: ViewEncoderConfig, tokens: Sequence[int]) -> State:
        """An encoder's tensors. tokens: patches of each view in the checkpoint; their positions are resized."""
        state = self.take({"norm.weight": f"{prefix}norm.weight", "norm.bias": f"{prefix}norm.bias"})
        state |= self._blocks(f"{prefix}blocks.", encoder.depth, vitae=encoder.block == "vitae")
        for i, stem in enumerate(stems):
            layer = self.linear(f"{prefix}{stem}.proj", f"stems.{i}")
            kernel = layer.get(f"stems.{i}.weight")
            if kernel is not None:  # ours has a patch's pixels in row, column, band order
                layer[f"stems.{i}.weight"] = kernel.permute(0, 2, 3, 1).flatten(1)
            state |= layer
        class_token = self.take({"class_token": f"{prefix}cls_token"})
        summary, tables = self._positions(f"{prefix}pos_embed", tokens, encoder.views)
        if "class_token" in class_token and summary is not None:  # ours has the class token's position within it
            state["class_token"] = class_token["class_token"].flatten() + summary
        if encoder.positions == "learned":
            state |= tables
        return state | {"view_tokens": torch.zeros(len(stems), encoder.width)}

    def decoder(
        self,
        prefix: str,
        predictions: Sequence[str],
        decoder: PixelDecoderConfig,
        views: Sequence[View],
        tokens: Sequence[int],
    ) -> State:
        """A decoder's tensors."""
        state = self.linear(f"{prefix}decoder_embed", "narrow")
        state |= self.take({"norm.weight": f"{prefix}decoder_norm.weight", "norm.bias": f"{prefix}decoder_norm.bias"})
        state |= self._blocks(f"{prefix}decoder_blocks.", decoder.depth, vitae=False)
        for i, prediction in enumerate(predictions):
            state |= self.linear(f"{prefix}{prediction}", f"pixels.{i}")
        hidden = self.take({"hidden_token": f"{prefix}mask_token"})
        state |= {name: token.flatten() for name, token in hidden.items()}
        summary, tables = self._positions(f"{prefix}decoder_pos_embed", tokens, views)
        tokens_of_views = torch.zeros(1 + len(views), decoder.width)
        if summary is not None:
            tokens_of_views[0] = summary
        if decoder.positions == "learned":
            state |= tables
        return state | {"view_tokens": tokens_of_views}

    def kind_of_positions(self, name: str, tokens: Sequence[int], resized: bool) -> Positions:
        """Whether a table is the sine-cosine one, which need not be kept."""
        table = self._left.get(name)
        if table is None or resized or len(tokens) > 1:
            return "learned"
        side = math.isqrt(tokens[0])
        fixed = grid_positions(side, side, table.shape[-1])
        return "fixed" if torch.allclose(table[0, 1:], fixed, atol=1e-6) else "learned"

    def _blocks(self, prefix: str, depth: int, *, vitae: bool) -> State:
        names = _BLOCK | (_CONVOLUTION if vitae else {})
        state: State = {}
        for i in range(depth):
            state |= self.take({f"blocks.{i}.{ours}": f"{prefix}{i}.{theirs}" for ours, theirs in names.items()})
            attention = f"{prefix}{i}.attn."
            if f"{attention}q_bias" in self._left:
                bias = self.take({"query": f"{attention}q_bias", "value": f"{attention}v_bias"})
                query, value = bias["query"], bias.get("value", bias["query"])
                bias = {"bias": torch.cat([query, torch.zeros_like(query), value])}  # keys have none
            else:
                bias = self.take({"bias": f"{attention}qkv.bias"})
            state |= {f"blocks.{i}.attention.query_key_value.{name}": value for name, value in bias.items()}
        return state

    def _positions(self, name: str, tokens: Sequence[int], views: Sequence[View]) -> tuple[Tensor | None, State]:
        """The class token's position, and each view's table in the size that its images need."""
        table = self.take({"table": name}).get("table")
        if table is None:
            return None, {}
        summary, *tables = torch.split(table[0], [1, *tokens])
        resized = [resized_positions(part, view.tokens) for part, view in zip(tables, views, strict=True)]
        return summary[0], {f"positions_{i}": part for i, part in enumerate(resized)}

    def _shape(self, name: str, axes: int) -> torch.Size:
        if name not in self._left:
            raise CheckpointError(f"the checkpoint lacks {name}, which tells its sizes; download it again.")
        shape = self._left[name].shape
        if len(shape) != axes:
            raise CheckpointError(f"{name} is {tuple(shape)} in the checkpoint; {axes} axes are needed.")
        return shape
