"""A classifier of taxa: one head on the features of any method of photos, which is frozen or trained with it."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from birdsat.config import Reading
from birdsat.dataset.batch import Batch
from birdsat.encoders.encoder import Encoder, EncoderSettings
from birdsat.errors import ConfigError
from birdsat.methods.batch_mixing import erase, mix
from birdsat.methods.inputs import Inputs, todays_inputs
from birdsat.methods.method import Image, Method, MethodSettings, Reconstruction, TrainingFacts
from birdsat.objectives.balance import Balance, todays_balance
from birdsat.objectives.cross_entropy import class_weights, soft_cross_entropy, soft_targets

_ANY_TEMPERATURE = 1.0  # until one was fitted on the val split


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(MethodSettings):
    """Settings of a classifier."""

    RENAMED_SETTINGS: ClassVar = {"hidden_share": "mask_ratio"}

    backbone: MethodSettings  # the method whose encoders it takes
    taxa: tuple[str, ...] = ()  # names by label; filled in from the dataset when training starts
    class_counts: tuple[int, ...] = ()  # training rows of each taxon; filled in likewise
    inputs: Annotated[Inputs, Reading(todays_inputs)] = "photo"  # what it looks at; rows may lack any of it
    frozen: bool = False  # train the head alone
    mask_ratio: float = 0.0  # of a photo's patches, in training
    label_smoothing: float = 0.0  # share of the target that is spread over all taxa
    mixup: float = 0.0  # of the beta distribution that shares are drawn from; 0: no photos are blended
    cutmix: float = 0.0  # likewise for boxes cut from other photos
    erasing: float = 0.0  # share of photos in which a box is erased
    class_balanced: Annotated[Balance, Reading(todays_balance)] = "none"  # weights of taxa in the loss

    def __post_init__(self) -> None:
        if self.backbone.embedder is not self.backbone:
            raise ConfigError("the backbone is a classifier itself; take the backbone of that one.")
        if self.backbone.photo_px is None:
            raise ConfigError("the backbone sees no photos, which a classifier looks at; take a method of photos.")
        if self.inputs != "photo" and self.backbone.chip_px is None:
            raise ConfigError(
                f"inputs are {self.inputs!r}, but the backbone, a {type(self.backbone).__name__}, sees no chips; "
                "allowed: 'photo'."
            )
        if self.inputs == "photo_chip_place_date" and not self.backbone.uses_metadata:
            raise ConfigError(
                f"inputs are {self.inputs!r}, but the backbone was made without place and date; allowed: 'photo', "
                "'photo_chip'."
            )
        for name in ("mask_ratio", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 (none) to below 1.")
        for name in ("mixup", "cutmix"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}; allowed: 0 (none) or more, such as 0.8.")
        if not 0 <= self.erasing <= 1:
            raise ConfigError(f"erasing is {self.erasing}; allowed: 0 (no photo) to 1 (every photo).")
        if self.class_counts and len(self.class_counts) != len(self.taxa):
            raise ConfigError(f"class_counts has {len(self.class_counts)} entries for {len(self.taxa)} taxa.")

    @property
    def photo_px(self) -> int | None:
        return self.backbone.photo_px

    @property
    def chip_px(self) -> int | None:
        return None if self.inputs == "photo" else self.backbone.chip_px

    @property
    def chips_are_frozen(self) -> bool:
        return self.inputs != "photo" and (self.frozen or self.backbone.chips_are_frozen)

    @property
    def photo_encoder(self) -> EncoderSettings | None:
        return self.backbone.photo_encoder

    @property
    def uses_metadata(self) -> bool:
        return self.backbone.uses_metadata

    @property
    def needs_chips(self) -> bool:
        return self.inputs == "photo_chip"  # place and date are worth something where the chip is missing

    @property
    def learns_taxa(self) -> bool:
        return True

    @property
    def embedder(self) -> MethodSettings:
        return self.backbone

    def build(self) -> "Classifier":
        return Classifier(self, self.backbone.build())

    def fitted_to(self, facts: TrainingFacts) -> "ClassifierConfig":
        """With the taxa; a backbone that is another run's sees its images as that run did."""
        backbone = self.backbone if facts.starts_from_run else self.backbone.with_statistics(facts)
        return replace(self, backbone=backbone, taxa=facts.taxa, class_counts=facts.taxon_rows)

    def without_metadata(self) -> "ClassifierConfig":
        inputs: Inputs = "photo" if self.inputs == "photo" else "photo_chip"
        return replace(self, backbone=self.backbone.without_metadata(), inputs=inputs)

    def with_drop_path(self, share: float) -> "ClassifierConfig":
        return replace(self, backbone=self.backbone.with_drop_path(share))


