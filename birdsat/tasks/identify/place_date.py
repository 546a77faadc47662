"""What place and date say of each taxon, before anybody looks at the photo."""

import datetime
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.date import mid_month, year_fraction
from birdsat.embeddings.regions.embed_cells import RegionBlock, year_basis
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.taxa import TaxonMeans
from birdsat.errors import InputError, some_of
from birdsat.ranges.model import RangeModel
from birdsat.tasks.identify.taxon_groups import same_birds
from birdsat.tasks.locate_by_ranges import month_of

_YEAR = tuple(range(1, 13))
_LEAST = 1e-4  # probabilities of a range model nearer to 0 or 1 are not told apart
# Share of a taxon's p10, the value that nine tenths of its held-out records reach, below which it is not expected. On
# val places of the virtual world it marks 3.0% of the taxa that were there and 83.8% of the others; one value of .05
# for all marks 1.3% and 73.4% there, and none at all of a model of real records, whose values level off.
_UNEXPECTED_P10 = 0.5
_UNEXPECTED_RANGE = 0.05  # likewise where nothing was held out to choose a p10 on; .5 is the background's
_UNEXPECTED_SHARE = 0.1  # of the even share, likewise, where there is no range model
_KEPT_NUMBERS = 1 << 24  # of cells that were asked already
_ABSENT = 0.02  # how dense a taxon that is not on a list is, against one that is

Taxa = Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """Of n photos and t taxa."""

    log_density: NDArray[np.float64]  # (n, t) up to a factor; NaN in rows of which nothing is known
    unexpected: NDArray[np.bool_]  # (n, t) taxa that place and date speak against


