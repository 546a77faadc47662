"""How photos are scored, for every verb that names them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Positional, Request, Without

Scores = Literal["best", "classifier", "probe", "neighbours", "means"]


@dataclass(frozen=True, kw_only=True)
class IdentifyOptions(Request):
    """What names photos, and how sure a name has to be."""

    run: Positional[AnyPath]
    """Folder of the run: a classifier, or one with a probe or training photos that `birdsat classify` kept, or with
    mean photos of its taxa."""
    scores: Scores = "best"
    """What names photos: the best that the run has, in this order, or the one named."""
    ranges: AnyPath | None = None
    """Folder of a range model that place and date are asked of, fitted to any records of the taxa."""
    region: AnyPath | None = None
    """Folder of cells that `birdsat embed` made, on which the range model is asked in place of its own. Without a range
    model, the run must have embedded it: place and date are then its own embedding of them."""
    imagery: str | None = None
    """Imagery of which a chip is cut at the place of each photo and embedded by the run, in place of a range model: a
    raster, a table of chips, or virtual:SEED."""
    expected: AnyPath | None = None
    """File of names of taxa to expect, one a line or a table of records or names, in place of a range model."""
    place_date: Annotated[
        bool, Without("Ask nothing of place and date, also where they are known: answers are by the image alone.")
    ] = True
    """Whether place and date have a part in the answers; without them, they are by the image alone."""
    coverage: float = 0.9
    """Rate at which the sets of likely taxa hold the true one."""
    sure: float = 0.9
    """Rate at which names are to be right: a photo is given its species, or else the genus or the family, that is so
    sure."""
    gate: float = 0.95
    """Share of photos of known taxa that pass the gate before which other things are turned away; 1 opens it."""
    taught: Annotated[bool, Without("Leave out the taxa that `birdsat teach` taught beside the run.")] = True
    """Whether taxa that `birdsat teach` taught beside the run take part."""

    def check(self) -> None:
        """Raise ConfigError for rates that are impossible, and for two sources of place and date."""
        super().check()
        for name in ("coverage", "sure", "gate"):
            rate, most = getattr(self, name), "up to 1" if name == "gate" else "below 1"
            if not 0 < rate <= 1 or (rate == 1 and name != "gate"):
                raise ConfigError(f"{name} is {rate}; allowed: above 0, {most}.", settings=(name,))
        sources = self.given("ranges", "imagery", "expected") + self.given("region") * (self.ranges is None)
        if len(sources) > 1:
            raise ConfigError(
                f"place and date are asked of {' and '.join(sources)}; name one of them.", settings=sources
            )
