"""Recipes by name and from files."""

import subprocess
import sys
from pathlib import Path

import pytest

from birdsat import config
from birdsat.errors import ConfigError
from birdsat.recipes.registry import ALL_RECIPES, first_lines, recipe


def test_each_recipe_has_a_first_line_that_is_a_sentence() -> None:
    lines = first_lines()
    assert list(lines) == list(ALL_RECIPES)
    for name, line in lines.items():
        assert len(line) > 20 and "\n" not in line, name
    assert lines["mae_tiny"] == "Photos of 64 px alone, on two CPU cores."


def test_the_names_and_their_lines_import_nothing_heavy() -> None:
    script = (
        "import sys\nfrom birdsat.recipes.registry import first_lines\nfirst_lines()\n"
        "heavy = {'torch', 'numpy', 'pyarrow'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_recipe_written_as_a_file_is_the_same_recipe(tmp_path: Path) -> None:
    config.save(recipe("moco_geo_tiny"), tmp_path / "mine.json")
    assert recipe(str(tmp_path / "mine.json")) == recipe("moco_geo_tiny")


def test_names_and_files_that_are_not_recipes_are_refused_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'cve_mea_tiny'; nearest: 'cve_mae_tiny'.*`birdsat recipes`"):
        recipe("cve_mea_tiny")
    with pytest.raises(ConfigError, match=r"gone.json cannot be read"):
        recipe(str(tmp_path / "gone.json"))
    (tmp_path / "other.json").write_text('{"kind": "Manifest"}')
    with pytest.raises(ConfigError, match=r"other.json is not a recipe: .*a Manifest, not a RunConfig"):
        recipe(str(tmp_path / "other.json"))
