"""`evaluate virtual`: from a region of the virtual world to figures of every month."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_records import WORLD
from recorded import RecordedProgress
from tiny_world import small_settings

from birdsat.cli import main
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.errors import ConfigError, InputError
from birdsat.observations.occurrences import Occurrences
from birdsat.ranges.evaluation import virtual_evaluation
from birdsat.workflows import evaluate_virtual as workflow
from birdsat.workflows.requests.evaluation import EvaluateVirtualRequest


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "RangeNetworkConfig", small_settings)


@pytest.fixture(scope="module")
def region(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole virtual world in cells of 15 degrees."""
    out = tmp_path_factory.mktemp("regions") / "world"
    main(["embed", str(run), str(out), "--grid", "15", "--box=-180,-90,180,90", "--imagery", "virtual:0"])
    return out


@pytest.mark.parametrize(("near_km", "share"), [(30_000.0, 1.0), (-1.0, 0.0)])
def test_every_species_is_fitted_and_evaluated_in_every_month(
    near_km: float,
    share: float,
    run: Path,
    region: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_evaluation, "NEAR_KM", near_km)
    words = ["evaluate", "virtual", "--run", run, "--region", region, "--points", 3, "--out", tmp_path / "out"]
    main([*map(str, words)])
    plain = json.loads((tmp_path / "out" / "evaluation_virtual.json").read_text())
    assert set(plain["points"]) == {taxon.name for taxon in WORLD.species}
    assert max(plain["points"].values()) == 3
    cells = len(open_region(region))
    for one in plain["residents"]["taxa"] + plain["migrants"]["taxa"]:
        assert one["present"] + one["absent"] == 12 * cells
    assert set(plain["centre_km"]) == set(plain["passage_km"]) == set(WORLD.migrants)
    shown = capsys.readouterr().out
    said = " ".join(shown.split())
    assert plain["near_months"] == share and f"{share:.0%} of single months within {near_km:g} km" in said
    assert "residents" in shown and "evaluation_virtual.json" in shown


def test_the_same_seed_gives_the_same_figures_and_another_draws_other_records(
    run: Path, region: Path, tmp_path: Path
) -> None:
    def figures(seed: int) -> dict[str, object]:
        request = EvaluateVirtualRequest(run=run, region=region, out=tmp_path, points=2, seed=seed)
        return workflow.evaluate_virtual(request, RecordedProgress()).report.to_dict()

    first = figures(0)
    assert figures(0) == first != figures(1)


def test_a_region_of_real_imagery_is_refused_and_so_are_zero_points(run: Path, region: Path, tmp_path: Path) -> None:
    copied = tmp_path / "region"
    copied.mkdir()
    for file in region.iterdir():
        text = file.read_bytes()
        (copied / file.name).write_bytes(text.replace(b'"virtual:0"', b'"earth.tif"'))
    request = EvaluateVirtualRequest(run=run, region=copied, out=tmp_path / "out")
    with pytest.raises(ConfigError, match=r"earth\.tif, whose true ranges are not known"):
        workflow.evaluate_virtual(request)
    with pytest.raises(ConfigError, match="points is 0"):
        EvaluateVirtualRequest(run=run, region=region, out=tmp_path, points=0)


def test_a_region_that_no_record_falls_into_is_refused(
    run: Path, region: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = workflow.draw_records

    def none_drawn(*given: Any) -> Occurrences:
        found = drawn(*given)
        return found.where(np.zeros(len(found), dtype=np.bool_))

    monkeypatch.setattr(workflow, "draw_records", none_drawn)
    with pytest.raises(InputError, match="embed a region with more land"):
        workflow.evaluate_virtual(EvaluateVirtualRequest(run=run, region=region, out=tmp_path / "out", points=1))
    assert not (tmp_path / "out").exists()
