"""What many taxa's maps give together: how many species to expect."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class SuitabilityBlock:
    """Calibrated maps of t taxa and m months in some cells of a grid."""

    cells: NDArray[np.int64]  # (c,) positions in the grid, row by row from the north-west
    suitability: NDArray[np.float32]  # (t, m, c) 0..1; NaN where there is no imagery

    def __post_init__(self) -> None:
        if self.suitability.ndim != 3 or self.suitability.shape[2] != len(self.cells):
            raise InputError(
                f"the suitabilities have shape {self.suitability.shape}, there are {len(self.cells):,} cells; (taxa, "
                "months, cells) is needed."
            )
        check_suitabilities(self.suitability)


@dataclass(frozen=True, kw_only=True, slots=True)
class RichnessBlock:
    """How many species to expect in some cells of a grid."""

    cells: NDArray[np.int64]  # (c,) positions in the grid
    expected: NDArray[np.float32]  # (m, c) the mean number of species; NaN where there is no imagery
    std: NDArray[np.float32]  # (m, c) its standard deviation if taxa come and go independently of each other


class RichnessSum:
    """Richness of some cells, added up over groups of taxa, so that memory does not grow with the taxa."""

    def __init__(self, cells: NDArray[np.int64], months: int) -> None:
        """cells: (c,) positions in the grid."""
        self._cells = cells
        self._expected = np.zeros((months, len(cells)))
        self._variance = np.zeros((months, len(cells)))

    def add(self, block: SuitabilityBlock) -> None:
        """Other taxa in the same cells and months. Raises InputError for other cells or months."""
        if block.suitability.shape[1:] != self._expected.shape or not np.array_equal(block.cells, self._cells):
            raise InputError(
                f"richness of {self._expected.shape} months and cells cannot add a block of "
                f"{block.suitability.shape[1:]}, or of other cells; add up the same cells of each taxon."
            )
        for one in block.suitability:  # by taxon: no second array of the block's size
            wide = one.astype(np.float64)
            self._expected += wide
            self._variance += wide * (1 - wide)

    def total(self) -> RichnessBlock:
        """Over all that was added. A cell unknown for one of the taxa is unknown."""
        return RichnessBlock(
            cells=self._cells,
            expected=self._expected.astype(np.float32),
            std=np.sqrt(self._variance).astype(np.float32),
        )


def richness(blocks: Iterable[SuitabilityBlock]) -> Iterator[RichnessBlock]:
    """The expected number of species, block by block: the sum of the taxa's suitabilities.

    It is right on average where the suitabilities are calibrated, whether or not taxa depend on each other; stacked
    maps of presence above a threshold are not (Calabrese et al. 2014, Global Ecology and Biogeography 23, 99-112).
    """
    for block in blocks:
        together = RichnessSum(block.cells, block.suitability.shape[1])
        together.add(block)
        yield together.total()


def check_suitabilities(suitability: NDArray[np.float32]) -> None:
    """Raises InputError for values outside 0..1. NaN, where nothing is known, is allowed."""
    known = suitability[np.isfinite(suitability)]
    if np.isinf(suitability).any() or (len(known) and not (known.min() >= 0 and known.max() <= 1)):
        raise InputError(
            f"values from {np.nanmin(suitability):g} to {np.nanmax(suitability):g} are not suitabilities, which lie in "
            "0..1; take calibrated maps, not scores."
        )


def check_taxa(taxa: Sequence[str], rows: int) -> None:
    """Raises InputError where there is not one row of suitabilities for each taxon."""
    if len(taxa) != rows:
        raise InputError(f"there are {len(taxa):,} taxa and suitabilities of {rows:,}; one of each is needed.")
