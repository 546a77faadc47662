"""Which samples of a batch were taken close to each other."""

from jaxtyping import Bool, Float
from torch import Tensor

from birdsat.earth.place import EARTH_RADIUS_KM


def near_pairs(a: Float[Tensor, "n 2"], b: Float[Tensor, "m 2"], min_negative_km: float) -> Bool[Tensor, "n m"]:
    """True where two places (degrees, NaN where missing: near nothing) are closer than `min_negative_km`.

    Great-circle distance by the haversine formula.
    """
    lam_a, phi_a = a.double().deg2rad().unbind(dim=1)
    lam_b, phi_b = b.double().deg2rad().unbind(dim=1)
    across = (lam_b[None] - lam_a[:, None]) / 2
    along = (phi_b[None] - phi_a[:, None]) / 2
    h = along.sin().square() + phi_a.cos()[:, None] * phi_b.cos()[None] * across.sin().square()
    return 2 * EARTH_RADIUS_KM * h.clamp(0, 1).sqrt().asin() < min_negative_km
