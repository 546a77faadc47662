import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from birdsat.cli import main
from birdsat.dataset.manifest import load_manifest
from birdsat.progress import Progress
from birdsat.workflows.registry import VERBS
from birdsat.workflows.requests.request import Request
from birdsat.workflows.requests.tasks import TaxaRequest


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
        assert f"  {verb} " in ended.stdout


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
    assert "either --table or --collection" in capsys.readouterr().err


@dataclass
class RaisingVerb:
    error: BaseException
    request: type[Request] = TaxaRequest

    def __call__(self, request: Request, progress: Progress) -> None:
        raise self.error


def verb_that_raises(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERBS, "taxa", RaisingVerb(error))


def test_ctrl_c_in_any_verb_is_one_line_and_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb_that_raises(KeyboardInterrupt(), monkeypatch)
    with pytest.raises(SystemExit) as ended:
        main(["taxa", "run"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "birdsat: stopped by Ctrl-C.\n"


def test_an_error_of_the_system_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb_that_raises(OSError(28, "No space left on device", "maps/a.tif"), monkeypatch)
    with pytest.raises(SystemExit) as ended:
        main(["taxa", "run"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "birdsat: [Errno 28] No space left on device: 'maps/a.tif'\n"


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out.startswith("birdsat 0.")


def test_the_recorded_command_is_the_one_that_ran_and_can_be_run_again(tmp_path: Path) -> None:
    words = ["data", "virtual", str(tmp_path / "two words"), "--observations", "20", "--workers", "0"]
    main(words)
    assert shlex.split(load_manifest(tmp_path / "two words").command) == ["birdsat", *words]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--table", "t.csv", "--crop"], "--crop can be used with --collection only"),
        (
            ["--collection", "cub", "--folder", "cub", "--photos", "p", "--columns", "taxon=x"],
            "--photos and --columns can be used with --table only",
        ),
        (["--table", "t.csv", "--chip-km", "5"], "--chip-km can be used with --chips only"),
        (["--table", "t.csv", "--stretch", "0", "3000"], "--stretch can be used with --chips only"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", "build", str(tmp_path / "out"), *words])
    assert ended.value.code == 1
    assert said in " ".join(capsys.readouterr().err.split())


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


def test_help_says_nothing_of_python_s_none(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["map", "--help"], ["pretrain", "--help"], ["data", "build", "--help"]):
        with pytest.raises(SystemExit):
            main(words)
    assert "{None}" not in capsys.readouterr().out
