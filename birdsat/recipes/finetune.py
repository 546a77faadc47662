"""Classifiers by name, and a pretrained run made into one."""

from dataclasses import replace

from birdsat.dataset.rand_augment import RandAugment
from birdsat.dataset.views import ColourJitter, ViewsConfig
from birdsat.errors import ConfigError
from birdsat.methods.classifier import ClassifierConfig
from birdsat.methods.inputs import Inputs
from birdsat.objectives.balance import Balance
from birdsat.recipes.ours import mae_base, mae_tiny
from birdsat.training.config import RunConfig
from birdsat.training.optimiser import OptimiserConfig
from birdsat.training.run_folder import Run

_FAINT = ColourJitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.02)  # RandAugment changes colours as well


def finetune_tiny() -> RunConfig:
    """A classifier of photos of 64 px on two CPU cores, for datasets of some thousand photos.

    `birdsat classify RUN DATASET --mode finetune`; with another run than one of mae_tiny, its encoder takes the place
    of the one here.
    """
    return RunConfig(
        method=ClassifierConfig(
            backbone=mae_tiny().method.with_drop_path(0.1),
            mask_ratio=0.25,
            label_smoothing=0.1,
            mixup=0.2,
            cutmix=1.0,
            erasing=0.25,
        ),
        views=ViewsConfig(
            photo_px=64,
            chip_px=64,
            photo_crop_scale=0.35,
            photo_colour=_FAINT,
            photo_rand_augment=RandAugment(operations=2, magnitude=5),
        ),
        optimiser=OptimiserConfig(
            lr=1e-3,
            muon_lr=3e-3,
            warmup=0.1,
            weight_decay=0.05,
            betas=(0.9, 0.999),
            clip_norm=3.0,
            head_rate=10.0,  # on frozen features a head reaches the probe so; at 1 it stays far below in as many steps
            layer_decay=0.75,
            average_decay=0.99,
        ),
        batch_size=128,
        steps=1200,
        val_every=100,
        checkpoint_every=100,
    )


def finetune_base() -> RunConfig:
    """ViT-B on photos of 224 px, one or several GPUs: the settings of He et al. 2022, table 9, and hidden patches.

    `birdsat classify RUN DATASET --mode finetune --recipe finetune_base`.
    """
    return RunConfig(
        method=ClassifierConfig(
            backbone=mae_base().method.with_drop_path(0.1),
            mask_ratio=0.25,
            label_smoothing=0.1,
            mixup=0.8,
            cutmix=1.0,
        ),
        views=ViewsConfig(
            photo_px=224,
            chip_px=224,
            photo_crop_scale=0.35,
            photo_colour=_FAINT,
            photo_rand_augment=RandAugment(operations=2, magnitude=9),
        ),
        optimiser=OptimiserConfig(
            lr=5e-4, warmup=0.05, weight_decay=0.05, betas=(0.9, 0.999), layer_decay=0.65, average_decay=0.9999
        ),
        batch_size=256,
        steps=40_000,
        workers=12,
        val_every=1_000,
        checkpoint_every=1_000,
        compile=True,
    )


def started_from(
    recipe: RunConfig,
    run: Run,
    *,
    inputs: Inputs | None = None,
    class_balanced: Balance | None = None,
    frozen: bool = False,
    from_scratch: bool = False,
) -> RunConfig:
    """The classifier's recipe on the encoder of a run, whose images it sees at that run's sizes.

    The run may be a classifier itself. inputs, class_balanced: None leaves them as in the recipe. from_scratch: the
    same architecture with random weights, whose layers all learn at one rate. Raises ConfigError for a recipe that
    trains no classifier.
    """
    if not isinstance(recipe.method, ClassifierConfig):
        kind = type(recipe.method).__name__.removesuffix("Config")
        raise ConfigError(
            f"the recipe trains a {kind}, not a classifier; take finetune_tiny, finetune_base, or the settings of a "
            "run that is one.",
            settings=("recipe",),
        )
    encoder = recipe.method.photo_encoder
    method = replace(
        recipe.method,
        backbone=run.config.method.embedder.with_drop_path(0.0 if encoder is None else encoder.drop_path),
        inputs=inputs or recipe.method.inputs,
        class_balanced=class_balanced or recipe.method.class_balanced,
        frozen=frozen or recipe.method.frozen,
    )
    return replace(
        recipe,
        method=method,
        views=replace(recipe.views, photo_px=run.photo_px, chip_px=run.chip_px),
        optimiser=replace(recipe.optimiser, layer_decay=1.0, head_rate=1.0) if from_scratch else recipe.optimiser,
        start_from=() if from_scratch else (run.path,),
    )
