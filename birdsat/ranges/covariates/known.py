"""Whether a covariate is known where records are and elsewhere alike: else a fit learns where it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from birdsat.errors import InputError, some_of
from birdsat.ranges.covariates.facts import Covariate, column_spans

# Differences of shares. That a covariate is known, and nothing else, tells records from background with an AUC of
# (1 + difference) / 2: of .8 a fit is refused, of .575 it is said.
_REFUSED, _SAID, _SAID_OF_A_TAXON = 0.6, 0.15, 0.3
_LEAST_RECORDS = 10  # fewer lie where a covariate is not known by chance
_MUCH_LESS = 0.2  # of the share in the background
MOST_CELLS = 20_000  # that are looked at for their share

_Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Places:
    """Places, and what covariates are there."""

    values: NDArray[np.float32]  # (n, k); NaN where not known
    on_land: _Mask  # (n,)
    weight: NDArray[np.float64]  # (n,) how often each is drawn

    def known(self, columns: slice) -> _Mask:
        """(n,) where a covariate is."""
        return np.asarray(np.isfinite(self.values[:, columns]).all(axis=1))

    def share(self, columns: slice, among: _Mask) -> float:
        """Of the places of a mask (n,), where a covariate is known; NaN of none."""
        weight = self.weight[among]
        return float(np.average(self.known(columns)[among], weights=weight)) if weight.sum() > 0 else np.nan


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Shares:
    """At what share of places a covariate is known: of all, or of those on land."""

    records: float
    of_taxa: NDArray[np.float64]  # (t,) the same of each taxon; NaN of one with few records
    background: float
    cells: float

    def apart(self, records: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """How far shares are from those that they are compared with; 0 of NaN. What is known in all of the background
        says nothing of where it was measured, in however few cells it is known."""
        others = [self.background] if self.background == 1 else [self.background, self.cells]
        gaps = [np.nan_to_num(np.abs(np.asarray(records, np.float64) - other)) for other in others]
        return np.asarray(np.max(gaps, axis=0))

    def __str__(self) -> str:
        return (
            f"at {_percent(self.records)} of the places of records, at {_percent(self.background)} of those of the "
            f"background and in {_percent(self.cells)} of the cells"
        )


def unevenly_known(
    covariates: Sequence[Covariate],
    taxa: Sequence[str],
    taxon: NDArray[np.int64],
    records: Places,
    background: Places,
    cells: Places,
) -> tuple[str, ...]:
    """For people: which covariates are known at far fewer of one kind of places than of another.

    taxon: (n,) label of each record, among `taxa`. cells: of the region, or some. Of taxa of land, shares are of all
    places or of those on land, whichever are more alike: what is known on land alone, as climate, tells land from sea.
    Raises InputError where that it is known would tell nearly all by itself, as of a column that was measured with the
    records.
    """
    found: list[str] = []
    if not (len(records.values) and len(background.values)):
        return ()
    for one, columns in zip(covariates, column_spans(covariates), strict=True):
        shares = _shares(columns, taxon, len(taxa), records, background, cells)
        known = f"the covariate {one.name!r} is known {shares}"
        if shares.apart(shares.records) >= _REFUSED and len(records.values) >= _LEAST_RECORDS:
            raise InputError(
                f"{known}, so that a fit would learn where it was measured; {_remedy(shares)}.",
                settings=("covariates", "background", "box"),
            )
        of_taxa = np.flatnonzero(shares.apart(shares.of_taxa) >= _SAID_OF_A_TAXON)
        if shares.apart(shares.records) >= _SAID:
            found.append(f"{known}: a part of what is learned may be where it was measured")
        elif len(of_taxa):
            found.append(
                f"the covariate {one.name!r} is known at more or fewer of the places of "
                f"{some_of([taxa[label] for label in of_taxa.tolist()])} than elsewhere: a part of what is learned of "
                "these may be where it was measured"
            )
        elif shares.cells < _MUCH_LESS * shares.background:
            found.append(f"{known}: elsewhere a map is a guess, as its area of applicability says")
    return tuple(found)


def _shares(
    columns: slice, taxon: NDArray[np.int64], taxa: int, records: Places, background: Places, cells: Places
) -> _Shares:
    def among(land: bool) -> _Shares:
        some = [one.on_land if land else np.ones(len(one.values), np.bool_) for one in (records, background, cells)]
        count = np.bincount(taxon[some[0]], minlength=taxa)
        known = np.bincount(taxon[some[0]], weights=records.known(columns)[some[0]], minlength=taxa)
        return _Shares(
            records=records.share(columns, some[0]),
            of_taxa=np.where(count >= _LEAST_RECORDS, known / np.maximum(count, 1), np.nan),
            background=background.share(columns, some[1]),
            cells=cells.share(columns, some[2]),
        )

    everywhere = among(land=False)
    if records.on_land.mean() < 0.5:
        return everywhere
    on_land = among(land=True)
    return on_land if on_land.apart(on_land.records) < everywhere.apart(everywhere.records) else everywhere


def _remedy(shares: _Shares) -> str:
    if shares.records < shares.background:
        return "give a raster or a table that has values where the records are as well"
    return (
        "give a raster or a table of what lies between the records as well, a box of what it covers, or, as "
        "background, the places at which it was measured"
    )


def _percent(share: float) -> str:
    return "none" if np.isnan(share) else f"{share:.0%}" if share == 0 or share >= 0.01 else "less than 1%"
