"""Recipes by name, each with the function that makes it. Light of imports: the command line's choices are these."""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from birdsat.errors import ConfigError, NewerFormatError, nearest

if TYPE_CHECKING:
    from birdsat.training.config import RunConfig


def _of(module: str, *names: str) -> dict[str, str]:
    return {name: f"birdsat.recipes.{module}:{name}" for name in names}


RECIPES: dict[str, str] = {
    **_of(
        "ours",
        "cve_mae_tiny",
        "cve_mae_tiny_without_metadata",
        "cvm_mae_tiny",
        "cvm_mae_tiny_without_metadata",
        "mae_tiny",
        "mae_tiny_with_metadata",
        "mae_chips_tiny",
        "moco_geo_tiny",
        "moco_tiny",
        "cve_mae_small",
        "cve_mae_base",
        "cve_mae_large",
        "mae_base",
    ),
    **_of(
        "paper",
        "cve_mae_paper_tiny",
        "cvm_mae_paper_tiny",
        "cve_mae_paper",
        "cve_mae_paper_without_metadata",
        "cvm_mae_paper",
        "cvm_mae_paper_without_metadata",
        "mae_paper",
        "mae_chips_paper",
        "moco_geo_paper",
    ),
}
FINETUNE_RECIPES: dict[str, str] = _of("finetune", "finetune_tiny", "finetune_base")
ALL_RECIPES: dict[str, str] = RECIPES | FINETUNE_RECIPES
RECIPE_FILE = ".json"  # how the name of a recipe's file ends


def recipe(name: str) -> "RunConfig":
    """The run of a recipe, or of a file: the config.json of any run is one.

    What a run took from its dataset (statistics of pixels, taxa) stands in its file as well, and is taken anew from
    the dataset at hand; the centres of moco_geo's clusters stay. Raises ConfigError for a name that is not known, with
    the nearest ones, and for a file that cannot be read.
    """
    if name.endswith(RECIPE_FILE):
        return _read(Path(name))
    if name not in ALL_RECIPES:
        raise ConfigError(
            f"there is no recipe {name!r}{nearest(name, ALL_RECIPES)}. `birdsat recipes` lists them; a file whose name "
            f"ends in {RECIPE_FILE}, such as a run's config.json, is one too."
        )
    module, function = ALL_RECIPES[name].split(":")
    made: RunConfig = getattr(import_module(module), function)()
    return made


def first_lines() -> dict[str, str]:
    """What each recipe is for, by name: the first line of its docstring, read without importing what it needs."""
    docs: dict[str, dict[str, str]] = {}
    lines = {}
    for name, entry in ALL_RECIPES.items():
        module, function = entry.split(":")
        if module not in docs:
            docs[module] = _docs(module)
        lines[name] = docs[module][function]
    return lines


def _docs(module: str) -> dict[str, str]:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    functions = [node for node in ast.parse(Path(spec.origin).read_text()).body if isinstance(node, ast.FunctionDef)]
    return {function.name: (ast.get_docstring(function) or "").split("\n")[0] for function in functions}


def _read(path: Path) -> "RunConfig":
    from birdsat import config
    from birdsat.training.config import RunConfig

    try:
        return config.load(RunConfig, path)
    except OSError as error:
        raise ConfigError(
            f"the recipe {path} cannot be read ({error}); `birdsat recipes` lists those by name."
        ) from error
    except NewerFormatError as error:
        raise ConfigError(f"{path} is a recipe of a newer birdsat, or has a mistake: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{path} is not a recipe: {error} The config.json of any run is one.") from error
