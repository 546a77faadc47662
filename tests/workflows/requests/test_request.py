"""What every request does with what it is given."""

from pathlib import Path

import pytest

from birdsat.errors import ConfigError
from birdsat.workflows.requests.export import ExportRequest
from birdsat.workflows.requests.maps import MapRequest


@pytest.mark.parametrize("given", ["hf://anna/birds", "hf://anna/birds@wide", Path("hf://anna/birds")])
def test_a_model_on_the_hub_is_told_to_be_fetched_first_where_a_folder_is_needed(given: str | Path) -> None:
    with pytest.raises(
        ConfigError, match=r"run is hf://anna/birds.*`birdsat.load\('hf://anna/birds.*save\(FOLDER\)`"
    ) as e:
        ExportRequest(run=given, out="out")
    assert e.value.settings == ("run",)
    with pytest.raises(ConfigError, match="ranges is hf://anna/birds"):
        MapRequest(taxon="Corvus corax", ranges=given, out="out")
