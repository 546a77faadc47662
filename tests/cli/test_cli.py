import dataclasses
import pkgutil
import re
import subprocess
import sys
import typing
import warnings
from pathlib import Path

import pytest

from birdsat.cli.main import _show_of, main
from birdsat.cli.parse import parse
from birdsat.dataset.collections.registry import COLLECTIONS
from birdsat.errors import BirdsatWarning, DatasetError
from birdsat.workflows.registry import VERBS
from birdsat.workflows.requests.explorer import ExploreRequest
from birdsat.workflows.requests.request import Without


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom birdsat.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'lightning', 'pyarrow', 'numpy', 'sklearn', 'rasterio', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    for verb in VERBS:
        assert f"\n  {verb} " in ended.stdout


def test_the_package_runs_as_the_command_line() -> None:
    ended = subprocess.run([sys.executable, "-m", "birdsat", "--version"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "") and ended.stdout.startswith("birdsat ")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_what_does_it_and_what_shows_its_result(verb: str) -> None:
    assert callable(pkgutil.resolve_name(VERBS[verb].function))
    assert callable(_show_of(verb))


def test_data_alone_lists_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", "--help"])
    printed = capsys.readouterr().out
    assert all(f"data {verb} " in printed for verb in ("build", "info", "check", "virtual", "chips"))


def test_an_error_of_ours_is_one_line_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", "info", str(tmp_path)])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert printed.startswith("birdsat: ") and "not a dataset" in printed and "Traceback" not in printed


def verb_that_raises(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def describe_dataset(*_: object) -> None:
        raise error

    monkeypatch.setattr("birdsat.workflows.describe_dataset.describe_dataset", describe_dataset)


def test_ctrl_c_in_any_verb_is_one_line_and_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb_that_raises(KeyboardInterrupt(), monkeypatch)
    with pytest.raises(SystemExit) as ended:
        main(["data", "info", "somewhere"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "birdsat: stopped by Ctrl-C.\n"


def test_an_error_of_the_system_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb_that_raises(OSError(13, "Permission denied", "maps/a.tif"), monkeypatch)
    with pytest.raises(SystemExit) as ended:
        main(["data", "info", "somewhere"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "birdsat: maps/a.tif: Permission denied; name another place, or change who may read and write there.\n"
    )


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out.startswith("birdsat 0.")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--box", ["--box=1,2,3"]),
        ("--months", ["--box=1,2,3,4", "--months", "13"]),
        ("--grid", ["--box=1,2,3,4", "--grid", "0"]),
    ],
)
def test_an_error_about_a_value_names_its_option(
    option: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["map", "A b", "--run", "no-run", "--imagery", "virtual:0", *words])
    assert capsys.readouterr().err.rstrip().endswith(f"({option})")


def test_an_error_about_a_value_of_a_request_names_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", "chips", "out", "--imagery", "virtual:0", "--chip-km", "5", "--box=1,2,3"])
    printed = " ".join(capsys.readouterr().err.split())
    assert printed.startswith("birdsat: box '1,2,3' is not four numbers") and printed.endswith("(--box)")


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_nothing_of_python_s_none(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*verb.split(), "--help"])
    printed = capsys.readouterr().out
    assert f"birdsat {verb}" in printed and "None" not in printed


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_an_option_that_turns_something_off_says_what_it_does(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    request = VERBS[verb].request
    hints = typing.get_type_hints(request, include_extras=True)
    off = [one.name for one in dataclasses.fields(request) if one.default is True]
    with pytest.raises(SystemExit):
        main([*verb.split(), "--help"])
    printed = " ".join(re.sub("[│╭╮╰╯─]", " ", capsys.readouterr().out).split())
    assert "(default: True)" not in printed and "(default: False)" not in printed
    for name in off:
        (mark,) = (one for one in hints[name].__metadata__ if isinstance(one, Without))
        assert f"--no-{name.replace('_', '-')} {mark.text}" in printed


def test_what_is_done_by_default_is_called_as_it_is_turned_off() -> None:
    assert ExploreRequest.option("browser") == "--no-browser" and ExploreRequest.option("port") == "--port"
    assert ExploreRequest(browser=False).command("explore") == "birdsat explore --no-browser"
    assert parse(ExploreRequest, ["--no-browser"], "birdsat explore").browser is False


def test_the_command_line_offers_exactly_the_collections_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["data", "build", "--help"])
    assert f"{{{','.join(COLLECTIONS)}}}" in capsys.readouterr().out


def test_output_that_nobody_reads_to_its_end_prints_no_error() -> None:
    command = f"{sys.executable} -u -c 'from birdsat.cli import main; main([\"recipes\"])' | true"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--set", ["pretrain", "data", "out", "--set", "steps=4", "--set", "workers=0"]),
        ("--months", ["map", "Corvus corax", "--out", "o", "--months", "1", "--months=2"]),
    ],
)
def test_an_option_of_several_values_that_is_there_twice_loses_none_of_them_in_silence(
    option: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    said = capsys.readouterr().err
    assert f"{option} is there 2 times, and the last alone would count; write it once, with all values" in said


def test_our_warnings_read_like_notes_and_others_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def describe_dataset(*_: object) -> None:
        warnings.warn("one of its polygons crosses itself.", BirdsatWarning, stacklevel=2)
        warnings.warn("of another library", UserWarning, stacklevel=2)
        raise DatasetError("enough")

    monkeypatch.setattr("birdsat.workflows.describe_dataset.describe_dataset", describe_dataset)
    usual = warnings.formatwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", shown)
        with pytest.raises(SystemExit):
            main(["data", "info", "somewhere"])
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "birdsat: one of its polygons crosses itself." and "UserWarning: of another library" in said[1]
    assert said[-1] == "birdsat: enough" and warnings.formatwarning is usual


def shown(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    """As Python shows warnings, where no test catches them."""
    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))
