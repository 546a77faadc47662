"""How tables of occurrences are read: fields of every request that takes some."""

from collections.abc import Sequence
from dataclasses import dataclass

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Request


@dataclass(frozen=True, kw_only=True)
class TableOptions(Request):
    """How tables of occurrences are read."""

    columns: Sequence[str] = ()
    """Names of columns of the tables that are not found by themselves, as taxon=NAME lon=X lat=Y."""
    max_uncertainty_km: float | None = None
    """Leave out records whose place is uncertain by more."""

    def check(self) -> None:
        """Raise ConfigError for an uncertainty that is not above 0."""
        super().check()
        if self.max_uncertainty_km is not None and not self.max_uncertainty_km > 0:
            raise ConfigError(
                f"max_uncertainty_km is {self.max_uncertainty_km:g}; allowed: above 0.",
                settings=("max_uncertainty_km",),
            )


@dataclass(frozen=True, kw_only=True)
class RecordsOptions(TableOptions):
    """How tables of occurrences are read, and which of their records are believed."""

    trust_places: bool = False
    """Keep records at sea, and do not ask whether longitude and latitude were swapped."""


def check_tables(tables: Sequence[AnyPath], setting: str) -> None:
    """Raise ConfigError where no table is named."""
    if not tables:
        raise ConfigError("no table of records is named; name one or several.", settings=(setting,))
