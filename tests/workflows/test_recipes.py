"""`birdsat recipes`: the list, and one recipe as a file."""

import json
from pathlib import Path

import pytest

from birdsat.cli.main import main
from birdsat.recipes.registry import ALL_RECIPES, recipe
from birdsat.workflows.recipes import recipes
from birdsat.workflows.requests.training import RecipesRequest


def test_every_recipe_is_listed_with_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    main(["recipes"])
    printed = capsys.readouterr().out
    for name in ALL_RECIPES:
        assert f" {name} " in printed
    assert "Photos of 64 px alone, on two CPU cores." in printed
    assert recipes(RecipesRequest()).to_dict().keys() == ALL_RECIPES.keys()


def test_a_recipe_that_is_shown_is_itself_a_recipe_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["recipes", "finetune_tiny"])
    shown = capsys.readouterr().out
    (tmp_path / "mine.json").write_text(shown)
    assert recipe(str(tmp_path / "mine.json")) == recipe("finetune_tiny")
    main(["recipes", str(tmp_path / "mine.json")])
    assert json.loads(capsys.readouterr().out) == json.loads(shown)


def test_a_recipe_that_there_is_not_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["recipes", "finetune_tny"])
    assert "nearest: 'finetune_tiny'" in capsys.readouterr().err
