"""Which split an observation goes to: by its source, at random, or by blocks of the Earth's surface."""

import hashlib
import math
from dataclasses import dataclass

from birdsat.earth.place import KM_PER_DEGREE, Place
from birdsat.errors import ConfigError
from birdsat.observations.observation import Observation, Split


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRule:
    """How observations are split. The draw depends on the seed and the id (or group, or block) alone.

    So an observation keeps its split when others are added. Splits at random leak geography: neighbours of a
    training photo land in test. Use blocks where that matters.
    """

    val_fraction: float = 0.1  # of the observations drawn; of the source's train where it gives no val
    test_fraction: float = 0.1  # of the observations drawn
    keep_source: bool = True  # use the split that the source gives, where it gives one
    block_km: float | None = None  # draw whole blocks of this side; None: draw each observation, or group, by itself

    def __post_init__(self) -> None:
        val, test = self.val_fraction, self.test_fraction
        if not (val >= 0 and test >= 0 and val + test < 1):
            raise ConfigError(
                f"val_fraction {val} and test_fraction {test} leave nothing to train on, or are negative; "
                "they must be at least 0 and sum to less than 1."
            )
        if self.block_km is not None and not 0 < self.block_km <= 20_000:
            raise ConfigError(f"block_km is {self.block_km}; allowed: above 0, up to 20000.")

    def split(self, observation: Observation, *, seed: int, source_has_val: bool) -> Split:
        """The split of one observation.

        Where the source gives splits but no val, `val_fraction` of its train becomes val, so that its test
        stays untouched.
        """
        source = observation.split if self.keep_source else None
        if source in ("val", "test") or (source == "train" and source_has_val):
            return source
        drawn = unit_hash(seed, self._unit(observation))
        if drawn < self.val_fraction:
            return "val"
        if source is None and drawn < self.val_fraction + self.test_fraction:
            return "test"
        return "train"

    def _unit(self, observation: Observation) -> str:
        """What is drawn as a whole: the block, the group, or the observation."""
        if self.block_km is None or observation.place is None:
            return f"id {observation.id}" if observation.group is None else f"group {observation.group}"
        return "block {} {}".format(*block(observation.place, self.block_km))


def block(place: Place, block_km: float) -> tuple[int, int]:
    """Row and column of the block that holds a place.

    Blocks are about square and of about one area everywhere: each band of latitude is cut into a whole number
    of columns, so none is torn at the antimeridian.
    """
    rows = max(1, round(180 * KM_PER_DEGREE / block_km))
    row = min(int((place.lat + 90) / 180 * rows), rows - 1)
    middle = math.radians((row + 0.5) * 180 / rows - 90)
    columns = max(1, round(360 * KM_PER_DEGREE * math.cos(middle) / block_km))
    return row, int((place.lon + 180) / 360 * columns) % columns


def unit_hash(seed: int, text: str) -> float:
    """A number in [0, 1), uniform over texts, the same on every machine."""
    digest = hashlib.blake2b(f"{seed} {text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
