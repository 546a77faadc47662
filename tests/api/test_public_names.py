"""What `import birdsat` offers: light, typed by the requests, documented, with examples that run."""

import ast
import doctest
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from recorded import RecordedProgress
from tiny_world import TinyWorld

import birdsat
from birdsat.api import load, model
from birdsat.api.verbs import Function
from birdsat.errors import BirdsatError, BirdsatWarning, ConfigError, InputError
from birdsat.workflows.registry import VERBS


def test_importing_birdsat_imports_nothing_heavy() -> None:
    script = (
        "import sys, birdsat\n"
        "heavy = {'numpy', 'torch', 'pyarrow', 'tyro', 'rich', 'lightning', 'dataclasses'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert birdsat.map.__doc__ and 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there_and_documented_and_type_checkers_see_the_same() -> None:
    for name in birdsat.__all__:
        assert inspect.getdoc(getattr(birdsat, name)), name
    tree = ast.parse(Path(birdsat.__file__).read_text())
    checked = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        for line in node.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert checked == set(birdsat.__all__) == set(dir(birdsat))
    with pytest.raises(AttributeError, match="no attribute 'maps_of'"):
        _ = birdsat.maps_of


def test_every_verb_is_a_function_of_its_request_s_fields() -> None:
    functions = [value for name in birdsat.__all__ if isinstance(value := getattr(birdsat, name), Function)]
    assert {function._verb for function in functions} == set(VERBS)
    for function in functions:
        request = VERBS[function._verb].request
        assert inspect.signature(function) == inspect.signature(request)
        said = " ".join(function.__doc__.split())
        assert all(f"{name}: {doc}" in said for name, doc in request.field_docs().items())
    said = " ".join(birdsat.map.__doc__.split())
    assert "where seasons are not known. Default: ()." in said and "map of effort. Default: 'maps'." in said
    assert "of those recorded. occurrences:" in said  # taxon has no default


def test_a_verb_takes_its_fields_checks_them_and_gives_its_result(tiny_world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no taxon is named") as raised:
        birdsat.map(taxon=[], ranges="ranges")
    assert raised.value.settings == ("taxon",)
    with pytest.raises(ConfigError, match="nearest: 'cve_mae_tiny'"):
        birdsat.pretrain(dataset="data", run=str(tmp_path / "run"), recipe="cve_mae_tny")
    with pytest.raises(TypeError, match="unexpected keyword"):
        birdsat.map(taxon="A b", taxons="A b")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"birdsat.map takes its settings by name, such as taxon="):
        birdsat.map("A b")  # type: ignore[misc]
    assert birdsat.taxa(run=str(tiny_world.run)).to_dict()
    assert birdsat.list_recipes().lines


def test_notes_are_warnings_or_go_where_they_are_wanted() -> None:
    assert issubclass(BirdsatWarning, UserWarning) and issubclass(ConfigError, BirdsatError)
    assert "birdsat.map" in repr(birdsat.map)
    progress = RecordedProgress()
    assert inspect.signature(birdsat.map.with_progress(progress)) == inspect.signature(birdsat.map)


@pytest.mark.parametrize("module", [load, model], ids=lambda module: module.__name__)
def test_the_examples_in_the_docs_run(module: object, tiny_world: TinyWorld) -> None:
    run, photo = tiny_world.run, tiny_world.photo
    names = {"birdsat": birdsat, "run": run, "photo": photo, "model": birdsat.load(run), "imagery": "virtual:0"}
    done = doctest.testmod(
        import_module(module.__name__),  # type: ignore[attr-defined]
        extraglobs=names,
        optionflags=doctest.ELLIPSIS,
    )
    assert done.attempted > 0 and done.failed == 0


def test_the_page_on_python_says_what_python_says(tiny_world: TinyWorld) -> None:
    run, photo = tiny_world.run, tiny_world.photo
    page = Path(__file__).parents[2] / "docs" / "python.md"
    names = {"birdsat": birdsat, "run": run, "photo": photo, "model": birdsat.load(run)}
    done = doctest.testfile(
        str(page), module_relative=False, globs=names, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert done.attempted > 10 and done.failed == 0


def test_whatever_a_folder_holds_says_in_a_line_what_it_is(tiny_world: TinyWorld) -> None:
    for folder, words in (
        (tiny_world.dataset, "dataset of 52 rows, 2 taxa"),
        (tiny_world.region, "region of 36 cells"),
        (tiny_world.ranges, "range model of 3 taxa"),
        (tiny_world.run, "Model CveMae of 1 taxa"),
    ):
        assert repr(birdsat.load(folder)).endswith(f"{words}: {folder}>")


def test_a_path_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a run, a range model, a region nor a dataset"):
        birdsat.load(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        birdsat.load(str(tmp_path / "absent"))
