"""Settings of a model, chosen on blocks of its own points before anything else is seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from birdsat.metrics import map_scores
from birdsat.observations.blocks import FOLDS, blocks_by_km, deal_folds
from birdsat.ranges.evaluation.learning import PresenceModel, Scorer
from birdsat.ranges.points import Cells, Points

BLOCKS_A_SIDE = 8  # of the stretch of land that points lie on
_KM_A_DEGREE = 111.2  # about; which blocks are drawn, and so the figures in docs, hangs on its digits
_LEAST = 3  # points of a taxon, and other places, that a fold must hold out to say something of it


@dataclass(frozen=True, slots=True)
class Chosen:
    """A fitted model that was chosen among others: a `Scorer`."""

    scorer: Scorer
    name: str  # of what was chosen
    tried: tuple[tuple[str, float], ...]  # each candidate and its AUC on blocks; none where nothing could be held out

    def __call__(self, cells: Cells) -> NDArray[np.float32]:
        return self.scorer(cells)

    @property
    def said(self) -> str:
        """What was chosen, among what."""
        if not self.tried:
            return f"{self.name}, as there are too few blocks to choose by"
        return f"{self.name} (AUC on blocks: {', '.join(f'{name} {auc:.3f}' for name, auc in self.tried)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenOnBlocks:
    """The best of some models on blocks held out of the points, fitted again to all of them.

    The one in their middle where no blocks can be held out, or these tell nothing. All candidates are tried on the
    same blocks.
    """

    candidates: tuple[PresenceModel, ...]
    label: str
    folds: int = FOLDS
    seed: int = 0

    @property
    def name(self) -> str:
        return self.label

    @property
    def probabilities(self) -> bool:
        return all(model.probabilities for model in self.candidates)

    def fit(self, points: Points) -> Scorer:
        parts = list(held_out_blocks(points, self.folds, self.seed)) if len(self.candidates) > 1 else []
        tried = [block_auc(model, parts) for model in self.candidates] if parts else []
        if not np.isfinite(tried).any():
            middle = self.candidates[len(self.candidates) // 2]
            return Chosen(middle.fit(points), middle.name, ())
        best = self.candidates[int(np.argmax(np.nan_to_num(tried, nan=-1.0)))]
        names = (model.name for model in self.candidates)
        return Chosen(best.fit(points), best.name, tuple(zip(names, tried, strict=True)))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeldOutBlocks:
    """Points to learn from, and those of the blocks that were held out."""

    learned: Points
    places: Cells  # different places with a presence of any taxon
    present: NDArray[np.bool_]  # (places, taxa)


def block_side_km(lon_lat: NDArray[np.float64]) -> float:
    """Side of a block: so many lie side by side on the stretch of land that nearly all of the places (n, 2) are on."""
    west, east = np.quantile(lon_lat[:, 0], (0.01, 0.99))
    south, north = np.quantile(lon_lat[:, 1], (0.01, 0.99))
    height = (north - south) * _KM_A_DEGREE
    width = (east - west) * _KM_A_DEGREE * np.cos(np.deg2rad((south + north) / 2))
    return float(np.clip(np.sqrt(max(height * width, 0.0)) / BLOCKS_A_SIDE, 1.0, 1000.0))


def held_out_blocks(points: Points, folds: int = FOLDS, seed: int = 0) -> Iterator[HeldOutBlocks]:
    """The points, each fold of blocks in turn held out with the background in it; none where there are too few blocks.

    What is held out is surveyed as far as presences can be: where a taxon was recorded, against the other places where
    any was. So a choice is for telling taxa apart where people looked, as surveys do, and not for telling where people
    looked. Where a single taxon has points, it is the background that was held out.
    """
    lon_lat = np.concatenate([points.presences.lon_lat, points.background.lon_lat])
    blocks = blocks_by_km(lon_lat, block_side_km(points.presences.lon_lat))
    with_points = np.unique(blocks[: len(points.presences)])
    if len(with_points) < folds:
        return
    # Blocks with points are dealt, so that every fold holds some; those without go along with any.
    fold = np.arange(blocks.max() + 1) % folds
    fold[with_points] = deal_folds(with_points, folds, seed)
    here, there = np.split(fold[blocks], [len(points.presences)])
    for number in range(folds):
        train = here != number
        if not train.any() or train.all() or not (there != number).any():
            continue
        learned = replace(
            points.with_background(there != number),
            presences=points.presences.take(train),
            taxon=points.taxon[train],
            year_fraction=points.year_fraction[train],
        )
        held = points.presences.take(~train)
        _, first, row = np.unique(held.lon_lat, axis=0, return_index=True, return_inverse=True)
        places, present = held.take(first), np.zeros((len(first), points.taxa), dtype=np.bool_)
        present[row.reshape(-1), points.taxon[~train]] = True
        if len(np.unique(points.taxon)) == 1:
            elsewhere = points.background.take(there == number)
            places = _both(places, elsewhere)
            present = np.concatenate([present, np.zeros((len(elsewhere), points.taxa), dtype=np.bool_)])
        yield HeldOutBlocks(learned=learned, places=places, present=present)


def block_auc(model: PresenceModel, parts: Sequence[HeldOutBlocks]) -> float:
    """Mean over taxa of the AUC in the blocks held out, each fold by its points; NaN where no taxon has enough."""
    of_taxon: dict[int, list[tuple[float, int]]] = {}
    for part in parts:
        for label, auc, present in taxon_aucs(model.fit(part.learned)(part.places), part.present):
            of_taxon.setdefault(label, []).append((auc, present))
    means = [np.average([auc for auc, _ in some], weights=[n for _, n in some]) for some in of_taxon.values()]
    return float(np.mean(means)) if means else float("nan")


def taxon_aucs(score: NDArray[np.float32], present: NDArray[np.bool_]) -> list[tuple[int, float, int]]:
    """Label, AUC and number of presences of the taxa with enough of them, and of other places, in (places, taxa)."""
    found = []
    for label in np.flatnonzero(present.any(axis=0)).tolist():
        known = np.isfinite(score[:, label])
        there, of = present[known, label], score[known, label]
        if min(there.sum(), (~there).sum()) >= _LEAST:
            found.append((label, map_scores(of, there)[0], int(there.sum())))
    return found


def _both(one: Cells, other: Cells) -> Cells:
    return Cells(
        lon_lat=np.concatenate([one.lon_lat, other.lon_lat]),
        columns={name: np.concatenate([values, other.columns[name]]) for name, values in one.columns.items()},
    )
