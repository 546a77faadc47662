"""Command lines that end with an error."""

import pytest

from birdsat.cli import main


def failed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What is said on stderr, in one line, by a command that ends with the status of an error."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    assert ended.value.code == 1
    return " ".join(capsys.readouterr().err.split())