class PlaceDate(ABC):
    """Where and when taxa are to be expected. The same for the same place and date, whatever is asked with it."""

    kind: str  # in words
    taxa: tuple[str, ...]  # t, of the run
    unknown: tuple[str, ...] = ()  # taxa of which it knows nothing: as dense as the others are on the mean

    @property
    @abstractmethod
    def identity(self) -> str:
        """Changes with all that it says."""

    @abstractmethod
    def _known(
        self, lon_lat: NDArray[np.float64], when: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """(n, t) densities and unexpected taxa at known places; rows or taxa of which nothing is known are NaN."""

    def __call__(self, lon_lat: NDArray[np.float64], when: NDArray[np.float64]) -> Expectation:
        """lon_lat (n, 2) degrees, NaN: not known; when (n,) year fractions, NaN: not known."""
        n, t = len(lon_lat), len(self.taxa)
        density, unexpected = np.full((n, t), np.nan), np.zeros((n, t), dtype=np.bool_)
        placed = np.flatnonzero(np.isfinite(lon_lat).all(axis=1) | self.needs_no_place)
        if len(placed):
            found, against = self._known(lon_lat[placed], when[placed])
            told = np.isfinite(found)
            count = told.sum(axis=1, keepdims=True)
            mean = np.where(told, found, 0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
            found = np.where(told, found, mean)
            found[count[:, 0] == 0] = np.nan
            density[placed], unexpected[placed] = found, against & told
        with np.errstate(divide="ignore"):
            log_density = np.log(np.maximum(density, 1e-12))
        return Expectation(log_density=np.where(np.isnan(density), np.nan, log_density), unexpected=unexpected)

    @property
    def needs_no_place(self) -> bool:
        """Whether it says the same everywhere."""
        return False

    @property
    def note(self) -> str | None:
        """What is to be said of the taxa of which it knows nothing."""
        if not self.unknown:
            return None
        return (
            f"{len(self.unknown):,} of the {len(self.taxa):,} taxa are not in {self.kind}, and place and date say "
            f"neither for nor against them: {some_of(self.unknown)}."
        )


class RangesPlaceDate(PlaceDate):
    """From a range model fitted on any records.

    Its probability p is relative: the odds p / (1 - p) are how dense the taxon's records are there and then, against
    the background's (`RangeModel`); so they are what taxa are compared by at one place. Without a date, odds are the
    mean over the year. Taxa of run and range model meet by the species that their names mean.
    """

    kind = "the range model"

    def __init__(self, taxa: Taxa, model: RangeModel, region: Region) -> None:
        """Raises InputError where the two have no taxon in common."""
        self.taxa, self._model, self._region = tuple(taxa), model, region
        found = _in_model(self.taxa, model)
        self._at = np.array([number for number, name in enumerate(found) if name is not None], dtype=np.int64)
        self._names = [name for name in found if name is not None]
        self.unknown = tuple(taxon for taxon, name in zip(self.taxa, found, strict=True) if name is None)
        if not self._names:
            raise InputError(
                f"none of the {len(self.taxa):,} taxa that the run knows ({some_of(self.taxa, 2)}) is among the "
                f"{len(model.facts.taxa):,} of the range model ({some_of(model.facts.taxa, 2)}); fit one to records of "
                "the run's taxa.",
                settings=("ranges",),
            )
        chosen = [model.thresholds(name) for name in self._names]
        self._least = np.array([_UNEXPECTED_RANGE if one is None else _UNEXPECTED_P10 * one.p10 for one in chosen])
        self._kept: dict[int, NDArray[np.float32]] = {}

    @property
    def identity(self) -> str:
        heads = hashlib.sha256(self._model.trunk_fingerprint().encode())
        for name, value in sorted(self._model.network.state_dict().items()):
            heads.update(f"{name}".encode())
            heads.update(value.numpy().tobytes())
        heads.update(repr((self._model.facts.calibration, self._model.facts.taxa, self._least.tolist())).encode())
        return f"ranges {heads.hexdigest()[:16]} on {self._region.identity}"

    def _known(
        self, lon_lat: NDArray[np.float64], when: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        cells = self._region.grid.cells_at(*lon_lat.T)
        self._ask(lon_lat, cells)
        n, t = len(lon_lat), len(self.taxa)
        odds, unexpected = np.full((n, t), np.nan), np.zeros((n, t), dtype=np.bool_)
        month = month_of(when)
        for row, (cell, at) in enumerate(zip(cells.tolist(), month.tolist(), strict=True)):
            probability = self._kept.get(cell)
            if probability is None:
                continue  # in no cell, or in one without imagery: at sea, mostly
            p = probability.astype(np.float64)
            of_month = (p / (1 - p)).mean(axis=1) if at == 0 else p[:, at - 1] / (1 - p[:, at - 1])
            odds[row, self._at] = of_month
            unexpected[row, self._at] = of_month / (1 + of_month) < self._least
        return odds, unexpected

    def _ask(self, lon_lat: NDArray[np.float64], cells: NDArray[np.int64]) -> None:
        """The probabilities of all taxa and months in cells that were not asked yet, each cell by itself so that no
        other has a part in its last digit."""
        if len(self._kept) * len(self._names) * len(_YEAR) > _KEPT_NUMBERS:
            self._kept.clear()
        new = [row for row, cell in _first_of_each(cells) if cell >= 0 and cell not in self._kept]
        if not new:
            return
        points = self._region.at(lon_lat[new], self._model.columns)
        for number in np.flatnonzero(points.found).tolist():
            one = slice(number, number + 1)
            block = RegionBlock(
                cells=points.cells[one],
                lon_lat=self._region.grid.centres(points.cells[one]),
                chip=points.chip[one],
                year=points.year[one],
                covariates=None if points.covariates is None else points.covariates[one],
            )
            (found,) = self._model.predict([self._model.features(block)], self._names, _YEAR, applicability=False)
            self._kept[int(points.cells[number])] = np.clip(found.suitability[:, :, 0], _LEAST, 1 - _LEAST)


class ChipPlaceDate(PlaceDate):
    """From the run itself: its embedding of chip, place and date beside the mean photo of each taxon.

    The density of a taxon is exp(scale x cosine), scale being the inverse temperature that the run learned to contrast
    photos and chips by; without a date, its mean over twelve mid-months.
    """

    kind = "the run's mean photos"

    def __init__(
        self,
        taxa: Taxa,
        means: TaxonMeans,
        scale: float,
        years: Callable[[NDArray[np.float64]], NDArray[np.float32]],
        identity: str,
    ) -> None:
        """years: of places (n, 2), the annual cycles (n, 1 + 2 K, d) of their embedding, NaN where there is no
        imagery; identity: of these."""
        self.taxa, self._scale, self._years = tuple(taxa), scale, years
        by_name = dict(zip(means.taxa, means.embedding, strict=True))
        width = means.embedding.shape[1]
        self._vectors = np.stack([by_name.get(name, np.full(width, np.nan, np.float32)) for name in self.taxa])
        self.unknown = tuple(name for name, row in zip(self.taxa, self._vectors, strict=True) if np.isnan(row).any())
        self._identity = identity

    @property
    def identity(self) -> str:
        digest = hashlib.sha256(repr((self.taxa, self._scale)).encode())
        digest.update(self._vectors.tobytes())
        return f"chips {digest.hexdigest()[:16]} on {self._identity}"

    def _known(
        self, lon_lat: NDArray[np.float64], when: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        year = self._years(lon_lat).astype(np.float64)
        harmonics = (year.shape[1] - 1) // 2
        times = np.array([mid_month(month) for month in _YEAR])
        found = np.full((len(lon_lat), len(self.taxa)), np.nan)
        for row, at in enumerate(when.tolist()):
            basis = year_basis(times if np.isnan(at) else np.array([at]), harmonics).astype(np.float64)
            here = basis @ year[row]  # (times, d)
            here /= np.maximum(np.linalg.norm(here, axis=1, keepdims=True), 1e-12)
            cosine = here @ self._vectors.T.astype(np.float64)
            if np.isfinite(here).all():
                found[row] = np.exp(self._scale * (cosine - np.nanmax(cosine))).mean(axis=0)
        told = np.isfinite(found)
        mean = np.where(told, found, 0).sum(axis=1, keepdims=True) / np.maximum(told.sum(axis=1, keepdims=True), 1)
        return found, np.where(told, found, np.inf) < _UNEXPECTED_SHARE * mean


class ListPlaceDate(PlaceDate):
    """From a list of the taxa to expect, wherever and whenever: of a country, a garden, a trip."""

    kind = "the list"

    def __init__(self, taxa: Taxa, listed: Taxa, common_names: Mapping[str, str] | None = None) -> None:
        """common_names: of the run's taxa. Raises InputError where the list names none of the run's taxa."""
        self.taxa = tuple(taxa)
        found = same_birds(listed, self.taxa, common_names)
        on = {name for name in found if name is not None}
        self.not_found = tuple(name for name, same in zip(listed, found, strict=True) if same is None)
        if not on:
            raise InputError(
                f"none of the {len(listed):,} names of the list ({some_of(listed, 2)}) is among the "
                f"{len(self.taxa):,} taxa of the run ({some_of(self.taxa, 2)}); list taxa that it knows.",
                settings=("expected",),
            )
        self._on = np.array([name in on for name in self.taxa])

    @property
    def needs_no_place(self) -> bool:
        return True

    @property
    def identity(self) -> str:
        return f"list {hashlib.sha256(repr((self.taxa, self._on.tolist())).encode()).hexdigest()[:16]}"

    @property
    def note(self) -> str | None:
        if not self.not_found:
            return None
        return (
            f"{len(self.not_found):,} names of the list are not among the run's taxa, and photos of them cannot be "
            f"named: {some_of(self.not_found)}."
        )

    def _known(
        self, lon_lat: NDArray[np.float64], when: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        density = np.where(self._on, 1.0, _ABSENT)
        return np.tile(density, (len(lon_lat), 1)), np.tile(~self._on, (len(lon_lat), 1))


def _in_model(taxa: Taxa, model: RangeModel) -> list[str | None]:
    """The model's name of each taxon, by the species that both mean, or else by its English name in either or in the
    list of the package."""
    return same_birds(taxa, model.facts.taxa, model.common_names)


def when_of(dates: Sequence[datetime.date | None]) -> NDArray[np.float64]:
    """(n,) year fractions; NaN where a date is not known."""
    return np.array([np.nan if date is None else year_fraction(date) for date in dates], dtype=np.float64)


def _first_of_each(cells: NDArray[np.int64]) -> list[tuple[int, int]]:
    values, rows = np.unique(cells, return_index=True)
    return list(zip(rows.tolist(), values.tolist(), strict=True))
