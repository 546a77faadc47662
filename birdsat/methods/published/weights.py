"""Checkpoints that others published, read safely and made into our methods: BirdSAT's, Meta's MAE, and plain ViTs."""

import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file
from torch import Tensor

from birdsat.encoders.encoder import View
from birdsat.encoders.pixel_decoder import PixelDecoderConfig
from birdsat.encoders.sizes import decoder_of
from birdsat.encoders.view_encoder import ViewEncoderConfig
from birdsat.errors import CheckpointError, ConfigError
from birdsat.imagery.photos import RGB
from birdsat.methods.mae import MaeConfig
from birdsat.methods.masked import MaskedConfig
from birdsat.methods.method import IMAGENET_MEAN, IMAGENET_STD, Method, MethodSettings
from birdsat.methods.published.settings import published_cve_mae, published_cvm_mae, published_encoder, published_masked
from birdsat.methods.published.tensors import PublishedTensors, State
from birdsat.reading import first_bytes, in_place_of, kind_of

# Attention heads of published encoders and decoders by their width (Dosovitskiy et al. 2021, table 1; He et al. 2022).
_HEADS, _DECODER_HEADS = {192: 3, 384: 6, 512: 8, 768: 12, 1024: 16, 1280: 16}, {512: 16}
_PHOTO_PX, _CHIP_PX = 384, 224
_PLAIN = "a plain ViT"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a checkpoint does not say, or is to be changed. None: as in every published model, or as it is."""

    heads: int | None = None  # of the attention
    decoder_heads: int | None = None
    photo_px: int | None = None  # side of photos; positions are interpolated
    chip_px: int | None = None  # side of chips
    image: Literal["photo", "chip"] = "photo"  # what the encoder of an MAE or a ViT is to see
    mean: RGB = IMAGENET_MEAN  # of the pixels that an MAE or a ViT has learned from, 0..1
    std: RGB = IMAGENET_STD

    def heads_of(self, width: int) -> int:
        """Of an encoder. Raises CheckpointError where no published one is so wide."""
        return _heads(self.heads, width, _HEADS, "encoder", "heads")

    def decoder_heads_of(self, width: int) -> int:
        """Of a decoder. Raises CheckpointError where no published one is so wide."""
        return _heads(self.decoder_heads, width, _DECODER_HEADS, "decoder", "decoder_heads")


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published checkpoint as one of our methods."""

    kind: str  # what it was recognised as
    method: Method  # in eval mode
    config: MethodSettings
    unused: tuple[str, ...]  # tensors of the checkpoint that the method has no use for


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint file, by name; optimiser state and the like are left out.

    Raises CheckpointError when it cannot be read, or not without running code that it brings.
    """
    is_safetensors = path.suffix == ".safetensors"
    if mistaken := _mistaken(path, is_safetensors):
        raise CheckpointError(f"{path} is not a checkpoint: {mistaken}")
    try:
        content = load_file(path) if is_safetensors else torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is refused: it holds more than tensors and plain values, and reading the rest would run code that "
            f"it brings ({_reason(error)}). If you trust it, load it yourself and save no more than its tensors: "
            "torch.save({'state_dict': ...}, FILE)."
        ) from error
    except Exception as error:  # damaged bytes are answered with almost any exception
        raise CheckpointError(f"{path} cannot be read ({_reason(error)}); download it again.") from error
    if isinstance(content, Mapping):
        inner = [content[key] for key in ("state_dict", "model") if isinstance(content.get(key), Mapping)]
        content = inner[0] if inner else content
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise CheckpointError(f"{path} holds no table of tensors; give a checkpoint of BirdSAT or of Meta's MAE.")
    return {str(name): value.float() if value.is_floating_point() else value for name, value in content.items()}


def _mistaken(path: Path, is_safetensors: bool) -> str | None:
    """The sentence on a file that is something else than a checkpoint; None where that is not known."""
    if not path.is_file():
        return f"{'it is a folder or a device' if path.exists() else 'there is no such file'}; give its file."
    if (mistaken := in_place_of(path)) or is_safetensors:
        return mistaken
    head = first_bytes(path)
    found = kind_of(head)
    if found not in (None, "a zip file"):
        return f"this is {found}; give the file of the weights."
    text = head[:200].decode("ascii", "replace")
    if all(character.isprintable() or character.isspace() for character in text) and "\ufffd" not in text:
        return f"this is text that begins {text[:40]!r}; download the file itself."
    return None


def from_published(tensors: Mapping[str, Tensor], wanted: Wanted | None = None) -> Published:
    """The method that the tensors are of, known by their names, with sizes taken from their shapes.

    Raises CheckpointError for tensors that are unknown, missing or of a wrong size.
    """
    given, wanted = PublishedTensors(tensors), wanted or Wanted()
    try:
        if given.has("ground_encoder.") or given.has("sat_encoder."):
            return _cve_mae(given, wanted)
        if given.has("model.patch_embed1.") or given.has("model.patch_embed2."):
            return _cvm_mae(given, wanted)
        if given.has("patch_embed."):
            return _vit(given, wanted)
    except ConfigError as error:
        raise CheckpointError(f"the checkpoint's sizes make no model: {error}") from error
    raise CheckpointError(
        "the tensors are not those of BirdSAT's CVE or CVM models, of Meta's MAE, or of a ViT; they begin with "
        f"{', '.join(sorted(tensors)[:3])}."
    )


def _cve_mae(given: PublishedTensors, wanted: Wanted) -> Published:
    photo, photo_state = _encoder(given, "ground_encoder.", ("patch_embed",), (wanted.photo_px,), wanted)
    chip, chip_state = _encoder(given, "sat_encoder.", ("patch_embed",), (wanted.chip_px,), wanted)
    decoder, decoder_state = _decoder(given, "ground_encoder.", ("decoder_pred",), photo, wanted)
    # Chips are not rebuilt: what the chip encoder was pretrained with is known, and of no use.
    unused = given.drop("sat_encoder.decoder_", "sat_encoder.mask_token")
    metadata = _metadata(given)
    config = published_cve_mae(published_masked(photo, decoder), chip, metadata=bool(metadata))
    state = _under("photo.encoder.", photo_state) | _under("photo.decoder.", decoder_state)
    return _published(
        "BirdSAT's CVE-MAE", given, config, state | _under("chip_encoder.", chip_state) | metadata, unused
    )


def _cvm_mae(given: PublishedTensors, wanted: Wanted) -> Published:
    sides = (wanted.photo_px, wanted.chip_px)
    encoder, encoder_state = _encoder(given, "model.", ("patch_embed1", "patch_embed2"), sides, wanted)
    decoder, decoder_state = _decoder(given, "model.", ("decoder_pred1", "decoder_pred2"), encoder, wanted)
    metadata = _metadata(given)
    config = published_cvm_mae(published_masked(encoder, decoder), metadata=bool(metadata))
    state = _under("images.encoder.", encoder_state) | _under("images.decoder.", decoder_state)
    return _published("BirdSAT's CVM-MAE", given, config, state | metadata | given.linear("match", "matching"))


def _vit(given: PublishedTensors, wanted: Wanted) -> Published:
    """Meta's MAE with its decoder, or the encoder of any ViT, with a decoder that has learned nothing."""
    px = wanted.photo_px if wanted.image == "photo" else wanted.chip_px
    encoder, state = _encoder(given, "", ("patch_embed",), (px,), wanted)
    state, unused = _under("image.encoder.", state), given.drop("head.", "fc_norm.")
    kind, decoder = _PLAIN, decoder_of("base")
    if given.has("decoder_embed."):
        kind = "Meta's MAE"
        decoder, decoder_state = _decoder(given, "", ("decoder_pred",), encoder, wanted)
        state |= _under("image.decoder.", decoder_state)
    encoder = replace(encoder, pooling="mean and spread", convolve="in place")  # as in our own recipes
    image = MaskedConfig(encoder=encoder, decoder=decoder, mask_ratio=0.75)
    config = MaeConfig(
        image=image,
        of=wanted.image,
        photo_mean=wanted.mean,
        photo_std=wanted.std,
        chip_mean=wanted.mean,
        chip_std=wanted.std,
    )
    return _published(kind, given, config, state, unused)


