"""Classifiers of scikit-learn's kind in place of a range network: the same inputs, folds and figures."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from birdsat.ranges.applicability import half_inputs
from birdsat.ranges.estimators import fit_one, log_odds, parse_estimator, with_seed
from birdsat.ranges.fit_data import Data
from birdsat.ranges.network import RangeNetworkConfig
from birdsat.ranges.points import Points
from birdsat.ranges.train import Fitted

_MOST_BACKGROUND = 10_000  # places, drawn by their weights, as benchmarks of such models have

_Table = NDArray[np.float64]


class EstimatorNetwork(nn.Module):
    """Members that are classifiers, each of one taxon and fold: what a `RangeModel` asks of a `RangeNetwork`.

    What is kept in a file is the table that they learn from and the text that says what they are, not what they
    learned: a fitted classifier can be kept as a pickle only, which is a program of whoever wrote it. Each learns again
    from the table when it is first asked, with the same seed, so that the same installation gives the same map.
    """

    table: Tensor  # (r, d) inputs, to the precision of float16
    taxon: Tensor  # (r,) label of a point; -1: background
    out: Tensor  # (m, r) bool: rows that a member holds out
    terms = 1  # of the annual cycle: the year's mean

    def __init__(
        self, config: RangeNetworkConfig, text: str, taxa: int, *, table: Tensor, taxon: Tensor, out: Tensor
    ) -> None:
        """text: as of `parse_estimator`. Raises ValueError for tensors that do not fit one another."""
        super().__init__()
        rows = len(table)
        if table.ndim != 2 or taxon.shape != (rows,) or out.shape != (config.members, rows):
            raise ValueError(f"a table {tuple(table.shape)} has taxa {tuple(taxon.shape)} and folds {tuple(out.shape)}")
        if not ((taxon >= -1) & (taxon < taxa)).all() or not (taxon == -1).any():
            raise ValueError(f"a table of {taxa} taxa has other labels, or no background")
        self.config, self.taxa, self.text = config, taxa, text
        for name, value in (("table", table), ("taxon", taxon), ("out", out)):
            self.register_buffer(name, value)
        self._fitted: dict[tuple[int, int], Callable[[_Table], NDArray[np.float32]]] = {}
        self._lock = threading.Lock()

    @property
    def kept_shape(self) -> tuple[int, int]:
        """Numbers of a place that its maps are read from: one row of inputs, the same for all members."""
        return 1, self.table.shape[1]

    def hidden(self, inputs: Float[Tensor, "members n inputs"]) -> Float[Tensor, "one n inputs"]:
        """The inputs, to the precision that they are kept in."""
        return half_inputs(inputs[:1]).float()

    def basis_at(self, year_fraction: NDArray[np.float64]) -> Float[Tensor, "members n terms"]:
        """The year's mean alone, on any date."""
        return torch.ones(self.config.members, len(year_fraction), 1)

    def heads(self, hidden: Float[Tensor, "one n inputs"]) -> Float[Tensor, "members n taxa"]:
        """Log odds of every taxon."""
        return self.annual_cycles(hidden, list(range(self.taxa)))[:, :, 0].transpose(1, 2)

    def logits(
        self, hidden: Float[Tensor, "one n inputs"], year_fraction: NDArray[np.float64]
    ) -> Float[Tensor, "members n taxa"]:
        """Log odds of every taxon, on any date."""
        return self.heads(hidden)

    def annual_cycles(
        self, hidden: Float[Tensor, "one n inputs"], taxa: list[int]
    ) -> Float[Tensor, "members _taxa one n"]:
        """Log odds of some taxa; 0 of a taxon without points."""
        asked = hidden[0].numpy().astype(np.float64)
        odds = np.zeros((self.config.members, len(taxa), 1, len(asked)), np.float32)
        for at, label in enumerate(taxa):
            if len(asked) == 0 or not (self.taxon == label).any():
                continue
            for member in range(self.config.members):
                odds[member, at, 0] = log_odds(self._of(member, label)(asked))
        return torch.from_numpy(odds)

    def _of(self, member: int, label: int) -> Callable[[_Table], NDArray[np.float32]]:
        with self._lock:
            if (member, label) not in self._fitted:
                kept = ~self.out[member]
                at, behind = (self.table[kept & (self.taxon == of)].numpy().astype(np.float64) for of in (label, -1))
                estimator = with_seed(parse_estimator(self.text), self.config.seed + member)
                self._fitted[member, label] = fit_one(estimator, at, behind, np.ones(len(behind)))
            return self._fitted[member, label]


def fit_estimators(points: Points, inputs: Tensor, background: Tensor, config: RangeNetworkConfig, text: str) -> Fitted:
    """Fit a classifier to each taxon and fold, on the folds that a network would have, and say what they held out.

    inputs (p, d) of the points, background (b, d). Of the background, at most _MOST_BACKGROUND places are learned from,
    drawn by their weights, so that it weighs what it should with classifiers that know no weights.
    """
    data = Data(replace(points, surveys=None), inputs, background, config)
    weight, generator = points.background_weight, np.random.default_rng(config.seed)
    if np.ptp(weight) == 0 and len(weight) <= _MOST_BACKGROUND:
        drawn = np.arange(len(weight))
    else:
        drawn = np.sort(generator.choice(len(weight), min(len(weight), _MOST_BACKGROUND), p=weight / weight.sum()))
    here, there = data.out
    out = torch.cat([here, there[:, drawn]], dim=1)
    # A member that would have to hold out all the background holds out none.
    out[out[:, len(inputs) :].all(dim=1), len(inputs) :] = False
    taxon = torch.cat([torch.from_numpy(points.taxon), torch.full((len(drawn),), -1)])
    table = half_inputs(torch.cat([inputs, background[drawn]])).float()
    network = EstimatorNetwork(config, text, points.taxa, table=table, taxon=taxon, out=out).eval()
    if not data.folded:
        return Fitted(network=network, steps=0, held_out=None)
    held_out = data.held_out(network)
    return Fitted(
        network=network,
        steps=0,
        held_out=held_out,
        by_half=(held_out, held_out),  # no number of steps is chosen
        again=partial(data.held_out_again, network),
    )
