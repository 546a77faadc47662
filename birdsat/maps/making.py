"""How a map came about, for those who make products and reports of it."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

NOT_EVALUATED = "not evaluated: no block of records could be held out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """What is known of a map beside its description. Plain JSON values; empty of a map of an earlier release."""

    thresholds: Mapping[str, float] = field(default_factory=dict)  # by name: from which value on it is range
    thresholds_of: str = ""  # what they were chosen on, or why there are none
    rows: Mapping[str, Any] = field(default_factory=dict)  # what became of the rows of the tables
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the fit
    versions: Mapping[str, str] = field(default_factory=dict)  # of what computed it
    commands: tuple[str, ...] = ()  # that make it again, one after another

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "thresholds": dict(self.thresholds),
            "thresholds_of": self.thresholds_of,
            "rows": dict(self.rows),
            "settings": dict(self.settings),
            "versions": dict(self.versions),
            "commands": list(self.commands),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> "Making":
        """The inverse of `to_dict`; what it does not know is passed over. Raises TypeError, ValueError or
        AttributeError for values of other types, and for thresholds that are not from 0 to 1."""
        thresholds = {str(name): float(value) for name, value in written.get("thresholds", {}).items()}
        if not all(0 <= value <= 1 for value in thresholds.values()):
            raise ValueError(f"thresholds are {thresholds}; they lie from 0 to 1")
        rows = dict(written.get("rows", {}))
        for reasons in ("dropped", "noted"):
            rows.get(reasons, {}).items()  # a mapping, on which readers count
        return cls(
            thresholds=thresholds,
            thresholds_of=str(written.get("thresholds_of", "")),
            rows=rows,
            settings=dict(written.get("settings", {})),
            versions={str(name): str(one) for name, one in written.get("versions", {}).items()},
            commands=tuple(map(str, written.get("commands", ()))),
        )


def versions_here() -> dict[str, str]:
    """Of birdsat, and of what computes a map."""
    return {"python": platform.python_version()} | {
        name: version(name) for name in ("birdsat", "torch", "numpy", "rasterio")
    }
