"""Requests about what naming photos is worth, and about teaching a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from birdsat.errors import ConfigError
from birdsat.workflows.requests.identify_options import IdentifyOptions
from birdsat.workflows.requests.request import AnyPath, Positional, Request, Without


@dataclass(frozen=True, kw_only=True)
class EvaluateIdentifyRequest(IdentifyOptions):
    """Fit what `birdsat identify` needs to photos that nothing was trained on, and measure it on the test photos.

    Temperatures, the weight of place and date, sets, thresholds and the gate are kept in the run, in identify.json and
    identify.safetensors; the figures are written to RUN/evaluate_identify.json. Fitted on the val split, and, where
    that is small, on parts of train that are held out one by one.
    """

    run: Positional[AnyPath]
    """Folder of the run: a classifier, or one with a probe or training photos that `birdsat classify` kept, or with
    mean photos of its taxa."""
    dataset: Positional[AnyPath]
    """Folder of a dataset of the run's taxa."""
    months: Annotated[bool, Without("Take no account of dates: place and date are asked of places alone.")] = True
    """Whether dates count; without them, place and date are asked of places alone."""
    strangers: Sequence[AnyPath] = ()
    """Folders of photos of other things, to measure the gate on beside what is drawn for it."""
    kept_out: int = 0
    """How many taxa, drawn at random, to keep out of a probe, of neighbours or of means: whether the gate turns them
    away, and how well they are named once they are taught by 1, 5 and 10 photos."""
    seed: int = 0
    """Of what is drawn."""
    workers: int = 0
    """Processes that decode images."""

    def check(self) -> None:
        """Raise ConfigError for a number of taxa below 0."""
        super().check()
        if self.kept_out < 0:
            raise ConfigError(f"kept_out is {self.kept_out}; allowed: 0 or more.", settings=("kept_out",))


@dataclass(frozen=True, kw_only=True)
class TeachRequest(Request):
    """Teach a run taxa from a few photos of each, or more photos of taxa that it mistakes.

    They are kept beside the run, in RUN/taught.safetensors, and taken away again; the run itself stays as it is.
    """

    run: Positional[AnyPath]
    """Folder of the run."""
    folder: Positional[AnyPath | None] = None
    """Folder with a folder of photos for each taxon, named after it; or a table of corrections that `birdsat review`
    made."""
    by: Literal["probe", "means"] | None = None
    """A probe on frozen features, or class means; by default as before; at first a probe, where the run keeps its
    training photos and there are three or more of most taxa."""
    remove: Sequence[str] = ()
    """Forget these taxa again."""
    list: bool = False
    """Say which taxa were taught, by how many photos."""

    def check(self) -> None:
        """Raise ConfigError where nothing is asked."""
        super().check()
        if self.folder is None and not self.remove and not self.list:
            raise ConfigError(
                "there is nothing to do; give a folder of photos, taxa to forget, or ask for the list.",
                settings=("folder", "remove", "list"),
            )
        if self.folder is None:
            self.reject_unused(("by",), "a folder of photos")


@dataclass(frozen=True, kw_only=True)
class ReviewRequest(Request):
    """Take in what people say of photos that were named: training rows with who said so, when, and of which file.

    They are added to RUN/corrections.csv, which `birdsat teach RUN RUN/corrections.csv` learns from and `birdsat data
    build FOLDER --table RUN/corrections.csv --photos /` makes a dataset of: paths in it start from the root of all
    folders, as photos may lie anywhere.
    """

    run: Positional[AnyPath]
    """Folder of the run."""
    table: Positional[AnyPath]
    """CSV with columns photo and taxon; by, when and note, lon, lat and date are kept where there are any. An empty
    taxon says that the photo shows none, and is kept apart from training."""
    photos: AnyPath | None = None
    """Folder that paths of photos are relative to, by default the table's."""
    by: str = ""
    """Who says so, where the table does not say."""
