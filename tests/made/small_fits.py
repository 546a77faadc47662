"""Fits by the very workflow of `birdsat fit`, of networks that take no time."""

from dataclasses import replace
from typing import Any

import pytest

from birdsat.ranges.network import RangeNetworkConfig
from birdsat.workflows import fit_ranges as workflow
from birdsat.workflows.requests.ranges import FitRequest

SETTINGS = RangeNetworkConfig(
    inputs=8, width=8, depth=1, members=2, steps=8, harmonics=1, places_a_step=32, background_a_step=32, block_km=100
)


def small_fit(**fields: Any) -> workflow.FitResult:
    """What the fields of a request ask, with places trusted and with SETTINGS in place of a real fit's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workflow, "RangeNetworkConfig", lambda seed: replace(SETTINGS, seed=seed))
        return workflow.fit_ranges(FitRequest(**fields, trust_places=True))
