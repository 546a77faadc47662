import csv
import json
import math
from pathlib import Path

import pytest

from birdsat.cli import main
from birdsat.dataset.build import build_dataset
from birdsat.errors import ConfigError
from birdsat.observations.splits import SplitRule
from birdsat.pictures.comparison import draw_comparison
from birdsat.training.run_folder import load_run
from birdsat.virtual.chips import VirtualChips
from birdsat.virtual.world import VirtualWorld
from birdsat.workflows.compare import COLUMNS, Row, cell, compare
from birdsat.workflows.requests.tasks import CompareRequest


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "world"
    world, chips = VirtualWorld(0, photo_px=64), VirtualChips(0, ground_km=50, px=32)
    splits = SplitRule(val_fraction=0.0, test_fraction=0.2)
    build_dataset(folder, world.observations(200), photos=world, chips=chips, splits=splits, workers=0)
    return folder


@pytest.fixture(scope="module")
def compared(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "compared"
    recipes = ["--recipes", "moco_geo_tiny", "cve_mae_tiny"]
    main(["compare", str(world), str(out), *recipes, "--seeds", "0", "--steps", "1", "--truth", "0", "--workers", "0"])
    return out


def test_the_table_has_a_row_for_each_recipe_and_says_what_a_method_cannot_do(compared: Path) -> None:
    with (compared / "compare.csv").open() as file:
        rows = {row["recipe"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["moco_geo_tiny", "cve_mae_tiny"]
    assert rows["moco_geo_tiny"]["map_auc_mean"] == "" and rows["moco_geo_tiny"]["probe_mean"] != ""
    assert 0 <= float(rows["cve_mae_tiny"]["map_auc_mean"]) <= 1
    markdown = (compared / "compare.md").read_text()
    assert markdown.count("\n") == 4 and "| – |" in markdown
    assert (compared / "compare.png").read_bytes().startswith(b"\x89PNG")


def test_what_was_evaluated_is_read_and_another_truth_is_refused(compared: Path, world: Path) -> None:
    def again(truth: int, steps: int = 1) -> CompareRequest:
        same = {"recipes": "cve_mae_tiny", "seeds": 0, "workers": 0}
        return CompareRequest(dataset=world, out=compared, truth=truth, steps=steps, **same)

    kept = compared / "cve_mae_tiny-0" / "compare.json"
    figures = json.loads(kept.read_text())
    kept.write_text(json.dumps(figures | {"probe": 0.125}))
    try:
        [row] = compare(again(truth=0)).rows
        assert row.mean("probe") == 0.125
        with pytest.raises(ConfigError, match=r"the truth of world 0; compare in another folder"):
            compare(again(truth=3))
        with pytest.raises(ConfigError, match=r"was trained for 1 steps, not 2; compare in another folder"):
            compare(again(truth=0, steps=2))
    finally:
        kept.write_text(json.dumps(figures))


def test_mean_and_standard_deviation_are_over_the_seeds() -> None:
    def run(probe: float) -> dict[str, float | None]:
        return dict.fromkeys(COLUMNS) | {"probe": probe}

    row = Row(recipe="one", runs=(run(0.2), run(0.4)))
    assert row.mean("probe") == pytest.approx(0.3) and row.std("probe") == pytest.approx(math.sqrt(0.02))
    assert cell(row, "probe") == "0.300 ± 0.141" and cell(row, "map_auc") == "–"
    assert cell(Row(recipe="one", runs=(run(0.2),)), "probe") == "0.200"
    assert len(draw_comparison(["one", "two"], {COLUMNS["probe"]: [[0.2, 0.4], []]}).axes) == 1


def test_recipes_that_see_no_photos_and_empty_comparisons_are_refused(world: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mae_chips_tiny sees no photos"):
        compare(CompareRequest(dataset=world, out=tmp_path, recipes=["cve_mae_tiny", "mae_chips_tiny"]))
    with pytest.raises(ConfigError, match="nothing to compare"):
        CompareRequest(dataset=world, out=tmp_path, recipes=[])
    with pytest.raises(ConfigError, match="nothing to compare"):
        CompareRequest(dataset=world, out=tmp_path, seeds=[])
    assert not list(tmp_path.iterdir())


def test_files_are_compared_beside_names_under_names_of_their_own(world: Path, compared: Path, tmp_path: Path) -> None:
    finished = compared / "moco_geo_tiny-0" / "config.json"
    request = CompareRequest(dataset=world, out=tmp_path, recipes=[finished], seeds=0, steps=1, workers=0)
    result = compare(request)
    assert [row.recipe for row in result.rows] == ["moco_geo_tiny-0"]
    assert load_run(tmp_path / "moco_geo_tiny-0-0").config == load_run(finished.parent).config
    assert result.to_dict()["rows"]["moco_geo_tiny-0"][0]["map_auc"] is None
    with pytest.raises(ConfigError, match="two of the recipes are called 'moco_geo_tiny-0'"):
        compare(CompareRequest(dataset=world, out=tmp_path, recipes=[finished, finished]))
