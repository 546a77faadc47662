"""What holds for every message in the package, read from its source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "birdsat"
OPTION = re.compile(r"(?<![\w-])--[a-z]")
# A command that is named as a whole, such as `birdsat embed RUN OUT --grid STEP`, or is all of the text.
COMMAND = re.compile(r"`[^`]*`|^birdsat [a-z]+ .*$")


def messages(source: str) -> Iterator[tuple[int, str]]:
    """The line and the words of every piece of text but docstrings and those under fields; {} for what is put in."""
    tree = ast.parse(source)
    below = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=parts):
                yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
            case ast.Constant(value=str(text)) if id(node) not in below | pieces:
                yield node.lineno, text


@pytest.mark.parametrize(
    "source", ['raise E("use --box")', 'raise E(f"{a} or " f"leave --box out")', 'X = {"a": ("--b",)}']
)
def test_an_option_in_a_message_is_seen(source: str) -> None:
    assert any(OPTION.search(text) for _, text in messages(source))


def test_no_message_below_the_command_line_names_an_option() -> None:
    named = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {text}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "cli"
        for line, text in messages(path.read_text())
        if OPTION.search(COMMAND.sub("", text))
    ]
    assert named == []