def _encoder(
    given: PublishedTensors, prefix: str, stems: Sequence[str], sides: Sequence[int | None], wanted: Wanted
) -> tuple[ViewEncoderConfig, State]:
    """sides: of each view's image where another one is wanted."""
    table = f"{prefix}pos_embed"
    patches = [given.patch_px(f"{prefix}{stem}") for stem in stems]
    tokens = _tokens_of_views(given.positions(table), patches, sides)
    views = tuple(
        View(px=px or math.isqrt(count) * patch_px, patch_px=patch_px)
        for px, count, patch_px in zip(sides, tokens, patches, strict=True)
    )
    width = given.width(f"{prefix}cls_token")
    resized = any(view.tokens != count for view, count in zip(views, tokens, strict=True))
    config = published_encoder(
        views=views,
        width=width,
        depth=given.depth(f"{prefix}blocks."),
        heads=wanted.heads_of(width),
        block="vitae" if given.has_convolutions(prefix) else "vit",
        positions=given.kind_of_positions(table, tokens, resized),
    )
    return config, given.encoder(prefix, stems, config, tokens)


def _tokens_of_views(total: int, patches: Sequence[int], sides: Sequence[int | None]) -> tuple[int, ...]:
    """Patches of each view, which share one table of positions.

    Two views may share it in several ways: taken is the one that gives the wanted images, else the one whose images are
    most nearly in the proportion of the published ones.
    """
    if len(patches) == 1:
        if math.isqrt(total) ** 2 != total:
            raise CheckpointError(f"{total} positions make no square grid of patches; only square images are known.")
        return (total,)
    options = [
        (one**2, other**2)
        for one in range(1, math.isqrt(total) + 1)
        if (other := math.isqrt(total - one**2)) and one**2 + other**2 == total
    ]
    if not options:
        raise CheckpointError(f"{total} positions cannot be shared between two square images.")

    def unlike(option: tuple[int, int]) -> tuple[bool, float]:
        px = [math.isqrt(count) * patch_px for count, patch_px in zip(option, patches, strict=True)]
        return px != list(sides), abs(math.log(px[0] / px[1] * _CHIP_PX / _PHOTO_PX))

    return min(options, key=unlike)


