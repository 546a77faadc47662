"""Requests about what a run is good for: classification, retrieval, comparison; and runs of weights from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from birdsat.errors import ConfigError
from birdsat.methods.inputs import Inputs
from birdsat.objectives.balance import Balance
from birdsat.recipes.registry import FINETUNE_RECIPES, RECIPE_FILE, RECIPES
from birdsat.workflows.requests.request import AnyPath, Folder, OneOf, Positional, Request
from birdsat.workflows.requests.training import TrainingOptions

FrozenMode = Literal["probe", "knn"]
Mode = Literal["probe", "knn", "finetune"]


@dataclass(frozen=True, kw_only=True)
class ClassifyRequest(TrainingOptions):
    """Tell taxa apart: linear probe and nearest neighbours on frozen embeddings, or a classifier trained from the run.

    Figures are of the test split; they are also written to RUN/classify.json and the worst pairs to RUN/confusions.png,
    of a trained classifier to its own folder. It is a run that every verb takes, this one as well.
    """

    SHORTCUTS: ClassVar[dict[str, str]] = TrainingOptions.SHORTCUTS | {
        "inputs": "method.inputs",
        "class_balanced": "method.class_balanced",
        "frozen": "method.frozen",
    }

    run: Positional[AnyPath]
    """Folder of the run."""
    dataset: Positional[AnyPath]
    """Folder of the dataset to classify; its train split is learned from."""
    mode: Sequence[Mode] = ("probe", "knn")
    """One or several. finetune trains the encoder on; all that follows but for workers and per_taxon is about it."""
    recipe: Annotated[str | None, OneOf(FINETUNE_RECIPES, or_file=RECIPE_FILE)] = None
    """A complete set of settings of finetune, finetune_tiny by default: a name, or a file such as the config.json of
    another classifier."""
    inputs: Inputs | None = None
    """What finetune looks at: the photo alone (the default), the chip as well, or chip, place and date. Rows may lack
    any of them."""
    class_balanced: Balance | None = None
    """Weights of taxa in the loss, by their training photos."""
    frozen: bool = False
    """Train the head alone."""
    from_scratch: bool = False
    """Start from random weights: the supervised transformer of the same size."""
    out: Folder[AnyPath | None] = None
    """Folder of the classifier's run; RUN/finetune-DATASET by default."""
    resume: bool = False
    """Continue a classifier that was stopped, or evaluate one that is finished."""
    per_taxon: bool = False
    """Show a row for each taxon as well."""

    def check(self) -> None:
        """Raise ConfigError where nothing is asked, and for settings of finetune without it."""
        super().check()
        if not self.mode:
            raise ConfigError("no mode is named; allowed: probe, knn, finetune, one or several.", settings=("mode",))
        if "finetune" not in self.mode:
            everything = ("recipe", "from_scratch", "out", "resume", "set", *self.SHORTCUTS)
            self.reject_unused([name for name in everything if name != "workers"], "mode finetune")


@dataclass(frozen=True, kw_only=True)
class RetrieveRequest(Request):
    """Find chips for photos and photos for chips, with and without metadata.

    Figures are of the test split; they are also written to RUN/retrieve.json, with a picture in RUN/retrieve.png.
    """

    run: Positional[AnyPath]
    """Folder of the run that makes the embeddings."""
    dataset: Positional[AnyPath]
    """Folder of the dataset to search."""
    rerank: AnyPath | None = None
    """Run of cvm_mae that puts the first answers in its own order; RUN itself where it is one."""
    shortlist: int | None = None
    """How many answers it orders; by default 100, or 50 by the paper's protocol."""
    protocol: Literal["ours", "paper"] = "ours"
    """What is asked and what counts; paper takes chips as queries and any photo of the species as a hit."""
    queries: int | None = None
    """Ask only so many rows, drawn at random; all by default."""
    search: Literal["auto", "exact", "faiss"] = "auto"
    """auto is exact up to a million rows and beyond takes faiss, whose recall it reports."""
    workers: int = 0
    """Processes that decode images."""

    def check(self) -> None:
        """Raise ConfigError for a shortlist that nothing orders."""
        super().check()
        if self.shortlist is not None and self.rerank is None:
            raise ConfigError(
                f"a shortlist of {self.shortlist} needs a run that ranks it again; name one, or leave it out.",
                settings=("rerank", "shortlist"),
            )


@dataclass(frozen=True, kw_only=True)
class CompareRequest(Request):
    """Pretrain several recipes with several seeds and evaluate them alike: compare.md, compare.csv and compare.png.

    Started again, what is there is kept.
    """

    dataset: Positional[AnyPath]
    """Folder of the dataset."""
    out: Positional[Folder[AnyPath]]
    """Folder for the runs and the table."""
    recipes: Annotated[Sequence[str], OneOf(RECIPES, or_file=RECIPE_FILE)] = (
        "mae_tiny",
        "moco_geo_tiny",
        "cve_mae_tiny_without_metadata",
        "cve_mae_tiny",
        "cvm_mae_tiny_without_metadata",
        "cvm_mae_tiny",
        "cve_mae_paper_tiny",
        "cvm_mae_paper_tiny",
    )
    """Which: names, of those that `birdsat recipes` lists, or files, such as the config.json of a run."""
    seeds: Sequence[int] = (0, 1)
    """Of each recipe."""
    steps: int | None = None
    """Optimiser steps of each run, in place of the recipe's own."""
    truth: int | None = None
    """Seed of the virtual world that the dataset is of, whose true ranges the maps are compared with."""
    workers: int | None = None
    """Processes that decode images."""

    def check(self) -> None:
        """Raise ConfigError where there is nothing to compare, and for a seed that is given twice."""
        super().check()
        for name in ("recipes", "seeds"):
            if not getattr(self, name):
                raise ConfigError(
                    "there is nothing to compare; give at least one recipe and one seed.", settings=(name,)
                )
        if len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(
                f"seeds: {', '.join(map(str, self.seeds))}; give each once, as the same run twice tells nothing more.",
                settings=("seeds",),
            )


@dataclass(frozen=True, kw_only=True)
class ImportRequest(Request):
    """Make a run of a published checkpoint: BirdSAT's CVE and CVM models, Meta's MAE, or a ViT of timm."""

    source: Positional[str]
    """Checkpoint file, or timm:NAME for a pretrained ViT of that library."""
    run: Positional[Folder[AnyPath]]
    """Folder of the new run."""
    image: Literal["photo", "chip"] = "photo"
    """What the encoder of an MAE or a ViT is to see."""
    photo_px: int | None = None
    """Side of photos other than the checkpoint's; positions are interpolated."""
    chip_px: int | None = None
    """Side of chips other than the checkpoint's."""
    chip_km: Sequence[float] = (2.56,)
    """Side of a chip on the ground, kilometres; BirdSAT's are 256 pixels of Sentinel-2. With several, a place is
    encoded at each."""
    heads: int | None = None
    """Attention heads of the encoders, which a checkpoint does not say; known for the usual widths."""
    decoder_heads: int | None = None
    """Attention heads of the decoder."""
    taxa_from: AnyPath | None = None
    """Dataset whose training photos give each taxon its mean embedding, which maps need."""
    workers: int = 0
    """Processes that decode images."""


@dataclass(frozen=True, kw_only=True)
class TaxaRequest(Request):
    """List the taxa that a run or a range model can map, with the photos or records behind each."""

    run: Positional[AnyPath]
    """Folder of the run, or of the range model."""
