"""A network from coordinates to all taxa at once, as SINR (Cole et al. 2023)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from birdsat.errors import ConfigError
from birdsat.ranges.adamw import AdamW
from birdsat.ranges.dropout import Dropout
from birdsat.ranges.evaluation.learning import ScaledColumns, Scorer
from birdsat.ranges.evaluation.registry import ModelSettings
from birdsat.ranges.points import Cells, Points

_EPSILON = 1e-5  # within the logarithms, as in the published code
_MOST_WEIGHT = 2048  # of a presence, as published
_ROWS = 16_384  # scored at once


@dataclass(frozen=True, kw_only=True, slots=True)
class CoordinateNetwork:
    """Spatial implicit neural representations (Cole et al. 2023, "Spatial Implicit Neural Representations for Global-
    Scale Species Mapping"): a residual network over sines and cosines of the coordinates, one output a taxon, with the
    loss "assume negative, full" (their section 3.2).

    Width, depth, dropout and learning rate are those of the published code. Its weight of a presence, 2,048 for 47,375
    taxa, drowns the assumed absences where taxa are few; here it is the number of taxa, up to 2,048, so that a taxon's
    presences weigh about half as much as its assumed absences. Negatives are drawn from the background that every model
    is given, not from the whole globe, and training goes by steps, since ten epochs over a few thousand points are a
    few dozen steps.
    """

    columns: tuple[str, ...] = ()  # beside the coordinates, standardised
    width: int = 256
    depth: int = 4  # residual blocks
    dropout: float = 0.5
    presence_weight: float | None = None  # of a presence against one assumed absence (lambda); None: as many as taxa
    learning_rate: float = 5e-4
    batch: int = 1024  # points, and as many background places, a step
    steps: int = 500
    seed: int = 0
    label: str = ""  # in tables; the columns where empty
    probabilities: bool = True

    def __post_init__(self) -> None:
        sizes = self.width, self.depth, self.batch, self.steps
        if min(sizes) < 1 or not (0 <= self.dropout < 1 and self.learning_rate > 0 and (self.presence_weight or 1) > 0):
            raise ConfigError(
                f"{self} cannot be trained; width, depth, batch and steps are 1 or more, dropout from 0 to below 1, "
                "learning rate and presence weight above 0."
            )

    @property
    def name(self) -> str:
        also = self.label or " + ".join(self.columns)
        return f"coordinate network (SINR-like){f' with {also}' if also else ''}"

    def fit(self, points: Points) -> Scorer:
        inputs = self._inputs(points.background)
        at, background = inputs(points.presences), inputs(points.even_background())
        taxon = torch.from_numpy(points.taxon)
        weight = self.presence_weight or min(points.taxa, _MOST_WEIGHT)
        generator = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)  # of the first weights and of dropout
            network = _Network(at.shape[1], points.taxa, self)
            optimiser = AdamW(network.parameters(), weight_decay=0.0)  # Adam
            for _ in range(self.steps):
                # A place that is drawn twice is looked at twice, each under a mask of its own: once would take a third
                # of the time where places are few, and cost .005 of AUC and .015 of AP in as many steps.
                here = torch.randint(len(at), (min(self.batch, len(at)),), generator=generator)
                elsewhere = torch.randint(len(background), (len(here),), generator=generator)
                present, absent = network(torch.cat([at[here], background[elsewhere]])).chunk(2)
                loss = assume_negative_full(present, taxon[here], absent, weight)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step(self.learning_rate)
        network.eval()
        learned = np.isin(np.arange(points.taxa), points.taxon)

        @torch.inference_mode()
        def score(cells: Cells) -> NDArray[np.float32]:
            table = inputs(cells)
            parts = [network(table[i : i + _ROWS]).sigmoid() for i in range(0, len(table), _ROWS)]
            scores: NDArray[np.float32] = torch.cat(parts).numpy()
            return np.where(learned, scores, np.float32(np.nan))

        return score

    def _inputs(self, training: Cells) -> Callable[[Cells], Tensor]:
        scaled = ScaledColumns.fit(training, self.columns) if self.columns else None

        def inputs(cells: Cells) -> Tensor:
            waves = _waves(cells.lon_lat)
            table = waves if scaled is None else np.concatenate([waves, scaled(cells)], axis=1)
            return torch.from_numpy(table.astype(np.float32))

        return inputs


def coordinate_network(settings: ModelSettings) -> tuple[CoordinateNetwork, ...]:
    """On coordinates alone."""
    return (CoordinateNetwork(seed=settings.seed),)


def assume_negative_full(present: Tensor, taxon: Tensor, absent: Tensor, presence_weight: float) -> Tensor:
    """The loss L_AN-full of Cole et al. (2023, equation 5): every taxon but the one seen is assumed absent there.

    present (n, taxa): logits at points, where `taxon` (n,) was seen; absent (n, taxa): logits at background places.
    """
    unseen = _minus_log(1 - present.sigmoid())
    own = present.gather(1, taxon[:, None])
    seen = presence_weight * _minus_log(own.sigmoid()) - unseen.gather(1, taxon[:, None])
    return (unseen.sum() + seen.sum()) / unseen.numel() + _minus_log(1 - absent.sigmoid()).mean()


class _Network(nn.Module):
    def __init__(self, inputs: int, taxa: int, config: CoordinateNetwork) -> None:
        super().__init__()
        width = config.width
        self.start = nn.Sequential(nn.Linear(inputs, width), nn.ReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(width, width), nn.ReLU(), Dropout(config.dropout), nn.Linear(width, width), nn.ReLU()
            )
            for _ in range(config.depth)
        )
        self.taxa = nn.Linear(width, taxa, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.start(inputs)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.taxa(hidden)  # type: ignore[no-any-return]


def _waves(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) degrees -> (n, 4): sine and cosine of pi x, x being longitude / 180 and latitude / 90 (section 3.1)."""
    turn = np.pi * lon_lat / (180.0, 90.0)
    return np.concatenate([np.sin(turn), np.cos(turn)], axis=1)


def _minus_log(probability: Tensor) -> Tensor:
    return -torch.log(probability + _EPSILON)