class Head(nn.Module):
    """Logits of taxa from the photo's features and, where they are looked at, those of chip, place and date.

    Each is brought to mean 0 and variance 1 within the sample first, so that neither outweighs the other.
    """

    def __init__(self, photo_width: int, beside_width: int, taxa: int) -> None:
        super().__init__()
        self.photo_norm = nn.LayerNorm(photo_width, eps=1e-6)
        self.beside_norm = nn.LayerNorm(beside_width, eps=1e-6) if beside_width else None
        self.taxa = nn.Linear(photo_width + beside_width, taxa)
        nn.init.normal_(self.taxa.weight, std=0.01)
        nn.init.zeros_(self.taxa.bias)

    def forward(
        self, photo: Float[Tensor, "n features"], beside: Float[Tensor, "n width"] | None
    ) -> Float[Tensor, "n taxa"]:
        seen = self.photo_norm(photo)
        if self.beside_norm is not None and beside is not None:
            seen = torch.cat([seen, self.beside_norm(beside)], dim=1)
        return self.taxa(seen)  # type: ignore[no-any-return]


class Classifier(Method):
    """Which taxon is in the photo. Embeddings, matches and reconstructions are those of its backbone."""

    def __init__(self, config: ClassifierConfig, backbone: Method) -> None:
        super().__init__()
        if not config.taxa:
            raise ConfigError("a classifier needs taxa; training fills them in from the dataset.")
        if config.class_balanced != "none" and not any(config.class_counts):
            raise ConfigError("class_balanced needs class_counts; training fills them in from the dataset.")
        self.config = config
        self.backbone = backbone
        self.sees_chips, self.uses_metadata = backbone.sees_chips, backbone.uses_metadata
        self.matches_pairs = backbone.matches_pairs
        self.chips_are_frozen = config.chips_are_frozen
        self.temperature: Tensor
        self.register_buffer("temperature", torch.tensor(_ANY_TEMPERATURE))
        self.class_weight: Tensor | None
        weight = class_weights(config.class_counts, config.class_balanced)
        self.register_buffer("class_weight", weight, persistent=False)
        photo_width, beside_width = self._train_what_is_looked_at()
        self.head = Head(photo_width, beside_width, len(config.taxa))

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross-entropy; in eval mode that of the photos and labels as they are, with all taxa alike."""
        config, taxa = self.config, len(self.config.taxa)
        if not self.training:
            target = soft_targets(batch.label, taxa, smoothing=0.0)
            return {"classify": soft_cross_entropy(self.logits(batch), target, batch.has_photo)}
        photo = erase(batch.photo, generator, config.erasing)
        mixed = mix(photo, batch.has_photo, generator, mixup=config.mixup, cutmix=config.cutmix)
        beside = self._beside(batch)
        logits = self.head(self._photo(mixed.photo, generator), None if beside is None else mixed.blend(beside))
        target = mixed.blend(soft_targets(batch.label, taxa, config.label_smoothing))
        return {"classify": soft_cross_entropy(logits, target, batch.has_photo, self.class_weight)}

    def logits(self, batch: Batch) -> Float[Tensor, "n taxa"]:
        """Of each taxon, from whole photos; rows without a photo mean nothing."""
        return self.logits_of(self._photo(batch.photo), batch)

    def logits_of(self, features: Float[Tensor, "n features"], batch: Batch) -> Float[Tensor, "n taxa"]:
        """`logits`, from the photos' `photo_features`; of the batch, what stands beside photos is read."""
        return self.head(features, self._beside(batch))  # type: ignore[no-any-return]

    def probabilities(self, batch: Batch) -> Float[Tensor, "n taxa"]:
        """Of each taxon, with the temperature that was fitted on the val split."""
        return (self.logits(batch).float() / self.temperature).softmax(dim=1)

    def train(self, mode: bool = True) -> "Classifier":
        super().train(mode)
        if self.config.frozen:
            self.backbone.eval()
        return self

    def encoders(self) -> dict[str, Encoder]:
        return self.backbone.encoders()

    def similarity_scale(self) -> float | None:
        return self.backbone.similarity_scale()

    def embed_photo(self, photo: Image) -> Float[Tensor, "n width"]:
        return self.backbone.embed_photo(photo)

    def embed_features(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n width"]:
        return self.backbone.embed_features(features)

    def photo_features(
        self, photo: Image, mask_ratio: float = 0.0, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n features"]:
        return self.backbone.photo_features(photo, mask_ratio, generator)

    def encode_chip(self, chip: Image) -> Float[Tensor, "n chip_features"]:
        return self.backbone.encode_chip(chip)

    def embed_chip(
        self,
        features: Float[Tensor, "n chip_features"],
        lon_lat: Float[Tensor, "n 2"],
        year_fraction: Float[Tensor, " n"],
    ) -> Float[Tensor, "n width"]:
        return self.backbone.embed_chip(features, lon_lat, year_fraction)

    def match(
        self, photo: Image, chip: Image, lon_lat: Float[Tensor, "n 2"], year_fraction: Float[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        return self.backbone.match(photo, chip, lon_lat, year_fraction)

    def reconstruct(self, batch: Batch, generator: torch.Generator) -> Reconstruction:
        return self.backbone.reconstruct(batch, generator)

    def _photo(self, photo: Image, generator: torch.Generator | None = None) -> Float[Tensor, "n features"]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.config.frozen):
            return self.backbone.photo_features(photo, self.config.mask_ratio if generator else 0.0, generator)

    def _beside(self, batch: Batch) -> Float[Tensor, "n width"] | None:
        """Chip, and place and date where they are looked at, as one vector; None when only the photo is."""
        if self.config.inputs == "photo":
            return None
        known = batch if self.config.inputs == "photo_chip_place_date" else batch.without_metadata()
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.config.frozen):
            chip_features = batch.chip_features
            if chip_features is None:
                with torch.set_grad_enabled(torch.is_grad_enabled() and not self.chips_are_frozen):
                    chip_features = self.backbone.encode_chip(batch.chip)
            features = chip_features * batch.has_chip[:, None]
            return self.backbone.embed_chip(features, known.lon_lat, known.year_fraction)

    def _train_what_is_looked_at(self) -> tuple[int, int]:
        """Leave trainable what the logits depend on, and freeze the rest: decoders, heads of other losses.

        Found by asking which parameters two black images have a gradient for. Returns the widths of the features of
        the photo, and of chip, place and date.
        """
        if self.config.frozen:
            self.backbone.requires_grad_(False)
        place_time = self.backbone.place_time_encoder()
        if self.config.inputs == "photo_chip" and place_time is not None:
            place_time.requires_grad_(False)  # it is given nothing, and adds the same to every chip
        trainable = [p for p in self.backbone.parameters() if p.requires_grad]
        self.backbone.eval()
        with torch.enable_grad():
            black = _black(self.config.backbone)
            photo, beside = self._photo(black.photo), self._beside(black)
            if trainable:
                looked_at = photo.sum() if beside is None else photo.sum() + beside.sum()
                gradients = torch.autograd.grad(looked_at, trainable, allow_unused=True)
                for parameter, gradient in zip(trainable, gradients, strict=True):
                    parameter.requires_grad_(gradient is not None)
        self.backbone.train(not self.config.frozen)
        return photo.shape[1], 0 if beside is None else beside.shape[1]


def _black(backbone: MethodSettings) -> Batch:
    """Two black photos and chips, one without place and date."""

    def images(px: int | None) -> Tensor:
        return torch.zeros(2, 3, px or 1, px or 1, dtype=torch.uint8)

    yes, nowhere = torch.ones(2, dtype=torch.bool), torch.tensor([0.0, torch.nan])
    return Batch(
        photos=(images(backbone.photo_px),),
        chip=images(backbone.chip_px),
        has_photo=yes,
        has_chip=yes,
        lon_lat=nowhere[:, None].expand(2, 2),
        year_fraction=nowhere,
        label=torch.zeros(2, dtype=torch.int64),
        row=torch.arange(2),
    )
