"""How much each taxon's log odds hang on each input of a network: what it uses, and what it ignores."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from birdsat.earth.date import mid_month
from birdsat.ranges.network import RangeNetwork

_MOST_PLACES = 256  # that inputs are changed at
_STEP = 0.01  # of inputs, whose own deviation is about 1
_NUMBERS = 1 << 22  # of the heads of some taxa, which are held at once


@torch.inference_mode()
def sensitivity(network: RangeNetwork, places: Float[Tensor, "n inputs"]) -> Float[Tensor, "taxa inputs"]:
    """Root mean square of the slope of each taxon's log odds along each input, over places, members and months.

    Brought to a mean square of 1 over the inputs; 0 throughout for a taxon whose log odds are the same everywhere. Each
    input is changed a little at some of the places, evenly spread over those given; what that does to the last hidden
    layer serves all taxa, as its second moments: a slope's mean square is a quadratic form of a taxon's own weights.
    """
    places = places[np.unique(np.linspace(0, len(places) - 1, min(len(places), _MOST_PLACES)).astype(np.int64))]
    here = network.hidden(places[None])
    moments = []  # of each input, (members, width, width)
    for column in range(places.shape[1]):
        beside = places.clone()
        step = torch.where(places[:, column] > 0, -_STEP, _STEP)  # inwards: beyond the largest value hinges are flat
        beside[:, column] += step
        change = (network.hidden(beside[None]) - here) / step[:, None]
        moments.append(change.transpose(1, 2) @ change / len(places))
    # The mean over months of the square of basis @ v is that of root @ v, with fewer rows.
    basis = network.basis_at(np.array([mid_month(month) for month in range(1, 13)]))
    root = torch.linalg.qr(basis, mode="r").R / math.sqrt(12)  # (members, terms, terms)
    heads = network.heads_by_term()[0]  # (members, terms, width, taxa)
    at_once = max(1, _NUMBERS // (heads.numel() // network.taxa))
    slopes = [_mean_squares(root, some, moments) for some in torch.split(heads, at_once, dim=-1)]
    square = torch.cat(slopes).clamp_(min=0)
    usual = square.mean(dim=1, keepdim=True)
    return torch.where(usual > 0, square / usual, 0.0).sqrt_()


def _mean_squares(
    root: Float[Tensor, "members terms terms"],
    heads: Float[Tensor, "members terms width some"],
    moments: list[Float[Tensor, "members width width"]],
) -> Float[Tensor, "some inputs"]:
    members, terms, width, some = heads.shape
    turned = (root @ heads.flatten(2)).view(members, terms, width, some).transpose(1, 2).flatten(2)
    along = [(turned * (moment @ turned)).sum(dim=1) for moment in moments]  # each (members, terms * some)
    return torch.stack(along, dim=-1).view(members, terms, some, len(moments)).sum(dim=1).mean(dim=0)
