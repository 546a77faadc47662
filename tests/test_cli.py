import subprocess
import sys
from pathlib import Path

import pytest

from birdsat.cli import Recipe, main
from birdsat.recipes.runs import RECIPES


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom birdsat.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'lightning', 'pyarrow', 'numpy', 'sklearn', 'rasterio', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    for verb in ("data", "pretrain", "classify", "retrieve", "map", "embed", "labels", "demo"):
        assert verb in ended.stdout


@pytest.mark.parametrize("verb", ["build", "info", "check", "virtual"])
def test_data_has_verbs_of_its_own(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", verb, "--help"])
    assert ended.value.code == 0
    assert f"birdsat data {verb}" in capsys.readouterr().out


def test_an_error_of_ours_is_one_line_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", "info", str(tmp_path)])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert printed.startswith("birdsat: ") and "not a dataset" in printed and "Traceback" not in printed


def test_building_needs_exactly_one_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", "build", str(tmp_path / "out")])
    assert "either --table or --cub" in capsys.readouterr().err


def test_the_command_line_offers_exactly_the_recipes_there_are() -> None:
    assert set(Recipe.__args__) == set(RECIPES)