def _decoder(
    given: PublishedTensors, prefix: str, predictions: Sequence[str], encoder: ViewEncoderConfig, wanted: Wanted
) -> tuple[PixelDecoderConfig, State]:
    table = f"{prefix}decoder_pos_embed"
    sides = [view.px for view in encoder.views]
    tokens = _tokens_of_views(given.positions(table), [view.patch_px for view in encoder.views], sides)
    width = given.width(f"{prefix}mask_token")
    resized = any(view.tokens != count for view, count in zip(encoder.views, tokens, strict=True))
    config = PixelDecoderConfig(
        width=width,
        depth=given.depth(f"{prefix}decoder_blocks."),
        heads=wanted.decoder_heads_of(width),
        positions=given.kind_of_positions(table, tokens, resized),
    )
    return config, given.decoder(prefix, predictions, config, encoder.views, tokens)


def _metadata(given: PublishedTensors) -> State:
    """The two layers of place and date; empty for a model without metadata."""
    if not given.has("geo_encode.") and not given.has("date_encode."):
        return {}
    return given.linear("geo_encode", "place_time.place") | given.linear("date_encode", "place_time.date")


def _published(
    kind: str, given: PublishedTensors, config: MethodSettings, state: State, unused: tuple[str, ...] = ()
) -> Published:
    """The method with these weights. What a plain ViT lacks, a decoder, keeps its first weights."""
    given.check(kind)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        method = config.build()
    own = method.state_dict()
    if kind != _PLAIN:
        learned = {name: value for name, value in own.items() if name != "log_scale"}
        assert learned.keys() == state.keys(), learned.keys() ^ state.keys()
    for name, value in state.items():
        if value.shape != own[name].shape:
            raise CheckpointError(
                f"{name} of {kind} is {tuple(value.shape)} in the checkpoint, but its other sizes ask for "
                f"{tuple(own[name].shape)}; download it again."
            )
    method.load_state_dict(own | state)
    return Published(kind=kind, method=method.eval(), config=config, unused=unused)


def _under(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


def _heads(given: int | None, width: int, published: Mapping[int, int], part: str, setting: str) -> int:
    heads = published.get(width, 0) if given is None else given
    if heads < 1 or width % heads:
        raise CheckpointError(
            f"the {part} is {width} wide, and a checkpoint does not say how many attention heads that is; give a "
            f"divisor of {width} as {setting}."
        )
    return heads


def _reason(error: Exception) -> str:
    """The first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "Unsupported" in line or "GLOBAL" in line]
    return (named or lines or [type(error).__name__])[0]
