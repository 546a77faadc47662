"""Words from tables and settings within Markdown: as text, never as marks, links or HTML."""

import json
import re

_MARKS = re.compile(r"([\\`*\[\]|~$])")
_FIRST = re.compile(r"^(#|>|[-+=](?=\s|$|[-+=])|\d+[.)](?=\s))")  # what begins a heading, a quote, a list
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def markdown_text(words: object) -> str:
    """Words in one line that show as they are, in a cell of a table as well."""
    line = one_line(words).translate(_ENTITIES)
    return _FIRST.sub(r"\\\1", _MARKS.sub(r"\\\1", line))


def markdown_code(words: object) -> str:
    """Words in one line as code, with a fence that is longer than those in them."""
    line = one_line(words)
    fence = _fence(line, 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def markdown_block(text: str) -> str:
    """Lines as a block of code, with a fence that is longer than those in them."""
    fence = _fence(text, 3)
    return f"{fence}\n{text}\n{fence}"


def yaml_text(words: object) -> str:
    """Words in one line as a quoted scalar of YAML."""
    return json.dumps(one_line(words), ensure_ascii=False)


def one_line(words: object) -> str:
    """Words without line ends and without characters that control a terminal or do not show."""
    shown = "".join(character if character.isprintable() else " " for character in str(words))
    return " ".join(shown.split())


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1 if longest >= least else least)
