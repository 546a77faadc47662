"""What is known of covariates: what a model remembers of rasters and columns, and what their numbers are called."""

from collections.abc import Sequence
from dataclasses import dataclass

OTHER = "other"  # what the rarer classes of a raster are pooled as


@dataclass(frozen=True, kw_only=True, slots=True)
class CovariateSource:
    """A raster, or a column of a table of places, as a range model remembers it, to read the same numbers again."""

    name: str
    file: str  # way from the model's folder, or from the root
    sha256: str
    column: str = ""  # of a table; "": a raster
    lon: str = ""  # column of longitude, or x; "": by its usual names
    lat: str = ""
    crs: str = ""  # of the table's places; "": degrees of WGS84
    bands: tuple[str, ...] = ()  # what each is called, "" of a single one; of classes, none
    classes: tuple[float, ...] = ()  # of a categorical one: those with a column of their own
    words: tuple[str, ...] = ()  # of classes that are words, of which `classes` are the positions
    pooled: bool = False  # whether a last column has the share of all other classes

    @property
    def categorical(self) -> bool:
        """Whether its numbers stand for classes."""
        return not self.bands

    @property
    def width(self) -> int:
        """Numbers that it says of a cell."""
        return len(self.bands) or len(self.classes) + self.pooled

    @property
    def covariates(self) -> tuple["Covariate", ...]:
        """Each band by itself; all classes together."""
        if self.categorical:
            columns = self.words or tuple(f"{one:g}" for one in self.classes)
            other = OTHER if OTHER not in columns else f"all {OTHER}"
            return (
                Covariate(name=self.name, columns=(*columns, *((other,) if self.pooled else ())), categorical=True),
            )
        return tuple(Covariate(name=f"{self.name} {band}".strip()) for band in self.bands)


@dataclass(frozen=True, kw_only=True, slots=True)
class Covariate:
    """What is learned from, shuffled and drawn as one: a number, or the shares of classes."""

    name: str
    columns: tuple[str, ...] = ("",)  # the classes
    categorical: bool = False


def covariates_of(sources: Sequence[CovariateSource]) -> tuple[Covariate, ...]:
    """All covariates, in the order of their columns."""
    return tuple(one for source in sources for one in source.covariates)


def column_spans(covariates: Sequence[Covariate]) -> tuple[slice, ...]:
    """Which columns each has."""
    spans, start = [], 0
    for one in covariates:
        spans.append(slice(start, start + len(one.columns)))
        start += len(one.columns)
    return tuple(spans)
