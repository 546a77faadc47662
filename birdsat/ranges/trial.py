"""How well members rank what they held out: what the number of steps of a fit is chosen by."""

from dataclasses import dataclass

import torch
from torch import Tensor

_BACKGROUND = 10.0  # times as much as points; no other number was tried


@dataclass(frozen=True, slots=True)
class Trial:
    """What members are tried on: m members, p points, b rows of background, t taxa."""

    points: Tensor  # (m, p) held out
    background: Tensor  # (m, b) held out
    weight: Tensor  # (m, p) adding up to 1 over the points of each member and taxon
    known: Tensor  # (m, t) which have any

    def ranks(self, there: Tensor, elsewhere: Tensor, row: Tensor, taxon: Tensor) -> Tensor:
        """(m, t) how well points stand above background, from 0 to 1; 0 where there is nothing of either. Of log odds
        there (m, p) of points of taxon (p,), and elsewhere (m, r, t), of which background is row (b,).

        The mean of the area under the ROC curve and of the average precision that there would be if background weighed
        ten times as much as points. The area alone is nearly 1 where a range is a small part of the land, and hardly
        tells one step from another; precision alone jumps where points are few.
        """
        ranks = torch.zeros(self.known.shape, dtype=torch.float64)
        for member, held_out in enumerate(self.points):
            point = torch.nonzero(held_out)[:, 0]
            background = elsewhere[member, row[self.background[member]]]
            if len(point) == 0 or len(background) == 0:
                continue
            point = point[there[member, point].argsort(descending=True)]
            point = point[taxon[point].argsort(stable=True)]  # by taxon, and of each the best first
            weight = self.weight[member, point].double()
            count = taxon[point].bincount()
            count = count[count > 0]
            before = (weight.cumsum(0) - weight)[count.cumsum(0) - count]  # of each taxon: of those before it
            found = weight.cumsum(0) - before.repeat_interleave(count)  # by this point, of its taxon's
            against, _ = background.T.contiguous().sort(dim=1)  # (t, held out)
            below = torch.searchsorted(against[taxon[point]], there[member, point][:, None])[:, 0] / len(background)
            precision = found / (found + _BACKGROUND * (1 - below))
            ranks[member].index_add_(0, taxon[point], weight * (below + precision) / 2)
        return ranks
