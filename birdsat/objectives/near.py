"""Which samples of a batch were taken close to each other."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from birdsat.earth.place import EARTH_RADIUS_KM


def near_pairs(a: Float[Tensor, "n 2"], b: Float[Tensor, "m 2"], min_negative_km: float) -> Bool[Tensor, "n m"]:
    """True where two places (degrees, NaN where missing: near nothing) are closer than `min_negative_km`.

    Great-circle distance by the haversine formula, in float32, which is all that some GPUs have. So differences are
    taken in degrees, where those of near places are exact, over the antimeridian by way of what each place is from it,
    and the cosine of a latitude is the sine of what it is from the pole: 1 km is off by less than a millimetre.
    """
    (lon_a, lat_a), (lon_b, lat_b) = a.float().unbind(dim=1), b.float().unbind(dim=1)
    behind_a, behind_b = lon_a - lon_a.sign() * 180, lon_b - lon_b.sign() * 180
    turn = lon_b[None] - lon_a[:, None]
    across = torch.where(turn.abs() > 180, behind_b[None] - behind_a[:, None], turn).deg2rad() / 2
    along = (lat_b[None] - lat_a[:, None]).deg2rad() / 2
    cos_a, cos_b = (90 - lat_a.abs()).deg2rad().sin(), (90 - lat_b.abs()).deg2rad().sin()
    h = along.sin().square() + cos_a[:, None] * cos_b[None] * across.sin().square()
    return 2 * EARTH_RADIUS_KM * h.clamp(0, 1).sqrt().asin() < min_negative_km
