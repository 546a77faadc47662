"""What is remembered of the regression beside a network."""

from dataclasses import dataclass

from birdsat.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class HingeShare:
    """A hinge regression that was chosen, and how much it counts."""

    c: float  # inverse strength of its penalty, as scikit-learn has it
    share: float  # its own, of the log odds of the year's mean; the network has the rest

    def __post_init__(self) -> None:
        if not (self.c > 0 and 0 < self.share < 1):
            raise ConfigError(f"c {self.c}, share {self.share}: c lies above 0, share between 0 and 1.")

    def __str__(self) -> str:
        return f"a hinge regression of covariates (C {self.c:g}), for {self.share:.0%} of the year's log odds"
